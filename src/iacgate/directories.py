"""The user's directories, by the XDG Base Directory Specification: a relative path in a variable counts as none."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["cache_directory", "data_directory"]


def cache_directory() -> Path:
    """The user's cache directory for iacgate; what is in it may be deleted at any time."""
    return _base("XDG_CACHE_HOME", ".cache") / "iacgate"


def data_directory() -> Path:
    """The user's data directory for iacgate."""
    return _base("XDG_DATA_HOME", ".local", "share") / "iacgate"


def _base(variable: str, *default: str) -> Path:
    chosen = os.environ.get(variable) or ""
    return Path(chosen) if Path(chosen).is_absolute() else Path.home().joinpath(*default)
