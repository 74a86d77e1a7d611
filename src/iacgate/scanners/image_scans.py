"""Scans of container images, in SARIF or as a cloud's own scanner gives them: told apart by what each must have.

What is none of them is refused. Nothing of a scan that is cut off counts as clean: where there are further pages that
nobody has read, the scan has a problem.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from iacgate.errors import InputError
from iacgate.model.image import ImageReference, ImageReferenceError, parse_image
from iacgate.model.scan import Scan
from iacgate.scanners.artifact_analysis import is_artifact_analysis, read_artifact_analysis
from iacgate.scanners.defender import is_defender, read_defender
from iacgate.scanners.ecr import is_ecr, read_ecr
from iacgate.scanners.image_sarif import read_image_sarif

__all__ = ["read_image_scans", "split_image"]

_CLOUDS: tuple[tuple[Callable[[Any], bool], Callable[[Any, str], Scan]], ...] = (
    (is_ecr, read_ecr),
    (is_artifact_analysis, read_artifact_analysis),
    (is_defender, read_defender),
)


def split_image(given: str) -> tuple[ImageReference | None, str]:
    """``IMAGE=FILE`` taken apart, where IMAGE is a reference with a digest; else all of it is the file."""
    image, _, path = given.partition("=")
    try:
        reference = parse_image(image) if path and "@" in image else None
    except ImageReferenceError:
        reference = None
    return (reference, path) if reference is not None else (None, given)


def read_image_scans(document: Any, source: str, image: ImageReference | None = None) -> list[Scan]:
    """The scans of a file. ``image``: what the caller says it is of. Raises ``InputError``."""
    if isinstance(document, dict) and "runs" in document:
        return read_image_sarif(document, source, image)
    for recognizes, read in _CLOUDS:
        if recognizes(document):
            if image is not None:
                raise InputError(f"{source} says itself of which images it is", hint="leave IMAGE= out")
            return [read(document, source)]
    raise InputError(
        f"{source} is no scan of an image that is known",
        hint="SARIF, `aws ecr describe-image-scan-findings`, a list of occurrences of Artifact Analysis, "
        "or sub-assessments of Defender for Cloud",
    )
