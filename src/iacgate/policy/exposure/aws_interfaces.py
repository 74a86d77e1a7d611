"""Network interfaces of AWS: which public address one gets, and the ways in through it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from iacgate.model.finding import Evidence
from iacgate.model.values import ABSENT, UNKNOWN
from iacgate.policy.exposure.aws_routes import route_of
from iacgate.policy.exposure.aws_rules import GROUPS, acl_of, groups_filter
from iacgate.policy.exposure.filters import Filter, Seen, any_of, unsure
from iacgate.policy.exposure.packets import box
from iacgate.policy.exposure.paths import Way
from iacgate.policy.exposure.reading import (
    Members,
    Partner,
    Place,
    children,
    members,
    once,
    partner,
    place,
    told,
    untold,
)
from iacgate.policy.exposure.rule_parts import IPV4, IPV6

if TYPE_CHECKING:
    from iacgate.policy.plan_subject import PlanSubject

__all__ = ["SUBNETS", "Interface", "elastic_address", "interface_groups", "own_interface", "ways_of"]

SUBNETS = ["aws_subnet", "aws_default_subnet"]
_NO_ADDRESS = "no public address"


class Interface(NamedTuple):
    """One network interface, as whoever makes it describes it."""

    holder: PlanSubject
    public: tuple[Place, str] | None
    """Where it is said whether it gets a public address; ``None``: nowhere, and the subnet does not either."""
    ipv6: tuple[Place, ...]
    """Where IPv6 addresses are asked for."""
    groups: tuple[Members | None, ...]
    elastic: Filter
    """What elastic addresses it is known to have."""
    auto: bool = True
    """It is made together with its instance, so it gets what the subnet gives by default."""


def ways_of(one: Interface, subnet: Partner | None) -> tuple[Way, ...]:
    """The ways in through an interface, of which one is there: as many as it may be in subnets."""
    options = [_way(one, option) for option in subnet.options] if subnet is not None else []
    if subnet is not None and not subnet.open:
        return tuple(options)
    missing = subnet.evidence if subnet else place(one.holder).shows("subnet_id", expected="a subnet that is known")
    if subnet is None:
        missing = missing._replace(needs="the subnet is left to the account's default VPC; set `subnet_id`")
    hops = (_address(one, None, missing), unsure(missing), groups_filter([*one.groups], None))
    return (*options, Way(hops))


def _way(one: Interface, subnet: PlanSubject) -> Way:
    address = _address(one, subnet, None)
    if not address.maybe:  # most instances: the rest need not be worked out
        return Way((address,))
    return Way((address, once(route_of, subnet), groups_filter([*one.groups], subnet), once(acl_of, subnet)))


def _address(one: Interface, subnet: PlanSubject | None, missing: Evidence | None) -> Filter:
    """The public addresses as a filter: IPv4 and IPv6 come in by an address of their own."""
    return any_of([_ipv4(one, subnet, missing), one.elastic, _ipv6(one, subnet, missing)])


def _given(truth: object, family: Filter, shown: Evidence, *, unknown: Evidence | None = None) -> Filter:
    """An address that is there, is not, or may be."""
    if truth is True:
        return family._replace(admits=(Seen(family.maybe, (shown,)),))
    if truth is UNKNOWN:
        return family._replace(sure=(), admits=(Seen(family.maybe, (unknown or shown,)),), missing=(unknown or shown,))
    return Filter((), (), keeps_out=(shown,))


_V4 = Filter(box(IPV4), box(IPV4))
_V6 = Filter(box(IPV6), box(IPV6))


def _ipv4(one: Interface, subnet: PlanSubject | None, missing: Evidence | None) -> Filter:
    if one.public is not None:
        here, step = one.public
        said = _flag(here.get(step))
        if said is True and here.subject is one.holder and _loses_one(one.holder):
            said = UNKNOWN  # the cloud says so of an elastic address, too
        if said is not ABSENT:
            return _given(said, _V4, here.shows(step, expected=_NO_ADDRESS))
    if not one.auto:
        text = told("", "an interface of its own, with no elastic address", one.holder.address, "a public address")
        return _given(False, _V4, text)
    return _by_subnet(subnet, "map_public_ip_on_launch", _V4, missing)


def _ipv6(one: Interface, subnet: PlanSubject | None, missing: Evidence | None) -> Filter:
    unknown: Evidence | None = None
    settled: Evidence | None = None
    for here in one.ipv6:
        for step in ("ipv6_address_count", "ipv6_addresses"):
            said = here.get(step)
            if said is UNKNOWN:
                unknown = here.shows(step, expected="no IPv6 address")
            elif (isinstance(said, list) and said) or (isinstance(said, int | float) and said > 0):
                return _given(True, _V6, here.shows(step, expected="no IPv6 address"))
            elif said is not ABSENT and "create" not in one.holder.actions:
                settled = here.shows(step, expected="an IPv6 address")  # as the cloud has it
    if unknown is not None:
        return _given(UNKNOWN, _V6, unknown)
    if settled is not None:
        return _given(False, _V6, settled)
    return _by_subnet(subnet, "assign_ipv6_address_on_creation", _V6, missing)


def _by_subnet(subnet: PlanSubject | None, step: str, family: Filter, missing: Evidence | None) -> Filter:
    """What the subnet gives to whoever does not say."""
    if subnet is None:
        assert missing is not None
        return _given(UNKNOWN, family, missing)
    here = place(subnet)
    said = _flag(here.get(step))
    if said is ABSENT:  # the provider's default, but default subnets give IPv4 addresses
        said = subnet.type == "aws_default_subnet" and family is _V4
    return _given(said, family, here.shows(step, expected=_NO_ADDRESS))


def _flag(value: object) -> object:
    """A boolean that some resources write as text."""
    return {"true": True, "false": False, 1: True, 0: False}.get(value, value) if isinstance(value, str) else value


def elastic_address(subject: PlanSubject, kinds: dict[str, tuple[str, tuple[str, ...]]]) -> Filter:
    """The elastic addresses that name an instance or interface: by type the attribute that does, and what it names."""
    parts: list[Filter] = []
    for kind, (their, matches) in kinds.items():
        found = children(subject, [kind], their, matches)
        parts += [
            _given(True, _V4, told(their, f"names {subject.address}", one.address, _NO_ADDRESS)) for one in found.sure
        ]
        for one in found.maybe:
            unknown = untold(their, f"it may name {subject.address}", one.address, _NO_ADDRESS)
            parts.append(_given(UNKNOWN, _V4, unknown))
        if found.open and not found.sure:
            parts.append(_seen_in_the_cloud(subject, found.evidence))
    return any_of(parts)


def _seen_in_the_cloud(subject: PlanSubject, unknown: Evidence) -> Filter:
    """An instance that is there already shows its address, whoever gave it."""
    here = place(subject)
    address = subject.values.get("public_ip")
    if subject.type in ("aws_instance", "aws_spot_instance_request") and isinstance(address, str):
        if not address:
            return _given(False, _V4, here.shows("public_ip", expected="a public address"))
        if not _loses_one(subject):
            return _given(True, _V4, here.shows("public_ip", expected=_NO_ADDRESS))
    return _given(UNKNOWN, _V4, unknown)


def _loses_one(subject: PlanSubject) -> bool:
    """An elastic address of this plan named it before; where it is now is seen elsewhere."""
    before = subject.world.opposite
    if before is None or subject.world.side == "before":
        return False
    twin = before.subject_at((subject.change.previous_address if subject.change else "") or subject.address)
    if twin is None:
        return False
    return bool(
        children(twin, ["aws_eip"], "instance").sure or children(twin, ["aws_eip_association"], "instance_id").sure
    )


def interface_groups(interface: PlanSubject, matches: tuple[str, ...]) -> Members | None:
    """Groups that are attached to an interface by a resource of its own."""
    found = children(interface, ["aws_network_interface_sg_attachment"], "network_interface_id", matches)
    sure: list[PlanSubject] = []
    maybe: list[PlanSubject] = []
    one_of: list[PlanSubject] = []
    is_open, evidence = bool(found.maybe), found.evidence
    for one in found.sure:
        named = partner(place(one), ("security_group_id",), GROUPS)
        if named is None or named.open:
            is_open, evidence = True, named.evidence if named else evidence
        elif len(named.options) == 1:
            sure += named.options
        else:
            one_of += named.options
    if not (sure or one_of or is_open):
        return None
    return Members(tuple(sure), tuple(one_of), tuple(maybe), is_open, evidence)


def own_interface(eni: PlanSubject) -> tuple[Way, ...]:
    """The ways in through an interface that is a resource of its own."""
    here = place(eni)
    elastic = elastic_address(
        eni,
        {"aws_eip": ("network_interface", ("id",)), "aws_eip_association": ("network_interface_id", ("id",))},
    )
    groups = (members(here, ("security_groups",), GROUPS), interface_groups(eni, ("id",)))
    return ways_of(Interface(eni, None, (here,), groups, elastic, auto=False), partner(here, ("subnet_id",), SUBNETS))
