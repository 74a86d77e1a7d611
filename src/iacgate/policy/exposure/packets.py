"""Sets of packets that come from the internet, and their algebra.

A packet is a source address, a protocol, a port that it goes to and a port that it comes from. A set
of packets is a list of boxes, each the product of four sets of numbers. The algebra is exact: what one
filter admits and the next one denies is gone, and what is left is asked for its size.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from typing import NamedTuple

from iacgate.policy.exposure.spans import Spans, common, contains, joined, size, without
from iacgate.policy.networks import PRIVATE, WIDE, parse_range

__all__ = [
    "EVERY",
    "NOTHING",
    "Box",
    "Packets",
    "TooIntricateError",
    "address_span",
    "box",
    "common_packets",
    "either",
    "internet",
    "is_wide",
    "less",
]

_IPV6 = 1 << 128
"""Where IPv6 addresses begin on the one axis that both families share."""
_MOST = 1000
"""Boxes in one set: hundreds of rules that overlap in odd ways. Beyond it nothing is said."""
_TIDIED = 64
"""Up to so many boxes those inside of others are left out, for which each is held against each."""
EVERY_ADDRESS: Spans = ((0, (1 << 32) - 1), (_IPV6, 2 * _IPV6 - 1))
EVERY_PROTOCOL: Spans = ((0, 255),)
EVERY_PORT: Spans = ((0, 65535),)
_NO_PING: Spans = ((0, 0), (2, 57), (59, 255))
"""All but ICMP and ICMPv6: an answer to a ping exposes nothing that listens."""


class TooIntricateError(Exception):
    """There are more rules than can be held against each other."""


class Box(NamedTuple):
    """The packets that have each of the four in a set."""

    sources: Spans = EVERY_ADDRESS
    protocols: Spans = EVERY_PROTOCOL
    ports: Spans = EVERY_PORT
    from_ports: Spans = EVERY_PORT


Packets = tuple[Box, ...]
NOTHING: Packets = ()
EVERY: Packets = (Box(),)


def box(
    sources: Spans = EVERY_ADDRESS,
    protocols: Spans = EVERY_PROTOCOL,
    ports: Spans = EVERY_PORT,
    from_ports: Spans = EVERY_PORT,
) -> Packets:
    """The packets that have each of the four in a set; none where one of the sets is empty."""
    return (Box(sources, protocols, ports, from_ports),) if sources and protocols and ports and from_ports else NOTHING


@lru_cache(maxsize=4096)
def address_span(text: str) -> tuple[int, int]:
    """A CIDR block or an address on the axis of both families. Raises ``ValueError``."""
    found = parse_range(text)
    base = _IPV6 if found.version == 6 else 0
    return base + found.low, base + found.high


@cache
def internet(ports: tuple[int, ...] = ()) -> Packets:
    """What anybody may send from a public address: to these ports by TCP or UDP, or anything but a ping."""
    public = without(EVERY_ADDRESS, joined(address_span(block) for block in PRIVATE))
    if not ports:
        return box(public, _NO_PING)
    return box(public, ((6, 6), (17, 17)), joined((port, port) for port in ports))


def either(*sets: Packets) -> Packets:
    """The packets that are in any of the sets."""
    boxes = _bounded(dict.fromkeys(one for packets in sets for one in packets))
    if len(boxes) > _TIDIED:
        return boxes
    out: list[Box] = []
    for one in boxes:
        if not any(_holds(other, one) for other in out):
            out = [other for other in out if not _holds(one, other)]
            out.append(one)
    return tuple(out)


def common_packets(*sets: Packets) -> Packets:
    """The packets that are in all of the sets; with none given, every packet."""
    out = EVERY
    for packets in sets:
        if not packets:
            return NOTHING
        if packets is not EVERY:
            out = packets if out is EVERY else either(_bounded(_met(one, other) for one in out for other in packets))
    return out


def less(packets: Packets, *gone: Packets) -> Packets:
    """The packets of the first set that are in none of the others."""
    out = packets
    for other in (other for one in gone for other in one):
        out = _bounded(piece for one in out for piece in _pieces(one, other))
    return out


def is_wide(packets: Packets) -> bool:
    """To some port they come from the internet at large, not from a few networks.

    That is from more addresses than an IPv4 block of /8 or an IPv6 block of /16 has, as ``open_to_world`` counts a
    single range. The set holds public sources only: it was cut to ``internet()``.
    """
    if any(_is_wide(one.sources) for one in packets):
        return True
    if not _is_wide(joined(span for one in packets for span in one.sources)):
        return False
    protocols = _cells(one.protocols for one in packets)
    ports = _cells(one.ports for one in packets)
    from_ports = _cells(one.from_ports for one in packets)
    for protocol in protocols:
        here = [one for one in packets if _has(one.protocols, protocol)]
        for port in ports:
            there = [one for one in here if _has(one.ports, port)]
            if not _is_wide(joined(span for one in there for span in one.sources)):
                continue
            for from_port in from_ports:
                met = (span for one in there if _has(one.from_ports, from_port) for span in one.sources)
                if _is_wide(joined(met)):
                    return True
    return False


def _is_wide(sources: Spans) -> bool:
    old, new = common(sources, EVERY_ADDRESS[:1]), common(sources, EVERY_ADDRESS[1:])
    return size(old) > WIDE[4] or size(new) > WIDE[6]


def _cells(axes: Iterable[Spans]) -> list[int]:
    """One number of every stretch in which all sets of an axis stay the same."""
    return sorted({edge for spans in axes for low, high in spans for edge in (low, high + 1)})


def _has(spans: Spans, number: int) -> bool:
    return any(low <= number <= high for low, high in spans)


def _holds(one: Box, other: Box) -> bool:
    return all(contains(mine, theirs) for mine, theirs in zip(one, other, strict=True))


def _met(one: Box, other: Box) -> Box:
    return Box(*(common(mine, theirs) for mine, theirs in zip(one, other, strict=True)))


def _pieces(one: Box, gone: Box) -> Iterator[Box]:
    """The first box without the second: for each axis what sticks out of it, cut off from the rest."""
    if not all(_met(one, gone)):
        yield one
        return
    rest = list(one)
    for axis, theirs in enumerate(gone):
        out = without(rest[axis], theirs)
        if out:
            yield Box._make((*rest[:axis], out, *rest[axis + 1 :]))
        rest[axis] = common(rest[axis], theirs)


def _bounded(boxes: Iterable[Box]) -> Packets:
    out: list[Box] = []
    for one in boxes:
        if all(one):
            out.append(one)
            if len(out) > _MOST:
                raise TooIntricateError
    return tuple(out)
