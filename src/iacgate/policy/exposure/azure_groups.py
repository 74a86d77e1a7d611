"""Network security groups of Azure as filters.

Rules are asked by priority. Behind them stand the default ones: the virtual network and Azure's own
load balancer probes are let in, everything else is kept out. Service tags other than ``Internet``
name networks, not the internet.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from iacgate.model.finding import Evidence
from iacgate.model.values import ABSENT, UNKNOWN
from iacgate.policy.exposure.filters import CLOSED, OPEN, UNSURE, Filter, Rule, first_match, one_of, unsure
from iacgate.policy.exposure.packets import EVERY, EVERY_ADDRESS, EVERY_PORT
from iacgate.policy.exposure.reading import Members, Partner, Place, children, partner, place, told, untold
from iacgate.policy.exposure.rule_parts import NONE, Part, packets_of, protocols, span_of, whole
from iacgate.policy.exposure.spans import Spans, common, contains, joined
from iacgate.policy.lookup import wrong_type

if TYPE_CHECKING:
    from iacgate.policy.plan_subject import PlanSubject

__all__ = ["NSGS", "group_of", "guarded", "named_group", "security_group"]

NSGS = ["azurerm_network_security_group"]
_ANYBODY = frozenset({"*", "any", "internet", "0.0.0.0/0", "::/0"})
_IN = "a rule that keeps the internet out"
_ADMITTED = "a rule that lets the internet in"


def group_of(subject: PlanSubject, kind: str, their: str, destination: Spans | None) -> tuple[Filter, bool | None]:
    """What the security group of an interface or subnet lets in, and whether there is one at all."""
    found = children(subject, [kind], their)
    if found.sure:
        options = [partner(place(one), ("network_security_group_id",), NSGS) for one in found.sure]
        return one_of(_of_partner(one, found, destination) for one in options), True
    if found.none:
        return OPEN, False
    options = [partner(place(one), ("network_security_group_id",), NSGS) for one in found.maybe]
    parts = [_of_partner(one, found, destination) for one in options]
    if found.open:
        parts.append(unsure(found.evidence))
    return one_of([*parts, OPEN])._replace(
        missing=tuple(part for one in parts for part in one.missing) or (found.evidence,)
    ), None


def named_group(here: Place, step: str, destination: Spans | None) -> tuple[Filter, bool | None]:
    """As ``group_of``, where an attribute names the group."""
    found = partner(here, (step,), NSGS)
    if found is None:
        return OPEN, False
    if here.get(step) is UNKNOWN and found.open:  # it may turn out to be null
        return unsure(found.evidence), None
    return _options(found, destination), True


def _of_partner(found: Partner | None, association: Members, destination: Spans | None) -> Filter:
    return unsure(association.evidence) if found is None else _options(found, destination)


def _options(found: Partner, destination: Spans | None) -> Filter:
    parts = [security_group(one, destination) for one in found.options]
    if found.open:
        parts.append(unsure(found.evidence))
    return one_of(parts)


def guarded(levels: list[tuple[Filter, bool | None]], secure: bool | None, shown: Evidence) -> list[Filter]:
    """The filters of interface and subnet; without any a Standard address is closed, and a Basic one open.

    ``secure`` is which of the two it is.
    """
    filters = [one for one, _ in levels]
    there = [present for _, present in levels]
    if True in there or secure is False:
        return filters
    words = "no security group, without which a Standard address lets nothing in"
    text = told("", words, shown.address, _ADMITTED)
    if None not in there:
        if secure:
            return [*filters, CLOSED._replace(keeps_out=(text,))]
        needs = "there is no security group; then a Standard address is closed and a Basic one open"
        return [*filters, unsure(shown._replace(actual=UNKNOWN, needs=needs))]
    return [*filters, UNSURE]


def security_group(group: PlanSubject, destination: Spans | None) -> Filter:
    """What a security group lets in from the internet to an address, if that is known."""
    memo, key = group.world.memo, ("nsg", group.address, destination)
    if key not in memo:
        memo[key] = _security_group(group, destination)
    found: Filter = memo[key]
    return found


def _security_group(group: PlanSubject, destination: Spans | None) -> Filter:
    here = place(group)
    if (
        group.parsed is not None
        and group.parsed.mode == "data"
        and not isinstance(group.values.get("security_rule"), list)
    ):
        return unsure(untold("security_rule", "a lookup does not say the rules", group.address))
    listed, more = here.each("security_rule")
    gone = _priorities_spoken_for(group)
    rules = [rule for one in listed for rule in _rule(one, destination) if rule.order not in gone]
    if more:
        missing = here.shows("security_rule", expected="rules that are known")
        rules.append(Rule(None, (), EVERY, order=None, missing=(missing,)))
    rules += _rules_naming(group, destination)
    shut = told("security_rule", "no rule lets the internet in", group.address, _ADMITTED)
    return first_match(rules)._replace(keeps_out=(shut,))


def _rules_naming(group: PlanSubject, destination: Spans | None) -> Iterator[Rule]:
    """Rules that are resources of their own name the group by its name, which is unique in a resource group only."""
    found = children(group, ["azurerm_network_security_rule"], "network_security_group_name", ["name"])
    home = _lower(place(group).get("resource_group_name"))
    for one in (*found.sure, *found.maybe):
        here = place(one)
        other = _lower(here.get("resource_group_name"))
        if isinstance(home, str) and isinstance(other, str) and home != other:
            continue
        same = home == other and isinstance(home, str)
        by_reference = group.values.get("name") is None or _names(here, group)
        for rule in _rule(here, destination):
            sure = one in found.sure and (same or by_reference)
            yield rule if sure else rule._replace(sure=(), missing=(*rule.missing, here.shows("resource_group_name")))


def _names(rule: Place, group: PlanSubject) -> bool:
    """Group and rule are put into the same resource group, whose name is not known yet."""
    mine = group.origin(("resource_group_name",))
    its = rule.subject.origin(("resource_group_name",))
    if not mine or not its or mine.lone is None:
        return False
    return mine.lone == its.lone and mine.lone.key == its.lone.key


def _priorities_spoken_for(group: PlanSubject) -> set[tuple[float, ...] | None]:
    """Of rules that were resources of their own: they stand in the group's list as the cloud has it."""
    before = group.world.opposite
    if before is None or group.world.side == "before":
        return set()
    twin = before.subject_at((group.change.previous_address if group.change else "") or group.address)
    return {one.order for one in _rules_naming(twin, None)} - {None} if twin is not None else set()


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def _rule(here: Place, destination: Spans | None) -> Iterator[Rule]:
    direction, access = _lower(here.get("direction")), _lower(here.get("access"))
    if direction not in ("inbound", UNKNOWN):
        return
    sources, kind = _sources(here), protocols(here, "protocol")
    ports = _ports(here, "destination_port_range", "destination_port_ranges")
    from_ports = _ports(here, "source_port_range", "source_port_ranges")
    sure, maybe = packets_of(sources, kind, ports, from_ports)
    meant, unsure = _meant(here, destination)
    if not meant and not unsure:
        return
    priority = here.get("priority")
    shown = [
        here.shows(step, expected=_IN)
        for step in (
            "source_address_prefix",
            "source_address_prefixes",
            "destination_port_range",
            "destination_port_ranges",
        )
        if here.get(step) not in (ABSENT, UNKNOWN, [])
    ]
    missing = [*sources.missing, *kind.missing, *ports.missing, *from_ports.missing, *unsure]
    missing += [here.shows(step) for step in ("direction", "access", "priority") if here.get(step) is UNKNOWN]
    yield Rule(
        None if access is UNKNOWN else access == "allow",
        sure if meant and direction == "inbound" else (),
        maybe,
        tuple(shown),
        (float(priority),) if isinstance(priority, int | float) else None,
        tuple(missing),
    )


def _prefixes(here: Place, single: str, several: str) -> Iterator[tuple[Place, str]]:
    """Each prefix of a rule with the attribute that holds it; the element's own is the empty name."""
    if here.get(single) is not ABSENT:
        yield here, single
    if here.get(several) is UNKNOWN:
        yield here, several
    else:
        for item in here.each(several)[0]:
            yield item, ""


def _sources(here: Place) -> Part:
    out = NONE
    for item, step in _prefixes(here, "source_address_prefix", "source_address_prefixes"):
        steps = (step,) if step else ()
        text = item.get(*steps)
        if text is UNKNOWN:
            out |= (
                NONE
                if item.is_narrow(*steps)
                else Part((), EVERY_ADDRESS, (item.shows(*steps, expected="a known range"),))
            )
        elif isinstance(text, str):
            out |= whole(_addresses(text, item))
    return out


def _addresses(text: str, here: Place) -> Spans:
    word = text.strip().lower()
    if word in ("*", "any", "internet"):
        return EVERY_ADDRESS
    return (span_of(text, here),) if word[:1].isdigit() or ":" in word else ()


def _meant(here: Place, destination: Spans | None) -> tuple[bool, list[Evidence]]:
    """Whether a rule is about an address; and what is not known of that."""
    unsure: list[Evidence] = []
    for item, step in _prefixes(here, "destination_address_prefix", "destination_address_prefixes"):
        steps = (step,) if step else ()
        text = item.get(*steps)
        if text is UNKNOWN:
            unsure.append(item.shows(*steps, expected="a known range"))
        elif isinstance(text, str):
            word = text.strip().lower()
            if word in ("*", "any", "virtualnetwork", "0.0.0.0/0", "::/0"):
                return True, []
            spans = _addresses(text, item) if word not in _ANYBODY else ()
            if destination is not None and spans and contains(spans, destination):
                return True, []
            if spans and (destination is None or common(spans, destination)):
                needs = "the private address that the rule is about is not known"
                unsure.append(item.shows(*steps)._replace(actual=UNKNOWN, needs=needs))
    if here.get("destination_application_security_group_ids") not in (ABSENT, []):
        needs = "whether the interface is in the application security group is not looked at"
        unsure.append(untold("destination_application_security_group_ids", needs, here.subject.address))
    return False, unsure


def _ports(here: Place, single: str, several: str) -> Part:
    out = NONE
    for item, step in _prefixes(here, single, several):
        steps = (step,) if step else ()
        text = item.get(*steps)
        if text is UNKNOWN:
            out |= Part((), EVERY_PORT, (item.shows(*steps, expected="known ports"),))
        elif text is not ABSENT:
            out |= whole(_port_range(str(text), item))
    return out


def _port_range(text: str, here: Place) -> Spans:
    word = text.strip()
    if word in ("*", ""):
        return EVERY_PORT
    low, _, high = word.partition("-")
    try:
        return joined([(int(low), int(high or low))])
    except ValueError:
        raise wrong_type(here.at, "no port range") from None
