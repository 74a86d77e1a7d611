"""Scans of container images: in which format, of which image, what is known since when, and whether they are whole."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from iacgate.errors import InputError
from iacgate.model.image import parse_image
from iacgate.model.image_scan import ImageScan, Vulnerability
from iacgate.model.scan import Scan
from iacgate.scanners.image_scans import read_image_scans, split_image

IMAGES = Path(__file__).parents[3] / "fixtures" / "scans" / "images"
DIGEST = "sha256:" + "0123456789abcdef" * 4
XZ = ("CVE-2024-3094", "critical", "xz-utils")


def document(name: str) -> Any:
    return json.loads((IMAGES / name).read_bytes())


def read(given: Any, image: str = "") -> Scan:
    (scan,) = read_image_scans(given, "s.json", parse_image(image) if image else None)
    return scan


def first(scan: Scan) -> ImageScan:
    return scan.images[0]


@pytest.mark.parametrize(
    ("name", "tool", "time", "found"),
    [
        ("ecr.json", "ecr", "2026-03-02T07:11:04Z", Vulnerability(*XZ, "5.6.0-0.2")),
        (
            *("ecr-enhanced.json", "inspector", "2026-03-02T07:11:04Z"),
            Vulnerability("CVE-2024-6119", "high", "openssl", "3.0.14", "0:3.0.15-1", "2024-09-03T00:00:00Z"),
        ),
        (
            *("artifact-analysis.json", "artifact-analysis", "2026-03-02T05:59:00Z"),
            Vulnerability(
                *("CVE-2024-3094", "high", "xz-utils", "5.6.0-0.2"), "5.6.1+really5.4.5-1", "2026-03-01T06:00:01Z"
            ),
        ),
        (
            *("defender.json", "defender", "2026-03-02T07:00:00Z"),
            Vulnerability(*XZ, "5.6.0", "5.6.1", "2024-03-29T17:15:00Z"),
        ),
        ("trivy.sarif", "trivy", "", Vulnerability(*XZ, "5.6.0-0.2", "5.6.1")),
    ],
)
def test_each_format_is_told_by_itself(name: str, tool: str, time: str, found: Vulnerability) -> None:
    scan = read(document(name))
    one = first(scan)
    assert (scan.receipt.tool, scan.problem, scan.findings) == (tool, "", ())
    assert (one.digests, one.time, one.problem, one.vulnerabilities[0]) == ((DIGEST,), time, "", found)


class TestSarif:
    def test_what_does_not_name_its_image_must_be_given_with_it(self) -> None:
        with pytest.raises(InputError, match="does not say the digest"):
            read(document("grype.sarif"))  # the digest in its logical locations is that of a layer
        one = first(read(document("grype.sarif"), f"registry.example.com/shop/app@{DIGEST}"))
        assert (one.digests, one.named) == ((DIGEST,), False)
        assert one.vulnerabilities == (Vulnerability(*XZ, "5.6.0-0.2", "5.6.1"),)

    def test_a_scan_of_another_image_than_it_was_given_for_is_no_evidence(self) -> None:
        scan = read(document("trivy.sarif"), f"registry.example.com/shop/app@sha256:{'f' * 64}")
        assert (scan.problem, scan.images) == ("it is of another image than the one that it was given for", ())

    def test_the_id_of_an_image_is_not_taken_for_its_digest(self) -> None:
        given = document("trivy.sarif")
        del given["runs"][0]["properties"]["repoDigests"]
        with pytest.raises(InputError, match="does not say the digest"):
            read(given)

    def test_secrets_and_licences_in_an_image_are_no_vulnerabilities(self) -> None:
        given = document("trivy.sarif")
        given["runs"][0]["tool"]["driver"]["rules"][0]["name"] = "License"
        assert first(read(given)).vulnerabilities == ()

    def test_the_standard_place_for_the_first_sighting_is_read(self) -> None:
        given = document("trivy.sarif")
        given["runs"][0]["results"][0]["provenance"] = {"firstDetectionTimeUtc": "2026-01-01T00:00:00Z"}
        assert first(read(given)).vulnerabilities[0].since == "2026-01-01T00:00:00Z"

    def test_a_run_that_failed_is_no_evidence(self) -> None:
        given = document("trivy.sarif")
        given["runs"][0]["invocations"] = [{"executionSuccessful": False}]
        assert read(given).problem == "its run failed"


def ecr(**changes: Any) -> Any:
    return {**document("ecr.json"), **changes}


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (ecr(imageScanStatus={"status": "IN_PROGRESS"}), "its status is IN_PROGRESS"),
        (ecr(imageScanStatus={"status": "FAILED"}, imageScanFindings=None), "its status is FAILED"),
        (ecr(imageScanStatus={"status": "UNSUPPORTED_IMAGE"}), "its status is UNSUPPORTED_IMAGE"),
        (ecr(imageScanStatus={}), "it does not say its status"),
        (ecr(imageScanFindings=None), "it holds no list of findings"),
        (ecr(nextToken="more"), "it has further pages, which are not here"),
        (ecr(imageScanFindings={"findingSeverityCounts": {"HIGH": 1}}), "it counts more findings than it lists"),
        (
            {**document("artifact-analysis.json"), "nextPageToken": "more"},
            "it has further pages, which are not here",
        ),
        (
            {"occurrences": document("artifact-analysis.json")["occurrences"][1:2]},
            "no occurrence of kind DISCOVERY shows that it has ended",
        ),
        (document("artifact-analysis.json")["occurrences"][2:], "its status is SCANNING"),
        (
            {"data": document("defender.json"), "skip_token": "more"},
            "it has further pages, which are not here",
        ),
    ],
)
def test_a_scan_that_is_not_whole_shows_nothing(given: Any, problem: str) -> None:
    assert first(read(given)).problem == problem


def without_digest(name: str) -> Any:
    return json.loads((IMAGES / name).read_text().replace(f"@{DIGEST}", "").replace(DIGEST, ""))


@pytest.mark.parametrize(
    "given",
    [
        *({}, [], None, 7, "text", {"imageId": {}}, {"occurrences": []}, {"value": []}, {"Results": []}),
        *({"occurrences": "x"}, {"occurrences": [{"kind": "DISCOVERY"}]}, {"runs": [], "version": "2.1.0"}),
        *(ecr(imageId={"imageTag": "1.4"}), ecr(imageScanFindings={"findings": "x"}), ecr(imageId="x")),
        *(without_digest("artifact-analysis.json"), without_digest("defender.json"), {"runs": 7, "version": "2.1.0"}),
        [{"properties": {"additionalData": {"assessedResourceType": "ServerVulnerability"}}}],
    ],
)
def test_what_is_none_of_them_is_refused(given: Any) -> None:
    with pytest.raises(InputError, match=r"^s\.json "):
        read(given)


def test_what_a_cloud_has_closed_is_gone_and_what_it_suppresses_is_not() -> None:
    given = document("ecr-enhanced.json")
    finding = given["imageScanFindings"]["enhancedFindings"][0]
    for status, left in (("CLOSED", 0), ("SUPPRESSED", 1)):
        changed = copy.deepcopy(given)
        changed["imageScanFindings"]["enhancedFindings"] = [{**finding, "status": status}]
        assert len(first(read(changed)).vulnerabilities) == left, status


def test_an_image_before_the_file_needs_a_digest() -> None:
    assert split_image("a=b.json") == (None, "a=b.json")
    assert split_image(f"app@{DIGEST}=dir/x=y.json") == (parse_image(f"app@{DIGEST}"), "dir/x=y.json")
