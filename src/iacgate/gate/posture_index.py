"""Make a posture index of inventories: what checks ask of resources that a plan does not show, and nothing secret."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from iacgate.model.inventory import Inventory, InventoryScope, ScopeKey
from iacgate.policy.asked_types import IDENTITY, NETWORK, Asked, asked_types
from iacgate.sources.index_file import HeldType, IndexSource, NewRecord, pack

if TYPE_CHECKING:
    from iacgate.policy.catalogue import Catalogue
    from iacgate.policy.provider_schema import AttributeSchema, ProviderSchema

__all__ = ["Made", "make_index"]

_NAMING = ("_id", "_ids", "_arn", "_name", "_names", "network", "subnetwork", "target", "attachment_target", "instance")
"""How attributes end that name other resources, in the types that network paths lead over."""
_TEXTS = ("string", "list(string)", "set(string)")
_LARGEST = 2**63


class Made(NamedTuple):
    """An index, and what went into it."""

    data: bytes
    scopes: int
    types: int
    resources: int
    given: int
    """Resources in the inventories."""
    replaced: int
    """Scopes that an inventory holds of which there is a newer one."""


def make_index(inventories: Sequence[Inventory], catalogue: Catalogue, schema: ProviderSchema) -> Made:
    """The index of one or several inventories; of a scope that several hold the newest counts, alone."""
    types = held_types(catalogue, schema)
    newest: dict[ScopeKey, tuple[InventoryScope, int]] = {}
    for number, inventory in enumerate(inventories):
        for scope in inventory.scopes:
            known = newest.get(scope.key)
            if known is None or known[0].collected_at < scope.collected_at:
                newest[scope.key] = (scope, number)
    positions = {key: position for position, key in enumerate(newest)}
    records: list[NewRecord] = []
    for number, inventory in enumerate(inventories):
        here = [positions[one.key] if newest[one.key][1] == number else None for one in inventory.scopes]
        for resource in inventory.resources:
            position, held = here[resource.scope], types.get(resource.type)
            if position is None or held is None:
                continue
            paths = schema.paths(resource.type)
            given = {
                name: value for name, value in resource.attributes.items() if held.kept is None or name in held.kept
            }
            values, unknown = _cleaned(given, paths, "")
            records.append(NewRecord(resource.type, resource.cloud_id, position, values, unknown))
    sources = [IndexSource(one.sha256, one.collected_at.isoformat(), one.collector) for one in inventories]
    data = pack([scope for scope, _ in newest.values()], types, sources, records)
    given_scopes = sum(len(one.scopes) for one in inventories)
    return Made(
        data,
        len(newest),
        len({one.type for one in records}),
        len(records),
        sum(len(one.resources) for one in inventories),
        given_scopes - len(newest),
    )


def held_types(catalogue: Catalogue, schema: ProviderSchema) -> dict[str, HeldType]:
    """What of which types goes into an index for these checks. A type that no schema describes is left out:
    nobody could tell what of it is sensitive.
    """
    asked = asked_types(catalogue)
    nothing = Asked(frozenset(), frozenset())
    return {
        kind: _held(asked.get(kind, nothing), schema.paths(kind), whole=kind in NETWORK)
        for kind in sorted(asked.keys() | NETWORK)
        if schema.knows(kind)
    }


def _held(asked: Asked, paths: Mapping[str, AttributeSchema], *, whole: bool) -> HeldType:
    tops = sorted(path for path in paths if path and "." not in path)
    keys = {name for name in IDENTITY if name in paths} | {key for key in asked.keys if key.partition(".")[0] in paths}
    if whole:
        keys |= {name for name in tops if name.endswith(_NAMING) and paths[name].type in _TEXTS}
    wanted = asked.attributes | {key.partition(".")[0] for key in keys}
    kept = None if whole else [name for name in tops if name in wanted and not _is_secret(paths[name])]
    return HeldType(tops, kept, sorted(key for key in keys if not _is_secret(paths[key.partition(".")[0]])))


def _is_secret(attribute: AttributeSchema) -> bool:
    return attribute.sensitive or attribute.write_only


def _cleaned(
    given: Mapping[str, Any], paths: Mapping[str, AttributeSchema], prefix: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Without what is sensitive or in no schema; and what is not known of the rest.

    Below the top, what the schema has and the inventory does not give is not known; at the top the index knows that
    by itself.
    """
    values: dict[str, Any] = {}
    unknown: dict[str, Any] = {}
    for name, value in given.items():
        attribute = paths.get(prefix + name)
        if attribute is None or _is_secret(attribute):
            continue
        if not _fits(value):
            unknown[name] = True
            continue
        values[name], mask = _below(value, paths, prefix + name, attribute)
        if mask:
            unknown[name] = mask
    if prefix:
        unknown.update((name, True) for name in _names(paths, prefix) if name not in values)
    return values, unknown


def _below(value: Any, paths: Mapping[str, AttributeSchema], path: str, attribute: AttributeSchema) -> tuple[Any, Any]:
    if attribute.type.startswith("map("):
        return value, None
    if isinstance(value, dict):
        inside = _prefix(paths, path)
        if inside.endswith("{}."):
            parts = {key: _below(part, paths, path + "{}", attribute) for key, part in value.items()}
            return {key: part for key, (part, _) in parts.items()}, {
                key: mask for key, (_, mask) in parts.items() if mask
            }
        return _cleaned(value, paths, inside) if inside else (None, True)
    if isinstance(value, list) and any(isinstance(item, dict) for item in value):
        inside = _prefix(paths, path)
        items = [_cleaned(item, paths, inside) if isinstance(item, dict) and inside else (None, True) for item in value]
        return [item for item, _ in items], [mask for _, mask in items] if any(mask for _, mask in items) else None
    return value, None


def _prefix(paths: Mapping[str, AttributeSchema], path: str) -> str:
    """How the paths inside of a block begin; empty: the schema knows of nothing inside."""
    for mark in (".", "[].", "{}."):
        if any(other.startswith(path + mark) for other in paths):
            return path + mark
    return ""


def _names(paths: Mapping[str, AttributeSchema], prefix: str) -> Iterator[str]:
    for path in paths:
        rest = path[len(prefix) :]
        if path.startswith(prefix) and rest and "." not in rest:
            yield rest


def _fits(value: Any) -> bool:
    """A number that is too large for the file is not known rather than wrong."""
    if isinstance(value, dict):
        return all(map(_fits, value.values()))
    if isinstance(value, list):
        return all(map(_fits, value))
    return not isinstance(value, int) or -_LARGEST <= value < _LARGEST
