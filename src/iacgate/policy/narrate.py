"""A condition told part by part, with the truth of each for one resource: what ``iacgate explain`` prints."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from iacgate.model.finding import Evidence
from iacgate.policy.comparisons import COMPARISONS
from iacgate.policy.conditions import compile_condition
from iacgate.policy.lookup import shown
from iacgate.policy.subject import ConditionError

if TYPE_CHECKING:
    from iacgate.policy.subject import Subject

__all__ = ["Step", "narrate"]

_TRUTHS = ("pass", "unknown", "fail")


class Step(NamedTuple):
    """One part of a condition."""

    depth: int
    truth: str
    """``pass``, ``unknown``, ``fail`` or ``error``."""
    text: str
    evidence: tuple[Evidence, ...]
    """What the part saw; only of parts that are no mere logic."""


def narrate(tree: dict[str, Any], subject: Subject, depth: int = 0) -> Iterator[Step]:
    """The parts of a condition in normal form, first to last, each with its truth for ``subject``."""
    truth, evidence = _judge(tree, subject)
    if "all" in tree or "any" in tree:
        kind = "all" if "all" in tree else "any"
        yield Step(depth, truth, "all of these" if kind == "all" else "at least one of these", ())
        for child in tree[kind]:
            yield from narrate(child, subject, depth + 1)
    elif "not" in tree:
        inner = tree["not"]
        if "any" in inner:
            yield Step(depth, truth, "none of these", ())
            for child in inner["any"]:
                yield from narrate(child, subject, depth + 1)
        else:
            yield Step(depth, truth, "not", ())
            yield from narrate(inner, subject, depth + 1)
    else:
        yield Step(depth, truth, describe(tree), evidence)


def _judge(tree: dict[str, Any], subject: Subject) -> tuple[str, tuple[Evidence, ...]]:
    node = compile_condition(tree)
    try:
        truth = node.judge(subject.values, subject.unknown, (), subject)
        out: list[Evidence] = []
        node.explain(subject.values, subject.unknown, (), subject, truth == 0, 2 if truth == 0 else truth, out)
    except ConditionError as error:
        return "error", (Evidence("", str(error), "a value the check can read"),)
    return _TRUTHS[truth], tuple(one for number, one in enumerate(out) if one not in out[:number])


def describe(tree: dict[str, Any]) -> str:
    """One part of a condition in words."""
    match tree:
        case {"compare": name, "path": path, "value": value}:
            comparison = COMPARISONS[name]
            if name == "open_to_world":
                words = "open to the internet" if value else "not open to the internet"
            else:
                words = comparison.words.format(shown(value))
            absent = f" (absent: {_TRUTHS[tree['absent']]})" if path else ""
            return f"{_path(path)} is {words}{absent}"
        case {"is_set": wanted, "path": path}:
            return f"{_path(path)} is {'set' if wanted else 'not set'}"
        case {"is_empty": wanted, "path": path}:
            return f"{_path(path)} is {'empty' if wanted else 'not empty'}"
        case {"pattern_for": name, "path": path}:
            return f"{_path(path)} is a pattern that covers `{name}`"
        case {"covers": names, "path": path}:
            return f"{_path(path)} takes in {shown(names)}"
        case {"every": path, "satisfies": inner}:
            return f"every {_path(path)}: {describe(inner)}"
        case {"some": path, "satisfies": inner}:
            return f"some {_path(path)}: {describe(inner)}"
        case {"ports": spec}:
            return f"ports {', '.join(map(str, spec['include']))} are in {_path(spec['from'])} to {_path(spec['to'])}"
        case {"related": spec}:
            link = f"whose `{spec['their']}` names this" if "their" in spec else f"named by {_path(spec['our'])}"
            inner = f", where {describe(spec['satisfies'])}" if spec.get("satisfies") else ""
            return f"{' or '.join(spec['type'])} {link}{inner}"
        case {"exists": spec}:
            inner = f", where {describe(spec['satisfies'])}" if spec.get("satisfies") else ""
            return f"one {' or '.join(spec['type'])} in this configuration{inner}"
        case {"policy_document": path, "satisfies": inner}:
            return f"the policy in {_path(path)}: {describe(inner)}"
        case {"action": words}:
            return f"the plan does {' or '.join(words)}"
        case {"all": parts}:
            return "(" + " and ".join(describe(part) for part in parts) + ")"
        case {"any": parts}:
            return "(" + " or ".join(describe(part) for part in parts) + ")"
        case {"not": inner}:
            return f"not {describe(inner)}"
        case _:
            raise AssertionError(sorted(tree))


def _path(steps: list[str]) -> str:
    return ".".join(steps) or "it"
