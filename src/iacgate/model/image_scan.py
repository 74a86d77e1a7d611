"""What a scanner of container images says of one image: its identity, when it was looked at, what is in it."""

from __future__ import annotations

from typing import NamedTuple

from iacgate.model.finding import Severity

__all__ = ["ImageScan", "Vulnerability"]


class Vulnerability(NamedTuple):
    """One vulnerability in one package of an image."""

    id: str
    """``CVE-2024-3094``, or another id where the scanner has none."""
    severity: Severity | None
    """``None``: the scanner does not say."""
    package: str = ""
    version: str = ""
    fixed: str = ""
    """The version that has it no more; empty: none is known."""
    since: str = ""
    """The earliest date that the scanner has for it (published, first observed), RFC 3339; empty: it has none."""


class ImageScan(NamedTuple):
    """One scan of one image."""

    digests: tuple[str, ...]
    """Digests of its manifest, or of the index that names it, as ``algorithm:hex``."""
    tags: tuple[str, ...] = ()
    """``registry/repository:tag`` in full, as the scanner itself says."""
    time: str = ""
    """When it was scanned, RFC 3339; empty: the scan does not say."""
    problem: str = ""
    """Why it shows nothing: failed, not finished, image not supported; empty: it ran to its end."""
    vulnerabilities: tuple[Vulnerability, ...] = ()
    named: bool = True
    """The scan itself says which image it is of; else whoever gave it does."""
