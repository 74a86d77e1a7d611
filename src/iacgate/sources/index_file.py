"""The file of a posture index: opened in a millisecond, whatever its size (``docs/adr/0020``).

.. code-block:: text

    magic (16 bytes) | sha256 of the head (32) | length of the head (8) | head | blocks of records | buckets of keys

The head is msgpack: scopes, types, sources and two tables that say where each block and bucket is, and its digest.
So the head's digest stands for the whole file, and only what is looked up is read and verified. Records of a type lie
together. A key is (type, attribute, value); it is found in the bucket that its hash names.

Read with ``pread``, not mapped: a file that shrinks under a map kills the process.
"""

from __future__ import annotations

import hashlib
import os
import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

from iacgate.errors import InputError
from iacgate.model.inventory import InventoryScope, Record, ScopeKey
from iacgate.sources.inventory_json import instant

__all__ = ["MAGIC", "HeldType", "IndexFile", "IndexSource", "NewRecord", "normal", "open_index", "pack"]

MAGIC = b"iacgate-index-1\n"
_START = struct.Struct("<16s32sQ")
_ENTRY = struct.Struct("<QI16s")
"""Where a block begins, its length, and its BLAKE2b digest (RFC 7693)."""
_RECORDS = 32
"""Records in a block."""
_KEYS = 32
"""Keys in a bucket, about."""
_MAX_BLOCK = 64 * 1024 * 1024
_MAX_HEAD = 64 * 1024 * 1024
_GOOGLE_HOSTS = ("https://www.googleapis.com/compute/", "https://compute.googleapis.com/compute/")
_HINT = "make it again: iacgate inventory index INVENTORY... --output FILE"


class HeldType(msgspec.Struct):
    """What of a resource type went into the index."""

    names: list[str]
    """All attributes that the provider's schema has at the top."""
    kept: list[str] | None
    """Those that were taken; ``None``: all that are not sensitive."""
    keyed: list[str]
    """Paths of attributes by which resources are found."""
    first: int = 0
    count: int = 0


class IndexSource(msgspec.Struct):
    """An inventory that went into the index."""

    sha256: str
    collected_at: str
    collector: str


class NewRecord(NamedTuple):
    """A record to be written."""

    type: str
    cloud_id: str
    scope: int
    values: Mapping[str, Any]
    unknown: Mapping[str, Any]
    """What is not known below the top; at the top it is what ``values`` does not hold."""


class _Scope(msgspec.Struct):
    cloud: str
    account: str
    region: str
    collected_at: str
    complete: list[str]
    holes: dict[str, str]


class _Head(msgspec.Struct):
    scopes: list[_Scope]
    types: dict[str, HeldType]
    sources: list[IndexSource]
    records: bytes
    buckets: bytes
    size: int
    """Of the whole file."""


class _Row(NamedTuple):
    cloud_id: str
    scope: int
    values: dict[str, Any]
    unknown: dict[str, Any]


def pack(
    scopes: Sequence[InventoryScope],
    types: dict[str, HeldType],
    sources: Sequence[IndexSource],
    records: Iterable[NewRecord],
) -> bytes:
    """The bytes of an index. ``records`` may come in any order; those of types that ``types`` lacks are left out."""
    encode = msgspec.msgpack.encode
    ordered = sorted((one for one in records if one.type in types), key=lambda one: (one.type, one.scope, one.cloud_id))
    keys: dict[bytes, list[int]] = {}
    blocks: list[bytes] = []
    rows: list[msgspec.Raw] = []
    for held in types.values():
        held.first = held.count = 0
    for number, one in enumerate(ordered):
        held = types[one.type]
        held.first = held.first if held.count else number
        held.count += 1
        for key in _keys_of(one, held):
            keys.setdefault(key, []).append(number)
        rows.append(msgspec.Raw(encode(_Row(one.cloud_id, one.scope, dict(one.values), dict(one.unknown)))))
        if len(rows) == _RECORDS:
            blocks.append(zlib.compress(encode(rows)))
            rows = []
    blocks += [zlib.compress(encode(rows))] if rows else []
    number_of_buckets = max(1, len(keys) // _KEYS)
    buckets: list[dict[bytes, list[int]]] = [{} for _ in range(number_of_buckets)]
    for key, numbers in keys.items():
        buckets[int.from_bytes(key, "big") % number_of_buckets][key] = numbers
    packed = [encode(bucket) for bucket in buckets]
    head = _Head(
        [
            _Scope(*one.key, one.collected_at.isoformat(), sorted(one.complete & types.keys()), _held(one.holes, types))
            for one in scopes
        ],
        types,
        list(sources),
        b"\0" * (_ENTRY.size * len(blocks)),
        b"\0" * (_ENTRY.size * len(packed)),
        2**62,  # as wide as any size: the head keeps its length when the places are filled in
    )
    start = _START.size + len(encode(head))
    head.records, start = _table(blocks, start)
    head.buckets, head.size = _table(packed, start)
    head.size += 2**62
    body = encode(head)
    return _START.pack(MAGIC, hashlib.sha256(body).digest(), len(body)) + body + b"".join([*blocks, *packed])


def _held(holes: Mapping[str, str], types: Mapping[str, HeldType]) -> dict[str, str]:
    return {kind: reason for kind, reason in sorted(holes.items()) if kind in types}


def _table(blocks: Sequence[bytes], start: int) -> tuple[bytes, int]:
    entries = []
    for block in blocks:
        entries.append(_ENTRY.pack(start, len(block), _digest(block)))
        start += len(block)
    return b"".join(entries), start


def _digest(block: bytes) -> bytes:
    return hashlib.blake2b(block, digest_size=16).digest()


def _keys_of(one: NewRecord, held: HeldType) -> Iterator[bytes]:
    for path in held.keyed:
        texts, told = _texts(one.values, one.unknown, path)
        for text in texts:
            yield _key(one.type, path, normal(one.type, text))
        if not told:
            yield _key(one.type, path, None)


def _key(kind: str, path: str, value: str | None) -> bytes:
    words = f"{kind}\0{path}\0" + ("" if value is None else f"={value}")
    return hashlib.blake2b(words.encode(errors="surrogatepass"), digest_size=8).digest()


def normal(kind: str, value: str) -> str:
    """A value of identity in the one spelling that is compared.

    Azure's ids know no letter case; Google writes the same link with and without host and version.
    """
    if kind.startswith("azurerm_"):
        return value.lower()
    if kind.startswith("google_"):
        for host in _GOOGLE_HOSTS:
            if value.startswith(host):
                return value[len(host) :].partition("/")[2]
    return value


def _texts(values: Mapping[str, Any], unknown: Mapping[str, Any], path: str) -> tuple[set[str], bool]:
    """The texts at a path, through all elements of lists; and whether all of them are known."""
    steps = path.split(".")
    if steps[0] not in values:
        return set(), False
    here: list[tuple[Any, Any]] = [(values, unknown)]
    told = True
    for step in steps:
        below: list[tuple[Any, Any]] = []
        for value, mask in _flat(here):
            if isinstance(value, dict | Mapping):
                below.append((value.get(step), mask.get(step) if isinstance(mask, dict) else mask))
        here = below
    texts = set()
    for value, mask in _flat(here):
        told = told and mask is not True
        if isinstance(value, str) and value:
            texts.add(value)
    return texts, told


def _flat(pairs: Iterable[tuple[Any, Any]]) -> Iterator[tuple[Any, Any]]:
    for value, mask in pairs:
        if isinstance(value, list):
            for position, item in enumerate(value):
                inner = mask[position] if isinstance(mask, list) and position < len(mask) else None
                yield item, True if mask is True else inner
        else:
            yield value, mask


def open_index(path: str, data: bytes | None = None, digest: str = "") -> IndexFile:
    """Open an index: a file, or its bytes where it was made here of an inventory with that digest.

    Raises ``InputError`` when it is none, or damaged.
    """
    if data is not None:
        made = IndexFile(path, lambda size, start: data[start : start + size], len(data))
        made.digest = digest or made.digest
        return made
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
        return IndexFile(path, lambda size, start: os.pread(descriptor, size, start), os.fstat(descriptor).st_size)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {(error.strerror or 'unreadable').lower()}") from None


class IndexFile:
    """An open index; see :class:`iacgate.model.inventory.PostureIndex`."""

    def __init__(self, path: str, read: Any, size: int) -> None:
        self.path = path
        self._read = read
        start = self._bytes(_START.size, 0)
        magic, digest, length = _START.unpack(start)
        if magic != MAGIC:
            raise InputError(f"{path} is no posture index of this version", hint=_HINT)
        if length > min(_MAX_HEAD, size):
            raise self._damaged()
        body = self._bytes(length, _START.size)
        if hashlib.sha256(body).digest() != digest:
            raise self._damaged()
        try:
            head = msgspec.msgpack.decode(body, type=_Head)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            raise self._damaged() from None
        if head.size - 2**62 != size or not head.buckets:
            raise self._damaged()
        self.digest = digest.hex()
        self.types = head.types
        self.sources = head.sources
        self.scopes: Sequence[InventoryScope] = [self._scope(one) for one in head.scopes]
        if not self.scopes:
            raise self._damaged()
        self.collected_at = min(one.collected_at for one in self.scopes)
        self._head = head
        self._blocks: dict[int, list[msgspec.Raw]] = {}
        self._buckets: dict[int, dict[bytes, list[int]]] = {}
        self._records: dict[int, Record] = {}

    def _scope(self, raw: _Scope) -> InventoryScope:
        at = instant(raw.collected_at, f"{self.path}: a time of collection", datetime.now(UTC))
        return InventoryScope(
            ScopeKey(raw.cloud, raw.account, raw.region), at, frozenset(raw.complete), dict(raw.holes)
        )

    def _damaged(self) -> InputError:
        return InputError(f"the posture index {self.path} is damaged or cut off", hint=_HINT)

    def _bytes(self, size: int, start: int) -> bytes:
        try:
            found: bytes = self._read(size, start)
        except OSError as error:
            raise InputError(f"{self.path} cannot be read: {(error.strerror or 'unreadable').lower()}") from None
        if len(found) != size:
            raise self._damaged()
        return found

    def _unpacked(self, data: bytes) -> bytes:
        unpacking = zlib.decompressobj()
        try:
            out = unpacking.decompress(data, _MAX_BLOCK)
        except zlib.error:
            raise self._damaged() from None
        if not unpacking.eof:
            raise self._damaged()
        return out

    def _decoded(self, data: bytes | msgspec.Raw, kind: Any) -> Any:
        try:
            return msgspec.msgpack.decode(data, type=kind)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            raise self._damaged() from None

    def _block(self, table: bytes, number: int) -> bytes:
        start, length, digest = _ENTRY.unpack_from(table, number * _ENTRY.size)
        data = self._bytes(length, start)
        if _digest(data) != digest:
            raise self._damaged()
        return data

    def holds(self, kind: str, attribute: str) -> bool:
        """Resources of the type, and this attribute of them, went into the index."""
        held = self.types.get(kind)
        return held is not None and (held.kept is None or attribute.partition(".")[0] in held.kept)

    def lookup(self, kind: str, attribute: str, value: str) -> list[Record]:
        """Resources of a type of which one attribute is this value, or a list that holds it."""
        wanted = normal(kind, value)
        found = self._candidates(kind, attribute, wanted)
        return [
            one
            for one in found
            if any(normal(kind, text) == wanted for text in _texts(one.values, one.unknown, attribute)[0])
        ]

    def untold(self, kind: str, attribute: str) -> list[Record]:
        """Resources of a type of which this attribute is not known."""
        found = self._candidates(kind, attribute, None)
        return [one for one in found if not _texts(one.values, one.unknown, attribute)[1]]

    def all(self, kind: str) -> list[Record]:
        """All resources of a type."""
        held = self.types.get(kind)
        return [self._record(number, kind) for number in range(held.first, held.first + held.count)] if held else []

    def _candidates(self, kind: str, attribute: str, value: str | None) -> list[Record]:
        held = self.types.get(kind)
        if held is None or not held.count:
            return []
        if attribute not in held.keyed:
            return self.all(kind)
        key = _key(kind, attribute, value)
        number = int.from_bytes(key, "big") % (len(self._head.buckets) // _ENTRY.size)
        bucket = self._buckets.get(number)
        if bucket is None:
            data = self._block(self._head.buckets, number)
            bucket = self._buckets[number] = self._decoded(data, dict[bytes, list[int]])
        return [self._record(one, kind) for one in bucket.get(key, ())]

    def _record(self, number: int, kind: str) -> Record:
        known = self._records.get(number)
        if known is None:
            block, position = divmod(number, _RECORDS)
            if block not in self._blocks:
                data = self._block(self._head.records, block)
                self._blocks[block] = self._decoded(self._unpacked(data), list[msgspec.Raw])
            row: _Row = self._decoded(self._blocks[block][position], _Row)
            unknown = {name: True for name in self.types[kind].names if name not in row.values}
            known = Record(number, kind, row.cloud_id, row.scope, row.values, {**unknown, **row.unknown})
            self._records[number] = known
        return known
