"""One line of a diagnosis, and what all of them together mean."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

__all__ = ["Line", "Status", "exit_code"]


class Status(StrEnum):
    """How one thing is."""

    OK = "ok"
    WARN = "warn"
    """It works, but slower or less safely than it could; or something is not there that only some need."""
    FAIL = "fail"


class Line(NamedTuple):
    """One thing that was looked at."""

    subject: str
    status: Status
    text: str
    hint: str = ""
    """What mends it; empty where nothing has to be."""
    configuration: bool = False
    """A failure is one of what the caller wrote, not of what is installed."""


def exit_code(lines: Iterable[Line]) -> int:
    """0: all that is needed works; 2: only the configuration is wrong; 4: something that is installed is."""
    failed = [line for line in lines if line.status is Status.FAIL]
    if not failed:
        return 0
    return 2 if all(line.configuration for line in failed) else 4
