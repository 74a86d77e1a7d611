# ruff: noqa: E501 - tables read better in long lines
"""What the simulation does not make up: networks that are there already, and what the evidence says."""

from typing import Any

import pytest

from tests.unit.policy.plans import catalogue, change, plan_of, refers, run

CHECK = ("x", "aws_instance", "{not_exposed: {to: internet}}", "high")
WORLD = {"cidr_blocks": ["0.0.0.0/0"], "ipv6_cidr_blocks": [], "prefix_list_ids": [], "security_groups": [],
         "self": False, "protocol": "tcp", "from_port": 22, "to_port": 22, "description": ""}  # fmt: skip
ROUTE = {"cidr_block": "0.0.0.0/0", "ipv6_cidr_block": "", "gateway_id": "igw-1", "nat_gateway_id": ""}
ALLOW = {"rule_no": 100, "action": "allow", "protocol": "-1", "cidr_block": "0.0.0.0/0", "ipv6_cidr_block": "",
         "from_port": 0, "to_port": 0}  # fmt: skip
THERE: dict[str, dict[str, Any]] = {
    "aws_vpc.v": {"id": "vpc-1", "default_network_acl_id": "acl-0", "main_route_table_id": "rtb-0"},
    "aws_subnet.s": {"id": "subnet-1", "vpc_id": "vpc-1", "map_public_ip_on_launch": False},
    "aws_route_table.t": {"id": "rtb-1", "vpc_id": "vpc-1", "route": [ROUTE]},
    "aws_route_table_association.a": {"id": "a", "subnet_id": "subnet-1", "route_table_id": "rtb-1"},
    "aws_security_group.g": {"id": "sg-1", "vpc_id": "vpc-1", "ingress": [WORLD]},
    "aws_network_acl.n": {"id": "acl-1", "vpc_id": "vpc-1", "subnet_ids": ["subnet-1"], "ingress": [ALLOW]},
    "aws_instance.x": {"id": "i-1", "subnet_id": "subnet-1", "associate_public_ip_address": True, "public_ip": "198.51.100.7",
                       "ipv6_addresses": [], "vpc_security_group_ids": ["sg-1"], "primary_network_interface_id": "eni-1"},
}  # fmt: skip


def verdict(*more: dict[str, Any], check: tuple[str, str, str, str] = CHECK, **changed: dict[str, Any] | None) -> str:
    there = {address: {**body, **(changed.get(address.partition(".")[2]) or {})} for address, body in THERE.items()}
    left = [address for address in there if changed.get(address.partition(".")[2], {}) is not None]
    changes = [change(address, "no-op", there[address]) for address in left]
    (result,) = [
        one
        for one in run(catalogue(check), plan_of(*changes, *more)).results
        if one.subject.address == "aws_instance.x"
    ]
    return str(result.verdict)


def test_what_is_there_and_open_fails() -> None:
    assert verdict() == "fail"


@pytest.mark.parametrize(
    ("what", "changed", "expected"),
    [
        ("no public address", {"x": {"associate_public_ip_address": False, "public_ip": ""}}, "pass"),
        ("no route out", {"t": {"route": [{**ROUTE, "gateway_id": "", "nat_gateway_id": "nat-1"}]}}, "pass"),
        ("a longer prefix leads elsewhere", {"t": {"route": [ROUTE, {**ROUTE, "cidr_block": "0.0.0.0/1", "gateway_id": "vgw-1"},
                                                   {**ROUTE, "cidr_block": "128.0.0.0/1", "gateway_id": "vgw-1"}]}}, "pass"),
        ("the group is for an office", {"g": {"ingress": [{**WORLD, "cidr_blocks": ["203.0.113.0/24"]}]}}, "pass"),
        ("the ACL denies first", {"n": {"ingress": [{**ALLOW, "rule_no": 10, "action": "deny"}, ALLOW]}}, "pass"),
        ("the ACL denies later", {"n": {"ingress": [{**ALLOW, "rule_no": 110, "action": "deny"}, ALLOW]}}, "fail"),
        ("the group is not here", {"g": None}, "unknown"),
        ("the association is not here", {"a": None}, "unknown"),
        ("the ACL is not here", {"n": None}, "unknown"),
        ("the subnet is not here", {"s": None}, "unknown"),
        ("neither subnet nor group is here, and there is no address",
         {"s": None, "g": None, "x": {"associate_public_ip_address": False, "public_ip": ""}}, "pass"),
    ],
)  # fmt: skip
def test_any_hop_that_is_closed_keeps_it_private(what: str, changed: dict[str, Any], expected: str) -> None:
    assert verdict(**changed) == expected, what


def test_a_rule_that_this_plan_removes_is_not_counted_though_the_group_still_lists_it() -> None:
    rule = {"id": "r", "type": "ingress", "security_group_id": "sg-1", "protocol": "tcp", "from_port": 22, "to_port": 22,
            "cidr_blocks": ["0.0.0.0/0"]}  # fmt: skip
    assert verdict(change("aws_security_group_rule.r", "no-op", rule)) == "fail"
    assert verdict(change("aws_security_group_rule.r", "delete", None, before=rule)) == "pass"


def test_a_route_that_this_plan_removes_is_not_counted_though_the_table_still_lists_it() -> None:
    route = {"id": "r", "route_table_id": "rtb-1", "destination_cidr_block": "0.0.0.0/0", "gateway_id": "igw-1"}
    assert verdict(change("aws_route.r", "no-op", route)) == "fail"
    assert verdict(change("aws_route.r", "delete", None, before=route)) == "pass"


def test_an_acl_rule_that_this_plan_removes_is_not_counted_though_the_acl_still_lists_it() -> None:
    rule = {"id": "r", "network_acl_id": "acl-1", "egress": False, "rule_number": 100, "rule_action": "allow",
            "protocol": "-1", "cidr_block": "0.0.0.0/0"}  # fmt: skip
    assert verdict(change("aws_network_acl_rule.r", "no-op", rule)) == "fail"
    assert verdict(change("aws_network_acl_rule.r", "delete", None, before=rule)) == "pass"


def test_an_elastic_address_that_goes_away_leaves_open_what_address_is_left() -> None:
    address = {"id": "e", "allocation_id": "eip-1", "instance_id": "i-1"}
    assert verdict(change("aws_eip_association.e", "no-op", address)) == "fail"
    assert verdict(change("aws_eip_association.e", "delete", None, before=address)) == "unknown"


def test_a_prefix_list_of_this_plan_is_read_and_another_is_unknown() -> None:
    listed = {"g": {"ingress": [{**WORLD, "cidr_blocks": [], "prefix_list_ids": ["pl-1"]}]}}
    assert verdict(**listed) == "unknown"
    wide = {"id": "pl-1", "entry": [{"cidr": "0.0.0.0/0", "description": ""}]}
    assert verdict(change("aws_ec2_managed_prefix_list.l", "no-op", wide), **listed) == "fail"
    narrow = {"id": "pl-1", "entry": [{"cidr": "203.0.113.0/24", "description": ""}]}
    assert verdict(change("aws_ec2_managed_prefix_list.l", "no-op", narrow), **listed) == "pass"


def test_only_the_ports_that_are_asked_for_count() -> None:
    ports = "{not_exposed: {to: internet, ports: [3306, 3389]}}"
    assert verdict(check=("x", "aws_instance", ports, "high")) == "pass"
    assert verdict(check=("x", "aws_instance", ports, "high"), g={"ingress": [{**WORLD, "to_port": 4000}]}) == "fail"


def test_the_evidence_of_a_failure_is_the_way_in() -> None:
    changes = [change(address, "no-op", body) for address, body in THERE.items()]
    (result,) = run(catalogue(CHECK), plan_of(*changes)).results
    assert [(one.address, one.path) for one in result.evidence] == [
        ("", "associate_public_ip_address"),
        ("", "public_ip"),
        ("aws_route_table.t", "route[0].cidr_block"),
        ("aws_route_table.t", "route[0].gateway_id"),
        ("aws_security_group.g", "ingress[0].cidr_blocks"),
        ("aws_security_group.g", "ingress[0].from_port"),
        ("aws_network_acl.n", "ingress[0].cidr_block"),
        ("aws_network_acl.n", "ingress[0].rule_no"),
    ]
    assert result.evidence[5].actual == "tcp 22-22"


def test_the_evidence_of_an_unknown_names_what_is_missing() -> None:
    changes = [change(address, "no-op", body) for address, body in THERE.items() if address != "aws_network_acl.n"]
    (result,) = run(catalogue(CHECK), plan_of(*changes)).results
    assert [(one.address, one.needs) for one in result.evidence] == [
        ("aws_subnet.s", "no aws_network_acl of this root names it; one may live elsewhere")
    ]


def test_a_sensitive_range_is_not_shown() -> None:
    changes = [change(address, "no-op", body) for address, body in THERE.items()]
    group = next(one for one in changes if one["address"] == "aws_security_group.g")
    group["change"]["after_sensitive"] = {"ingress": True}
    (result,) = run(catalogue(CHECK), plan_of(*changes)).results
    shown = {one.path: str(one.actual) for one in result.evidence}
    assert "0.0.0.0/0" not in shown["ingress[0].cidr_blocks"]
    assert "22" not in shown["ingress[0].from_port"]


def test_several_groups_that_are_named_once_each_are_all_there() -> None:
    network = [change(address, "no-op", body) for address, body in THERE.items() if address != "aws_instance.x"]
    shut = change("aws_security_group.h", "create", {"ingress": []}, {"id": True})
    both = refers("aws_security_group.g.id", "aws_security_group.g", "aws_security_group.h.id", "aws_security_group.h")
    instance = change("aws_instance.x", "create", {"subnet_id": "subnet-1", "associate_public_ip_address": True},
                      {"id": True, "vpc_security_group_ids": True})  # fmt: skip
    plan = plan_of(*network, shut, instance, configuration={"aws_instance.x": {"vpc_security_group_ids": both}})
    assert {one.subject.address: str(one.verdict) for one in run(catalogue(CHECK), plan).results} == {
        "aws_instance.x": "fail"
    }
