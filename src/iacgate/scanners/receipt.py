"""Receipts: what shows that a scanner looked, with which rules, at what and when (``iacgate/receipt/v1``).

Some scanners list only the rules that failed, so their clean result is an empty file, and so is the result of a run
that found nothing to look at. A receipt beside it, written by the pipeline that ran the scanner, tells the two apart.
It is a statement of that pipeline, not a proof (``docs/adr/0011``).
"""

import json
import re
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

from iacgate.errors import InputError
from iacgate.model.scan import Receipt, Scan
from iacgate.scanners.text import NAME_LIMIT, plain

__all__ = ["SCHEMA", "GivenReceipt", "read_receipt", "tool_name", "utc_time", "with_receipt", "write_receipt"]

SCHEMA = "iacgate/receipt/v1"
_HEX = re.compile(r"[0-9a-f]{7,64}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_NOT_A_NAME = re.compile(r"[^a-z0-9.]+")


class GivenReceipt(NamedTuple):
    """A receipt that was given beside results."""

    source: str
    """The file it was read from."""
    receipt: Receipt
    results_sha256: str = ""
    """The results that it is about; empty: those of its tool."""


class _Document(msgspec.Struct, forbid_unknown_fields=True):
    schema: str
    tool: str
    version: str = ""
    rules: int | None = None
    commit: str = ""
    time: str = ""
    input_sha256: str = ""
    results_sha256: str = ""


def tool_name(name: str) -> str:
    """A scanner's name as policies write it: lower case, with ``-`` between words (``Snyk IaC``: ``snyk-iac``)."""
    return _NOT_A_NAME.sub("-", name.casefold()).strip("-")[:NAME_LIMIT] or "unknown"


def utc_time(text: str) -> str:
    """A time as RFC 3339 in UTC, to the second; empty when it is none, or has no zone."""
    try:
        time = datetime.fromisoformat(text.strip())
        return "" if time.tzinfo is None else time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError):
        return ""


def read_receipt(document: Any, source: str) -> GivenReceipt:
    """Read a receipt. Raises ``InputError`` when it is none, or is malformed."""
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise InputError(f"{source} is not a receipt: its `schema` is not {SCHEMA}")
    try:
        one = msgspec.convert(document, _Document)
    except msgspec.ValidationError as error:
        raise InputError(f"the receipt {source} is malformed: {error}") from None
    commit, time = one.commit.lower(), utc_time(one.time)
    wrong = [
        name
        for name, good in (
            ("tool", bool(one.tool.strip())),
            ("rules", one.rules is None or one.rules >= 0),
            ("commit", not commit or _HEX.fullmatch(commit) is not None),
            ("time", not one.time or bool(time)),
            ("input_sha256", not one.input_sha256 or _SHA256.fullmatch(one.input_sha256.lower()) is not None),
            ("results_sha256", not one.results_sha256 or _SHA256.fullmatch(one.results_sha256.lower()) is not None),
        )
        if not good
    ]
    if wrong:
        raise InputError(f"the receipt {source} is malformed: `{wrong[0]}` is not what it should be")
    receipt = Receipt(
        tool_name(one.tool), plain(one.version, NAME_LIMIT), one.rules, commit, time, one.input_sha256.lower()
    )
    return GivenReceipt(source, receipt, one.results_sha256.lower())


def write_receipt(receipt: Receipt, results_sha256: str = "") -> bytes:
    """A receipt as a JSON document. What is empty is left out."""
    values = {"schema": SCHEMA, **receipt._asdict(), "results_sha256": results_sha256}
    kept = {key: value for key, value in values.items() if value not in ("", None)}
    return json.dumps(kept, indent=2).encode() + b"\n"


def with_receipt(scan: Scan, given: GivenReceipt) -> Scan:
    """The scan with what the receipt adds. Where the two contradict each other it is no evidence."""
    merged = scan.receipt
    for field in ("version", "commit", "time", "input_sha256", "rules"):
        said, says = getattr(merged, field), getattr(given.receipt, field)
        if says in ("", None):
            continue
        if said in ("", None):
            merged = merged._replace(**{field: says})
        elif field in ("version", "commit", "input_sha256") and said.lstrip("v") != says.lstrip("v"):
            why = f"its receipt {given.source} says another {field} than its results"
            return scan._replace(problem=scan.problem or why)
        elif field == "rules" and says < said:
            why = f"its receipt {given.source} says fewer rules than its results show"
            return scan._replace(problem=scan.problem or why)
        elif field == "time":
            merged = merged._replace(time=min(said, says))  # neither makes old results younger
        elif field == "rules":
            merged = merged._replace(rules=says)  # results may list those that failed only
    return scan._replace(receipt=merged)
