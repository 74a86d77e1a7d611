"""What another scanner says: its findings, and the receipt that shows what it looked at.

A scan without evidence that it ran whole is no clean scan: ``problem`` says why it counts for nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from iacgate.model.finding import Location, Severity
from iacgate.model.image_scan import ImageScan

__all__ = ["Receipt", "Scan", "ScannerFinding", "image_scans_of"]


class Receipt(NamedTuple):
    """Who looked, with which rules, at what, when. An empty field: the tool does not say."""

    tool: str
    """Name in lower case: ``checkov``, ``trivy``, ``kics``, ``sonarqube``."""
    version: str = ""
    rules: int | None = None
    """How many rules it had loaded; ``None``: it does not say, which is not zero."""
    commit: str = ""
    """What was looked at, in hexadecimal; at least 7 characters."""
    time: str = ""
    """RFC 3339, UTC."""
    input_sha256: str = ""


class ScannerFinding(NamedTuple):
    """One failure that another scanner reports."""

    rule: str
    """The scanner's own id, as its documentation spells it."""
    title: str
    severity: Severity | None
    """``None``: the scanner does not say."""
    message: str
    address: str = ""
    """The Terraform address it is about; empty when the scanner names only a place."""
    location: Location | None = None
    existing: bool = False
    """The scanner itself says that it was there before (SARIF ``baselineState: unchanged``)."""
    suppressed: str = ""
    """Why the scanner suppresses it (its own skip comment, SARIF ``suppressions``); a request, not a waiver."""
    block: str = ""
    """``type.name`` without the module, as some scanners write it: less than an address."""
    base: str = ""
    """The absolute directory that ``location.file`` is relative to, where the scanner says."""


class Scan(NamedTuple):
    """One run of one scanner."""

    source: str
    """Where it came from: a file's name, or the name of the scanner that we ran."""
    receipt: Receipt
    findings: tuple[ScannerFinding, ...] = ()
    problem: str = ""
    """Why this is no evidence (failed, cut off, zero rules, fewer resources than the plan); empty: it is."""
    sha256: str = ""
    """Of the results as they were read; a receipt may name it."""
    notes: tuple[str, ...] = ()
    """How it was run, and what it could not answer, as far as that decides nothing."""
    images: tuple[ImageScan, ...] = ()
    """What it says of container images, which is evidence of a check of ours and no finding by itself."""


def image_scans_of(scans: Iterable[Scan]) -> tuple[ImageScan, ...]:
    """What scans say of container images, each with what its run says of time and problems where it does not."""
    return tuple(
        one._replace(time=one.time or scan.receipt.time, problem=one.problem or scan.problem)
        for scan in scans
        for one in scan.images
    )
