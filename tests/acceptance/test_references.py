"""Every labelled way of referring to a key or a subnet, as Terraform's own plan shows it."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from iacgate.policy.catalogue import load_directory, packaged_root
from iacgate.policy.evaluate import evaluate
from iacgate.sources.plan_json import read_plan
from iacgate.testing.judging import policy_of

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
LABELS = json.loads((FIXTURES / "labels/references.json").read_text(encoding="utf-8"))
ROWS = LABELS["expected"]


@cache
def verdicts() -> dict[tuple[str, str], str]:
    catalogue = load_directory(packaged_root(), with_packaged=False)
    plan = read_plan((FIXTURES / "plans" / LABELS["plan"]).read_bytes(), LABELS["plan"])
    results = evaluate(plan, catalogue, policy_of(catalogue), None, include_passed=True).results
    return {(one.check.id, one.subject.address): str(one.verdict) for one in results}


@pytest.mark.parametrize("row", ROWS, ids=[f"{row['check']}: {row['address']}" for row in ROWS])
def test_a_reference_is_judged_as_labelled(row: dict[str, Any]) -> None:
    assert verdicts()[row["check"], row["address"]] in row["acceptable"], row["case"]


def test_most_of_what_can_be_told_is_told() -> None:
    told = sum(verdicts()[row["check"], row["address"]] == row["truth"] for row in ROWS)
    assert told >= len(ROWS) * 0.7


@pytest.mark.parametrize("name", ["conditional_unknown", "conditional_resource"])
def test_a_key_or_nothing_never_passes(name: str) -> None:
    assert verdicts()["aws-sns-topic-encrypted", f"aws_sns_topic.{name}"] == "unknown"
