"""Run somebody else's program on our input, and give it nothing else (``docs/guide/checkov.md``).

It gets an environment that is listed here, an empty home and an empty working directory, limits on memory, processor
time, processes and the size of files, and a budget of time. Its output goes to private files, so that nobody has to
read along while it runs, and a flood ends at a limit. Where Linux lets us, it runs in name spaces of its own: no
network, no sight of other processes, and when its first process ends the kernel ends all others. Elsewhere proxies that
lead nowhere are the weaker measure against the network; ``Ended.isolation`` says which it was.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from iacgate.errors import IacgateError

__all__ = ["NO_NETWORK", "WEAK", "Ended", "Jailed", "Limits", "isolation", "jailed"]

NO_NETWORK = "no network"
WEAK = "proxies that lead nowhere"
_MIB = 1024 * 1024
_NOWHERE = "http://127.0.0.1:9"  # the discard port: nothing listens, or nothing answers
_PROGRAMS = os.pathsep.join(("/usr/bin", "/bin", "/usr/sbin", "/sbin", "/run/current-system/sw/bin"))
_PRIVATE_PROCESSES = ("--pid", "--fork", "--kill-child")
_WAYS = (
    (
        "no network, own processes",
        ("--user", "--map-current-user", "--net", "--ipc", *_PRIVATE_PROCESSES, "--mount-proc"),
    ),
    ("no network, own processes, common /proc", ("--user", "--map-current-user", "--net", *_PRIVATE_PROCESSES)),
    ("no network, own processes, common /proc", ("--net", *_PRIVATE_PROCESSES)),
    (NO_NETWORK, ("--user", "--map-current-user", "--net")),
    (NO_NETWORK, ("--net",)),
)
# Limits are set by a process of their own that then becomes the program: ours keeps none of them. When the process that
# started it dies, it dies.
_LIMITER = """
import ctypes, json, os, resource, sys
parent, limits = int(sys.argv[1]), json.loads(sys.argv[2])
for name, wanted in limits.items():
    _, hard = resource.getrlimit(getattr(resource, name))
    value = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    try:
        resource.setrlimit(getattr(resource, name), (value, value))
    except (OSError, ValueError):
        if name != "RLIMIT_AS":  # macOS has none that can be set
            raise
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, 9, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit(1)
os.execv(sys.argv[3], sys.argv[3:])
"""


class Limits(NamedTuple):
    """What a program may use."""

    seconds: float
    """Of the clock on the wall; of processor time it may use twice as many."""
    memory: int = 8 * 1024 * _MIB
    """Bytes of address space."""
    file_size: int = 512 * _MIB
    """Bytes of any file that it writes, its output among them."""
    processes: int = 1024
    """Processes and threads of the user; does not bind root."""


class Ended(NamedTuple):
    """How it ended, and what it wrote."""

    code: int
    """The exit code; negative: the signal that killed it."""
    output: bytes
    errors: bytes
    timed_out: bool
    flooded: bool
    """It wrote as much as it was allowed to, so something is missing."""
    isolation: str
    seconds: float


class Jailed:
    """A program that runs. Made by ``jailed``."""

    def __init__(self, process: subprocess.Popen[bytes], directory: Path, limits: Limits, isolation: str) -> None:
        self._process = process
        self._directory = directory
        self._limits = limits
        self._isolation = isolation
        self._started = time.monotonic()

    def wait(self) -> Ended:
        """Wait until it ends or its time is over; then nothing of it is left."""
        timed_out = False
        try:
            self._process.wait(max(0.0, self._started + self._limits.seconds - time.monotonic()))
        except subprocess.TimeoutExpired:
            timed_out = True
        self.kill()
        output, errors = ((self._directory / name).read_bytes() for name in ("output", "errors"))
        return Ended(
            self._process.returncode,
            output,
            errors,
            timed_out,
            max(len(output), len(errors)) >= self._limits.file_size,
            self._isolation,
            time.monotonic() - self._started,
        )

    def kill(self) -> None:
        """End it and everything that it started."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


@contextlib.contextmanager
def jailed(
    command: Sequence[str], files: Mapping[str, bytes], limits: Limits, environment: Mapping[str, str]
) -> Iterator[Jailed]:
    """Start a program in an empty directory; leaving the context ends it and removes all that was made for it.

    ``files`` are put into a directory that it can read; ``{files}`` in the command stands for that directory.
    SIGTERM and SIGHUP are interruptions as long as it runs. Raises ``IacgateError`` when it cannot be started.
    """
    with _interruptible(), _private_directory() as directory:
        for name in ("files", "home", "work", "tmp"):
            (directory / name).mkdir(mode=0o700)
        for name, data in files.items():
            path = directory / "files" / name
            path.write_bytes(data)
            path.chmod(0o400)
        way, prefix = isolation()
        try:
            process = _start(directory, [*prefix, *command], limits, _environment(directory, environment))
        except OSError as error:
            raise IacgateError(f"{command[0]} cannot be started: {(error.strerror or 'failed').lower()}") from None
        run = Jailed(process, directory, limits, way)
        try:
            yield run
        finally:
            run.kill()


def _start(
    directory: Path, command: Sequence[str], limits: Limits, environment: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    bounds = {
        "RLIMIT_AS": limits.memory,
        "RLIMIT_CPU": max(1, int(2 * limits.seconds)),
        "RLIMIT_FSIZE": limits.file_size,
        "RLIMIT_NPROC": limits.processes,
        "RLIMIT_CORE": 0,
    }
    files = str(directory / "files")
    words = [word.replace("{files}", files) for word in command]
    with (directory / "output").open("xb") as output, (directory / "errors").open("xb") as errors:
        return subprocess.Popen(  # noqa: S603 - a program that the caller names, with words that the caller chose
            [sys.executable, "-I", "-S", "-c", _LIMITER, str(os.getpid()), json.dumps(bounds), *words],
            cwd=directory / "work",
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
            start_new_session=True,
        )


def _environment(directory: Path, more: Mapping[str, str]) -> dict[str, str]:
    """Everything that it learns about where it runs."""
    proxies = dict.fromkeys(("http_proxy", "https_proxy", "ftp_proxy", "all_proxy"), _NOWHERE)
    return {
        "HOME": str(directory / "home"),
        "LC_ALL": "C.UTF-8",
        "PATH": str(directory / "work"),  # it needs no other program
        "TMPDIR": str(directory / "tmp"),
        **proxies,
        **{name.upper(): value for name, value in proxies.items()},
        **more,
    }


@cache
def isolation() -> tuple[str, tuple[str, ...]]:
    """The strongest way there is to keep a program by itself: its name, and the words before the command."""
    unshare = shutil.which("unshare", path=_PROGRAMS) if sys.platform == "linux" else None
    if unshare is not None:
        for name, options in _WAYS:
            words = (unshare, *options, "--")
            try:
                tried = subprocess.run(  # noqa: S603 - a program of the system
                    [*words, sys.executable, "-I", "-S", "-c", ""], capture_output=True, timeout=10, check=False, env={}
                )
            except (OSError, subprocess.TimeoutExpired):
                continue
            if tried.returncode == 0:
                return name, words
    return WEAK, ()


@contextlib.contextmanager
def _private_directory() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="iacgate-"))  # only its owner may enter
    try:
        yield path.resolve()
    finally:
        for _ in range(5):
            shutil.rmtree(path, ignore_errors=True)
            if not path.exists():
                break
            time.sleep(0.05)  # something that was just killed was still writing


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """To be told to stop is an interruption, so that what is running is ended and removed."""

    def stop(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = {}
    for number in (signal.SIGTERM, signal.SIGHUP):
        with contextlib.suppress(ValueError):  # not the main thread: who runs us there has to see to it
            if signal.getsignal(number) is signal.SIG_DFL:
                before[number] = signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
