"""The main job on real plans: the bank's platform, the same one broken, and a legacy workspace."""

from collections.abc import Iterable
from typing import Any

import pytest

from .gate import FIXTURES, label, plan, run

POLICY = ("--policy-set", FIXTURES / "policies" / "net-banking.yaml", "--workspace", "net-banking/prod")
BLOCKING = ("deny", "review", "error")


def pairs(entries: Iterable[dict[str, Any]]) -> set[tuple[str, str]]:
    """(check, address) of labels."""
    return {(entry["check"], entry["address"]) for entry in entries}


def found(results: Iterable[dict[str, Any]]) -> set[tuple[str, str]]:
    """(check, address) of results."""
    return {(one["check"], one["resource"]["address"]) for one in results}


def spoken_of(results: Iterable[dict[str, Any]], labels: dict[str, Any]) -> list[dict[str, Any]]:
    """Those of the checks that labels speak of: the library says more of an old platform than anybody labelled."""
    entries = [entry for part in labels.values() if isinstance(part, list) for entry in part]
    checks = {entry["check"] for entry in entries if isinstance(entry, dict) and "check" in entry}
    return [one for one in results if one["check"] in checks]


def test_the_sound_platform_is_allowed_on_its_first_apply_without_one_unknown() -> None:
    code, report = run(plan("net-banking-create"), *POLICY)
    assert code == 0
    assert report["decision"]["outcome"] == "allow"
    assert [one for one in report["results"] if one["verdict"] == "unknown"] == []
    assert [one["check"] for one in report["results"] if one["effect"] == "excepted"] == ["aws-lb-internal"]
    assert {one["effect"] for one in report["results"]} == {"excepted", "note"}
    assert report["coverage"]["resources"] >= 60
    assert report["coverage"]["evaluated"] + report["coverage"]["not_applicable"] == report["coverage"]["resources"]


def test_the_public_load_balancer_is_denied_where_no_exception_names_it() -> None:
    code, report = run(plan("net-banking-create"))
    assert code == 1
    assert found(one for one in report["results"] if one["effect"] in BLOCKING) == pairs(
        label("net-banking")["accepted"]
    )


def test_the_broken_platform_is_denied_for_just_what_was_planted() -> None:
    labels = label("net-banking-broken")
    code, report = run(plan("net-banking-broken-create"), *POLICY, "--source-dir", FIXTURES / labels["source_dir"])
    assert code == 1
    blocking = [one for one in report["results"] if one["effect"] in BLOCKING]
    assert found(blocking) == pairs(labels["planted"])
    assert sum(not entry.get("secondary") for entry in labels["planted"]) == 20


def test_every_planted_violation_is_named_with_its_file_and_line() -> None:
    labels = label("net-banking-broken")
    _, report = run(plan("net-banking-broken-create"), "--source-dir", FIXTURES / labels["source_dir"])
    places = {
        (one["check"], one["resource"]["address"]): (one["location"]["file"], one["location"]["line"])
        for one in report["results"]
        if one["location"]
    }
    for entry in labels["planted"]:
        assert places.get((entry["check"], entry["address"])) == (entry["file"], entry["line"]), entry


def test_the_legacy_workspace_lets_the_harmless_change_through_and_lists_what_was_there() -> None:
    labels = label("legacy-harmless")
    code, report = run(plan("legacy-harmless"))
    assert code == 0
    assert (report["summary"]["introduced"], report["summary"]["worsened"]) == (0, 0)
    there = found(one for one in spoken_of(report["results"], labels) if one["change"] == "pre-existing")
    assert pairs(labels["pre_existing"]) <= there <= pairs(labels["pre_existing"]) | pairs(labels["echoes"])
    assert {one["effect"] for one in report["results"]} == {"note"}


def test_the_legacy_workspace_denies_the_harmful_change() -> None:
    labels = label("legacy-harmful")
    code, report = run(plan("legacy-harmful"))
    assert code == 1
    for change, key in (("introduced", "introduced"), ("worsened", "worsened"), ("pre-existing", "pre_existing")):
        there = found(one for one in spoken_of(report["results"], labels) if one["change"] == change)
        assert pairs(labels[key]) <= there <= pairs(labels[key]) | pairs(labels["echoes"]), change


@pytest.mark.parametrize("name", ["legacy-fix", "update", "replace", "destroy", "drift", "import", "moved"])
def test_what_a_plan_introduces_worsens_leaves_and_fixes_is_as_labelled(name: str) -> None:
    labels = label(name)
    _, report = run(plan(name))
    echoes = pairs(labels.get("echoes", ()))
    for change, key in (("introduced", "introduced"), ("worsened", "worsened")):
        there = found(one for one in spoken_of(report["results"], labels) if one["change"] == change)
        assert there == pairs(labels.get(key, ())), change
    there = found(one for one in report["results"] if one["change"] == "pre-existing")
    assert pairs(labels.get("pre_existing", ())) <= there | echoes
    assert pairs(labels.get("fixed", ())) <= found(report["fixed"]), "fixed"


def test_a_finding_keeps_its_fingerprint_while_its_resource_is_moved() -> None:
    before = {
        (one["check"], one["resource"]["address"]): one["fingerprint"]
        for one in run(plan("moved-before"))[1]["results"]
    }
    _, report = run(plan("moved"))
    moves = {
        (e["check"], e["address"]): (e["check"], e["previous_address"])
        for e in label("moved")["pre_existing"]
        if "previous_address" in e
    }
    assert moves
    for one in report["results"]:
        key = (one["check"], one["resource"]["address"])
        if key in moves:
            assert one["fingerprint"] == before[moves[key]]
            assert one["fingerprint_after_move"] not in (None, one["fingerprint"])


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("targeted", {1, 3}),
        ("errored", {4}),
        ("empty", {0}),
        ("providers-only-unknown", {0}),
        ("drift-refresh-only", {0}),
    ],
)
def test_plans_that_are_no_ordinary_plans_end_with_their_code(name: str, code: set[int]) -> None:
    assert run(plan(name))[0] in code


@pytest.mark.parametrize("name", sorted(path.stem for path in (FIXTURES / "plans").glob("*.json")))
def test_every_resource_of_every_plan_is_accounted_for(name: str) -> None:
    _, report = run(plan(name))
    coverage = report["coverage"]
    assert coverage["evaluated"] + coverage["not_applicable"] == coverage["resources"]
    assert sum(coverage["not_applicable_reasons"].values()) == coverage["not_applicable"]
