"""Functions that encode and decode: JSON, CSV, base 64, URLs. YAML has a file of its own."""

from __future__ import annotations

import base64
import json
import re
import urllib.parse
from typing import Any

from iacgate.sources.hcl.conversion import UntoldError, number_text, to_number
from iacgate.sources.hcl.functions.signature import (
    MAX_ELEMENTS,
    MAX_TEXT,
    Function,
    function,
    never_known,
    refuse_growth,
    text,
    whatever,
)
from iacgate.sources.hcl.values import EvaluationError

__all__ = ["json_text", "table"]

# Go writes these so that JSON can stand in HTML and JavaScript.
_ESCAPED = str.maketrans({char: f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"})
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_FIELD = re.compile(r'"((?:[^"]|"")*+)"|([^",\n]*)')
_ENCODINGS = {
    "iso-8859-1": "latin-1",
    "latin1": "latin-1",
    "us-ascii": "ascii",
    "utf-16be": "utf-16-be",
    "utf-16le": "utf-16-le",
    "utf-8": "utf-8",
    "windows-1252": "cp1252",
}


def table() -> dict[str, Function]:
    """The functions of this subject."""
    return {
        "base64decode": function(_decode_base64, text),
        "base64encode": function(lambda value: base64.b64encode(value.encode()).decode(), text),
        "base64gzip": never_known("what Terraform compresses is not compressed again"),  # no two programs agree on it
        "csvdecode": function(_decode_csv, text),
        "jsondecode": function(_decode_json, text),
        "jsonencode": function(json_text, whatever),
        "textdecodebase64": function(_decode_text, text, text),
        "textencodebase64": function(_encode_text, text, text),
        "urlencode": function(lambda value: urllib.parse.quote_plus(value, safe=""), text),
    }


def json_text(value: Any) -> str:
    """A value in JSON as Terraform writes it: keys in order, no spaces, ``<>&`` escaped."""
    out: list[str] = []
    _write_json(value, out)
    refuse_growth(sum(map(len, out)))
    return "".join(out)


def _write_json(value: Any, out: list[str]) -> None:
    refuse_growth(len(out), MAX_TEXT)
    if isinstance(value, dict):
        out.append("{")
        for at, key in enumerate(sorted(value)):
            out += ("," if at else "", _quoted(key), ":")
            _write_json(value[key], out)
        out.append("}")
    elif isinstance(value, list):
        out.append("[")
        for at, one in enumerate(value):
            out.append("," if at else "")
            _write_json(one, out)
        out.append("]")
    elif isinstance(value, str):
        out.append(_quoted(value))
    elif value is None or isinstance(value, bool):
        out.append({None: "null", True: "true", False: "false"}[value])
    else:
        out.append(number_text(value))


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False).translate(_ESCAPED)


def _decode_json(value: str) -> Any:
    refuse_growth(len(value))
    try:
        # Numbers go through decimal notation: they are exact, and hostile exponents are refused.
        decoded = json.loads(value, parse_float=to_number, parse_int=to_number, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise EvaluationError("the text is not valid JSON") from None
    return _without_surrogates(decoded)


def _no_number(_name: str) -> None:
    raise ValueError


def _without_surrogates(value: Any) -> Any:
    """Half a character, which an escape can write, becomes the replacement character, as in Go."""
    if isinstance(value, str):
        return _LONE_SURROGATE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_without_surrogates(one) for one in value]
    if isinstance(value, dict):
        return {_without_surrogates(key): _without_surrogates(item) for key, item in value.items()}
    return value


def _decode_base64(value: str) -> str:
    try:
        return _from_base64(value).decode()
    except UnicodeDecodeError:
        raise EvaluationError("what is encoded is not UTF-8 text") from None


def _from_base64(value: str) -> bytes:
    try:
        return base64.b64decode(value.replace("\n", "").replace("\r", ""), validate=True)
    except ValueError:
        raise EvaluationError("the text is not valid base 64") from None


def _encode_text(value: str, encoding: str) -> str:
    name = _ENCODINGS.get(encoding.lower())
    if name is None:
        raise UntoldError(_OTHER_ENCODING)
    try:
        return base64.b64encode(value.encode(name)).decode()
    except UnicodeEncodeError:
        raise EvaluationError("the text has characters that the encoding has not") from None


def _decode_text(value: str, encoding: str) -> str:
    name, data = _ENCODINGS.get(encoding.lower()), _from_base64(value)
    if name is None:
        raise UntoldError(_OTHER_ENCODING)
    try:
        return data.decode(name)
    except UnicodeDecodeError:
        raise EvaluationError("what is encoded is not text in that encoding") from None


_OTHER_ENCODING = "only common encodings of text are computed with"


def _decode_csv(value: str) -> list[dict[str, str]]:
    """Rows as maps from the names in the first row (RFC 4180, as strict about quotes as Go's reader)."""
    rows = _csv_rows(value.replace("\r\n", "\n"))
    if not rows:
        raise EvaluationError("the CSV text has no first row with names")
    names, *others = rows
    refuse_growth(len(others) * len(names), MAX_ELEMENTS)
    if len(set(names)) < len(names):
        raise EvaluationError("two columns of the CSV text have the same name")
    if any(len(row) != len(names) for row in others):
        raise EvaluationError("a row of the CSV text has more or fewer fields than the first")
    return [dict(zip(names, row, strict=True)) for row in others]


def _csv_rows(value: str) -> list[list[str]]:
    rows: list[list[str]] = []
    row: list[str] = []
    at = count = 0
    while at < len(value):
        if not row and value[at] == "\n":
            at += 1
            continue
        found = _FIELD.match(value, at)
        end = found.end() if found else at
        if found is None or value[end : end + 1] not in ("", ",", "\n"):
            raise EvaluationError("a quote of the CSV text stands where none may")
        row.append(found[2] if found[1] is None else found[1].replace('""', '"'))
        count += 1
        refuse_growth(count, MAX_ELEMENTS)
        if value[end : end + 1] == ",":
            if end + 1 == len(value) or value[end + 1] == "\n":
                row.append("")
                end += 1
            else:
                at = end + 1
                continue
        rows.append(row)
        row = []
        at = end + 1
    return rows
