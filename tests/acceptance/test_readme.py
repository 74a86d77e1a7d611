"""What the README and the guides show, run as a reader would run it."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from iacgate.policy.provider_schema import load
from iacgate.testing.examples import example_plan
from iacgate.testing.judging import judge_check

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text("utf-8")
FENCE = re.compile(r"^```(\w+) ?([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LAUNCHER = f"""\
#!/bin/sh
PYTHONPATH='{ROOT / "src"}' exec '{sys.executable}' -c 'from iacgate.cli.main import run; run()' "$@"
"""


class Call(NamedTuple):
    """A command of a console block, and the output that is shown below it."""

    command: str
    output: str


def calls() -> list[Call]:
    out = []
    for language, _, text in FENCE.findall(README):
        if language == "console":
            for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
                command, _, output = part.partition("\n")
                out.append(Call(command, output))
    return out


def files(page: str) -> dict[str, str]:
    """Blocks that say which file they are."""
    return {title: text for _, title, text in FENCE.findall(page) if title}


CALLS = calls()


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the README's files, the repository's fixtures and a command ``iacgate``."""
    home = tmp_path_factory.mktemp("reader")
    (home / "fixtures").symlink_to(ROOT / "fixtures")
    for name, text in files(README).items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text, "utf-8")
    (home / "bin").mkdir()
    (home / "bin" / "iacgate").write_text(LAUNCHER)
    (home / "bin" / "iacgate").chmod(0o755)
    return home


def run(command: str, home: Path) -> subprocess.CompletedProcess[str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("IACGATE_", "FORCE_COLOR"))}
    environment = kept | {"PATH": f"{home / 'bin'}:{kept.get('PATH', '')}", "XDG_CACHE_HOME": str(home / "cache")}
    return subprocess.run(
        ["bash", "-c", command],
        cwd=home,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )


def shown_in(shown: str, real: str) -> str:
    """The first shown piece that the real output does not have in its place, or nothing. ``…`` stands for anything."""
    at = 0
    pieces = [piece for piece in re.split(r"^…\n|…", shown, flags=re.MULTILINE) if piece.strip()]
    for number, piece in enumerate(pieces):
        wanted = piece.strip("\n") if number else piece.rstrip("\n")
        found = real.find(wanted, at)
        if found < 0 or (number == 0 and found != 0):
            return wanted
        at = found + len(wanted)
    return ""


def test_the_readme_shows_commands_and_files() -> None:
    assert len(CALLS) >= 7
    assert sum(call.command.startswith("iacgate check ") for call in CALLS) >= 3
    assert len(files(README)) >= 2


@pytest.mark.parametrize("position", range(len(CALLS)), ids=[call.command for call in CALLS])
def test_a_command_prints_what_the_readme_shows(position: int, reader: Path) -> None:
    call = CALLS[position]
    command = call.command
    if command == "echo $?":
        command = f"{CALLS[position - 1].command} >/dev/null; echo $?"
    ended = run(command, reader)
    assert ended.returncode in (0, 1, 3), ended.stdout
    missing = shown_in(call.output, ended.stdout)
    assert not missing, ended.stdout


def test_the_code_that_the_readme_shows_is_that_of_a_denied_plan() -> None:
    shown = [call.output for call in CALLS if call.command == "echo $?"]
    assert shown == ["1\n"]


def test_without_the_listener_that_the_exception_requires_the_exception_does_not_hold(reader: Path) -> None:
    policy = yaml.safe_load((reader / "policy" / "acme.yaml").read_text("utf-8"))
    policy["exceptions"][0]["requires"][2]["address"] = "module.edge.aws_lb_listener.gone"
    (reader / "policy" / "strict.yaml").write_text(yaml.safe_dump(policy), "utf-8")
    ended = run("iacgate check fixtures/plans/net-banking-create.json --policy-set policy/strict.yaml", reader)
    assert ended.returncode == 1
    assert "`public-website` does not apply" in " ".join(ended.stdout.split())


def test_the_exit_codes_that_can_be_had_offline(reader: Path) -> None:
    table = {int(code) for code in re.findall(r"^\| (\d+) \|", README, re.MULTILINE)}
    had = {
        run(f"iacgate check {arguments}", reader).returncode
        for arguments in (
            "fixtures/plans/empty.json",
            "fixtures/plans/net-banking-create.json",
            "--no-such-option",
            "fixtures/plans/drift.json",
            "no-such-file.json",
            "no-such-file.json --exit-zero",
        )
    }
    assert had == {0, 1, 2, 3, 4}
    assert had <= table


def test_make_has_the_targets_that_the_readme_names() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    named = re.findall(r"^make ([a-z-]+)", README, re.MULTILINE)
    assert {"demo", "test"} <= set(named)
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in named)


def test_the_examples_of_own_checks_give_the_verdict_they_stand_under(tmp_path: Path) -> None:
    guide = (ROOT / "docs" / "guide" / "writing-checks.md").read_text("utf-8")
    checks = {Path(name).name: text for page in (README, guide) for name, text in files(page).items()}
    checks = {name: text for name, text in checks.items() if text.startswith("id: ")}
    assert len(checks) >= 3
    for name, text in checks.items():
        (tmp_path / name).write_text(text, "utf-8")
    for name, text in checks.items():
        check = name.removesuffix(".yaml")
        for label, examples in yaml.safe_load(text)["examples"].items():
            for example in examples:
                verdicts = judge_check(check, example_plan(example, load()), tmp_path)
                assert {str(verdict) for verdict in verdicts} == {label}, (check, label, example)


@pytest.mark.parametrize("check", ["aws-s3-bucket-policy-not-public", "aws-s3-bucket-policy-requires-tls"])
def test_the_policy_that_troubleshooting_advises_is_known_and_passes(check: str) -> None:
    page = (ROOT / "docs" / "guide" / "troubleshooting.md").read_text("utf-8")
    (advised,) = [text for _, _, text in FENCE.findall(page) if "aws_iam_policy_document" in text]
    example = example_plan('resource "aws_s3_bucket" "a" { bucket = "a" }\n' + advised, load())
    assert {str(verdict) for verdict in judge_check(check, example, ROOT / "checks")} == {"pass"}
