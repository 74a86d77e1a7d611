"""The Python packages that iacgate needs: there, new enough, importable, and not overwritten by one another.

checkov's ``bc-python-hcl2`` and our ``python-hcl2`` install the same import package. pip and uv write the files of
both; those of the last one written stay, and neither program notices (``docs/adr/0013``).
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.metadata
import re
import sys
from base64 import urlsafe_b64encode
from collections.abc import Iterator

from iacgate import __version__
from iacgate.doctor.diagnosis import Line, Status
from iacgate.errors import IacgateError

__all__ = ["look_at_hcl2", "look_at_packages"]

MODULES = {
    "azure-mgmt-resource": "azure.mgmt.resource",
    "boto3": "boto3",
    "click": "click",
    "detect-secrets": "detect_secrets",
    "google-cloud-asset": "google.cloud.asset",
    "google-re2": "re2",
    "jinja2": "jinja2",
    "msgspec": "msgspec",
    "pyyaml": "yaml",
    "rich": "rich",
}
"""Distribution -> what to import. python-hcl2 is looked at more closely."""
_OURS, _THEIRS = "python-hcl2", "bc-python-hcl2"
_OLDEST_PYTHON = (3, 11)
_BOUND = re.compile(r"(>=|<)\s*(\d+(?:\.\d+)*)")


def look_at_packages() -> Iterator[Line]:
    """Python, iacgate and each dependency."""
    python = ".".join(map(str, sys.version_info[:3]))
    old = sys.version_info < _OLDEST_PYTHON
    yield Line(
        "python", Status.FAIL if old else Status.OK, f"{python}, {sys.prefix}", "use 3.11 or newer" if old else ""
    )
    yield Line("iacgate", Status.OK, __version__)
    bounds = _bounds()
    for name, module in MODULES.items():
        yield _package(name, module, bounds.get(name, ""))


def _bounds() -> dict[str, str]:
    """What iacgate itself asks of its dependencies; nothing where it is run without being installed."""
    try:
        required = importlib.metadata.requires("iacgate") or []
    except importlib.metadata.PackageNotFoundError:
        return {}
    found = (re.match(r"([\w.-]+)\s*([^;]*)$", one) for one in required)  # those of extras have a marker
    return {match[1].lower(): match[2] for match in found if match}


def _package(name: str, module: str, bounds: str) -> Line:
    version = _version(name)
    if not version:
        return Line(name, Status.FAIL, "is not installed", _install(name + bounds))
    if not _within(version, bounds):
        return Line(name, Status.FAIL, f"{version} is not {bounds}", _install(f"'{name}{bounds}'"))
    try:
        importlib.import_module(module)
    except Exception as error:  # whatever a damaged package raises
        return Line(
            name,
            Status.FAIL,
            f"{version} cannot be imported ({type(error).__name__})",
            _install(f"--force-reinstall --no-deps {name}=={version}"),
        )
    return Line(name, Status.OK, version)


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _within(version: str, bounds: str) -> bool:
    numbers = _numbers(version)
    for sign, limit in _BOUND.findall(bounds):
        reached = numbers >= _numbers(limit)
        if reached != (sign == ">="):
            return False
    return True


def _numbers(version: str) -> list[int]:
    match = re.match(r"\d+(?:\.\d+)*", version)
    return [int(part) for part in match[0].split(".")] if match else []


def look_at_hcl2() -> Iterator[Line]:
    """Whether ``hcl2`` is python-hcl2's, by the digests it was installed with and by what it can do."""
    ours, theirs = _version(_OURS), _version(_THEIRS)
    if not ours:
        yield Line(_OURS, Status.FAIL, "is not installed", _install(_OURS + _bounds().get(_OURS, "")))
        return
    changed = _changed_files(_OURS)
    works = _reads_hcl()
    mend_ours = _install(f"--force-reinstall --no-deps {_OURS}=={ours}")
    mend_both = f"{_uninstall('checkov', _THEIRS)} && {mend_ours} && iacgate scanner install checkov"
    if theirs and (changed or not works):
        yield Line(
            _OURS,
            Status.FAIL,
            f"{ours} is overwritten by {_THEIRS} {theirs} ({len(changed)} files), which checkov needs and which"
            " installs the same package `hcl2`: plans are judged, HCL cannot be read",
            mend_both,
        )
    elif changed or not works:
        yield Line(
            _OURS,
            Status.FAIL,
            f"{ours} is damaged ({len(changed)} files are missing or changed): HCL cannot be read",
            mend_ours,
        )
    elif theirs:
        yield Line(
            _OURS,
            Status.WARN,
            f"{ours} works, and has overwritten {_THEIRS} {theirs} ({len(_changed_files(_THEIRS))} files), which the"
            " checkov in this environment needs: that one does not work",
            mend_both,
        )
    else:
        yield Line(_OURS, Status.OK, ours)
        yield _grammar_cache()


def _changed_files(name: str) -> list[str]:
    """Files that are not as the distribution's record says."""
    changed = []
    for file in importlib.metadata.distribution(name).files or ():
        if file.hash is None or file.parts[0] != "hcl2":
            continue
        try:
            digest = hashlib.new(file.hash.mode, file.locate().read_bytes()).digest()  # type: ignore[attr-defined]
        except (OSError, ValueError):
            changed.append(str(file))
            continue
        if urlsafe_b64encode(digest).rstrip(b"=").decode() != file.hash.value:
            changed.append(str(file))
    return changed


def _reads_hcl() -> bool:
    """It does what HCL is read with: trees with places."""
    from iacgate.sources.hcl.library import hcl2_package, hcl2_parser

    try:
        hcl2_parser()
        return bool(hcl2_package().parses_to_tree("a = 1\n"))
    except IacgateError:
        return False
    except Exception:  # files of two packages together raise anything
        return False


def _grammar_cache() -> Line:
    """python-hcl2 keeps its grammar beside its code, and makes it again where it cannot."""
    import os

    from hcl2.parser import PARSER_FILE

    if os.access(PARSER_FILE, os.R_OK) or os.access(PARSER_FILE.parent, os.W_OK):
        return Line("python-hcl2 grammar", Status.OK, "is cached")
    return Line(
        "python-hcl2 grammar",
        Status.WARN,
        "cannot be cached: every run that reads HCL takes about a second longer",
        "read some HCL once as the user who installed it, when the image is built",
    )


def _install(what: str) -> str:
    return f"{_installer('install')} {what}"


def _uninstall(*names: str) -> str:
    return f"{_installer('uninstall')} {' '.join(names)}"


def _installer(command: str) -> str:
    """The pip of this environment; uv where it made the environment and put no pip into it."""
    if _version("pip"):
        return f"{sys.executable} -m pip {command}{' -y' if command == 'uninstall' else ''}"
    return f"uv pip {command} --python {sys.executable}"
