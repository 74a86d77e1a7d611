"""What a scanner gets to see: every resource that will be there, and no secret."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from iacgate.scanners.masked_plan import MASK, MaskedPlan, Sentinel, mask_plan
from iacgate.sources.plan_json import read_plan

from tests.acceptance.hostile import FIXTURES, instance, plan

SENTINEL = Sentinel("aws_db_instance", {"publicly_accessible": True})
PLANS = sorted((FIXTURES / "plans").glob("*.json"))
LABELS = json.loads((FIXTURES / "labels" / "sensitive.json").read_text("utf-8"))
SECRET = "CANARY-hunter2-hunter2"


def masked(document: Any) -> MaskedPlan:
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    return mask_plan(read_plan(data, "plan.json"), SENTINEL)


def values(document: Any) -> dict[str, Any]:
    """Planned values by address, of a plan or of a copy."""

    def modules(module: dict[str, Any]) -> Iterator[dict[str, Any]]:
        yield module
        for child in module.get("child_modules", []):
            yield from modules(child)

    root = document["planned_values"]["root_module"]
    return {one["address"]: one.get("values", {}) for module in modules(root) for one in module.get("resources", [])}


@pytest.mark.parametrize("path", PLANS, ids=lambda path: path.stem)
def test_the_copy_has_the_planned_values_that_terraform_wrote(path: Path) -> None:
    document = json.loads(path.read_bytes())
    copy = masked(path.read_bytes())
    shown = values(json.loads(copy.data))
    assert shown.pop(copy.sentinel) == SENTINEL.values
    wanted = values(document)
    if path.stem == "forget":  # Terraform lists what it forgets, without values
        wanted = {address: one for address, one in wanted.items() if address in shown}
    assert shown.keys() == wanted.keys() == copy.managed | copy.others
    assert {address for address in shown if shown[address] != wanted[address]} <= {
        address for address in shown if MASK in json.dumps(shown[address])
    }


def test_no_canary_is_in_the_copy_but_those_that_nothing_marks() -> None:
    copy = masked((FIXTURES / "plans" / "sensitive.json").read_bytes())
    seen = {one["value"] for one in LABELS["canaries"] if one["value"].encode() in copy.data}
    tags = {"CANARY-unmarked-9f2c", "CANARY-userinfo-9f2c"}  # plain tags, by all that the plan says
    assert seen == tags
    assert len(LABELS["canaries"]) > len(tags) + 5
    assert copy.masked


@pytest.mark.parametrize(
    ("after", "mask", "shown"),
    [
        ({"a": SECRET}, {"a": True}, {"a": MASK}),
        ({"a": 12345678}, {"a": True}, {"a": MASK}),
        ({"a": False}, {"a": True}, {"a": MASK}),
        ({"a": None}, {"a": True}, {"a": None}),
        ({"a": {SECRET: SECRET}, "b": 1}, {"a": True}, {"a": {MASK: MASK}, "b": 1}),
        (
            {"a": [{"b": SECRET, "c": 1}, {"b": "open"}]},
            {"a": [{"b": True}]},
            {"a": [{"b": MASK, "c": 1}, {"b": "open"}]},
        ),
        ({"a": [SECRET, SECRET]}, {"a": True}, {"a": [MASK]}),
        ({"a": {"b": SECRET}}, {"a": [True]}, {"a": {MASK: MASK}}),  # a mask of another shape hides all
        ({"a": SECRET}, True, {MASK: MASK}),
    ],
)
def test_what_is_marked_goes_whatever_it_is(after: Any, mask: Any, shown: Any) -> None:
    copy = masked(plan(instance(change={"after": after, "after_sensitive": mask})))
    assert values(json.loads(copy.data))["aws_instance.bad"] == shown
    assert SECRET.encode() not in copy.data
    assert copy.masked == {"aws_instance.bad"}


@pytest.mark.parametrize(
    "configuration",
    [
        {"root_module": {"variables": {"token": {"sensitive": True, "default": SECRET}}}},
        {"provider_config": {"aws": {"expressions": {"secret_key": {"constant_value": SECRET}}}}, "root_module": {}},
    ],
    ids=["variable", "provider"],
)
def test_what_is_marked_in_one_place_goes_in_all(configuration: Any) -> None:
    after = {"plain": "as it is", "user_data": f"export TOKEN={SECRET}", "tags": {f"key of {SECRET}": "x"}, "count": 3}
    copy = masked(plan(instance(change={"after": after}), configuration=configuration))
    shown = values(json.loads(copy.data))["aws_instance.bad"]
    assert shown == {"plain": "as it is", "user_data": MASK, "tags": {MASK: "x"}, "count": 3}
    assert SECRET.encode() not in copy.data


def test_of_the_configuration_only_references_are_shown() -> None:
    resource = {
        "address": "aws_instance.bad",
        "mode": "managed",
        "type": "aws_instance",
        "name": "bad",
        "expressions": {
            "subnet_id": {"references": ["aws_subnet.a.id", "aws_subnet.a"]},
            "user_data": {"constant_value": SECRET},
            "root_block_device": [
                {"kms_key_id": {"references": ["aws_kms_key.k"]}, "encrypted": {"constant_value": True}}
            ],
        },
        "provisioners": [{"type": "local-exec", "expressions": {"command": {"constant_value": SECRET}}}],
    }
    inner = {
        "resources": [resource],
        "variables": {"a": {"default": SECRET}},
        "outputs": {"o": {"expression": {"constant_value": SECRET}}},
    }
    root = {"module_calls": {"m": {"expressions": {"a": {"constant_value": SECRET}}, "module": inner}}}
    document = plan(
        instance(),
        configuration={"root_module": root, "provider_config": {"aws": {"name": "aws"}}},
        variables={"a": {"value": SECRET}},
        prior_state={"values": {"root_module": {"resources": []}}},
        output_changes={},
    )
    copy = json.loads(masked(document).data)
    assert SECRET not in json.dumps(copy)
    assert set(copy) == {"format_version", "terraform_version", "planned_values", "resource_changes", "configuration"}
    (shown,) = copy["configuration"]["root_module"]["module_calls"]["m"]["module"]["resources"]
    assert shown["expressions"]["subnet_id"] == {"references": ["aws_subnet.a.id", "aws_subnet.a"]}
    assert shown["expressions"]["root_block_device"][0]["kms_key_id"] == {"references": ["aws_kms_key.k"]}
    assert shown["provisioners"] == [{"type": "local-exec", "expressions": {}}]


def test_planned_values_that_say_something_else_than_the_changes_are_not_shown() -> None:
    other = {"address": "aws_instance.good", "mode": "managed", "type": "aws_instance", "name": "good", "values": {}}
    copy = masked(plan(instance(), planned_values={"root_module": {"resources": [other]}}))
    assert copy.managed == {"aws_instance.bad"}
    assert b"aws_instance.good" not in copy.data


def test_what_goes_away_is_not_there_and_what_stays_is_known_to_stay() -> None:
    gone = instance("gone", change={"actions": ["delete"], "before": {"a": 1}, "after": None, "after_unknown": False})
    stays = instance("stays", change={"actions": ["no-op"], "before": {"a": 1}, "after": {"a": 1}, "after_unknown": {}})
    read = instance(
        "read", mode="data", address="data.aws_instance.read", change={"actions": ["read"], "after_unknown": {}}
    )
    copy = masked(plan(gone, stays, read))
    assert (copy.managed, copy.unchanged, copy.others) == (
        {"aws_instance.stays"},
        {"aws_instance.stays"},
        {"data.aws_instance.read"},
    )


def test_the_sentinel_takes_no_name_of_the_plan() -> None:
    taken = instance("iacgate_sentinel", type="aws_db_instance", address="aws_db_instance.iacgate_sentinel")
    assert masked(plan(taken)).sentinel == "aws_db_instance.iacgate_sentinel_"
