"""SARIF of scanners of container images.

Looked up in what each of them writes:

============  =================================================================================================
Trivy         ``repoDigests``, ``repoTags`` and ``imageName`` in the run's properties; package and versions in the
              message, line by line
Grype, Snyk   package and versions in the rule's help; nothing that surely names the image: say it, IMAGE=FILE
Docker Scout  ``fixed_version`` and ``purls`` in the rule's properties; as above
============  =================================================================================================

None of them writes since when a vulnerability is known; SARIF has a place for it (3.48.3), which is read. The image's
id (``imageID``) is the digest of its configuration, by which nobody can name it, and is not read.
"""

from __future__ import annotations

import re
from typing import Any

from iacgate.errors import InputError
from iacgate.model.finding import Severity
from iacgate.model.image import ImageReference, ImageReferenceError, parse_image
from iacgate.model.image_scan import ImageScan, Vulnerability
from iacgate.model.scan import Scan
from iacgate.scanners.image_words import name, severity_of, time_of
from iacgate.scanners.sarif import runs_of, scan_of_run
from iacgate.scanners.sarif_log import Result, Rule, Run
from iacgate.scanners.sarif_results import is_failure, read_result, rule_of, rules_by_id

__all__ = ["read_image_sarif"]

_NO_VULNERABILITY = frozenset({"Misconfiguration", "Secret", "License"})
"""Names of rules with which Trivy finds something else in an image."""
_ID = re.compile(r"\b(?:CVE-\d{4}-\d{4,}|GHSA(?:-[23456789cfghjmpqrvwx]{4}){3})\b")
_PACKAGE = re.compile(r"^Package: ?(.+)$", re.MULTILINE)
_VERSION = re.compile(r"^(?:Installed )?Version: ?(.+)$", re.MULTILINE)
_FIXED = re.compile(r"^Fix(?:ed)? Version: ?(.+)$", re.MULTILINE)
_SEVERITY = re.compile(r"^Severity: ?(\w+)$", re.MULTILINE)


def read_image_sarif(document: Any, source: str, image: ImageReference | None) -> list[Scan]:
    """One scan a run. ``image``: what the caller says it is of. Raises ``InputError`` when nobody says it."""
    return [_read_run(run, source, image) for run in runs_of(document, source)]


def _read_run(run: Run, source: str, image: ImageReference | None) -> Scan:
    digests, tags = _said(run)
    if image is None and not digests:
        raise InputError(
            f"{source} does not say the digest of the image that it is of",
            hint="name it: --import-image-scan REGISTRY/REPOSITORY@sha256:DIGEST=FILE",
        )
    scan = scan_of_run(run, source)
    if image is not None and digests and image.digest not in digests:
        return scan._replace(problem=scan.problem or "it is of another image than the one that it was given for")
    by_id, tool = rules_by_id(run), scan.receipt.tool
    found = []
    for result in run.results or ():
        ruled, rule = rule_of(result, run, by_id)
        if is_failure(result, ruled, tool) and not (rule is not None and rule.name in _NO_VULNERABILITY):
            found.append(_vulnerability(result, ruled, rule, run, tool))
    named = bool(digests)
    if image is not None:
        digests = (*digests, image.digest)
    one = ImageScan(tuple(dict.fromkeys(digests)), tags, scan.receipt.time, "", tuple(found), named)
    return scan._replace(images=(one,))


def _said(run: Run) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Digests and tags that the run's properties name."""
    digests: list[str] = []
    tags: list[str] = []
    for text in (*_texts(run.properties.get("repoDigests")), *_texts([run.properties.get("imageName")])):
        try:
            digests += filter(None, [parse_image(text).digest])
        except ImageReferenceError:
            continue
    for text in _texts(run.properties.get("repoTags")):
        try:
            tags.append(parse_image(text).tagged)
        except ImageReferenceError:
            continue
    return tuple(dict.fromkeys(digests)), tuple(dict.fromkeys(tags))


def _texts(value: Any) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _vulnerability(result: Result, ruled: str, rule: Rule | None, run: Run, tool: str) -> Vulnerability:
    properties = rule.properties if rule is not None else {}
    told = f"{result.message.text}\n{rule.help.text if rule is not None and rule.help is not None else ''}"
    known = _ID.search(ruled)
    purls = _texts(properties.get("purls"))
    fixed = properties.get("fixed_version")
    fixed = _first(_FIXED, told) or (fixed if isinstance(fixed, str) else "")
    return Vulnerability(
        known[0] if known else name(ruled),
        _severity(told, result, ruled, rule, run, tool),
        name(_first(_PACKAGE, told) or (purls[0] if purls else "")),
        name(_first(_VERSION, told)),
        "" if fixed == "not fixed" else name(fixed),
        time_of(result.provenance.first_detection_time_utc) if result.provenance is not None else "",
    )


def _severity(told: str, result: Result, ruled: str, rule: Rule | None, run: Run, tool: str) -> Severity | None:
    """As the scanner says it in words (a distribution's view, say); else by its score or level."""
    return severity_of(_first(_SEVERITY, told)) or read_result(result, ruled, rule, run, tool).severity


def _first(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text[:20_000])
    return found[1].strip() if found else ""
