"""Functions of lists, tuples and sets.

Where an argument is known in part the result is what every completion gives: elements that are only moved may be
unknown; where an element decides (what is compared, counted in a set, flattened), the result is unknown.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

from iacgate.sources.hcl.conversion import as_set, exact, identity, inexact, to_text, unify
from iacgate.sources.hcl.functions.signature import (
    MAX_ELEMENTS,
    Function,
    anything,
    boolean,
    collection,
    function,
    list_of,
    number,
    refuse_growth,
    sequence,
    text,
    unified,
    whatever,
    whole,
)
from iacgate.sources.hcl.values import EvaluationError, SetValue, Unknown, holds_unknown, unknown_of

__all__ = ["table"]

_MAX_RANGE = 1024  # Terraform's own


def table() -> dict[str, Function]:
    """The functions of this subject."""
    return {
        "alltrue": function(_decided_by(False), list_of(boolean), accepts_unknown=True),
        "anytrue": function(_decided_by(True), list_of(boolean), accepts_unknown=True),
        "chunklist": function(_chunks, unified, whole, accepts_unknown=True),
        "coalesce": function(_first_known, rest=whatever, accepts_unknown=True),
        "coalescelist": function(_first_filled, rest=whatever, accepts_unknown=True),
        "compact": function(lambda values: [one for one in values if one not in (None, "")], list_of(text)),
        "concat": function(_concat, sequence, rest=sequence, accepts_unknown=True),
        "contains": function(_contains, collection, anything, accepts_unknown=True),
        "distinct": function(lambda values: list({identity(one): one for one in values}.values()), unified),
        "element": function(_element, sequence, whole, accepts_unknown=True),
        "flatten": function(_flatten, collection, accepts_unknown=True),
        "index": function(_index, sequence, anything),
        "matchkeys": function(_match_keys, unified, collection, collection),
        "one": function(_one, collection, accepts_unknown=True),
        "range": function(_range, number, rest=number),
        "reverse": function(_reverse, collection, accepts_unknown=True),
        "setintersection": function(_intersection, collection, rest=collection),
        "setproduct": function(_product, collection, collection, rest=collection, accepts_unknown=True),
        "setsubtract": function(_difference, collection, collection),
        "setunion": function(_union, collection, rest=collection),
        "slice": function(_slice, sequence, whole, whole, accepts_unknown=True),
        "sort": function(_sort, list_of(text)),
    }


def _decided_by(decisive: bool) -> Callable[[list[Any]], Any]:
    """One ``false`` decides that not all are true, one ``true`` that any is. Null is not true."""

    def decide(values: list[Any]) -> Any:
        if any(bool(one) is decisive for one in values if not isinstance(one, Unknown)):
            return decisive
        return unknown_of(values) if holds_unknown(values) else not decisive

    return decide


def _moved(values: list[Any]) -> bool:
    """The elements' number and places are known: a set of unknown elements may yet shrink, and has no order."""
    return not (isinstance(values, SetValue) and holds_unknown(values))


def _chunks(values: list[Any], size: int) -> Any:
    if size < 0:
        raise EvaluationError("the size of a chunk cannot be negative")
    if not values:
        return []
    size = size or len(values)
    return [values[at : at + size] for at in range(0, len(values), size)] if _moved(values) else unknown_of(values)


def _first_known(*values: Any) -> Any:
    for at, value in enumerate(unify(values)):
        if isinstance(value, Unknown):
            return unknown_of(*values[at:])
        if value is not None and value != "":
            return value
    raise EvaluationError("all arguments are null or empty")


def _first_filled(*values: Any) -> Any:
    for value in values:
        if isinstance(value, Unknown):
            return unknown_of(*values)
        if sequence(value):
            return value
    raise EvaluationError("all arguments are empty")


def _concat(*lists: list[Any]) -> list[Any]:
    refuse_growth(sum(map(len, lists)), MAX_ELEMENTS)
    return [one for values in lists for one in values]


def _contains(values: list[Any], wanted: Any) -> Any:
    if not holds_unknown(wanted):
        sought = identity(wanted)
        if any(identity(one) == sought for one in values if not holds_unknown(one)):
            return True
    elif not values:
        return False
    return unknown_of(values, wanted) if holds_unknown([values, wanted]) else False


def _element(values: list[Any], index: int) -> Any:
    if index < 0 or not values:
        raise EvaluationError("the list is empty" if index >= 0 else "the index is negative")
    return values[index % len(values)]


def _flatten(values: list[Any]) -> Any:
    out: list[Any] = []
    pending = [iter(values)]
    while pending:
        for one in pending[-1]:
            if isinstance(one, Unknown) or (isinstance(one, list) and not _moved(one)):
                return unknown_of(values)
            if isinstance(one, list):
                pending.append(iter(one))
                break
            refuse_growth(len(out), MAX_ELEMENTS)
            out.append(one)
        else:
            pending.pop()
    return out if _moved(values) else unknown_of(values)


def _index(values: list[Any], wanted: Any) -> int:
    sought = identity(wanted)
    for at, one in enumerate(values):
        if identity(one) == sought:
            return at
    raise EvaluationError("the list does not hold that value")


def _match_keys(values: list[Any], keys: list[Any], wanted: list[Any]) -> list[Any]:
    if len(values) != len(keys):
        raise EvaluationError("there must be as many keys as values")
    both = [identity(one) for one in unify([*keys, *wanted])]
    sought = set(both[len(keys) :])
    return [value for value, key in zip(values, both, strict=False) if key in sought]


def _one(values: list[Any]) -> Any:
    if len(values) > 1:
        if not _moved(values):
            return unknown_of(values)  # the elements may turn out to be the same
        raise EvaluationError("there is more than one element")
    return values[0] if values else None


def _range(*bounds: int | float) -> list[int | float]:
    """``range(limit)``, ``range(start, limit)``, ``range(start, limit, step)``; downwards when the limit is lower."""
    if len(bounds) > 3:
        raise EvaluationError("too many arguments: 3 can be given")
    start, limit = (exact(0), exact(bounds[0])) if len(bounds) == 1 else (exact(bounds[0]), exact(bounds[1]))
    step = exact(bounds[2]) if len(bounds) == 3 else exact(1 if start <= limit else -1)
    if start == limit:
        return []
    if step == 0 or (step > 0) is not (limit > start):
        raise EvaluationError("the step does not lead to the limit")
    count = math.ceil((limit - start) / step)
    refuse_growth(count, _MAX_RANGE)
    return [inexact(start + at * step) for at in range(count)]


def _reverse(values: list[Any]) -> Any:
    return list(values)[::-1] if _moved(values) else unknown_of(values)


def _in_one_type(*collections: list[Any]) -> list[dict[Any, Any]]:
    """Each collection's elements by identity, converted to the type that all of them have in common."""
    converted = iter(unify([one for values in collections for one in values]))
    return [{identity(one): one for one in itertools.islice(converted, len(values))} for values in collections]


def _union(*collections: list[Any]) -> SetValue:
    return as_set(one for values in _in_one_type(*collections) for one in values.values())


def _intersection(*collections: list[Any]) -> SetValue:
    first, *others = _in_one_type(*collections)
    return as_set(one for key, one in first.items() if all(key in other for other in others))


def _difference(values: list[Any], removed: list[Any]) -> SetValue:
    first, second = _in_one_type(values, removed)
    return as_set(one for key, one in first.items() if key not in second)


def _product(*collections: list[Any]) -> Any:
    refuse_growth(math.prod(map(len, collections)) * len(collections), MAX_ELEMENTS)
    made = [list(one) for one in itertools.product(*map(unify, collections))]
    if not any(isinstance(values, SetValue) for values in collections):
        return made
    return as_set(made)


def _slice(values: list[Any], start: int, end: int) -> list[Any]:
    if not 0 <= start <= end <= len(values):
        raise EvaluationError("the slice does not lie within the list")
    return values[start:end]


def _sort(values: list[Any]) -> list[str]:
    if None in values:
        raise EvaluationError("an element is null")
    return sorted(map(to_text, values))
