# ruff: noqa: E501 - tables read better in long lines
"""Policy sets: scope, order of rules, several sets, shadow mode, what an unknown does, exceptions."""

from typing import Any

import pytest

from iacgate.errors import IacgateError, PolicyError
from iacgate.gate.decide import decide
from iacgate.policy.policy_set import Policy

from tests.unit.policy.plans import TODAY, catalogue, change, plan_of, policy, run

QUEUE, TOPIC = "aws_sqs_queue.q", "aws_sns_topic.t"
BAD = {"sqs_managed_sse_enabled": False}
LIBRARY = catalogue(
    ("queue", "aws_sqs_queue", "{attribute: sqs_managed_sse_enabled, equals: true, absent: unknown}", "high"),
    ("topic", "aws_sns_topic", "{attribute: kms_master_key_id, is_set: true}", "low"),
)
ALL = "checks: {id: '*'}"


def levels(how: Policy) -> dict[str, str | None]:
    return {
        head.id: str(level.enforcement) if level else None
        for head, level in zip(LIBRARY.heads, how.levels, strict=True)
    }


def said(error: PolicyError) -> str:
    return " ".join([str(error), *(problem.message for problem in error.problems)])


def one_set(name: str, rules: str, more: str = "") -> str:
    return f"  - name: {name}\n{more}    rules: [{rules}]\n"


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        (["{checks: {severity: high}, level: hard-mandatory}"], {"queue": "hard-mandatory", "topic": None}),
        (["{checks: {id: '*'}, level: advisory}", "{checks: {id: topic}, level: soft-mandatory}"], {"queue": "advisory", "topic": "soft-mandatory"}),
        (["{checks: {id: topic}, level: soft-mandatory}", "{checks: {id: '*'}, level: advisory}"], {"queue": "advisory", "topic": "advisory"}),
        (["{checks: {id: '*'}, level: advisory}", "{checks: {id: queue}, level: 'off'}"], {"queue": None, "topic": "advisory"}),
        (["{checks: {control: own-1}, level: advisory}"], {"queue": "advisory", "topic": "advisory"}),
        (["{checks: {family: encryption, severity: low}, level: advisory}"], {"queue": None, "topic": "advisory"}),
    ],
)  # fmt: skip
def test_later_rules_override_earlier_ones(rules: list[str], expected: dict[str, str | None]) -> None:
    assert levels(policy(LIBRARY, *rules)) == expected


def test_of_several_sets_the_strictest_wins_check_by_check_and_setting_by_setting() -> None:
    sets = one_set("a", f"{{{ALL}, level: advisory}}", "    uncovered: review\n    unknown: {advisory: review}\n") + one_set(
        "b", "{checks: {id: queue}, level: hard-mandatory}", "    enforce_on: all\n    owns_account: true\n    on_incomplete: {targeted: error}\n")  # fmt: skip
    how = policy(LIBRARY, sets=sets)
    assert levels(how) == {"queue": "hard-mandatory", "topic": "advisory"}
    assert (how.uncovered, how.enforce_all, how.owns_account) == ("review", True, True)
    assert how.unknown == {"hard-mandatory": "review", "soft-mandatory": "obligation", "advisory": "review"}
    assert how.on_incomplete["targeted"] == "error"


def test_a_scope_is_for_the_workspaces_that_it_names() -> None:
    sets = one_set("a", f"{{{ALL}, level: advisory}}") + one_set(
        "b", f"{{{ALL}, level: hard-mandatory}}", "    scope: {workspaces: ['prod/*']}\n"
    )
    assert levels(policy(LIBRARY, sets=sets, workspace="prod/eu"))["queue"] == "hard-mandatory"
    assert levels(policy(LIBRARY, sets=sets, workspace="PROD/eu"))["queue"] == "advisory"
    assert levels(policy(LIBRARY, sets=sets, workspace="test"))["queue"] == "advisory"
    with pytest.raises(IacgateError, match="not known"):
        policy(LIBRARY, sets=sets)
    with pytest.raises(IacgateError, match="no policy set"):
        policy(
            LIBRARY,
            sets=one_set("b", f"{{{ALL}, level: advisory}}", "    scope: {workspaces: [prod]}\n"),
            workspace="test",
        )


def test_a_policy_that_names_no_check_or_enforces_nothing_is_refused() -> None:
    with pytest.raises(PolicyError) as raised:
        policy(LIBRARY, "{checks: {id: quue}, level: advisory}")
    assert "there is no check `quue`" in said(raised.value)
    with pytest.raises(PolicyError, match="enforces nothing"):
        policy(LIBRARY, "{checks: {severity: critical}, level: advisory}")


PLAN = plan_of(change(QUEUE, "create", BAD))


def outcome(how: Policy, plan: Any = PLAN) -> tuple[str, list[str]]:
    evaluation = run(LIBRARY, plan, how)
    return str(decide([plan], evaluation, how).outcome), [str(one.effect) for one in evaluation.results]


@pytest.mark.parametrize(
    ("day", "expected"),
    [("2999-01-01", ("allow", ["would-block"])), (TODAY, ("deny", ["deny"])), ("2020-01-01", ("deny", ["deny"]))],
)
def test_before_its_date_a_rule_only_counts(day: str, expected: Any) -> None:
    assert outcome(policy(LIBRARY, f"{{{ALL}, level: hard-mandatory, enforce_from: {day}}}")) == expected


def test_a_rule_in_force_is_not_hidden_by_a_stricter_one_that_is_not_yet() -> None:
    sets = one_set("a", f"{{{ALL}, level: hard-mandatory, enforce_from: 2999-01-01}}") + one_set(
        "b", f"{{{ALL}, level: soft-mandatory}}"
    )
    assert outcome(policy(LIBRARY, sets=sets)) == ("review", ["review"])


def test_errors_are_in_shadow_too_and_notes_stay_notes() -> None:
    shadow = policy(LIBRARY, f"{{{ALL}, level: hard-mandatory, enforce_from: 2999-01-01}}")
    assert outcome(shadow, plan_of(change(QUEUE, "create", {"sqs_managed_sse_enabled": "perhaps"}))) == (
        "allow",
        ["would-block"],
    )
    assert outcome(policy(LIBRARY, f"{{{ALL}, level: advisory, enforce_from: 2999-01-01}}")) == ("allow", ["note"])


@pytest.mark.parametrize(
    ("effect", "expected"), [("deny", "deny"), ("review", "review"), ("obligation", "allow"), ("note", "allow")]
)
@pytest.mark.parametrize("level", ["hard-mandatory", "soft-mandatory", "advisory"])
def test_what_an_unknown_does_is_the_policys_to_say(level: str, effect: str, expected: str) -> None:
    how = policy(LIBRARY, f"{{{ALL}, level: {level}}}", extra=f"    unknown: {{{level}: {effect}}}\n")
    assert outcome(how, plan_of(change(QUEUE, "create", {}))) == (expected, [effect])


@pytest.mark.parametrize(("uncovered", "expected"), [("allow", "allow"), ("review", "review"), ("error", "error")])
def test_a_plan_that_no_check_looks_at(uncovered: str, expected: str) -> None:
    how = policy(LIBRARY, f"{{{ALL}, level: advisory}}", extra=f"    uncovered: {uncovered}\n")
    assert outcome(how, plan_of(change("random_id.r", "create", {}))) == (expected, [])
    assert outcome(how, plan_of())[0] == "allow"


# --- exceptions ------------------------------------------------------------------------------------------------------

EXCEPTION = ("  - {{id: e, check: queue, address: aws_sqs_queue.q, reason: r, owner: o, review_by: {review_by}, "
             "requires: [{requires}]{more}}}\n")  # fmt: skip


def excepted(topic: Any = None, unknown: Any = None, **settings: str) -> tuple[str, str]:
    filled = {"review_by": "2999-01-01", "requires": "{check: topic, address: aws_sns_topic.t}", "more": "", **settings}
    workspace = filled.pop("workspace", None)
    rule = filled.pop("rule", f"{{{ALL}, level: hard-mandatory}}")
    how = policy(LIBRARY, rule, exceptions=EXCEPTION.format(**filled), workspace=workspace)
    changes = [change(QUEUE, "create", BAD)]
    if topic is not None:
        changes.append(change(TOPIC, "create", topic, unknown))
    result = next(one for one in run(LIBRARY, plan_of(*changes), how).results if one.check.id == "queue")
    return str(result.effect), result.exception


SET = {"kms_master_key_id": "alias/k"}


def test_an_exception_whose_compensating_check_passes_releases_the_finding() -> None:
    effect, why = excepted(SET)
    assert effect == "excepted"
    assert why.startswith("e: r")
    assert excepted(requires="")[0] == "excepted"
    assert excepted(SET, rule="{checks: {id: queue}, level: hard-mandatory}")[0] == "excepted"  # also when it is off


@pytest.mark.parametrize(
    ("topic", "unknown", "settings", "why"),
    [
        ({}, None, {}, "is fail"),
        ({}, {"kms_master_key_id": True}, {}, "is unknown"),
        (None, None, {}, "not judged"),
        (SET, None, {"review_by": "2020-01-01"}, "reviewed by"),
    ],
)
def test_an_exception_that_does_not_apply_leaves_the_finding_and_says_why(
    topic: Any, unknown: Any, settings: Any, why: str
) -> None:
    effect, text = excepted(topic, unknown, **settings)
    assert effect == "deny"
    assert why in text


def test_an_exception_holds_up_to_its_day() -> None:
    assert excepted(SET, review_by=TODAY)[0] == "excepted"


def test_an_exception_is_for_its_workspace() -> None:
    assert excepted(SET, more=", workspace: 'prod/*'", workspace="prod/eu")[0] == "excepted"
    assert excepted(SET, more=", workspace: 'prod/*'", workspace="test") == ("deny", "")
    assert excepted(SET, more=", workspace: 'prod/*'") == ("deny", "")


def test_an_exception_that_names_no_check_is_refused() -> None:
    with pytest.raises(PolicyError) as raised:
        excepted(SET, requires="{check: toppic}")
    assert "toppic" in said(raised.value)
