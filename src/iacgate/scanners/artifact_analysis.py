"""Google Artifact Analysis: a list of occurrences, as its API and ``gcloud`` give it.

That an image has no vulnerability shows only its occurrence of kind DISCOVERY, whose analysis has ended.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import msgspec

from iacgate.errors import InputError
from iacgate.model.image import ImageReferenceError, parse_image
from iacgate.model.image_scan import ImageScan, Vulnerability
from iacgate.model.scan import Receipt, Scan
from iacgate.scanners.image_words import earliest, name, severity_of, time_of

__all__ = ["is_artifact_analysis", "read_artifact_analysis"]

_KINDS = frozenset({"DISCOVERY", "VULNERABILITY"})


class _Part(msgspec.Struct, rename="camel"):
    pass


class _Version(_Part):
    full_name: str = ""
    name: str = ""
    kind: str = ""


class _Issue(_Part):
    affected_package: str = ""
    affected_version: _Version = msgspec.field(default_factory=_Version)
    fixed_version: _Version = msgspec.field(default_factory=_Version)


class _Vulnerability(_Part):
    effective_severity: str = ""
    severity: str = ""
    short_description: str = ""
    package_issue: list[_Issue] = []


class _Discovery(_Part):
    analysis_status: str = ""
    last_scan_time: str = ""


class _Occurrence(_Part):
    resource_uri: str = ""
    kind: str = ""
    note_name: str = ""
    create_time: str = ""
    update_time: str = ""
    vulnerability: _Vulnerability | None = None
    discovery: _Discovery | None = None


class _List(_Part):
    occurrences: list[_Occurrence] = []
    next_page_token: str = ""


def is_artifact_analysis(document: Any) -> bool:
    """Whether it is such a list, or one of occurrences alone."""
    if isinstance(document, dict):
        return "occurrences" in document
    return isinstance(document, list) and bool(document) and isinstance(document[0], dict) and "noteName" in document[0]


def read_artifact_analysis(document: Any, source: str) -> Scan:
    """The scans of all images in it. Raises ``InputError`` when it is malformed, or about no image."""
    try:
        listed = msgspec.convert(document if isinstance(document, dict) else {"occurrences": document}, _List)
    except msgspec.ValidationError as error:
        raise InputError(f"{source} is a list of occurrences but malformed: {error}") from None
    by_image: dict[str, list[_Occurrence]] = defaultdict(list)
    for one in listed.occurrences:
        if one.kind in _KINDS:
            by_image[_digest(one.resource_uri, source)].append(one)
    if not by_image:
        raise InputError(f"{source} holds no occurrence of a scan: nothing shows that an image was looked at")
    problem = "it has further pages, which are not here" if listed.next_page_token else ""
    scans = tuple(_image(digest, ones, problem) for digest, ones in by_image.items())
    return Scan(source, Receipt("artifact-analysis", time=earliest(*(one.time for one in scans))), images=scans)


def _digest(uri: str, source: str) -> str:
    try:
        digest = parse_image(uri.removeprefix("https://")).digest
    except ImageReferenceError:
        digest = ""
    if not digest:
        raise InputError(f"{source} holds an occurrence that names no image by its digest")
    return digest


def _image(digest: str, occurrences: list[_Occurrence], problem: str) -> ImageScan:
    discovered = [one for one in occurrences if one.discovery is not None]
    statuses = {one.discovery.analysis_status for one in discovered if one.discovery is not None}
    if not statuses:
        problem = problem or "no occurrence of kind DISCOVERY shows that it has ended"
    elif statuses != {"FINISHED_SUCCESS"}:
        problem = problem or f"its status is {name(min(statuses - {'FINISHED_SUCCESS'})) or 'not said'}"
    time = earliest(*(one.discovery.last_scan_time or one.update_time for one in discovered if one.discovery))
    found = [one for occurrence in occurrences for one in _vulnerabilities(occurrence)]
    return ImageScan((digest,), time=time, problem=problem, vulnerabilities=tuple(found))


def _vulnerabilities(occurrence: _Occurrence) -> list[Vulnerability]:
    one = occurrence.vulnerability
    if one is None:
        if occurrence.kind == "VULNERABILITY":
            return [Vulnerability(name(occurrence.note_name.rpartition("/")[2]) or "unnamed", None)]
        return []
    return [
        Vulnerability(
            name(one.short_description or occurrence.note_name.rpartition("/")[2]) or "unnamed",
            severity_of(one.effective_severity) or severity_of(one.severity),
            name(issue.affected_package),
            name(issue.affected_version.full_name or issue.affected_version.name),
            "" if issue.fixed_version.kind == "MAXIMUM" else name(issue.fixed_version.full_name),
            time_of(occurrence.create_time),
        )
        for issue in one.package_issue or [_Issue()]
    ]
