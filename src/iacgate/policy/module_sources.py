"""Where a module comes from and how firmly it is pinned, read from the source that its call names.

Follows Terraform's "Module Sources" and the detectors of go-getter, which Terraform asks in turn:
local paths, registry addresses, the short forms of GitHub and Bitbucket, ``git@host:path``, and URLs
with or without a forced getter (``git::``, ``s3::``). OpenTofu's ``oci://`` is known as well.
"""

from __future__ import annotations

import posixpath
import re
from typing import NamedTuple

__all__ = ["KINDS", "PINS", "ModuleSource", "is_exact_version", "parse_source", "shown_source"]

KINDS = ("local", "path", "registry", "git", "mercurial", "http", "s3", "gcs", "oci", "other")
PINS = ("local", "commit", "checksum", "version", "tag", "range", "ref", "none")

# As text: most roots call local modules only, and each is compiled when it is first needed.
_REGISTRY = r"(?:([^/\s]+\.[^/\s]+|localhost(?::\d+)?)/)?([\w-]+)/([\w-]+)/([\w-]+)"
_PUBLIC_REGISTRY = "registry.terraform.io"
_NO_REGISTRY = ("github.com", "bitbucket.org", "gitlab.com")
_FORCED = r"(?s)([A-Za-z0-9]+)::(.*)"
_SCP = r"(?s)(?:[\w.~-]+@)([\w.-]+):(?!//)(.*)"
_URL = r"(?s)([A-Za-z][A-Za-z0-9+.-]*)://(.*)"
_COMMIT = r"(?i)[0-9a-f]{40}|[0-9a-f]{64}"
_TAG = r"(?:[\w./-]*[/_-])?[vV]?\d+(?:\.\d+){1,3}(?:[-+][0-9A-Za-z.-]+)?"
_EXACT = r"\s*=?\s*v?\d+(?:\.\d+)*(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?\s*"
_CHECKSUM = r"(?:(?:md5|sha1|sha256|sha512):)?[0-9a-fA-F]{32,128}"
_SHOWN = ("ref", "rev", "version", "versionId", "generation", "tag", "digest", "checksum", "archive", "depth")
_GETTERS = {"git": "git", "hg": "mercurial", "http": "http", "https": "http", "s3": "s3", "gcs": "gcs", "file": "path"}
_SCHEMES = {"https": "http", "http": "http", "oci": "oci", "file": "path", "ssh": "git", "git": "git", "s3": "s3"}


class ModuleSource(NamedTuple):
    """A module's source, taken apart."""

    kind: str
    """One of ``KINDS``. ``local`` belongs to the tree itself, ``path`` is a directory outside of it."""
    location: str
    """Host and path without scheme, user, ``.git``, subdirectory and query; as written where it is local."""
    ref: str = ""
    """Git or Mercurial revision, object version, OCI tag; empty when none is named."""
    pin: str = "none"
    """One of ``PINS``, the firmest first; ``ref`` is a branch or a name that could be one."""


def is_exact_version(constraint: str) -> bool:
    """A version constraint that one version alone meets: ``1.2.3`` or ``= 1.2.3``."""
    return re.fullmatch(_EXACT, constraint) is not None


def parse_source(source: str, version: str = "") -> ModuleSource:
    """Take a module's ``source`` and ``version`` apart. Never raises: what it does not know is ``other``."""
    text = source.strip()
    if text in (".", "..") or text.startswith(("./", "../", ".\\", "..\\")):
        return ModuleSource("local", text, pin="local")
    if text.startswith(("/", "~")) or re.match(r"[A-Za-z]:[\\/]", text):
        return ModuleSource("path", text)
    getter, forced = "", re.fullmatch(_FORCED, text)
    if forced:
        getter, text = forced[1].lower(), forced[2]
    else:
        bare = text.partition("//")[0]
        registry = re.fullmatch(_REGISTRY, bare)
        if registry and not bare.lower().startswith(tuple(f"{host}/" for host in _NO_REGISTRY[:2])):
            host = (registry[1] or _PUBLIC_REGISTRY).lower()
            pin = "none" if not version.strip() else "version" if is_exact_version(version) else "range"
            return ModuleSource("registry", f"{host}/{registry[2]}/{registry[3]}/{registry[4]}", "", pin)
    text, _, query = text.partition("?")
    options = _query(query)
    kind, location = _place(text, getter)
    return _pinned(kind, location, options)


def shown_source(source: str) -> str:
    """The source as a report may show it: without a user, a password, or options that carry keys."""
    text, mark, query = source.strip().partition("?")
    text = re.sub(r"(^|://|::)[^/@\s]*@", r"\1", text)
    kept = [pair for pair in query.split("&") if pair.partition("=")[0] in _SHOWN]
    return text + (mark + "&".join(kept) if kept else "")


def _place(text: str, getter: str) -> tuple[str, str]:
    """Kind and location of a source without its query."""
    scheme, rest = "", text
    if url := re.fullmatch(_URL, text):
        scheme, rest = url[1].lower(), url[2]
    elif scp := re.fullmatch(_SCP, text):
        scheme, rest = "ssh", f"{scp[1]}/{scp[2].lstrip('/')}"
    kind = _GETTERS.get(getter, "other") if getter else _SCHEMES.get(scheme.rpartition("+")[2], "")
    host, slash, path = rest.partition("/")
    host = host.rpartition("@")[2].lower()
    path = path.partition("//")[0]
    if not scheme and not getter:
        kind = "git" if host in _NO_REGISTRY else "s3" if ".amazonaws.com" in host else "other"
        kind = "gcs" if host == "www.googleapis.com" and path.startswith("storage/") else kind
    if kind in ("git", "http") and path.endswith(".git"):
        kind, path = "git", path.removesuffix(".git")
    return kind or "other", host + slash + _plain(path)


def _plain(path: str) -> str:
    """The path a server sees: percent-encoding undone, ``..`` followed, so that no pattern is talked round."""
    decoded = re.sub(r"%([0-9A-Fa-f]{2})", lambda found: chr(int(found[1], 16)), path)
    return posixpath.normpath(f"/{decoded}").lstrip("/") if decoded else ""


def _query(query: str) -> dict[str, str]:
    """Options of a source; of one that stands twice none counts, for tools differ on which wins."""
    out: dict[str, str] = {}
    for pair in query.split("&") if query else ():
        name, _, value = pair.partition("=")
        out[name] = "" if name in out else value.strip()
    return out


def _pinned(kind: str, location: str, options: dict[str, str]) -> ModuleSource:
    if kind in ("git", "mercurial"):
        ref = options.get("ref") or options.get("rev") or ""
        pin = "commit" if re.fullmatch(_COMMIT, ref) else "tag" if re.fullmatch(_TAG, ref) else "ref" if ref else "none"
        return ModuleSource(kind, location, ref, pin)
    if re.fullmatch(_CHECKSUM, options.get("checksum", "")) and kind != "path":
        return ModuleSource(kind, location, "", "checksum")
    if kind in ("s3", "gcs"):
        ref = options.get("version") or options.get("versionId") or options.get("generation") or ""
        return ModuleSource(kind, location, ref, "version" if ref else "none")
    if kind == "oci":
        digest, tag = options.get("digest", ""), options.get("tag", "")
        if re.fullmatch(r"sha(256|512):[0-9a-f]{64,128}", digest):
            return ModuleSource(kind, location, digest, "checksum")
        return ModuleSource(kind, location, tag, "tag" if re.fullmatch(_TAG, tag) else "ref" if tag else "none")
    return ModuleSource(kind, location)
