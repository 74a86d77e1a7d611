"""Amazon ECR: the answer of ``DescribeImageScanFindings``, of basic scanning and of Amazon Inspector (enhanced).

It names the image by digest, and the registry only by account, without the region: so its tags are not read.
"""

from __future__ import annotations

from typing import Any

import msgspec

from iacgate.errors import InputError
from iacgate.model.image_scan import ImageScan, Vulnerability
from iacgate.model.scan import Receipt, Scan
from iacgate.scanners.image_words import earliest, name, severity_of, time_of

__all__ = ["is_ecr", "read_ecr"]

_ENDED = frozenset({"COMPLETE", "ACTIVE"})
"""ACTIVE: Inspector goes on looking."""


class _Part(msgspec.Struct, rename="camel"):
    pass


class _ImageId(_Part):
    image_digest: str = ""


class _Status(_Part):
    status: str = ""


class _Attribute(_Part):
    key: str
    value: str = ""


class _Finding(_Part):
    name: str
    severity: str = ""
    attributes: list[_Attribute] = []


class _Package(_Part):
    name: str = ""
    version: str = ""
    fixed_in_version: str = ""


class _PackageDetails(_Part):
    vulnerability_id: str = ""
    vendor_created_at: Any = None
    vulnerable_packages: list[_Package] = []


class _Enhanced(_Part):
    severity: str = ""
    status: str = ""
    title: str = ""
    first_observed_at: Any = None
    package_vulnerability_details: _PackageDetails | None = None


class _Findings(_Part):
    image_scan_completed_at: Any = None
    findings: list[_Finding] = []
    enhanced_findings: list[_Enhanced] = []
    finding_severity_counts: dict[str, int] = {}


class _Answer(_Part):
    image_id: _ImageId
    image_scan_status: _Status = msgspec.field(default_factory=_Status)
    image_scan_findings: _Findings | None = None
    next_token: str | None = None


def is_ecr(document: Any) -> bool:
    """Whether it is such an answer."""
    return isinstance(document, dict) and "imageId" in document and "repositoryName" in document


def read_ecr(document: Any, source: str) -> Scan:
    """The scan of one image. Raises ``InputError`` when it is malformed."""
    try:
        answer = msgspec.convert(document, _Answer)
    except msgspec.ValidationError as error:
        raise InputError(f"{source} is an answer of ECR but malformed: {error}") from None
    if not answer.image_id.image_digest:
        raise InputError(f"{source} does not say the digest of its image")
    found = answer.image_scan_findings
    vulnerabilities = [] if found is None else [*map(_basic, found.findings)]
    for one in found.enhanced_findings if found is not None else ():
        if one.status != "CLOSED":
            vulnerabilities += _enhanced(one)
    scan = ImageScan(
        (answer.image_id.image_digest,),
        time=time_of(found.image_scan_completed_at) if found is not None else "",
        problem=_problem(answer),
        vulnerabilities=tuple(vulnerabilities),
    )
    tool = "inspector" if found is not None and found.enhanced_findings else "ecr"
    return Scan(source, Receipt(tool, time=scan.time), images=(scan,))


def _problem(answer: _Answer) -> str:
    status = answer.image_scan_status.status
    if status not in _ENDED:
        return f"its status is {name(status)}" if status else "it does not say its status"
    if answer.next_token:
        return "it has further pages, which are not here"
    found = answer.image_scan_findings
    if found is None:
        return "it holds no list of findings"
    counted = sum(found.finding_severity_counts.values())
    if counted > max(len(found.findings), len(found.enhanced_findings)):
        return "it counts more findings than it lists"
    return ""


def _basic(finding: _Finding) -> Vulnerability:
    attributes = {one.key: one.value for one in finding.attributes}
    return Vulnerability(
        name(finding.name),
        severity_of(finding.severity),
        name(attributes.get("package_name", "")),
        name(attributes.get("package_version", "")),
    )


def _enhanced(finding: _Enhanced) -> list[Vulnerability]:
    details = finding.package_vulnerability_details or _PackageDetails()
    since = earliest(finding.first_observed_at, details.vendor_created_at)
    return [
        Vulnerability(
            name(details.vulnerability_id or finding.title) or "unnamed",
            severity_of(finding.severity),
            name(package.name),
            name(package.version),
            "" if package.fixed_in_version == "NotAvailable" else name(package.fixed_in_version),
            since,
        )
        for package in details.vulnerable_packages or [_Package()]
    ]
