"""Numeric functions. Terraform's numbers are exact; so are these, but for ``log`` and ``pow``, as in Terraform."""

from __future__ import annotations

import math
import string

from iacgate.sources.hcl.conversion import UntoldError, exact, inexact
from iacgate.sources.hcl.functions.signature import Function, anything, collection, function, number, whole
from iacgate.sources.hcl.values import EvaluationError

__all__ = ["table"]

_DIGITS = string.digits + string.ascii_lowercase + string.ascii_uppercase
_MAX_DIGITS = 4000


def table() -> dict[str, Function]:
    """The functions of this subject."""
    return {
        "abs": function(abs, number),
        "ceil": function(lambda value: math.ceil(exact(value)), number),
        "floor": function(lambda value: math.floor(exact(value)), number),
        "log": function(_log, number, number),
        "max": function(max_of, number, rest=number),
        "min": function(min_of, number, rest=number),
        "parseint": function(_parse, anything, whole),
        "pow": function(_power, number, number),
        "signum": function(lambda value: (value > 0) - (value < 0), whole),
        "sum": function(_sum, collection),
    }


def max_of(*values: int | float) -> int | float:
    """The largest; compared as they are written."""
    return max(values, key=exact)


def min_of(*values: int | float) -> int | float:
    """The smallest; compared as they are written."""
    return min(values, key=exact)


def _sum(values: list[object]) -> int | float:
    if not values:
        raise EvaluationError("there is nothing to add up")
    return inexact(sum((exact(number(one)) for one in values), start=exact(0)))


def _log(value: int | float, base: int | float) -> int | float:
    if not base:
        raise UntoldError("a logarithm to base 0 is not computed")
    return _from_float(math.log(value) / math.log(base))


def _power(value: int | float, power: int | float) -> int | float:
    return _from_float(math.pow(value, power))


def _from_float(value: float) -> int | float:
    """Of what was computed in binary only the shortest digits show; those of large numbers are not the number's own."""
    if value.is_integer() and exact(value) != int(value):
        raise UntoldError("large powers are not computed exactly")
    return int(value) if value.is_integer() else value


def _parse(text: object, base: int) -> int:
    if not isinstance(text, str):
        raise EvaluationError("the number must be given as text")
    if not 2 <= base <= 62:
        raise EvaluationError("a base is at least 2 and at most 62")
    digits = text[1:] if text[:1] in ("+", "-") else text
    if base <= 36:
        digits = digits.lower()
    if not digits or len(digits) > _MAX_DIGITS or not set(digits) <= set(_DIGITS[:base]):
        raise EvaluationError("not a whole number in that base")
    value = 0
    for digit in digits:
        value = value * base + _DIGITS.index(digit)
    return -value if text.startswith("-") else value
