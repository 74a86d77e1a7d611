"""What checks leave to the policy bundle: lists that differ between organizations, such as required tags.

A check declares a parameter and writes ``{parameter: NAME}`` where a comparison takes its operand; the
policy bundle gives the value. A check whose parameter has neither a value nor a default is not asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from iacgate.errors import Problem

if TYPE_CHECKING:
    from iacgate.policy.catalogue import Catalogue

__all__ = ["Parameter", "fill", "parameter_problems", "values_of"]


class Parameter(NamedTuple):
    """One parameter of a check."""

    about: str
    kinds: tuple[str, ...]
    """What the comparisons that use it take (``Comparison.operand``)."""
    default: Any = None
    """``None``: there is none, and the check is not asked until the policy gives a value."""


def values_of(parameters: Mapping[str, Parameter], given: Mapping[str, Any]) -> dict[str, Any] | None:
    """The parameters' values; ``None`` when one has no value, so that the check cannot be asked."""
    values = {name: given.get(name, one.default) for name, one in parameters.items()}
    return None if None in values.values() else values


def fill(tree: Any, values: Mapping[str, Any]) -> Any:
    """A condition in normal form with the parameters' values in their places."""
    if isinstance(tree, list):
        return [fill(item, values) for item in tree]
    if not isinstance(tree, dict):
        return tree
    if set(tree) == {"parameter"} and tree["parameter"] in values:
        return values[tree["parameter"]]
    return {key: fill(value, values) for key, value in tree.items()}


def parameter_problems(
    given: Mapping[str, Any], lines: Mapping[str, int], catalogue: Catalogue, file: str
) -> list[Problem]:
    """What is wrong with the values that a policy bundle gives: names no check has, values of another kind."""
    if not given:
        return []
    # Imported here: only a bundle with parameters pays for the words of the condition language.
    from difflib import get_close_matches

    from iacgate.policy.condition_syntax import operand_problem

    known: dict[str, set[str]] = {}
    for number in range(len(catalogue)):
        for name, parameter in catalogue.parameters(number).items():
            known.setdefault(name, set()).update(parameter.kinds)
    problems = []
    for name, value in given.items():
        line = lines.get(name, 0)
        if name not in known:
            close = get_close_matches(name, known, n=1)
            hint = f"; did you mean `{close[0]}`?" if close else ""
            problems.append(Problem(file, line, 1, f"no check has a parameter `{name}`{hint}"))
            continue
        wanted = filter(None, (operand_problem(value, kind) for kind in sorted(known[name])))
        problems += [Problem(file, line, 1, f"the parameter `{name}` takes {one}") for one in wanted]
    return problems
