"""A scanner's environment is whole, of this iacgate and the user's own, or it is not used."""

import base64
import hashlib
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from scripts import lock_checkov

from iacgate.cli.main import main
from iacgate.errors import IacgateError, UsageError
from iacgate.scanners import environment
from iacgate.scanners.environment import Environment, Lock, State, inspect, install, read_lock

from tests.unit.scanners.fake import scanner


def test_what_is_installed_is_ready(tmp_path: Path) -> None:
    found = inspect("checkov", scanner(tmp_path))
    assert (found.state, found.version, found.problem) == (State.READY, read_lock("checkov").version, "")


def _record(place: Path, **changes: object) -> None:
    file = place / "iacgate.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))


HALF_MADE: dict[str, tuple[Callable[[Path], object], State, str]] = {
    "no record": (lambda place: (place / "iacgate.json").unlink(), State.BROKEN, "not completed"),
    "half a record": (lambda place: (place / "iacgate.json").write_text('{"format": 1'), State.BROKEN, "not completed"),
    "a record of nothing": (lambda place: (place / "iacgate.json").write_text("[]"), State.BROKEN, "not completed"),
    "a later record": (lambda place: _record(place, format=2), State.BROKEN, "another version of iacgate"),
    "another scanner's": (lambda place: _record(place, scanner="other"), State.BROKEN, "another version of iacgate"),
    "no Python": (lambda place: (place / "bin" / "python").unlink(), State.BROKEN, "the Python"),
    "another list": (lambda place: _record(place, lock_sha256="0" * 64), State.OUTDATED, "another list"),
    "open to all": (lambda place: place.chmod(0o777), State.BROKEN, "everybody may write"),
}


@pytest.mark.parametrize(("change", "state", "problem"), HALF_MADE.values(), ids=HALF_MADE.keys())
def test_what_is_not_whole_is_not_ready(
    tmp_path: Path, change: Callable[[Path], object], state: State, problem: str
) -> None:
    directory = scanner(tmp_path)
    change(directory / "checkov")
    found = inspect("checkov", directory)
    assert found.state is state
    assert problem in found.problem


def test_a_link_to_an_environment_is_not_used(tmp_path: Path) -> None:
    directory = scanner(tmp_path)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "checkov").symlink_to(directory / "checkov")
    assert inspect("checkov", tmp_path / "other").state is State.BROKEN


def test_it_is_missing_where_there_is_none(tmp_path: Path) -> None:
    assert inspect("checkov", tmp_path).state is State.MISSING


class TestInstall:
    """With the step that needs pip replaced, except where that fails."""

    @pytest.fixture
    def made(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        made: list[str] = []

        def make(found: Environment, lock: Lock, index_url: str | None) -> None:
            made.append(found.directory.name)
            scanner(found.directory / "x")
            for one in (found.directory / "x" / "scanners" / "checkov").iterdir():
                one.rename(found.directory / one.name)

        monkeypatch.setattr(environment, "_make", make)
        monkeypatch.setattr(environment, "_damage", lambda found: "")
        return made

    def test_it_is_made_once(self, tmp_path: Path, made: list[str]) -> None:
        found, new = install("checkov", tmp_path / "deep" / "scanners")
        assert (found.state, new) == (State.READY, True)
        assert install("checkov", tmp_path / "deep" / "scanners") == (found, False)
        assert len(made) == 1
        assert [one.name for one in (tmp_path / "deep" / "scanners").iterdir()] == ["checkov"]
        assert (tmp_path / "deep" / "scanners" / "checkov").stat().st_mode & 0o777 == 0o700

    @pytest.mark.parametrize("name", [name for name in HALF_MADE if name != "no record"])
    def test_what_is_not_whole_is_made_anew(self, tmp_path: Path, made: list[str], name: str) -> None:
        directory = scanner(tmp_path)
        HALF_MADE[name][0](directory / "checkov")
        found, new = install("checkov", directory)
        assert (found.state, new) == (State.READY, True)
        assert [one.name for one in directory.iterdir()] == ["checkov"]

    def test_changed_files_are_noticed(self, tmp_path: Path, made: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(environment, "_damage", lambda found: "3 of its files are missing or changed")
        assert install("checkov", scanner(tmp_path))[1] is True

    def test_what_somebody_else_put_there_is_not_removed(self, tmp_path: Path, made: list[str]) -> None:
        (tmp_path / "checkov").mkdir()
        (tmp_path / "checkov" / "thesis.txt").write_text("")
        with pytest.raises(UsageError, match="something else"):
            install("checkov", tmp_path)
        assert (tmp_path / "checkov" / "thesis.txt").exists()

    def test_when_it_fails_what_there_was_stays(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: list[str]
    ) -> None:
        directory = scanner(tmp_path)
        _record(directory / "checkov", lock_sha256="0" * 64)

        def fail(*_: object) -> None:
            raise IacgateError("no")

        monkeypatch.setattr(environment, "_make", fail)
        with pytest.raises(IacgateError):
            install("checkov", directory)
        assert inspect("checkov", directory).state is State.OUTDATED
        assert [one.name for one in directory.iterdir()] == ["checkov"]

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
    def test_a_place_that_cannot_be_written_to_is_named(self, tmp_path: Path, made: list[str]) -> None:
        tmp_path.chmod(0o500)
        with pytest.raises(IacgateError, match="cannot be written to"):
            install("checkov", tmp_path / "scanners")


def test_an_index_that_cannot_be_reached_is_one_clear_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the real pip; the index is an empty directory."""
    for name in ("PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    words = ["scanner", "install", "checkov", "--directory", str(tmp_path / "s"), "--index-url", tmp_path.as_uri()]
    result = CliRunner().invoke(main, words, standalone_mode=False)
    assert isinstance(result.exception, IacgateError)
    assert result.exception.message.startswith("checkov cannot be installed: ")
    assert "--index-url" in result.exception.hint
    assert list((tmp_path / "s").iterdir()) == []


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("ERROR: No matching distribution found for a==1\nmore", "No matching distribution found for a==1"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE", "not the one in the list"),
        ("ERROR: Could not install: [Errno 28] No space left on device", "no space is left"),
        ("Traceback", "does not say why"),
    ],
)
def test_the_reason_of_pip_is_said(said: str, why: str) -> None:
    assert why in environment._why(said)


def test_files_that_were_changed_after_the_installation_are_found(tmp_path: Path) -> None:
    """By a real environment's record: this one's, and a copy of a package with one changed byte."""
    place = tmp_path / "checkov"
    site = place / "site"
    info = site / "checkov-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "module.py").write_text("x = 1\n")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: checkov\nVersion: 1.0\n")
    digest = base64.urlsafe_b64encode(hashlib.sha256(b"x = 1\n").digest()).rstrip(b"=").decode()
    (info / "RECORD").write_text(f"module.py,sha256={digest},6\ncheckov-1.0.dist-info/RECORD,,\n")
    (place / "bin").mkdir()
    python = place / "bin" / "python"
    code = f"import sys; sys.path[:] = ['{site}', *sys.path]; exec(sys.argv.pop(1))"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{code}" "$3" "$4"\n')
    python.chmod(0o755)
    found = Environment("checkov", place, State.READY, "1.0")
    assert environment._damage(found) == ""
    (site / "module.py").write_text("x = 2\n")
    assert environment._damage(found) == "1 of its files are missing or changed"
    (site / "module.py").unlink()
    assert environment._damage(found) == "1 of its files are missing or changed"
    assert "another version" in environment._damage(found._replace(version="2.0"))


@pytest.mark.parametrize("format_name", ["text", "json"])
def test_the_list_says_what_there_is(tmp_path: Path, format_name: str) -> None:
    words = ["scanner", "list", "--format", format_name, "--directory"]
    said = CliRunner().invoke(main, [*words, str(scanner(tmp_path))]).output
    assert read_lock("checkov").version in said
    assert "ready" in said
    assert "missing" in CliRunner().invoke(main, [*words, str(tmp_path)]).output


def test_the_directory_is_the_users_and_can_be_chosen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("IACGATE_SCANNERS", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert environment.scanners_directory() == tmp_path / "iacgate" / "scanners"
    monkeypatch.setenv("XDG_DATA_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert environment.scanners_directory() == tmp_path / ".local" / "share" / "iacgate" / "scanners"
    monkeypatch.setenv("IACGATE_SCANNERS", str(tmp_path / "chosen"))
    assert environment.scanners_directory() == tmp_path / "chosen"


class TestLock:
    def test_the_list_is_exact_and_names_no_index(self) -> None:
        lock = read_lock("checkov")
        assert lock_checkov.problem_of(lock.data.decode(), lock.version) == ""
        assert len(lock_checkov.requirements(lock.data.decode())) > 50

    @pytest.mark.parametrize(
        ("text", "problem"),
        [
            ("checkov==1.0 --hash=sha256:00\nother>=2 --hash=sha256:00\n", "other>=2"),
            ("checkov==1.0 --hash=sha256:00\nother==2 \n", "other==2"),
            ("checkov==1.0 --hash=md5:00\n", "checkov==1.0"),
            ("other==2 --hash=sha256:00\n", "does not name checkov"),
            ("--index-url https://example.org\ncheckov==1.0 --hash=sha256:00\n", "names an index"),
            ("checkov==1.0 --hash=sha256:00\ngit+https://example.org/x\n", "names an index"),
        ],
    )
    def test_another_list_is_refused(self, text: str, problem: str) -> None:
        assert problem in lock_checkov.problem_of(text, "1.0")

    def test_there_is_a_list_for_every_scanner_and_none_for_others(self) -> None:
        for name in environment.SCANNERS:
            assert read_lock(name).version
        with pytest.raises(IacgateError):
            read_lock("other")
