"""The doctor finds what is missing, old, damaged or overwritten, names both owners, and says what mends it."""

import base64
import hashlib
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from iacgate.cli import doctor as command
from iacgate.cli.main import main
from iacgate.doctor import packages, surroundings
from iacgate.doctor.diagnosis import Line, Status, exit_code
from iacgate.errors import IacgateError
from iacgate.sources.hcl import library, parse

from tests.acceptance.hostile import instance, judge, judge_plan, plan
from tests.unit.scanners.fake import scanner
from tests.unit.test_project import PROJECT, names


def test_here_everything_is_well() -> None:
    lines = [*packages.look_at_packages(), *packages.look_at_hcl2()]
    assert [line for line in lines if line.status is not Status.OK] == []


def test_every_dependency_is_looked_at() -> None:
    declared = {name.lower() for name in names(PROJECT["project"]["dependencies"])}
    assert declared == {*packages.MODULES, "python-hcl2"}


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ([Line("a", Status.OK, "")], 0),
        ([Line("a", Status.WARN, "", "do this")], 0),
        ([Line("a", Status.FAIL, "")], 4),
        ([Line("a", Status.FAIL, "", configuration=True)], 2),
        ([Line("a", Status.FAIL, "", configuration=True), Line("b", Status.FAIL, "")], 4),
    ],
)
def test_the_code_says_what_is_wrong(lines: list[Line], code: int) -> None:
    assert exit_code(lines) == code


# --- who owns hcl2 ---------------------------------------------------------------------------------------------------


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Distributions made for a test, found before the real ones."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def install(name: str, version: str, **files: str) -> Path:
        """As pip does: the files over those that are there, then a record of them."""
        rows = []
        for file, content in files.items():
            path = tmp_path / "hcl2" / f"{file}.py"
            path.parent.mkdir(exist_ok=True)
            path.write_text(content)
            digest = base64.urlsafe_b64encode(hashlib.sha256(content.encode()).digest()).rstrip(b"=").decode()
            rows.append(f"hcl2/{file}.py,sha256={digest},{len(content)}")
        info = tmp_path / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        (info / "RECORD").write_text("\n".join(rows) + "\n")
        return tmp_path / "hcl2"

    return install


def hcl2_line(monkeypatch: pytest.MonkeyPatch, *, works: bool) -> Line:
    monkeypatch.setattr(packages, "_reads_hcl", lambda: works)
    return next(iter(packages.look_at_hcl2()))


def test_theirs_over_ours_fails_and_names_both_and_the_commands(
    site: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    site("python-hcl2", "8.1.0", __init__="ours", walk="ours")
    site("bc-python-hcl2", "0.4.3", __init__="theirs")
    line = hcl2_line(monkeypatch, works=False)
    assert line.status is Status.FAIL
    assert "8.1.0 is overwritten by bc-python-hcl2 0.4.3 (1 files)" in line.text
    assert "uninstall" in line.hint
    assert "checkov bc-python-hcl2 && " in line.hint
    assert "--force-reinstall --no-deps python-hcl2==8.1.0" in line.hint
    assert line.hint.endswith("iacgate scanner install checkov")


def test_ours_over_theirs_is_a_warning(site: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    site("bc-python-hcl2", "0.4.3", __init__="theirs")
    site("python-hcl2", "8.1.0", __init__="ours", walk="ours")
    line = hcl2_line(monkeypatch, works=True)
    assert line.status is Status.WARN
    assert "bc-python-hcl2 0.4.3 (1 files)" in line.text
    assert "iacgate scanner install checkov" in line.hint


def test_ours_with_a_changed_or_missing_file_fails(site: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    place = site("python-hcl2", "8.1.0", __init__="ours", walk="ours")
    (place / "walk.py").unlink()
    line = hcl2_line(monkeypatch, works=True)
    assert (line.status, "1 files" in line.text) == (Status.FAIL, True)
    assert "--force-reinstall" in line.hint


def test_ours_that_is_whole_and_does_not_work_fails(site: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    site("python-hcl2", "8.1.0", __init__="ours")
    assert hcl2_line(monkeypatch, works=False).status is Status.FAIL


def test_a_foreign_hcl2_is_found_by_what_it_cannot_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hcl2", type(sys)("hcl2"))
    assert not packages._reads_hcl()


# --- HCL that cannot be read -----------------------------------------------------------------------------------------


@pytest.fixture
def foreign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What ``hcl2`` is where bc-python-hcl2 was written last: it has ``loads``, and a parser of another shape."""
    module: Any = type(sys)("hcl2")
    module.loads = None
    parser = type(sys)("hcl2.parser")
    monkeypatch.setitem(sys.modules, "hcl2", module)
    monkeypatch.setitem(sys.modules, "hcl2.parser", parser)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))  # what was parsed before needs no parser
    parse._parser.cache_clear()
    yield
    parse._parser.cache_clear()


@pytest.mark.usefixtures("foreign")
@pytest.mark.parametrize("ask", [library.hcl2_package, library.hcl2_parser], ids=lambda ask: ask.__name__)
def test_hcl_by_a_foreign_package_is_one_sentence_that_points_to_the_doctor(ask: Callable[[], object]) -> None:
    with pytest.raises(IacgateError, match="is not python-hcl2 8") as raised:
        ask()
    assert "iacgate doctor" in raised.value.hint


@pytest.mark.usefixtures("foreign")
def test_a_plan_is_judged_then_and_its_places_are_a_note(tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text('resource "aws_instance" "bad" {\n}\n')
    ran = judge_plan(tmp_path, plan(instance()), "--source-dir", tmp_path)
    assert ran.code == 1
    assert all(one["location"] is None for one in ran.report["results"])
    (note,) = ran.report["notes"]
    assert "iacgate doctor" in note


@pytest.mark.usefixtures("foreign")
def test_hcl_is_an_error_then_that_points_to_the_doctor(tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text('resource "aws_instance" "bad" {\n}\n')
    ran = judge(tmp_path)
    assert ran.code == 4
    assert "is not python-hcl2 8" in ran.err
    assert "iacgate doctor" in ran.err


# --- packages --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "module", "bounds", "status", "text"),
    [
        ("click", "click", ">=8", Status.OK, ""),
        ("click", "click", ">=8.1,<9", Status.OK, ""),
        ("click", "click", ">=99", Status.FAIL, "is not >=99"),
        ("click", "click", "<8", Status.FAIL, "is not <8"),
        ("click", "no_such_module_at_all", "", Status.FAIL, "cannot be imported (ModuleNotFoundError)"),
        ("no-such-package-at-all", "x", ">=1", Status.FAIL, "is not installed"),
    ],
)
def test_a_package_is_there_new_enough_and_importable(
    name: str, module: str, bounds: str, status: Status, text: str
) -> None:
    line = packages._package(name, module, bounds)
    assert line.status is status
    assert text in line.text
    assert bool(line.hint) == (status is Status.FAIL)


@pytest.mark.parametrize(("pip", "begins"), [("24.0", f"{sys.executable} -m pip install"), ("", "uv pip install")])
def test_the_command_is_that_of_the_installer_that_is_there(
    monkeypatch: pytest.MonkeyPatch, pip: str, begins: str
) -> None:
    monkeypatch.setattr(packages, "_version", lambda name: pip)
    assert packages._install("x").startswith(begins)


# --- what is around --------------------------------------------------------------------------------------------------


def scanners(monkeypatch: pytest.MonkeyPatch, directory: Path) -> dict[str, Line]:
    monkeypatch.setenv("IACGATE_SCANNERS", str(directory))
    return {line.subject: line for line in surroundings.look_at_scanners()}


def test_a_scanner_that_runs_is_ok_one_that_is_missing_is_not_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = scanners(monkeypatch, tmp_path)
    assert missing["checkov"].status is Status.OK
    assert "iacgate scanner install checkov" in missing["checkov"].hint
    assert "scanner isolation" not in missing
    python = scanner(tmp_path) / "checkov" / "bin" / "python"
    version = surroundings.inspect("checkov", tmp_path / "scanners").version
    python.write_text(f"#!/bin/sh\necho {version}\n")
    assert scanners(monkeypatch, tmp_path / "scanners")["checkov"].status is Status.OK
    python.write_text("#!/bin/sh\necho 1.0.0\n")
    assert scanners(monkeypatch, tmp_path / "scanners")["checkov"].status is Status.FAIL


def test_a_scanner_that_is_broken_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (scanner(tmp_path) / "checkov" / "iacgate.json").unlink()
    assert scanners(monkeypatch, tmp_path / "scanners")["checkov"].status is Status.FAIL


def test_weak_isolation_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surroundings, "isolation", lambda: (surroundings.WEAK, ()))
    lines = scanners(monkeypatch, scanner(tmp_path))
    assert lines["scanner isolation"].status is Status.WARN


def test_a_cache_that_cannot_be_written_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    (line,) = surroundings.look_at_cache()
    assert line.status is Status.WARN


@pytest.mark.parametrize(
    ("body", "status"),
    [('echo \'{"terraform_version": "1.11.4"}\'', Status.OK), ("exit 1", Status.WARN), ("echo []", Status.WARN)],
)
def test_terraform_is_asked_for_its_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str, status: Status
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert [line.status for line in surroundings.look_at_terraform()] == [Status.WARN]
    (tmp_path / "tofu").write_text(f"#!/bin/sh\n{body}\n")
    (tmp_path / "tofu").chmod(0o755)
    (line,) = surroundings.look_at_terraform()
    assert (line.subject, line.status) == ("tofu", status)


def test_a_policy_that_is_wrong_is_a_matter_of_configuration(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text("schema: no\n")
    (tmp_path / "c.yaml").write_text("policy_set: p.yaml\n")
    for words in ((None, tmp_path / "p.yaml"), (tmp_path / "c.yaml", None), (tmp_path / "none.yaml", None)):
        lines = list(surroundings.look_at_policy(*words))
        assert exit_code(lines) == 2, words
    assert exit_code(list(surroundings.look_at_policy(None, None))) == 0


def test_one_thing_that_is_broken_beyond_expectation_hides_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise RuntimeError

    for name in ("look_at_packages", "look_at_scanners", "look_at_terraform"):
        monkeypatch.setattr(command, name, broken)
    result = CliRunner().invoke(main, ["doctor", "--format", "json"], standalone_mode=False)
    report = json.loads(result.stdout)
    assert (result.return_value, report["exit_code"]) == (4, 4)
    assert {"packages", "checks", "cache"} <= {line["subject"] for line in report["lines"]}


def test_the_text_has_a_line_a_thing_with_what_mends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "_look", lambda *_: iter([Line("a", Status.FAIL, "is bad", "mend it")]))
    result = CliRunner().invoke(main, ["doctor"], standalone_mode=False)
    assert result.stdout.split() == ["fail", "a", "is", "bad", "->", "mend", "it"]
    assert result.return_value == 4
