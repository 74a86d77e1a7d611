"""The parts that rules of all clouds are made of: address ranges, protocols and ports, each as far as it is known."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from iacgate.model.finding import Evidence
from iacgate.model.values import ABSENT, UNKNOWN
from iacgate.policy.exposure.packets import (
    EVERY_ADDRESS,
    EVERY_PORT,
    EVERY_PROTOCOL,
    NOTHING,
    Packets,
    address_span,
    box,
)
from iacgate.policy.exposure.reading import Place
from iacgate.policy.exposure.spans import Spans, joined
from iacgate.policy.lookup import wrong_type
from iacgate.policy.networks import protocol_number

__all__ = ["IPV4", "IPV6", "Part", "numbers", "packets_of", "protocols", "ranges", "span_of", "whole"]

IPV4: Spans = EVERY_ADDRESS[:1]
IPV6: Spans = EVERY_ADDRESS[1:]
_WITH_PORTS = (6, 17, 132, 33, 136)
"""TCP, UDP, SCTP, DCCP, UDP-Lite; of other protocols a port says nothing."""


class Part(NamedTuple):
    """A set of numbers: surely these, at most those."""

    sure: Spans
    maybe: Spans
    missing: tuple[Evidence, ...] = ()

    def __or__(self, other: Any) -> Part:
        """Either of two parts."""
        return Part(
            joined((*self.sure, *other.sure)), joined((*self.maybe, *other.maybe)), (*self.missing, *other.missing)
        )


def whole(spans: Spans) -> Part:
    """A part that is known."""
    return Part(spans, spans)


NONE = whole(())


def span_of(text: str, here: Place) -> tuple[int, int]:
    """A CIDR block or an address. Raises ``ConditionError`` when it is none."""
    try:
        return address_span(text)
    except ValueError:
        raise wrong_type(here.at, "no address range") from None


def ranges(here: Place, step: str, family: Spans = EVERY_ADDRESS) -> Part:
    """The address ranges of an attribute, one or a list; what is unknown may be any of the family."""
    value = here.get(step)
    if value is ABSENT:
        return NONE
    if isinstance(value, str):
        return whole((span_of(value, here),))
    if value is UNKNOWN:
        return NONE if here.is_narrow(step) else Part((), family, (here.shows(step, expected="a known range"),))
    out = NONE
    for item in here.each(step)[0]:
        text = item.get()
        if text is UNKNOWN:
            out |= NONE if item.is_narrow() else Part((), family, (item.shows(expected="a known range"),))
        elif isinstance(text, str):
            out |= whole((span_of(text, here),))
    return out


def protocols(here: Place, step: str) -> Part:
    """The protocols of a rule; not set is all of them."""
    value = here.get(step)
    number = None if value is UNKNOWN else -1 if value is ABSENT else protocol_number(value)
    if number is None:
        return Part((), EVERY_PROTOCOL, (here.shows(step, expected="a known protocol"),))
    return whole(EVERY_PROTOCOL if number == -1 else ((number, number),))


def numbers(here: Place, low_step: str, high_step: str) -> Part:
    """The ports of a rule from one to another; a bound that is not set, or -1, leaves its side open."""
    bounds: list[int | None] = []
    missing: list[Evidence] = []
    for step in (low_step, high_step):
        value = here.get(step)
        if value is UNKNOWN:
            missing.append(here.shows(step, expected="a known port"))
        try:
            bounds.append(None if value in (UNKNOWN, ABSENT) else int(value))
        except (TypeError, ValueError):
            raise wrong_type((*here.at, step), "no port number") from None
    low = bounds[0] if bounds[0] is not None and bounds[0] >= 0 else 0
    high = bounds[1] if bounds[1] is not None and bounds[1] >= 0 else 65535
    spans = ((low, min(high, 65535)),) if low <= high else ()
    return Part((), spans, tuple(missing)) if missing else whole(spans)


def packets_of(sources: Part, protocol: Part, ports: Part, from_ports: Part | None = None) -> tuple[Packets, Packets]:
    """The packets that surely match, and those that may."""
    from_ports = from_ports or whole(EVERY_PORT)
    maybe = _boxes(sources.maybe, protocol.maybe, ports.maybe, from_ports.maybe)
    parts: Iterable[Part] = (sources, protocol, ports, from_ports)
    if all(one.sure == one.maybe for one in parts):
        return maybe, maybe
    return _boxes(sources.sure, protocol.sure, ports.sure, from_ports.sure), maybe


def _boxes(sources: Spans, protocol: Spans, ports: Spans, from_ports: Spans) -> Packets:
    if not protocol:
        return NOTHING
    if protocol == EVERY_PROTOCOL:
        return box(sources, protocol, ports, from_ports)
    if all(low == high and low not in _WITH_PORTS for low, high in protocol):
        return box(sources, protocol)
    return box(sources, protocol, ports, from_ports)
