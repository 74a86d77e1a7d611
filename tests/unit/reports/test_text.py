"""Untrusted text and values as one safe line."""

import json
import re
from typing import Any

import msgspec
import pytest

from iacgate.model.values import ABSENT, SENSITIVE, UNKNOWN
from iacgate.reports.text import clean, encode_json, value_text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain: é 漢", "plain: é 漢"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("a\r\nb\tc", r"a\r\nb\tc"),
        ("\x9b1m", r"\x9b1m"),
        ("user\u202elanimda", r"user\u202elanimda"),
        ("a\u200bb\ufeff", r"a\u200bb\ufeff"),
        ("\ud800", r"\ud800"),
        ("##vso[x]", r"#\x23vso[x]"),
        ("####", r"#\x23#\x23"),
        ("::error::x", r"\x3a:error::x"),
        ("a::b", "a::b"),
    ],
)
def test_clean_shows_what_does_not_print(text: str, expected: str) -> None:
    assert clean(text) == expected


@pytest.mark.parametrize("text", ["x" * 11, "x" * 1_000_000, "\x1b" * 10])
def test_clean_cuts_and_says_so(text: str) -> None:
    assert len(clean(text, 10)) == 10
    assert clean(text, 10).endswith("…")


def test_clean_leaves_text_of_the_limit_whole() -> None:
    assert clean("x" * 10, 10) == "x" * 10


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (ABSENT, "(not set)"),
        (None, "(not set)"),
        (UNKNOWN, "(known after apply)"),
        (SENSITIVE, "(sensitive)"),
        (True, "true"),
        (2**70, "1180591620717411303424"),
        ("0.0.0.0/0", '"0.0.0.0/0"'),
        ("", '""'),
        ('a"\n', r'"a\"\n"'),
        (["a", UNKNOWN], '["a","(known after apply)"]'),
        ({"b": 1.5}, '{"b":1.5}'),
    ],
)
def test_value_text_is_json_or_terraforms_words(value: Any, expected: str) -> None:
    assert value_text(value) == expected


@pytest.mark.parametrize("value", ["x" * 500, ["x"] * 500, {"k": "x" * 1_000_000}])
def test_value_text_is_cut_to_a_hundred_characters(value: Any) -> None:
    assert len(value_text(value)) == 100


@pytest.mark.parametrize("value", ["##vso[task]", ["####"], {"##": "a"}, 2**64 + 1, "\u2028", "\x7f\x80\x9b\xa0é\xc2"])
def test_encode_json_keeps_the_value_without_pipeline_commands(value: Any) -> None:
    encoded = encode_json(value)
    assert json.loads(encoded) == value
    assert b"##" not in encoded
    assert not re.search("[\x00-\x1f\x7f-\x9f]", encoded.decode())
    assert b"\n" not in encoded


@pytest.mark.parametrize("value", ["\ud800", {"a": ["\udfff", UNKNOWN, msgspec.Raw(b'"r"')]}])
def test_encode_json_replaces_lone_surrogates(value: Any) -> None:
    assert "?" in str(msgspec.json.decode(encode_json(value)))
