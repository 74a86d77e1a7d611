"""Fixes as people and forges take them: a patch, review comments with suggestions, JSON.

A suggestion is one block's change; it replaces whole lines, and can be taken by a click where those lines are
part of the proposed change. Only the patch shows lines that are not changed.
"""

from __future__ import annotations

import difflib
import posixpath
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from iacgate.gate.fixes import FileChange, Fix, FixPlan
from iacgate.model.finding import Result
from iacgate.reports.text import clean, encode_json

__all__ = ["FORMATS", "render"]

FORMATS = ("patch", "github", "gitlab", "json")
SCHEMA = "iacgate/fixes/v1"


class _Suggestion(NamedTuple):
    """Lines ``line`` to ``end_line`` of a file give way to others."""

    path: str
    line: int
    end_line: int
    old: str
    new: str
    fixes: list[Fix]


def render(name: str, plan: FixPlan, base: str) -> bytes:
    """In one of ``FORMATS``. ``base`` is the directory as the caller gave it; paths begin with it if they can."""
    prefix = "" if posixpath.isabs(base) else posixpath.normpath(base)
    prefix = "" if prefix == "." or prefix.startswith("..") else prefix
    if name == "patch":
        return "".join(_patch(one, posixpath.join(prefix, one.shown)) for one in plan.changes).encode()
    found = [one for change in plan.changes for one in _suggestions(change, plan.fixes, prefix)]
    match name:
        case "github":
            return encode_json(_github(found)) + b"\n"
        case "gitlab":
            return encode_json([_gitlab(one) for one in found]) + b"\n"
        case _:
            return encode_json(_json(found, plan)) + b"\n"


def _patch(change: FileChange, path: str) -> str:
    """A unified diff as git writes it."""
    name = {side: _quoted(f"{side}/{path}") for side in ("a", "b")}
    out = [f"diff --git {name['a']} {name['b']}\n"]
    before, after = _lines(change.before.decode()), _lines(change.after.decode())
    for number, line in enumerate(difflib.unified_diff(before, after, name["a"], name["b"])):
        if number < 2 and " " in path and not line.rstrip("\n").endswith('"'):
            line = line.rstrip("\n") + "\t\n"
        out.append(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n")
    return "".join(out)


def _quoted(path: str) -> str:
    """As git writes a path: in quotes where it holds more than plain characters."""
    if not re.search(r'[\x00-\x1f\x7f"\\]', path):
        return path
    return '"' + re.sub(r'[\x00-\x1f\x7f"\\]', lambda found: f"\\{ord(found[0]):03o}", path) + '"'


def _lines(text: str) -> list[str]:
    """Lines end in a line feed and nothing else, as for git."""
    return re.findall(r"[^\n]*\n|[^\n]+$", text)


def _suggestions(change: FileChange, fixes: list[Fix], prefix: str) -> Iterator[_Suggestion]:
    path = posixpath.join(prefix, change.shown)
    for block in change.blocks:
        named = [one for one in fixes if any((e.file, e.block) == (change.path, block.start) for e in one.edits)]
        old, new = _lines(block.old), _lines(block.new)
        first, last = 0, 0
        while first < min(len(old), len(new)) and old[first] == new[first]:
            first += 1
        while last < min(len(old), len(new)) - first and old[-1 - last] == new[-1 - last]:
            last += 1
        if first == len(old) - last:  # nothing gives way: the line above is repeated
            first -= 1
        gone, come = old[first : len(old) - last], new[first : len(new) - last]
        yield _Suggestion(
            path, block.line + first, block.line + len(old) - last - 1, "".join(gone), "".join(come), named
        )


def _github(found: list[_Suggestion]) -> dict[str, Any]:
    """The body of "create a review for a pull request"."""
    comments = []
    for one in found:
        place: dict[str, Any] = {"path": one.path, "line": one.end_line, "side": "RIGHT"}
        if one.line != one.end_line:
            place |= {"start_line": one.line, "start_side": "RIGHT"}
        comments.append(place | {"body": _body(one, "suggestion")})
    return {"event": "COMMENT", "body": "Fixes for findings of iacgate.", "comments": comments}


def _gitlab(one: _Suggestion) -> dict[str, Any]:
    """The body of "create a merge request thread", to which the caller adds the three commits of ``diff_refs``."""
    position = {"position_type": "text", "old_path": one.path, "new_path": one.path, "new_line": one.line}
    return {"body": _body(one, f"suggestion:-0+{one.end_line - one.line}"), "position": position}


def _body(one: _Suggestion, language: str) -> str:
    longest = max((len(run) for run in re.findall(r"`+", one.new)), default=0)
    fence = "`" * max(3, longest + 1)
    words = [f"- {_title(fix)}" for fix in one.fixes]
    lines = one.new if one.new.endswith("\n") else one.new + "\n"
    return "\n".join(words) + f"\n\n{fence}{language}\n{lines}{fence}"


def _title(fix: Fix) -> str:
    text = f"{clean(fix.result.check.title)} (`{fix.result.check.id}`, `{clean(fix.result.subject.address)}`)"
    return f"{text}. {clean(fix.note)}" if fix.note else text


def _json(found: list[_Suggestion], plan: FixPlan) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "edits": [
            {
                "path": one.path,
                "line": one.line,
                "end_line": one.end_line,
                "old": one.old,
                "new": one.new,
                "fingerprints": [fix.result.fingerprint for fix in one.fixes],
            }
            for one in found
        ],
        "fixed": [_finding(one.result) | {"note": one.note} for one in plan.fixes],
        "also_fixed": [_finding(one) for one in plan.also],
        "declined": [_finding(one.result) | {"why": one.why} for one in plan.declined],
    }


def _finding(result: Result) -> dict[str, Any]:
    return {
        "check": result.check.id,
        "address": result.subject.address,
        "root": result.subject.root,
        "fingerprint": result.fingerprint,
    }
