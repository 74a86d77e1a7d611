"""The hooks for pre-commit: what they are given, what they run, and that pre-commit takes them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from iacgate.cli.check import check
from iacgate.cli.init import render
from iacgate.cli.pre_commit import pre_commit

from .hostile import call
from .test_policy_test import CHECK, written

ROOT = Path(__file__).resolve().parents[2]
MANIFEST = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
PROGRAM = shutil.which("pre-commit") or shutil.which("pre-commit", path=str(Path(sys.executable).parent))
with_program = pytest.mark.skipif(PROGRAM is None, reason="pre-commit is not installed")


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "repository"
    written(root / "policy" / "checks")
    files = {"infra/main.tf": 'module "m" { source = "./m" }', "infra/m/main.tf": "", "infra/a.tfvars": "", "x.txt": ""}
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    monkeypatch.chdir(root)
    return root


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    seen: dict[str, Any] = {}

    def callback(paths: tuple[str, ...], **options: Any) -> int:
        seen.update(options, paths=paths)
        return 3

    monkeypatch.setattr(check, "callback", callback)
    return seen


def test_the_root_modules_of_the_files_are_judged_with_the_options_of_check(
    repository: Path, judged: dict[str, Any]
) -> None:
    ran = call("pre-commit", "--exit-zero", "--policy-set", "p.yaml", "infra/m/main.tf", "infra/a.tfvars")
    assert ran.code == 3
    assert judged["paths"] == ("infra",)
    assert (judged["exit_zero"], judged["policy_file"]) == (True, Path("p.yaml"))


def test_the_options_are_those_of_check() -> None:
    options = [one.opts for one in pre_commit.params if isinstance(one, click.Option)]
    assert options == [one.opts for one in check.params if isinstance(one, click.Option)]


@pytest.mark.parametrize("words", [[], ["no-such.tf"], ["infra"]])
def test_nothing_to_judge_is_no_success(words: list[str], repository: Path, judged: dict[str, Any]) -> None:
    assert (call("pre-commit", *words).code, judged) == (2, {})


def test_files_without_configuration_around_are_no_success(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, judged: dict[str, Any]
) -> None:
    (tmp_path / "a.tfvars").write_text("")
    monkeypatch.chdir(tmp_path)
    assert (call("pre-commit", "a.tfvars").code, judged) == (2, {})


def test_init_writes_the_hooks_of_the_manifest() -> None:
    (text,) = render("pre-commit", directory="live/prod eu").values()
    hooks = {hook["id"]: hook for hook in yaml.safe_load(text)["repos"][0]["hooks"]}
    assert list(hooks) == [hook["id"] for hook in MANIFEST]
    for hook in MANIFEST:
        mine = hooks[hook["id"]]
        assert mine["entry"].split() == [*hook["entry"].split(), *hook.get("args", [])]
        for key in ("language", "require_serial", "pass_filenames"):
            assert mine.get(key) == hook.get(key)
    assert hooks["iacgate-check"]["files"] == "^live/prod\\ eu/.*" + MANIFEST[0]["files"]
    (whole,) = render("pre-commit").values()
    assert yaml.safe_load(whole)["repos"][0]["hooks"][0]["files"] == MANIFEST[0]["files"]


@with_program
def test_pre_commit_takes_the_manifest_and_what_init_writes(tmp_path: Path) -> None:
    assert PROGRAM is not None
    config = tmp_path / ".pre-commit-config.yaml"
    (text,) = render("pre-commit", directory='it\'s "quoted" [x]').values()
    config.write_text(text, "utf-8")
    subprocess.run([PROGRAM, "validate-manifest", str(ROOT / ".pre-commit-hooks.yaml")], check=True)
    subprocess.run([PROGRAM, "validate-config", str(config)], check=True)


@with_program
def test_pre_commit_runs_the_hooks_on_the_files_that_they_are_for(repository: Path) -> None:
    """With ``language: system``, so that nothing is installed; ``entry`` says what it is given instead of judging."""
    assert PROGRAM is not None
    hooks = [{**hook, "language": "system"} for hook in MANIFEST]
    hooks[0]["entry"] = "printf 'given %s\\n'"
    program = f"{sys.executable} -P -c 'from iacgate.cli.main import run; run()'"
    hooks[1]["entry"] = hooks[1]["entry"].replace("iacgate", program, 1)
    config = {"repos": [{"repo": "local", "hooks": [{**hook, "verbose": True} for hook in hooks]}]}
    (repository / ".pre-commit-config.yaml").write_text(yaml.safe_dump(config))
    environment = {
        **os.environ,
        "PRE_COMMIT_HOME": str(repository.parent / "home"),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
        "PYTHONPATH": str(ROOT / "src"),
    }
    for words in (["git", "init", "-q", "."], ["git", "add", "-A"]):
        subprocess.run(words, check=True, env=environment)

    def run() -> subprocess.CompletedProcess[str]:
        words = [str(PROGRAM), "run", "--all-files"]
        return subprocess.run(words, env=environment, capture_output=True, text=True, timeout=120)

    good = run()
    assert good.returncode == 0, good.stdout + good.stderr
    assert sorted(line[6:] for line in good.stdout.splitlines() if line.startswith("given ")) == [
        "infra/a.tfvars", "infra/m/main.tf", "infra/main.tf"
    ]  # fmt: skip
    assert "1 check, 3 examples: 3 as expected, 0 not" in good.stdout

    (repository / "policy" / "checks" / "own-queue.yaml").write_text(CHECK.replace("is_set: true", "is_set: false"))
    bad = run()
    assert bad.returncode == 1
    assert "expected fail, got pass" in bad.stdout
