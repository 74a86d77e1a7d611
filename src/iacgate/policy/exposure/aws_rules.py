"""Security groups and network ACLs of AWS as filters.

A group lets in what any of its rules does; it is stateful, and so answers are let out. An ACL asks its
rules by number, and the first that matches decides. It is not stateful, but what its egress rules do to
answers does not count here: the packet has arrived (``docs/adr/0019``).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from iacgate.model.finding import Evidence
from iacgate.model.values import ABSENT, UNKNOWN
from iacgate.policy.exposure.filters import (
    Filter,
    Rule,
    any_of,
    any_rule,
    first_match,
    one_of,
    unsure,
)
from iacgate.policy.exposure.packets import EVERY, EVERY_ADDRESS, EVERY_PORT, EVERY_PROTOCOL, Packets, either, less
from iacgate.policy.exposure.reading import Members, Place, children, members, once, partner, place, told, untold
from iacgate.policy.exposure.rule_parts import (
    IPV4,
    IPV6,
    NONE,
    Part,
    numbers,
    packets_of,
    protocols,
    ranges,
    span_of,
    whole,
)
from iacgate.policy.lookup import shown

if TYPE_CHECKING:
    from iacgate.policy.plan_subject import PlanSubject

__all__ = ["ADOPTED", "GROUPS", "VPCS", "acl_of", "groups_filter", "listed_ranges", "vpc_of"]

GROUPS = ["aws_security_group", "aws_default_security_group"]
VPCS = ["aws_vpc", "aws_default_vpc"]
ADOPTED = frozenset(
    {
        "aws_default_network_acl",
        "aws_default_route_table",
        "aws_default_security_group",
        "aws_default_subnet",
        "aws_default_vpc",
    }
)
"""What Terraform finds in the account and takes over: creating it in a plan does not make it new."""
_IN = "a rule that keeps the internet out"


def groups_filter(found: list[Members | None], subnet: PlanSubject | None) -> Filter:
    """What the security groups of an interface let in; where none is named it is the VPC's default group."""
    there = [one for one in found if one is not None]
    named = [one for one in there if one.sure or one.one_of or one.open]
    parts: list[Filter] = []
    for one in there:
        parts += [once(group_filter, group) for group in one.sure]
        parts += [once(group_filter, group)._replace(sure=()) for group in one.maybe]
        if one.one_of:
            parts.append(one_of(once(group_filter, group) for group in one.one_of))
        if one.open:
            parts.append(unsure(one.evidence))
    if not named:
        parts.append(_default_group(subnet))
    return any_of(parts)


def _default_group(subnet: PlanSubject | None) -> Filter:
    vpc = vpc_of(subnet)
    if not isinstance(vpc, list):
        return unsure(vpc)
    return one_of(once(_default_group_of, one) for one in vpc)


def _default_group_of(vpc: PlanSubject) -> Filter:
    adopted = vpc.type in ADOPTED
    taken = children(vpc, ["aws_default_security_group"], "vpc_id", adopted=adopted)
    if taken.sure:
        return once(group_filter, taken.sure[0])
    parts = [once(group_filter, one)._replace(sure=()) for one in taken.maybe]
    rules = list(_rules_naming(vpc, ["default_security_group_id"]))
    text = "the VPC's default group, whose own rule lets in its members only"
    shut = told("default_security_group_id", text, vpc.address, "a group that lets the internet in")
    own = any_rule(rules)._replace(keeps_out=(shut,))
    if taken.open:
        return any_of([*parts, own, unsure(taken.evidence)])
    return any_of([*parts, own])


def group_filter(group: PlanSubject) -> Filter:
    """What one security group lets in from the internet."""
    here = place(group)
    listed, more = here.each("ingress")
    rules = [_group_rule(one, f"{_protocol(one, 'protocol')}") for one in listed]
    missing = here.shows("ingress", expected="rules that are known")
    if more:
        rules.append(Rule(True, (), EVERY, missing=(missing,)))
    if group.parsed is not None and group.parsed.mode == "data":
        rules.append(
            Rule(True, (), EVERY, missing=(untold("ingress", "a lookup does not say the rules", group.address),))
        )
    spoken_for = _spoken_for(group)
    if spoken_for:
        rules = [one._replace(sure=less(one.sure, spoken_for), maybe=less(one.maybe, spoken_for)) for one in rules]
    rules += _rules_naming(group, ["id"])
    if group.type == "aws_default_security_group":
        vpc = partner(here, ("vpc_id",), VPCS)
        for one in vpc.options if vpc else ():
            rules += _rules_naming(one, ["default_security_group_id"])
    found = any_rule(rules)
    shut = told("ingress", "no rule for the internet", group.address, "a rule that lets the internet in")
    return found._replace(keeps_out=(shut,))


def _rules_naming(subject: PlanSubject, matches: list[str]) -> Iterator[Rule]:
    """Rules that are resources of their own."""
    for kind in ("aws_security_group_rule", "aws_vpc_security_group_ingress_rule"):
        found = children(subject, [kind], "security_group_id", matches)
        for one in (*found.sure, *found.maybe):
            rule = _rule_of(one)
            if rule is not None:
                yield rule if one in found.sure else rule._replace(sure=())


def _rule_of(one: PlanSubject) -> Rule | None:
    here = place(one)
    if one.type == "aws_vpc_security_group_ingress_rule":
        return _group_rule(here, _protocol(here, "ip_protocol"), protocol="ip_protocol")
    direction = here.get("type")
    if direction not in ("ingress", UNKNOWN):
        return None
    rule = _group_rule(here, _protocol(here, "protocol"))
    return rule if direction == "ingress" else rule._replace(sure=(), missing=(*rule.missing, here.shows("type")))


def _spoken_for(group: PlanSubject) -> Packets:
    """What rules that were resources of their own let in: they stand in the group's own list as the cloud has it."""
    before = group.world.opposite
    if before is None or group.world.side == "before":
        return ()
    twin = before.subject_at((group.change.previous_address if group.change else "") or group.address)
    return either(*(one.maybe for one in _rules_naming(twin, ["id"]))) if twin is not None else ()


def _group_rule(here: Place, words: str, *, protocol: str = "protocol") -> Rule:
    one_by_one = protocol == "ip_protocol"
    v4, v6 = ("cidr_ipv4", "cidr_ipv6") if one_by_one else ("cidr_blocks", "ipv6_cidr_blocks")
    lists = "prefix_list_id" if one_by_one else "prefix_list_ids"
    sources = ranges(here, v4, IPV4) | ranges(here, v6, IPV6) | listed_ranges(here, lists)
    kind, ports = _kind_and_ports(here, protocol)
    sure, maybe = packets_of(sources, kind, ports)
    evidence = [
        here.shows(step, expected=_IN) for step in (v4, v6, lists) if here.get(step) not in (ABSENT, UNKNOWN, [])
    ]
    evidence.append(here.shows("from_port", value=words, expected=_IN))
    return Rule(True, sure, maybe, tuple(evidence), missing=(*sources.missing, *kind.missing, *ports.missing))


def _kind_and_ports(here: Place, step: str) -> tuple[Part, Part]:
    """Protocol and ports; with all protocols come all ports, whatever is written."""
    kind, ports = protocols(here, step), numbers(here, "from_port", "to_port")
    if kind.sure == EVERY_PROTOCOL:
        return kind, whole(EVERY_PORT)
    return kind, ports._replace(maybe=EVERY_PORT) if kind.maybe == EVERY_PROTOCOL else ports


def _protocol(here: Place, step: str) -> str:
    """Protocol and ports in words."""
    kind, low, high = here.get(step), here.get("from_port"), here.get("to_port")
    if kind in ("-1", "all", -1):
        return "all ports"
    return f"{shown(kind)} {shown(low)}-{shown(high)}".replace('"', "")


def listed_ranges(here: Place, step: str) -> Part:
    """What the prefix lists that an attribute names hold."""
    kinds = ["aws_ec2_managed_prefix_list"]
    if isinstance(here.get(step), str):
        single = partner(here, (step,), kinds)
        found = None if single is None else Members(single.options, (), (), single.open, single.evidence)
    else:
        found = members(here, (step,), kinds)
    if found is None:
        return NONE
    out = Part((), EVERY_ADDRESS, (found.evidence,)) if found.open else NONE
    for one in found.sure:
        out |= once(_entries, one)
    for one in found.one_of:
        out |= once(_entries, one)._replace(sure=())
    return out


def _entries(prefix_list: PlanSubject) -> Part:
    here = place(prefix_list)
    looked_up = prefix_list.parsed is not None and prefix_list.parsed.mode == "data"
    inline, more = here.each("entries" if looked_up else "entry")
    entries = children(prefix_list, ["aws_ec2_managed_prefix_list_entry"], "prefix_list_id")
    more = more or (looked_up and not inline) or bool(entries.maybe)
    out = Part((), EVERY_ADDRESS, (here.shows("entry", expected="entries that are known"),)) if more else NONE
    for one in (*inline, *(place(entry) for entry in entries.sure)):
        text = one.get("cidr")
        if isinstance(text, str):
            out |= whole((span_of(text, one),))
        elif text is UNKNOWN and not one.is_narrow("cidr"):
            out |= Part((), EVERY_ADDRESS, (one.shows("cidr", expected="a known range"),))
    return out


def vpc_of(subnet: PlanSubject | None) -> list[PlanSubject] | Evidence:
    """The VPC of a subnet (just one of these), or what is missing."""
    if subnet is None:
        return untold("subnet_id", "the subnet is not known, and so its VPC is not", "")
    found = partner(place(subnet), ("vpc_id",), VPCS)
    if found is None or found.open:
        return found.evidence if found else untold("vpc_id", "the subnet's VPC is not known", subnet.address)
    return list(found.options)


def acl_of(subnet: PlanSubject) -> Filter:
    """What the network ACL of a subnet lets in."""
    types = (("aws_network_acl", "subnet_ids"), ("aws_network_acl_association", "subnet_id"))
    own, other = (children(subnet, [kind], their, adopted=subnet.type in ADOPTED) for kind, their in types)
    given = [once(_acl_filter, one) for one in own.sure] or [_named_acl(one) for one in other.sure]
    if given:
        return one_of(given)
    possible = [once(_acl_filter, one) for one in own.maybe] + [_named_acl(one) for one in other.maybe]
    if own.open:
        taken = [] if isinstance(vpc := vpc_of(subnet), Evidence) else vpc
        defaults = [once(_default_acl, one)._replace(missing=()) for one in taken]
        return one_of([*possible, *defaults, unsure(own.evidence)])
    vpcs = vpc_of(subnet)
    if isinstance(vpcs, Evidence):
        return one_of([*possible, unsure(vpcs)])
    return one_of([*possible, *(once(_default_acl, one) for one in vpcs)])


def _named_acl(association: PlanSubject) -> Filter:
    here = place(association)
    found = partner(here, ("network_acl_id",), ["aws_network_acl", "aws_default_network_acl"])
    if found is None or found.open:
        return unsure(found.evidence if found else here.shows("network_acl_id", expected="an ACL that is known"))
    return one_of(once(_acl_filter, one) for one in found.options)


def _default_acl(vpc: PlanSubject) -> Filter:
    """The ACL of subnets that name none: everything passes, unless somebody changed it."""
    adopted = vpc.type in ADOPTED
    taken = children(
        vpc, ["aws_default_network_acl"], "default_network_acl_id", ["default_network_acl_id"], adopted=adopted
    )
    if taken.sure:
        return once(_acl_filter, taken.sure[0])
    rules = list(_acl_rules_naming(vpc, ["default_network_acl_id"]))
    text = told("default_network_acl_id", "the default ACL, which lets everything pass", vpc.address, _IN)
    own = first_match([*rules, Rule(True, EVERY, EVERY, (text,), (100,))])
    possible = [once(_acl_filter, one) for one in taken.maybe]
    if taken.open:
        return one_of([*possible, own, unsure(taken.evidence)])
    return one_of([*possible, own])


def _acl_filter(acl: PlanSubject) -> Filter:
    here = place(acl)
    if acl.parsed is not None and acl.parsed.mode == "data":
        return unsure(untold("ingress", "a lookup does not say the rules", acl.address))
    listed, more = here.each("ingress")
    rules = [_acl_rule(one, "rule_no", "action") for one in listed]
    missing = here.shows("ingress", expected="rules that are known")
    if more:
        rules.append(Rule(None, (), EVERY, order=None, missing=(missing,)))
    gone = _numbers_spoken_for(acl)
    rules = [one for one in rules if one.order not in gone]
    rules += _acl_rules_naming(acl, ["id"])
    if acl.type == "aws_default_network_acl":
        vpc = partner(here, ("default_network_acl_id",), VPCS, ("default_network_acl_id",))
        for one in vpc.options if vpc else ():
            rules += _acl_rules_naming(one, ["default_network_acl_id"])
    shut = told("ingress", "no rule lets the internet in", acl.address, "a rule that lets the internet in")
    return first_match(rules)._replace(keeps_out=(shut,))


def _acl_rules_naming(subject: PlanSubject, matches: list[str]) -> Iterator[Rule]:
    found = children(subject, ["aws_network_acl_rule"], "network_acl_id", matches)
    for one in (*found.sure, *found.maybe):
        here = place(one)
        egress = here.get("egress")
        if egress is True:
            continue
        rule = _acl_rule(here, "rule_number", "rule_action")
        yield rule if one in found.sure and egress is not UNKNOWN else rule._replace(sure=())


def _numbers_spoken_for(acl: PlanSubject) -> set[tuple[float, ...] | None]:
    """The numbers of rules that were resources of their own: they stand in the ACL's list as the cloud has it."""
    before = acl.world.opposite
    if before is None or acl.world.side == "before":
        return set()
    twin = before.subject_at((acl.change.previous_address if acl.change else "") or acl.address)
    return {one.order for one in _acl_rules_naming(twin, ["id"])} - {None} if twin is not None else set()


def _acl_rule(here: Place, number_step: str, action_step: str) -> Rule:
    sources = ranges(here, "cidr_block", IPV4) | ranges(here, "ipv6_cidr_block", IPV6)
    kind, ports = _kind_and_ports(here, "protocol")
    sure, maybe = packets_of(sources, kind, ports)
    number, action = here.get(number_step), here.get(action_step)
    known = isinstance(number, int | float)
    allow = None if action is UNKNOWN else str(action).lower() == "allow"
    steps = (number_step, action_step)
    missing = [here.shows(step) for step, value in zip(steps, (number, action), strict=True) if value is UNKNOWN]
    family = "cidr_block" if here.get("cidr_block") is not ABSENT else "ipv6_cidr_block"
    evidence = (here.shows(family, expected=_IN), here.shows(number_step, expected=_IN))
    return Rule(
        allow,
        sure,
        maybe,
        evidence,
        (float(number),) if known else None,
        (*missing, *sources.missing, *kind.missing, *ports.missing),
    )
