"""HCL and the plan that the real Terraform made of it get the same verdicts, wherever both know.

The plans are recorded: those of ``fixtures/configs``, and one for each example of the check library
(``fixtures/example-plans.jsonl.gz``, written by ``scripts/verify_examples.py --record``).
"""

import gzip
import json
from collections import Counter
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from iacgate.gate.judge import Settings, judge, load_policy
from iacgate.model.finding import Verdict
from iacgate.policy.catalogue import load_packaged
from iacgate.policy.provider_schema import load
from iacgate.sources.plan_json import read_plan
from iacgate.testing.examples import example_plan
from iacgate.testing.hcl_example import example_from_hcl
from iacgate.testing.judging import evaluate_example

from tests.acceptance.gate import FIXTURES

PLANS = FIXTURES / "example-plans.jsonl.gz"
KNOWN = {Verdict.PASS, Verdict.FAIL}
EVERYTHING = """\
schema: iacgate/policy/v1
name: everything
version: "1"
policy_sets:
  - name: everything
    rules: [{checks: {tier: [baseline, strict]}, level: hard-mandatory}]
"""
# First applies; a plan of an applied workspace shows the state, too.
CONFIGURATIONS = {
    "net-banking": "net-banking-create",
    "net-banking-broken": "net-banking-broken-create",
    "references": "references",
    "dynamic-blocks": "dynamic-blocks",
    "addresses": "addresses",
    "policies": "policies",
    "sensitive": "sensitive",
}
Verdicts = dict[tuple[str, str], Verdict]


def compare(planned: Verdicts, written: Verdicts) -> tuple[Counter[str], list[Any]]:
    """How many pairs there are by what is known of them, and those that disagree."""
    counts: Counter[str] = Counter()
    for pair in planned.keys() | written.keys():
        one, other = planned.get(pair), written.get(pair)
        both = one in KNOWN and other in KNOWN
        counts[
            "both know" if both else "plan knows" if one in KNOWN else "HCL knows" if other in KNOWN else "none"
        ] += 1
    disagree = [
        (pair, str(planned[pair]), str(written[pair]))
        for pair in planned.keys() & written.keys()
        if {planned[pair], written[pair]} == KNOWN
    ]
    return counts, disagree


@pytest.mark.parametrize(("configuration", "plan"), CONFIGURATIONS.items(), ids=CONFIGURATIONS)
def test_a_configuration_and_its_plan(configuration: str, plan: str, tmp_path: Path) -> None:
    policy = tmp_path / "everything.yaml"
    policy.write_text(EVERYTHING, "utf-8")
    source, settings = load_policy(policy), Settings(include_passed=True, use_cache=False)
    paths = FIXTURES / "plans" / f"{plan}.json", FIXTURES / "configs" / configuration
    planned, written = (
        {
            (one.check.id, one.subject.address): one.verdict
            for one in judge(str(path), source, settings).report.results
            if one.subject.kind == "resource"
        }
        for path in paths
    )
    counts, disagree = compare(planned, written)
    print(dict(counts))
    assert not disagree
    assert counts["both know"] > 0.6 * len(planned)
    assert planned.keys() == written.keys()


@lru_cache(maxsize=1)
def recorded() -> list[dict[str, Any]]:
    return [json.loads(line) for line in gzip.decompress(PLANS.read_bytes()).splitlines()]


def test_every_example_and_its_plan() -> None:
    catalogue, schema = load_packaged(), load()
    total: Counter[str] = Counter()
    wrong = []
    for one in recorded():
        if one["check"] not in catalogue.by_id:
            continue
        example = example_plan(one["text"], schema)
        module = next(iter(one["plan"]["configuration"]["root_module"].get("module_calls", {})), "")
        found = [
            evaluate_example(one["check"], plan, catalogue, example).results
            for plan in (
                read_plan(json.dumps(one["plan"]).encode(), "the plan"),
                example_from_hcl(one["text"], schema),
            )
        ]
        planned, written = (
            {
                (one["check"], result.subject.address.removeprefix(f"module.{module}.")): result.verdict
                for result in results
            }
            for results in found
        )
        counts, disagree = compare(planned, written)
        total += counts
        wrong += disagree
    print(dict(total))
    assert not wrong
    assert total["both know"] > 300


def test_every_example_of_an_aws_check_has_its_plan() -> None:
    """A new example is recorded with scripts/verify_examples.py --record."""
    import yaml

    texts = {(one["check"], one["text"]) for one in recorded()}
    missing = []
    for file in sorted((FIXTURES.parent / "checks" / "aws").rglob("*.yaml")):
        check = yaml.safe_load(file.read_text("utf-8"))
        for examples in check.get("examples", {}).values():
            missing += [
                check["id"]
                for text in examples
                # What the provider refuses, what an empty account has nothing of to destroy, other provider versions.
                if (check["id"], text) not in texts
                and not any(word in text for word in ("# refused:", "# actions:", "required_providers"))
            ]
    assert Counter(missing) == Counter()
