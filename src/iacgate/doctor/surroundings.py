"""What iacgate works with beside its packages: checks, configuration, caches, scanners, Terraform."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from iacgate.config import load_config
from iacgate.directories import cache_directory
from iacgate.doctor.diagnosis import Line, Status
from iacgate.errors import IacgateError, UsageError
from iacgate.gate.judge import load_policy
from iacgate.scanners.environment import SCANNERS, State, inspect, run_in
from iacgate.scanners.jail import WEAK, isolation

__all__ = ["look_at_cache", "look_at_policy", "look_at_scanners", "look_at_terraform"]

_TIMEOUT = 30


def look_at_policy(config_file: Path | None, policy_file: Path | None) -> Iterator[Line]:
    """The packaged checks, and the configuration and policy that were named."""
    try:
        yield Line("checks", Status.OK, f"{len(load_policy(None).catalogue)} packaged checks")
    except IacgateError as error:
        yield Line("checks", Status.FAIL, error.message, error.hint)
    if config_file is not None:
        try:
            policy_file = policy_file or load_config(config_file).policy_set
            yield Line("configuration", Status.OK, str(config_file))
        except UsageError as error:
            yield Line("configuration", Status.FAIL, error.message, error.hint, configuration=True)
    if policy_file is not None:
        try:
            load_policy(policy_file)
            yield Line("policy", Status.OK, str(policy_file))
        except UsageError as error:
            hint = error.hint or f"iacgate policy lint {policy_file}"
            yield Line("policy", Status.FAIL, error.message, hint, configuration=True)


def look_at_cache() -> Iterator[Line]:
    """Where compiled checks and scans are kept."""
    directory = cache_directory()
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=directory, prefix=".doctor-"):
            pass
        yield Line("cache", Status.OK, str(directory))
    except OSError as error:
        why = (error.strerror or "failed").lower()
        yield Line(
            "cache",
            Status.WARN,
            f"{directory} cannot be written to ({why}): runs are slower",
            "set XDG_CACHE_HOME to a directory that can",
        )


def look_at_scanners() -> Iterator[Line]:
    """Each scanner's environment, and how it would be kept to itself."""
    any_ready = False
    for name in SCANNERS:
        found = inspect(name)
        again = f"iacgate scanner install {name}"
        if found.state is State.MISSING:
            yield Line(name, Status.OK, f"is not installed; only --scanner {name} needs it", again)
        elif found.state is not State.READY:
            yield Line(name, Status.FAIL, f"in {found.directory}: {found.problem}", again)
        else:
            any_ready = True
            ran = run_in(found, ["-m", f"{name}.main", "--version"], timeout=_TIMEOUT)
            works = ran.returncode == 0 and ran.stdout.split() == [found.version]
            text = f"{found.version} in {found.directory}" + ("" if works else " does not run")
            yield Line(name, Status.OK if works else Status.FAIL, text, "" if works else again)
    if any_ready:
        way, _ = isolation()
        weak = way == WEAK
        yield Line(
            "scanner isolation",
            Status.WARN if weak else Status.OK,
            f"{way} only: this system gives no network name spaces" if weak else way,
            "allow user name spaces, or run without network" if weak else "",
        )


def look_at_terraform() -> Iterator[Line]:
    """Terraform or OpenTofu, which make the plans."""
    none = True
    for name in ("terraform", "tofu"):
        program = shutil.which(name)
        if program is None:
            continue
        none = False
        version = _terraform_version(program)
        yield Line(
            name,
            Status.OK if version else Status.WARN,
            f"{version} in {program}" if version else f"{program} does not say its version",
        )
    if none:
        text = "neither terraform nor tofu is on PATH; plans that were made elsewhere can be judged"
        yield Line("terraform", Status.WARN, text)


def _terraform_version(program: str) -> str:
    environment = {**os.environ, "CHECKPOINT_DISABLE": "1"}
    try:
        with tempfile.TemporaryDirectory(prefix="iacgate-") as empty:
            ran = subprocess.run(  # noqa: S603 - found on the caller's PATH
                [program, "version", "-json"],
                capture_output=True,
                timeout=_TIMEOUT,
                check=False,
                cwd=empty,
                env=environment,
                stdin=subprocess.DEVNULL,
            )
        return str(json.loads(ran.stdout)["terraform_version"])
    except (OSError, subprocess.TimeoutExpired, ValueError, KeyError, TypeError):
        return ""
