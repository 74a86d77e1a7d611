"""What checks ask of resources that a plan need not hold: the types, their attributes, and how they are found.

Derived from the compiled conditions, so that a posture index holds what the relations of any library lead to; and
the types that network paths lead over, of which everything counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from iacgate.policy.catalogue import Catalogue

__all__ = ["IDENTITY", "NETWORK", "Asked", "asked_types", "existing_types"]

IDENTITY = ("id", "arn", "name", "self_link", "bucket", "key_id")
"""Attributes by which a resource is known, of those that its type has."""
_AWS = """
    alb alb_listener db_subnet_group default_network_acl default_route_table default_security_group default_subnet
    default_vpc ec2_managed_prefix_list ec2_managed_prefix_list_entry egress_only_internet_gateway eip eip_association
    internet_gateway internet_gateway_attachment lb lb_listener main_route_table_association nat_gateway network_acl
    network_acl_association network_acl_rule network_interface network_interface_attachment
    network_interface_sg_attachment route route_table route_table_association security_group security_group_rule subnet
    vpc vpc_ipv4_cidr_block_association vpc_security_group_egress_rule vpc_security_group_ingress_rule vpn_gateway
    vpn_gateway_attachment
"""
_AZURE = """
    application_security_group lb lb_backend_address_pool lb_nat_pool lb_nat_rule lb_rule nat_gateway
    network_interface network_interface_backend_address_pool_association network_interface_nat_rule_association
    network_interface_security_group_association network_security_group network_security_rule public_ip public_ip_prefix
    route route_table subnet subnet_nat_gateway_association subnet_network_security_group_association
    subnet_route_table_association virtual_network
"""
_GOOGLE = """
    address firewall forwarding_rule global_address global_forwarding_rule network
    network_firewall_policy_association network_firewall_policy_rule route router router_nat subnetwork target_instance
"""
NETWORK = frozenset(
    [f"aws_{name}" for name in _AWS.split()]
    + [f"azurerm_{name}" for name in _AZURE.split()]
    + [f"google_compute_{name}" for name in _GOOGLE.split()]
)
"""Types that a path from the internet can lead over."""
_PATHS = ("path", "every", "some", "policy_document", "our", "from", "to", "protocol")


class Asked(NamedTuple):
    """What is asked of one resource type."""

    attributes: frozenset[str]
    """At the top, where conditions name them."""
    keys: frozenset[str]
    """Paths by which relations find resources of the type."""


def asked_types(catalogue: Catalogue) -> dict[str, Asked]:
    """What all conditions of all checks ask of resources that relations lead to, by type."""
    attributes: dict[str, set[str]] = {}
    keys: dict[str, set[str]] = {}
    for number in range(len(catalogue)):
        for case in catalogue.conditions(number):
            for kind, attribute, is_key in _asked([case.condition, case.when], ()):
                attributes.setdefault(kind, set())
                keys.setdefault(kind, set())
                if attribute:
                    attributes[kind].add(attribute.partition(".")[0])
                if is_key:
                    keys[kind].add(attribute)
    return {kind: Asked(frozenset(attributes[kind]), frozenset(keys[kind])) for kind in attributes}


def existing_types(condition: Any) -> frozenset[str]:
    """The types of which a condition asks whether there is one."""
    if isinstance(condition, list):
        return frozenset(kind for one in condition for kind in existing_types(one))
    if not isinstance(condition, dict):
        return frozenset()
    found = frozenset(kind for part in condition.values() for kind in existing_types(part))
    spec = condition.get("exists")
    return found | frozenset(spec["type"]) if isinstance(spec, dict) else found


def _asked(tree: Any, partners: tuple[str, ...]) -> Iterator[tuple[str, str, bool]]:
    """Types, with an attribute that is asked of them and whether they are found by it.

    ``partners``: the types that a relation has led to; none at the resource that is judged.
    """
    if isinstance(tree, list):
        for item in tree:
            yield from _asked(item, partners)
    if not isinstance(tree, dict):
        return
    for form in ("related", "exists"):
        spec = tree.get(form)
        if isinstance(spec, dict):
            yield from _relation(spec, partners)
    for key in _PATHS:
        if key in tree and partners and "holds_secret" not in tree:  # no secret is kept to be looked for
            for attribute in _tops(tree[key]):
                for kind in partners:
                    yield kind, attribute, False
    # Inside a quantifier or a document paths begin below what it names: they ask nothing more of the top.
    inside = any(key in tree for key in ("every", "some", "policy_document"))
    for key, part in tree.items():
        if key not in ("related", "exists"):
            yield from _asked(part, () if inside and key == "satisfies" else partners)
    if inside and partners:
        yield from _relations_below(tree.get("satisfies"), partners)


def _relation(spec: dict[str, Any], partners: tuple[str, ...]) -> Iterator[tuple[str, str, bool]]:
    types = tuple(spec["type"])
    their, matches = spec.get("their"), spec.get("matches", ())
    for kind in types:
        yield kind, "", False
        for name in [their] if their else matches:
            yield kind, name, True
    for kind in partners:
        for name in matches if their else [".".join(spec.get("our", ()))]:
            if name:
                yield kind, name, False
    yield from _asked(spec.get("satisfies"), types)


def _relations_below(tree: Any, partners: tuple[str, ...]) -> Iterator[tuple[str, str, bool]]:
    """A relation inside of a quantifier is one of the resource all the same: ``matches`` are its own attributes."""
    if isinstance(tree, list):
        for item in tree:
            yield from _relations_below(item, partners)
    if isinstance(tree, dict):
        spec = tree.get("related")
        if isinstance(spec, dict) and spec.get("their"):
            for kind in partners:
                for name in spec.get("matches", ()):
                    yield kind, name, False
        for part in tree.values():
            yield from _relations_below(part, partners)


def _tops(path: Any) -> Iterable[str]:
    """The first step of a path, as conditions in normal form write it."""
    if isinstance(path, str):
        return [path.partition(".")[0].removesuffix("[]")] if path else []
    if isinstance(path, list) and path and isinstance(path[0], str):
        return [path[0].removesuffix("[]")]
    return []
