"""What lets packets through, as far as it is known: at least these, at most those.

A rule of a plan may be unknown in any part. So a filter has two sides: the packets that it surely
lets through whatever the unknowns turn out to be, and those that it may let through. Filters that
ask the first rule that matches (network ACLs, Azure's security groups, Google's firewalls, routes by
the longest prefix) and those that ask for any rule (AWS security groups) come to the same pair.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from iacgate.model.finding import Evidence
from iacgate.policy.exposure.packets import EVERY, NOTHING, Packets, common_packets, either, internet, less

__all__ = [
    "CLOSED",
    "OPEN",
    "UNSURE",
    "Filter",
    "Rule",
    "Seen",
    "all_of",
    "any_of",
    "any_rule",
    "first_match",
    "one_of",
    "unsure",
]


class Seen(NamedTuple):
    """Something that lets packets through or keeps them out, with what to show of it."""

    packets: Packets
    evidence: tuple[Evidence, ...]


class Filter(NamedTuple):
    """Between ``sure`` and ``maybe`` lies what is let through."""

    sure: Packets
    maybe: Packets
    admits: tuple[Seen, ...] = ()
    """What lets packets through, surely or perhaps."""
    missing: tuple[Evidence, ...] = ()
    """What is not known of it."""
    keeps_out: tuple[Evidence, ...] = ()
    """What to show where nothing gets through."""


OPEN = Filter(EVERY, EVERY)
CLOSED = Filter(NOTHING, NOTHING)
UNSURE = Filter(NOTHING, EVERY)


def unsure(missing: Evidence) -> Filter:
    """Something of which nothing is known; what is missing."""
    return Filter(NOTHING, EVERY, missing=(missing,))


class Rule(NamedTuple):
    """One rule: which packets it surely matches and which it may match, and what it does to them."""

    allow: bool | None
    """``None``: not known."""
    sure: Packets
    maybe: Packets
    evidence: tuple[Evidence, ...] = ()
    order: tuple[float, ...] | None = (0,)
    """The lowest is asked first; ``None``: not known when."""
    missing: tuple[Evidence, ...] = ()


def first_match(rules: Iterable[Rule]) -> Filter:
    """The first rule that matches decides; what none matches is kept out. At the same place denying comes first.

    Surely let through is what a rule surely matches that surely allows, where no rule that may deny comes before it.
    Perhaps let through is what a rule may match that may allow, where no rule that surely denies comes before it.
    """
    cut = [_cut(rule) for rule in rules]
    placed = sorted((one for one in cut if one.order is not None), key=_place)
    anywhere = [one for one in cut if one.order is None]
    sure: list[Packets] = []
    stopped = [one.maybe for one in anywhere if one.allow is not True]
    for rule in placed:
        if rule.allow is True:
            sure.append(less(rule.sure, *stopped))
        else:
            stopped.append(rule.maybe)
    sure += [less(one.sure, *stopped) for one in anywhere if one.allow is True]
    maybe = [one.maybe for one in anywhere if one.allow is not False]
    denied: list[Packets] = []
    for rule in placed:
        if rule.allow is False:
            denied.append(rule.sure)
        else:
            maybe.append(less(rule.maybe, *denied))
    return _told(either(*sure), either(*maybe), cut)


def any_rule(rules: Iterable[Rule]) -> Filter:
    """Any rule that matches lets through; all of them allow."""
    cut = [_cut(rule) for rule in rules]
    return _told(either(*(one.sure for one in cut)), either(*(one.maybe for one in cut)), cut)


def _cut(rule: Rule) -> Rule:
    """The rule for packets from the internet alone: most rules speak of others, and are gone with that."""
    world = internet()
    maybe = common_packets(rule.maybe, world)
    sure = maybe if rule.sure is rule.maybe else common_packets(rule.sure, world)
    return rule._replace(sure=sure, maybe=maybe)


def _place(rule: Rule) -> tuple[tuple[float, ...], bool]:
    return rule.order or (), rule.allow is True


def _told(sure: Packets, maybe: Packets, rules: Sequence[Rule]) -> Filter:
    admits = tuple(Seen(one.maybe, one.evidence) for one in rules if one.allow is not False and one.maybe)
    missing = tuple(part for one in rules if one.maybe for part in one.missing)
    return Filter(maybe if sure == maybe else sure, maybe, admits, missing)


def all_of(filters: Iterable[Filter]) -> Filter:
    """A packet must pass every one of them."""
    parts = list(filters)
    sure, maybe = common_packets(*(one.sure for one in parts)), common_packets(*(one.maybe for one in parts))
    return _joined(parts)._replace(sure=maybe if sure == maybe else sure, maybe=maybe)


def _joined(parts: Sequence[Filter]) -> Filter:
    """What there is to show of several filters, without what they let through."""
    return Filter(
        NOTHING,
        NOTHING,
        tuple(seen for one in parts for seen in one.admits),
        tuple(part for one in parts for part in one.missing),
        tuple(part for one in parts for part in one.keeps_out),
    )


def any_of(filters: Iterable[Filter]) -> Filter:
    """A packet must pass at least one of them; there may be none."""
    parts = list(filters)
    if len(parts) == 1:
        return parts[0]
    sure, maybe = either(*(one.sure for one in parts)), either(*(one.maybe for one in parts))
    return _joined(parts)._replace(sure=maybe if sure == maybe else sure, maybe=maybe)


def one_of(filters: Iterable[Filter]) -> Filter:
    """Just one of them stands there, and it is not known which."""
    parts = list(filters)
    if len(parts) == 1:
        return parts[0]
    sure, maybe = common_packets(*(one.sure for one in parts)), either(*(one.maybe for one in parts))
    return _joined(parts)._replace(sure=maybe if sure == maybe else sure, maybe=maybe)
