"""Inventories in a few words, and the posture index that they make."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from iacgate.gate.posture_index import make_index
from iacgate.policy.catalogue import Catalogue
from iacgate.policy.provider_schema import load
from iacgate.sources.index_file import IndexFile, open_index
from iacgate.sources.inventory_json import read_inventory

ACCOUNT, OTHER = "111122223333", "444455556666"
REGION = "eu-central-1"
COLLECTED = "2025-06-02T05:30:00Z"
NOW = datetime(2025, 6, 2, 8, 30, tzinfo=UTC)
SCHEMA = load()


def scope(*complete: str, account: str = ACCOUNT, region: str = REGION, **more: Any) -> dict[str, Any]:
    """A scope of AWS that was looked at, complete for these types."""
    return {"cloud": "aws", "account": account, "region": region, "complete": list(complete), **more}


def there(
    kind: str, cloud_id: str, attributes: Any = None, account: str = ACCOUNT, region: str = REGION
) -> dict[str, Any]:
    """A resource; its id is the cloud's unless told otherwise."""
    given = {"id": cloud_id, **(attributes or {})}
    return {"type": kind, "cloud_id": cloud_id, "account": account, "region": region, "attributes": given}


def document(scopes: Any, resources: Any, **more: Any) -> dict[str, Any]:
    """An inventory as JSON would hold it."""
    return {
        "schema": "iacgate/inventory/v1",
        "collected_at": COLLECTED,
        "scopes": list(scopes),
        "resources": list(resources),
        **more,
    }


def index_of(library: Catalogue, scopes: Any, resources: Any, **more: Any) -> IndexFile:
    """The index of an inventory for a library of checks."""
    data = msgspec.json.encode(document(scopes, resources, **more))
    inventory = read_inventory(data, "inventory.json", NOW)
    return open_index("inventory.idx", make_index([inventory], library, SCHEMA).data)
