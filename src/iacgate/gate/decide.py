"""From verdicts to the outcome, with every reason for it (precedence: error, deny, review, allow)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from iacgate.model.decision import EXIT_CODES, Coverage, Decision, Outcome, Summary
from iacgate.model.finding import Change, Effect, Result, Verdict
from iacgate.model.plan import Plan
from iacgate.policy.evaluate import Evaluation
from iacgate.policy.policy_set import Policy

__all__ = ["decide", "plan_conditions", "summarize"]

_WEIGHT = {Outcome.ALLOW: 0, Outcome.REVIEW: 1, Outcome.DENY: 2, Outcome.ERROR: 3}
_OUTCOMES = {Effect.ERROR: Outcome.ERROR, Effect.DENY: Outcome.DENY, Effect.REVIEW: Outcome.REVIEW}


def decide(
    plans: Sequence[Plan], evaluation: Evaluation, policy: Policy, scans: Iterable[tuple[Outcome, str]] = ()
) -> Decision:
    """The decision on a plan (or on the root modules of a directory, which make one evaluation).

    A policy and a result list of nothing never allow anything by accident.
    ``scans``: what is wrong with scans that were given or required.
    """
    found = [
        *scans,
        *(condition for plan in plans for condition in plan_conditions(plan, policy)),
        *_coverage(evaluation.coverage, policy, evaluation),
        *_results(evaluation.results),
    ]
    outcome = max((one for one, _ in found), key=_WEIGHT.__getitem__, default=Outcome.ALLOW)
    reasons = [text for one, text in sorted(found, key=lambda pair: -_WEIGHT[pair[0]])]
    if not reasons:
        reasons = [_allowed(evaluation)]
    return Decision(outcome, EXIT_CODES[outcome], tuple(reasons))


def plan_conditions(plan: Plan, policy: Policy) -> list[tuple[Outcome, str]]:
    """What is wrong with the plan as a whole, whatever its resources are like."""
    does_something = any(not set(change.actions) <= {"no-op", "read"} for change in plan.resource_changes)
    found = []
    if plan.errored:
        found.append(("errored", "the plan is errored: planning failed and what it shows is not all there would be"))
    if plan.deferred_changes:
        found.append(
            (
                "deferred",
                f"the plan defers {len(plan.deferred_changes)} changes to a later plan, so they cannot be judged",
            )
        )
    elif not plan.complete and not plan.errored:
        found.append(
            (
                "targeted",
                "the plan is not complete (-target, or deferred changes): what it leaves out is not judged",
            )
        )
    if plan.applyable is False and does_something and not plan.errored:
        found.append(("not_applyable", "the plan holds changes but says it cannot be applied"))
    unread = [(Outcome.ERROR, problem) for problem in plan.problems]
    return unread + [(Outcome(policy.on_incomplete[key]), text) for key, text in found]


def _coverage(coverage: Coverage, policy: Policy, evaluation: Evaluation) -> list[tuple[Outcome, str]]:
    found = []
    if coverage.evaluated + coverage.not_applicable != coverage.resources:
        found.append((Outcome.ERROR, "not every resource is accounted for"))
    if not coverage.checks_loaded:
        found.append((Outcome.ERROR, "no check is loaded"))
    if evaluation.unknown_actions:
        names = ", ".join(evaluation.unknown_actions[:3])
        found.append((Outcome.ERROR, f"the plan does to {names} what this version of iacgate does not know"))
    if coverage.resources and not coverage.evaluated and policy.uncovered != "allow":
        found.append((Outcome(policy.uncovered), "no check looks at any of the plan's resources"))
    return found


def _results(results: Sequence[Result]) -> list[tuple[Outcome, str]]:
    counts = Counter((result.effect, result.verdict) for result in results)
    found = []
    for (effect, verdict), number in counts.items():
        outcome = _OUTCOMES.get(effect)
        if outcome is not None:
            found.append((outcome, _sentence(effect, verdict, number)))
    return found


def _sentence(effect: Effect, verdict: Verdict, number: int) -> str:
    findings = f"{number} finding" if number == 1 else f"{number} findings"
    if effect is Effect.ERROR:
        return f"{number} {'check' if number == 1 else 'checks'} at a mandatory level could not be evaluated"
    if verdict is Verdict.UNKNOWN:
        what = "blocked" if effect is Effect.DENY else "a person must decide"
        return f"{findings} that cannot be known before apply: {what}"
    return (
        f"{findings} {'block' if number != 1 else 'blocks'}"
        if effect is Effect.DENY
        else f"{findings} for a person to review"
    )


def _allowed(evaluation: Evaluation) -> str:
    coverage = evaluation.coverage
    if not coverage.resources:
        return "the plan changes nothing"
    if not coverage.evaluated:
        return "no check looks at any of the plan's resources (scope: none)"
    return "nothing that the policy blocks"


def summarize(evaluation: Evaluation) -> Summary:
    """Counts for the report."""
    verdicts = Counter(result.verdict for result in evaluation.results)
    counted = [
        one for one in evaluation.results if one.verdict is not Verdict.PASS and one.effect is not Effect.EXCEPTED
    ]
    changes = Counter(result.change for result in counted)
    effects = Counter(result.effect for result in evaluation.results)
    return Summary(
        passed=evaluation.passed,
        fail=verdicts[Verdict.FAIL],
        unknown=verdicts[Verdict.UNKNOWN],
        waived=effects[Effect.EXCEPTED],
        error=verdicts[Verdict.ERROR],
        introduced=changes[Change.INTRODUCED],
        worsened=changes[Change.WORSENED],
        pre_existing=changes[Change.PRE_EXISTING],
        fixed=len(evaluation.fixed),
        would_block=effects[Effect.WOULD_BLOCK],
        obligations=effects[Effect.OBLIGATION],
    )
