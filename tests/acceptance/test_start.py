"""What a start of the command imports, and what a fresh process does."""

import subprocess
import sys
from pathlib import Path

import pytest

from .gate import plan

HEAVY = (
    "detect_secrets",
    "requests",
    "boto3",
    "botocore",
    "google",
    "azure",
    "sqlalchemy",
    "fastapi",
    "hcl2",
    "lark",
    "rich",
    "jinja2",
    "yaml",
    "re2",
)
_SHOW = """
import sys
from iacgate.cli.main import main
sys.argv[0] = "iacgate"
try:
    main(sys.argv[1:], standalone_mode=False)
except SystemExit:
    pass
print("LOADED", *sorted(name for name in {m.partition(".")[0] for m in sys.modules}), file=sys.stderr)
"""


def loaded(*arguments: str) -> set[str]:
    """Top-level packages that a fresh process has imported after a command."""
    result = subprocess.run(
        [sys.executable, "-c", _SHOW, *arguments], capture_output=True, text=True, timeout=60, check=True
    )
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("LOADED")]
    return set(line.split()[1:])


def test_help_imports_nothing_heavy() -> None:
    assert loaded("--help") & set(HEAVY) == set()


@pytest.mark.parametrize("name", ["net-banking-create", "net-banking-broken-create", "legacy-harmful"])
def test_check_imports_nothing_heavy(name: str) -> None:
    # The first run compiles the checks of a checkout, which needs YAML; a wheel brings them compiled.
    loaded("check", str(plan(name)), "-q", "--exit-zero")
    allowed = {"re2"}  # for checks whose condition is a regular expression
    assert loaded("check", str(plan(name)), "-q", "--exit-zero") & set(HEAVY) <= allowed


def test_the_command_works_from_an_empty_directory(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-c",
        "from iacgate.cli.main import run; run()",
        "check",
        str(plan("net-banking-broken-create")),
    ]
    result = subprocess.run(command, capture_output=True, cwd=tmp_path, timeout=60, check=False)
    assert result.returncode == 1
    assert result.stdout.startswith(b"DENY: introduces 42")
    assert result.stderr == b""


@pytest.mark.parametrize(
    ("closed", "name", "code"),
    [
        ("2>&-", "legacy-harmless", 0),
        (">&-", "legacy-harmless", 0),
        (">&- 2>&-", "legacy-harmful", 1),
        (">/dev/full", "legacy-harmless", 4),
    ],
)
def test_a_closed_or_full_stream_never_reads_as_deny(closed: str, name: str, code: int) -> None:
    command = f'"{sys.executable}" -c "from iacgate.cli.main import run; run()" check "{plan(name)}" {closed}'
    assert subprocess.run(command, shell=True, capture_output=True, timeout=60, check=False).returncode == code


def test_a_report_never_overwrites_the_input_or_another_report(tmp_path: Path) -> None:
    judged = tmp_path / "plan.json"
    judged.write_bytes(plan("update").read_bytes())
    run = [sys.executable, "-c", "from iacgate.cli.main import run; run()", "check", str(judged)]
    for more in (
        ["--output", str(judged)],
        ["--report", f"json={judged}"],
        ["--report", "json=a", "--report", "sarif=a"],
    ):
        assert subprocess.run([*run, *more], capture_output=True, timeout=60, check=False, cwd=tmp_path).returncode == 2
    assert judged.read_bytes() == plan("update").read_bytes()
