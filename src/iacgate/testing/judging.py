"""Judge a plan with one check: what a test of a check needs."""

import json
from functools import lru_cache, partial
from pathlib import Path

from iacgate.model.decision import PolicyInfo
from iacgate.model.finding import Enforcement, Verdict
from iacgate.policy.catalogue import Catalogue, load_directory
from iacgate.policy.evaluate import evaluate
from iacgate.policy.policy_set import Level, Policy
from iacgate.sources.lock_file import parse_locks
from iacgate.sources.plan_json import read_plan
from iacgate.testing.examples import ExamplePlan

__all__ = ["judge_check", "policy_of"]


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
    policy = policy_of(catalogue, check, owns_account=example.owns_account)
    plan = read_plan(example.json, "the example")
    if example.lock is not None:
        plan.read_locks = partial(parse_locks, example.lock, "the example's lock file")
    evaluation = evaluate(plan, catalogue, policy, None, include_passed=True)
    verdicts = [result.verdict for result in evaluation.results]
    if example.owns_account and not verdicts:
        verdicts = [Verdict.PASS] * evaluation.passed
    return verdicts
