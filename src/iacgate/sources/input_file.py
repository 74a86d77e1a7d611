"""Bytes of an input, within a size limit, from a file, a pipe or standard input."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

from iacgate.errors import InputError, NotAPlanError

__all__ = ["read_input"]

_ZIP = b"PK\x03\x04"


def read_input(path: str, limit: int) -> bytes:
    """The whole input; ``-`` is standard input. Raises ``InputError`` when there is none, or too much of it."""
    try:
        if path == "-":
            if sys.stdin is None:  # closed by the caller
                raise InputError("standard input is closed")
            data = sys.stdin.buffer.read(limit + 1)
        else:
            status = Path(path).stat()
            if stat.S_ISDIR(status.st_mode):
                raise NotAPlanError(
                    f"{path} is a directory, and a plan is a file",
                    hint="terraform plan -out tfplan && terraform show -json tfplan > plan.json",
                )
            if status.st_size > limit:
                raise _too_large(path, limit)
            with Path(path).open("rb") as file:
                data = file.read(limit + 1)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {(error.strerror or 'unreadable').lower()}") from None
    except ValueError:
        raise InputError("the path holds a character that no path can hold") from None
    if len(data) > limit:
        raise _too_large(path, limit)
    if data.startswith(_ZIP):
        raise NotAPlanError(
            f"{path} is a binary plan (or another zip file); give its JSON",
            hint=f"terraform show -json {path} > plan.json && iacgate check plan.json",
        )
    return data


def _too_large(path: str, limit: int) -> InputError:
    return InputError(f"{path} is larger than {limit // 2**20} MiB", hint="raise it with --max-input-bytes")
