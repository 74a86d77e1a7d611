"""Microsoft Defender for Cloud: sub-assessments of images in registries, from its API or from Azure Resource Graph.

An image without vulnerabilities has no sub-assessment but, at times, a healthy one: what the list does not name is not
scanned, as far as the list shows.
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

__all__ = ["is_defender", "read_defender"]

_MORE = ("nextLink", "$skipToken", "skip_token")


class _Part(msgspec.Struct, rename="camel"):
    pass


class _Details(_Part):
    severity: str = ""
    published_date: str | None = None
    cve_id: str = ""


class _Artifact(_Part):
    registry_host: str = ""
    repository_name: str = ""
    digest: str = ""
    tags: list[str] | None = None


class _Software(_Part):
    package_name: str = ""
    version: str = ""
    fixed_version: str | None = None


class _Additional(_Part):
    artifact_details: _Artifact
    vulnerability_details: _Details = msgspec.field(default_factory=_Details)
    software_details: _Software = msgspec.field(default_factory=_Software)


class _Status(_Part):
    code: str = ""
    severity: str = ""


class _Properties(_Part):
    additional_data: _Additional
    id: str = ""
    time_generated: str = ""
    status: _Status = msgspec.field(default_factory=_Status)


class _SubAssessment(_Part):
    properties: _Properties


def is_defender(document: Any) -> bool:
    """Whether it is such a list, in one of the wrappings that its tools write."""
    listed = _listed(document)
    properties = listed[0].get("properties") if listed and isinstance(listed[0], dict) else None
    return isinstance(properties, dict) and "additionalData" in properties


def read_defender(document: Any, source: str) -> Scan:
    """The scans of all images in it. Raises ``InputError`` when it is malformed."""
    try:
        listed = msgspec.convert(_listed(document), list[_SubAssessment])
    except msgspec.ValidationError as error:
        raise InputError(f"{source} is a list of sub-assessments but malformed: {error}") from None
    by_image: dict[str, list[_Properties]] = defaultdict(list)
    for one in listed:
        digest = one.properties.additional_data.artifact_details.digest
        if not digest:
            raise InputError(f"{source} holds a sub-assessment that names no image by its digest")
        by_image[digest].append(one.properties)
    more = isinstance(document, dict) and any(document.get(key) for key in _MORE)
    problem = "it has further pages, which are not here" if more else ""
    scans = tuple(_image(digest, ones, problem) for digest, ones in by_image.items())
    return Scan(source, Receipt("defender", time=earliest(*(one.time for one in scans))), images=scans)


def _listed(document: Any) -> list[Any]:
    if isinstance(document, dict):
        document = document.get("value", document.get("data"))
    return document if isinstance(document, list) else []


def _image(digest: str, ones: list[_Properties], problem: str) -> ImageScan:
    tags = {
        tag
        for one in ones
        for text in one.additional_data.artifact_details.tags or ()
        if (tag := _tag(one.additional_data.artifact_details, text))
    }
    return ImageScan(
        (digest,),
        tuple(sorted(tags)),
        earliest(*(one.time_generated for one in ones)),  # the oldest counts: neither makes another younger
        problem,
        tuple(_vulnerability(one) for one in ones if one.status.code != "Healthy"),
    )


def _tag(artifact: _Artifact, tag: str) -> str:
    try:
        return parse_image(f"{artifact.registry_host}/{artifact.repository_name}:{tag}").tagged
    except ImageReferenceError:
        return ""


def _vulnerability(one: _Properties) -> Vulnerability:
    details, software = one.additional_data.vulnerability_details, one.additional_data.software_details
    return Vulnerability(
        name(details.cve_id or one.id) or "unnamed",
        severity_of(details.severity) or severity_of(one.status.severity),
        name(software.package_name),
        name(software.version),
        name(software.fixed_version or ""),
        time_of(details.published_date or ""),
    )
