"""Where a secret may stand in the clear: a cheap look at everything, so that the detector sees little.

Most texts of a plan hold nothing that looks like a secret, and the detector is slow to load and to ask.
:func:`may_hold_secret` reads text or undecoded JSON in linear time and misses nothing that
``finds`` would report; :func:`texts` walks through values.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    Path = tuple[str | int, ...]

__all__ = [
    "NAME",
    "assignment_windows",
    "decoded",
    "may_hold_secret",
    "names_password",
    "names_secret",
    "names_token",
    "shape_windows",
    "texts",
]

_REACH = 2048
_NAME_END = 64
"""Longer than the longest name of a secret: what stands before does not count."""
_CONTROL = frozenset(map(chr, (*range(9), *range(14, 32), 127)))
_PASSWORD = r"(?:pass(?:word|wd|phrase)?|pwd|secret_string)"  # noqa: S105
_KEY = r"(?:api|access|private|auth|account|encryption|signing|shared|client|secret|master)[_-]?key"
_TOKEN = rf"(?:secret|token|credentials?|{_KEY})"
_SUFFIX = r"(?:[_-]?(?:value|text|plaintext|wo)|\d{1,3})?"
NAME = rf"(?:{_PASSWORD}|{_TOKEN}){_SUFFIX}"
"""How names of secrets end, as a part of an expression."""
_SHAPES = (
    r"(?:A3T[A-Z0-9]|AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{16}",
    r"PRIVATE KEY",
    r"PuTTY-User-Key-File",
    r"gh[pousr]_[A-Za-z0-9]{30}",
    r"github_pat_[A-Za-z0-9]{20}",
    r"gl[a-z]{2,8}-[\w-]{20}",
    r"GR1348941",
    r"xox[a-z]-\d",
    r"hooks\.slack\.com/services/",
    r"[sr]k_live_[0-9a-zA-Z]{20}",
    r"eyJ[\w-]{8,}\.eyJ",
    r"AIza[\w-]{35}",
    r"hvs\.[\w-]{20}",
    r"dop_v1_[0-9a-f]{20}",
    r"pypi-Ag",
    r"npm_[A-Za-z0-9]{20}",
    r"SG\.[\w-]{22}\.",
    r"T3BlbkFJ",
    r"sq0csp-",
    r"AccountKey=[A-Za-z0-9+/]{40}",
    r"://[^/\s:@\"]+:[^/\s@\"]+@",
)
_PAIR = rf'name\\*["\']\s*:\s*\\*["\'][^"\'\\]{{0,60}}{NAME}\\*["\']'
_ASSIGNED = (
    rf"""{NAME}\\*["']?\s*(?::=|=>|=|:)\s*\[?\s*(?:\\*["'][^"'\\]{{3}}|[^\s"'\\,;&<>]{{6}})""",
    rf"""-{NAME}[ =]\\*["']?[^\s"'\\,;&<>]{{6}}""",
    _PAIR,
)
_ENCODED = (
    r'(?:user_?data|custom_?data|cloud_?init)[^"\s]{0,20}"\s*:\s*"[^"]{16}',
    r'b(?:ase)?64[^"\s]{0,20}"\s*:\s*"[^"]{16}',
    r"\b(?:IyEv|I2Ns|H4sI)[A-Za-z0-9+/]{16}",
)


@cache
def _engine(what: str) -> Any:
    """Hints as one expression for an engine that takes linear time, also in a hostile text."""
    import re2

    options = re2.Options()
    options.never_capture = True
    options.log_errors = False
    shapes, assigned, encoded = "|".join(_SHAPES), "|".join(_ASSIGNED), "|".join(_ENCODED)
    parts = {"shapes": shapes, "assigned": f"(?i:{assigned})", "all": f"{shapes}|(?i:{assigned}|{encoded})"}
    return re2.compile(parts[what], options)


def shape_windows(text: str) -> Iterator[str]:
    """The neighbourhoods of what has the shape of a key. Their size bounds what slower expressions can cost."""
    return _windows(text, "shapes")


def assignment_windows(text: str) -> Iterator[str]:
    """The neighbourhoods of names that say secret and are given a value."""
    return _windows(text, "assigned")


def _windows(text: str, what: str) -> Iterator[str]:
    engine, data, at = _engine(what), text.encode(errors="replace"), 0
    while match := engine.search(data, at):
        end = match.end() + _REACH
        yield data[max(0, match.start() - 64) : end].decode(errors="replace")
        at = max(match.end(), end - _REACH // 4)  # what begins near the end of one begins the next


def may_hold_secret(text: str | bytes) -> bool:
    """Whether it is worth a closer look: text as it is, or undecoded JSON."""
    return _engine("all").search(text) is not None


@cache
def _names() -> tuple[re.Pattern[str], re.Pattern[str]]:
    # "pass" and "pwd" only as words of their own: there is "bypass", and "compass".
    password = rf"(?:pass(?:word|wd|phrase)|(?:^|[^a-z]|db|user|admin|master|root){_PASSWORD}){_SUFFIX}\Z"
    return re.compile(password, re.IGNORECASE | re.ASCII), re.compile(
        _TOKEN + _SUFFIX + r"\Z", re.IGNORECASE | re.ASCII
    )


def names_password(name: str) -> bool:
    """The name is that of a password: a whole word at its end, so not ``password_policy`` or ``bypass``."""
    return _names()[0].search(name, max(0, len(name) - _NAME_END)) is not None


def names_token(name: str) -> bool:
    """The name is that of a key as programs make them."""
    return _names()[1].search(name, max(0, len(name) - _NAME_END)) is not None


@lru_cache(maxsize=4096)
def names_secret(name: str) -> bool:
    """The name says that its value is a secret: ``db_password``, ``API_TOKEN``."""
    return names_password(name) or names_token(name)


def texts(value: Any, name: str, at: Path = ()) -> Iterator[tuple[Path, str, str]]:
    """Every text in a value: its path, the name it goes by, itself.

    The value of ``{name: DB_PASSWORD, value: …}``, which is how containers take their environment, goes by that name.
    """
    if isinstance(value, str):
        yield at, name, value
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from texts(item, name, (*at, index))
    elif isinstance(value, dict):
        label = next((value[key] for key in ("name", "Name", "key") if isinstance(value.get(key), str)), "")
        for key, item in value.items():
            yield from texts(item, label if label and key in ("value", "Value") else str(key), (*at, key))


def decoded(text: str) -> str:
    """What base64 holds, unpacked where it is gzip (up to 1 MiB); empty when it is no text."""
    import base64
    import binascii
    import zlib

    plain = "".join(text.split()).translate(str.maketrans("-_", "+/"))
    try:
        data = base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
        if data.startswith(b"\x1f\x8b"):
            data = zlib.decompressobj(31).decompress(data, 1024 * 1024)
        unpacked = data.decode()
    except (binascii.Error, ValueError, zlib.error):
        return ""
    return unpacked if not _CONTROL.intersection(unpacked) else ""
