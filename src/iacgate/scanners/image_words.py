"""Severities and times as scanners of images write them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from iacgate.model.finding import Severity
from iacgate.scanners.receipt import utc_time
from iacgate.scanners.text import NAME_LIMIT, plain

__all__ = ["earliest", "name", "severity_of", "time_of"]

_WORDS = {one.value: one for one in Severity} | {
    "informational": Severity.LOW,
    "minimal": Severity.LOW,
    "negligible": Severity.LOW,
    "moderate": Severity.MEDIUM,
    "important": Severity.HIGH,
}


def severity_of(word: str) -> Severity | None:
    """``None`` for UNDEFINED, UNTRIAGED, SEVERITY_UNSPECIFIED and whatever else is no severity."""
    return _WORDS.get(word.strip().lower())


def time_of(value: Any) -> str:
    """A time as RFC 3339 in UTC, from text or from seconds since 1970, as AWS's first CLI writes them; else empty."""
    if isinstance(value, str):
        return utc_time(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return datetime.fromtimestamp(value, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        except (ValueError, OverflowError, OSError):
            return ""
    return ""


def earliest(*values: Any) -> str:
    """The earliest of the times that are some; empty when none is."""
    return min(filter(None, map(time_of, values)), default="")


def name(text: str) -> str:
    """A name fit for a report."""
    return plain(text, NAME_LIMIT)
