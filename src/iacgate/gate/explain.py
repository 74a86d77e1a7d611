"""Why a finding, or the outcome, is what it is, and the cheapest way to green."""

from collections import Counter
from collections.abc import Iterator, Sequence

from iacgate.errors import UsageError
from iacgate.gate.judge import Judged, PolicySource
from iacgate.model.decision import Outcome, Report
from iacgate.model.finding import Change, Effect, Evidence, Result, Verdict
from iacgate.model.scan import image_scans_of
from iacgate.policy.configuration_subjects import Configured
from iacgate.policy.lookup import shown
from iacgate.policy.narrate import narrate
from iacgate.policy.plan_subject import PlanSubject
from iacgate.policy.world import World

__all__ = ["explain_decision", "explain_result", "find_results"]

_MARKS = {"pass": "holds", "fail": "fails", "unknown": "unknown", "error": "error", "": ""}
_DECIDING = {Outcome.DENY: Effect.DENY, Outcome.REVIEW: Effect.REVIEW, Outcome.ERROR: Effect.ERROR}


def find_results(judged: Judged, wanted: str) -> list[Result]:
    """Results by fingerprint (or its first 4 characters and more), address, check id, alias or another scanner's rule.

    Raises ``UsageError`` when there is none.
    """
    results = [*judged.report.results, *judged.report.fixed]
    found = [
        one
        for one in results
        if wanted in (one.subject.address, one.check.id, one.fingerprint, *one.check.aliases)
        or any(wanted == origin.rule for origin in one.origins)
    ]
    if not found and len(wanted) >= 4:
        found = [one for one in results if one.fingerprint.startswith(wanted.lower())]
    if not found:
        raise UsageError(
            f"no finding of this plan has the fingerprint, address or check id {wanted!r}",
            hint=_why_not(judged, wanted),
        )
    return found


def _why_not(judged: Judged, wanted: str) -> str:
    if any(change.address == wanted for plan in judged.plans.values() for change in plan.resource_changes):
        return "it is in the plan, but no check looks at it; `iacgate checks list --type TYPE` shows which would"
    return "a report lists the fingerprints (four characters and more will do); the plan comes last"


def explain_result(judged: Judged, source: PolicySource, result: Result) -> Iterator[str]:
    """The lines that explain one result."""
    check = result.check
    yield f"{check.id} on {result.subject.address}: {result.verdict}"
    yield f"  {check.title}"
    yield f"  fingerprint {result.fingerprint}"
    if result.location:
        yield f"  at {result.location.file}:{result.location.line}"
    if result.origins:
        yield ""
        yield "Who reports it"
        yield from (f"  {line}" for line in _origins(result))
    if not check.foreign and result.subject.kind not in ("file", "other"):
        yield ""
        yield "What the check asks"
        yield from (f"  {line}" for line in _condition(judged, source, result))
    yield ""
    yield "What it does to the decision"
    yield from (f"  {line}" for line in _effect(result, posture=judged.report.decision.posture))
    if result.verdict is not Verdict.PASS:
        yield ""
        yield "How to fix"
        yield f"  {check.remediation}"
        yield from (f"  {line}" for line in _ways(result))
    if check.rationale:
        yield ""
        yield "Why it matters"
        yield f"  {check.rationale}"


def _origins(result: Result) -> Iterator[str]:
    for origin in result.origins:
        who = " ".join(filter(None, (origin.tool, origin.version)))
        yield f"{who}: {origin.rule}, severity {origin.severity or 'unknown'}"
        if origin.message:
            yield f"  {origin.message}"
        if origin.suppressed:
            yield f"  it suppresses this ({origin.suppressed}): a request, not a waiver"
    if "iacgate" not in result.sources and not result.check.foreign:
        yield "iacgate's own check of this rule does not fail here; the scanner's word counts"


def _condition(judged: Judged, source: PolicySource, result: Result) -> Iterator[str]:
    number = source.catalogue.by_id[result.check.id]
    subject = _subject(judged, source, result)
    if subject is None:
        yield "the resource is destroyed by this plan"
        return
    for case in source.catalogue.conditions(number):
        if case.types and subject.type not in case.types:
            continue
        if case.when is not None:
            yield "only where"
            for step in narrate(case.when, subject, 1):
                yield from _step(step.depth, step.truth, step.text, step.evidence)
        for step in narrate(case.condition, subject):
            yield from _step(step.depth, step.truth, step.text, step.evidence)


def _step(depth: int, truth: str, text: str, evidence: Sequence[Evidence]) -> Iterator[str]:
    indent = "  " * depth
    yield f"{indent}[{_MARKS[truth]:<7}] {text}"
    for one in evidence:
        name = ".".join(filter(None, (one.address, one.path)))
        if name or one.needs or one.chain:
            yield f"{indent}            {name or 'there'} is {shown(one.actual)}"
        if one.chain:
            yield f"{indent}            through {' -> '.join(one.chain)}"
        if one.needs:
            yield f"{indent}            to know it: {one.needs}"


def _subject(judged: Judged, source: PolicySource, result: Result) -> PlanSubject | Configured | None:
    plan = judged.plans[result.subject.root]
    after = World(plan, "after", source.catalogue)
    before = World(plan, "before", source.catalogue)
    after.opposite, before.opposite = before, after
    after.given_image_scans = image_scans_of(judged.report.scans)
    after.image_tables = judged.policy.images if judged.policy else ()
    after.posture = before.posture = judged.posture(plan)
    if result.subject.kind == "account":
        return after.account()
    if result.subject.kind != "resource":
        return after.parts.at(result.subject.kind, result.subject.address)
    return after.subject_at(result.subject.address)


def _effect(result: Result, *, posture: bool) -> Iterator[str]:
    yield f"level {result.enforcement}, given by {result.policy_rule}"
    if posture:
        yield "a state says what is; nothing in it is taken as old"
    elif result.change is Change.PRE_EXISTING:
        yield "it was like this before the plan; what was there before counts as soft-mandatory at most, and as a note"
        yield "on resources that the plan does not change (unless the policy says `enforce_on: all`)"
    elif result.change is not None:
        yield f"the plan {result.change} it" if result.change is not Change.FIXED else "the plan fixes it"
    if result.exception:
        yield result.exception
    yield f"so it counts as: {result.effect}"


def _ways(result: Result) -> Iterator[str]:
    """What else leads to green for this one."""
    if result.verdict is Verdict.UNKNOWN:
        for need in dict.fromkeys(one.needs for one in result.evidence if one.needs):
            yield f"Or make it known: {need}."
    if result.effect in (Effect.DENY, Effect.REVIEW):
        yield "Or, where this is meant to be: an exception in the policy bundle, with an owner, a review date and"
        yield f"compensating checks (check: {result.check.id}, address: {result.subject.address})."


def explain_decision(judged: Judged) -> Iterator[str]:
    """The lines that explain the outcome: what decides it, by which line of the policy, what would change it."""
    report = judged.report
    outcome = report.decision.outcome
    yield f"{outcome}: exit code {report.decision.exit_code}"
    for reason in report.decision.reasons:
        yield f"  - {reason}"
    deciding = [one for one in report.results if one.effect is _DECIDING.get(outcome)]
    if deciding:
        yield ""
        yield "Decided by"
        rules = Counter((one.check.id, one.enforcement, one.policy_rule) for one in deciding)
        for (check, level, rule), number in rules.most_common():
            yield f"  {number:>4}  {check}  ({level}; {rule})"
    yield ""
    yield "The cheapest way to green"
    blocking = [one for one in report.results if one.effect in (Effect.DENY, Effect.ERROR, Effect.REVIEW)]
    if not blocking:
        yield f"  {_nothing_to_fix(report)}"
    places = Counter((one.location.file if one.location else one.subject.module or "root module") for one in blocking)
    for check, results in _by_check(blocking).items():
        known = [one for one in results if one.verdict is not Verdict.UNKNOWN]
        first = results[0]
        what = first.check.remediation if known else _make_known(first)
        yield f"  {len(results):>4} x {check}: {what}"
    if len(places) > 1:
        yield f"  in {', '.join(f'{place} ({number})' for place, number in places.most_common(6))}"
    leaves = report.summary.pre_existing
    if leaves:
        yield f"  {leaves} older findings do not block; they stay until somebody fixes them"


def _nothing_to_fix(report: Report) -> str:
    if report.decision.outcome is Outcome.ALLOW:
        return "nothing blocks"
    if any(scan.problem for scan in report.scans):
        return "let every scanner run to its end, and give what it wrote, with its receipt; or make a whole plan"
    return "make a whole plan and judge that one"


def _by_check(results: Sequence[Result]) -> dict[str, list[Result]]:
    out: dict[str, list[Result]] = {}
    for one in sorted(results, key=lambda one: (one.effect is not Effect.DENY, one.check.id)):
        out.setdefault(one.check.id, []).append(one)
    return out


def _make_known(result: Result) -> str:
    needs = next((one.needs for one in result.evidence if one.needs), "")
    return f"make it known ({needs})" if needs else "make it known before apply"
