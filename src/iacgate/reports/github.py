"""GitHub Actions annotations: workflow commands on standard output, and nothing else.

GitHub shows 10 errors, 10 warnings and 10 notices a step and drops the rest without a word, so the
weightiest come first and the tenth says how many more there are. A decision that no finding explains
is an annotation of its own. Escaping follows GitHub's toolkit
(``packages/core/src/command.ts``): ``%``, CR and LF in messages; ``:`` and ``,`` too in properties.
"""

from collections.abc import Sequence
from typing import assert_never

from iacgate.model.decision import Outcome, Report
from iacgate.model.finding import Effect, Result
from iacgate.reports.interface import RenderOptions
from iacgate.reports.text import ADDRESS_LIMIT, clean
from iacgate.reports.wording import by_weight, count, evidence_lines, headline, place, reasons, shown, status_words

__all__ = ["ANNOTATION_LIMIT", "render", "render_all"]

ANNOTATION_LIMIT = 10
"""Annotations of one kind that GitHub shows for one step."""


def render(report: Report, options: RenderOptions) -> bytes:
    """One report's annotations."""
    return render_all((report,), options)


def render_all(reports: Sequence[Report], options: RenderOptions) -> bytes:
    """The annotations of several reports, which share the step's limits."""
    commands: dict[str, list[str]] = {"error": [], "warning": [], "notice": []}
    for report in reports:
        kind = _kind_of_outcome(report.decision.outcome)
        told = {_kind(result.effect) for result in shown(report, options)}
        if kind and (kind not in told or report.decision.outcome is Outcome.ERROR):
            commands[kind].append(_decision(kind, report))
    for result in by_weight(result for report in reports for result in shown(report, options)):
        kind = _kind(result.effect)
        if kind:
            commands[kind].append(_annotation(kind, result))
    lines = [line for kind, lines in commands.items() for line in _capped(kind, lines)]
    return "".join(f"{line}\n" for line in lines).encode(errors="replace")


def _kind_of_outcome(outcome: Outcome) -> str | None:
    match outcome:
        case Outcome.ERROR | Outcome.DENY:
            return "error"
        case Outcome.REVIEW:
            return "warning"
        case Outcome.ALLOW:
            return None
        case _:
            assert_never(outcome)


def _kind(effect: Effect) -> str | None:
    match effect:
        case Effect.DENY | Effect.ERROR:
            return "error"
        case Effect.REVIEW:
            return "warning"
        case Effect.WOULD_BLOCK | Effect.OBLIGATION:
            return "notice"
        case Effect.NOTE | Effect.EXCEPTED | Effect.NONE:
            return None
        case _:
            assert_never(effect)


def _capped(kind: str, lines: list[str]) -> list[str]:
    if len(lines) <= ANNOTATION_LIMIT:
        return lines
    rest = len(lines) - ANNOTATION_LIMIT + 1
    return [*lines[: ANNOTATION_LIMIT - 1], f"::{kind} title=iacgate::and {count(rest, 'more finding')}"]


def _annotation(kind: str, result: Result) -> str:
    check, location = result.check, result.location
    properties = {"title": f"{check.severity.value}: {clean(check.title, ADDRESS_LIMIT)}"}
    if location is not None:
        file = clean(place(result), ADDRESS_LIMIT)
        properties = {"file": file, "line": str(location.line), "endLine": str(location.end_line)} | properties
    status = status_words(result)
    lines = [clean(result.subject.address, ADDRESS_LIMIT) + (f" ({status})" if status else "")]
    lines += evidence_lines(result)
    if check.remediation:
        lines.append(f"Fix: {clean(check.remediation)}")
    lines.append(clean(check.id, ADDRESS_LIMIT))
    return _command(kind, properties, "\n".join(lines))


def _decision(kind: str, report: Report) -> str:
    outcome = report.decision.outcome.value
    message = "\n".join([clean(report.input.path, ADDRESS_LIMIT), *(reasons(report.decision) or [headline(report)])])
    return _command(kind, {"title": f"iacgate: {outcome}"}, message)


def _command(kind: str, properties: dict[str, str], message: str) -> str:
    shaped = ",".join(f"{name}={_property(value)}" for name, value in properties.items() if value)
    return f"::{kind} {shaped}::{_message(message)}"


def _message(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")
