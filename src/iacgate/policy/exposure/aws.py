"""What the internet may reach on AWS: instances, scaling groups, databases and load balancers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from iacgate.model.values import ABSENT, UNKNOWN
from iacgate.policy.exposure.aws_interfaces import (
    SUBNETS,
    Interface,
    elastic_address,
    interface_groups,
    own_interface,
    ways_of,
)
from iacgate.policy.exposure.aws_routes import route_of
from iacgate.policy.exposure.aws_rules import GROUPS, acl_of, groups_filter
from iacgate.policy.exposure.filters import CLOSED, OPEN, Filter, Seen, any_of, unsure
from iacgate.policy.exposure.packets import EVERY, box
from iacgate.policy.exposure.paths import Reach, Way
from iacgate.policy.exposure.reading import Members, Partner, Place, children, members, once, partner, place, untold
from iacgate.policy.exposure.rule_parts import IPV4, IPV6

if TYPE_CHECKING:
    from iacgate.model.finding import Evidence
    from iacgate.policy.plan_subject import PlanSubject

__all__ = ["BUILDERS"]

_TEMPLATES = ["aws_launch_template"]
_ADDRESS = "no public address"


def reach_of_instance(instance: PlanSubject) -> Reach:
    """The ways to an instance: through the interface that is made with it, and through those attached to it."""
    here = place(instance)
    attached, more = here.each("network_interface")
    primary, unknown_primary = here.each("primary_network_interface")
    groups: list[tuple[Way, ...]] = [
        ways for one in (*attached, *primary) for ways in _attached(one, ("network_interface_id",))
    ]
    for kind, their, named in (
        ("aws_network_interface", "attachment.instance", ()),
        ("aws_network_interface_attachment", "instance_id", ("network_interface_id",)),
    ):
        found = children(instance, [kind], their)
        for one in (*found.sure, *found.maybe):
            new = _attached(place(one), named) if named else [own_interface(one)]
            groups += [ways if one in found.sure else _perhaps(ways) for ways in new]
    if attached or primary:
        return tuple(groups)
    launch = _launch(here, ("launch_template", "id"), ("launch_template", "name"), ("launch_template", "version"))
    own = [own_ways for template in launch for own_ways in _launched(instance, here, template)]
    if more or unknown_primary:
        missing = here.shows("network_interface", expected="interfaces that are known")
        own = [_perhaps((*ways, Way((unsure(missing),)))) for ways in own]
    return (*groups, *_merged(own, len(launch)))


def _merged(ways: list[tuple[Way, ...]], launches: int) -> list[tuple[Way, ...]]:
    """Of several templates only one is used: then all of their ways are alternatives."""
    return ways if launches == 1 else [tuple(way for group in ways for way in group)]


def _perhaps(ways: tuple[Way, ...]) -> tuple[Way, ...]:
    """Ways that may not be there at all."""
    return (*ways, Way((CLOSED,)))


def _attached(here: Place, steps: tuple[str, ...]) -> Iterable[tuple[Way, ...]]:
    found = partner(here, steps, ["aws_network_interface"])
    if found is None:
        return []
    if found.open:
        return [(Way((unsure(found.evidence),)),)]
    if len(found.options) == 1:
        return [once(own_interface, found.options[0])]
    return [tuple(way for one in found.options for way in once(own_interface, one))]


def _launch(here: Place, *steps: tuple[str, ...]) -> list[Place | Evidence | None]:
    """The launch template (one of these) behind an instance or scaling group; ``None``: it has none."""
    *named, version = steps
    for path, matches in zip(named, ("id", "name"), strict=True):
        found = partner(here, path, _TEMPLATES, (matches,))
        if found is None:
            continue
        if found.open:
            return [found.evidence]
        stale = [here.shows(*version) for one in found.options if not _is_current(one, here.get(*version))]
        return [stale[0]] if stale else [place(one) for one in found.options]
    return [None]


def _is_current(template: PlanSubject, version: object) -> bool:
    """The version that is used is the one that this plan shows: there is no other, or it is the latest."""
    if template.parsed is None or template.parsed.mode == "data":
        return False
    latest, default = template.values.get("latest_version"), template.values.get("default_version")
    if "create" in template.actions or version in ("$Latest", str(latest)):
        return True
    by_default = version in (ABSENT, "$Default") and default == latest
    return set(template.actions) <= {"no-op", "read"} and latest is not None and (latest == 1 or by_default)


def _launched(
    instance: PlanSubject, here: Place, template: Place | Evidence | None, subnet: Partner | None = None
) -> list[tuple[Way, ...]]:
    """The ways in through interfaces that are made together with an instance, as it or its template says."""
    # An elastic address names the instance, and so its first interface; an attached group names the interface.
    elastic = CLOSED
    attached: Members | None = None
    if instance.type in ("aws_instance", "aws_spot_instance_request"):
        matches = ("primary_network_interface_id",)
        elastic = elastic_address(
            instance, {"aws_eip": ("instance", ("id",)), "aws_eip_association": ("instance_id", ("id",))}
        )
        by_interface = {
            kind: children(instance, [kind], their, matches)
            for kind, their in (("aws_eip", "network_interface"), ("aws_eip_association", "network_interface_id"))
        }
        if any(one.sure or one.maybe for one in by_interface.values()):
            elastic = any_of(
                [elastic, elastic_address(instance, {"aws_eip": ("network_interface", matches),
                                                     "aws_eip_association": ("network_interface_id", matches)})]
            )  # fmt: skip
        attached = interface_groups(instance, matches)
    own_groups = [
        members(here, (step,), GROUPS, names)
        for step, names in (("vpc_security_group_ids", ("id",)), ("security_groups", ("id", "name")))
        if step in here.value or here.get(step) is UNKNOWN
    ]
    own_subnet = subnet or partner(here, ("subnet_id",), SUBNETS)
    public = (here, "associate_public_ip_address")
    if template is None:
        one = Interface(instance, public, (here,), (*own_groups, attached), elastic)
        return [ways_of(one, own_subnet)]
    if not isinstance(template, Place):
        return [_behind_unknown_template(instance, here, template, [*own_groups, attached], elastic, own_subnet)]
    listed, more = template.each("network_interfaces")
    given = [one for one in own_groups if one is not None]
    if more:
        missing = template.shows("network_interfaces", expected="interfaces that are known")
        return [_behind_unknown_template(instance, here, missing, [*own_groups, attached], elastic, own_subnet)]
    if not listed:
        fallback = [
            members(template, (step,), GROUPS, names)
            for step, names in (("vpc_security_group_ids", ("id",)), ("security_group_names", ("name",)))
        ]
        one = Interface(instance, public, (here,), (*(given or fallback), attached), elastic)
        return [ways_of(one, own_subnet)]
    out = []
    for position, block in enumerate(listed):
        existing = list(_attached(block, ("network_interface_id",)))
        if existing:
            out += existing
            continue
        first = position == 0
        said = public if first and here.get("associate_public_ip_address") is not ABSENT else None
        groups = given if first and given else [members(block, ("security_groups",), GROUPS)]
        one = Interface(
            instance,
            said or (block, "associate_public_ip_address"),
            (here, block) if first else (block,),
            (*groups, attached if first else None),
            elastic if first else CLOSED,
        )
        out.append(ways_of(one, own_subnet or partner(block, ("subnet_id",), SUBNETS)))
    return out


def _behind_unknown_template(
    instance: PlanSubject,
    here: Place,
    missing: Evidence,
    groups: list[Members | None],
    elastic: Filter,
    subnet: Partner | None,
) -> tuple[Way, ...]:
    """What the instance says itself holds; the rest the template may say, and it is not known."""
    unknown = unsure(missing)
    said = here.get("associate_public_ip_address")
    closed = said is False and not elastic.maybe
    address = Filter((), box(IPV6), missing=(missing,)) if closed else unknown
    named = any(one is not None and not one.none for one in groups)
    filters = groups_filter(groups, None) if named else unknown
    options = subnet.options if subnet and not subnet.open else ()
    ways = [Way((address, once(route_of, one), filters, once(acl_of, one))) for one in options]
    return tuple(ways) or (Way((address, unknown, filters)),)


def reach_of_interface(eni: PlanSubject) -> Reach:
    """The ways to a network interface that is a resource of its own."""
    return (own_interface(eni),)


def reach_of_scaling_group(group: PlanSubject) -> Reach:
    """The ways to the instances that a scaling group makes, in any of its subnets."""
    here = place(group)
    mixed = ("mixed_instances_policy", "launch_template", "launch_template_specification")
    launch = _launch(here, ("launch_template", "id"), ("launch_template", "name"), ("launch_template", "version"))
    if launch == [None]:
        launch = _launch(
            here, (*mixed, "launch_template_id"), (*mixed, "launch_template_name"), (*mixed, "version")
        )  # fmt: skip
    if launch == [None]:
        found = partner(here, ("launch_configuration",), ["aws_launch_configuration"], ("name", "id"))
        if found is None or found.open:
            missing = found.evidence if found else untold("launch_template", "it names no template", group.address)
            return ((Way((unsure(missing),)),),)
        # A launch configuration speaks as an instance does.
        makers: list[tuple[Place, Place | Evidence | None]] = [(place(one), None) for one in found.options]
    else:
        makers = [(here, one) for one in launch]
    subnets = members(here, ("vpc_zone_identifier",), SUBNETS)
    partners: list[Partner | None] = [None]
    if subnets is not None:
        partners = [Partner((one,), False, subnets.evidence) for one in subnets.sure]
        if subnets.one_of or subnets.open:
            partners.append(Partner(subnets.one_of, subnets.open, subnets.evidence))
    groups = [
        ways for subnet in partners for maker, template in makers for ways in _launched(group, maker, template, subnet)
    ]
    return tuple(groups) if len(makers) == 1 else tuple(_merged(groups, len(makers)))


def reach_of_database(database: PlanSubject) -> Reach:
    """The ways to a database instance; it is in one of its group's subnets."""
    here = place(database)
    public = here.get("publicly_accessible")
    shown = here.shows("publicly_accessible", expected=_ADDRESS)
    if public in (ABSENT, False):
        return ((Way((Filter((), (), keeps_out=(shown,)),)),),)
    address = Filter(box(IPV4), box(IPV4), (Seen(EVERY, (shown,)),))
    if public is UNKNOWN:
        address = address._replace(sure=(), missing=(shown,))
    return _in_some_subnet(here, address)


def _in_some_subnet(here: Place, address: Filter) -> Reach:
    says = here
    if here.subject.type == "aws_rds_cluster_instance":
        cluster = partner(here, ("cluster_identifier",), ["aws_rds_cluster"], ("id", "cluster_identifier"))
        if cluster is None or cluster.open or len(cluster.options) != 1:
            missing = cluster.evidence if cluster else here.shows("cluster_identifier")
            return ((Way((address, unsure(missing))),),)
        says = place(cluster.options[0])
    groups = [members(says, ("vpc_security_group_ids",), GROUPS)]
    named = partner(says, ("db_subnet_group_name",), ["aws_db_subnet_group"], ("name", "id"))
    if named is None or named.open:
        missing = named.evidence if named else says.shows("db_subnet_group_name", expected="subnets that are known")
        unknown = unsure(missing)
        return ((Way((address, unknown, groups_filter(groups, None))),),)
    ways: list[Way] = []
    for one in named.options:
        subnets = members(place(one), ("subnet_ids",), SUBNETS)
        if subnets is None or subnets.open or subnets.maybe:
            unknown = unsure(subnets.evidence if subnets else place(one).shows("subnet_ids"))
            ways.append(Way((address, unknown, groups_filter(groups, None))))
        ways += [
            Way((address, once(route_of, subnet), groups_filter(groups, subnet), once(acl_of, subnet)))
            for subnet in ((*subnets.sure, *subnets.one_of) if subnets else ())
        ]
    return (tuple(ways),)


def reach_of_load_balancer(balancer: PlanSubject) -> Reach:
    """The ways to a load balancer's listeners, through any of its subnets."""
    here = place(balancer)
    internal = here.get("internal")
    shown = here.shows("internal", expected="an internal load balancer")
    if internal is True:
        return ((Way((Filter((), (), keeps_out=(shown,)),)),),)
    family = here.get("ip_address_type")
    spans = IPV4 if family in ("ipv4", ABSENT) else (*IPV4, *IPV6)
    address = Filter(box(spans if family is not UNKNOWN else IPV4), box(spans), (Seen(EVERY, (shown,)),))
    if internal is UNKNOWN:
        address = address._replace(sure=(), missing=(shown,))
    listeners = _listeners(balancer)
    kind = here.get("load_balancer_type")
    groups = [members(here, ("security_groups",), GROUPS)]
    ungrouped = groups == [None] and kind in ("network", "gateway")
    found = [members(here, ("subnets",), SUBNETS)]
    mapped, more = here.each("subnet_mapping")
    partners = [one for one in (partner(part, ("subnet_id",), SUBNETS) for part in mapped) if one is not None]
    for subnets in (one for one in found if one is not None):
        partners += [Partner((one,), False, subnets.evidence) for one in subnets.sure]
        if subnets.one_of or subnets.open:
            partners.append(Partner(subnets.one_of, subnets.open, subnets.evidence))
    out: list[tuple[Way, ...]] = []
    for one in partners:
        ways = [
            Way(
                (
                    address,
                    listeners,
                    once(route_of, subnet),
                    OPEN if ungrouped else groups_filter(groups, subnet),
                    once(acl_of, subnet),
                )
            )
            for subnet in one.options
        ]
        if one.open:
            unknown = unsure(one.evidence)
            ways.append(Way((address, listeners, unknown, OPEN if ungrouped else groups_filter(groups, None))))
        out.append(tuple(ways))
    if more or not partners:
        missing = here.shows("subnets", expected="subnets that are known")
        unknown = unsure(missing)
        out.append((Way((address, listeners, unknown, OPEN if ungrouped else groups_filter(groups, None))),))
    return tuple(out)


_UDP = ("UDP", "QUIC")
_BOTH = ("TCP_UDP", "TCP_QUIC", "GENEVE")


def _listeners(balancer: PlanSubject) -> Filter:
    """What a load balancer listens on."""
    found = children(balancer, ["aws_lb_listener", "aws_alb_listener"], "load_balancer_arn", ("arn", "id"))
    parts: list[Filter] = []
    for one in (*found.sure, *found.maybe):
        here = place(one)
        port, protocol = here.get("port"), here.get("protocol")
        shown = here.shows("port", expected="no listener for the internet")
        kinds = ((17, 17),) if protocol in _UDP else ((6, 6), (17, 17)) if protocol in (*_BOTH, UNKNOWN) else ((6, 6),)
        known = isinstance(port, int | float) and protocol is not UNKNOWN and one in found.sure
        ports = ((int(port), int(port)),) if isinstance(port, int | float) else ((0, 65535),)
        packets = box(protocols=kinds, ports=ports)
        missing = () if known else (shown if one in found.sure else found.evidence,)
        parts.append(Filter(packets if known else (), packets, (Seen(packets, (shown,)),), missing))
    if found.open:
        parts.append(unsure(found.evidence))
    nothing = untold("", "no listener names it", balancer.address, "a listener")._replace(actual="no listener")
    return any_of(parts)._replace(keeps_out=(nothing,))


BUILDERS: dict[str, Callable[[PlanSubject], Reach]] = {
    "aws_instance": reach_of_instance,
    "aws_spot_instance_request": reach_of_instance,
    "aws_autoscaling_group": reach_of_scaling_group,
    "aws_network_interface": reach_of_interface,
    "aws_db_instance": reach_of_database,
    "aws_rds_cluster_instance": reach_of_database,
    "aws_lb": reach_of_load_balancer,
    "aws_alb": reach_of_load_balancer,
}
"""By type what finds the ways to it."""
