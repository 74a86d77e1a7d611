"""Operators of HCL's expressions on values: three-valued, exact, and as Terraform compares types.

https://developer.hashicorp.com/terraform/language/expressions/operators
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import Any

from iacgate.sources.hcl.conversion import UntoldError, exact, inexact, to_number
from iacgate.sources.hcl.values import EvaluationError, Unknown, unknown_of

__all__ = ["calculate", "equal", "logic", "operand", "truth"]

_LARGEST = 2**256


def truth(value: Any) -> bool:
    """A condition's value. Raises ``EvaluationError`` when it is none."""
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return bool(value == "true")
    raise EvaluationError("a condition must be true or false")


def operand(value: Any) -> int | float:
    """A number to calculate with. Raises ``EvaluationError``."""
    if value is None:
        raise EvaluationError("null is no number")
    number: int | float = to_number(value)
    return number


def logic(sign: str, value: Any, other: Any) -> Any:
    """``false && x`` is false whatever ``x`` turns out to be."""
    decides = sign == "||"
    for one in (value, other):
        if not isinstance(one, Unknown) and truth(one) is decides:
            return decides
    if isinstance(value, Unknown) or isinstance(other, Unknown):
        return unknown_of(value, other)
    return not decides


def equal(one: Any, other: Any) -> Any:
    """Whether they are equal, as HCL means it: of another type is never equal."""
    if isinstance(one, Unknown) or isinstance(other, Unknown):
        if one is other:
            return True
        for left, right in ((one, other), (other, one)):
            if left is None and isinstance(right, Unknown) and right.is_set:
                return False
        return unknown_of(one, other)
    if isinstance(one, bool) or isinstance(other, bool) or one is None or other is None:
        return one is other
    if isinstance(one, list) and isinstance(other, list):
        return _all_equal(zip(one, other, strict=False)) if len(one) == len(other) else False
    if isinstance(one, dict) and isinstance(other, dict):
        return _all_equal((one[key], other[key]) for key in one) if one.keys() == other.keys() else False
    numbers = isinstance(one, int | float) and isinstance(other, int | float)
    return one == other if numbers or type(one) is type(other) else False


def _all_equal(pairs: Iterable[tuple[Any, Any]]) -> Any:
    open_one = None
    for one, other in pairs:
        same = equal(one, other)
        if same is False:
            return False
        open_one = same if isinstance(same, Unknown) else open_one
    return open_one if open_one is not None else True


def calculate(sign: str, one: int | float, other: int | float) -> Any:
    """Exactly, as Terraform's numbers are. Raises ``UntoldError`` for what no float can hold."""
    if sign in ("/", "%") and other == 0:
        raise EvaluationError("division by zero")
    if abs(one) > _LARGEST or abs(other) > _LARGEST:
        raise UntoldError("numbers of that size are not computed with")
    result = _OPERATORS[sign](exact(one), exact(other))
    return result if isinstance(result, bool) else inexact(result)


def _remainder(one: Fraction, other: Fraction) -> Fraction:
    """With the sign of the dividend, as Terraform has it."""
    return one - other * math.trunc(one / other)


_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "%": _remainder,
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}
