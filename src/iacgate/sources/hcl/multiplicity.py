"""What ``count`` and ``for_each`` come to: the instances of a block, or that nobody knows how many there are."""

from __future__ import annotations

from typing import Any, NamedTuple

from iacgate.errors import InputError
from iacgate.model.address import quote_key
from iacgate.sources.hcl.conversion import UntoldError, as_set, to_number
from iacgate.sources.hcl.expressions import Each, Scope, try_evaluate
from iacgate.sources.hcl.syntax import Body
from iacgate.sources.hcl.values import EvaluationError, Unknown, holds_unknown, unknown_of

__all__ = ["HOW_MANY", "Instances", "instances_of"]

HOW_MANY = "how many there are is not known"
_MAX_INSTANCES = 10_000


class Instances(NamedTuple):
    """What ``count`` or ``for_each`` of a block come to."""

    mode: str
    """``single``, ``count``, ``for_each``, or ``unknown``: how many is not known."""
    eaches: dict[str, Each | None]
    """By instance key as written in addresses."""


_SINGLE = Instances("single", {"": None})


def instances_of(body: Body, scope: Scope) -> Instances:
    """The instances of a resource or module block."""
    count, for_each = body.attribute("count"), body.attribute("for_each")
    if count is not None:
        value = try_evaluate(count.expression, scope)
        try:
            number = None if isinstance(value, Unknown) or value is None else to_number(value)
        except (EvaluationError, UntoldError):
            number = None
        if number is None:
            return Instances("unknown", {"": Each(None, None, unknown_of(value, why=HOW_MANY))})
        if number > _MAX_INSTANCES:
            raise InputError(f"a block asks for more than {_MAX_INSTANCES} instances")
        return Instances("count", {f"[{index}]": Each(None, None, index) for index in range(max(0, int(number)))})
    if for_each is not None:
        value = try_evaluate(for_each.expression, scope)
        if isinstance(value, dict):
            if len(value) > _MAX_INSTANCES:
                raise InputError(f"a block asks for more than {_MAX_INSTANCES} instances")
            return Instances("for_each", {quote_key(key): Each(key, item, None) for key, item in value.items()})
        if isinstance(value, list) and not holds_unknown(value) and all(isinstance(item, str) for item in value):
            return Instances("for_each", {quote_key(item): Each(item, item, None) for item in as_set(value)})
        open_one = unknown_of(value, why=HOW_MANY)
        return Instances("unknown", {"": Each(open_one, _each_value(value), None)})
    return _SINGLE


def _each_value(value: Any) -> Unknown:
    return unknown_of(value, why="what it goes through is not known")
