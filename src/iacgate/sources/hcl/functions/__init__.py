"""Functions of Terraform's language."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

__all__ = ["FileContext", "Function", "functions"]


class FileContext(NamedTuple):
    """Where functions that read files look."""

    directory: Path
    root: Path
    render: Callable[[str, dict[str, Any]], Any]


class Function(NamedTuple):
    """One function."""

    call: Callable[[list[Any], FileContext], Any]
    accepts_unknown: bool


def functions() -> Mapping[str, Function]:
    """All functions by name."""
    return {}
