"""conftest (``conftest test -o json``): what Rego policies say of the files that they were given.

The output is a list with one entry a file and namespace: the number of ``successes`` and the ``failures``,
``warnings``, ``exceptions`` and ``skipped`` results. A rule has no id there, only the query (``data.main.deny``); so
the id is the query and, unless the policy gives one (``id``, ``code`` or ``rule`` in the metadata), a digest of the
message, which tells the rules behind one query apart.
"""

import hashlib
import re
from collections.abc import Iterator
from typing import Any

import msgspec

from iacgate.errors import InputError
from iacgate.model.address import AddressError, parse_address
from iacgate.model.finding import Location, Severity
from iacgate.model.scan import Receipt, Scan, ScannerFinding
from iacgate.scanners.text import NAME_LIMIT, plain

__all__ = ["read_conftest"]

_SEVERITIES = {one.value: one for one in Severity}
_ADDRESSES = ("address", "resource", "resource_address")
_ADDRESS = re.compile(
    r"""(?:module\.[\w-]+(?:\[(?:\d+|"[^"\]]*")\])?\.)*[a-z][a-z0-9]*_[a-z0-9_]+\.[A-Za-z_][\w-]*(?:\[(?:\d+|"[^"\]]*")\])?"""
)


class _Place(msgspec.Struct):
    file: str = ""
    line: int | str = 0


class _Result(msgspec.Struct):
    msg: str
    metadata: dict[str, Any] | None = None
    loc: _Place | None = None


class _Entry(msgspec.Struct):
    filename: str
    namespace: str
    successes: int
    failures: list[_Result] | None = None
    warnings: list[_Result] | None = None
    exceptions: list[_Result] | None = None
    skipped: list[_Result] | None = None


def read_conftest(document: Any, source: str) -> Scan:
    """What conftest found. Raises ``InputError`` when it is not its output."""
    if not isinstance(document, list) or not all(isinstance(one, dict) and "successes" in one for one in document):
        raise InputError(f"{source} is not the JSON of conftest", hint="conftest test -o json plan.json > out.json")
    try:
        entries = msgspec.convert(document, list[_Entry])
    except msgspec.ValidationError as error:
        raise InputError(f"{source} is malformed: {error}") from None
    findings = [finding for entry in entries for finding in _findings(entry)]
    ran = sum(_ran(entry) for entry in entries)
    problem = "" if ran else "no policy was applied to anything"
    return Scan(source, Receipt("conftest", rules=ran), tuple(findings), problem)


def _ran(entry: _Entry) -> int:
    """How many tests came to a result."""
    lists = (entry.failures, entry.warnings, entry.exceptions)
    return max(0, entry.successes) + sum(len(one or ()) for one in lists)


def _findings(entry: _Entry) -> Iterator[ScannerFinding]:
    for result in entry.failures or ():
        yield _finding(result, entry, "deny", Severity.HIGH)
    for result in entry.warnings or ():
        yield _finding(result, entry, "warn", Severity.MEDIUM)
    for result in entry.exceptions or ():
        yield _finding(result, entry, "exception", None)._replace(suppressed="an exception of the Rego policy")


def _finding(result: _Result, entry: _Entry, kind: str, severity: Severity | None) -> ScannerFinding:
    metadata = result.metadata or {}
    message = plain(result.msg)
    word = metadata.get("severity")
    return ScannerFinding(
        rule=_rule(metadata, entry, kind, result.msg),
        title=message,
        severity=_SEVERITIES.get(word.lower(), severity) if isinstance(word, str) else severity,
        message=message,
        address=_address(metadata, result.msg),
        location=_location(result.loc),
    )


def _rule(metadata: dict[str, Any], entry: _Entry, kind: str, message: str) -> str:
    for key in ("id", "code", "rule"):
        if isinstance(metadata.get(key), str) and metadata[key].strip():
            return plain(metadata[key], NAME_LIMIT)
    query = metadata.get("query")
    name = query.removeprefix("data.") if isinstance(query, str) and query else f"{entry.namespace}.{kind}"
    return f"{plain(name, NAME_LIMIT)}#{hashlib.sha256(message.encode(errors='replace')).hexdigest()[:8]}"


def _address(metadata: dict[str, Any], message: str) -> str:
    """The address in the metadata; else the one that the message speaks of, if it is just one."""
    for key in _ADDRESSES:
        text = metadata.get(key)
        if isinstance(text, str) and _is_address(text):
            return text
    named = set(_ADDRESS.findall(message[:2_000]))
    return named.pop() if len(named) == 1 else ""


def _is_address(text: str) -> bool:
    try:
        return len(text) <= 1_000 and bool(parse_address(text))
    except AddressError:
        return False


def _location(place: _Place | None) -> Location | None:
    if place is None or not place.file:
        return None
    line = int(place.line) if str(place.line).isdecimal() else 0
    return Location(plain(place.file, NAME_LIMIT * 5), max(1, line), max(1, line))
