"""The real Checkov beside our checks, where `iacgate scanner install checkov` was run before."""

import json
from pathlib import Path
from typing import Any

import pytest

from iacgate.model.scan import Scan
from iacgate.scanners import checkov
from iacgate.scanners.checkov import CheckovSettings, scanning
from iacgate.scanners.environment import State, inspect
from iacgate.scanners.jail import isolation
from iacgate.sources.plan_json import read_plan

from tests.acceptance.hostile import FIXTURES, Ran, instance, plan, process, written

_FOUND = inspect("checkov")
pytestmark = pytest.mark.skipif(
    _FOUND.state is not State.READY,
    reason=f"checkov: {_FOUND.problem}; `iacgate scanner install checkov` (and IACGATE_SCANNERS) make these run",
)
BROKEN = FIXTURES / "plans" / "net-banking-broken-create.json"
SECRET = "CANARY-hunter2-hunter2"
HOSTILE = """\
external-checks-dir:
  - checks
  - {directory}
skip-check:
  - "CKV*"
compact: false
soft-fail: true
framework: kubernetes
output: cli
"""
CODE = """
import pathlib
pathlib.Path({mark!r}).touch()
"""


@pytest.fixture(autouse=True)
def _apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("IACGATE_SCANNERS", str(_FOUND.directory.parent))


@pytest.fixture(scope="module")
def scanned() -> Scan:
    """The net-banking plan, scanned once."""
    return scan(BROKEN.read_bytes())


def scan(data: bytes, *, timeout: float = 300) -> Scan:
    with scanning(read_plan(data, "plan.json"), "0" * 64, CheckovSettings(timeout, cache=False)) as collect:
        return collect()


def check(path: Path, *words: str, cwd: Path | None = None) -> Ran:
    ran = process("check", path, "--scanner", "checkov", "--format", "json", *words, cwd=cwd, seconds=300)
    assert "internal error" not in ran.err
    return ran


def decision(ran: Ran) -> Any:
    """What was decided, without what differs from run to run."""
    report = ran.report
    return report["decision"], report["summary"], [one["fingerprint"] for one in report["results"]]


def test_it_finds_in_the_masked_copy_what_it_finds_in_the_plan(scanned: Scan) -> None:
    assert scanned.problem == ""
    found = {(one.rule, one.address) for one in scanned.findings}
    assert len(found) == len(scanned.findings) == 100  # as many as Checkov 3.3 lists for the file itself


def test_it_sees_what_our_own_checks_see(scanned: Scan) -> None:
    """A rule that one of our checks has as an alias, at the address where ours fails."""
    alone = process("check", BROKEN, "--format", "json").report["results"]
    ours = {(alias, one["resource"]["address"]) for one in alone for alias in one["aliases"]}
    both = ours & {(one.rule, one.address) for one in scanned.findings}
    assert len(both) > 5


def test_what_both_find_is_one_finding_and_nothing_is_listed_twice() -> None:
    alone = process("check", BROKEN, "--format", "json").report["results"]
    results = check(BROKEN).report["results"]
    pairs = [(one["check"], one["resource"]["address"]) for one in results]
    assert len(set(pairs)) == len(pairs) == len({one["fingerprint"] for one in results})
    assert {one["fingerprint"] for one in alone} <= {one["fingerprint"] for one in results}
    theirs = [
        (origin["rule"], one["resource"]["address"])
        for one in results
        for origin in one.get("origins", ())
        if origin["tool"] == "checkov"
    ]
    assert len(set(theirs)) == len(theirs) == 100
    assert len(results) < len(alone) + 100 - 10


def test_a_clean_plan_is_evidence_too(tmp_path: Path) -> None:
    """A scan without findings counts because the rules are counted and the sentinel was found."""
    ran = check(written(tmp_path, plan()))
    (receipt,) = ran.report["scans"]
    assert (ran.code, receipt["findings"], receipt["problem"]) == (0, 0, "")
    assert receipt["rules"] > 1000


def test_it_runs_in_the_command_and_is_cached() -> None:
    first, second = check(BROKEN), check(BROKEN)
    assert (first.code, second.code) == (1, 1)
    assert decision(first) == decision(second)
    assert any("from the cache" in note for note in second.report["notes"])


@pytest.mark.parametrize("place", ["work", "home", "plan"])
def test_a_hostile_configuration_is_not_obeyed_and_nothing_of_it_is_executed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    directory = tmp_path / place
    (directory / "checks").mkdir(parents=True)
    mark = tmp_path / "executed"
    for name in ("__init__.py", "evil.py"):
        (directory / "checks" / name).write_text(CODE.format(mark=str(mark)))
    for name in (".checkov.yaml", ".checkov.yml"):
        (directory / name).write_text(HOSTILE.format(directory=directory / "checks"))
    for name in ("sitecustomize.py", "checkov.py", "json.py"):
        (directory / name).write_text(CODE.format(mark=str(mark)))
    if place == "home":
        monkeypatch.setenv("HOME", str(directory))
    monkeypatch.setenv("CKV_SKIP_CHECK", "CKV*")
    monkeypatch.setenv("CKV_FRAMEWORK", "kubernetes")
    file = written(directory, BROKEN.read_bytes()) if place == "plan" else BROKEN
    quiet = written(tmp_path, BROKEN.read_bytes(), "quiet.json")
    ran = check(file, cwd=directory if place == "work" else tmp_path)
    assert decision(ran) == decision(check(quiet, cwd=tmp_path))
    (receipt,) = ran.report["scans"]
    assert (receipt["findings"], receipt["problem"]) == (100, "")
    assert not mark.exists()


def test_no_secret_of_the_plan_reaches_it_or_comes_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[bytes] = []
    jailed = checkov.jailed

    def watched(command: Any, files: dict[str, bytes], *rest: Any) -> Any:
        given.extend(files.values())
        return jailed(command, files, *rest)

    monkeypatch.setattr(checkov, "jailed", watched)
    marked = instance(
        change={"after": {"user_data": SECRET, "tags": {"a": SECRET}}, "after_sensitive": {"user_data": True}}
    )
    document = plan(marked)
    result = scan(json.dumps(document).encode())
    assert result.problem == ""
    assert len(given) == 1
    assert SECRET.encode() not in given[0]
    ran = check(written(tmp_path, document))
    assert SECRET not in ran.out + ran.err


@pytest.mark.parametrize("name", ["empty", "destroy", "providers-only-unknown", "sensitive", "addresses"])
def test_plans_of_all_shapes_are_looked_at_whole(name: str) -> None:
    assert scan((FIXTURES / "plans" / f"{name}.json").read_bytes()).problem == ""


def test_it_is_stopped_when_its_time_is_over() -> None:
    assert "it was stopped" in scan(BROKEN.read_bytes(), timeout=0.2).problem


def test_a_damaged_installation_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that its record calls whole, and that lacks a module."""
    monkeypatch.setattr(checkov, "_ARGUMENTS", ("-m", "checkov.no_such_module", *checkov._ARGUMENTS[2:]))
    assert scan(BROKEN.read_bytes()).problem


def test_it_says_how_it_was_kept_to_itself(scanned: Scan) -> None:
    assert any(isolation()[0] in note for note in scanned.notes)
