"""Where a value that is not known yet comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

if TYPE_CHECKING:
    from iacgate.model.address import Address

__all__ = ["Origin", "Origins", "Target"]


class Target(NamedTuple):
    """A resource block that a value comes from, and which of its instances."""

    modules: tuple[tuple[str, str | None], ...]
    """Module calls with instance key; ``None``: any instance."""
    mode: str
    type: str
    name: str
    key: str | None
    """Instance key as written; ``None``: not said (all instances, or the one with the same key)."""
    attribute: str
    """The attribute path behind the instance, empty when the reference names the whole resource."""


class Origin(NamedTuple):
    """Where a value comes from."""

    targets: tuple[Target, ...] = ()
    closed: bool = False
    """Nothing else than ``targets`` can be the value's source."""
    key: str | None = None
    """Chosen by ``each`` or ``count``: the instance key (as written) of the block that they stand in."""
    chain: tuple[str, ...] = ()
    """The references that were followed, first to last."""
    constant: bool = False
    """It is a constant after all (a variable's default, a literal argument)."""
    null: bool = False
    """It is known to come to null, or to what the provider takes as not set."""
    why: str = ""
    """What would settle it, where more can be said than that apply does."""

    @property
    def lone(self) -> Target | None:
        """The one place the value comes from, when there is just one."""
        return self.targets[0] if self.closed and len(self.targets) == 1 else None


class Origins(Protocol):
    """Who can say where the values of a configuration come from: a plan's own part of it, or the HCL itself."""

    def find(
        self, address: Address, path: tuple[str | int, ...], values: dict[str, Any]
    ) -> Origin | Literal[False] | None:
        """Where the value of one argument comes from. ``False``: the author left it out. ``None``: it cannot be told.

        ``values`` are the resource's own, as far as they are known.
        """

    def document(self, address: Address, path: tuple[str | int, ...]) -> tuple[Any, Any] | None:
        """What will be encoded as JSON into an argument that is not known: its known part, and a mask of the rest.

        ``find`` takes paths that go on inside of it. ``None``: nobody knows what it is made of.
        """

    def parts_of(
        self, address: Address, path: tuple[str | int, ...], values: dict[str, Any], parts: int
    ) -> Origin | None:
        """What alone each of so many unknown elements of a list is made of, if each is a text made of one thing."""
