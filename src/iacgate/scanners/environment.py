"""A scanner's own Python environment: where it lies, whether it is whole, and how it is made.

A scanner is installed from a list of exact versions with the digests of their files, which comes with iacgate
(``checkov.lock``); pip takes nothing that is not in it. The environment is made beside its place and renamed when it is
complete, and its record, with the digest of the list, is written last: what has no record, or another one, is not used.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

from iacgate.directories import data_directory
from iacgate.errors import IacgateError, UsageError

__all__ = [
    "SCANNERS",
    "Environment",
    "Lock",
    "State",
    "inspect",
    "install",
    "read_lock",
    "run_in",
    "scanners_directory",
]

SCANNERS = ("checkov",)
"""Scanners that iacgate installs and runs."""
_RECORD = "iacgate.json"
_RECORD_FORMAT = 1
_TIMEOUT = 1800
_LISTED_RULE = re.compile(r"\| (CKV[A-Z0-9]*_[A-Z0-9_]+) +\|")
_VERIFY = """
import base64, hashlib, importlib.metadata, pathlib, sys
bad = 0
for distribution in importlib.metadata.distributions():
    for file in distribution.files or ():
        if file.hash is None or file.suffix == ".pyc" or file.parts[0] == "..":
            continue
        try:
            data = pathlib.Path(distribution.locate_file(file)).read_bytes()
        except OSError:
            bad += 1
            continue
        digest = base64.urlsafe_b64encode(hashlib.new(file.hash.mode, data).digest()).rstrip(b"=").decode()
        bad += digest != file.hash.value
print(importlib.metadata.version(sys.argv[1]), bad)
"""


class State(StrEnum):
    """Whether a scanner can be run."""

    READY = "ready"
    MISSING = "missing"
    OUTDATED = "outdated"
    """It was installed from another list than that of this iacgate."""
    BROKEN = "broken"


class Lock(NamedTuple):
    """The list that a scanner is installed from."""

    data: bytes
    version: str
    """Of the scanner itself."""
    digest: str


class Environment(NamedTuple):
    """What there is of a scanner. ``version`` and ``python`` are empty when it cannot be run."""

    scanner: str
    directory: Path
    state: State
    version: str = ""
    lock_digest: str = ""
    rules: int = 0
    """How many rules for Terraform it lists."""
    problem: str = ""
    """One clause: why it is not ready."""

    @property
    def python(self) -> Path:
        """The environment's interpreter."""
        return self.directory / "bin" / "python"


def scanners_directory() -> Path:
    """Where scanners are installed: ``IACGATE_SCANNERS``, else the user's data directory (XDG Base Directories)."""
    chosen = os.environ.get("IACGATE_SCANNERS")
    if chosen:
        return Path(chosen).absolute()
    return data_directory() / "scanners"


def read_lock(scanner: str) -> Lock:
    """The list that comes with iacgate. Raises ``IacgateError`` when it is not there."""
    try:
        data = (Path(__file__).parent / f"{scanner}.lock").read_bytes()
    except OSError:
        raise IacgateError(f"the list to install {scanner} from is missing", hint="install iacgate again") from None
    for line in data.decode().splitlines():
        name, separator, version = line.partition("==")
        if separator and name == scanner:
            return Lock(data, version.split()[0], hashlib.sha256(data).hexdigest())
    raise IacgateError(f"the list to install {scanner} from does not name it", hint="install iacgate again")


def inspect(scanner: str, directory: Path | None = None) -> Environment:
    """What there is, without running any of it. ``directory``: that of all scanners."""
    place = (directory or scanners_directory()) / scanner
    found = Environment(scanner, place, State.MISSING, problem="it is not installed")
    if not place.is_dir():
        return found
    broken = found._replace(state=State.BROKEN)
    foreign = _foreign(place)
    if foreign:
        return broken._replace(problem=foreign)
    try:
        record: Any = json.loads((place / _RECORD).read_bytes())
        version, digest, rules = str(record["version"]), str(record["lock_sha256"]), int(record["rules"])
        whole = record["format"] == _RECORD_FORMAT and record["scanner"] == scanner
    except (OSError, ValueError, KeyError, TypeError):
        return broken._replace(problem="its installation was not completed")
    if not whole:
        return broken._replace(problem="it was installed by another version of iacgate")
    known = broken._replace(version=version, lock_digest=digest, rules=rules)
    if not os.access(known.python, os.X_OK):
        return known._replace(problem="the Python that it was installed with is gone")
    lock = read_lock(scanner)
    if digest != lock.digest:
        return known._replace(
            state=State.OUTDATED, problem=f"{version} was installed from another list than the one of this iacgate"
        )
    return known._replace(state=State.READY, problem="")


def _foreign(place: Path) -> str:
    """Why what lies there may have been put there by somebody else."""
    for path in (place, place / _RECORD):
        try:
            status = path.stat(follow_symlinks=False)
        except OSError:
            continue
        if stat.S_ISLNK(status.st_mode):
            return "it is a symbolic link"
        if status.st_uid not in (os.geteuid(), 0):
            return "it belongs to another user"
        if status.st_mode & stat.S_IWOTH:
            return "everybody may write to it"
    return ""


def install(scanner: str, directory: Path | None = None, index_url: str | None = None) -> tuple[Environment, bool]:
    """Make the environment where it is missing, outdated or damaged; ``True`` when it was made.

    Raises ``IacgateError`` when it cannot be, and then leaves what there was.
    """
    found = inspect(scanner, directory)
    if found.state is State.READY and not _damage(found):
        return found, False
    place = found.directory
    if found.state is State.BROKEN and not _is_ours(place):
        raise UsageError(f"{place} holds something else than {scanner}", hint="choose another --directory")
    lock = read_lock(scanner)
    try:
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=f".{scanner}-", dir=place.parent))
    except OSError as error:
        raise IacgateError(f"{place.parent} cannot be written to: {(error.strerror or 'failed').lower()}") from None
    try:
        made = Environment(scanner, beside, State.READY, lock.version, lock.digest)
        _make(made, lock, index_url)
        _put_in_place(beside, place)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return inspect(scanner, directory), True


def _is_ours(place: Path) -> bool:
    """What an installation of ours leaves, complete or not; anything else is not removed."""
    return (place / _RECORD).is_file() or (place / "pyvenv.cfg").is_file() or not any(place.iterdir())


def _damage(found: Environment) -> str:
    """What is wrong with the files of an environment that says it is ready."""
    ran = run_in(found, ["-c", _VERIFY, found.scanner], timeout=120)
    if ran.returncode != 0:
        return "it cannot be run"
    version, _, bad = ran.stdout.strip().rpartition(" ")
    if version != found.version:
        return "it holds another version than it says"
    return "" if bad == "0" else f"{bad} of its files are missing or changed"


def run_in(found: Environment, words: Sequence[str], *, timeout: float) -> subprocess.CompletedProcess[str]:
    """Run the environment's Python, apart from the caller's Python settings and home."""
    with tempfile.TemporaryDirectory(prefix="iacgate-") as empty:
        environment = {"HOME": empty, "PATH": os.defpath, "LC_ALL": "C.UTF-8"}
        try:
            return subprocess.run(  # noqa: S603 - an interpreter that we installed
                [str(found.python), "-I", *words],
                capture_output=True,
                text=True,
                errors="replace",
                timeout=timeout,
                check=False,
                cwd=empty,
                env=environment,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return subprocess.CompletedProcess([], 127, "", type(error).__name__)


def _make(made: Environment, lock: Lock, index_url: str | None) -> None:
    import venv

    try:
        venv.EnvBuilder(symlinks=True, with_pip=True).create(made.directory)
    except (OSError, subprocess.CalledProcessError):
        raise IacgateError(
            f"this Python cannot make an environment for {made.scanner}",
            hint="install the packages with venv and ensurepip; on Debian and Ubuntu that is python3-venv",
        ) from None
    (made.directory / "requirements.lock").write_bytes(lock.data)
    words = ["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]
    words += [
        "--require-hashes",
        "--no-deps",
        "--only-binary",
        ":all:",
        "-r",
        str(made.directory / "requirements.lock"),
    ]
    if index_url is not None:
        words += ["--index-url", index_url]
    try:
        ran = subprocess.run(  # noqa: S603 - the interpreter that was just made
            [str(made.python), "-I", *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_TIMEOUT,
            check=False,
            cwd=made.directory,
        )
    except subprocess.TimeoutExpired:
        raise IacgateError(f"installing {made.scanner} took more than {_TIMEOUT // 60} minutes") from None
    if ran.returncode != 0:
        raise IacgateError(f"{made.scanner} cannot be installed: {_why(ran.stderr)}", hint=_ADVICE)
    for script in (made.directory / "bin").iterdir():
        # They name the directory that this one is renamed from; what runs is `python -m`.
        if script.is_dir():
            shutil.rmtree(script)
        elif not script.name.startswith("python"):
            script.unlink()
    damage = _damage(made)
    if damage:
        raise IacgateError(f"{made.scanner} was installed, but {damage}", hint="try again; if it stays, report it")
    rules = _count_rules(made)
    if not rules:
        raise IacgateError(
            f"{made.scanner} was installed, but lists no rules", hint="try again; if it stays, report it"
        )
    record = {
        "format": _RECORD_FORMAT,
        "rules": rules,
        "scanner": made.scanner,
        "version": lock.version,
        "lock_sha256": lock.digest,
        "python": ".".join(map(str, sys.version_info[:3])),
    }
    (made.directory / _RECORD).write_text(json.dumps(record) + "\n", "utf-8")


def _count_rules(made: Environment) -> int:
    """Counted once, at the installation: the list takes as long as a scan."""
    ran = run_in(made, ["-m", f"{made.scanner}.main", "--list", "--framework", "terraform"], timeout=120)
    return len(set(_LISTED_RULE.findall(ran.stdout))) if ran.returncode == 0 else 0


_ADVICE = "pip takes its index from --index-url, from PIP_INDEX_URL or from its configuration; is one reachable?"


def _why(errors: str) -> str:
    """The reason that pip gives, the first of those it marks as errors."""
    lines = [line.partition("ERROR: ")[2].strip() for line in errors.splitlines() if "ERROR: " in line]
    for sign, meaning in (
        (
            "DO NOT MATCH THE HASHES",
            "a package is not the one in the list; the index serves another",
        ),
        ("No space left on device", "no space is left on the device"),
    ):
        if sign in errors:
            return meaning
    return lines[0][:200].rstrip(".:") if lines else "pip failed and does not say why"


def _put_in_place(beside: Path, place: Path) -> None:
    """Rename; what was there before is moved out of the way first, and comes back when that fails."""
    old = Path(tempfile.mkdtemp(prefix=f".{place.name}-old-", dir=place.parent))
    try:
        with _moved_aside(place, old / place.name):
            beside.rename(place)
    except OSError as error:
        raise IacgateError(f"{place} cannot be replaced: {(error.strerror or 'failed').lower()}") from None
    finally:
        shutil.rmtree(old, ignore_errors=True)


@contextlib.contextmanager
def _moved_aside(place: Path, aside: Path) -> Iterator[None]:
    moved = place.exists()
    if moved:
        place.rename(aside)
    try:
        yield
    except OSError:
        if moved:
            aside.rename(place)
        raise
