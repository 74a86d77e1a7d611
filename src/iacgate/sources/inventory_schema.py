"""The JSON Schema (2020-12) of inventories, made of the reader's own words (``docs/reference/inventory-format.md``).

It describes the form; what contradicts itself only the reader refuses.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from iacgate.sources.inventory_json import CLOUDS, REGION, SCHEMA, TIME, TYPE

__all__ = ["inventory_schema"]

_TEXT = {"type": "string", "minLength": 1}


def inventory_schema() -> dict[str, Any]:
    """The schema of one inventory."""
    kind = {"type": "string", "pattern": f"^{TYPE.pattern}$"}
    time = {"type": "string", "pattern": f"^{TIME.pattern}$"}
    place = {"account": _TEXT, "region": {"type": "string", "pattern": f"^{REGION.pattern}$"}}
    hole = _object({"type": kind, "reason": {"type": "string"}}, ("type", "reason"))
    scope = _object(
        {
            "cloud": {"enum": [*CLOUDS]},
            **place,
            "complete": {"type": "array", "items": kind, "uniqueItems": True},
            "holes": {"type": "array", "items": hole},
            "collected_at": {"anyOf": [time, {"type": "null"}]},
        },
        ("cloud", "account", "region", "complete"),
    )
    resource = _object(
        {"type": kind, "cloud_id": _TEXT, **place, "attributes": {"type": "object"}},
        ("type", "cloud_id", "account", "region", "attributes"),
    )
    collector = {"type": "object", "properties": {"name": _TEXT, "version": {"type": "string"}}, "required": ["name"]}
    whole = _object(
        {
            "schema": {"const": SCHEMA},
            "collected_at": time,
            "collector": collector,
            "scopes": {"type": "array", "items": scope, "minItems": 1},
            "resources": {"type": "array", "items": resource},
        },
        ("schema", "collected_at", "scopes", "resources"),
    )
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "iacgate inventory", **whole}


def _object(properties: dict[str, Any], required: Iterable[str]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": [*required], "additionalProperties": False}
