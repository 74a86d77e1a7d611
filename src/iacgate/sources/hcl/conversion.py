"""From one of Terraform's types to another, and the one type that several values have in common.

Rules: https://developer.hashicorp.com/terraform/language/expressions/types#type-conversion. Terraform tells a tuple
from a list and an object from a map, our values do not: where only that would decide (a list of numbers beside one
of texts), the values are taken for tuples and objects, which is what is written most.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from iacgate.sources.hcl.values import EvaluationError, SetValue, Unknown, holds_unknown, unknown_of

__all__ = [
    "UntoldError",
    "as_set",
    "exact",
    "identity",
    "inexact",
    "number_text",
    "to_bool",
    "to_list",
    "to_map",
    "to_number",
    "to_set",
    "to_text",
    "unify",
]

_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,6})?")
_MAX_DIGITS = 4000
"""Python itself refuses to convert numbers of more than 4,300 digits, which takes quadratic time."""
_PRECISION = "only numbers that floating point holds are computed with"
_TRUTH = {"true": True, "false": False, "1": True, "0": False}


class UntoldError(Exception):
    """What Terraform makes of known arguments is not computed here; ``args[0]`` says why. The result is unknown."""


def exact(value: int | float) -> Fraction:
    """A number as it is written: ``0.1`` is one tenth, as Terraform has it. Raises ``UntoldError``."""
    if isinstance(value, float) and not math.isfinite(value):
        raise UntoldError(_PRECISION)
    return Fraction(value) if isinstance(value, int) else Fraction(Decimal(repr(value)))


def inexact(value: Fraction) -> int | float:
    """A number for our values: an ``int`` when it is whole. Raises ``UntoldError`` for what a float cannot hold."""
    if value.denominator == 1:
        return value.numerator
    made = float(value)
    if exact(made) != value:
        raise UntoldError(_PRECISION)
    return made


def number_text(value: int | float) -> str:
    """A number in Terraform's notation: never an exponent, no superfluous digits."""
    if isinstance(value, int):
        return str(value)
    written = Decimal(repr(value))
    return str(int(written)) if value.is_integer() else format(written, "f")


def to_text(value: Any) -> Any:
    """Text; null stays null."""
    if value is None or isinstance(value, (str, Unknown)):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return number_text(value)
    raise EvaluationError("text is needed")


def to_number(value: Any) -> Any:
    """A number; null stays null."""
    if value is None or isinstance(value, Unknown):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return inexact(exact(value)) if isinstance(value, float) else value
    if isinstance(value, str) and len(value) <= _MAX_DIGITS and _NUMBER.fullmatch(value):
        written = Decimal(value)
        if abs(written.adjusted()) <= _MAX_DIGITS:
            return inexact(Fraction(written))
    raise EvaluationError("a number is needed")


def to_bool(value: Any) -> Any:
    """A boolean; null stays null."""
    if value is None or isinstance(value, (bool, Unknown)):
        return value
    if isinstance(value, str) and value in _TRUTH:
        return _TRUTH[value]
    raise EvaluationError("true or false is needed")


def to_list(value: Any) -> Any:
    """A list of one type; null stays null."""
    if value is None or isinstance(value, Unknown):
        return value
    if isinstance(value, SetValue) and holds_unknown(value):
        return unknown_of(value)
    if isinstance(value, list):
        return unify(value)
    raise EvaluationError("a list or a set is needed")


def to_set(value: Any) -> Any:
    """A set of one type; null stays null."""
    if value is None or isinstance(value, (Unknown, SetValue)):
        return value
    if isinstance(value, list):
        return as_set(unify(value))
    raise EvaluationError("a list or a set is needed")


def to_map(value: Any) -> Any:
    """A map of one type; null stays null."""
    if value is None or isinstance(value, Unknown):
        return value
    if isinstance(value, dict):
        return dict(zip(value, unify(list(value.values())), strict=True))
    raise EvaluationError("a map is needed")


def unify(values: Sequence[Any]) -> list[Any]:
    """The values in the one type that Terraform finds for all of them. Raises ``EvaluationError`` if there is none.

    An unknown among them may be of any type: then numbers and booleans may become text, and are not known either.
    """
    present = [one for one in values if one is not None]
    if len(present) < 2:
        return list(values)
    if any(isinstance(one, Unknown) for one in present):
        return [_blurred(one, unknown_of(*present)) for one in values]
    if all(isinstance(one, dict) for one in present):
        made = _unify_maps(present)
    elif all(isinstance(one, list) for one in present):
        made = _unify_lists(present)
    elif any(isinstance(one, (dict, list)) for one in present):
        raise EvaluationError("the values have no type in common")
    elif any(isinstance(one, str) for one in present):
        made = [to_text(one) for one in present]
    elif len({isinstance(one, bool) for one in present}) > 1:
        raise EvaluationError("the values have no type in common")
    else:
        made = present
    converted = iter(made)
    return [None if one is None else next(converted) for one in values]


def _unify_maps(values: list[Any]) -> list[Any]:
    """Objects with the same attributes stay objects, attribute by attribute; others become maps of one type."""
    if all(one.keys() == values[0].keys() for one in values):
        columns = {key: iter(unify([one[key] for one in values])) for key in values[0]}
        return [{key: next(columns[key]) for key in one} for one in values]
    flat = iter(unify([item for one in values for item in one.values()]))
    return [{key: next(flat) for key in one} for one in values]


def _unify_lists(values: list[Any]) -> list[Any]:
    """Tuples of one length stay tuples, place by place; others become lists of one type."""
    sets = [isinstance(one, SetValue) for one in values]
    if not any(sets) and all(len(one) == len(values[0]) for one in values):
        columns = [iter(unify(column)) for column in zip(*values, strict=True)]
        return [[next(column) for column in columns] for _ in values]
    flat = iter(unify([item for one in values for item in one]))
    made = [[next(flat) for _ in one] for one in values]
    return [as_set(one) for one in made] if all(sets) else made


def _blurred(value: Any, unknown: Unknown) -> Any:
    """A value beside one of unknown type: text stays text, what could be converted to text is unknown."""
    if value is None or isinstance(value, (str, Unknown)):
        return value
    if isinstance(value, dict):
        return {key: _blurred(item, unknown) for key, item in value.items()}
    if isinstance(value, list) and not isinstance(value, SetValue):
        return [_blurred(item, unknown) for item in value]
    return unknown


def as_set(elements: Iterable[Any]) -> SetValue:
    """A set of elements that have one type, in the order in which Terraform iterates over it; null is last."""
    once: dict[Any, Any] = {}
    for one in elements:
        once.setdefault(identity(one), one)
    known = [one for one in once.values() if one is not None]
    if any(holds_unknown(one) for one in known):
        pass  # there is no order yet
    elif all(isinstance(one, str) for one in known) or all(isinstance(one, (int, float)) for one in known):
        known.sort()
    else:
        known.sort(key=_rank)
    return SetValue([*known, None] if None in once else known)


def identity(value: Any) -> Any:
    """Something hashable that is equal for equal values only: ``1`` and ``1.0`` are, ``1`` and ``true`` are not."""
    if isinstance(value, bool):
        return ("bool", value)
    if isinstance(value, dict):
        return ("map", tuple((key, identity(value[key])) for key in sorted(value)))
    if isinstance(value, list):
        return ("list", tuple(identity(one) for one in value))
    return ("unknown", id(value)) if isinstance(value, Unknown) else value


def _rank(value: Any) -> str:
    """The text by which Terraform orders elements that are collections (``cty``: the bytes that it hashes)."""
    if value is None:
        return "~"
    if isinstance(value, bool):
        return "T" if value else "F"
    if isinstance(value, (int, float)):
        return number_text(value)
    if isinstance(value, dict):
        return "{" + "".join(f"{json.dumps(key)}:{_rank(value[key])};" for key in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + "".join(f"{_rank(one)};" for one in value) + "]"
    return json.dumps(value, ensure_ascii=False)
