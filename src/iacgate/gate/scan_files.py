"""Results of other scanners, read from files and servers: each becomes a scan, or a scan with a problem.

What cannot be read does not end the run: the plan is judged all the same, and the outcome is an error that names the
file. Formats are told by the option that names the file, never guessed; only scans of images, of which each cloud
writes its own, are told apart by what they must have in common.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from msgspec import Raw

from iacgate.errors import InputError
from iacgate.model.scan import Receipt, Scan
from iacgate.scanners.conftest import read_conftest
from iacgate.scanners.image_scans import read_image_scans, split_image
from iacgate.scanners.receipt import GivenReceipt, read_receipt, with_receipt
from iacgate.scanners.sarif import read_sarif
from iacgate.scanners.sonarqube import ask_sonarqube, is_url, read_quality_gate
from iacgate.sources.json_text import decode, to_utf8

__all__ = ["MAX_BYTES", "ScanFiles", "read_results", "read_scans"]

MAX_BYTES = 32 * 1024 * 1024
"""Bytes of one file of results. GitHub refuses SARIF of more than 10 MB, compressed."""


class ScanFiles(NamedTuple):
    """What the caller gives, by option."""

    sarif: tuple[str, ...] = ()
    conftest: tuple[str, ...] = ()
    sonarqube: tuple[str, ...] = ()
    """Addresses, or files with an answer."""
    images: tuple[str, ...] = ()
    """Scans of container images, in whichever format."""
    receipts: tuple[str, ...] = ()
    token: str = ""
    """For SonarQube; empty: none."""


def read_scans(files: ScanFiles) -> tuple[Scan, ...]:
    """Every scan once, with its receipt. Raises ``UsageError`` for an address that cannot be asked."""
    scans = [
        *_each(files.sarif, "unknown", lambda path: _read(path, read_sarif)),
        *_each(files.conftest, "conftest", lambda path: [_read(path, read_conftest)]),
        *_each(files.images, "unknown", _image_scans),
        *_each(files.sonarqube, "sonarqube", lambda path: [_quality_gate(path, files.token)]),
    ]
    once = list(dict.fromkeys(scan._replace(source="") for scan in scans))
    kept = [next(scan for scan in scans if scan._replace(source="") == one) for one in once]
    return tuple(_with_receipts(kept, files.receipts))


def read_results(path: str) -> bytes:
    """The bytes of one file of results. Raises ``InputError`` when there are none, or too many."""
    try:
        with Path(path).open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {(error.strerror or 'unreadable').lower()}") from None
    except ValueError:
        raise InputError("a path holds a character that no path can hold") from None
    if len(data) > MAX_BYTES:
        raise InputError(f"{path} is larger than {MAX_BYTES // 2**20} MiB: no scan of one root module is")
    return data


def _each(paths: Iterable[str], tool: str, read: Callable[[str], list[Scan]]) -> list[Scan]:
    scans = []
    for path in dict.fromkeys(paths):
        try:
            scans += read(path)
        except InputError as error:
            scans.append(Scan(path, Receipt(tool), problem=error.message))
    return scans


def _read(path: str, reader: Callable[[Any, str], Any]) -> Any:
    data = read_results(path)
    read = reader(_document(data, path), path)
    digest = hashlib.sha256(data).hexdigest()
    return [one._replace(sha256=digest) for one in read] if isinstance(read, list) else read._replace(sha256=digest)


def _image_scans(given: str) -> list[Scan]:
    """Of a file, or of ``IMAGE=FILE``, where the file itself does not say of which image it is."""
    image, path = split_image(given)
    scans: list[Scan] = _read(path, lambda document, source: read_image_scans(document, source, image))
    return scans


def _document(data: bytes, path: str) -> Any:
    """JSON without a key that stands twice anywhere, in any encoding that a shell writes."""
    return decode(Raw(to_utf8(data, path)), Any, path, exact=True, limit=MAX_BYTES * 4)


def _quality_gate(path: str, token: str) -> Scan:
    if is_url(path):
        return ask_sonarqube(path, token)
    scan: Scan = _read(path, read_quality_gate)
    return scan


def _with_receipts(scans: list[Scan], paths: Sequence[str]) -> list[Scan]:
    for path in dict.fromkeys(paths):
        try:
            given = read_receipt(_document(read_results(path), path), path)
        except InputError as error:
            scans.append(Scan(path, Receipt("unknown"), problem=error.message))
            continue
        about = [number for number, scan in enumerate(scans) if _belongs(given, scan)]
        for number in about:
            scans[number] = with_receipt(scans[number], given)
        if not about:
            scans.append(Scan(path, given.receipt, problem="this receipt belongs to no results that were given"))
    return scans


def _belongs(given: GivenReceipt, scan: Scan) -> bool:
    """By the digest of the results where the receipt names it, else by the tool."""
    if given.results_sha256 and scan.sha256:
        return given.results_sha256 == scan.sha256 and given.receipt.tool == scan.receipt.tool
    return given.receipt.tool == scan.receipt.tool
