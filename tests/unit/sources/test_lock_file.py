"""The dependency lock file: read whole, or an error; never a file that silently locks nothing."""

from pathlib import Path

import pytest

from iacgate.errors import InputError
from iacgate.model.plan import ProviderLock
from iacgate.sources.lock_file import LOCK_FILE, parse_locks, read_locks

LOCK = """
# This file is maintained automatically by "terraform init".
provider "registry.terraform.io/hashicorp/aws" {
  version     = "5.100.0"
  constraints = "~> 5.100"
  hashes = [
    "h1:Ijt7pOlB7Tr7maGQIqtsLFbl7pSMIj06TVdkoSBcYOw=",
    "zh:054b8dd49f0549c9a7cc27d159e45327b7b65cf404da5e5a20da154b90b8a644",
  ]
}
provider "registry.opentofu.org/hashicorp/Random" {
  version = "3.7.2"
}
"""


def test_versions_and_hashes_are_read_by_source_address() -> None:
    assert parse_locks(LOCK, "lock") == {
        "registry.terraform.io/hashicorp/aws": ProviderLock(
            "5.100.0",
            (
                "h1:Ijt7pOlB7Tr7maGQIqtsLFbl7pSMIj06TVdkoSBcYOw=",
                "zh:054b8dd49f0549c9a7cc27d159e45327b7b65cf404da5e5a20da154b90b8a644",
            ),
        ),
        "registry.opentofu.org/hashicorp/random": ProviderLock("3.7.2", ()),
    }


def test_an_empty_lock_file_and_none_lock_nothing(tmp_path: Path) -> None:
    assert read_locks(tmp_path) == {}
    (tmp_path / LOCK_FILE).write_text("")
    assert read_locks(tmp_path) == {}


@pytest.mark.parametrize(
    "content",
    [
        b'provider "a" {',
        b"\xff\xfe",
        b'provider "a" {\n version = "1"\n}\nprovider "a" {\n version = "2"\n}\n',
        b" " * (5 * 1024 * 1024),
    ],
    ids=["cut", "not text", "twice", "too large"],
)
def test_a_lock_file_that_cannot_be_trusted_is_an_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / LOCK_FILE).write_bytes(content)
    with pytest.raises(InputError) as raised:
        read_locks(tmp_path)
    assert LOCK_FILE in raised.value.message


def test_a_byte_order_mark_is_no_part_of_it(tmp_path: Path) -> None:
    (tmp_path / LOCK_FILE).write_bytes(b"\xef\xbb\xbf" + LOCK.encode())
    assert len(read_locks(tmp_path)) == 2
