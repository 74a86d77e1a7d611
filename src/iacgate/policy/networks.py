"""Address ranges and port ranges as integers (RFC 4632, RFC 4291), memoised: plans repeat a few many times."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

__all__ = [
    "PRIVATE",
    "WIDE",
    "Range",
    "is_open_to_world",
    "is_service_tag",
    "parse_port_ranges",
    "parse_range",
    "port_status",
    "protocol_number",
]

PASS, UNKNOWN, FAIL = 0, 1, 2
"""Truth of a condition; see ``conditions``."""


class Range(NamedTuple):
    """Addresses from ``low`` to ``high``, both included."""

    version: int
    low: int
    high: int

    def within(self, other: Range) -> bool:
        """Every address of this range is in the other."""
        return self.version == other.version and other.low <= self.low and self.high <= other.high

    def overlaps(self, other: Range) -> bool:
        """The ranges share an address."""
        return self.version == other.version and self.low <= other.high and other.low <= self.high


@lru_cache(maxsize=4096)
def parse_range(text: str) -> Range:
    """A CIDR block, a single address or ``FIRST-LAST``; host bits are ignored, as the clouds do.

    Raises ``ValueError`` when it is none of these.
    """
    from ipaddress import ip_network

    first, dash, last = text.partition("-")
    if dash:
        low, high = parse_range(first), parse_range(last)
        if low.version != high.version or low.low > high.high:
            raise ValueError("not a range of addresses")
        return Range(low.version, low.low, high.high)
    network = ip_network(text.strip(), strict=False)
    if network.version == 6 and network.prefixlen >= 96 and network.network_address.ipv4_mapped is not None:
        network = ip_network(f"{network.network_address.ipv4_mapped}/{network.prefixlen - 96}")
    return Range(network.version, int(network.network_address), int(network.broadcast_address))


# Not reachable from the internet: RFC 1918, 6598, 3927, 1122; RFC 4193, 4291. Class E is not routed.
PRIVATE = (
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "100.64.0.0/10",
    "169.254.0.0/16",
    "127.0.0.0/8",
    "240.0.0.0/4",
    "224.0.0.0/4",
    "fc00::/7",
    "fe80::/10",
    "::1/128",
    "ff00::/8",
)
# What Azure's rules call any source (its service tag Internet, its asterisk), and the address that stands for any.
_ANYWHERE = frozenset({"*", "any", "internet", "0.0.0.0", "::"})  # noqa: S104 - nothing listens here
_SERVICE_TAG = re.compile(r"[A-Za-z]\w*(\.\w+)?")
WIDE = {4: 1 << (32 - 8), 6: 1 << (128 - 16)}
"""By IP version: the addresses of a range that is not yet the internet; one more is."""


@lru_cache(maxsize=4096)
def is_open_to_world(text: str) -> bool:
    """The range takes in the internet or a wide part of it: wider than /8 (IPv4) or /16 (IPv6), private space apart.

    Azure's names for any source are understood.

    Raises ``ValueError`` when ``text`` is neither an address range nor one of these names.
    """
    if text.strip().lower() in _ANYWHERE:
        return True
    block = parse_range(text)
    if block.high - block.low + 1 <= WIDE[block.version]:
        return False
    return not any(block.within(parse_range(private)) for private in PRIVATE)


_PROTOCOLS = {"tcp": 6, "udp": 17, "icmp": 1, "icmpv6": 58, "icmp6": 58, "esp": 50, "ah": 51, "gre": 47, "sctp": 132,
              "all": -1, "-1": -1, "any": -1, "*": -1}  # fmt: skip


def protocol_number(value: object) -> int | None:
    """The IANA number of a protocol by name in any case or by number; -1 is all, ``None`` not known."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return int(value)
    if isinstance(value, str):
        text = value.strip().lower()
        if text in _PROTOCOLS:
            return _PROTOCOLS[text]
        return int(text) if text.isdecimal() else None
    return None


def is_service_tag(text: str) -> bool:
    """It reads like one of Azure's service tags, such as ``VirtualNetwork`` and ``Storage.WestEurope``."""
    return _SERVICE_TAG.fullmatch(text.strip()) is not None


def parse_port_ranges(value: object) -> list[tuple[int, int]]:
    """Ports as Azure and Google write them: ``22``, ``"20-30"``, ``"*"``, several joined by commas.

    Raises ``ValueError`` when it is none of these.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError("no ports")
    out = []
    for part in str(value).split(","):
        text = part.strip().lower()
        low, _, high = ("0", "-", "65535") if text in ("*", "any", "all") else text.partition("-")
        out.append((int(low), int(high or low)))
    return out


def port_status(low: int | None, high: int | None, ports: list[int], *, unknown_low: bool, unknown_high: bool) -> int:
    """Does the range low..high hold any of the ports? ``PASS`` yes, ``FAIL`` no, ``UNKNOWN`` it depends.

    A bound that is not set (``None`` and not unknown) leaves its side open; so does -1, "all" of another protocol.
    """
    least_low = 0 if low is None else low
    most_high = 65535 if high is None or (high == -1 and low in (None, -1)) else high
    if not any(least_low <= port <= most_high for port in ports):
        return FAIL
    if not unknown_low and not unknown_high:
        return PASS
    return UNKNOWN
