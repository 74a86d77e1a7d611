"""The report for people at a terminal and in CI logs: what blocks, where, why and how to fix it.

Plain text that needs no colour. Colour is bold and three standard SGR colours (ECMA-48), written
here: no drawing library is imported. Untrusted text is cleaned, and no line starts with ``::``,
which GitHub's runner would take for a workflow command.
"""

import textwrap
from collections.abc import Iterator, Sequence
from typing import assert_never

from iacgate.model.decision import Outcome, Report
from iacgate.model.finding import Change, CheckInfo, Result, Severity, Verdict
from iacgate.reports.interface import RenderOptions
from iacgate.reports.text import ADDRESS_LIMIT, clean
from iacgate.reports.wording import (
    FINGERPRINT_LENGTH,
    Group,
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

__all__ = ["render"]

GROUP_LIMIT = 30
"""Checks a section lists."""
RESOURCE_LIMIT = 10
"""Resources a blocking check lists."""
FEW = 3
"""Resources a check that does not block lists."""
SEE_JSON = "(see --format json)"

_BOLD, _RED, _YELLOW, _GREEN, _FAINT = "1", "1;31", "33", "32", "2"


def render(report: Report, options: RenderOptions) -> bytes:
    """The report as text, wrapped at 60 to 120 columns."""
    page = _Page(max(60, min(options.width, 120)), colour=options.colour)
    _summary(page, report)
    for section in sections(shown(report, options)):
        if blocks(section.effect):
            _findings(page, section)
        else:
            _counts(page, section.title, section.size, section.groups)
    if report.fixed:
        _counts(page, "Fixed by this plan", len(report.fixed), group_by_check(report.fixed))
    _closing(page, report)
    return page.to_bytes()


class _Page:
    """Lines of text, wrapped and painted."""

    def __init__(self, width: int, *, colour: bool) -> None:
        self.width = width
        self._colour = colour
        self._lines: list[str] = []

    def add(self, text: str, indent: int = 0, hanging: int = 0, style: str = "") -> None:
        """Add text at an indent, wrapped between words; long words are left whole to be copied."""
        first = " " * indent
        wrapped = textwrap.wrap(
            text,
            self.width,
            initial_indent=first,
            subsequent_indent=first + " " * hanging,
            break_long_words=False,
            break_on_hyphens=False,
        )
        for line in wrapped:
            safe = line.replace("::", r"\x3a:", 1) if line.lstrip().startswith("::") else line
            self._lines.append(f"\x1b[{style}m{safe}\x1b[0m" if style and self._colour else safe)

    def gap(self) -> None:
        """An empty line, unless there is one."""
        if self._lines and self._lines[-1]:
            self._lines.append("")

    def to_bytes(self) -> bytes:
        """The page with a line end after every line."""
        return "".join(line.rstrip() + "\n" for line in self._lines).encode(errors="replace")


def _summary(page: _Page, report: Report) -> None:
    outcome = report.decision.outcome
    page.add(f"{outcome.value.upper()}: {headline(report)}", style=_outcome_style(outcome))
    page.add(input_line(report), style=_FAINT)
    lines = reasons(report.decision)
    if lines:
        page.gap()
    for reason in lines:
        page.add(f"- {reason}", 2, 2)


def _findings(page: _Page, section: Section) -> None:
    page.gap()
    page.add(f"{section.title} ({section.size})", style=_BOLD)
    for group in section.groups[:GROUP_LIMIT]:
        _findings_of_check(page, group)
    _more_checks(page, section.groups)


def _findings_of_check(page: _Page, group: Group) -> None:
    page.gap()
    _check_title(page, group.check, len(group.results))
    levels = ", ".join(dict.fromkeys(result.enforcement.value for result in group.results))
    page.add(f"{clean(group.check.id, ADDRESS_LIMIT)}, {levels}", 4, style=_FAINT)
    for alike in _with_same_evidence(group.results[:RESOURCE_LIMIT]):
        page.gap()
        _places(page, alike)
        for line in evidence_lines(alike[0]):
            page.add(f"each: {line}" if len(alike) > 1 else line, 8, 2)
    if len(group.results) > RESOURCE_LIMIT:
        page.gap()
        page.add(f"… and {len(group.results) - RESOURCE_LIMIT} more {SEE_JSON}", 6)
    if group.check.remediation and any(result.verdict is not Verdict.ERROR for result in group.results):
        page.gap()
        page.add(f"Fix: {clean(group.check.remediation)}", 4, 5)


def _with_same_evidence(results: Sequence[Result]) -> Iterator[list[Result]]:
    """Results in their order; those with the same evidence come together, to print it once."""
    alike: dict[tuple[str, ...], list[Result]] = {}
    for result in results:
        alike.setdefault(tuple(evidence_lines(result)), []).append(result)
    yield from alike.values()


def _places(page: _Page, results: Sequence[Result]) -> None:
    """Address, file and line, status and fingerprint: in columns where they fit, else on two lines."""
    addresses = [clean(result.subject.address, ADDRESS_LIMIT) for result in results]
    details = [_details(result) for result in results]
    longest = max(map(len, addresses))
    in_columns = 6 + longest + 2 + max(map(len, details)) <= page.width
    for address, detail in zip(addresses, details, strict=True):
        if in_columns:
            page.add(f"{address}{' ' * (longest - len(address))}  {detail}", 6)
        else:
            page.add(address, 6)
            page.add(detail, 8, 2, style=_FAINT)


def _details(result: Result) -> str:
    file = clean(place_and_line(result), ADDRESS_LIMIT)
    return "  ".join(filter(None, (file, status_words(result), result.fingerprint[:FINGERPRINT_LENGTH])))


def _counts(page: _Page, title: str, size: int, groups: Sequence[Group]) -> None:
    """A section that blocks nothing: per check a count and the first few addresses."""
    page.gap()
    page.add(f"{title} ({size})", style=_BOLD)
    page.gap()
    for group in groups[:GROUP_LIMIT]:
        _check_title(page, group.check, len(group.results))
        page.add(", ".join(filter(None, (clean(group.check.id, ADDRESS_LIMIT), _statuses(group)))), 4, 2, style=_FAINT)
        for result in group.results[:FEW]:
            page.add(clean(result.subject.address, ADDRESS_LIMIT), 6)
        if len(group.results) > FEW:
            page.add(f"… and {len(group.results) - FEW} more {SEE_JSON}", 6)
        for need in dict.fromkeys(e.needs for result in group.results for e in result.evidence if e.needs):
            page.add(f"to know it: {clean(need)}", 6, 2)
    _more_checks(page, groups)


def _statuses(group: Group) -> str:
    """How many have which status, where they differ: ``2 pre-existing, 1 unknown, introduced``."""
    numbers: dict[str, int] = {}
    for result in group.results:
        status = "" if result.change is Change.FIXED else status_words(result)
        numbers[status] = numbers.get(status, 0) + 1
    if len(numbers) == 1:
        return next(iter(numbers))
    return "; ".join(f"{number} {status}" for status, number in numbers.items() if status)


def _check_title(page: _Page, check: CheckInfo, size: int) -> None:
    severity = f"{check.severity.value.upper():<8}"
    times = f" ({size})" if size > 1 else ""
    page.add(f"{severity}  {clean(check.title)}{times}", 2, 10, style=_severity_style(check.severity))


def _more_checks(page: _Page, groups: Sequence[Group]) -> None:
    rest = groups[GROUP_LIMIT:]
    if rest:
        findings = count(sum(len(group.results) for group in rest), "result")
        page.gap()
        page.add(f"… and {count(len(rest), 'more check')} with {findings} {SEE_JSON}", 2)


def _closing(page: _Page, report: Report) -> None:
    page.gap()
    for note in report.notes:
        page.add(f"Note: {clean(note)}", 0, 6)
    for line in side_effect_lines(report):
        page.add(f"Also: {line}", 0, 6)
    for line in scan_lines(report):
        page.add(line, 0, 2)
    for line in inventory_lines(report):
        page.add(line, 0, 2)
    page.add(coverage_line(report), 0, 2)
    page.add(policy_line(report), 0, 2)


def _outcome_style(outcome: Outcome) -> str:
    match outcome:
        case Outcome.ALLOW:
            return _GREEN
        case Outcome.REVIEW:
            return _YELLOW
        case Outcome.DENY | Outcome.ERROR:
            return _RED
        case _:
            assert_never(outcome)


def _severity_style(severity: Severity) -> str:
    match severity:
        case Severity.CRITICAL | Severity.HIGH:
            return _RED
        case Severity.MEDIUM:
            return _YELLOW
        case Severity.LOW:
            return ""
        case _:
            assert_never(severity)
