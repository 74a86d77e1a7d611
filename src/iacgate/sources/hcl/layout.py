"""How ``terraform fmt`` lays out attributes in successive lines: their equals signs, and the comments behind them.

A value in brackets over several lines ends a run, a heredoc does not (``hclwrite``'s ``formatCells``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from iacgate.sources.hcl.parse import parse_hcl
from iacgate.sources.hcl.syntax import Body

__all__ = ["aligned", "line_start"]

_COMMENT = re.compile(r"(?P<space>[ \t\r]*)(?P<comment>(?:#|//|/\*).*)?$")


class _Row(NamedTuple):
    """An attribute that begins on a line of its own, taken apart."""

    line: int
    end_line: int
    lead: str
    """The indentation and the name."""
    gap: str
    """Between the name and the equals sign."""
    value: str
    """The equals sign and the expression, as far as it stands on the line."""
    space: str
    comment: str
    """Behind the expression; empty where there is none."""


def aligned(before: str, after: str, old_line: int, new_line: int) -> str:
    """``after``, with the run of lines around ``new_line`` laid out, if that around ``old_line`` was in ``before``.

    ``after`` is ``before`` with one attribute changed or put in. Lines count from 1.
    """
    was = _run(list(_rows(before)), old_line)
    if any(shown != row for row, shown in zip(was, _laid_out(was), strict=True)):
        return after
    now = _run(list(_rows(after)), new_line)
    lines = after.split("\n")
    for row in _laid_out(now):
        lines[row.line - 1] = row.lead + row.gap + row.value + row.space + row.comment
    return "\n".join(lines)


def line_start(text: str, at: int) -> int:
    """Where the line of a character begins."""
    return text.rfind("\n", 0, at) + 1


def _run(rows: list[_Row], line: int) -> list[_Row]:
    """The rows without a line between them, among them the one that begins at a line (or ends there)."""
    position = next((at for at, row in enumerate(rows) if line in (row.line, row.end_line)), None)
    if position is None:
        return []
    first = last = position
    while first > 0 and rows[first - 1].end_line + 1 == rows[first].line:
        first -= 1
    while last + 1 < len(rows) and rows[last].end_line + 1 == rows[last + 1].line:
        last += 1
    return rows[first : last + 1]


def _laid_out(run: list[_Row]) -> list[_Row]:
    width = max((len(row.lead) for row in run), default=0)
    run = [row._replace(gap=" " * (width - len(row.lead) + 1)) for row in run]
    out: list[_Row] = []
    commented: list[_Row] = []
    for row in run:
        if row.comment and (not commented or commented[-1].end_line + 1 == row.line):
            commented.append(row)
            continue
        out += _comments(commented)
        commented = [row] if row.comment else []
        if not row.comment:
            out.append(row)
    return out + _comments(commented)


def _comments(run: list[_Row]) -> list[_Row]:
    width = max((len(row.lead + row.gap + row.value) for row in run), default=0)
    return [row._replace(space=" " * (width - len(row.lead + row.gap + row.value) + 1)) for row in run]


def _rows(text: str) -> Iterator[_Row]:
    syntax = parse_hcl(text)
    lines = text.split("\n")
    for body in _bodies(syntax.body):
        found = []
        for one in body.attributes:
            line = lines[one.line - 1]
            start = line_start(text, one.start)
            head = text[start : one.start]
            match = re.fullmatch(r"(\s*[^\s={]+)(\s*)(=\s*)", head)
            heredoc = text.startswith("<<", one.start)
            if match is None or (one.line != one.end_line and not heredoc):
                continue
            rest = line[len(head) :] if heredoc else text[one.start : one.end]
            tail = "" if heredoc else line[len(head) + len(rest) :]
            behind = _COMMENT.match(tail)
            if behind is None:
                continue
            comment = behind["comment"] or ""
            space = behind["space"] if comment else tail
            found.append(_Row(one.line, one.end_line, match[1], match[2], match[3] + rest, space, comment))
        yield from sorted(found)


def _bodies(body: Body) -> Iterator[Body]:
    yield body
    for block in body.blocks:
        yield from _bodies(block.body)
