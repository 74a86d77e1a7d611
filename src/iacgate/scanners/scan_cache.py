"""Scans that were made before, by what the scanner was given: a large plan takes a scanner minutes.

Only the user can read and write the files; what belongs to somebody else, is open to others or is not what its name
says is not used. A scan that is no evidence is never kept.
"""

from __future__ import annotations

import hashlib
import os
import stat
import time
from pathlib import Path

import msgspec

from iacgate.directories import cache_directory
from iacgate.model.scan import Scan

__all__ = ["cached_scan", "keep_scan", "scan_key"]

_FORMAT = 1
_LONGEST = 24 * 60 * 60
"""Seconds that a scan is used: policies ask how old one is."""


class _Kept(msgspec.Struct):
    format: int
    key: str
    scan: Scan


def scan_key(*parts: str) -> str:
    """The name of a scan: over everything that its result depends on."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode()
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()


def cached_scan(key: str) -> Scan | None:
    """The scan of that name, or ``None`` where there is none that can be relied on."""
    directory = _directory()
    if not _is_private(directory):
        return None
    try:
        handle = os.open(directory / f"{key}.msgpack", os.O_RDONLY | os.O_NOFOLLOW)
        with open(handle, "rb") as file:  # noqa: PTH123 - of a handle
            status = os.fstat(handle)
            if not stat.S_ISREG(status.st_mode) or not _is_mine(status):
                return None
            if not 0 <= time.time() - status.st_mtime < _LONGEST:
                return None
            kept = msgspec.msgpack.decode(file.read(), type=_Kept)
    except (OSError, msgspec.DecodeError):
        return None
    return kept.scan if kept.format == _FORMAT and kept.key == key and not kept.scan.problem else None


def keep_scan(key: str, scan: Scan) -> None:
    """Keep a scan that is evidence; a cache that cannot be written is only slower."""
    if scan.problem:
        return
    directory = _directory()
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _is_private(directory):
            return
        temporary = directory / f".{key}.{os.getpid()}"
        temporary.unlink(missing_ok=True)
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with open(handle, "wb") as file:  # noqa: PTH123 - of a handle
            file.write(msgspec.msgpack.encode(_Kept(_FORMAT, key, scan)))
        temporary.replace(directory / f"{key}.msgpack")
    except OSError:
        pass


def _directory() -> Path:
    return cache_directory() / "scans"


def _is_private(directory: Path) -> bool:
    try:
        status = directory.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) and _is_mine(status)


def _is_mine(status: os.stat_result) -> bool:
    return status.st_uid == os.geteuid() and not status.st_mode & 0o077
