"""Addresses: what is printed is what was read, and a key is what Terraform meant by it."""

import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from iacgate.model.address import Address, AddressError, ModuleStep, key_value, parse_address, quote_key

FIXTURES = Path(__file__).parents[3] / "fixtures"

NAMES = st.from_regex(r"[A-Za-z_é][A-Za-z0-9_-]{0,8}", fullmatch=True)
KEYS = st.one_of(
    st.integers(0, 10**6),
    st.text(max_size=12),
    st.text(alphabet='"\\.[]${}%\n\r\té中\U0001f600 module.data', max_size=20),
)
ADDRESSES = st.builds(
    Address,
    st.lists(st.builds(ModuleStep, NAMES, st.one_of(st.just(""), KEYS.map(quote_key))), max_size=3).map(tuple),
    st.sampled_from(["managed", "data", "ephemeral"]),
    NAMES.filter(lambda name: name not in ("data", "ephemeral", "module")),
    NAMES,
    st.one_of(st.just(""), KEYS.map(quote_key)),
)


@given(ADDRESSES)
def test_an_address_round_trips(address: Address) -> None:
    assert parse_address(str(address)) == address
    assert str(parse_address(str(address))) == str(address)


@given(KEYS)
@example('a.b["c"].d')
@example("${x}%{y}$${z}")
@example("\\")
@example('"')
@example("line\nend\r\t")
def test_a_key_round_trips(key: str | int) -> None:
    assert key_value(quote_key(key)) == key
    assert parse_address(f"aws_x.y{quote_key(key)}").key == quote_key(key)


@pytest.mark.parametrize(
    ("text", "modules", "mode", "kind", "name", "key"),
    [
        ("aws_x.y", (), "managed", "aws_x", "y", None),
        ("aws_x.y[0]", (), "managed", "aws_x", "y", 0),
        ('aws_x.y["a.b"]', (), "managed", "aws_x", "y", "a.b"),
        (r'aws_x.y["\"].aws_x.y[\""]', (), "managed", "aws_x", "y", '"].aws_x.y["'),
        (r'aws_x.y["a\\"]', (), "managed", "aws_x", "y", "a\\"),
        (r'aws_x.y["a\nb"]', (), "managed", "aws_x", "y", "a\nb"),
        ('aws_x.y["$${a}"]', (), "managed", "aws_x", "y", "${a}"),
        ("data.aws_x.y", (), "data", "aws_x", "y", None),
        ("ephemeral.aws_x.y[1]", (), "ephemeral", "aws_x", "y", 1),
        ("module.a.aws_x.y", ("a",), "managed", "aws_x", "y", None),
        ("module.data.aws_x.y", ("data",), "managed", "aws_x", "y", None),
        ("module.data.data.aws_x.y", ("data",), "data", "aws_x", "y", None),
        ("module.module.aws_x.y", ("module",), "managed", "aws_x", "y", None),
        ('module.a["x.module.b"].module.b[0].aws_x.y["z"]', ("a", "b"), "managed", "aws_x", "y", "z"),
        ('module.a["]"].aws_x.y["]"]', ("a",), "managed", "aws_x", "y", "]"),
        ("aws_é.größe", (), "managed", "aws_é", "größe", None),
        ("aws_x.with-hyphen", (), "managed", "aws_x", "with-hyphen", None),
    ],
)
def test_an_address_is_taken_apart_as_terraform_reads_it(
    text: str, modules: tuple[str, ...], mode: str, kind: str, name: str, key: str | int | None
) -> None:
    address = parse_address(text)
    assert (address.module_names, address.mode, address.type, address.name, key_value(address.key)) == (
        modules,
        mode,
        kind,
        name,
        key,
    )
    assert str(address) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "aws_x",
        "aws_x.",
        ".y",
        "aws_x.y.z",
        "aws_x.y[",
        'aws_x.y["a]',
        'aws_x.y["a"]["b"]',
        "aws_x.y[a]",
        "1x.y",
        "module.a.",
        "module.a[0].aws_x",
        "aws_x.y\n",
        " aws_x.y",
        "var.a.b.c",
        'aws_x.y["a"b"]',
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(AddressError):
        parse_address(text)


@given(st.text(max_size=60))
def test_any_text_is_an_address_or_refused_and_never_a_crash(text: str) -> None:
    with contextlib.suppress(AddressError):
        assert str(parse_address(text)) == text


@pytest.mark.parametrize("name", ["addresses", "net-banking-create", "moved"])
def test_addresses_that_terraform_wrote_round_trip(name: str) -> None:
    changes = json.loads((FIXTURES / "plans" / f"{name}.json").read_bytes())["resource_changes"]
    for change in changes:
        address = parse_address(change["address"])
        assert str(address) == change["address"]
        assert (address.mode, address.type, address.name) == (change["mode"], change["type"], change["name"])
        assert address.module == change.get("module_address", "")
        assert key_value(address.key) == change.get("index")
