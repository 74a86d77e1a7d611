"""Identities that last: of a finding (its fingerprint) and of what was seen (its evidence digest)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import msgspec

from iacgate.model.finding import Evidence
from iacgate.model.values import Marker

__all__ = ["evidence_digest", "evidence_items", "fingerprint"]

_encode = msgspec.json.Encoder().encode


def fingerprint(check_id: str, workspace: str | None, address: str) -> str:
    """sha256 over the canonical JSON (RFC 8785) of [check id, workspace, address].

    ``address`` is the one before a pending move (``previous_address``), so that a finding keeps its
    fingerprint while `moved` blocks carry its resource about.
    """
    return hashlib.sha256(_encode((check_id, workspace, address))).hexdigest()


def evidence_items(evidence: Iterable[Evidence]) -> list[tuple[str, str, str]]:
    """What was seen, without positions in lists and sets: (address, path, value), sorted."""
    return sorted((one.address, _without_positions(one.path), _value(one.actual)) for one in evidence)


def evidence_digest(evidence: Iterable[Evidence], key: bytes) -> str:
    """A keyed digest (BLAKE2b, RFC 7693) of what was seen. Sensitive values are not part of it."""
    return hashlib.blake2b(_encode(evidence_items(evidence)), key=key[:64], digest_size=32).hexdigest()


def _without_positions(path: str) -> str:
    if "[" not in path:
        return path
    out, at = "", 0
    while (start := path.find("[", at)) >= 0:
        end = path.find("]", start)
        if end < 0:
            break
        out += path[at:start] + ("[]" if path[start + 1 : end].isdigit() else path[start : end + 1])
        at = end + 1
    return out + path[at:]


def _value(value: Any) -> str:
    return value.value if isinstance(value, Marker) else _encode(value).decode()
