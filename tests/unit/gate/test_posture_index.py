# ruff: noqa: E501 - tables read better in long lines
"""What goes into a posture index: what checks ask of partners, all of network paths, and nothing sensitive."""

from typing import Any

import pytest

from iacgate.gate.posture_index import held_types, make_index
from iacgate.policy.asked_types import NETWORK
from iacgate.policy.catalogue import load_packaged
from iacgate.sources.index_file import open_index

from tests.unit.policy.inventories import SCHEMA, document, index_of, scope, there
from tests.unit.policy.plans import catalogue

ASKS = catalogue(
    ("replica", "aws_db_instance", "{related: {type: aws_rds_cluster, our: replicate_source_db, matches: [arn], satisfies: {all: [{attribute: storage_encrypted, equals: true, absent: fail}, {attribute: master_username, is_set: true}]}, absent: pass}}", "high"),
    ("disks", "aws_instance", "{exists: {type: aws_launch_template, satisfies: {every: block_device_mappings, satisfies: {attribute: ebs.encrypted, equals: 'true', absent: fail}, absent: fail}}}", "high"),
    ("secret", "aws_ecs_service", "{exists: {type: aws_instance, satisfies: {attribute: user_data, holds_secret: false}}}", "high"),
)  # fmt: skip


def record(kind: str, attributes: dict[str, Any]) -> Any:
    index = index_of(ASKS, [scope()], [there(kind, "x", attributes)])
    (found,) = index.all(kind)
    return found


def test_attributes_that_no_condition_asks_for_stay_outside() -> None:
    found = record("aws_rds_cluster", {"storage_encrypted": True, "engine": "aurora", "arn": "a"})
    assert found.values == {"id": "x", "arn": "a", "storage_encrypted": True}
    assert found.unknown["engine"] is True


def test_nothing_sensitive_enters_even_where_a_check_asks_for_it() -> None:
    secret = {"master_password": "hunter2", "master_username": "root", "arn": "a"}
    library = catalogue(("p", "aws_db_instance", "{exists: {type: aws_rds_cluster, satisfies: {attribute: master_password, is_set: true}}}", "high"))  # fmt: skip
    for checks in (ASKS, library):
        index = index_of(checks, [scope()], [there("aws_rds_cluster", "x", secret)])
        (found,) = index.all("aws_rds_cluster")
        assert "master_password" not in found.values
        assert found.unknown["master_password"] is True


@pytest.mark.parametrize("kind", sorted(held_types(load_packaged(), SCHEMA)))
def test_no_sensitive_attribute_of_any_type_enters(kind: str) -> None:
    canary = "canary-of-a-secret"

    def filled(prefix: str) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for path, attribute in SCHEMA.paths(kind).items():
            name = path.removeprefix(prefix)
            if not path.startswith(prefix) or not name or "." in name:
                continue
            secret = attribute.sensitive or attribute.write_only
            marks = [
                mark
                for mark in (".", "[].", "{}.")
                if any(other.startswith(path + mark) for other in SCHEMA.paths(kind))
            ]
            if marks:
                inner = filled(path + marks[0])
                out[name] = {".": inner, "[].": [inner], "{}.": {"k": inner}}[marks[0]]
            else:
                out[name] = canary if secret else None
        return out

    body = document([scope()], [there(kind, "x", filled(""))]) if kind.startswith("aws_") else None
    if body is None:
        account = "00000000-0000-0000-0000-000000000000" if kind.startswith("azurerm_") else "proj"
        cloud = "azure" if kind.startswith("azurerm_") else "google"
        place = {"cloud": cloud, "account": account, "region": "global", "complete": []}
        body = document([place], [there(kind, "x", filled(""), account, "global")])
    import msgspec

    from iacgate.sources.inventory_json import read_inventory

    read = read_inventory(msgspec.json.encode(body), "i")
    data = make_index([read], load_packaged(), SCHEMA).data
    assert canary.encode() not in data


def test_what_a_block_does_not_give_is_unknown_and_what_is_null_is_absent() -> None:
    found = record(
        "aws_launch_template", {"block_device_mappings": [{"device_name": "a", "ebs": [{"encrypted": None}]}]}
    )
    mask = found.unknown["block_device_mappings"][0]
    assert mask["no_device"] is True
    assert "device_name" not in mask
    assert mask["ebs"][0]["kms_key_id"] is True
    assert "encrypted" not in mask["ebs"][0]


def test_no_attribute_is_kept_to_look_for_secrets_in_it() -> None:
    assert "user_data" not in record("aws_instance", {"user_data": "password=hunter2"}).values


def test_numbers_beyond_64_bits_and_attributes_of_no_schema_are_not_known() -> None:
    found = record("aws_subnet", {"ipv6_native": 2**70, "colour": "red", "vpc_id": "v"})
    assert found.values == {"id": "x", "vpc_id": "v"}
    assert found.unknown["ipv6_native"] is True


def test_network_types_are_held_whole_whatever_checks_ask() -> None:
    held = held_types(ASKS, SCHEMA)
    known = {kind for kind in NETWORK if SCHEMA.knows(kind)}
    assert known == NETWORK - {kind for kind in NETWORK if not SCHEMA.knows(kind)}
    assert all(held[kind].kept is None for kind in known)
    assert {"vpc_id"} <= set(held["aws_subnet"].keyed)
    assert {"route_table_id"} <= set(held["aws_route"].keyed)


def test_every_network_type_is_one_of_its_provider() -> None:
    assert {kind for kind in NETWORK if not SCHEMA.knows(kind)} == set()


def test_of_one_scope_in_two_inventories_the_newer_counts_alone() -> None:
    import msgspec

    from iacgate.sources.inventory_json import read_inventory

    old = document([scope("aws_subnet", "aws_vpc")], [there("aws_subnet", "old")], collected_at="2025-06-01T05:30:00Z")
    new = document([scope("aws_vpc")], [there("aws_subnet", "new")])
    for order in ([old, new], [new, old]):
        made = make_index([read_inventory(msgspec.json.encode(one), "i") for one in order], ASKS, SCHEMA)
        index = open_index("i", made.data)
        assert made.replaced == 1
        assert [one.cloud_id for one in index.all("aws_subnet")] == ["new"]
        assert [set(one.complete) for one in index.scopes] == [{"aws_vpc"}]
