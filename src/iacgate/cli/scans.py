"""The options with which other scanners' results come in; ``check`` and ``explain`` share them."""

from __future__ import annotations

import re
from typing import Any

import click

from iacgate.config import resolve_secret
from iacgate.errors import UsageError
from iacgate.model.scan import Scan

__all__ = ["scan_options", "scans_of"]

_COMMIT = re.compile(r"[0-9a-fA-F]{7,64}")


def scan_options(command: Any) -> Any:
    """The options of a command that judges; their values go to ``scans_of``."""
    for option in reversed(
        (
            click.option(
                "--import-sarif",
                multiple=True,
                metavar="FILE",
                help="SARIF 2.1.0 of another scanner (Trivy, KICS, Snyk, Checkov, …); repeatable.",
            ),
            click.option(
                "--import-conftest", multiple=True, metavar="FILE", help="What `conftest test -o json` wrote."
            ),
            click.option(
                "--import-sonarqube",
                multiple=True,
                metavar="URL|FILE",
                help="Quality gate: https://HOST/?projectKey=KEY, or a file with the answer of its API; repeatable.",
            ),
            click.option(
                "--import-image-scan",
                "image_scans",
                multiple=True,
                metavar="[IMAGE=]FILE",
                help="Scan of a container image: SARIF, or what ECR, Artifact Analysis or Defender say; repeatable.",
            ),
            click.option(
                "--sonarqube-token", metavar="REFERENCE", help="SonarQube's token: env://NAME or file://PATH."
            ),
            click.option(
                "--receipt",
                "receipts",
                multiple=True,
                metavar="FILE",
                help="Shows what a scan looked at, with which rules and when; repeatable.",
            ),
            click.option(
                "--commit",
                envvar="IACGATE_COMMIT",
                metavar="SHA",
                help="The commit that is judged: scans of another one are errors.",
            ),
        )
    ):
        command = option(command)
    return command


def scans_of(
    import_sarif: tuple[str, ...],
    import_conftest: tuple[str, ...],
    import_sonarqube: tuple[str, ...],
    image_scans: tuple[str, ...],
    sonarqube_token: str | None,
    receipts: tuple[str, ...],
    commit: str | None,
) -> tuple[tuple[Scan, ...], str]:
    """The scans that the options name, and the commit. Raises ``UsageError`` where they cannot be meant."""
    if commit and not _COMMIT.fullmatch(commit):
        raise UsageError("--commit takes a commit in hexadecimal, 7 characters or more")
    scans: tuple[Scan, ...] = ()
    if import_sarif or import_conftest or import_sonarqube or image_scans or receipts:
        # Imported here: who imports no findings does not pay for it.
        from iacgate.gate.scan_files import ScanFiles, read_scans

        token = resolve_secret(sonarqube_token).decode(errors="replace").strip() if sonarqube_token else ""
        if not (token.isascii() and token.isprintable()):
            raise UsageError("the token of SonarQube holds characters that no token has")
        scans = read_scans(ScanFiles(import_sarif, import_conftest, import_sonarqube, image_scans, receipts, token))
    return scans, (commit or "").lower()
