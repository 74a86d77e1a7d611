"""``iacgate policy replay``: which outcomes would flip, by which checks, on whose resources."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.hostile import call, instance, open_group, plan, written

NOW = """schema: iacgate/policy/v1
name: {name}
version: "1"
policy_sets:
  - name: all
    rules:
      - {{checks: {{id: aws-ec2-instance-private-ip}}, level: {level}{more}}}
      - {{checks: {{id: aws-vpc-security-group-no-world-ingress-to-admin-ports}}, level: {group}}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Plans: an instance with a public address that payments owns, an open group, and nothing at all."""
    public = instance()
    public["change"]["after"]["tags"] = {"Owner": "payments"}
    plans = tmp_path / "plans"
    for name, changes in {"shop/prod": [public], "shop/test": [open_group()], "empty": []}.items():
        (plans / name).mkdir(parents=True)
        written(plans / name, plan(*changes))
    return tmp_path


def bundle(folder: Path, name: str, level: str, group: str = "advisory", more: str = "") -> Path:
    file = folder / f"{name}.yaml"
    file.write_text(NOW.format(name=name, level=level, group=group, more=more))
    return file


def replay(folder: Path, *words: str | Path) -> dict[str, Any]:
    ran = call("policy", "replay", "--plans", folder / "plans", "--format", "json", *words)
    assert ran.code == 0, ran.err
    document: dict[str, Any] = json.loads(ran.out)
    return document


def test_it_says_which_outcomes_flip_by_which_check_and_whose(folder: Path) -> None:
    now, then = bundle(folder, "now", "advisory", "hard-mandatory"), bundle(folder, "then", "hard-mandatory")
    found = replay(folder, "--policy-set", now, "--proposed", then, "--workspaces-from-path")
    assert found["plans"] == 3
    assert {(one["before"], one["after"]): one["plans"] for one in found["outcomes"]} == {
        ("allow", "allow"): 1,
        ("allow", "deny"): 1,
        ("deny", "allow"): 1,
    }
    changed = {one["path"]: one for one in found["changed"]}
    assert set(changed) == {"shop/prod/plan.json", "shop/test/plan.json"}
    (flip,) = changed["shop/prod/plan.json"]["flips"]
    assert (flip["check"], flip["address"], flip["owner"], flip["before"], flip["after"]) == (
        "aws-ec2-instance-private-ip", "aws_instance.bad", "payments", "note", "deny")  # fmt: skip
    assert found["owners"] == [
        {"owner": "payments", "newly": 1, "freed": 0},
        {"owner": "shop/test", "newly": 0, "freed": 1},
    ]


def test_shadow_mode_counts_what_would_block_and_a_date_shows_it(folder: Path) -> None:
    now = bundle(folder, "now", "hard-mandatory", more=", enforce_from: 2099-01-01")
    there = replay(folder, "--policy-set", now, "--proposed", now)
    assert there["changed"] == []
    assert there["shadow"] == {"findings": 1, "plans": 1}
    then = replay(folder, "--policy-set", now, "--as-of", "2099-01-01")
    (flip,) = then["changed"][0]["flips"]
    assert (flip["before"], flip["after"]) == ("would-block", "deny")
    assert then["shadow"] == {"findings": 0, "plans": 0}


def test_one_check_may_stand_in_for_the_one_that_has_its_id(folder: Path) -> None:
    root = Path(__file__).parents[2] / "checks/aws/ec2/aws-ec2-instance-private-ip.yaml"
    other = folder / root.name
    lines = root.read_text("utf-8").splitlines()
    start, end = lines.index("condition:"), lines.index("fix:")
    other.write_text("\n".join([*lines[:start], "condition: {attribute: ami, is_set: false}", *lines[end:]]))
    now = bundle(folder, "now", "hard-mandatory")
    found = replay(folder, "--policy-set", now, "--proposed", other)
    assert [(one["before"], one["after"]) for one in found["changed"]] == [("deny", "allow")]


def test_the_same_comes_of_several_processes(folder: Path) -> None:
    for number in range(40):
        written(folder / "plans" / "shop" / "prod", plan(instance()), f"{number}.json")
    words = ("--proposed", bundle(folder, "then", "advisory"))
    assert replay(folder, *words, "--jobs", "2") == replay(folder, *words, "--jobs", "1")


def test_a_plan_that_cannot_be_judged_is_named_and_counts_as_no_flip(folder: Path) -> None:
    (folder / "plans" / "odd.json").write_text('{"format_version": "1.2"')
    found = replay(folder, "--proposed", bundle(folder, "then", "advisory"))
    assert [one["path"] for one in found["unreadable"]] == ["odd.json"]
    assert sum(one["plans"] for one in found["outcomes"]) == 3


@pytest.mark.parametrize("format_name", ["terminal", "markdown"])
def test_people_read_the_same(folder: Path, format_name: str) -> None:
    now, then = bundle(folder, "now", "advisory"), bundle(folder, "then", "hard-mandatory")
    ran = call("policy", "replay", "--plans", folder / "plans", "--policy-set", now, "--proposed", then,
               "--format", format_name, "--exit-code")  # fmt: skip
    assert ran.code == 1
    for word in ("allow -> deny: 1 plan", "aws-ec2-instance-private-ip", "payments"):
        assert word in ran.out


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ((), 2, "nothing is proposed"),
        (("--as-of", "2099-01-01", "--workspace", "a", "--workspaces-from-path"), 2, "the same thing differently"),
        (("--as-of", "tomorrow"), 2, "tomorrow"),
    ],
)
def test_wrong_use_is_refused(folder: Path, words: tuple[str, ...], code: int, said: str) -> None:
    ran = call("policy", "replay", "--plans", folder / "plans", *words)
    assert (ran.code, said in ran.err) == (code, True), ran.err


def test_no_plan_is_no_good_news(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("[]")
    assert call("policy", "replay", "--plans", tmp_path, "--as-of", "2099-01-01").code == 4
    (tmp_path / "a.json").unlink()
    assert call("policy", "replay", "--plans", tmp_path, "--as-of", "2099-01-01").code == 4
