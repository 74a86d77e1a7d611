"""Sets of packets against sets of numbers, one by one."""

from itertools import pairwise, product
from random import Random

import pytest

from iacgate.policy.exposure.filters import Rule, first_match
from iacgate.policy.exposure.packets import (
    EVERY,
    Packets,
    TooIntricateError,
    address_span,
    box,
    common_packets,
    either,
    internet,
    is_wide,
    less,
)
from iacgate.policy.exposure.spans import Spans, common, contains, joined, size, without

SMALL = range(9)
FEW = range(4)


def spans(rng: Random, most: int) -> Spans:
    return joined((low, low + rng.randint(0, 3)) for low in rng.sample(range(most), rng.randint(0, 3)))


def numbers(found: Spans) -> set[int]:
    return {one for low, high in found for one in range(low, high + 1)}


@pytest.mark.parametrize("seed", range(200))
def test_spans_are_sets_of_numbers(seed: int) -> None:
    rng = Random(seed)
    one, other = spans(rng, 20), spans(rng, 20)
    assert numbers(common(one, other)) == numbers(one) & numbers(other)
    assert numbers(without(one, other)) == numbers(one) - numbers(other)
    assert contains(one, other) == (numbers(other) <= numbers(one))
    assert size(one) == len(numbers(one))
    assert all(low > high + 1 for (_, high), (low, _) in pairwise(one))


def points(packets: Packets) -> set[tuple[int, ...]]:
    return {
        point
        for point in product(SMALL, FEW, FEW, FEW)
        for one in packets
        if all(any(low <= number <= high for low, high in axis) for number, axis in zip(point, one, strict=True))
    }


def packets(rng: Random) -> Packets:
    def one() -> Packets:
        return box(spans(rng, 9), spans(rng, 4), spans(rng, 4), spans(rng, 4))

    return either(*(one() for _ in range(rng.randint(1, 3))))


@pytest.mark.parametrize("seed", range(60))
def test_sets_of_packets_are_sets_of_points(seed: int) -> None:
    rng = Random(seed)
    one, other, third = packets(rng), packets(rng), packets(rng)
    assert points(either(one, other)) == points(one) | points(other)
    assert points(common_packets(one, other)) == points(one) & points(other)
    assert points(less(one, other, third)) == points(one) - points(other) - points(third)


@pytest.mark.parametrize("seed", range(60))
def test_the_first_rule_that_matches_decides_whatever_the_unknown_ones_turn_out_to_match(seed: int) -> None:
    rng = Random(seed)
    public = 8 << 24  # the addresses 8.0.0.0 to 8.0.0.8

    def some() -> Packets:
        return tuple(
            one._replace(
                sources=joined((public + low, public + min(high, 8)) for low, high in one.sources),
                protocols=common(joined((6 + low, 6 + high) for low, high in one.protocols), ((6, 9),)),
                ports=common(one.ports, ((0, 3),)),
                from_ports=((0, 65535),),
            )
            for one in packets(rng)
        )

    rules = []
    for number in range(4):
        sure = some()
        maybe = either(sure, some()) if rng.random() < 0.5 else sure
        rules.append(Rule(rng.choice([True, True, False]), sure, maybe, order=(number,)))
    found = first_match(rules)
    for source, protocol, port in product(range(public, public + 9), range(6, 10), FEW):
        point = (source, protocol, port, 0)
        decisions = {decide(list(rules), point, chosen) for chosen in product([True, False], repeat=4)}
        assert holds(found.sure, point) == (decisions == {True})
        assert holds(found.maybe, point) == (True in decisions)


def holds(packets: Packets, point: tuple[int, ...]) -> bool:
    return any(
        all(any(low <= number <= high for low, high in axis) for number, axis in zip(point, one, strict=True))
        for one in packets
    )


def decide(rules: list[Rule], point: tuple[int, ...], chosen: tuple[bool, ...]) -> bool:
    for rule, all_of_it in zip(rules, chosen, strict=True):
        if holds(rule.maybe if all_of_it else rule.sure, point):
            return bool(rule.allow)
    return False


@pytest.mark.parametrize(
    ("ranges", "wide"),
    [
        (["0.0.0.0/0"], True),
        (["::/0"], True),
        (["0.0.0.0/1"], True),
        (["8.0.0.0/7"], True),
        (["8.0.0.0/8"], False),
        (["8.0.0.0/8", "12.0.0.0/8"], True),  # more than one /8 between them
        (["203.0.113.0/24"], False),
        (["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"], False),
        (["10.0.0.0/8", "203.0.113.7/32"], False),
        (["2000::/3"], True),
        (["2001:db8::/32"], False),
        (["fc00::/7"], False),
    ],
)
def test_the_internet_is_more_than_a_block(ranges: list[str], wide: bool) -> None:
    found = box(joined(address_span(text) for text in ranges))
    assert is_wide(common_packets(found, internet())) is wide


def test_halves_of_the_internet_on_different_ports_are_not_the_internet_on_one() -> None:
    first = box((address_span("8.0.0.0/8"),), ports=((22, 22),))
    second = box((address_span("12.0.0.0/8"),), ports=((80, 80),))
    assert not is_wide(either(first, second))
    assert is_wide(either(first, box((address_span("12.0.0.0/8"),))))


def test_a_ping_exposes_nothing() -> None:
    assert common_packets(box(protocols=((1, 1), (58, 58))), internet()) == ()
    assert is_wide(common_packets(EVERY, internet()))


def test_too_many_rules_are_said_to_be_too_many() -> None:
    odd = [box(((number * 2, number * 2),), ports=((number * 2, number * 2),)) for number in range(1200)]
    with pytest.raises(TooIntricateError):
        either(*odd)
