"""Messages made fit to be shown, and receipts."""

import json
from typing import Any

import pytest

from iacgate.errors import InputError
from iacgate.model.scan import Receipt, Scan
from iacgate.scanners.receipt import (
    GivenReceipt,
    read_receipt,
    tool_name,
    utc_time,
    with_receipt,
    write_receipt,
)
from iacgate.scanners.text import MESSAGE_LIMIT, plain

COMMIT = "4f2d8a6b9c1e0357fedcba98765432100a1b2c3d"
WHOLE = {"schema": "iacgate/receipt/v1", "tool": "Trivy", "version": "0.57.1", "rules": 512, "commit": COMMIT,
         "time": "2026-11-20T09:20:00+01:00", "input_sha256": "a" * 64, "results_sha256": "B" * 64}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Bucket has logging disabled", "Bucket has logging disabled"),
        ("\x1b[31mred\x1b[0m and \x1b]0;title\x07 more", "red and more"),
        ("a\x00b\r\nc\u202ed\u200b\x9b1m", "a b c d 1m"),
        ('password = "hunter2 hunter2"', "password = ***"),
        ("db_password is set to hunter2hunter2", "db_password is set to ***"),
        ("auth token: abcdef123456, twice", "auth token: ***, twice"),
        ("key AKIAIOSFODNN7EXAMPLE in user_data", "key *** in user_data"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----", "***"),
        ("https://user:pass1@host.example/x", "https://***@host.example/x"),
        ("ghp_abcdefghijklmnop0123456789", "***"),
        ("use a secret manager for tokens", "use a secret manager for tokens"),
        ("", ""),
    ],
)
def test_a_message_is_printable_and_names_no_credential(text: str, shown: str) -> None:
    assert plain(text) == shown


def test_a_message_is_short_however_long_it_is() -> None:
    assert len(plain("x " * 10_000_000)) == MESSAGE_LIMIT
    assert plain("x" * 1_000).endswith("…")


@pytest.mark.parametrize(
    ("name", "tool"),
    [("Trivy", "trivy"), ("Snyk IaC", "snyk-iac"), ("  KICS ", "kics"), ("", "unknown"), ("\x1b[31m!", "31m")],
)
def test_the_name_of_a_tool(name: str, tool: str) -> None:
    assert tool_name(name) == tool


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-11-20T09:20:00+01:00", "2026-11-20T08:20:00Z"),
        ("2026-11-20T08:20:00.123456Z", "2026-11-20T08:20:00Z"),
        ("2026-11-20T08:20:00+0000", "2026-11-20T08:20:00Z"),
        ("2026-11-20T08:20:00", ""),
        ("yesterday", ""),
        ("9999-12-31T23:59:59-12:00", ""),
        ("", ""),
    ],
)
def test_a_time_is_in_utc_or_none(text: str, time: str) -> None:
    assert utc_time(text) == time


def test_a_receipt_is_read_and_written_back() -> None:
    given = read_receipt(WHOLE, "r.json")
    assert given.receipt == Receipt("trivy", "0.57.1", 512, COMMIT, "2026-11-20T08:20:00Z", "a" * 64)
    assert given.results_sha256 == "b" * 64
    again = read_receipt(json.loads(write_receipt(given.receipt, given.results_sha256)), "r.json")
    assert again == given


@pytest.mark.parametrize(
    "wrong",
    [
        {"schema": "iacgate/receipt/v2"},
        {"tool": ""},
        {"tool": None},
        {"rules": -1},
        {"rules": "512"},
        {"rules": 1.5},
        {"commit": "main"},
        {"time": "yesterday"},
        {"time": "2026-11-20T08:20:00"},
        {"input_sha256": "abc"},
        {"results_sha256": "g" * 64},
        {"signature": "x"},
    ],
)
def test_a_receipt_that_is_malformed_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        read_receipt(WHOLE | wrong, "r.json")


@pytest.mark.parametrize("document", [None, [], 1, {}, {"tool": "trivy"}])
def test_what_is_no_receipt_is_refused(document: Any) -> None:
    with pytest.raises(InputError):
        read_receipt(document, "r.json")


def scan(**said: Any) -> Scan:
    return Scan("t.sarif", Receipt("trivy")._replace(**said))


def given(**said: Any) -> GivenReceipt:
    return GivenReceipt("r.json", Receipt("trivy")._replace(**said))


def test_a_receipt_adds_what_the_results_do_not_say() -> None:
    merged = with_receipt(scan(version="0.57.1", rules=3), given(version="v0.57.1", rules=512, commit=COMMIT))
    assert merged.receipt == Receipt("trivy", "0.57.1", 512, COMMIT)
    assert not merged.problem


@pytest.mark.parametrize(
    ("results", "receipt", "problem"),
    [
        ({"version": "0.57.1"}, {"version": "0.58.0"}, "another version"),
        ({"commit": COMMIT}, {"commit": "0" * 40}, "another commit"),
        ({"rules": 20}, {"rules": 3}, "fewer rules"),
    ],
)
def test_a_receipt_that_contradicts_the_results_makes_them_no_evidence(
    results: dict[str, Any], receipt: dict[str, Any], problem: str
) -> None:
    assert problem in with_receipt(scan(**results), given(**receipt)).problem


def test_a_fresh_receipt_makes_old_results_no_younger() -> None:
    merged = with_receipt(scan(time="2026-01-01T00:00:00Z"), given(time="2026-11-20T00:00:00Z"))
    assert merged.receipt.time == "2026-01-01T00:00:00Z"
