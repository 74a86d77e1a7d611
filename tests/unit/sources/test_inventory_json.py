"""Inventories are read whole or refused; nothing in them is guessed."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from iacgate.errors import InputError
from iacgate.sources.inventory_json import read_inventory

from tests.acceptance.gate import FIXTURES
from tests.unit.policy.inventories import NOW, document, scope, there

SUBNET = there("aws_subnet", "subnet-0a1b2c3d", {"map_public_ip_on_launch": False})


def sound() -> dict[str, Any]:
    return document([scope("aws_subnet"), scope(region="global")], [SUBNET])


def read(found: Any) -> Any:
    return read_inventory(found if isinstance(found, bytes) else json.dumps(found).encode(), "i.json", NOW)


def test_an_inventory_is_read() -> None:
    found = read(sound())
    assert [(one.type, one.cloud_id, one.scope) for one in found.resources] == [("aws_subnet", "subnet-0a1b2c3d", 0)]
    assert found.scopes[0].complete == {"aws_subnet"}
    assert found.collected_at.isoformat() == "2025-06-02T05:30:00+00:00"


def test_utf16_with_a_byte_order_mark_reads_like_utf8() -> None:
    assert read(json.dumps(sound()).encode("utf-16")).resources == read(sound()).resources


def without(key: str) -> Callable[[Any], Any]:
    return lambda one: {name: value for name, value in one.items() if name != key}


def put(*path: Any) -> Callable[[Any], Any]:
    def change(one: Any) -> Any:
        *steps, last, value = path
        here = one
        for step in steps:
            here = here[step]
        here[last] = value
        return one

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (without("schema"), "no inventory"),
        (put("schema", "iacgate/inventory/v2"), "version"),
        (without("collected_at"), "`collected_at`"),
        (without("scopes"), "`scopes`"),
        (without("resources"), "`resources`"),
        (put("more", 1), "no inventory has"),
        (put("collected_at", "2025-06-02T09:30:00Z"), "future"),
        (put("collected_at", "2025-06-02"), "no time"),
        (put("collected_at", "2025-06-02T05:30:00"), "no time"),
        (put("collected_at", "2025-13-02T05:30:00Z"), "no time"),
        (put("collected_at", 1), "malformed|wrong|not"),
        (put("scopes", []), "no scope"),
        (put("scopes", [scope("aws_subnet"), scope("aws_vpc")]), "stands twice"),
        (put("scopes", 0, "cloud", "oracle"), "no cloud"),
        (put("scopes", 0, "account", "12345"), "no account"),
        (put("scopes", 0, "region", "EU"), "no region"),
        (put("scopes", 0, "complete", ["subnet"]), "does not have"),
        (put("scopes", 0, "complete", ["google_compute_network"]), "does not have"),
        (put("scopes", 0, "complete", ["aws_subnet", "aws_subnet"]), "twice"),
        (put("scopes", 0, "complete", "aws_subnet"), "malformed"),
        (put("scopes", 0, "holes", [{"type": "aws_subnet", "reason": "denied"}]), "complete and that it has a hole"),
        (put("scopes", 0, "holes", [{"type": "aws_vpc", "reason": "a"}, {"type": "aws_vpc", "reason": "b"}]), "two"),
        (put("scopes", 0, "collected_at", "2026-06-02T05:30:00Z"), "future"),
        (put("scopes", 0, "colour", "red"), "malformed"),
        (put("resources", [SUBNET, SUBNET]), "stands twice"),
        (put("resources", [{**SUBNET, "region": "us-east-1"}]), "did not look at"),
        (put("resources", [{**SUBNET, "account": "444455556666"}]), "did not look at"),
        (put("resources", [{**SUBNET, "type": "subnet"}]), "no resource type"),
        (put("resources", [{**SUBNET, "type": "aws_Subnet"}]), "no resource type"),
        (put("resources", [{**SUBNET, "cloud_id": ""}]), "cloud_id"),
        (put("resources", [{**SUBNET, "attributes": []}]), "malformed"),
        (put("resources", [without("attributes")(SUBNET)]), "malformed"),
        (put("resources", [{**SUBNET, "colour": "red"}]), "malformed"),
        (put("resources", {}), "wrong|malformed|not"),
        (put("resources", [1]), "malformed"),
        (lambda one: [], "not|object"),
        (lambda one: None, "not|object"),
    ],
)
def test_what_cannot_be_relied_on_is_refused(change: Callable[[Any], Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        read(change(sound()))


def test_every_prefix_of_an_inventory_is_refused() -> None:
    text = json.dumps(sound()).encode()
    for end in range(len(text)):
        with pytest.raises(InputError):
            read(text[:end])


@pytest.mark.parametrize(
    "text",
    [
        b'{"schema": "iacgate/inventory/v1", "schema": "iacgate/inventory/v1"}',
        json.dumps(sound()).encode().replace(b'"cloud_id"', b'"type": "aws_vpc", "cloud_id"'),
        json.dumps(sound()).encode().replace(b'"map_public', b'"map_public_ip_on_launch": true, "map_public'),
        json.dumps(sound()).encode().replace(b'"complete"', b'"complete": [], "complete"', 1),
        json.dumps(sound()).encode().replace(b"false", b"NaN"),
        json.dumps(sound()).encode().replace(b"false", b"1e999"),
        json.dumps(sound()).encode().replace(b"false", b"[" * 30_000 + b"]" * 30_000),
        b"\x1f\x8b\x08",
        b" " * 9_000,
        b"\xff\xfe\x00",
    ],
)
def test_text_that_says_two_things_or_none_is_refused(text: bytes) -> None:
    with pytest.raises(InputError):
        read(text)


def test_the_json_schema_takes_what_the_reader_takes() -> None:
    import jsonschema

    from iacgate.sources.inventory_schema import inventory_schema

    judge = jsonschema.Draft202012Validator(inventory_schema())
    files = [json.loads(file.read_text("utf-8")) for file in sorted((FIXTURES / "inventories").glob("*.json"))]
    assert len(files) > 1
    for one in [sound(), *files]:
        judge.validate(one)
    for change in (without("scopes"), put("more", 1), put("scopes", 0, "region", "EU"), put("resources", [1])):
        assert not judge.is_valid(change(sound()))


def test_no_value_of_an_inventory_stands_in_a_message() -> None:
    with pytest.raises(InputError) as caught:
        read(put("resources", [{**SUBNET, "attributes": "hunter2-secret"}])(sound()))
    assert "hunter2" not in str(caught.value)
