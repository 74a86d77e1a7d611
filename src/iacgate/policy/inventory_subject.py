"""A resource of a posture index, as conditions see it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from iacgate.model.inventory import Record, ScopeKey
from iacgate.model.values import UNKNOWN
from iacgate.policy.plan_subject import PlanSubject
from iacgate.policy.subject import Trace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from iacgate.model.address import Address
    from iacgate.policy.subject import Path
    from iacgate.policy.world import World

__all__ = ["InventorySubject"]


class InventorySubject(PlanSubject):
    """A resource that exists in a cloud. What the inventory does not tell of it is unknown, never absent."""

    __slots__ = ("_unsure", "record", "source")

    def __init__(self, world: World, record: Record, scope: ScopeKey, source: str, *, unsure: bool) -> None:
        address = f"inventory/{scope.account}/{scope.region}/{record.type}/{record.cloud_id}"
        super().__init__(world, address, record.type, (), record.values, record.unknown, None, None)
        self.record = record
        self.source = source
        self._unsure = unsure

    @property
    def uncertain(self) -> bool:
        """It may be a resource that the plan creates, and then it counts as planned."""
        return self._unsure

    @property
    def parsed(self) -> Address | None:
        """It has no place in a configuration."""
        return None

    def resolve(self, at: Path) -> Any:
        """Nobody knows more than the inventory."""
        return UNKNOWN

    def lacks(self, name: str) -> bool:
        """The inventory does not tell this attribute."""
        return name not in self.values

    def absence_by_version(self, rules: Sequence[tuple[int, str]]) -> int:
        """A default that depends on the provider's version: an existing resource has a value instead."""
        return 1

    def trace(self, at: Path) -> Trace:
        """The inventory is where it ends."""
        return Trace((), "the inventory does not tell it; collect it anew, or make the index with these checks")

    def origin(self, at: Path) -> Literal[False] | None:
        """It comes from no expression."""
        return None
