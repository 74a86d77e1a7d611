"""What the internet may reach on Azure: virtual machines, scale sets and network interfaces.

A public address on the interface, or a public load balancer's rule that leads to it; then the security
groups of the interface and of its subnet, both of which must let the packet in. Route tables do not
stop what comes in (``docs/adr/0019``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from iacgate.model.values import ABSENT, UNKNOWN
from iacgate.policy.exposure.azure_groups import group_of, guarded, named_group
from iacgate.policy.exposure.filters import CLOSED, Filter, Seen, all_of, any_of, one_of, unsure
from iacgate.policy.exposure.packets import EVERY, box
from iacgate.policy.exposure.paths import Reach, Way
from iacgate.policy.exposure.reading import Partner, Place, children, members, once, partner, place, told
from iacgate.policy.exposure.rule_parts import IPV4, IPV6, protocols, span_of
from iacgate.policy.exposure.spans import Spans, joined

if TYPE_CHECKING:
    from iacgate.policy.plan_subject import PlanSubject

__all__ = ["BUILDERS"]

_SUBNETS = ["azurerm_subnet"]
_POOLS = ["azurerm_lb_backend_address_pool"]
_ADDRESS = "no public address"


def reach_of_machine(machine: PlanSubject) -> Reach:
    """The ways to a virtual machine, through each of its interfaces."""
    here = place(machine)
    found = members(here, ("network_interface_ids",), ["azurerm_network_interface"])
    missing = found.evidence if found else here.shows("network_interface_ids", expected="interfaces that are known")
    if found is None:
        return ((Way((unsure(missing),)),),)
    groups = [group for one in found.sure for group in once(reach_of_interface, one)]
    options = tuple(way for one in found.one_of for group in once(reach_of_interface, one) for way in group)
    if options:
        groups.append((*options, Way((CLOSED,))) if len(found.one_of) > 1 else options)
    if found.open:
        groups.append((Way((unsure(missing),)),))
    return tuple(groups)


def reach_of_interface(interface: PlanSubject) -> Reach:
    """The ways to a network interface, through each of its addresses."""
    here = place(interface)
    listed, more = here.each("ip_configuration")
    balanced = _balanced(interface)
    groups: list[tuple[Way, ...]] = []
    for one in listed:
        direct = _direct(one)
        entries = ([direct] if direct is not None else []) + balanced
        groups += [_ways(interface, one, entry, secure) for entry, secure in entries]
    if more:
        missing = here.shows("ip_configuration", expected="addresses that are known")
        groups.append((Way((unsure(missing),)),))
    return tuple(groups)


def _ways(interface: PlanSubject, here: Place, entry: Filter, secure: bool | None) -> tuple[Way, ...]:
    """The ways through one entrance: one for each subnet that the interface may be in."""
    found = partner(here, ("subnet_id",), _SUBNETS)
    shown = here.shows("public_ip_address_id")
    ways = []
    for subnet in found.options if found else ():
        destination = _destination(here, subnet)
        levels = [_of_interface(interface, destination), _of_subnet(subnet, destination)]
        ways.append(Way((entry, *guarded(levels, secure, shown))))
    if found is None or found.open:
        missing = found.evidence if found else here.shows("subnet_id", expected="a subnet that is known")
        level = _of_interface(interface, _destination(here, None))
        ways.append(Way((entry, *guarded([level, (unsure(missing), None)], secure, shown))))
    return tuple(ways)


def _of_interface(interface: PlanSubject, destination: Spans | None) -> tuple[Filter, bool | None]:
    return group_of(
        interface, "azurerm_network_interface_security_group_association", "network_interface_id", destination
    )


def _of_subnet(subnet: PlanSubject, destination: Spans | None) -> tuple[Filter, bool | None]:
    return group_of(subnet, "azurerm_subnet_network_security_group_association", "subnet_id", destination)


def _destination(here: Place, subnet: PlanSubject | None) -> Spans | None:
    """The private address, or the range that it comes from: what rules call the destination."""
    address = here.get("private_ip_address") if "private_ip_address" in here.value else ABSENT
    if isinstance(address, str):
        return (span_of(address, here),)
    if subnet is None:
        return None
    prefixes, more = place(subnet).texts("address_prefixes")
    return None if more or not prefixes else joined(span_of(text, place(subnet)) for text in prefixes)


def _direct(here: Place) -> tuple[Filter, bool | None] | None:
    """The public address of an interface, and whether it is one that is closed by default."""
    found = partner(here, ("public_ip_address_id",), ["azurerm_public_ip"])
    if found is None:
        return None
    return _public(here, found)


def _public(here: Place, found: Partner) -> tuple[Filter, bool | None]:
    version = here.get("private_ip_address_version") if "private_ip_address_version" in here.value else ABSENT
    spans = IPV6 if version == "IPv6" else IPV4 if version in ("IPv4", ABSENT) else (*IPV4, *IPV6)
    shown = here.shows("public_ip_address_id", expected=_ADDRESS)
    packets = box(spans)
    sure = (
        packets
        if version is not UNKNOWN and (not found.open or here.get("public_ip_address_id") is not UNKNOWN)
        else ()
    )
    missing = () if sure else (found.evidence,)
    return Filter(sure, packets, (Seen(packets, (shown,)),), missing), _secure(found, "sku")


def _secure(found: Partner, step: str) -> bool | None:
    """Whether an address or a load balancer is of the kind that is closed until a group opens it."""
    kinds = {str(place(one).get(step)).lower() for one in found.options}
    if found.open or kinds not in ({"standard"}, {"basic"}, {"gateway"}):
        return None
    return kinds != {"basic"}


def _balanced(interface: PlanSubject) -> list[tuple[Filter, bool | None]]:
    """Entrances through load balancers that send to this interface, as far as this root shows them."""
    out: list[tuple[Filter, bool | None]] = []
    for kind, step, target in (
        ("azurerm_network_interface_nat_rule_association", "nat_rule_id", "azurerm_lb_nat_rule"),
        ("azurerm_network_interface_backend_address_pool_association", "backend_address_pool_id", _POOLS[0]),
    ):
        found = children(interface, [kind], "network_interface_id")
        for one in (*found.sure, *found.maybe):
            named = partner(place(one), (step,), [target])
            if named is None or named.open:
                missing = named.evidence if named else place(one).shows(step)
                out.append((unsure(missing), None))
                continue
            make = _rule_entry if target == "azurerm_lb_nat_rule" else _pool_entry
            entries = [once(make, option) for option in named.options]
            entry = one_of(part for part, _ in entries)
            kinds = {secure for _, secure in entries}
            if one not in found.sure:
                entry = entry._replace(sure=(), missing=(*entry.missing, found.evidence))
            out.append((entry, kinds.pop() if len(kinds) == 1 else None))
    return out


def _pool_entry(pool: PlanSubject) -> tuple[Filter, bool | None]:
    """What the rules of a load balancer send to a pool."""
    parts: list[tuple[Filter, bool | None]] = []
    for kind, their in (
        ("azurerm_lb_rule", "backend_address_pool_ids"),
        ("azurerm_lb_nat_rule", "backend_address_pool_id"),
    ):
        found = children(pool, [kind], their)
        for one in (*found.sure, *found.maybe):
            entry, secure = once(_rule_entry, one)
            if one not in found.sure:
                entry = entry._replace(sure=(), missing=(*entry.missing, found.evidence))
            parts.append((entry, secure))
        if found.open:
            parts.append((unsure(found.evidence), None))
    kinds = {secure for _, secure in parts}
    return any_of(entry for entry, _ in parts), kinds.pop() if len(kinds) == 1 else None


def _rule_entry(rule: PlanSubject) -> tuple[Filter, bool | None]:
    """What one rule of a load balancer sends on: to a port of the machine, from whoever sent it."""
    here = place(rule)
    balancer = partner(here, ("loadbalancer_id",), ["azurerm_lb"])
    if balancer is None or balancer.open:
        missing = balancer.evidence if balancer else here.shows("loadbalancer_id")
        return unsure(missing), None
    port = here.get("backend_port")
    kind = protocols(here, "protocol")
    known = isinstance(port, int | float)
    ports = ((int(port), int(port)),) if isinstance(port, int | float) and port else ((0, 65535),)
    maybe = box(protocols=kind.maybe, ports=ports)
    shown = here.shows("backend_port", expected="no rule that sends the internet here")
    unknown = kind.missing if known else (*kind.missing, shown)
    sent = Filter(() if unknown else maybe, maybe, (Seen(maybe, (shown,)),), unknown)
    name = here.get("frontend_ip_configuration_name")
    front = one_of(_front(place(one), name) for one in balancer.options)
    return all_of([front, sent]), _secure(balancer, "sku")


def _front(balancer: Place, name: object) -> Filter:
    """The public address of a load balancer's front."""
    listed, more = balancer.each("frontend_ip_configuration")
    parts: list[Filter] = []
    sure_name = isinstance(name, str)
    for one in listed:
        own = one.get("name")
        if sure_name and isinstance(own, str) and own.lower() != str(name).lower():
            continue
        steps = [step for step in ("public_ip_address_id", "public_ip_prefix_id") if one.get(step) is not ABSENT]
        if not steps:
            continue
        found = partner(one, (steps[0],), ["azurerm_public_ip", "azurerm_public_ip_prefix"])
        version = one.get("private_ip_address_version")
        spans = IPV6 if version == "IPv6" else IPV4 if version in ("IPv4", ABSENT) else (*IPV4, *IPV6)
        shown = one.shows(steps[0], expected=_ADDRESS)
        settled = found is not None and (not found.open or one.get(steps[0]) is not UNKNOWN) and version is not UNKNOWN
        certain = settled and sure_name and isinstance(own, str)
        parts.append(
            Filter(box(spans) if certain else (), box(spans), (Seen(EVERY, (shown,)),), () if certain else (shown,))
        )
    if more:
        missing = balancer.shows("frontend_ip_configuration", expected="addresses that are known")
        parts.append(unsure(missing))
    inside = told("frontend_ip_configuration", "no public address", balancer.subject.address, "a public address")
    return any_of(parts)._replace(keeps_out=(inside,))


def reach_of_scale_set(scale_set: PlanSubject) -> Reach:
    """The ways to the machines of a scale set, which describes their interfaces itself."""
    here = place(scale_set)
    old = scale_set.type == "azurerm_virtual_machine_scale_set"
    listed, more = here.each("network_profile" if old else "network_interface")
    groups: list[tuple[Way, ...]] = []
    for interface in listed:
        configurations, unknown = interface.each("ip_configuration")
        more = more or unknown
        for one in configurations:
            for entry, secure in _entries(one, old):
                groups.append(_scale_set_ways(interface, one, entry, secure))
    if more:
        missing = here.shows("network_profile" if old else "network_interface", expected="interfaces that are known")
        groups.append((Way((unsure(missing),)),))
    return tuple(groups)


def _scale_set_ways(interface: Place, here: Place, entry: Filter, secure: bool | None) -> tuple[Way, ...]:
    found = partner(here, ("subnet_id",), _SUBNETS)
    ways = []
    for subnet in found.options if found else ():
        destination = _destination(here, subnet)
        levels = [named_group(interface, "network_security_group_id", destination), _of_subnet(subnet, destination)]
        ways.append(Way((entry, *guarded(levels, secure, here.shows("subnet_id")))))
    if found is None or found.open:
        missing = found.evidence if found else here.shows("subnet_id", expected="a subnet that is known")
        levels = [
            named_group(interface, "network_security_group_id", None),
            (unsure(missing), None),
        ]
        ways.append(Way((entry, *guarded(levels, secure, here.shows("subnet_id")))))
    return tuple(ways)


def _entries(here: Place, old: bool) -> list[tuple[Filter, bool | None]]:
    """The entrances to one interface of a scale set: its own address, and load balancers."""
    out: list[tuple[Filter, bool | None]] = []
    block = "public_ip_address_configuration" if old else "public_ip_address"
    addresses, more = here.each(block)
    shown = here.shows(block, expected=_ADDRESS, value="a public address for each machine")
    if addresses or more:
        packets = box(IPV6 if here.get("version") == "IPv6" else IPV4) if not old else box(IPV4)
        address = Filter(
            packets if addresses else (), packets, (Seen(packets, (shown,)),), () if addresses else (shown,)
        )
        out.append((address, None))
    for step, kinds, make in (
        ("load_balancer_backend_address_pool_ids", _POOLS, _pool_entry),
        ("load_balancer_inbound_nat_rules_ids", ["azurerm_lb_nat_pool", "azurerm_lb_nat_rule"], _rule_entry),
    ):
        found = members(here, (step,), kinds)
        if found is None:
            continue
        out += [once(make, one) for one in found.sure]
        for one in found.one_of:
            entry, secure = once(make, one)
            out.append((entry._replace(sure=() if len(found.one_of) > 1 else entry.sure), secure))
        if found.open:
            out.append((unsure(found.evidence), None))
    return out


BUILDERS: dict[str, Callable[[PlanSubject], Reach]] = {
    "azurerm_network_interface": reach_of_interface,
    "azurerm_linux_virtual_machine": reach_of_machine,
    "azurerm_windows_virtual_machine": reach_of_machine,
    "azurerm_virtual_machine": reach_of_machine,
    "azurerm_linux_virtual_machine_scale_set": reach_of_scale_set,
    "azurerm_windows_virtual_machine_scale_set": reach_of_scale_set,
    "azurerm_orchestrated_virtual_machine_scale_set": reach_of_scale_set,
    "azurerm_virtual_machine_scale_set": reach_of_scale_set,
}
"""By type what finds the ways to it."""
