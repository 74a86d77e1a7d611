"""From effects to the outcome: error before deny before review before allow, and every reason is listed."""

from itertools import combinations
from typing import Any

import pytest

from iacgate.gate.decide import decide, summarize
from iacgate.model.decision import EXIT_CODES, Coverage, Outcome

from tests.unit.policy.plans import catalogue, change, plan_of, policy, run

LIBRARY = catalogue(
    ("queue", "aws_sqs_queue", "{attribute: sqs_managed_sse_enabled, equals: true, absent: unknown}", "high"),
    ("topic", "aws_sns_topic", "{attribute: kms_master_key_id, is_set: true}", "low"),
)
RULES = ("{checks: {id: queue}, level: hard-mandatory}", "{checks: {id: topic}, level: advisory}")
PARTS: dict[str, dict[str, Any]] = {
    "error": change("aws_sqs_queue.error", "create", {"sqs_managed_sse_enabled": "perhaps"}),
    "deny": change("aws_sqs_queue.deny", "create", {"sqs_managed_sse_enabled": False}),
    "review": change("aws_sqs_queue.review", "create", {}),
    "note": change("aws_sns_topic.note", "create", {}),
    "pass": change("aws_sqs_queue.pass", "create", {"sqs_managed_sse_enabled": True}),
}
ORDER = ["error", "deny", "review"]


def decided(*parts: dict[str, Any], extra: str = "", **more: Any) -> Any:
    how, plan = policy(LIBRARY, *RULES, extra=extra), plan_of(*parts, **more)
    return decide([plan], run(LIBRARY, plan, how), how)


@pytest.mark.parametrize("names", [names for size in range(6) for names in combinations(PARTS, size)], ids=str)
def test_the_weightiest_effect_decides_and_all_are_listed(names: tuple[str, ...]) -> None:
    decision = decided(*(PARTS[name] for name in names))
    expected = next((name for name in ORDER if name in names), "allow")
    assert str(decision.outcome) == expected
    assert decision.exit_code == {"allow": 0, "deny": 1, "review": 3, "error": 4}[expected]
    assert len(decision.reasons) == max(1, sum(name in ORDER for name in names))


def test_exit_codes() -> None:
    assert EXIT_CODES == {Outcome.ALLOW: 0, Outcome.DENY: 1, Outcome.REVIEW: 3, Outcome.ERROR: 4}


@pytest.mark.parametrize(
    ("more", "extra", "outcome"),
    [
        ({"errored": True}, "", "error"),
        ({"complete": False}, "", "review"),
        ({"complete": False}, "    on_incomplete: {targeted: error}\n", "error"),
        ({"applyable": False}, "", "error"),
        ({"applyable": None, "complete": True}, "", "allow"),
        ({"deferred_changes": [{"reason": "instance_count_unknown", "resource_change": PARTS["pass"]}]}, "", "review"),
    ],
    ids=str,
)
def test_a_plan_that_is_not_whole(more: dict[str, Any], extra: str, outcome: str) -> None:
    assert str(decided(PARTS["pass"], extra=extra, **more).outcome) == outcome


def test_a_plan_that_cannot_be_applied_and_changes_nothing_is_allowed() -> None:
    assert (
        str(decided(change("aws_sqs_queue.q", "no-op", {"sqs_managed_sse_enabled": True}), applyable=False).outcome)
        == "allow"
    )


def test_an_action_that_is_not_known_is_an_error() -> None:
    odd = change("aws_sqs_queue.q", "create", {"sqs_managed_sse_enabled": True})
    for actions in (["transmogrify"], ["create", "transmogrify"], []):
        odd["change"]["actions"] = actions
        assert str(decided(odd).outcome) == "error"


def test_holes_in_the_coverage_are_an_error() -> None:
    how, plan = policy(LIBRARY, *RULES), plan_of(PARTS["pass"])
    evaluation = run(LIBRARY, plan, how)
    for coverage in (Coverage(2, 1, 0, 0, 2, "full"), Coverage(1, 1, 0, 0, 0, "full"), Coverage(1, 1, 1, 0, 2, "full")):
        assert str(decide([plan], evaluation._replace(coverage=coverage), how).outcome) == "error"
    assert str(decide([plan], evaluation, how).outcome) == "allow"


def test_the_summary_counts_every_finding_once() -> None:
    summary = summarize(run(LIBRARY, plan_of(*PARTS.values()), policy(LIBRARY, *RULES)))
    assert (summary.passed, summary.fail, summary.unknown, summary.error, summary.introduced) == (1, 2, 1, 1, 4)
    assert (summary.worsened, summary.pre_existing, summary.fixed, summary.would_block, summary.waived) == (
        0,
        0,
        0,
        0,
        0,
    )
