"""``iacgate init``: the pipeline steps it writes are valid, safe and never clobber anything."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from iacgate import __version__
from iacgate.cli.init import SYSTEMS, init_command, render, write
from iacgate.errors import UsageError
from iacgate.reports.formats import FORMATS

PIPELINES = [system for system in SYSTEMS if system != "pre-commit"]
DIRECTORIES = (".", "infra", "live/prod eu", 'it\'s "quoted"', "a#b: c", "ünïcode", "back\\slash", "{{ x }}", "[[ x ]]")


def document(system: str, directory: str = ".") -> dict[Any, Any]:
    (text,) = render(system, directory=directory).values()
    parsed = yaml.safe_load(text)
    assert isinstance(parsed, dict)
    return parsed


def shell_scripts(system: str, parsed: dict[Any, Any]) -> list[str]:
    if system == "github":
        return [step["run"] for step in parsed["jobs"]["iacgate"]["steps"] if "run" in step]
    job = parsed["iacgate"]
    return [line for key in ("before_script", "script", "after_script") for line in job[key]]


def gate_call(system: str) -> str:
    (call,) = (script for script in shell_scripts(system, document(system)) if "iacgate check" in script)
    return call


@pytest.mark.parametrize("system", PIPELINES)
@pytest.mark.parametrize("directory", DIRECTORIES)
def test_the_file_is_yaml_and_carries_the_directory_unchanged(system: str, directory: str) -> None:
    parsed = document(system, directory)
    variables = parsed["env"] if system == "github" else parsed["iacgate"]["variables"]
    assert variables["TF_ROOT"] == directory


@pytest.mark.parametrize("system", PIPELINES)
@pytest.mark.parametrize("directory", DIRECTORIES)
def test_every_shell_line_is_bash(system: str, directory: str) -> None:
    scripts = shell_scripts(system, document(system, directory))
    assert scripts
    for script in scripts:
        checked = subprocess.run(["bash", "-n"], input=script, text=True, capture_output=True)
        assert checked.returncode == 0, f"{checked.stderr}\n{script}"


@pytest.mark.parametrize("system", PIPELINES)
def test_no_shell_line_holds_an_expression_of_the_ci_system(system: str) -> None:
    # ${{ … }} inside a script is text that someone else chose, run as code.
    for script in shell_scripts(system, document(system, "infra")):
        assert "${{" not in script


@pytest.mark.parametrize("system", PIPELINES)
def test_every_shell_variable_is_quoted(system: str) -> None:
    for script in shell_scripts(system, document(system, "infra")):
        outside_quotes = re.sub(r'"[^"]*"', "", script)
        assert "$" not in outside_quotes, script


@pytest.mark.parametrize("system", PIPELINES)
def test_the_gate_is_asked_with_workspace_source_and_known_report_formats(system: str) -> None:
    call = gate_call(system)
    assert "--workspace " in call
    assert "--source-dir " in call
    named = re.findall(r'--(?:report "?|format )([a-z-]+)', call)
    assert "junit" in named
    assert set(named) <= FORMATS.keys()


@pytest.mark.parametrize("system", PIPELINES)
def test_the_gates_exit_code_is_the_steps_exit_code(system: str) -> None:
    call = gate_call(system).rstrip()
    assert not re.search(r"\|\||;|&&|\| |--exit-zero", call)
    assert "continue-on-error" not in str([s for s in _steps(document(system)) if "iacgate check" in s.get("run", "")])


def _steps(parsed: dict[Any, Any]) -> list[dict[str, Any]]:
    steps = parsed["jobs"]["iacgate"]["steps"] if "jobs" in parsed else []
    assert isinstance(steps, list)
    return steps


@pytest.mark.parametrize("system", PIPELINES)
def test_the_plan_is_no_artifact_and_is_removed(system: str) -> None:
    parsed = document(system)
    if system == "github":
        steps = _steps(parsed)
        kept = [str(step["with"]["path"]) for step in steps if "upload-artifact" in step.get("uses", "")]
        assert steps[-1]["if"] == "${{ always() }}"
    else:
        kept = parsed["iacgate"]["artifacts"]["paths"]
    assert kept
    assert not any("plan" in path for path in kept)
    assert shell_scripts(system, parsed)[-1].startswith("rm ")


def test_github_gets_the_least_permissions_and_pinned_actions() -> None:
    parsed = document("github")
    assert parsed["permissions"] == {"contents": "read"}
    job = parsed["jobs"]["iacgate"]
    assert {scope for scope, level in job["permissions"].items() if level == "write"} == {"security-events"}
    used = [step["uses"] for step in job["steps"] if "uses" in step]
    assert used
    assert all(re.fullmatch(r"[\w-]+/[\w/-]+@v\d+", action) for action in used), used
    # YAML 1.1 reads the key `on` as true.
    assert "pull_request_target" not in parsed[True]


@pytest.mark.parametrize("system", PIPELINES)
def test_the_pipeline_installs_this_release_and_explains_the_exit_codes(system: str) -> None:
    (text,) = render(system).values()
    assert f'"iacgate=={__version__}"' in text
    for code, word in {0: "allow", 1: "deny", 2: "usage", 3: "review", 4: "error"}.items():
        assert re.search(rf"^#   {code}  {word}\b", text, re.MULTILINE)


@pytest.mark.parametrize(
    "directory", ["/etc", "..", "infra/../..", "a\nb", "a\x00b", "$HOME", "${{ secrets.KEY }}", "-chdir", "a\u2028b"]
)
def test_a_directory_that_a_pipeline_would_misread_is_refused(directory: str) -> None:
    with pytest.raises(UsageError):
        render("github", directory=directory)


def test_the_same_directory_spelt_differently_gives_the_same_file() -> None:
    assert render("github", directory="./infra/") == render("github", directory="infra")


def test_nothing_is_written_when_one_file_exists(tmp_path: Path) -> None:
    (tmp_path / "b").write_text("mine")
    with pytest.raises(UsageError) as refused:
        write({"a": "new", "b": "new"}, tmp_path)
    assert "--force" in refused.value.hint
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b"]
    assert (tmp_path / "b").read_text() == "mine"


def test_force_replaces_a_link_and_leaves_its_target_alone(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("mine")
    (tmp_path / "a").symlink_to("elsewhere")
    write({"a": "new"}, tmp_path, force=True)
    assert (tmp_path / "a").read_text() == "new"
    assert (tmp_path / "elsewhere").read_text() == "mine"


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_command_writes_once_and_again_only_with_force(system: str, tmp_path: Path) -> None:
    (tmp_path / "infra").mkdir()
    call = [system, "--into", str(tmp_path), "--directory", "infra"]
    first = CliRunner().invoke(init_command, call)
    assert first.exit_code == 0, first.output
    target = tmp_path / SYSTEMS[system].path
    assert target.read_text(encoding="utf-8") == render(system, directory="infra")[SYSTEMS[system].path]
    assert str(target) in first.stdout

    target.write_text("mine")
    second = CliRunner().invoke(init_command, call)
    assert isinstance(second.exception, UsageError)
    assert target.read_text() == "mine"

    assert CliRunner().invoke(init_command, [*call, "--force"]).exit_code == 0
    assert target.read_text() != "mine"


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_command_prints_instead_of_writing_where_it_is_asked_to(system: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(init_command, [system, "--into", str(tmp_path), "--print"])
    assert (result.exit_code, list(tmp_path.iterdir())) == (0, [])
    assert [result.stdout] == list(render(system).values())


def test_the_command_refuses_a_directory_that_is_not_there(tmp_path: Path) -> None:
    result = CliRunner().invoke(init_command, ["github", "--into", str(tmp_path), "--directory", "infar"])
    assert isinstance(result.exception, UsageError)
    assert "infar" in result.exception.message
    assert not list(tmp_path.iterdir())


def test_the_command_names_the_systems_it_knows() -> None:
    result = CliRunner().invoke(init_command, ["bitbucket"])
    assert result.exit_code == 2
    assert all(system in result.output for system in SYSTEMS)


def test_bash_is_there_to_check_with() -> None:
    assert shutil.which("bash")
