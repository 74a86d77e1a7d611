"""Terraform's values in Python: what an expression comes to, and what cannot be known yet.

null, booleans, numbers, strings, lists (and tuples), maps (and objects) are ``None``, ``bool``, ``int`` or
``float``, ``str``, ``list`` and ``dict``; a set is a :class:`SetValue`. What only an apply, a variable's value or
a missing module would tell is an :class:`Unknown`, which may stand anywhere inside.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from iacgate.model.origin import Origin

__all__ = ["Encoded", "EvaluationError", "SetValue", "Text", "Unknown", "holds_unknown", "unknown_of", "unknowns_in"]


class EvaluationError(Exception):
    """Terraform would refuse the expression: a missing key, an argument of the wrong type. Holds no value."""


class Unknown:
    """A value that is not known, and where it will come from."""

    __slots__ = ("origin",)

    def __init__(self, origin: Origin = Origin()) -> None:  # noqa: B008 - a named tuple does not change
        self.origin = origin

    @property
    def is_set(self) -> bool:
        """Whatever it turns out to be, it is not null."""
        return False

    def attribute(self, name: str) -> Any:
        """``unknown.name``: a part of what is not known."""
        return self._part(f".{name}")

    def element(self, key: Any) -> Any:
        """``unknown[key]``."""
        if isinstance(key, Unknown):
            return unknown_of(self, key)
        return self._part(f'["{key}"]' if isinstance(key, str) else f"[{key}]")

    def splat(self, steps: list[Any], scope: Any) -> Any:
        """``unknown[*]…``: as many as nobody knows."""
        return unknown_of(self)

    def _part(self, step: str) -> Unknown:
        origin = self.origin
        targets = tuple(
            target._replace(attribute=(target.attribute + step).removeprefix(".")) for target in origin.targets
        )
        chain = (*origin.chain[:-1], origin.chain[-1] + step) if origin.chain else ()
        return Unknown(origin._replace(targets=targets, chain=chain, null=False, constant=False))

    def __repr__(self) -> str:
        return f"Unknown({' -> '.join(self.origin.chain)})"


class Encoded(Unknown):
    """A JSON text that is not known because parts of what it encodes are not."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        super().__init__(unknown_of(value).origin)
        self.value = value

    @property
    def is_set(self) -> bool:
        """Whatever it holds, it is a text."""
        return True


class Text(Unknown):
    """A text that is not known because parts of it are not."""

    __slots__ = ("parts",)

    def __init__(self, parts: list[Any]) -> None:
        super().__init__(unknown_of(*parts).origin)
        self.parts = parts

    @property
    def is_set(self) -> bool:
        """Whatever it says, it is a text."""
        return True


class SetValue(list[Any]):
    """A set: each element once, strings and numbers in order, as Terraform iterates over it."""

    __slots__ = ()


def unknowns_in(value: Any) -> Iterator[Unknown]:
    """Every unknown in a value, however deep."""
    if isinstance(value, Unknown):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from unknowns_in(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from unknowns_in(item)


def holds_unknown(value: Any) -> bool:
    """Some part of it is unknown."""
    return next(unknowns_in(value), None) is not None


def unknown_of(*values: Any, why: str = "") -> Unknown:
    """The unknown that is made of these values in a way that cannot be told: it may be anything."""
    origins = [one.origin for value in values for one in unknowns_in(value)]
    return Unknown(
        Origin(
            tuple(dict.fromkeys(target for one in origins for target in one.targets)),
            closed=False,
            chain=tuple(dict.fromkeys(step for one in origins for step in one.chain)),
            why=why or next((one.why for one in origins if one.why), ""),
        )
    )
