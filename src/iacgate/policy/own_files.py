"""What people who write checks and policies keep in a directory or a file, and what is wrong with it."""

import re
from pathlib import Path
from typing import Any, NamedTuple

from iacgate.errors import PolicyError, Problem, UsageError
from iacgate.policy.catalogue import lint_files, load_directories, read_check_files
from iacgate.policy.policy_file import read_policy
from iacgate.policy.policy_set import idle_parts, unknown_names
from iacgate.policy.yaml_nodes import Source

__all__ = ["CheckFiles", "OwnFiles", "lint", "read_own_files"]

_BUNDLE = re.compile(rb"""^(\xef\xbb\xbf)?schema:\s*["']?iacgate/policy/""", re.MULTILINE)


class CheckFiles(NamedTuple):
    """Files of checks below one directory, as (relative path, content)."""

    root: Path
    files: list[tuple[str, bytes]]


class Bundle(NamedTuple):
    """A policy bundle and where it stands."""

    file: Path
    content: bytes


class OwnFiles(NamedTuple):
    """Everything that a path holds."""

    checks: list[CheckFiles]
    bundles: list[Bundle]


def read_own_files(path: Path) -> OwnFiles:
    """The checks and policy bundles of a directory; one check; or a bundle and the checks that it brings.

    Raises ``PolicyError`` when there are none, and ``UsageError`` when they cannot be read.
    """
    if not path.is_file():
        return _directory(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {(error.strerror or 'unreadable').lower()}") from None
    if not _BUNDLE.search(content) and path.suffix in (".yaml", ".yml") and re.search(rb"^id:", content, re.MULTILINE):
        return OwnFiles([CheckFiles(path.parent, [(path.name, content)])], [])
    bundle = Bundle(path, content)
    normal, _ = _read(bundle)
    found = [_directory(root).checks for root in _roots(bundle, normal)]
    return OwnFiles([one for checks in found for one in checks], [bundle])


def _directory(root: Path) -> OwnFiles:
    files = read_check_files(root)
    if not files:
        raise PolicyError(f"there are no checks in {root}", hint="a check is a file DIR/…/ID.yaml")
    bundles = [Bundle(root / name, content) for name, content in files if _BUNDLE.search(content)]
    checks = [(name, content) for name, content in files if not _BUNDLE.search(content)]
    return OwnFiles([CheckFiles(root, checks)] if checks else [], bundles)


def lint(own: OwnFiles, schema_file: Path | None = None) -> list[Problem]:
    """Every problem of checks and bundles, and what of a bundle selects nothing, as a warning."""
    problems = [problem for one in own.checks for problem in lint_files(one.root, one.files, schema_file)[1]]
    for bundle in own.bundles:
        normal, found = _read(bundle)
        problems += found
        if normal is None or any(not problem.warning for problem in problems):
            continue  # what it names can be told when all can be read
        try:
            catalogue = load_directories(_roots(bundle, normal))
        except PolicyError as error:
            problems += error.problems or [Problem(str(bundle.file), 0, 0, error.message)]
            continue
        unknown = unknown_names(normal, catalogue, str(bundle.file))
        problems += unknown or idle_parts(normal, catalogue, str(bundle.file))
    return problems


def _read(bundle: Bundle) -> tuple[dict[str, Any] | None, list[Problem]]:
    source = Source(str(bundle.file))
    normal = read_policy(bundle.content, source)
    return normal, source.problems


def _roots(bundle: Bundle, normal: dict[str, Any] | None) -> list[Path]:
    return [bundle.file.parent / directory for directory in normal["checks"]] if normal else []
