"""What the internet may reach on Google Cloud: instances, directly or through a forwarding rule.

An external address, a route to the internet, and a firewall rule of the network. Firewall rules are
asked by priority, of equal ones those that deny first; what no rule matches is kept out. Firewall
policies of folders and organizations are not looked at; one that a plan attaches to the network makes
the answer unknown (``docs/adr/0019``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from iacgate.model.finding import Evidence
from iacgate.model.values import ABSENT, UNKNOWN
from iacgate.policy.exposure.filters import CLOSED, Filter, Rule, Seen, any_of, first_match, one_of, unsure
from iacgate.policy.exposure.packets import EVERY, EVERY_PORT, Packets, box
from iacgate.policy.exposure.paths import Reach, Way
from iacgate.policy.exposure.reading import Partner, Place, children, once, partner, place, told
from iacgate.policy.exposure.rule_parts import IPV4, IPV6, Part, packets_of, protocols, ranges, span_of, whole
from iacgate.policy.exposure.spans import Spans, common, contains, joined, size
from iacgate.policy.lookup import wrong_type

if TYPE_CHECKING:
    from iacgate.policy.plan_subject import PlanSubject

__all__ = ["BUILDERS"]

_NAMES = ("self_link", "id", "name")
_NETWORKS = ["google_compute_network"]
_ADDRESS = "no external address"
_IN = "a rule that keeps the internet out"
_DEFAULT_PRIORITY = 1000


def reach_of_instance(instance: PlanSubject) -> Reach:
    """The ways to an instance, or to those that a template describes, through each of its interfaces."""
    here = place(instance)
    listed, more = here.each("network_interface")
    forwarded = _forwarded(instance)
    groups: list[tuple[Way, ...]] = []
    for one in listed:
        groups += [_ways(here, one, entry) for entry in (_address(one), *forwarded)]
    if more:
        missing = here.shows("network_interface", expected="interfaces that are known")
        groups.append((Way((unsure(missing),)),))
    return tuple(groups)


def _ways(instance: Place, interface: Place, entry: Filter) -> tuple[Way, ...]:
    networks, missing = _networks(interface)
    ways = [Way((entry, _routes(network, instance), _firewall(network, instance, interface))) for network in networks]
    if missing is not None or not networks:
        unknown = missing or interface.shows("network", expected="a network that is known")
        ways.append(Way((entry, unsure(unknown))))
    return tuple(ways)


def _networks(interface: Place) -> tuple[list[PlanSubject], Evidence | None]:
    """The network that an interface is in: one of these, or what is missing."""
    subnet = partner(interface, ("subnetwork",), ["google_compute_subnetwork"], _NAMES)
    found: Partner | None
    if subnet is not None and not subnet.open:
        out: list[PlanSubject] = []
        for one in subnet.options:
            found = partner(place(one), ("network",), _NETWORKS, _NAMES)
            if found is None or found.open:
                return out, found.evidence if found else place(one).shows("network")
            out += found.options
        return out, None
    found = partner(interface, ("network",), _NETWORKS, _NAMES)
    if found is not None and not found.open:
        return list(found.options), None
    return [], (found or subnet).evidence if found or subnet else None  # type: ignore[union-attr]


def _address(interface: Place) -> Filter:
    """The external addresses; an empty block asks for one, too."""
    parts = []
    for step, spans in (("access_config", IPV4), ("ipv6_access_config", IPV6)):
        listed, more = interface.each(step)
        shown = interface.shows(step, expected=_ADDRESS, value="an external address")
        packets = box(spans)
        if listed:
            parts.append(Filter(packets, packets, (Seen(packets, (shown,)),)))
        elif more:
            unknown = interface.shows(step, expected=_ADDRESS)
            parts.append(Filter((), packets, (Seen(packets, (shown,)),), (unknown,)))
    shut = interface.shows("access_config", expected="an external address")
    return any_of(parts)._replace(keeps_out=(shut,))


def _forwarded(instance: PlanSubject) -> list[Filter]:
    """Entrances through external forwarding rules to a target instance, as far as this root shows them."""
    out = []
    targets = children(instance, ["google_compute_target_instance"], "instance", ("id", "self_link"))
    for target in (*targets.sure, *targets.maybe):
        rules = children(target, ["google_compute_forwarding_rule"], "target", ("id", "self_link"))
        for one in (*rules.sure, *rules.maybe):
            entry = once(_forwarding, one)
            certain = one in rules.sure and target in targets.sure
            out.append(entry if certain else entry._replace(sure=(), missing=(*entry.missing, rules.evidence)))
    return out


def _forwarding(rule: PlanSubject) -> Filter:
    here = place(rule)
    scheme = here.get("load_balancing_scheme")
    shown = here.shows("load_balancing_scheme", expected="an internal forwarding rule", value="external")
    if scheme not in (ABSENT, UNKNOWN) and not str(scheme).startswith("EXTERNAL"):
        return CLOSED._replace(keeps_out=(here.shows("load_balancing_scheme", expected="an external one"),))
    version = here.get("ip_version")
    spans = IPV6 if version == "IPV6" else IPV4 if version in ("IPV4", ABSENT) else (*IPV4, *IPV6)
    kind = whole(((6, 6),)) if here.get("ip_protocol") is ABSENT else _protocol(here, "ip_protocol")
    ports, missing = EVERY_PORT, [here.shows("load_balancing_scheme")] if scheme is UNKNOWN else []
    text = here.get("port_range")
    listed, more = here.texts("ports")
    if isinstance(text, str):
        ports = _port_span(text, here)
    elif listed:
        ports = joined(span for one in listed for span in _port_span(one, here))
    elif text is UNKNOWN or more:
        missing.append(here.shows("port_range", expected="known ports"))
    if version is UNKNOWN:
        missing.append(here.shows("ip_version"))
    sure, maybe = packets_of(whole(spans), kind, whole(ports))
    missing += kind.missing
    return Filter(() if missing else sure, maybe, (Seen(maybe, (shown,)),), tuple(missing))


def _routes(network: PlanSubject, instance: Place) -> Filter:
    """The addresses that a network sends out through its gateway to the internet."""
    here = place(network)
    looked_up = network.parsed is not None and network.parsed.mode == "data"
    rules: list[Rule] = []
    deleted = here.get("delete_default_routes_on_create")
    shown = told("(default route)", "the default route to the internet", network.address, "no route to the internet")
    for spans in (IPV4, IPV6):
        packets = box(spans)
        if deleted is UNKNOWN:
            unknown = here.shows("delete_default_routes_on_create")
            rules.append(Rule(True, (), packets, (shown,), _longest(spans[0], _DEFAULT_PRIORITY), (unknown,)))
        elif deleted is not True:
            rules.append(Rule(True, packets, packets, (shown,), _longest(spans[0], _DEFAULT_PRIORITY)))
    found = children(network, ["google_compute_route"], "network", _NAMES)
    for one in (*found.sure, *found.maybe):
        if _same_project(place(one), here):
            rules += [rule if one in found.sure else rule._replace(sure=()) for rule in _route(place(one), instance)]
    shut = told("(routes)", "no route to the internet", network.address, "a route to the internet")
    own = first_match(rules)._replace(keeps_out=(shut,))
    if found.open or looked_up:
        return one_of([own, unsure(found.evidence)])
    return own


def _longest(span: tuple[int, int], priority: float) -> tuple[float, ...]:
    return float(size((span,))), float(priority)


def _route(here: Place, instance: Place) -> Iterator[Rule]:
    """One route: the narrowest destination first, then the lowest priority."""
    meant, missing = _applies(here, instance, "tags")
    if meant is False:
        return
    gateway = here.get("next_hop_gateway")
    allow = None if gateway is UNKNOWN else "default-internet-gateway" in str(gateway)
    priority = here.get("priority")
    number = _DEFAULT_PRIORITY if priority is ABSENT else priority
    shown = here.shows("next_hop_gateway", expected="no route to the internet")
    destination = ranges(here, "dest_range")
    missing = [*missing, *destination.missing, *([here.shows("next_hop_gateway")] if allow is None else [])]
    for span in destination.sure:
        packets = box((span,))
        order = _longest(span, number) if isinstance(number, int | float) else None
        yield Rule(allow, packets if meant else (), packets, (shown,), order, tuple(missing))
    if destination.sure != destination.maybe:
        yield Rule(allow, (), box(destination.maybe), (shown,), None, tuple(missing))


def _firewall(network: PlanSubject, instance: Place, interface: Place) -> Filter:
    """What the firewall rules of a network let in to an instance."""
    here = place(network)
    found = children(network, ["google_compute_firewall"], "network", _NAMES)
    rules: list[Rule] = []
    for one in (*found.sure, *found.maybe):
        if _same_project(place(one), here):
            parts = _rules(place(one), instance, interface)
            rules += [rule if one in found.sure else rule._replace(sure=()) for rule in parts]
    shut = told("(firewall)", "no rule lets the internet in", network.address, "a rule that lets the internet in")
    own = first_match(rules)._replace(keeps_out=(shut,))
    policies = children(network, ["google_compute_network_firewall_policy_association"], "attachment_target", _NAMES)
    unknown = [unsure(place(one).shows("attachment_target")) for one in policies.sure]
    if found.open:
        unknown.append(unsure(found.evidence))
    return one_of([own, *unknown])


def _same_project(one: Place, other: Place) -> bool:
    """Names are unique in a project only."""
    mine, its = one.get("project"), other.get("project")
    return not (isinstance(mine, str) and isinstance(its, str) and mine != its)


def _rules(here: Place, instance: Place, interface: Place) -> Iterator[Rule]:
    if str(here.get("direction")).upper() == "EGRESS" or here.get("disabled") is True:
        return
    meant, unknown = _applies(here, instance, "target_tags")
    other, more = _by_account(here, instance)
    named = [here.get(step) not in (ABSENT, []) for step in ("target_tags", "target_service_accounts")]
    if any(named):
        truths = [truth for truth, given in zip((meant, other), named, strict=True) if given]
        meant = True if True in truths else None if None in truths else False
    to_address = _to_address(here, interface)
    if meant is False or to_address is False:
        return
    missing = [*unknown, *more]
    certain = meant is True and to_address is True
    if to_address is None:
        missing.append(here.shows("destination_ranges"))
    for step in ("direction", "disabled"):
        if here.get(step) is UNKNOWN:
            certain = False
            missing.append(here.shows(step))
    sources = _sources(here)
    priority = here.get("priority")
    number = _DEFAULT_PRIORITY if priority is ABSENT else priority
    order = (float(number),) if isinstance(number, int | float) else None
    if order is None:
        missing.append(here.shows("priority"))
    shown = here.shows("source_ranges", expected=_IN)
    if here.get("source_ranges") in (ABSENT, []):
        shown = here.shows("source_ranges", expected=_IN, value="anybody, as no source is named")
    for allow, step in ((True, "allow"), (False, "deny")):
        listed, dynamic = here.each(step)
        for one in listed:
            kind, ports = _protocol(one, "protocol"), _ports(one)
            sure, maybe = packets_of(sources, kind, ports)
            words = one.shows("protocol", expected=_IN, value=_words(one))
            yield Rule(
                allow,
                sure if certain else (),
                maybe,
                (shown, words),
                order,
                (*missing, *sources.missing, *kind.missing, *ports.missing),
            )
        if dynamic:
            packets: Packets = box(sources.maybe) if sources.maybe else EVERY
            yield Rule(
                allow, (), packets, (shown,), order, (*missing, here.shows(step, expected="rules that are known"))
            )


def _words(here: Place) -> str:
    ports = here.texts("ports")[0]
    return f"{here.get('protocol')} {', '.join(ports) or 'all ports'}"


def _protocol(here: Place, step: str) -> Part:
    if here.get(step) == "L3_DEFAULT":
        return whole(((0, 255),))
    return protocols(here, step)


def _ports(here: Place) -> Part:
    if here.get("ports") in (ABSENT, []):
        return whole(EVERY_PORT)
    listed, more = here.texts("ports")
    known = joined(span for one in listed for span in _port_span(one, here))
    return Part(known, EVERY_PORT, (here.shows("ports", expected="known ports"),)) if more else whole(known)


def _port_span(text: str, here: Place) -> Spans:
    low, _, high = text.strip().partition("-")
    try:
        return joined([(int(low), int(high or low))])
    except ValueError:
        raise wrong_type(here.at, "no port range") from None


def _sources(here: Place) -> Part:
    """Who a rule is about: ranges, or with no source named at all everybody (of IPv4)."""
    if here.get("source_ranges") not in (ABSENT, []):
        return ranges(here, "source_ranges")
    others = [here.get(step) for step in ("source_tags", "source_service_accounts")]
    if any(one not in (ABSENT, [], UNKNOWN) for one in others):
        return whole(())
    if UNKNOWN in others:
        return Part((), IPV4, (here.shows("source_tags"),))
    return whole(IPV4)


def _applies(rule: Place, instance: Place, step: str) -> tuple[bool | None, list[Evidence]]:
    """Whether a rule is about an instance by its network tags; with none named it is about all."""
    if rule.get(step) in (ABSENT, []):
        return True, []
    wanted, more_wanted = rule.texts(step)
    tags, more = instance.texts("tags")
    if set(wanted) & set(tags):
        return True, []
    if more or more_wanted:
        return None, [rule.shows(step) if more_wanted else instance.shows("tags", expected="known tags")]
    return False, []


def _by_account(rule: Place, instance: Place) -> tuple[bool | None, list[Evidence]]:
    """Whether a rule is about an instance by its service account."""
    step = "target_service_accounts"
    if rule.get(step) in (ABSENT, []):
        return True, []
    wanted, more = rule.texts(step)
    accounts, unknown = instance.each("service_account")
    if not accounts and not unknown:
        return False, []
    emails = [one.get("email") for one in accounts]
    if any(email in wanted for email in emails if isinstance(email, str)):
        return True, []
    if not unknown and not more and all(isinstance(email, str) for email in emails):
        return False, []
    same = _same_account(rule, step, accounts[0]) if accounts and not unknown else None
    return same, [] if same is not None else [rule.shows(step)]


def _same_account(rule: Place, step: str, account: Place) -> bool | None:
    """Whether both are the e-mail address of one account that this plan makes; two accounts have two of them."""
    listed = rule.each(step)[0]
    at = (*account.at, "email")
    origins = [account.subject.origin(at), rule.subject.origin(listed[0].at if len(listed) == 1 else (step,))]
    lone = [origin.lone if origin else None for origin in origins]
    if any(one is None or (one.type, one.attribute) != ("google_service_account", "email") for one in lone):
        return None
    found = [rule.subject.world.instances(one, None) for one in lone if one is not None]
    if any(len(instances) != 1 for instances in found):
        return None
    return found[0][0].address == found[1][0].address


def _to_address(rule: Place, interface: Place) -> bool | None:
    """Whether a rule is about the private address of an interface."""
    if rule.get("destination_ranges") in (ABSENT, []):
        return True
    texts, more = rule.texts("destination_ranges")
    spans = joined(span_of(text, rule) for text in texts)
    own = _private(interface)
    if own is None:
        return True if contains(spans, IPV4) else None
    if contains(spans, own):
        return True
    return None if more or common(spans, own) else False


def _private(interface: Place) -> Spans | None:
    """The private address, or the range of the subnetwork that it comes from."""
    address = interface.get("network_ip")
    if isinstance(address, str):
        return (span_of(address, interface),)
    subnet = partner(interface, ("subnetwork",), ["google_compute_subnetwork"], _NAMES)
    if subnet is None or subnet.open or len(subnet.options) != 1:
        return None
    here = place(subnet.options[0])
    text = here.get("ip_cidr_range")
    return (span_of(text, here),) if isinstance(text, str) else None


BUILDERS: dict[str, Callable[[PlanSubject], Reach]] = {
    "google_compute_instance": reach_of_instance,
    "google_compute_instance_template": reach_of_instance,
    "google_compute_region_instance_template": reach_of_instance,
}
"""By type what finds the ways to it."""
