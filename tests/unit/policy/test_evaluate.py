# ruff: noqa: E501 - tables read better in long lines
"""Before and after: what a plan introduces, worsens, leaves and fixes, and what each finding does."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iacgate.gate.decide import decide

from tests.unit.policy.plans import catalogue, change, plan_of, policy, run

QUEUE = "aws_sqs_queue.q"
LIBRARY = catalogue(
    ("encrypted", "aws_sqs_queue", "{attribute: sqs_managed_sse_enabled, equals: true, absent: unknown}", "high")
)
WIDE = catalogue(("closed", "aws_security_group",
    "{every: ingress, satisfies: {every: cidr_blocks, satisfies: {attribute: ., open_to_world: false}}}", "high"))  # fmt: skip
GOOD, BAD = {"sqs_managed_sse_enabled": True}, {"sqs_managed_sse_enabled": False}


@pytest.mark.parametrize(
    ("actions", "before", "after", "verdict", "related"),
    [
        ("create", None, BAD, "fail", "introduced"),
        ("update", GOOD, BAD, "fail", "introduced"),
        ("update", {}, BAD, "fail", "introduced"),
        ("update", BAD, {**BAD, "tags": {}}, "fail", "pre-existing"),
        ("replace", BAD, {**BAD, "tags": {}}, "fail", "pre-existing"),
        ("replace", GOOD, BAD, "fail", "introduced"),
        ("no-op", BAD, BAD, "fail", "pre-existing"),
        ("update", {}, {"tags": {}}, "unknown", "pre-existing"),
        ("update", GOOD, {}, "unknown", "introduced"),
    ],
)
def test_how_a_finding_relates_to_what_was_there(
    actions: str, before: Any, after: Any, verdict: str, related: str
) -> None:
    (result,) = run(LIBRARY, plan_of(change(QUEUE, actions, after, {}, before))).results
    assert (str(result.verdict), str(result.change)) == (verdict, related)


def test_an_imported_resource_is_judged_by_what_was_there() -> None:
    imported = change(QUEUE, "no-op", BAD)
    imported["change"]["importing"] = {"id": "q"}
    (result,) = run(LIBRARY, plan_of(imported)).results
    assert str(result.change) == "pre-existing"


def group(*ranges: str) -> dict[str, Any]:
    return {"ingress": [{"cidr_blocks": [one]} for one in ranges]}


@pytest.mark.parametrize(
    ("before", "after", "related"),
    [
        (group("0.0.0.0/0"), group("0.0.0.0/0", "::/0"), "worsened"),
        (group("0.0.0.0/1"), group("0.0.0.0/0"), "worsened"),
        (group("0.0.0.0/0", "::/0"), group("::/0"), "pre-existing"),
        (group("0.0.0.0/0", "10.0.0.0/8"), group("10.0.0.0/8", "0.0.0.0/0"), "pre-existing"),
        (group("0.0.0.0/0"), group("0.0.0.0/0", "0.0.0.0/0"), "worsened"),
    ],
)
def test_a_failure_that_becomes_another_one_is_worse(before: Any, after: Any, related: str) -> None:
    (result,) = run(WIDE, plan_of(change("aws_security_group.g", "update", after, {}, before))).results
    assert str(result.change) == related


@pytest.mark.parametrize("actions", ["update", "replace", "delete"])
def test_what_failed_and_passes_or_is_destroyed_is_fixed(actions: str) -> None:
    after = None if actions == "delete" else GOOD
    evaluation = run(LIBRARY, plan_of(change(QUEUE, actions, after, {}, BAD)))
    assert [(one.subject.address, str(one.change), str(one.effect)) for one in evaluation.fixed] == [
        (QUEUE, "fixed", "none")
    ]
    assert not [one for one in evaluation.results if str(one.verdict) != "pass"]


def test_what_is_forgotten_is_not_fixed_and_what_passed_is_not_either() -> None:
    assert run(LIBRARY, plan_of(change(QUEUE, "forget", None, {}, BAD))).fixed == []
    assert run(LIBRARY, plan_of(change(QUEUE, "delete", None, {}, GOOD))).fixed == []
    assert run(LIBRARY, plan_of(change(QUEUE, "update", {**GOOD, "tags": {}}, {}, GOOD))).fixed == []


# --- the brownfield table --------------------------------------------------------------------------------------------

EFFECTS = {
    # (level, verdict, relation, this plan changes the resource) -> effect; with enforce_on: all in the second place
    ("hard-mandatory", "fail", "introduced", True): ("deny", "deny"),
    ("hard-mandatory", "fail", "worsened", True): ("deny", "deny"),
    ("hard-mandatory", "fail", "pre-existing", True): ("review", "deny"),
    ("hard-mandatory", "fail", "pre-existing", False): ("note", "deny"),
    ("hard-mandatory", "unknown", "introduced", True): ("review", "review"),
    ("hard-mandatory", "unknown", "pre-existing", True): ("obligation", "review"),
    ("hard-mandatory", "unknown", "pre-existing", False): ("note", "review"),
    ("soft-mandatory", "fail", "introduced", True): ("review", "review"),
    ("soft-mandatory", "fail", "pre-existing", True): ("review", "review"),
    ("soft-mandatory", "fail", "pre-existing", False): ("note", "review"),
    ("soft-mandatory", "unknown", "introduced", True): ("obligation", "obligation"),
    ("advisory", "fail", "introduced", True): ("note", "note"),
    ("advisory", "fail", "worsened", True): ("note", "note"),
    ("advisory", "fail", "pre-existing", False): ("note", "note"),
    ("advisory", "unknown", "introduced", True): ("note", "note"),
}
OUTCOMES = {"deny": "deny", "review": "review", "error": "error"}


@pytest.mark.parametrize("row", EFFECTS, ids=str)
def test_the_effect_of_a_finding_and_the_outcome(row: tuple[str, str, str, bool]) -> None:
    level, verdict, related, changed = row
    bad, worse = (
        (group("0.0.0.0/1"), group("0.0.0.0/0")) if verdict == "fail" else (group("10.0.0.0/8"), group("10.0.0.0/8"))
    )
    mask = {"ingress": [{"cidr_blocks": [True]}]} if verdict == "unknown" else {}
    address = "aws_security_group.g"
    library = WIDE
    if related == "introduced":
        one = change(address, "create", worse, mask)
    elif verdict == "unknown":  # left out before and after
        library = catalogue(
            ("encrypted", "aws_security_group", "{attribute: description, equals: x, absent: unknown}", "high")
        )
        one = change(address, "update" if changed else "no-op", {"tags": {}} if changed else {}, {}, {})
    else:
        before = bad if related == "worsened" else worse
        one = change(
            address,
            "update" if changed else "no-op",
            {**worse, "tags": {}} if changed else worse,
            {},
            before if changed else worse,
        )
    plan = plan_of(one)
    for enforce_on, effect in zip(("changed", "all"), EFFECTS[row], strict=True):
        how = policy(library, f"{{checks: {{id: '*'}}, level: {level}}}", extra=f"    enforce_on: {enforce_on}\n")
        evaluation = run(library, plan, how)
        (result,) = evaluation.results
        assert (str(result.verdict), str(result.change), str(result.effect)) == (verdict, related, effect)
        assert str(decide([plan], evaluation, how).outcome) == OUTCOMES.get(effect, "allow")


@pytest.mark.parametrize(
    ("level", "effect"), [("hard-mandatory", "error"), ("soft-mandatory", "error"), ("advisory", "note")]
)
def test_a_check_that_cannot_be_evaluated_counts_at_its_level(level: str, effect: str) -> None:
    how = policy(WIDE, f"{{checks: {{id: '*'}}, level: {level}}}")
    (result,) = run(WIDE, plan_of(change("aws_security_group.g", "create", group("everywhere"))), how).results
    assert (str(result.verdict), str(result.effect)) == ("error", effect)
    assert "everywhere" not in str(result.evidence)


# --- coverage --------------------------------------------------------------------------------------------------------

CHANGES = st.lists(
    st.tuples(st.sampled_from(["aws_sqs_queue.q", "aws_vpc.v", "data.aws_vpc.d", "random_id.r"]),
              st.sampled_from(["create", "update", "replace", "delete", "forget", "no-op", "read"])),
    max_size=6,
)  # fmt: skip


@given(CHANGES)
def test_every_resource_is_evaluated_or_accounted_for(made: list[tuple[str, str]]) -> None:
    changes = [
        change(
            f"{address}{number}",
            actions,
            None if actions in ("delete", "forget") else BAD,
            {},
            None if actions == "create" else BAD,
        )
        for number, (address, actions) in enumerate(made)
    ]
    coverage = run(LIBRARY, plan_of(*changes)).coverage
    assert coverage.evaluated + coverage.not_applicable == coverage.resources == len(changes)
    assert sum(coverage.not_applicable_reasons.values()) == coverage.not_applicable
    assert coverage.evaluated == sum(one[0] == "aws_sqs_queue.q" and one[1] not in ("delete", "forget") for one in made)


def test_a_check_on_destroying_is_asked_of_what_is_destroyed() -> None:
    library = catalogue(("kept", "aws_sqs_queue", "{not: {action: [delete]}}", "high"))
    for actions, verdict in (("delete", "fail"), ("replace", "fail"), ("update", "pass"), ("create", "pass")):
        one = change(QUEUE, actions, None if actions == "delete" else GOOD, {}, None if actions == "create" else BAD)
        evaluation = run(library, plan_of(one))
        assert [str(result.verdict) for result in evaluation.results] == [verdict]
        assert evaluation.coverage.evaluated == 1
