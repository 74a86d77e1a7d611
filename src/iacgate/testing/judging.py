"""Judge a plan with one check: what a test of a check needs."""

import json
from collections.abc import Iterable
from functools import lru_cache, partial
from pathlib import Path

from iacgate.model.decision import PolicyInfo
from iacgate.model.finding import Enforcement, Verdict
from iacgate.model.plan import Plan
from iacgate.policy.catalogue import Catalogue, load_directory
from iacgate.policy.evaluate import Evaluation, evaluate
from iacgate.policy.policy_set import Level, Policy
from iacgate.sources.lock_file import parse_locks
from iacgate.sources.plan_json import read_plan
from iacgate.testing.examples import ExamplePlan

__all__ = [
    "LABELS",
    "evaluate_example",
    "example_input",
    "fits",
    "judge_check",
    "policy_of",
    "verdicts_of",
    "with_lock",
]

LABELS = {
    "pass": frozenset({Verdict.PASS}),
    "fail": frozenset({Verdict.FAIL, Verdict.PASS, Verdict.UNKNOWN}),
    "unknown": frozenset({Verdict.UNKNOWN, Verdict.PASS}),
}
"""What an example stands under, and the verdicts that its resources may have. One must have that of the label."""


@lru_cache(maxsize=32)
def _catalogue(root: Path, given: str) -> Catalogue:
    return load_directory(root, with_packaged=False, given=json.loads(given))


def policy_of(catalogue: Catalogue, *checks: str, owns_account: bool = False) -> Policy:
    """A policy that enforces just these checks (all, when none is named) at hard-mandatory."""
    level = Level(Enforcement.HARD_MANDATORY, "", "test")
    levels = tuple(
        level if (not checks or head.id in checks) and not catalogue.is_idle(number) else None
        for number, head in enumerate(catalogue.heads)
    )
    unknown = {"hard-mandatory": "review", "soft-mandatory": "obligation", "advisory": "note"}
    incomplete = {"errored": "error", "targeted": "review", "deferred": "review", "not_applyable": "error"}
    info = PolicyInfo("test", "1", catalogue.digest, trusted=False)
    return Policy(info, levels, owns_account, False, "allow", unknown, incomplete, (), "2026-01-01")


def judge_check(check: str, example: ExamplePlan, root: Path) -> list[Verdict]:
    """The verdicts of one check of a directory on every subject of a plan; not-applicable ones are left out."""
    catalogue = _catalogue(root, json.dumps(example.parameters))
    return verdicts_of(evaluate_example(check, example_input(example), catalogue, example))


def example_input(example: ExamplePlan) -> Plan:
    """An example's plan, with the lock file that it brings."""
    return with_lock(read_plan(example.json, "the example"), example)


def with_lock(plan: Plan, example: ExamplePlan) -> Plan:
    """The plan with the lock file that the example brings."""
    if example.lock is not None:
        plan.read_locks = partial(parse_locks, example.lock, "the example's lock file")
    return plan


def evaluate_example(check: str, plan: Plan, catalogue: Catalogue, example: ExamplePlan) -> Evaluation:
    """What one check of a catalogue says of an example's plan."""
    policy = policy_of(catalogue, check, owns_account=example.owns_account)
    return evaluate(plan, catalogue, policy, None, include_passed=True, image_scans=example.image_scans)


def verdicts_of(evaluation: Evaluation) -> list[Verdict]:
    """One verdict a subject; an account that passes is counted and has no result of its own."""
    return [result.verdict for result in evaluation.results] or [Verdict.PASS] * evaluation.passed


def fits(label: str, verdicts: Iterable[str]) -> bool:
    """Whether an example with these verdicts may stand under ``pass``, ``fail`` or ``unknown``."""
    seen = {str(verdict) for verdict in verdicts}
    return label in seen and seen <= LABELS[label]
