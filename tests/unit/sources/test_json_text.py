"""JSON text that somebody else wrote: encodings, keys that stand twice, sizes and depths."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from iacgate.errors import InputError
from iacgate.sources.json_text import decode, decode_object, refuse_duplicate_keys, to_utf8

TEXT = '{"a": "é中\U0001f600"}'
ENCODINGS = {"utf-8": b"", "utf-8-sig": b"", "utf-16": b"", "utf-32": b"", "utf-16-le": b"", "utf-16-be": b""}


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_encoding_reads_as_utf_8(encoding: str) -> None:
    assert to_utf8(TEXT.encode(encoding), "x") == TEXT.encode()


def test_utf_16_big_endian_with_a_byte_order_mark_reads_as_utf_8() -> None:
    assert to_utf8(b"\xfe\xff" + TEXT.encode("utf-16-be"), "x") == TEXT.encode()


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "x is empty"),
        (b" \r\n\t", "nothing but white space"),
        (" \n".encode("utf-16"), "nothing but white space"),
        (b"\xef\xbb\xbf", "nothing but white space"),
        (b"\x1f\x8b\x08\0", "gzip-compressed"),
        (b"BZh9", "bzip2-compressed"),
        (b"\xfd7zXZ\0", "xz-compressed"),
        (b"\x28\xb5\x2f\xfd", "zstd-compressed"),
        (b'{"a": "\xff"}', "not text"),
        (b"\xff\xfe{\0x", "not text"),
        (b"\xff\xfe\0\xd8", "not text"),
    ],
)
def test_what_is_no_text_is_refused(data: bytes, says: str) -> None:
    with pytest.raises(InputError) as caught:
        to_utf8(data, "x")
    assert says in caught.value.message


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1, "a": 1}',
        '{"a":1,"b":2,"a":3}',
        '{"a":1,"\\u0061":2}',
        '{"a":{"x":[1,{}]},"b":"}","a":"{"}',
        '{"":1,"":2}',
        '{"a\\"b":1,"a\\"b":2}',
        '{ "a" : "\\\\" , "a" : "x" }',
        '{"a":1,\n\t"a"\r\n:\t2}',
    ],
)
def test_a_key_that_stands_twice_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="stands twice"):
        refuse_duplicate_keys(text.encode(), "x")
    with pytest.raises(InputError, match="stands twice"):
        decode(Raw(text.encode()), Any, "x", exact=True)
    with pytest.raises(InputError, match="stands twice"):
        decode(Raw(f'{{"deep":[[{text}]]}}'.encode()), Any, "x", exact=True)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text(max_size=5), JSON, max_size=6), st.sampled_from([None, 0, 2]), st.booleans())
def test_keys_that_stand_once_are_read_exactly(value: dict[str, Any], indent: int | None, ascii_only: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only).encode(errors="surrogatepass")
    assert set(refuse_duplicate_keys(text, "x")) == set(value)
    assert decode(Raw(text), Any, "x", exact=True) == value


@pytest.mark.parametrize("text", [b'{"a":4e+90,"a": 4}', b'{"a": 12, "a": 1}', b'{ "a":[1],"b":12,"b":1 }'])
def test_a_key_written_again_with_the_beginning_of_its_value_is_refused(text: bytes) -> None:
    with pytest.raises(InputError, match="stands twice"):
        refuse_duplicate_keys(text, "x")


@given(st.dictionaries(st.text(max_size=5), JSON, min_size=1, max_size=5), st.data())
def test_wherever_a_key_is_written_again_it_is_refused(value: dict[str, Any], data: st.DataObject) -> None:
    key = data.draw(st.sampled_from(sorted(value)))
    parts = [f"{json.dumps(name)}:{json.dumps(item)}" for name, item in value.items()]
    parts.insert(data.draw(st.integers(0, len(parts))), f"{json.dumps(key)}: {json.dumps(data.draw(JSON))}")
    text = ("{" + data.draw(st.sampled_from([",", " , ", ",\n"])).join(parts) + "}").encode()
    with pytest.raises(InputError, match="stands twice"):
        refuse_duplicate_keys(text, "x")
    with pytest.raises(InputError, match="stands twice"):
        decode(Raw(text), Any, "x", exact=True)


@pytest.mark.parametrize("number", ["18446744073709551616", "1" + "0" * 40, "-9223372036854775809", "9007199254740993"])
def test_integers_are_exact(number: str) -> None:
    value = decode(Raw(f'{{"n":{number}}}'.encode()), Any, "x", exact=True)["n"]
    assert (type(value), str(value)) == (int, number)


@pytest.mark.parametrize(
    "text",
    [
        "NaN",
        "[Infinity]",
        "[-Infinity]",
        "[1e400]",
        '["\\ud800"]',
        '["\\udc00x"]',
        "[01]",
        "[1,]",
        "{,}",
        "{'a':1}",
        "[1",
        "tru",
        "[1]x",
        '["\x01"]',
        "[1e]",
        "[+1]",
        "[.5]",
        "// x\n1",
        "[undefined]",
    ],
)
def test_what_is_not_json_is_refused_in_a_sentence_without_values(text: str) -> None:
    with pytest.raises(InputError) as caught:
        decode(Raw(text.encode()), Any, "here", exact=True)
    assert caught.value.message.startswith("here ")
    assert "ud800" not in caught.value.message


@pytest.mark.parametrize("deep", [b"[" * 20_000 + b"]" * 20_000, b'{"a":' * 20_000 + b"1" + b"}" * 20_000])
def test_deep_nesting_is_refused(deep: bytes) -> None:
    with pytest.raises(InputError, match="nested too deeply"):
        decode(Raw(deep), Any, "x", exact=True)
    with pytest.raises(InputError, match="nested too deeply"):
        decode_object(b'{"a":' + deep + b"}", dict[str, Raw], "x")


def test_a_part_that_is_too_large_is_refused() -> None:
    with pytest.raises(InputError, match="x is larger than 1 MiB"):
        decode(Raw(b'"' + b"a" * 2**20 + b'"'), Any, "x", limit=2**20)


def test_an_absent_part_is_none() -> None:
    assert decode(None, Any, "x") is None


def test_more_keys_than_any_plan_are_refused() -> None:
    text = b"{" + b",".join(b'"%d":0' % i for i in range(20_000)) + b"}"
    with pytest.raises(InputError, match="more keys"):
        refuse_duplicate_keys(text, "x")


@pytest.mark.parametrize(
    ("data", "says"), [(b'{"a":', "is cut off"), (b"{a}", "is not valid JSON"), (b"[]", "not what it should be")]
)
def test_a_document_is_refused_in_words(data: bytes, says: str) -> None:
    with pytest.raises(InputError) as caught:
        decode_object(data, dict[str, Raw], "plan.json")
    assert caught.value.message.startswith(f"plan.json {says}") or says in caught.value.message
