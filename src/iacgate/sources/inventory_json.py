"""An inventory, ``iacgate/inventory/v1`` (``docs/reference/inventory-format.md``), read whole or refused.

What an inventory leaves out can turn "unknown" into "fails" or "passes", so nothing in it is guessed: a type that is
both complete and full of holes, a resource in a scope that nobody looked at, a time that is yet to come.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec import UNSET, Raw, Struct, UnsetType

from iacgate.errors import InputError
from iacgate.model.inventory import GLOBAL, Inventory, InventoryResource, InventoryScope, ScopeKey, cloud_of
from iacgate.sources.json_text import decode, decode_object, refuse_duplicate_keys, to_utf8

__all__ = ["CLOUDS", "REGION", "SCHEMA", "TIME", "TYPE", "instant", "read_inventory"]

SCHEMA = "iacgate/inventory/v1"
_HINT = "the format is described in docs/reference/inventory-format.md"
CLOUDS = ("aws", "azure", "google")
TYPE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)+")
_ACCOUNT = {"aws": re.compile(r"\d{12}"), "azure": re.compile(r"[0-9a-fA-F-]{36}"), "google": re.compile(r"[\w.:-]+")}
REGION = re.compile(r"[a-z0-9-]+")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)")
_SKEW = timedelta(minutes=5)
"""By so much two clocks may differ."""
_MAX_TEXT = 2048


class _Collector(Struct):
    name: str
    version: str = ""


class _Top(Struct):
    schema: str = ""
    collected_at: str | UnsetType = UNSET
    collector: Raw | UnsetType = UNSET
    scopes: Raw | UnsetType = UNSET
    resources: list[Raw] | UnsetType = UNSET


class _Hole(Struct, forbid_unknown_fields=True):
    type: str
    reason: str


class _Scope(Struct, forbid_unknown_fields=True):
    cloud: str
    account: str
    region: str
    complete: list[str]
    holes: list[_Hole] = []
    collected_at: str | None = None


class _Resource(Struct, forbid_unknown_fields=True):
    type: str
    cloud_id: str
    account: str
    region: str
    attributes: dict[str, Any]


def read_inventory(data: bytes, name: str, now: datetime | None = None) -> Inventory:
    """Read an inventory. Raises ``InputError`` when it is something else, or not whole."""
    sha256 = hashlib.sha256(data).hexdigest()
    data = to_utf8(data, name)
    top = decode_object(data, _Top, name)
    level = refuse_duplicate_keys(data.strip(), name)
    if top.schema != SCHEMA:
        what = "another kind of document" if not top.schema else "of a version that this program does not know"
        raise InputError(f"{name} is no inventory ({SCHEMA}): it is {what}", hint=_HINT)
    for key in ("collected_at", "scopes", "resources"):
        if getattr(top, key) is UNSET:
            raise InputError(f"{name} has no `{key}`: it is not a whole inventory", hint=_HINT)
    stray = sorted(level.keys() - {"schema", "collected_at", "collector", "scopes", "resources"})
    if stray:
        raise InputError(f"{name} has a key that no inventory has: {stray[0][:64]!r}", hint=_HINT)
    now = now or datetime.now(UTC)
    collected_at = instant(str(top.collected_at), f"{name}: `collected_at`", now)
    collector = decode(top.collector, _Collector, f"{name}: collector", exact=True)
    scopes = [
        _scope(one, f"{name}: scope {number}", collected_at, now)
        for number, one in enumerate(decode(top.scopes, list[_Scope], f"{name}: scopes", exact=True))
    ]
    if not scopes:
        raise InputError(f"{name} says of no scope that it was looked at", hint=_HINT)
    positions: dict[ScopeKey, int] = {}
    for position, scope in enumerate(scopes):
        if positions.setdefault(scope.key, position) != position:
            raise InputError(f"{name}: scope {position} stands twice")
    assert isinstance(top.resources, list)
    return Inventory(
        collected_at,
        f"{collector.name} {collector.version}".strip() if collector else "",
        scopes,
        list(_resources(top.resources, positions, name)),
        sha256,
    )


def instant(text: str, what: str, now: datetime) -> datetime:
    """A time of RFC 3339 that is over. Raises ``InputError``."""
    try:
        found = datetime.fromisoformat(text).astimezone(UTC) if TIME.fullmatch(text) else None
    except (ValueError, OverflowError):
        found = None
    if found is None:
        raise InputError(f"{what} is no time such as 2027-03-31T06:00:00Z", hint=_HINT)
    if found > now + _SKEW:
        raise InputError(f"{what} lies in the future", hint="is the clock here, or there, right?")
    return found


def _scope(raw: _Scope, where: str, collected_at: datetime, now: datetime) -> InventoryScope:
    if raw.cloud not in CLOUDS:
        raise InputError(f"{where} is of no cloud that is known ({', '.join(CLOUDS)})", hint=_HINT)
    if not _ACCOUNT[raw.cloud].fullmatch(raw.account):
        raise InputError(f"{where} has no account, subscription or project of {raw.cloud}", hint=_HINT)
    if not REGION.fullmatch(raw.region) or (raw.cloud != "aws" and raw.region != GLOBAL):
        raise InputError(f"{where} has no region of {raw.cloud} (what has none is `{GLOBAL}`)", hint=_HINT)
    holes: dict[str, str] = {}
    for kind in [*raw.complete, *(hole.type for hole in raw.holes)]:
        if not TYPE.fullmatch(kind) or cloud_of(kind) != raw.cloud:
            raise InputError(f"{where} names a resource type that {raw.cloud} does not have", hint=_HINT)
    for hole in raw.holes:
        if hole.type in raw.complete:
            raise InputError(f"{where} says of {hole.type} that it is complete and that it has a hole")
        if hole.type in holes:
            raise InputError(f"{where} has two holes of {hole.type}")
        holes[hole.type] = hole.reason[:_MAX_TEXT]
    if len(set(raw.complete)) != len(raw.complete):
        raise InputError(f"{where} names a complete type twice")
    at = collected_at if raw.collected_at is None else instant(raw.collected_at, f"{where}: `collected_at`", now)
    key = ScopeKey(raw.cloud, _spelt(raw.cloud, raw.account), raw.region)
    return InventoryScope(key, at, frozenset(raw.complete), holes)


def _spelt(cloud: str, account: str) -> str:
    return account.lower() if cloud == "azure" else account


def _resources(raws: list[Raw], positions: dict[ScopeKey, int], name: str) -> Iterator[InventoryResource]:
    seen: set[tuple[int, str, str]] = set()
    for number, raw in enumerate(raws):
        where = f"{name}: resource {number}"
        one: _Resource = decode(raw, _Resource, where, exact=True)
        cloud = cloud_of(one.type)
        if not cloud or not TYPE.fullmatch(one.type):
            raise InputError(f"{where} is of no resource type of a cloud that is known", hint=_HINT)
        if not one.cloud_id or len(one.cloud_id) > _MAX_TEXT:
            raise InputError(f"{where} has no cloud_id")
        position = positions.get(ScopeKey(cloud, _spelt(cloud, one.account), one.region))
        if position is None:
            raise InputError(f"{where} is in a scope that the inventory did not look at")
        if (position, one.type, one.cloud_id) in seen:
            raise InputError(f"{where} stands twice")
        seen.add((position, one.type, one.cloud_id))
        yield InventoryResource(one.type, one.cloud_id, position, one.attributes)
