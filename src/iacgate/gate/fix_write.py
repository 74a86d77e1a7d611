"""Write fixed files: each whole or not at all, and only where nobody else has been since it was judged."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from iacgate.errors import IacgateError
from iacgate.gate.fixes import FileChange

__all__ = ["write_changes"]


def write_changes(changes: Sequence[FileChange], top: Path) -> None:
    """Put the new contents in place. Raises ``IacgateError``; when one file is refused none is written."""
    for change in changes:
        _refuse(change, top)
    for change in changes:
        _replace(change)


def _refuse(change: FileChange, top: Path) -> None:
    try:
        if Path(os.path.realpath(change.path)) != Path(os.path.realpath(top)) / change.shown:
            raise IacgateError(f"{change.path} is a link, or leads out of {top}: nothing is written")
        if change.path.read_bytes() != change.before:
            message = f"{change.path} has changed since it was judged: nothing is written"
            raise IacgateError(message, hint="run it again")
    except OSError as error:
        raise IacgateError(f"{change.path} cannot be read: {(error.strerror or 'failed').lower()}") from None


def _replace(change: FileChange) -> None:
    temporary = change.path.with_name(f".{change.path.name}.{os.getpid()}.tmp")
    try:
        try:
            with temporary.open("xb") as file:
                file.write(change.after)
            temporary.chmod(change.path.stat().st_mode & 0o7777)
            temporary.replace(change.path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise IacgateError(f"{change.path} cannot be written: {(error.strerror or 'failed').lower()}") from None
