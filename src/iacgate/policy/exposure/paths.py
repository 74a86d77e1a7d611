"""Ways from the internet to a resource, and whether one of them is open."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from iacgate.model.finding import Evidence
from iacgate.model.values import ABSENT
from iacgate.policy.exposure.filters import Filter, Seen
from iacgate.policy.exposure.packets import Packets, TooIntricateError, common_packets, either, internet, is_wide
from iacgate.policy.subject import FAIL_TRUTH, PASS_TRUTH, UNKNOWN_TRUTH

__all__ = ["Answer", "Reach", "Way", "judge"]

_SHOWN = 4
"""Rules of one filter that are listed as evidence: one is enough to be reached."""


class Way(NamedTuple):
    """What a packet must pass on its way in, outermost first: address, gateway, filters."""

    hops: tuple[Filter, ...]


Reach = tuple[tuple[Way, ...], ...]
"""All ways to a resource. Of those in one group just one is there, and it is not known which."""


class Answer(NamedTuple):
    """Whether a resource is kept from the internet, and what that stands on."""

    truth: int
    evidence: tuple[Evidence, ...]


def judge(reach: Reach, ports: tuple[int, ...]) -> Answer:
    """Whether the internet cannot reach it: on these ports, or with none given on any."""
    asked = internet(ports)
    try:
        through = [[(way, *_through(way, asked)) for way in group] for group in reach]
        sure = either(*(common_packets(*(least for _, least, _ in group)) for group in through))
        maybe = either(*(most for group in through for _, _, most in group))
        ways = [one for group in through for one in group]
        if is_wide(sure):
            found = max(ways, key=lambda one: (is_wide(one[1]), bool(one[1])))
            # To close any one of them is enough.
            traced = [one._replace(alternative=True) for one in _traced(found[0], found[1])]
            return Answer(FAIL_TRUTH, tuple(traced))
        if is_wide(maybe):
            open_ways = [way for way, _, most in ways if is_wide(most)] or [way for way, _, most in ways if most]
            return Answer(UNKNOWN_TRUTH, tuple(_missing(open_ways)))
        return Answer(PASS_TRUTH, tuple(_kept_out(reach, asked)))
    except TooIntricateError:
        needs = "the rules on its way overlap in too many ways to be held against each other; write fewer"
        return Answer(UNKNOWN_TRUTH, (Evidence("", "too many rules", "rules that can be followed", needs=needs),))


def _through(way: Way, asked: Packets) -> tuple[Packets, Packets]:
    maybe = common_packets(asked, *(hop.maybe for hop in way.hops))
    if not maybe or all(hop.sure is hop.maybe for hop in way.hops):
        return maybe, maybe
    return common_packets(asked, *(hop.sure for hop in way.hops)), maybe


def _traced(way: Way, packets: Packets) -> Iterator[Evidence]:
    """What lets these packets through, hop by hop."""
    for hop in way.hops:
        met = [seen for seen in hop.admits if common_packets(seen.packets, packets)]
        for seen in sorted(met, key=lambda one: not is_wide(common_packets(one.packets, packets)))[:_SHOWN]:
            yield from seen.evidence


def _missing(ways: Iterable[Way]) -> Iterator[Evidence]:
    seen: set[tuple[str, str]] = set()
    for way in ways:
        for one in (part for hop in way.hops for part in hop.missing):
            if (one.address, one.path) not in seen:
                seen.add((one.address, one.path))
                yield one
    if not seen:
        yield Evidence(
            "", ABSENT, "no open way from the internet", needs="it depends on which of several ways is there"
        )


def _kept_out(reach: Reach, asked: Packets) -> Iterator[Evidence]:
    """Of every way the hop that closes it."""
    if not reach:
        yield Evidence("", "no way in", "a way from the internet")
    for way in (way for group in reach for way in group):
        left = asked
        for hop in way.hops:
            left = common_packets(left, hop.maybe)
            if not is_wide(left):
                yield from hop.keeps_out or _denied(hop.admits)
                break


def _denied(admits: tuple[Seen, ...]) -> Iterator[Evidence]:
    for seen in admits[:_SHOWN]:
        yield from seen.evidence
    if not admits:
        yield Evidence("", "closed", "a rule that lets the internet in")
