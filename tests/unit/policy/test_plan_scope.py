# ruff: noqa: E501 - tables read better in long lines
"""In which account and region the resources of a plan are, and where that cannot be told."""

from typing import Any

import msgspec
import pytest

from iacgate.model.inventory import ScopeKey
from iacgate.policy.plan_scope import PlanScope
from iacgate.sources.plan_json import read_plan

from tests.unit.policy.plans import change

A, B = "111122223333", "444455556666"
ARN = f"arn:aws:ec2:eu-west-1:{A}:subnet/subnet-0a1b2c3d"
CREATED = change("aws_subnet.s", "create", {}, {"arn": True})


def place(*changes: Any, provider: Any = None, key: str = "aws", data: Any = (), given: Any = None, variables: Any = None, **more: Any) -> ScopeKey:  # fmt: skip
    blocks = [
        {"mode": "managed", "type": one["type"], "name": one["name"], "provider_config_key": key, "expressions": {}}
        for one in changes
    ]
    blocks += [
        {
            "mode": "data",
            "type": one["type"],
            "name": one["name"],
            "provider_config_key": one.get("key", key),
            "expressions": one.get("asks", {}),
        }
        for one in data
    ]
    document = {
        "format_version": "1.2", "planned_values": {"root_module": {}}, "resource_changes": list(changes),
        "variables": {name: {"value": value} for name, value in (variables or {}).items()},
        "prior_state": {"format_version": "1.0", "values": {"root_module": {"resources": [
            {"address": f"data.{one['type']}.{one['name']}", "mode": "data", "type": one["type"], "name": one["name"], "values": one["values"]} for one in data]}}},
        "configuration": {"provider_config": {key: {"name": "aws", "expressions": provider or {}}}, "root_module": {"resources": blocks}}, **more,
    }  # fmt: skip
    plan = read_plan(msgspec.json.encode(document), "plan.json")
    first = plan.resource_changes[0]
    values = plan.values(first)
    return PlanScope(plan, given).of(first.address, first.type, values.after or values.before or {})


def who(account: str, key: str = "aws", name: str = "me") -> dict[str, Any]:
    return {"type": "aws_caller_identity", "name": name, "values": {"account_id": account}, "key": key}


def constant(value: Any) -> dict[str, Any]:
    return {"constant_value": value}


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        (lambda: place(CREATED), ("", "")),
        (lambda: place(change("aws_subnet.s", "no-op", {"arn": ARN})), (A, "eu-west-1")),
        (lambda: place(CREATED, provider={"region": constant("eu-west-1")}), ("", "eu-west-1")),
        (lambda: place(CREATED, provider={"region": {"references": ["var.r"]}}, variables={"r": "eu-west-2"}), ("", "eu-west-2")),
        (lambda: place(CREATED, provider={"region": {"references": ["var.r", "local.x"]}}, variables={"r": "eu-west-2"}), ("", "")),
        (lambda: place(CREATED, provider={"region": {"references": ["data.x.y"]}}), ("", "")),
        (lambda: place(CREATED, provider={"allowed_account_ids": constant([A])}), (A, "")),
        (lambda: place(CREATED, provider={"allowed_account_ids": constant([A, B])}), ("", "")),
        (lambda: place(CREATED, provider={"assume_role": [{"role_arn": constant(f"arn:aws:iam::{A}:role/x")}]}), (A, "")),
        (lambda: place(CREATED, data=[who(A)]), (A, "")),
        (lambda: place(CREATED, data=[who(A, key="aws.other")]), ("", "")),
        (lambda: place(CREATED, data=[who(A), who(B, name="you")]), ("?", "")),
        (lambda: place(CREATED, provider={"allowed_account_ids": constant([B])}, data=[who(A)]), ("?", "")),
        (lambda: place(CREATED, data=[{"type": "aws_region", "name": "here", "values": {"id": "eu-west-3"}}]), ("", "eu-west-3")),
        (lambda: place(CREATED, data=[{"type": "aws_region", "name": "far", "values": {"id": "eu-west-3"}, "asks": {"name": constant("eu-west-3")}}]), ("", "")),
        (lambda: place(CREATED, change("aws_subnet.t", "no-op", {"arn": ARN})), (A, "")),
        (lambda: place(CREATED, change("aws_organizations_account.t", "no-op", {"arn": f"arn:aws:organizations::{A}:account/o/1"})), ("", "")),
        (lambda: place(CREATED, given=ScopeKey("aws", B, "us-east-1")), (B, "us-east-1")),
        (lambda: place(CREATED, given=ScopeKey("aws", B, ""), data=[who(A)]), ("?", "")),
        (lambda: place(CREATED, given=ScopeKey("aws", A, "us-east-1"), provider={"region": constant("eu-west-1")}), (A, "eu-west-1")),
        (lambda: place(change("aws_iam_role.r", "no-op", {"arn": f"arn:aws:iam::{A}:role/r"}), provider={"region": constant("eu-west-1")}), (A, "eu-west-1")),
        (lambda: place(change("aws_s3_bucket.b", "no-op", {"arn": "arn:aws:s3:::b", "region": "eu-west-1"})), ("", "eu-west-1")),
        (lambda: place(change("aws_iam_role_policy_attachment.r", "no-op", {"arn": "arn:aws:iam::aws:policy/X"})), ("", "")),
        (lambda: place(change("azurerm_subnet.s", "no-op", {"id": "/subscriptions/AAAAAAAA-0000-0000-0000-000000000000/resourceGroups/r"})), ("aaaaaaaa-0000-0000-0000-000000000000", "global")),
        (lambda: place(change("azurerm_subnet.s", "create", {}), provider={"subscription_id": constant("AAAAAAAA-0000-0000-0000-000000000000")}), ("aaaaaaaa-0000-0000-0000-000000000000", "global")),
        (lambda: place(change("google_compute_network.n", "create", {"project": "p1"})), ("p1", "global")),
        (lambda: place(change("google_compute_network.n", "create", {}), provider={"project": constant("p2")}), ("p2", "global")),
    ],
)  # fmt: skip
def test_where_a_resource_is(found: Any, wanted: tuple[str, str]) -> None:
    assert found()[1:] == wanted
