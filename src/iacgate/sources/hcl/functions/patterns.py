"""Functions of regular expressions: RE2, the syntax of Terraform's own and matched in linear time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from iacgate.sources.hcl.conversion import UntoldError
from iacgate.sources.hcl.functions.signature import MAX_ELEMENTS, Function, function, refuse_growth, text
from iacgate.sources.hcl.values import EvaluationError

__all__ = ["table"]

_MAX_SEARCHED = 2 * 10**8
"""Characters searched through by one call: each match may look at all that follows it. A second or two."""
_REFERENCE = re.compile(r"\$(?:\$|\{(\w+)\}|(\w+))", re.ASCII)


def table() -> dict[str, Function]:
    """The functions of this subject."""
    return {
        "regex": function(_regex, text, text),
        "regexall": function(_regex_all, text, text),
        "replace": function(_replace, text, text, text),
    }


@lru_cache(maxsize=128)
def _compiled(pattern: str) -> Any:
    import re2

    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error:
        raise EvaluationError("not a regular expression in RE2 syntax") from None


def _matches(pattern: Any, value: str) -> Iterator[Any]:
    """Every match. As in Go, an empty one right behind another match is none."""
    end, searched = -1, 0
    for found in pattern.finditer(value):
        searched += len(value)
        if searched > _MAX_SEARCHED:
            raise UntoldError("the text is too long to look for so many matches")
        if found.start() == found.end() == end:
            continue
        end = found.end()
        yield found


def _groups(pattern: Any, found: Any) -> Any:
    """The match: its text, or a list of its groups, or a map of those with names."""
    if not pattern.groups:
        return found.group()
    if not pattern.groupindex:
        return list(found.groups())
    if len(pattern.groupindex) != pattern.groups:
        raise EvaluationError("either all groups of a regular expression have names, or none")
    return {name: found.group(at) for name, at in pattern.groupindex.items()}


def _regex(pattern: str, value: str) -> Any:
    compiled = _compiled(pattern)
    found = compiled.search(value)
    if found is None:
        raise EvaluationError("the regular expression does not match")
    return _groups(compiled, found)


def _regex_all(pattern: str, value: str) -> list[Any]:
    compiled = _compiled(pattern)
    out: list[Any] = []
    for found in _matches(compiled, value):
        refuse_growth(len(out), MAX_ELEMENTS)
        out.append(_groups(compiled, found))
    return out


def _replace(value: str, old: str, new: str) -> str:
    """A part of a text, or what a ``/regular expression/`` matches, by a text that may refer to its groups."""
    if len(old) > 1 and old.startswith("/") and old.endswith("/"):
        return _replace_matches(value, _compiled(old[1:-1]), new)
    refuse_growth(len(value) + value.count(old) * len(new))
    return value.replace(old, new)


def _replace_matches(value: str, pattern: Any, new: str) -> str:
    out: list[str] = []
    at = size = 0
    for found in _matches(pattern, value):
        made = _REFERENCE.sub(lambda reference: _referred(reference, pattern, found), new)  # noqa: B023 - called here
        size += found.start() - at + len(made)
        refuse_growth(size)
        out += (value[at : found.start()], made)
        at = found.end()
    return "".join([*out, value[at:]])


def _referred(reference: re.Match[str], pattern: Any, found: Any) -> str:
    """``$1``, ``${1}``, ``$name``, ``${name}``: a group's text, empty when there is none; ``$$`` is a dollar sign."""
    name = reference[1] or reference[2]
    if name is None:
        return "$"
    at = int(name) if name.isdigit() and len(name) < 5 else pattern.groupindex.get(name, -1)
    return found.group(at) or "" if 0 <= at <= pattern.groups else ""
