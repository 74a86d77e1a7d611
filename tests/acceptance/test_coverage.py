"""``iacgate checks coverage``: every control of the benchmarks and every rule of the other tools is answered."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.acceptance.hostile import call

CHECKS = Path(__file__).parents[2] / "checks"
FRAMEWORKS = sorted(file.stem for file in (CHECKS / "frameworks").glob("*.yaml"))
TOOLS = sorted(file.stem for file in (CHECKS / "tools").glob("*.yaml"))


def covered(*words: str) -> dict[str, Any]:
    ran = call("checks", "coverage", "--format", "json", *words)
    assert ran.code == 0, ran.err
    document: dict[str, Any] = json.loads(ran.out)
    return document


def test_there_are_the_benchmarks_and_tools_that_are_promised() -> None:
    promised = {"aws-fsbp", "nist-800-53-r5", "pci-dss-4.0", "soc-2"}
    for cloud, versions in {"aws": "3 4 5", "azure": "2 3 4", "google": "2 3 4"}.items():
        promised |= {f"cis-{cloud}-{version}.0" for version in versions.split()}
    assert set(FRAMEWORKS) == promised
    assert TOOLS == ["checkov", "kics", "trivy"]


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_every_control_is_asked_or_left_out_with_the_reason(framework: str) -> None:
    found = covered("--framework", framework)
    assert [row["id"] for row in found["rows"] if row["status"] == "open"] == []
    assert found["stray"] == []
    assert found["summary"]["covered"] >= 10


@pytest.mark.parametrize("tool", TOOLS)
def test_every_rule_of_another_tool_has_an_alias_or_a_reason(tool: str) -> None:
    found = covered("--tool", tool)
    assert [row["id"] for row in found["rows"] if row["status"] == "open"] == []
    assert found["stray"] == []
    assert found["summary"]["covered"] >= 200


def test_no_rule_is_both_asked_and_left_out() -> None:
    reasons = yaml.safe_load((CHECKS / "not-adopted.yaml").read_text("utf-8"))
    aliases = {
        alias for check in json.loads(call("checks", "list", "--format", "json").out) for alias in check["aliases"]
    }
    assert {rule for tool in reasons.values() for rule in tool} & aliases == set()


@pytest.mark.parametrize(
    ("tool", "shape"),
    [
        ("checkov", r"CKV2?_(AWS|AZURE|GCP)_\d+"),
        ("trivy", r"(AWS|AZU|GCP)-\d{4}"),
        ("kics", r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
    ],
)
def test_aliases_that_look_like_a_rule_of_a_tool_are_one(tool: str, shape: str) -> None:
    known = {row["id"] for row in covered("--tool", tool)["rows"]}
    looks_like = re.compile(shape)
    strangers = [
        (check["id"], alias)
        for check in json.loads(call("checks", "list", "--format", "json").out)
        for alias in check["aliases"]
        if looks_like.fullmatch(alias) and alias not in known
    ]
    assert strangers == []


def test_people_read_the_same_and_can_ask_for_what_is_open() -> None:
    ran = call("checks", "coverage", "--framework", "cis-aws-3.0")
    assert re.search(r"^1\.4 +left-out  ", ran.out, re.MULTILINE)
    assert "62, " in ran.out.splitlines()[-1]
    assert call("checks", "coverage", "--framework", "cis-aws-3.0", "--only", "open").out.count("\n") == 1
    assert len(call("checks", "coverage").out.splitlines()) == len(FRAMEWORKS) + len(TOOLS)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--framework", "cis-aws"), "there are"),
        (("--tool", "chekov"), "did you mean `checkov`"),
        (("--framework", "soc-2", "--tool", "kics"), "not both"),
    ],
)
def test_wrong_names_are_refused_with_the_right_ones(words: tuple[str, ...], said: str) -> None:
    ran = call("checks", "coverage", *words)
    assert ran.code == 2
    assert said in ran.err


def test_the_library_is_counted_by_cloud_family_and_tier() -> None:
    lines = call("checks", "list", "--count").out.splitlines()
    total = int(lines[-1].split()[0])
    assert total >= 400
    assert sum(int(line.split()[-1]) for line in lines[:-1]) == total
    for cloud in ("aws", "azure", "google"):
        for family in ("network-privacy", "encryption", "scanning"):
            assert any(line.split()[:2] == [cloud, family] for line in lines)
