"""JUnit XML, for Jenkins, GitLab, Azure DevOps and whatever else reads test results.

One suite an input, one case a check and resource: ``failure`` where the change is denied or waits
for review, ``error`` where a check could not be evaluated and that counts, ``skipped`` with the
reason for what does not block. The first case is the decision itself, so that an input without
findings has a result and an error of the gate is never green.

There is no standard; this follows the ``testmoapp/junitxml`` description and Jenkins'
``jenkins-junit.xsd``. XML 1.0 allows few control characters: ``clean`` leaves none.
"""

from collections.abc import Sequence
from typing import assert_never

from iacgate.model.decision import Outcome, Report
from iacgate.model.finding import Effect, Result
from iacgate.reports.interface import RenderOptions
from iacgate.reports.text import ADDRESS_LIMIT, clean
from iacgate.reports.wording import (
    coverage_line,
    effect_words,
    evidence_lines,
    headline,
    place,
    reasons,
    shown_in_one_list,
    status_words,
)

__all__ = ["render", "render_all"]

_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\n": "&#10;"})


def render(report: Report, options: RenderOptions) -> bytes:
    """A document with one suite."""
    return render_all((report,), options)


def render_all(reports: Sequence[Report], options: RenderOptions) -> bytes:
    """A document with one suite a report."""
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', '<testsuites name="iacgate">']
    for report in reports:
        lines += _suite(report, options)
    lines.append("</testsuites>\n")
    return "\n".join(lines).encode(errors="replace")


def _suite(report: Report, options: RenderOptions) -> list[str]:
    cases = [_decision_case(report)]
    tags = [_decision_tag(report.decision.outcome)]
    for result in shown_in_one_list(report, options):
        cases.append(_case(result))
        tags.append(_tag(result.effect))
    counts = {
        "tests": len(cases),
        "failures": tags.count("failure"),
        "errors": tags.count("error"),
        "skipped": tags.count("skipped"),
    }
    head = {"name": clean(report.input.path, ADDRESS_LIMIT)} | {name: str(number) for name, number in counts.items()}
    properties = {
        "outcome": report.decision.outcome.value,
        "workspace": report.input.workspace or "",
        "passed": str(report.summary.passed),
        "fixed": str(report.summary.fixed),
        "coverage": coverage_line(report),
        "policy_digest": report.policy.digest,
    }
    shaped = [_tag_line("property", {"name": name, "value": clean(value)}) for name, value in properties.items()]
    return [f"<testsuite{_attributes(head)}>", "<properties>", *shaped, "</properties>", *cases, "</testsuite>"]


def _decision_case(report: Report) -> str:
    tag = _decision_tag(report.decision.outcome)
    case = {"classname": "iacgate", "name": "decision"}
    return _case_lines(case, tag, report.decision.outcome.value, headline(report), reasons(report.decision))


def _decision_tag(outcome: Outcome) -> str:
    match outcome:
        case Outcome.ALLOW:
            return ""
        case Outcome.DENY | Outcome.REVIEW:
            return "failure"
        case Outcome.ERROR:
            return "error"
        case _:
            assert_never(outcome)


def _case(result: Result) -> str:
    check = result.check
    case = {"classname": clean(check.id, ADDRESS_LIMIT), "name": clean(result.subject.address, ADDRESS_LIMIT)}
    if result.location is not None:
        case |= {"file": clean(place(result), ADDRESS_LIMIT), "line": str(result.location.line)}
    title = f"{effect_words(result.effect)}: {clean(check.title)}"
    body = [", ".join(filter(None, (check.severity.value, result.enforcement.value, status_words(result))))]
    body += evidence_lines(result)
    if check.remediation:
        body.append(f"Fix: {clean(check.remediation)}")
    body.append(f"Fingerprint: {clean(result.fingerprint)}")
    return _case_lines(case, _tag(result.effect), check.severity.value, title, body)


def _tag(effect: Effect) -> str:
    """The element by what a result does to the decision; none is a pass."""
    match effect:
        case Effect.DENY | Effect.REVIEW:
            return "failure"
        case Effect.ERROR:
            return "error"
        case Effect.WOULD_BLOCK | Effect.OBLIGATION | Effect.NOTE | Effect.EXCEPTED:
            return "skipped"
        case Effect.NONE:
            return ""
        case _:
            assert_never(effect)


def _case_lines(case: dict[str, str], tag: str, kind: str, message: str, body: Sequence[str]) -> str:
    if not tag:
        return _tag_line("testcase", case)
    outcome = {"message": message} if tag == "skipped" else {"message": message, "type": kind}
    text = "\n".join(body).translate(_ENTITIES | {ord("\n"): "\n"})
    return f"<testcase{_attributes(case)}>\n<{tag}{_attributes(outcome)}>{text}</{tag}>\n</testcase>"


def _tag_line(name: str, attributes: dict[str, str]) -> str:
    return f"<{name}{_attributes(attributes)}/>"


def _attributes(attributes: dict[str, str]) -> str:
    return "".join(f' {name}="{value.translate(_ENTITIES)}"' for name, value in attributes.items())
