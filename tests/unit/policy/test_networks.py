# ruff: noqa: E501 - tables read better in long lines
"""Address ranges against ``ipaddress``, port ranges against explicit sets."""

from ipaddress import ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iacgate.policy.networks import is_open_to_world, parse_range, port_status, protocol_number
from iacgate.policy.subject import ConditionError

from tests.unit.policy.test_comparisons import FAIL, OPEN, PASS, judge

NETWORKS = st.one_of(
    st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 32)), st.tuples(st.integers(0, 2**128 - 1), st.integers(0, 128))
).map(lambda pair: ip_network((pair[0], pair[1]), strict=False))


@given(NETWORKS, NETWORKS)
def test_ranges_relate_as_those_of_the_standard_library(one: Any, other: Any) -> None:
    left, right = parse_range(str(one)), parse_range(str(other))
    same = one.version == other.version
    if parse_range(str(one)).version == one.version and right.version == other.version:
        assert left.within(right) == (same and one.subnet_of(other))
        assert left.overlaps(right) == (same and one.overlaps(other))


@pytest.mark.parametrize(
    ("text", "is_open"),
    [("0.0.0.0/0", True), ("::/0", True), ("0.0.0.0/1", True), ("128.0.0.0/1", True), ("0.0.0.0/7", True), ("8.0.0.0/8", False),
     ("52.0.0.0/6", True), ("1.2.3.4/0", True), (" 0.0.0.0/0 ", True), ("0.0.0.0/0.0.0.0", True), ("10.0.0.0/8", False),
     ("10.0.0.0/7", True), ("172.16.0.0/12", False), ("192.168.0.0/16", False), ("240.0.0.0/4", False), ("224.0.0.0/4", False),
     ("2000::/3", True), ("::/1", True), ("2001::/16", False), ("2000::/15", True), ("fc00::/7", False), ("fe80::/10", False),
     ("::ffff:0:0/96", True), ("::ffff:10.0.0.0/104", False), ("203.0.113.7", False), ("0.0.0.0", True),
     ("*", True), ("Internet", True), ("INTERNET", True), ("any", True),
     ("0.0.0.0-255.255.255.255", True), ("10.0.0.0-10.255.255.255", False), ("203.0.113.1-203.0.113.9", False)],
)  # fmt: skip
def test_what_is_open_to_the_world(text: str, is_open: bool) -> None:
    assert is_open_to_world(text) is is_open


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0.0.0.0/33",
        "256.0.0.0/8",
        "0/0",
        "10.0.0/8",
        "pl-0a1b",
        "**",
        "10.0.0.9-10.0.0.1",
        "10.0.0.0-::",
        "VirtualNetwork",
        "everywhere",
    ],
)
def test_what_is_no_range_is_an_error_and_never_closed(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        is_open_to_world(text)


def test_host_bits_are_ignored() -> None:
    assert parse_range("10.1.2.3/8") == parse_range("10.0.0.0/8")


@pytest.mark.parametrize(
    ("spelling", "number"),
    [("tcp", 6), ("TCP", 6), ("Tcp", 6), (" tcp ", 6), ("6", 6), (6, 6), (6.0, 6), ("udp", 17), ("icmp", 1), ("icmpv6", 58), ("esp", 50),
     ("-1", -1), (-1, -1), ("all", -1), ("ALL", -1), ("any", -1), ("*", -1), ("quic", None), (True, None), (None, None), ("", None)],
)  # fmt: skip
def test_protocols_by_name_and_number(spelling: Any, number: int | None) -> None:
    assert protocol_number(spelling) == number


@given(
    st.integers(0, 30),
    st.integers(0, 30),
    st.lists(st.integers(1, 30), min_size=1, max_size=3),
    st.booleans(),
    st.booleans(),
)
def test_a_port_range_against_explicit_ports(
    low: int, high: int, ports: list[int], hide_low: bool, hide_high: bool
) -> None:
    lows, highs = (range(66) if hide_low else [low]), (range(66) if hide_high else [high])
    outcomes = {any(one <= port <= other for port in ports) for one in lows for other in highs}
    truth = port_status(
        None if hide_low else low, None if hide_high else high, ports, unknown_low=hide_low, unknown_high=hide_high
    )
    assert truth == (OPEN if len(outcomes) == 2 else PASS if outcomes == {True} else FAIL)


PORTS = {
    "ports": {"from": ["from"], "to": ["to"], "protocol": ["protocol"], "include": [22, 3389], "protocols": [6, 17]}
}


@pytest.mark.parametrize(
    ("protocol", "low", "high", "truth"),
    [("tcp", 22, 22, PASS), ("tcp", 0, 65535, PASS), ("TCP", "20", "30", PASS), ("6", 3000, 4000, PASS), ("udp", 22, 22, PASS),
     ("tcp", 23, 3388, FAIL), ("tcp", 443, 443, FAIL), ("-1", 0, 0, PASS), (-1, None, None, PASS), ("all", 443, 443, PASS),
     (None, 443, 443, PASS), ("icmp", -1, -1, FAIL), ("icmpv6", 22, 22, FAIL), ("50", 22, 22, FAIL), ("esp", 0, 0, FAIL),
     ("tcp", None, None, PASS), ("tcp", 22, None, PASS), ("tcp", None, 21, FAIL), ("tcp", 3390, None, FAIL), ("tcp", 100, 20, FAIL),
     ("tcp", -1, -1, PASS), ("tcp", 0, 0, FAIL), ("quic", 22, 22, OPEN), ("quic", 443, 443, OPEN)],
)  # fmt: skip
def test_a_rule_lets_a_port_in(protocol: Any, low: Any, high: Any, truth: int) -> None:
    assert judge(PORTS, {"protocol": protocol, "from": low, "to": high}) == truth


@pytest.mark.parametrize(
    ("values", "unknown", "truth"),
    [({"from": 22, "to": 22}, {"protocol": True}, OPEN), ({"from": 443, "to": 443}, {"protocol": True}, OPEN),
     ({"protocol": "icmp"}, {"from": True, "to": True}, FAIL), ({"protocol": "-1"}, {"from": True, "to": True}, PASS),
     ({"protocol": "tcp", "from": 3390}, {"to": True}, FAIL), ({"protocol": "tcp", "to": 21}, {"from": True}, FAIL),
     ({"protocol": "tcp", "from": 22}, {"to": True}, OPEN)],
)  # fmt: skip
def test_a_rule_of_which_a_part_is_unknown(values: Any, unknown: Any, truth: int) -> None:
    assert judge(PORTS, values, unknown) == truth


def test_a_port_that_is_no_number_is_an_error() -> None:
    with pytest.raises(ConditionError):
        judge(PORTS, {"protocol": "tcp", "from": "ssh", "to": 22})
