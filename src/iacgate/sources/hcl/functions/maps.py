"""Functions of maps and objects, which are always gone through in the order of their keys; and ``length``."""

from __future__ import annotations

from typing import Any

from iacgate.sources.hcl.functions.signature import (
    MAX_ELEMENTS,
    Function,
    anything,
    function,
    list_of,
    mapping,
    refuse_growth,
    sequence,
    text,
    whatever,
)
from iacgate.sources.hcl.functions.strings import graphemes
from iacgate.sources.hcl.values import EvaluationError, SetValue, Unknown, holds_unknown, unknown_of

__all__ = ["table"]


def table() -> dict[str, Function]:
    """The functions of this subject."""
    return {
        "keys": function(sorted, mapping, accepts_unknown=True),
        "length": function(_length, anything, accepts_unknown=True),
        "lookup": function(_lookup, mapping, text, whatever, optional=1, accepts_unknown=True),
        "merge": function(_merge, rest=_map_or_null, accepts_unknown=True),
        "transpose": function(_transpose, mapping),
        "values": function(lambda value: [value[key] for key in sorted(value)], mapping, accepts_unknown=True),
        "zipmap": function(_zip, list_of(text), sequence, accepts_unknown=True),
    }


def _map_or_null(value: Any) -> dict[str, Any]:
    return {} if value is None else mapping(value)


def _length(value: Any) -> Any:
    if isinstance(value, str):
        return len(graphemes(value))
    if isinstance(value, SetValue) and len(value) > 1 and holds_unknown(value):
        return unknown_of(value)  # elements may turn out to be the same
    if isinstance(value, (list, dict)):
        return len(value)
    raise EvaluationError("numbers and booleans have no length")


def _lookup(value: dict[str, Any], key: str, *default: Any) -> Any:
    if key in value:
        return value[key]
    if not default:
        raise EvaluationError("the map does not hold that key, and there is no default")
    return default[0]


def _merge(*maps: dict[str, Any]) -> dict[str, Any]:
    refuse_growth(sum(map(len, maps)), MAX_ELEMENTS)
    return {key: item for one in maps for key, item in one.items()}


def _transpose(value: dict[str, Any]) -> dict[str, list[str]]:
    """From the keys' lists to the texts' lists of keys."""
    out: dict[str, list[str]] = {}
    texts = list_of(text)
    for key in sorted(value):
        for one in texts(value[key]):
            out.setdefault(text(one), []).append(key)
    return out


def _zip(keys: list[Any], values: list[Any]) -> Any:
    if any(isinstance(key, Unknown) for key in keys):
        return unknown_of(keys, values)
    if None in keys or len(keys) != len(values):
        raise EvaluationError("a key is null" if None in keys else "there must be as many keys as values")
    return dict(zip(keys, values, strict=True))
