"""Where a subnet's route table leads: to an internet gateway, or not.

The longest prefix decides. Only an internet gateway lets connections in; NAT gateways, egress-only
gateways, transit gateways, endpoints and peerings do not. Routes that a VPN gateway propagates are
not looked at: they lead to a company's own networks (``docs/adr/0019``).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from iacgate.model.finding import Evidence
from iacgate.model.values import ABSENT, UNKNOWN
from iacgate.policy.exposure.aws_rules import ADOPTED, listed_ranges, vpc_of
from iacgate.policy.exposure.filters import Filter, Rule, first_match, one_of, unsure
from iacgate.policy.exposure.packets import EVERY, box
from iacgate.policy.exposure.reading import Partner, Place, children, once, partner, place, told, untold
from iacgate.policy.exposure.rule_parts import IPV4, IPV6, ranges
from iacgate.policy.exposure.spans import size

if TYPE_CHECKING:
    from iacgate.model.origin import Origin
    from iacgate.policy.plan_subject import PlanSubject

__all__ = ["route_of"]

_TABLES = ["aws_route_table", "aws_default_route_table"]
_MAIN = ["main_route_table_id", "default_route_table_id"]
_GATEWAYS = ["aws_internet_gateway", "aws_vpn_gateway"]
"""What `gateway_id` may name; an id by its prefix."""
_NAMED_BY_ROUTES = frozenset(
    {
        *_GATEWAYS,
        "aws_ec2_carrier_gateway",
        "aws_ec2_managed_prefix_list",
        "aws_ec2_transit_gateway",
        "aws_egress_only_internet_gateway",
        "aws_nat_gateway",
        "aws_network_interface",
        "aws_vpc_endpoint",
        "aws_vpc_peering_connection",
    }
)
"""What the other attributes of a route name; anything else might give a gateway, too."""
_TARGETS = (
    "carrier_gateway_id",
    "core_network_arn",
    "egress_only_gateway_id",
    "instance_id",
    "local_gateway_id",
    "nat_gateway_id",
    "network_interface_id",
    "transit_gateway_id",
    "vpc_endpoint_id",
    "vpc_peering_connection_id",
)
_WANTED = "no route to an internet gateway"
_ROUTE = "a route to an internet gateway"


def route_of(subnet: PlanSubject) -> Filter:
    """The addresses with which a subnet is connected through an internet gateway."""
    found = children(subnet, ["aws_route_table_association"], "subnet_id", adopted=subnet.type in ADOPTED)
    if found.sure:
        return one_of(_table_of(one) for one in found.sure)
    possible = [_table_of(one) for one in found.maybe]
    if found.open:
        return one_of([*possible, unsure(found.evidence)])
    vpcs = vpc_of(subnet)
    if isinstance(vpcs, Evidence):
        return one_of([*possible, unsure(vpcs)])
    return one_of([*possible, *(once(_main_table, vpc) for vpc in vpcs)])


def _table_of(association: PlanSubject) -> Filter:
    here = place(association)
    found = partner(here, ("route_table_id",), _TABLES)
    if found is not None and not found.open:
        return one_of(once(_table_filter, one) for one in found.options)
    main = partner(here, ("route_table_id",), ["aws_vpc"], _MAIN)
    if main is not None and not main.open:
        return one_of(once(_main_table, one) for one in main.options)
    return unsure(found.evidence if found else here.shows("route_table_id"))


def _main_table(vpc: PlanSubject) -> Filter:
    """The table of subnets that are associated with none."""
    adopted = vpc.type in ADOPTED
    chosen = children(vpc, ["aws_main_route_table_association"], "vpc_id", adopted=adopted)
    if chosen.sure:
        return one_of(_table_of(one) for one in chosen.sure)
    taken = children(vpc, ["aws_default_route_table"], "default_route_table_id", _MAIN, adopted=adopted)
    possible = [_table_of(one) for one in chosen.maybe] + [once(_table_filter, one) for one in taken.maybe]
    missing = chosen.evidence if chosen.open else taken.evidence
    if taken.sure:
        own = once(_table_filter, taken.sure[0])
    else:
        text = "the VPC's main route table, which stays inside"
        own = first_match(_routes_naming(vpc, _MAIN))._replace(
            keeps_out=(told("main_route_table_id", text, vpc.address, _ROUTE),)
        )
    if chosen.open or (taken.open and not taken.sure):
        return one_of([*possible, own, unsure(missing)])
    return one_of([*possible, own])


def _table_filter(table: PlanSubject) -> Filter:
    here = place(table)
    looked_up = table.parsed is not None and table.parsed.mode == "data"
    listed, more = here.each("routes" if looked_up else "route")
    rules = [rule for one in listed for rule in _route(one, "cidr_block", "ipv6_cidr_block")]
    if more or (looked_up and not listed):
        missing = here.shows("route", expected="routes that are known")
        rules.append(Rule(None, (), EVERY, order=None, missing=(missing,)))
    gone = _spoken_for(table)
    rules = [one for one in rules if one.maybe not in gone or one.order is None]
    rules += _routes_naming(table, ["id"])
    if table.type == "aws_default_route_table":
        vpc = partner(here, ("default_route_table_id",), ["aws_vpc"], _MAIN)
        rules += [rule for one in (vpc.options if vpc else ()) for rule in _routes_naming(one, _MAIN)]
    shut = told("route", "no route to an internet gateway", table.address, _ROUTE)
    return first_match(rules)._replace(keeps_out=(shut,))


def _routes_naming(subject: PlanSubject, matches: list[str]) -> Iterator[Rule]:
    found = children(subject, ["aws_route"], "route_table_id", matches)
    for one in (*found.sure, *found.maybe):
        for rule in _route(place(one), "destination_cidr_block", "destination_ipv6_cidr_block"):
            yield rule if one in found.sure else rule._replace(sure=())


def _spoken_for(table: PlanSubject) -> list[object]:
    """Where routes that were resources of their own lead: they stand in the table's list as the cloud has it."""
    before = table.world.opposite
    if before is None or table.world.side == "before":
        return []
    twin = before.subject_at((table.change.previous_address if table.change else "") or table.address)
    return [one.maybe for one in _routes_naming(twin, ["id"])] if twin is not None else []


def _route(here: Place, v4: str, v6: str) -> Iterator[Rule]:
    """One route: a rule for each of its destinations, the narrower the earlier."""
    to_internet, missing = _target(here)
    destination = ranges(here, v4, IPV4) | ranges(here, v6, IPV6) | listed_ranges(here, "destination_prefix_list_id")
    known = next((step for step in (v4, v6, "destination_prefix_list_id") if here.get(step) is not ABSENT), v4)
    target = next((step for step in ("gateway_id", *_TARGETS) if here.get(step) is not ABSENT), "gateway_id")
    gateway = partner(here, (target,), _GATEWAYS) if here.get(target) is UNKNOWN else None
    named = gateway.options[0].address if gateway and len(gateway.options) == 1 else None
    evidence = (here.shows(known, expected=_WANTED), here.shows(target, expected=_WANTED, value=named))
    for span in destination.sure:
        packets = box((span,))
        yield Rule(to_internet, packets, packets, evidence, (_order(span),), missing)
    if destination.sure != destination.maybe:
        yield Rule(to_internet, (), box(destination.maybe), evidence, None, (*missing, *destination.missing))


def _order(span: tuple[int, int]) -> float:
    """Of two ranges of a family that overlap, one lies in the other."""
    return float(size((span,)))


def _target(here: Place) -> tuple[bool | None, tuple[Evidence, ...]]:
    """Whether a route leads to an internet gateway."""
    if any(here.get(step) is not ABSENT and here.get(step) is not UNKNOWN for step in _TARGETS):
        return False, ()
    gateway = here.get("gateway_id")
    if isinstance(gateway, str):
        return gateway.startswith("igw-"), ()
    if gateway is UNKNOWN:
        kinds = _kinds(here)
        if kinds == {"aws_internet_gateway"}:
            return True, ()
        if kinds and "aws_internet_gateway" not in kinds:
            return False, ()
        return None, (here.shows("gateway_id", expected="a gateway that is known"),)
    later = [step for step in _TARGETS if here.get(step) is UNKNOWN]
    if later or gateway is not ABSENT:
        return False, ()
    return None, (untold("gateway_id", "the route names no target", here.subject.address),)


def _named_gateways(here: Place) -> Origin | None:
    """What the gateways of a route are made of; of routes in a list the plan shows all of them at once."""
    subject, at = here.subject, (*here.at, "gateway_id")
    origin = subject.origin(at)
    if origin and origin.closed:
        return origin
    references, address = subject.world.references, subject.parsed
    if references is None or address is None:
        return None
    listed = subject.values.get("route")
    for many in range(2, len(listed) + 1 if isinstance(listed, list) else 0):
        found = references.parts_of(address, at, subject.values, many)
        if found is not None and found.closed:
            return found
    return None


def _kinds(here: Place) -> set[str]:
    """The types of gateway that `gateway_id` may name: it takes no other resources."""
    named: Partner | None = partner(here, ("gateway_id",), _GATEWAYS)
    if named is not None and not named.open:
        return {one.type for one in named.options}
    origin = _named_gateways(here)
    types = {one.type for one in origin.targets} if origin else set()
    return types.intersection(_GATEWAYS) if types <= _NAMED_BY_ROUTES else set()
