"""Every fix that a check offers, made on every example that fails: it passes, and nothing else is touched."""

import difflib
import json
import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from iacgate.cli.main import main
from iacgate.gate.fixes import FixPlan, find_fixes
from iacgate.gate.judge import PolicySource, Settings, judge, load_policy
from iacgate.model.finding import Verdict
from iacgate.policy.catalogue import lint_files, packaged_root, read_check_files

ROOT = packaged_root()
CHECKS = lint_files(ROOT, read_check_files(ROOT))[0]
FAILING = [
    (check["id"], number, text)
    for check in CHECKS
    if any("fix" in case for case in check["cases"])
    for number, text in enumerate(check["examples"]["fail"])
]
DECLINED: dict[tuple[str, int], str] = {}
"""Failing examples that a fix does not reach, and how the reason begins."""
TERRAFORM = shutil.which("terraform")


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> PolicySource:
    """All checks, the strict ones too."""
    file = tmp_path_factory.mktemp("policy") / "policy.yaml"
    file.write_text(
        "schema: iacgate/policy/v1\nname: all\nversion: 1\n"
        "policy_sets: [{name: all, rules: [{checks: {}, level: hard-mandatory}]}]\n"
    )
    return load_policy(file)


def fixes_of(directory: Path, policy: PolicySource, check: str = "") -> FixPlan:
    return find_fixes(str(directory), policy, Settings(use_cache=False), lambda one: check in ("", one.check.id))


def apply(plan: FixPlan) -> None:
    for change in plan.changes:
        change.path.write_bytes(change.after)


def failing(directory: Path, policy: PolicySource) -> set[tuple[str, str]]:
    results = judge(str(directory), policy, Settings(use_cache=False)).report.results
    return {(one.check.id, one.subject.address) for one in results if one.verdict is Verdict.FAIL}


def formatted(directory: Path) -> bool:
    if TERRAFORM is None:
        return True
    done = subprocess.run([TERRAFORM, "fmt", "-check", "-recursive", directory], capture_output=True, timeout=60)
    return done.returncode == 0


@pytest.mark.parametrize(("check", "number", "text"), FAILING, ids=[f"{check}-{n}" for check, n, _ in FAILING])
def test_a_failing_example_is_fixed_and_stays_so(
    check: str, number: int, text: str, tmp_path: Path, policy: PolicySource
) -> None:
    file = tmp_path / "main.tf"
    file.write_text(f"# before\n{text.rstrip()}\n# after\n")
    tidy = formatted(tmp_path)
    before = failing(tmp_path, policy)
    plan = fixes_of(tmp_path, policy, check)
    reason = DECLINED.get((check, number))
    if reason is not None:
        assert [one.why for one in plan.declined if one.why.startswith(reason)]
        return
    assert not plan.declined
    assert plan.fixes
    apply(plan)
    after = failing(tmp_path, policy)
    assert after < before
    assert not [one for one, _ in after if one == check]
    assert not tidy or formatted(tmp_path)
    assert fixes_of(tmp_path, policy, check).changes == []
    written = file.read_text().splitlines()
    assert (written[0], written[-1]) == ("# before", "# after")
    names = {edit.site.name for fix in plan.fixes for edit in fix.edits}
    kept = [line for line in text.splitlines() if "=" in line and not any(name in line for name in names)]
    assert [" ".join(line.split()) for line in kept if "{" not in line] == [
        " ".join(line.split()) for line in written if "=" in line and not any(name in line for name in names) and "{" not in line
    ]  # fmt: skip
