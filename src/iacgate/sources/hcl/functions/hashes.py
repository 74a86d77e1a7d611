"""Hashes of texts, and identifiers. What is drawn at random is not known before an apply."""

from __future__ import annotations

import base64
import hashlib
import uuid
from collections.abc import Callable

from iacgate.sources.hcl.functions.signature import Function, function, never_known, text
from iacgate.sources.hcl.values import EvaluationError

__all__ = ["HASHES", "table"]

_APPLY = "only an apply tells"
_NAMESPACES = {
    "dns": uuid.NAMESPACE_DNS,
    "oid": uuid.NAMESPACE_OID,
    "url": uuid.NAMESPACE_URL,
    "x500": uuid.NAMESPACE_X500,
}


def _hexadecimal(name: str) -> Callable[[bytes], str]:
    return lambda data: hashlib.new(name, data, usedforsecurity=False).hexdigest()


def _base64(name: str) -> Callable[[bytes], str]:
    return lambda data: base64.b64encode(hashlib.new(name, data).digest()).decode()


HASHES: dict[str, Callable[[bytes], str]] = {
    "base64sha256": _base64("sha256"),
    "base64sha512": _base64("sha512"),
    "md5": _hexadecimal("md5"),
    "sha1": _hexadecimal("sha1"),
    "sha256": _hexadecimal("sha256"),
    "sha512": _hexadecimal("sha512"),
}
"""By the name of the function; those of files are the same with ``file`` in front."""


def table() -> dict[str, Function]:
    """The functions of this subject."""
    return {
        **{name: _of_text(digest) for name, digest in HASHES.items()},
        "bcrypt": never_known(_APPLY),
        "rsadecrypt": never_known("what a private key decrypts is not looked at"),
        "uuid": never_known(_APPLY),
        "uuidv5": function(_uuid, text, text),
    }


def _of_text(digest: Callable[[bytes], str]) -> Function:
    return function(lambda value: digest(value.encode()), text)


def _uuid(namespace: str, name: str) -> str:
    try:
        return str(uuid.uuid5(_NAMESPACES.get(namespace) or uuid.UUID(namespace), name))
    except ValueError:
        raise EvaluationError("the namespace is none of dns, oid, url, x500, and no UUID") from None
