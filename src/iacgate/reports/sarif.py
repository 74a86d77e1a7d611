"""SARIF 2.1.0 (OASIS), within what GitHub code scanning reads.

- ``kind`` and ``level`` (3.27.9, 3.27.10): a fail has a level by its effect. An unknown is ``review``
  where a person must decide, else ``open``; a check error is ``open``, and a notification too. The
  specification wants level ``none`` for every kind but ``fail``.
- ``baselineState`` is ``new``, ``updated``, ``unchanged`` or ``absent`` by change. What a plan fixes
  (``absent``) is listed with ``include_passed`` only, as passes are: GitHub ignores baseline states
  and would open an alert for what is fixed.
- GitHub ignores ``suppressions`` as well, unless the ``advanced-security/dismiss-alerts`` action runs.
- GitHub refuses more than 25,000 results a run and keeps 5,000: the weightiest come first, the list
  is cut and a notification says so.
"""

from collections.abc import Sequence
from typing import Any, assert_never
from urllib.parse import quote

from iacgate.model.decision import Outcome, Report
from iacgate.model.finding import Change, CheckInfo, Effect, Result, Severity, Verdict
from iacgate.reports.interface import RenderOptions
from iacgate.reports.markdown import prose
from iacgate.reports.text import ADDRESS_LIMIT, clean, encode_json
from iacgate.reports.wording import (
    blocks,
    by_weight,
    count,
    evidence_lines,
    headline,
    origins_words,
    place,
    reasons,
    scan_lines,
    shown_in_one_list,
)

__all__ = ["RESULT_LIMIT", "render", "render_all"]

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
RESULT_LIMIT = 25_000
"""Results a run may have."""
PATH_LIMIT = 4_096
"""Characters of a path (Linux' ``PATH_MAX``)."""


def render(report: Report, options: RenderOptions) -> bytes:
    """A log with one run."""
    return render_all((report,), options)


def render_all(reports: Sequence[Report], options: RenderOptions) -> bytes:
    """A log with one run a report; runs of several reports are told apart by workspace or path."""
    runs = [_run(report, options, _category(report, alone=len(reports) == 1)) for report in reports]
    return encode_json({"$schema": SCHEMA, "version": "2.1.0", "runs": runs}) + b"\n"


def _category(report: Report, *, alone: bool) -> str:
    """GitHub keeps one analysis a tool and category; the caller may set it where we know nothing better."""
    name = report.input.workspace or ("" if alone else report.input.path)
    return f"iacgate/{clean(name, ADDRESS_LIMIT)}/" if name else ""


def _run(report: Report, options: RenderOptions, category: str) -> dict[str, Any]:
    every = by_weight(shown_in_one_list(report, options))
    results = every[:RESULT_LIMIT]
    rules: dict[str, int] = {}
    checks: list[CheckInfo] = []
    for result in results:
        if rules.setdefault(result.check.id, len(rules)) == len(checks):
            checks.append(result.check)
    driver = {"name": "iacgate", "version": report.tool_version, "rules": [_rule(check) for check in checks]}
    source = {"location": _artifact(report.input.path or "input")}
    run = {
        "tool": {"driver": driver},
        "invocations": [_invocation(report, results, len(every) - len(results), rules)],
        "artifacts": [source | {"hashes": {"sha-256": report.input.sha256}, "roles": ["analysisTarget"]}],
        "results": [_result(result, rules[result.check.id], report) for result in results],
        "columnKind": "unicodeCodePoints",
        "properties": {"outcome": report.decision.outcome, "summary": headline(report)},
    }
    return run | {"automationDetails": {"id": category}} if category else run


def _invocation(report: Report, results: Sequence[Result], left_out: int, rules: dict[str, int]) -> dict[str, Any]:
    decision = report.decision
    failed = decision.outcome is Outcome.ERROR
    notifications = [_notification("error" if failed else "note", reason) for reason in reasons(decision)]
    notifications += [_notification("note", note) for note in (*report.notes, *scan_lines(report))]
    if left_out:
        text = f"{count(left_out, 'result')} left out: a run holds {RESULT_LIMIT}, the weightiest are kept"
        notifications.append(_notification("warning", text))
    for result in results:
        if result.verdict is Verdict.ERROR:
            level = "error" if blocks(result.effect) else "warning"
            text = f"{clean(result.subject.address, ADDRESS_LIMIT)}: {result.message}"
            rule = {"id": result.check.id, "index": rules[result.check.id]}
            notifications.append(_notification(level, text) | {"associatedRule": rule})
    return {
        "executionSuccessful": not failed,
        "exitCode": decision.exit_code,
        "exitCodeDescription": decision.outcome,
        "toolExecutionNotifications": notifications,
    }


def _notification(level: str, text: str) -> dict[str, Any]:
    return {"level": level, "message": {"text": _plain(clean(text))}}


def _rule(check: CheckInfo) -> dict[str, Any]:
    paragraphs = [check.rationale, f"Fix: {check.remediation}" if check.remediation else ""]
    paragraphs.append(f"Deprecated: {check.deprecated}" if check.deprecated else "")
    paragraphs = [paragraph for paragraph in paragraphs if paragraph] or [check.title]
    title = _plain(clean(check.title)) or check.id
    return {
        "id": check.id,
        "shortDescription": {"text": title},
        "fullDescription": {"text": _plain(clean(check.rationale)) or title},
        "help": {
            "text": "\n\n".join(_plain(clean(paragraph)) for paragraph in paragraphs),
            "markdown": "\n\n".join(prose(paragraph) for paragraph in paragraphs),
        },
        "properties": {
            "tags": ["security", "infrastructure-as-code", check.family],
            "security-severity": _score(check.severity),
            "aliases": check.aliases,
            "controls": check.controls,
        },
    }


def _score(severity: Severity) -> str:
    """GitHub's bands: critical above 9.0, high from 7.0, medium from 4.0, low below."""
    match severity:
        case Severity.CRITICAL:
            return "9.5"
        case Severity.HIGH:
            return "8.0"
        case Severity.MEDIUM:
            return "5.5"
        case Severity.LOW:
            return "2.0"
        case _:
            assert_never(severity)


def _result(result: Result, rule: int, report: Report) -> dict[str, Any]:
    kind = _kind(result)
    lines = [f"{clean(result.subject.address, ADDRESS_LIMIT)}: {clean(result.check.title)}", *evidence_lines(result)]
    shaped: dict[str, Any] = {
        "ruleId": result.check.id,
        "ruleIndex": rule,
        "kind": kind,
        "level": _level(result.effect) if kind == "fail" else "none",
        "message": {"text": _plain("\n".join(lines))},
        "locations": [_location(result, report)],
        "partialFingerprints": {"iacgate/v1": result.fingerprint},
        "baselineState": _baseline(result),
        "properties": {"effect": result.effect, "enforcement": result.enforcement, "verdict": result.verdict},
    }
    if result.origins:
        shaped["message"]["text"] += "\n" + _plain(f"reported by {origins_words(result)}")
        shaped["properties"] |= {"sources": result.sources}
    if result.effect is Effect.EXCEPTED:
        accepted = {"kind": "external", "status": "accepted", "justification": clean(result.exception)}
        shaped["suppressions"] = [accepted]
    return shaped


def _kind(result: Result) -> str:
    match result.verdict:
        case Verdict.FAIL:
            return "fail"
        case Verdict.UNKNOWN:
            return "review" if result.effect is Effect.REVIEW else "open"
        case Verdict.ERROR:
            return "open"
        case Verdict.PASS:
            return "pass"
        case Verdict.NOT_APPLICABLE:
            return "notApplicable"
        case _:
            assert_never(result.verdict)


def _level(effect: Effect) -> str:
    match effect:
        case Effect.DENY | Effect.ERROR:
            return "error"
        case Effect.REVIEW | Effect.WOULD_BLOCK:
            return "warning"
        case Effect.OBLIGATION | Effect.NOTE | Effect.EXCEPTED | Effect.NONE:
            return "note"
        case _:
            assert_never(effect)


def _baseline(result: Result) -> str:
    """All results of a run have a state or none has (3.27.24): an error is new, a pass unchanged."""
    match result.change:
        case Change.INTRODUCED:
            return "new"
        case Change.WORSENED:
            return "updated"
        case Change.PRE_EXISTING:
            return "unchanged"
        case Change.FIXED:
            return "absent"
        case None:
            return "unchanged" if result.effect is Effect.NONE else "new"
        case _:
            assert_never(result.change)


def _location(result: Result, report: Report) -> dict[str, Any]:
    """The file where it is known; else the plan, because GitHub shows no result without a file."""
    subject, span = result.subject, result.location
    physical: dict[str, Any] = {"artifactLocation": _artifact(place(result) or report.input.path or "input")}
    physical["region"] = {"startLine": span.line, "endLine": span.end_line} if span else {"startLine": 1}
    logical = {"fullyQualifiedName": clean(subject.address, ADDRESS_LIMIT), "kind": "resource"}
    return {"physicalLocation": physical, "logicalLocations": [logical]}


def _artifact(path: str) -> dict[str, str]:
    uri = quote(path[:PATH_LIMIT], errors="replace")
    return {"uri": f"file://{uri}" if uri.startswith("/") else uri}


def _plain(text: str) -> str:
    """SARIF reads ``[text](target)`` in plain messages as a link (3.11.6): take that meaning away."""
    return text.replace("](", "] (")
