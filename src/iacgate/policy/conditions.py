"""Conditions in three-valued logic, compiled to closures (strong Kleene; ``docs/reference/check-format.md``).

Each condition compiles to two closures: ``judge`` gives the truth and nothing else; ``explain`` is
called only when there is something to explain, and gathers evidence. Both take a scope: the value,
its mask of unknowns, its path from the resource's root, and the subject that is judged. Here are the
logic and the quantifiers; what they are made of is in ``attributes`` and ``relations``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from iacgate.model.finding import Evidence
from iacgate.model.values import ABSENT, UNKNOWN
from iacgate.policy.attributes import (
    compile_comparison,
    compile_covers,
    compile_is_empty,
    compile_is_set,
    compile_pattern_for,
    compile_ports,
)
from iacgate.policy.lookup import elements, make_evidence
from iacgate.policy.relations import compile_exists, compile_policy_document, compile_related
from iacgate.policy.secrets_condition import compile_holds_secret
from iacgate.policy.subject import FAIL_TRUTH, PASS_TRUTH, UNKNOWN_TRUTH, Node

if TYPE_CHECKING:
    from iacgate.policy.subject import Path, Subject

__all__ = ["compile_condition"]


def compile_condition(tree: dict[str, Any]) -> Node:
    """Compile a condition in the normal form that ``condition_syntax`` makes of YAML."""
    (kind,) = [key for key in tree if key in _COMPILERS]
    return _COMPILERS[kind](tree)


def _compile_logic(tree: dict[str, Any]) -> Node:
    conjunction = "all" in tree
    nodes = [compile_condition(child) for child in tree["all" if conjunction else "any"]]
    judges = tuple(node.judge for node in nodes)

    def judge_all(value: Any, mask: Any, at: Path, subject: Subject) -> int:
        worst = PASS_TRUTH
        for judge in judges:
            truth = judge(value, mask, at, subject)
            if truth == FAIL_TRUTH:
                return FAIL_TRUTH
            if truth > worst:
                worst = truth
        return worst

    def judge_any(value: Any, mask: Any, at: Path, subject: Subject) -> int:
        best = FAIL_TRUTH
        for judge in judges:
            truth = judge(value, mask, at, subject)
            if truth == PASS_TRUTH:
                return PASS_TRUTH
            if truth < best:
                best = truth
        return best

    def explain(v: Any, u: Any, at: Path, s: Subject, negated: bool, want: int, out: list[Evidence]) -> None:
        since, parts = len(out), 0
        for node in nodes:
            truth = node.judge(v, u, at, s)
            if (FAIL_TRUTH - truth if negated else truth) == want:
                node.explain(v, u, at, s, negated, want, out)
                parts += 1
        if conjunction is negated and parts > 1:
            out[since:] = [one._replace(alternative=True) for one in out[since:]]

    return Node(judge_all if conjunction else judge_any, explain, any(node.relational for node in nodes))


def _compile_not(tree: dict[str, Any]) -> Node:
    node = compile_condition(tree["not"])
    judge = node.judge

    def explain(v: Any, u: Any, at: Path, s: Subject, negated: bool, want: int, out: list[Evidence]) -> None:
        node.explain(v, u, at, s, not negated, want, out)

    return Node(lambda v, u, at, s: FAIL_TRUTH - judge(v, u, at, s), explain, node.relational)


def _compile_quantifier(tree: dict[str, Any]) -> Node:
    every = "every" in tree
    steps = tuple(tree["every" if every else "some"])
    absent: int = tree.get("absent", PASS_TRUTH if every else FAIL_TRUTH)
    node = compile_condition(tree["satisfies"])
    inner = node.judge
    stop = FAIL_TRUTH if every else PASS_TRUTH
    pick = max if every else min
    first = PASS_TRUTH if every else FAIL_TRUTH

    def judge(value: Any, mask: Any, at: Path, subject: Subject) -> int:
        whole, found = elements(value, mask, at, steps, subject)
        if whole is ABSENT:
            return absent
        if whole is UNKNOWN:
            return UNKNOWN_TRUTH
        result = first
        for item, item_mask, item_at in found:
            result = pick(result, inner(item, item_mask, item_at, subject))
            if result == stop:
                return result
        return result

    def explain(v: Any, u: Any, at: Path, s: Subject, negated: bool, want: int, out: list[Evidence]) -> None:
        whole, found = elements(v, u, at, steps, s)
        if whole is not None:
            place = found[0][2] if found else (*at, *(step.removesuffix("[]") for step in steps))
            out.append(make_evidence(whole, place, "not set" if negated else "set", s, want))
            return
        for item, item_mask, item_at in found:
            truth = inner(item, item_mask, item_at, s)
            if (FAIL_TRUTH - truth if negated else truth) == want:
                node.explain(item, item_mask, item_at, s, negated, want, out)

    return Node(judge, explain, node.relational)


def _compile_action(tree: dict[str, Any]) -> Node:
    wanted = frozenset(tree["action"])

    def done(subject: Subject) -> set[str]:
        actions = set(subject.actions)
        return actions | {"replace"} if {"create", "delete"} <= actions else actions

    def explain(v: Any, u: Any, at: Path, s: Subject, negated: bool, want: int, out: list[Evidence]) -> None:
        words = ", ".join(sorted(wanted))
        out.append(Evidence("", ", ".join(s.actions), f"other than {words}" if negated else words))

    return Node(lambda v, u, at, s: PASS_TRUTH if done(s) & wanted else FAIL_TRUTH, explain, False)


def _compile_images(tree: dict[str, Any]) -> Node:
    # Imported here: most plans name no image.
    from iacgate.policy.images import compile_images

    return compile_images(tree, compile_condition)


def _compile_not_exposed(tree: dict[str, Any]) -> Node:
    # Imported here: few plans hold what the internet could reach.
    from iacgate.policy.exposure.condition import compile_not_exposed

    return compile_not_exposed(tree)


_COMPILERS: dict[str, Callable[[dict[str, Any]], Node]] = {
    "all": _compile_logic,
    "any": _compile_logic,
    "not": _compile_not,
    "every": _compile_quantifier,
    "some": _compile_quantifier,
    "action": _compile_action,
    "compare": compile_comparison,
    "covers": compile_covers,
    "pattern_for": compile_pattern_for,
    "is_set": compile_is_set,
    "is_empty": compile_is_empty,
    "holds_secret": compile_holds_secret,
    "ports": compile_ports,
    "related": lambda tree: compile_related(tree, compile_condition),
    "exists": lambda tree: compile_exists(tree, compile_condition),
    "images": _compile_images,
    "not_exposed": _compile_not_exposed,
    "policy_document": lambda tree: compile_policy_document(tree, compile_condition),
}
