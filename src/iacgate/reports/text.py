"""Untrusted text and values, made safe to print.

Addresses, values, file names and messages come from plans, and plans are written by authors. A
value may hold terminal escapes (ECMA-48), bidirectional overrides (Unicode UAX 9, "trojan source")
or a command to the pipeline that reads our output: Azure DevOps obeys ``##vso[...]`` and GitHub's
runner ``##[...]`` anywhere in a line, and at its start TeamCity ``##teamcity[...]`` and GitHub ``::``.
"""

import json
import re
from typing import Any

import msgspec

from iacgate.model.values import Marker

__all__ = ["ADDRESS_LIMIT", "TEXT_LIMIT", "VALUE_LIMIT", "clean", "encode_json", "value_text"]

VALUE_LIMIT = 100
"""Characters of a value that are printed for people."""
ADDRESS_LIMIT = 300
"""Characters of an address or a file name that are printed for people: real ones stay whole."""
TEXT_LIMIT = 1_000
"""Characters of a message, reason or remediation that are printed for people."""

_OBEYED = re.compile(rb"(?<=#)#|\x7f|\xc2[\x80-\x9f]")
_ENCODER = msgspec.json.Encoder(enc_hook=repr)


def clean(text: str, limit: int = TEXT_LIMIT) -> str:
    r"""One printable line of at most ``limit`` characters.

    Whatever does not print (controls, line ends, bidirectional and zero-width characters, lone
    surrogates) becomes a visible escape such as ``\x1b``; so do the second sign of ``##`` and the
    first of a leading ``::``.
    """
    whole = len(text) <= limit
    text = text[:limit]
    if not text.isprintable():
        text = "".join([character if character.isprintable() else _escape(character) for character in text])
    text = text.replace("##", r"#\x23")
    if text.lstrip().startswith("::"):
        text = text.replace("::", r"\x3a:", 1)
    return text if whole and len(text) <= limit else text[: limit - 1] + "…"


def value_text(value: Any, limit: int = VALUE_LIMIT) -> str:
    """A value as JSON on one cut and printable line; markers as the words Terraform uses."""
    match value:
        case Marker():
            return value.value
        case None:
            return Marker.ABSENT.value
        case str():
            return clean(json.dumps(value[:limit], ensure_ascii=False), limit)
        case _:
            return clean(encode_json(value).decode(), limit)


def encode_json(value: Any) -> bytes:
    r"""JSON in UTF-8 on one line.

    ``##`` is written ``#\u0023``, and DEL and the C1 controls as escapes too: the same value to a
    parser, but nothing that a pipeline or a terminal obeys.
    """
    try:
        encoded = _ENCODER.encode(value)
    except UnicodeEncodeError:  # a lone surrogate: becomes "?"
        encoded = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_plain).encode(errors="replace")
    if b"##" in encoded or b"\xc2" in encoded or b"\x7f" in encoded:
        return _OBEYED.sub(_escape_in_json, encoded)
    return encoded


def _escape_in_json(match: re.Match[bytes]) -> bytes:
    return b"\\u%04x" % ord(match[0].decode())


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def _plain(value: Any) -> Any:
    match value:
        case Marker():
            return value.value
        case msgspec.Raw():
            return json.loads(bytes(value))
        case _:
            return repr(value)
