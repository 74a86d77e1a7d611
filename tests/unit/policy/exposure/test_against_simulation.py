"""What the engine says of random networks is what concrete packets do, whatever the unknowns turn out to be.

A pass: no completion of the unknowns lets the internet in. A fail: every completion does. Without unknowns the
verdict is exact. More worlds than a test run needs: ``IACGATE_WORLDS=10000 pytest -s tests/unit/policy/exposure``.
"""

import os
from collections import Counter
from collections.abc import Callable
from random import Random

import pytest

from tests.unit.policy.exposure import aws_worlds, azure_worlds, google_worlds
from tests.unit.policy.exposure.simulation import QUESTIONS, Dice, Packet, Resources, completions, is_exposed, plan_of
from tests.unit.policy.plans import catalogue, run

WORLDS = int(os.environ.get("IACGATE_WORLDS", "300"))
MOST_COMPLETIONS = 48
Make = Callable[[Dice], tuple[Resources, str]]
Arrives = Callable[[Resources, str], Callable[[Packet], bool]]


def check(kind: str):
    return catalogue(
        ("any-port", kind, "{not_exposed: {to: internet}}", "high"),
        ("some-ports", kind, "{not_exposed: {to: internet, ports: [22, 3306]}}", "high"),
    )


@pytest.mark.parametrize(
    ("cloud", "make", "arrives", "from_ports"),
    [
        ("aws", aws_worlds.make, aws_worlds.arrives, (40000,)),
        ("azure", azure_worlds.make, azure_worlds.arrives, azure_worlds.FROM_PORTS),
        ("google", google_worlds.make, google_worlds.arrives, (40000,)),
    ],
)
def test_verdicts_are_what_packets_do(cloud: str, make: Make, arrives: Arrives, from_ports: tuple[int, ...]) -> None:
    seen: Counter[str] = Counter()
    wrong: list[str] = []
    number = 0
    while sum(seen.values()) < WORLDS * len(QUESTIONS):
        number += 1
        dice = Dice(Random(f"{cloud} {number}"), unknowns=(number % 4))
        resources, judged = make(dice)
        worlds = list(completions(resources, MOST_COMPLETIONS))
        if not worlds:
            continue
        library = check(judged.split(".")[0])
        found = {one.check.id: str(one.verdict) for one in run(library, plan_of(resources)).results
                 if one.subject.address == judged}  # fmt: skip
        for name, ports in zip(("any-port", "some-ports"), QUESTIONS, strict=True):
            truths = {is_exposed(arrives(world, judged), ports, from_ports) for world in worlds}
            right = {frozenset({True}): "fail", frozenset({False}): "pass"}.get(frozenset(truths), "unknown")
            exact = len(worlds) == 1
            verdict = found[name]
            seen[f"{verdict}, simulation {right}" + (", nothing unknown" if exact else "")] += 1
            if verdict != right and (exact or verdict != "unknown"):
                wrong.append(f"{cloud} {number} {name}: {verdict}, and packets say {right}\n{resources}")
    print(f"\n{cloud}: {sum(seen.values())} verdicts, {len(wrong)} disagreements")
    for what, many in sorted(seen.items()):
        print(f"  {many:6} {what}")
    assert not wrong, f"{len(wrong)} disagreements; the first: {wrong[0]}"
