# ruff: noqa: E501 - tables read better in long lines
"""The file of a posture index: what is put in comes out, and damage never reads as "nothing there"."""

from pathlib import Path
from typing import Any

import pytest

from iacgate.errors import InputError
from iacgate.model.inventory import InventoryScope, ScopeKey
from iacgate.sources.index_file import MAGIC, HeldType, IndexFile, NewRecord, normal, open_index, pack

from tests.unit.policy.inventories import NOW

KEY = ScopeKey("aws", "111122223333", "eu-central-1")
NAMES = ["arn", "id", "tags", "vpc_id", "groups", "policy"]


def packed(count: int = 100) -> bytes:
    types = {
        "aws_subnet": HeldType(NAMES, None, ["id", "vpc_id", "groups"]),
        "aws_vpc": HeldType(NAMES, ["id"], ["id"]),
        "aws_route": HeldType(NAMES, None, []),
    }
    records = [
        NewRecord("aws_subnet", f"subnet-{n}", 0, {"id": f"subnet-{n}", "vpc_id": f"vpc-{n % 7}", "groups": ["g", f"g{n}"]}, {})
        for n in range(count)
    ]  # fmt: skip
    records += [NewRecord("aws_subnet", "odd", 0, {"id": "odd", "groups": ["g"]}, {"groups": [True]})]
    records += [NewRecord("aws_vpc", "vpc-1", 0, {"id": "vpc-1"}, {}), NewRecord("aws_vpn", "no", 0, {"id": "no"}, {})]
    scope = InventoryScope(KEY, NOW, frozenset({"aws_subnet", "aws_nothing"}), {"aws_vpc": "denied", "aws_x": "denied"})
    return pack([scope], types, [], records)


def ids(found: Any) -> set[str]:
    return {one.cloud_id for one in found}


def test_what_is_put_in_comes_out() -> None:
    index = open_index("i", packed())
    assert ids(index.lookup("aws_subnet", "id", "subnet-42")) == {"subnet-42"}
    assert ids(index.lookup("aws_subnet", "vpc_id", "vpc-3")) == {f"subnet-{n}" for n in range(3, 100, 7)}
    assert ids(index.lookup("aws_subnet", "groups", "g7")) == {"subnet-7"}
    assert len(index.lookup("aws_subnet", "groups", "g")) == 101
    assert ids(index.lookup("aws_subnet", "id", "vpc-1")) == set()
    assert ids(index.all("aws_vpc")) == {"vpc-1"}
    assert index.all("aws_vpn") == []
    assert index.all("aws_nothing") == []


def test_an_attribute_that_is_no_key_is_found_all_the_same() -> None:
    index = open_index("i", packed())
    assert ids(index.lookup("aws_subnet", "arn", "arn")) == set()
    assert ids(index.untold("aws_subnet", "arn")) == {"odd", *(f"subnet-{n}" for n in range(100))}


def test_what_an_inventory_does_not_tell_is_unknown() -> None:
    index = open_index("i", packed())
    (odd,) = index.lookup("aws_subnet", "id", "odd")
    assert odd.unknown == {"arn": True, "tags": True, "vpc_id": True, "policy": True, "groups": [True]}
    assert ids(index.untold("aws_subnet", "vpc_id")) == {"odd"}
    assert ids(index.untold("aws_subnet", "groups")) == {"odd"}
    assert index.holds("aws_subnet", "tags")
    assert not index.holds("aws_vpc", "tags")
    assert not index.holds("aws_vpn", "id")


def test_scopes_speak_of_the_types_that_are_held() -> None:
    (scope,) = open_index("i", packed()).scopes
    assert scope == (KEY, NOW, {"aws_subnet"}, {"aws_vpc": "denied"})


def test_a_file_is_read_as_its_bytes_are(tmp_path: Path) -> None:
    file = tmp_path / "i.idx"
    file.write_bytes(packed())
    index = open_index(str(file))
    assert index.digest == open_index("i", packed()).digest
    assert ids(index.lookup("aws_subnet", "id", "subnet-0")) == {"subnet-0"}


def ask_everything(index: IndexFile) -> list[Any]:
    found: list[Any] = [index.all(kind) for kind in ("aws_subnet", "aws_vpc")]
    found += [index.lookup("aws_subnet", "id", f"subnet-{n}") for n in range(8)]
    found += [index.lookup("aws_subnet", "vpc_id", f"vpc-{n}") for n in range(8)]
    return [found, index.untold("aws_subnet", "vpc_id"), index.scopes]


def test_every_damaged_byte_is_refused_or_changes_nothing() -> None:
    whole = packed(8)
    right = ask_everything(open_index("i", whole))
    for place in range(len(whole)):
        damaged = bytearray(whole)
        damaged[place] ^= 0x41
        try:
            answers = ask_everything(open_index("i", bytes(damaged)))
        except InputError as error:
            assert "\n" not in error.message  # noqa: PT017 - a byte that nobody asks for may be damaged
            continue
        assert answers == right, place


def test_every_prefix_and_anything_appended_is_refused() -> None:
    whole = packed(8)
    for end in range(0, len(whole), 7):
        with pytest.raises(InputError):
            open_index("i", whole[:end])
    with pytest.raises(InputError):
        open_index("i", whole + b"\0")


@pytest.mark.parametrize(
    "data", [b"", b"{}", MAGIC, MAGIC + b"\0" * 40, MAGIC + b"\xff" * 40, MAGIC.replace(b"1", b"2") + packed()[16:]]
)
def test_a_foreign_file_is_refused(data: bytes) -> None:
    with pytest.raises(InputError):
        open_index("i", data)


def test_a_file_that_changes_after_it_was_opened_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "i.idx"
    file.write_bytes(packed())
    index = open_index(str(file))
    with file.open("r+b") as stream:
        stream.truncate(2_000)
    with pytest.raises(InputError, match="damaged"):
        ask_everything(index)


@pytest.mark.parametrize(
    ("kind", "value", "same"),
    [
        ("azurerm_subnet", "/Subscriptions/A/resourceGroups/B", "/subscriptions/a/resourcegroups/b"),
        ("google_compute_network", "https://www.googleapis.com/compute/v1/projects/p/global/networks/n", "projects/p/global/networks/n"),
        ("google_compute_network", "https://compute.googleapis.com/compute/beta/projects/p/global/networks/n", "projects/p/global/networks/n"),
        ("aws_s3_bucket", "Name", "Name"),
    ],
)  # fmt: skip
def test_spellings_of_one_identity(kind: str, value: str, same: str) -> None:
    assert normal(kind, value) == same
