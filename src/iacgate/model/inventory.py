"""What a cloud says exists: inventories, and the posture index that is made of them.

An inventory is whole (``docs/reference/inventory-format.md``); a posture index holds only what checks ask of
resources that a plan does not show. Whoever judges asks through :class:`PostureIndex`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol

__all__ = [
    "GLOBAL",
    "Inventory",
    "InventoryInfo",
    "InventoryResource",
    "InventoryScope",
    "PostureIndex",
    "Record",
    "ScopeKey",
    "cloud_of",
]

GLOBAL = "global"
"""The region of what has none: IAM and account settings in AWS, everything in Azure and Google."""
_CLOUDS = {"aws": "aws", "azurerm": "azure", "azapi": "azure", "google": "google"}


class ScopeKey(NamedTuple):
    """Where a resource is. As where a plan works, ``""`` means: it cannot be told."""

    cloud: str
    """``aws``, ``azure`` or ``google``."""
    account: str
    """Account, subscription or project."""
    region: str
    """``global`` where there is none."""


class InventoryScope(NamedTuple):
    """One place that was looked at, when, and how much of it was seen."""

    key: ScopeKey
    collected_at: datetime
    complete: frozenset[str]
    """Resource types of which every resource was collected: what is not listed is not there."""
    holes: Mapping[str, str]
    """Resource type -> why not everything of it was collected."""


class InventoryResource(NamedTuple):
    """One resource as Terraform would describe it."""

    type: str
    cloud_id: str
    scope: int
    """Position in the inventory's scopes."""
    attributes: Mapping[str, Any]
    """An attribute that is null is not set; one that is not here is not known."""


class Inventory(NamedTuple):
    """What one run of a collector saw."""

    collected_at: datetime
    collector: str
    scopes: Sequence[InventoryScope]
    resources: Sequence[InventoryResource]
    sha256: str


class Record(NamedTuple):
    """A resource of a posture index."""

    number: int
    type: str
    cloud_id: str
    scope: int
    values: dict[str, Any]
    unknown: Any
    """What is not known of it, shaped like a plan's ``after_unknown``."""


class PostureIndex(Protocol):
    """What can be asked of a posture index. Everything may raise ``InputError``: the file is damaged."""

    path: str
    digest: str
    """sha256 that stands for all of its content."""
    scopes: Sequence[InventoryScope]
    """``complete`` and ``holes`` speak of the types that the index holds."""

    @property
    def collected_at(self) -> datetime:
        """Of the oldest of its scopes."""

    def holds(self, kind: str, attribute: str) -> bool:
        """Resources of the type, and this attribute of them, went into the index."""

    def lookup(self, kind: str, attribute: str, value: str) -> list[Record]:
        """Resources of a type of which one attribute is this value, or a list that holds it."""

    def untold(self, kind: str, attribute: str) -> list[Record]:
        """Resources of a type of which this attribute is not known."""

    def all(self, kind: str) -> list[Record]:
        """All resources of a type."""


class InventoryInfo(NamedTuple):
    """Which inventory answered, for the report."""

    path: str
    sha256: str
    collected_at: str
    """RFC 3339; of the oldest scope."""
    age_seconds: int
    scopes: tuple[str, ...]
    """``aws/111122223333/eu-central-1``."""
    complete: bool
    """No scope has a hole."""
    used: bool = True
    """False: it is older than the policy takes, so it answers nothing."""


def cloud_of(kind: str) -> str:
    """The cloud of a resource type; empty for one that we know no inventory of."""
    return _CLOUDS.get(kind.partition("_")[0], "")
