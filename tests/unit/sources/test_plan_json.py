"""The reader of plans: what each part of the format becomes, and what is refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from iacgate.errors import InputError, NotAPlanError
from iacgate.model.plan import Plan, ResourceChange
from iacgate.policy.plan_subject import any_true
from iacgate.sources.plan_json import read_plan

PLANS = Path(__file__).parents[3] / "fixtures" / "plans"


def entry(address: str = "aws_sqs_queue.a", **parts: Any) -> dict[str, Any]:
    change = {"actions": ["create"], "before": None, "after": {"name": "a"}, **parts.pop("change", {})}
    kind = address.split(".")[-2]
    return {"address": address, "mode": "managed", "type": kind, "name": "a", "change": change, **parts}


def read(*changes: Any, **parts: Any) -> Plan:
    return read_plan(json.dumps({"format_version": "1.2", "resource_changes": list(changes), **parts}).encode(), "plan")


def only(*changes: Any, **parts: Any) -> ResourceChange:
    (change,) = read(*changes, **parts).resource_changes
    return change


def refused(*changes: Any, **parts: Any) -> str:
    with pytest.raises(InputError) as caught:
        _read_whole(*changes, **parts)
    return caught.value.message


def _read_whole(*changes: Any, **parts: Any) -> None:
    plan = read(*changes, **parts)
    for change in plan.resource_changes:
        plan.values(change)
    assert (plan.configuration, plan.prior_state) != (None, None)


def fixture(name: str) -> Plan:
    return read_plan((PLANS / f"{name}.json").read_bytes(), name)


@pytest.mark.parametrize("version", ["0.1", "0.2", "1.0", "1.1", "1.2", "1.3", "1.99"])
def test_format_versions_0_1_to_1_x_are_read(version: str) -> None:
    assert read(format_version=version, planned_values={}).format_version == version


@pytest.mark.parametrize(
    "version", ["2.0", "10.0", "9.9", "1", "1.", ".1", "1.2.3", "v1.2", "", " 1.2", "1.2\n", 1, 1.2, [], {}, True]
)
def test_other_format_versions_are_refused(version: Any) -> None:
    assert "format_version" in refused(format_version=version)


@pytest.mark.parametrize(
    ("actions", "before", "after", "goes_away"),
    [
        (["create"], None, {"a": 1}, False),
        (["update"], {"a": 0}, {"a": 1}, False),
        (["no-op"], {"a": 1}, {"a": 1}, False),
        (["read"], None, {"a": 1}, False),
        (["delete"], {"a": 1}, None, True),
        (["delete", "create"], {"a": 0}, {"a": 1}, False),
        (["create", "delete"], {"a": 0}, {"a": 1}, False),
        (["forget"], {"a": 1}, None, True),
        (["create", "forget"], {"a": 0}, {"a": 1}, False),
        (["frobnicate"], {"a": 0}, {"a": 1}, False),
        ([], {"a": 0}, {"a": 1}, False),
    ],
)
def test_every_kind_of_action_keeps_both_sides(actions: list[str], before: Any, after: Any, goes_away: bool) -> None:
    plan = read(entry(change={"actions": actions, "before": before, "after": after}))
    (change,) = plan.resource_changes
    assert (change.actions, change.goes_away) == (tuple(actions), goes_away)
    assert (plan.values(change).before, plan.values(change).after) == (before, after)
    assert change.unchanged == (before == after)


def test_metadata_of_a_change_is_kept() -> None:
    change = only(
        entry(
            "module.m[0].aws_sqs_queue.a",
            module_address="module.m[0]",
            provider_name="p",
            action_reason="replace_by_request",
            previous_address="aws_sqs_queue.old",
        )
    )
    assert change[:4] == ("module.m[0].aws_sqs_queue.a", "aws_sqs_queue", "a", "managed")
    assert (change.module_address, change.provider_name, change.action_reason) == (
        "module.m[0]",
        "p",
        "replace_by_request",
    )
    assert change.previous_address == "aws_sqs_queue.old"


@pytest.mark.parametrize("importing", [{"id": "x"}, {"identity": {"a": 1}}, {}])
def test_an_import_is_seen(importing: Any) -> None:
    assert only(entry(change={"importing": importing})).importing
    assert not only(entry(change={"importing": None})).importing
    assert not only(entry()).importing


def test_a_deposed_object_stands_beside_the_current_one() -> None:
    gone = {"actions": ["delete"], "before": {"name": "a"}, "after": None}
    plan = read(entry(), entry(deposed="1a2b", change=gone), entry(deposed="3c4d", change=gone))
    assert [change.deposed for change in plan.resource_changes] == ["", "1a2b", "3c4d"]


def test_the_same_deposed_object_twice_is_refused() -> None:
    gone = {"actions": ["delete"], "before": {}, "after": None}
    assert "two changes for one address" in refused(
        entry(deposed="1a2b", change=gone), entry(deposed="1a2b", change=gone)
    )


def test_unknown_and_sensitive_masks_are_read() -> None:
    change = {
        "after_unknown": {"arn": True, "list": [False, True]},
        "after_sensitive": {"name": True},
        "before_sensitive": False,
    }
    plan = read(entry(change=change))
    values = plan.values(plan.resource_changes[0])
    assert values.unknown == {"arn": True, "list": [False, True]}
    assert values.after_sensitive == {"name": True}
    assert values.before_sensitive is False
    assert plan.resource_changes[0].marks_sensitive
    assert plan.may_hold_secrets


@pytest.mark.parametrize(
    ("mask", "marked"),
    [
        (True, True),
        (False, False),
        (None, False),
        ({}, False),
        ([], False),
        ({"a": {"b": [True, {}]}}, True),
        ({"a": None}, False),
        ({"a": {"b": [False, {}]}, "c:1": False, "d,2": []}, False),
    ],
)
def test_a_mask_is_made_of_booleans(mask: Any, marked: bool) -> None:
    plan = read(entry(change={"after_unknown": mask}))
    assert any_true(plan.values(plan.resource_changes[0]).unknown) is marked


@pytest.mark.parametrize("mask", ["true", "all", 1, 0, 12345, {"a": "true"}, {"a": [1]}, [["x"]], {"a": {"b": 1}}])
@pytest.mark.parametrize("key", ["after_unknown", "before_sensitive", "after_sensitive"])
def test_any_other_mask_is_refused(key: str, mask: Any) -> None:
    assert f"{key} is not made of" in refused(entry(change={key: mask}))


def test_drift_is_kept_apart_from_changes() -> None:
    plan = fixture("drift")
    assert plan.resource_drift
    assert {change.address for change in plan.resource_drift} - {
        change.address for change in plan.resource_changes
    } != set() or plan.resource_changes
    assert plan.values(plan.resource_drift[0]).before is not None


def test_a_refresh_only_plan_has_drift_and_no_changes() -> None:
    plan = fixture("drift-refresh-only")
    assert (len(plan.resource_changes), bool(plan.resource_drift)) == (0, True)


def test_deferred_changes_are_read_with_their_reason() -> None:
    plan = read(deferred_changes=[{"reason": "instance_count_unknown", "resource_change": entry()}], planned_values={})
    (deferred,) = plan.deferred_changes
    assert (deferred.reason, deferred.resource_change.address) == ("instance_count_unknown", "aws_sqs_queue.a")


def test_a_key_twice_in_a_deferred_change_is_refused() -> None:
    text = json.dumps(
        {
            "format_version": "1.2",
            "planned_values": {},
            "deferred_changes": [{"reason": "x", "resource_change": entry()}],
        }
    )
    for old, new in (
        ('"reason": "x"', '"reason": "x", "reason": "y"'),
        ('"before": null', '"before": null, "before": {}'),
    ):
        with pytest.raises(InputError, match="stands twice"):
            read_plan(text.replace(old, new).encode(), "plan")


def test_checks_are_read_with_their_problems() -> None:
    plan = read(
        checks=[
            {
                "address": {"kind": "check", "to_display": "check.health"},
                "status": "fail",
                "instances": [
                    {"address": {"to_display": "check.health"}, "status": "fail", "problems": [{"message": "down"}]}
                ],
            }
        ]
    )
    assert plan.checks[0] == ("check.health", "check", "fail", ("down",))
    assert {check.status for check in fixture("checks").checks} >= {"fail"}


def test_outputs_are_read_without_their_values() -> None:
    plan = read(
        output_changes={
            "a": {"actions": ["create"], "after": "CANARY", "after_sensitive": True},
            "b": {"actions": ["no-op"], "before_sensitive": False, "after_sensitive": False},
        }
    )
    assert [tuple(output) for output in plan.output_changes] == [("a", ("create",), True), ("b", ("no-op",), False)]


def test_root_variables_are_read() -> None:
    assert read(variables={"a": {"value": {"b": [1]}}, "c": {}}).variables == {"a": {"b": [1]}, "c": None}


def test_the_configuration_and_the_prior_state_are_read_when_asked_for() -> None:
    plan = fixture("references")
    assert plan.configuration is not None
    assert plan.configuration["root_module"]["resources"]
    assert read().prior_state == {}
    assert read().configuration is None
    state = {
        "values": {
            "root_module": {"resources": [{"address": "data.a_b.c", "type": "a_b", "mode": "data", "values": {"x": 1}}]}
        }
    }
    kept = {"root_module": {**state["values"]["root_module"], "child_modules": []}}
    assert read(prior_state=state).prior_state == kept


@pytest.mark.parametrize(
    "configuration",
    [
        [],
        {"root_module": []},
        {"root_module": {"resources": {}}},
        {"root_module": {"resources": [{"expressions": []}]}},
        {"root_module": {"resources": [{"expressions": {"a": "x"}}]}},
        {"root_module": {"resources": [{"expressions": {"a": {"references": "var.a"}}}]}},
        {"root_module": {"resources": [{"expressions": {"a": {"references": [1]}}}]}},
        {"root_module": {"resources": [{"expressions": {"a": {"references": None}}}]}},
        {"root_module": {"resources": [{"expressions": {"a": [["x"]]}}]}},
        {"root_module": {"resources": [{"for_each_expression": {"references": 1}}]}},
        {"root_module": {"outputs": {"o": {"expression": {"references": [None]}}}}},
        {"root_module": {"module_calls": {"m": {"expressions": {"a": 1}}}}},
        {"root_module": {"module_calls": {"m": {"module": {"resources": [{"expressions": {"a": [1]}}]}}}}},
        {"root_module": {"module_calls": {"m": []}}},
        {"root_module": {"variables": {"v": 1}}},
        {"provider_config": []},
    ],
)
def test_a_configuration_of_another_shape_is_refused(configuration: Any) -> None:
    assert "configuration" in refused(entry(), configuration=configuration)


@pytest.mark.parametrize(
    "expressions",
    [
        {},
        {"a": {}},
        {"a": {"constant_value": {"references": 1}}},
        {"a": {"references": []}},
        {"a": [{"b": {"references": ["x"]}}, {}]},
        {"a": {"b": {"c": {"constant_value": None}}}},
    ],
)
def test_expressions_as_terraform_writes_them_are_read(expressions: Any) -> None:
    plan = read(configuration={"root_module": {"resources": [{"address": "a_b.c", "expressions": expressions}]}})
    assert plan.configuration is not None
    assert plan.configuration["root_module"]["resources"][0]["expressions"] == expressions


@pytest.mark.parametrize(
    "state", [[], {"values": []}, {"values": {"root_module": []}}, {"values": {"root_module": {"resources": [1]}}}]
)
def test_a_prior_state_of_another_shape_is_refused(state: Any) -> None:
    assert "prior_state" in refused(entry(), configuration={}, prior_state=state)


def test_what_the_plan_says_of_itself_is_kept() -> None:
    plan = read(errored=True, complete=False, applyable=False, terraform_version="1.11.4")
    assert (plan.errored, plan.complete, plan.applyable, plan.terraform_version) == (True, False, False, "1.11.4")
    older = read()
    assert (older.errored, older.complete, older.applyable) == (False, True, None)
    assert fixture("errored").errored
    assert not fixture("targeted").complete


@pytest.mark.parametrize(
    "parts",
    [
        {},
        {"planned_values": {}},
        {"planned_values": {"root_module": {}}},
        {"planned_values": {"root_module": {"resources": [], "child_modules": []}}},
    ],
)
def test_a_plan_of_no_changes_is_read(parts: dict[str, Any]) -> None:
    assert read(**parts).resource_changes == []


@pytest.mark.parametrize("changes", [None, [], ...])
@pytest.mark.parametrize(
    "module",
    [
        {"resources": [{"address": "a_b.c"}]},
        {"child_modules": [{"child_modules": [{"resources": [{}]}]}]},
        {"resources": {"a": 1}},
        {"resources": "x"},
        {"child_modules": [{"resources": [{}]}, {}]},
    ],
)
def test_planned_resources_without_changes_are_refused(changes: Any, module: Any) -> None:
    parts = {} if changes is ... else {"resource_changes": changes}
    data = {"format_version": "1.2", "planned_values": {"root_module": module}, **parts}
    with pytest.raises(InputError):
        read_plan(json.dumps(data).encode(), "plan")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"format_version":"1.2"}', "neither"),
        ('{"values":{}}', "state"),
        ('{"lineage":"x"}', "state"),
        ('{"provider_schemas":{}}', "provider schema"),
        ('{"@level":"info"}\n{"@level":"info"}', "event stream"),
    ],
)
def test_another_document_is_named(text: str, says: str) -> None:
    with pytest.raises(NotAPlanError) as caught:
        read_plan(text.encode(), "x.json")
    assert says in caught.value.message
    assert "terraform show -json" in caught.value.hint


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        ({"mode": "data"}, "`mode`"),
        ({"mode": "list"}, "`mode`"),
        ({"type": "aws_sns_topic"}, "`type`"),
        ({"change": {"actions": ["delete"]}}, "go away"),
        ({"change": {"actions": ["forget"]}}, "go away"),
        ({"change": {"actions": ["delete", "forget"]}}, "go away"),
    ],
)
def test_an_entry_that_contradicts_itself_is_refused(parts: dict[str, Any], says: str) -> None:
    assert says in refused(entry(**parts))


def test_no_message_holds_a_value() -> None:
    for parts in (
        {"change": {"after": ["CANARY"]}},
        {"change": {"after_unknown": "CANARY"}},
        {"name": ["CANARY"]},
        {"mode": "CANARY"},
        {"type": "CANARY"},
    ):
        assert "CANARY" not in refused(entry(**parts))


def test_fixtures_and_their_count_of_changes_agree() -> None:
    for path in PLANS.glob("*.json"):
        wanted = json.loads(path.read_bytes()).get("resource_changes", [])
        plan = read_plan(path.read_bytes(), path.name)
        assert [change.address for change in plan.resource_changes] == [change["address"] for change in wanted], (
            path.name
        )
        for change, raw in zip(plan.resource_changes, wanted, strict=True):
            assert plan.values(change).after == raw["change"]["after"]
            assert plan.values(change).before == raw["change"]["before"]
