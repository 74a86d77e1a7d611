"""Functions of texts. What people see as one character counts as one, as in Terraform."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from iacgate.sources.hcl.functions.signature import (
    MAX_ELEMENTS,
    FileContext,
    Function,
    function,
    list_of,
    mapping,
    refuse_growth,
    text,
    whole,
)
from iacgate.sources.hcl.values import EvaluationError

__all__ = ["graphemes", "table"]

_SPACE = "\t\n\v\f\r \u0085\u00a0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
_JOINER = "\u200d"


def table() -> dict[str, Function]:
    """The functions of this subject, but for those that format or look for patterns."""
    return {
        "chomp": function(lambda value: value.rstrip("\r\n"), text),
        "endswith": function(str.endswith, text, text),
        "indent": function(_indent, whole, text),
        "join": function(_join, text, list_of(text), rest=list_of(text)),
        "lower": function(lambda value: _each(value, lambda char: char.lower()[:1]), text),
        "split": function(_split, text, text),
        "startswith": function(str.startswith, text, text),
        "strcontains": function(str.__contains__, text, text),
        "strrev": function(lambda value: "".join(reversed(graphemes(value))), text),
        "substr": function(_part, text, whole, whole),
        "templatestring": function(_render, text, mapping, accepts_unknown=True, with_context=True),
        "title": function(_title, text),
        "trim": function(str.strip, text, text),
        "trimprefix": function(str.removeprefix, text, text),
        "trimspace": function(lambda value: value.strip(_SPACE), text),
        "trimsuffix": function(str.removesuffix, text, text),
        "upper": function(lambda value: _each(value, str.upper), text),
    }


def graphemes(value: str) -> list[str]:
    """The characters as people see them.

    Marks, joined emoji, flags and line ends, as https://unicode.org/reports/tr29/ has them; of the scripts that join
    further (Hangul letters, conjuncts of Indic scripts) each letter is one.
    """
    if value.isascii() and "\r\n" not in value:
        return list(value)
    out: list[str] = []
    for char in value:
        if out and _belongs(out[-1], char):
            out[-1] += char
        else:
            out.append(char)
    return out


def _belongs(before: str, char: str) -> bool:
    """``char`` is part of the character before it."""
    if before == "\r":
        return char == "\n"
    if before[-1] in "\n\r" or unicodedata.category(before[-1]) in ("Cc", "Zl", "Zp"):
        return False
    if unicodedata.category(char) in ("Mn", "Me", "Mc") or char == _JOINER or "\U0001f3fb" <= char <= "\U0001f3ff":
        return True
    if before[-1] == _JOINER and len(before) > 1:
        return ord(char) >= 0x2190 and unicodedata.category(char) == "So"
    return _is_flag_letter(char) and len(before) == 1 and _is_flag_letter(before)


def _is_flag_letter(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"


def _each(value: str, change: Any) -> str:
    """Letter by letter, one for one: Terraform makes no two letters of one."""
    return "".join(made if len(made := change(char)) == 1 else char for char in value)


def _indent(spaces: int, value: str) -> str:
    if spaces < 0:
        raise EvaluationError("text cannot be indented by less than nothing")
    refuse_growth(len(value) + value.count("\n") * spaces)
    return value.replace("\n", "\n" + " " * spaces)


def _join(separator: str, *lists: list[Any]) -> str:
    parts = [one for values in lists for one in values]
    if None in parts:
        raise EvaluationError("an element is null")
    refuse_growth(sum(map(len, parts)) + len(separator) * len(parts))
    return separator.join(parts)


def _split(separator: str, value: str) -> list[str]:
    if not separator:
        return list(value)
    refuse_growth(value.count(separator), MAX_ELEMENTS)
    return value.split(separator)


def _part(value: str, offset: int, length: int) -> str:
    characters = graphemes(value)
    start = max(offset + len(characters), 0) if offset < 0 else offset
    return "".join(characters[start:] if length < 0 else characters[start : start + length])


def _render(context: FileContext, template: str, variables: dict[str, Any]) -> Any:
    return context.render(template, variables)


def _title(value: str) -> str:
    """The first letter of each word in title case; the rest stays."""
    return re.sub(r"(?<!\w)\w", lambda found: _each(found[0], str.title), value)
