"""The condition ``not_exposed``: nothing on the internet can reach the resource."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from iacgate.model.finding import Evidence
from iacgate.policy.exposure.packets import TooIntricateError
from iacgate.policy.exposure.paths import Answer, Reach, judge
from iacgate.policy.subject import FAIL_TRUTH, UNKNOWN_TRUTH, ConditionError, Node

if TYPE_CHECKING:
    from iacgate.policy.plan_subject import PlanSubject
    from iacgate.policy.subject import Path

__all__ = ["compile_not_exposed"]


def compile_not_exposed(tree: dict[str, Any]) -> Node:
    """Whether the resource is kept from the internet: on the ports named, or with none named altogether."""
    ports = tuple(tree["not_exposed"].get("ports", ()))

    def answer(subject: PlanSubject) -> Answer:
        memo, key = subject.world.memo, (ports, subject.address)
        if key not in memo:
            memo[key] = _answer(subject, ports)
        found: Answer = memo[key]
        return found

    def look(v: Any, u: Any, at: Path, subject: Any) -> int:
        return answer(subject).truth

    def explain(v: Any, u: Any, at: Path, s: Any, negated: bool, want: int, out: list[Evidence]) -> None:
        found = answer(s)
        if (FAIL_TRUTH - found.truth if negated else found.truth) == want:
            out += [one._replace(address="" if one.address == s.address else one.address) for one in found.evidence]

    return Node(look, explain, True)


def _answer(subject: PlanSubject, ports: tuple[int, ...]) -> Answer:
    memo, key = subject.world.memo, ("reach", subject.address)
    try:
        if key not in memo:
            memo[key] = _builder(subject.type)(subject)
        reach: Reach = memo[key]
    except TooIntricateError:
        needs = "the rules on its way overlap in too many ways to be held against each other; write fewer"
        return Answer(UNKNOWN_TRUTH, (Evidence("", "too many rules", "rules that can be followed", needs=needs),))
    return judge(reach, ports)


def _builder(kind: str) -> Callable[[PlanSubject], Reach]:
    """What finds the ways to resources of a type. Raises ``ConditionError`` where nobody knows."""
    if kind.startswith("aws_"):
        from iacgate.policy.exposure.aws import BUILDERS
    elif kind.startswith("azurerm_"):
        from iacgate.policy.exposure.azure import BUILDERS
    else:
        from iacgate.policy.exposure.google import BUILDERS
    if kind not in BUILDERS:
        raise ConditionError(f"it is not known how the internet reaches {kind}")
    return BUILDERS[kind]
