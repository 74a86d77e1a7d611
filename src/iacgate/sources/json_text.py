"""JSON text that somebody else wrote: encodings, size, nesting, and keys that stand twice (RFC 8259).

Every JSON parser lets the last of two equal keys win, silently. Here they are refused, cheaply:
the length of an object's text tells whether a decoded form has lost anything (``docs/adr/0004``).
"""

import codecs
import json
import re
from typing import Any, TypeVar

import msgspec
from msgspec import Raw

from iacgate.errors import InputError

__all__ = ["DEFAULT_MAX_BYTES", "decode", "decode_object", "refuse_duplicate_keys", "to_utf8"]

T = TypeVar("T")

DEFAULT_MAX_BYTES = 256 * 1024 * 1024
_PIECE = 1024 * 1024
_MAX_PART = 64 * 1024 * 1024
_MAX_KEYS = 10_000
_MAGIC = (
    (b"\x1f\x8b", "gzip-compressed"),
    (b"BZh", "bzip2-compressed"),
    (b"\xfd7zXZ", "xz-compressed"),
    (b"\x28\xb5\x2f\xfd", "zstd-compressed"),
)
_GAP = re.compile(rb"[\s,]*")
_KEY = re.compile(rb'("(?:[^"\\]++|\\.)*+")\s*+:\s*+', re.DOTALL)
_level = msgspec.json.Decoder(dict[str, Raw])
_any = msgspec.json.Decoder()
_encode = msgspec.json.Encoder().encode


def to_utf8(data: bytes, name: str) -> bytes:
    """The text as UTF-8 without byte order mark; UTF-16 and UTF-32 are what Windows shells write.

    Raises ``InputError`` for what is empty, binary, compressed or not valid Unicode.
    """
    if not data:
        raise InputError(f"{name} is empty", hint="did the command that writes it fail?")
    for magic, what in _MAGIC:
        if data.startswith(magic):
            raise InputError(f"{name} is {what}", hint="unpack it first")
    encoding = "utf-8"
    if data.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)) and data[:4] != b"\xff\xfe\x00{":
        encoding = "utf-32"
    elif data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    elif data.startswith(codecs.BOM_UTF8):
        encoding = "utf-8-sig"
    elif data[1:2] == b"\0":
        encoding = "utf-16-le"
    elif data[:1] == b"\0":
        encoding = "utf-16-be"
    try:
        if encoding != "utf-8":
            data = data.decode(encoding).encode()
        elif not data.isascii():
            _require_utf8(data)
    except UnicodeError:
        raise InputError(f"{name} is not text in UTF-8 or UTF-16") from None
    if not data[:4096].strip() and not data.strip():
        raise InputError(f"{name} holds nothing but white space", hint="did the command that writes it fail?")
    return data


def _require_utf8(data: bytes) -> None:
    """Piece by piece: as one string the whole would take up to four times its size."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    view = memoryview(data)
    for start in range(0, len(data), _PIECE):
        decoder.decode(view[start : start + _PIECE])
    decoder.decode(b"", final=True)


def decode_object(data: bytes, kind: type[T], name: str) -> T:
    """Decode a whole document that must be a JSON object. Raises ``InputError`` in one sentence."""
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.ValidationError as error:
        raise InputError(f"{name} is JSON but not what it should be: {error}") from None
    except msgspec.DecodeError as error:
        what = "is cut off" if "truncated" in str(error) else "is not valid JSON"
        raise InputError(
            f"{name} {what} (at or before byte {len(data)})" if what == "is cut off" else f"{name} {what}"
        ) from None
    except RecursionError:
        raise InputError(f"{name} is nested too deeply to be a plan") from None
    except UnicodeDecodeError:
        raise InputError(f"{name} holds text that is not valid UTF-8") from None


def decode(raw: Any, kind: Any, where: str, *, exact: bool = False, limit: int = _MAX_PART) -> Any:
    """Decode one part of at most ``limit`` bytes. ``exact`` refuses keys that stand twice at any depth of it.

    Raises ``InputError`` naming ``where``; an absent part decodes to ``None``.
    """
    if not isinstance(raw, Raw):
        return None
    if len(raw) > limit:
        raise InputError(f"{where} is larger than {limit // 2**20} MiB: no plan has one that large")
    try:
        if exact:
            value = _decode_unrepeated(raw, where)
            if kind is Any:
                return value
        return msgspec.json.decode(raw, type=kind)
    except msgspec.ValidationError as error:
        raise InputError(f"{where} is malformed: {error}") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise InputError(f"{where} is not valid JSON") from None
    except RecursionError:
        raise InputError(f"{where} is nested too deeply") from None


def _decode_unrepeated(raw: Raw, where: str) -> Any:
    text = bytes(raw)
    value = _any.decode(text)
    if len(text) > 6:
        encoded = _encode(value)
        if encoded != text and encoded != _without_go_escapes(text):
            _read_carefully(text, where)
    return value


def _without_go_escapes(text: bytes) -> bytes:
    """Go writes three characters escaped that others do not. What differs otherwise still differs after this."""
    return text.replace(b"\\u003c", b"<").replace(b"\\u003e", b">").replace(b"\\u0026", b"&")


def refuse_duplicate_keys(raw: bytes | Raw, where: str, *below: str, spare: int = 0) -> dict[str, Raw]:
    """This object's parts by key. Raises ``InputError`` when a key stands twice in it, or in those below.

    ``spare``: bytes of white space behind the object.
    """
    try:
        level = _level.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise InputError(f"{where} is not an object") from None
    if len(level) > _MAX_KEYS:
        raise InputError(f"{where} has more keys than any plan")
    if 1 + sum([len(key) + 4 + len(value) for key, value in level.items()]) != len(raw) - spare:
        _walk_keys(bytes(raw), level, where)
    for key in below:
        if key in level:
            refuse_duplicate_keys(level[key], where)
    return level


def _walk_keys(text: bytes, level: dict[str, Raw], where: str) -> None:
    """Go over one object's keys in order; the parser kept each key's last value in ``level``."""
    seen: set[str] = set()
    at = _GAP.match(text, text.index(b"{") + 1).end()  # type: ignore[union-attr]
    while token := _KEY.match(text, at):
        key = str(_any.decode(token[1]))
        value = bytes(level[key])
        if key in seen or not text.startswith(value, token.end()):
            raise InputError(f"{where}: the key {json.dumps(key)} stands twice in one object")
        seen.add(key)
        at = _GAP.match(text, token.end() + len(value)).end()  # type: ignore[union-attr]
    if not text.startswith(b"}", at):
        # An earlier value that only begins like the last one, 4e9 and 4: the walk ended inside of it.
        raise InputError(f"{where}: a key stands twice in one object")


def _read_carefully(raw: bytes, where: str) -> None:
    try:
        json.loads(raw, object_pairs_hook=lambda pairs: _unique(pairs, where), parse_constant=_refuse_constant)
    except RecursionError:
        raise InputError(f"{where} is nested too deeply") from None
    except ValueError:
        raise InputError(f"{where} is not valid JSON") from None


def _unique(pairs: list[tuple[str, Any]], where: str) -> dict[str, Any]:
    out = dict(pairs)
    if len(out) != len(pairs):  # which key is not said: inside values it may be a secret
        raise InputError(f"{where}: a key stands twice in one object")
    return out


def _refuse_constant(text: str) -> None:
    raise ValueError(text)
