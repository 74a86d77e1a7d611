"""The report as a comment on a pull request (GitHub Flavored Markdown; GitLab and others read it too).

The first line is a hidden marker that names the workspace: whoever posts the comment looks for it
and replaces the comment that has it. A comment holds 65,536 characters on GitHub; we stop adding at
60,000, whole rows at a time, and say so.

Untrusted text becomes entities for every character that means anything in Markdown, so that no
table, link, mention or HTML can be made with it; where a renderer would still see a mention or a
link in the finished text, an empty comment splits it.
"""

import hashlib
import re
from collections.abc import Iterable
from urllib.parse import quote

from iacgate.model.decision import Report
from iacgate.model.finding import Result
from iacgate.reports.interface import RenderOptions
from iacgate.reports.text import ADDRESS_LIMIT, TEXT_LIMIT, clean
from iacgate.reports.wording import (
    FINGERPRINT_LENGTH,
    Section,
    blocks,
    count,
    coverage_line,
    evidence_lines,
    group_by_check,
    headline,
    input_line,
    inventory_lines,
    place_and_line,
    policy_line,
    reasons,
    scan_lines,
    sections,
    shown,
    side_effect_lines,
    status_words,
)

__all__ = ["COMMENT_LIMIT", "code", "marker", "page", "prose", "render"]

COMMENT_LIMIT = 60_000
"""Bytes of UTF-8, so at most as many characters."""
_RESERVE = 200
_MARKER_LIMIT = 200
_SPLIT = "<!-- -->"
_AUTOLINK = re.compile(r"(:(?=//)|www(?=\.))", re.IGNORECASE)
_STARTS = ("-", "+", "=", " ")
"""What would begin a list, an underline or code at the start of a line."""
_ENTITIES = str.maketrans(
    {sign: f"&#{ord(sign)};" for sign in "!$&*<>[\\]_`{|}~"} | {"@": f"&#64;{_SPLIT}", "#": f"&#35;{_SPLIT}"}
)


def render(report: Report, options: RenderOptions) -> bytes:
    """The comment: marker, headline, tables of what blocks, the rest folded away."""
    return page(report, options, COMMENT_LIMIT)


def marker(workspace: str | None) -> str:
    """The hidden first line by which a comment is found again. One workspace has one comment."""
    if workspace is None:
        return "<!-- iacgate:report -->"
    name = quote(workspace, safe="/.", errors="replace").replace("--", "%2D%2D")
    if len(name) > _MARKER_LIMIT:
        name = hashlib.sha256(workspace.encode(errors="replace")).hexdigest()
    return f"<!-- iacgate:report {name} -->"


def page(report: Report, options: RenderOptions, limit: int) -> bytes:
    """The report in at most ``limit`` bytes, the weightiest first."""
    out = _Page(limit)
    out.add(marker(report.input.workspace))
    out.add(f"### {report.decision.outcome.value.upper()}: {prose(headline(report))}\n")
    out.add(f"{code(input_line(report))}\n")
    out.add_all(f"- {prose(reason)}" for reason in reasons(report.decision))
    closing = [prose(clean(note)) for note in report.notes]
    closing += map(
        prose,
        (
            *side_effect_lines(report),
            *scan_lines(report),
            *inventory_lines(report),
            coverage_line(report),
            policy_line(report),
        ),
    )
    out.keep("\n<sub>" + "<br>".join(closing[-10:]) + "</sub>")
    for section in sections(shown(report, options)):
        if blocks(section.effect):
            _table(out, section)
        else:
            _folded(out, section)
    if report.fixed:
        fixed = report.fixed
        _folded(out, Section(fixed[0].effect, "Fixed by this plan", group_by_check(fixed)))
    return out.to_bytes()


def code(text: str, limit: int = ADDRESS_LIMIT) -> str:
    """Untrusted text in ``<code>``, safe in and outside tables."""
    return f"<code>{_escape(clean(text, limit))}</code>" if text.strip() else ""


def prose(text: str, limit: int = TEXT_LIMIT) -> str:
    """Untrusted text with every meaning escaped, except that paired backticks give ``<code>``."""
    parts = clean(text, limit).split("`")
    if len(parts) % 2 == 0:
        parts = ["`".join(parts)]
    marked = "".join(code(part) if odd % 2 else _escape(part) for odd, part in enumerate(parts))
    return f"&#{ord(marked[0])};{marked[1:]}" if marked[:1] in _STARTS else marked


def _escape(text: str) -> str:
    return _AUTOLINK.sub(rf"\1{_SPLIT}", text.translate(_ENTITIES))


class _Page:
    """Blocks of Markdown up to a limit; what does not fit is counted instead of cut."""

    def __init__(self, limit: int) -> None:
        self._room = limit - _RESERVE
        self._blocks: list[bytes] = []
        self._end = b""
        self._left_out = 0

    def add(self, text: str, reserve: int = 0) -> bool:
        """Add a block if it fits with ``reserve`` bytes left; else count it as left out."""
        block = text.encode(errors="replace") + b"\n"
        if len(block) + reserve > self._room:
            return False
        self._room -= len(block)
        self._blocks.append(block)
        return True

    def add_all(self, lines: Iterable[str], reserve: int = 0) -> None:
        """Add lines while they fit; count those that do not."""
        full = False
        for line in lines:
            full = full or not self.add(line, reserve)
            self._left_out += full

    def leave_out(self, number: int) -> None:
        """Count what did not fit."""
        self._left_out += number

    def keep(self, text: str) -> None:
        """Set the last block, for which room is kept."""
        end = text.encode(errors="replace") + b"\n"
        if len(end) <= self._room:
            self._room -= len(end)
            self._end = end

    def to_bytes(self) -> bytes:
        """The page."""
        note = f"\n… and {count(self._left_out, 'more row')} left out for length (see the JSON report)\n"
        return b"".join([*self._blocks, note.encode() if self._left_out else b"", self._end])


def _table(out: _Page, section: Section) -> None:
    head = f"\n#### {section.title} ({section.size})\n\n| Severity | Check | Resource | Found |\n|---|---|---|---|"
    if not out.add(head):
        out.leave_out(section.size)
        return
    out.add_all(_row(result) for group in section.groups for result in group.results)
    fixes = [(group.check.title, group.check.remediation) for group in section.groups if group.check.remediation]
    if fixes and out.add("\n**How to fix**\n"):
        out.add_all(f"- {prose(title)}: {prose(remediation)}" for title, remediation in fixes)


def _row(result: Result) -> str:
    check = result.check
    where = [code(result.subject.address), _file(result), prose(status_words(result))]
    what = [prose(check.title), code(check.id), result.fingerprint[:FINGERPRINT_LENGTH]]
    cells = (check.severity.value, _lines(what), _lines(where), _lines(evidence_lines(result, code, prose)))
    return f"| {' | '.join(cells)} |"


def _file(result: Result) -> str:
    return code(place_and_line(result))


def _lines(parts: Iterable[str]) -> str:
    return "<br>".join(filter(None, parts))


def _folded(out: _Page, section: Section) -> None:
    close = "\n</details>"
    if not out.add(f"\n<details><summary>{section.title} ({section.size})</summary>\n", len(close) + 1):
        out.leave_out(section.size)
        return
    for group in section.groups:
        title = f"- {group.check.severity.value}: {prose(group.check.title)} {code(group.check.id)}"
        if not out.add(f"{title} ({len(group.results)})", len(close) + 1):
            out.leave_out(len(group.results))
            continue
        items = (_lines_item(result) for result in group.results)
        out.add_all((f"  - {item}" for item in items), len(close) + 1)
    out.add(close)


def _lines_item(result: Result) -> str:
    return " ".join(filter(None, (code(result.subject.address), _file(result), prose(status_words(result)))))
