"""What conditions are applied to, and what they come to: the words that the rooms of the engine share.

A condition's truth is an integer so that logic is arithmetic: ``PASS_TRUTH`` 0, ``UNKNOWN_TRUTH`` 1,
``FAIL_TRUTH`` 2; all = max, any = min, not = 2 - x.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from iacgate.model.finding import Evidence

__all__ = [
    "FAIL_TRUTH",
    "PASS_TRUTH",
    "UNKNOWN_TRUTH",
    "ConditionError",
    "Linked",
    "Links",
    "Node",
    "PlannedDocument",
    "Trace",
]

PASS_TRUTH, UNKNOWN_TRUTH, FAIL_TRUTH = 0, 1, 2

if TYPE_CHECKING:
    from iacgate.policy.image_scans import ImageScans

    Path = tuple[str | int, ...]
    Judge = Callable[[Any, Any, Path, "Subject"], int]
    Explain = Callable[[Any, Any, Path, "Subject", bool, int, list[Evidence]], None]


if TYPE_CHECKING:

    class Subject(Protocol):
        """What a condition needs to know of the resource it is applied to."""

        address: str
        type: str
        values: dict[str, Any]
        unknown: Any
        source: str
        """Where it was seen, when that is not the input; see ``Evidence``."""
        judged: Any
        """The resource that the check is about; on a partner that a relation leads to it is not the partner."""

        @property
        def actions(self) -> tuple[str, ...]:
            """What the plan does to it."""

        @property
        def digest_key(self) -> bytes:
            """Keys the digests of secrets in evidence; empty: there are none."""

        @property
        def uncertain(self) -> bool:
            """There may be none of it: how many there are is not known."""

        def resolve(self, at: Path) -> Any:
            """What an unknown is after following references: ``ABSENT``, ``UNKNOWN`` or ``Linked``."""

        def absence_by_version(self, rules: Sequence[tuple[int, str]]) -> int:
            """What absence means where a default depends on the provider's version; see ``provider_versions``."""

        def lacks(self, name: str) -> bool:
            """A data source, which has not all attributes of the resource, does not have this one: nobody knows it."""

        def trace(self, at: Path) -> Trace:
            """The references behind an unknown, for people."""

        def is_sensitive(self, at: Path) -> bool:
            """The plan marks the value sensitive."""

        def made_of(self, at: Path, parts: int) -> str:
            """The resource of whose identity alone each of so many unknown elements is made; "" if that is not sure."""

        @property
        def image_scans(self) -> ImageScans:
            """What scans of container images were given, by the policy's rules."""

        def encoded(self, at: Path) -> tuple[Any, Any] | None:
            """What will be encoded to JSON at an unknown attribute, with its mask, where the configuration shows it."""

        def policy_document(self, at: Path) -> PlannedDocument | None:
            """The policy document behind an unknown attribute, when a data source of the plan makes it."""

        def named_by(self, types: list[str], their: str, matches: list[str], missing: int | None) -> Links:
            """Resources whose attribute ``their`` names this one."""

        def names(self, types: list[str], value: Any, at: Path, matches: list[str], missing: int | None) -> Links:
            """Resources that the value at ``at`` of this one names."""

        def others(self, types: list[str]) -> Sequence[Subject]:
            """All resources of these types in the same world."""

        def surveyed(self, types: list[str]) -> str:
            """Where it is known from that there are no others than these; empty: only this world is known."""


class PlannedDocument(NamedTuple):
    """A policy document that a data source will make."""

    document: dict[str, Any]
    mask: Any
    made_of: Callable[[Path, int], str]
    """As ``Subject.made_of``, for a path in the document."""


class ConditionError(Exception):
    """A value is not of a kind that the condition can speak of. The message holds no value."""


class Trace(NamedTuple):
    """How far an unknown could be followed."""

    chain: tuple[str, ...]
    needs: str


class Linked(NamedTuple):
    """A value that is not known, but is the identity of a resource of this plan: it is set."""

    address: str


class Links(NamedTuple):
    """The partners of a resource: surely linked ones, and ones of which it cannot be told."""

    certain: Sequence[Subject]
    possible: Iterable[Subject]
    one_of: bool
    """The link is to exactly one of ``possible``: when all agree, that is the answer."""
    missing: int
    """Truth when there is no partner at all."""
    evidence: Evidence
    """What to show when there is none."""
    open: bool = False
    """There may be partners that nobody knows of: an element of the attribute is unknown."""


class Node(NamedTuple):
    """A compiled condition."""

    judge: Judge
    explain: Explain
    relational: bool
    """It looks beyond the resource itself, so an unchanged resource can change its verdict."""
