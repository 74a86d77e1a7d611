"""``format`` and ``formatlist``: https://developer.hashicorp.com/terraform/language/functions/format."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

from iacgate.sources.hcl.conversion import UntoldError, exact, to_bool, to_number, to_text
from iacgate.sources.hcl.functions.encoding import json_text
from iacgate.sources.hcl.functions.signature import MAX_TEXT, Function, function, refuse_growth, text, whatever
from iacgate.sources.hcl.functions.strings import graphemes
from iacgate.sources.hcl.values import EvaluationError

__all__ = ["table"]

_VERB = re.compile(
    r"%(?P<flags>[+\- 0#]*)(?P<width>[1-9]\d*)?(?:\.(?P<precision>\d*))?(?:\[(?P<at>\d+)\])?(?P<verb>.?)", re.DOTALL
)
_BASES = {"b": ("b", "0b"), "d": ("d", ""), "o": ("o", "0"), "x": ("x", "0x"), "X": ("X", "0X")}
_NULL = "what null is formatted as depends on its type"
_BINARY_DIGITS = 512
"""Terraform's numbers have a mantissa of so many bits, which decides how a tie is rounded."""


def table() -> dict[str, Function]:
    """The functions of this subject."""
    return {
        "format": function(_format, text, rest=whatever),
        "formatlist": function(_format_list, text, rest=whatever),
    }


def _format_list(template: str, *arguments: Any) -> list[str]:
    """``format`` for each element of the lists among the arguments, which are of one length."""
    lists = [one for one in arguments if isinstance(one, list)]
    if None in arguments or any(None in one for one in lists):
        raise UntoldError(_NULL)
    if len({len(one) for one in lists}) > 1:
        raise EvaluationError("the lists are not of the same length")
    count = len(lists[0]) if lists else 1
    out: list[str] = []
    for at in range(count):
        out.append(_format(template, *(one[at] if isinstance(one, list) else one for one in arguments)))
        refuse_growth(sum(map(len, out)) if at % 1000 == 0 else 0)
    refuse_growth(sum(map(len, out)))
    return out


def _format(template: str, *arguments: Any) -> str:
    if None in arguments:
        raise UntoldError(_NULL)
    out: list[str] = []
    end = used = highest = size = 0
    for found in _VERB.finditer(template):
        out.append(template[end : found.start()])
        end = found.end()
        if found["verb"] == "%" and found[0] == "%%":
            out.append("%")
            continue
        used = int(found["at"][:9]) if found["at"] else used + 1
        highest = max(highest, used)
        if not 1 <= used <= len(arguments):
            raise EvaluationError("the format refers to an argument that is not there")
        out.append(_verb(found, arguments[used - 1]))
        size += len(out[-1])
        refuse_growth(size)
    if highest < len(arguments):
        raise EvaluationError("there are more arguments than the format refers to")
    return "".join([*out, template[end:]])


class _Layout:
    """Flags, width and precision of one verb."""

    __slots__ = ("flags", "precision", "width")

    def __init__(self, found: re.Match[str]) -> None:
        self.flags = found["flags"]
        self.width = _size(found["width"]) or 0
        self.precision = None if found["precision"] is None else _size(found["precision"]) or 0

    def pad(self, made: str) -> str:
        missing = self.width - len(graphemes(made))
        if missing <= 0:
            return made
        if "-" in self.flags:
            return made + " " * missing
        if "0" not in self.flags:
            return " " * missing + made
        sign = made[:1] if made[:1] in ("+", "-", " ") and made[1:2].isdigit() else ""
        return sign + "0" * missing + made.removeprefix(sign)

    def sign(self, *, negative: bool) -> str:
        return "-" if negative else "+" if "+" in self.flags else " " if " " in self.flags else ""


def _size(written: str | None) -> int | None:
    if written and len(written) > 7:
        refuse_growth(MAX_TEXT + 1)
    size = int(written) if written else None
    refuse_growth(size or 0)
    return size


def _verb(found: re.Match[str], value: Any) -> str:
    layout, verb = _Layout(found), found["verb"]
    if verb == "v" and "#" not in layout.flags and not isinstance(value, (list, dict)):
        verb = "t" if isinstance(value, bool) else "s" if isinstance(value, str) else "g"
        if verb != "g":
            return layout.pad(str(to_text(value)))
        layout.precision = None
        layout.flags = layout.flags.replace("+", "")
    if verb == "v":
        return layout.pad(json_text(value))
    if isinstance(value, (list, dict)):
        raise EvaluationError("the format asks for a single value")
    if verb == "t":
        return "true" if to_bool(value) else "false"
    if verb in ("s", "q"):
        made = str(to_text(value))
        if layout.precision is not None:
            made = "".join(graphemes(made)[: layout.precision])
        return layout.pad(made if verb == "s" else json_text(made))
    if verb in _BASES:
        return layout.pad(_integer(layout, verb, to_number(value)))
    if verb and verb in _FRACTIONS:
        return layout.pad(_fraction(layout, verb, exact(to_number(value))))
    raise EvaluationError("the format has a verb that there is not")


def _integer(layout: _Layout, verb: str, value: int | float) -> str:
    if not isinstance(value, int):
        raise EvaluationError("a whole number is needed")
    base, prefix = _BASES[verb]
    digits = format(abs(value), base)
    if layout.precision is not None:
        digits = "" if not value and not layout.precision else digits.rjust(layout.precision, "0")
    return layout.sign(negative=value < 0) + (prefix if "#" in layout.flags else "") + digits


def _fraction(layout: _Layout, verb: str, value: Fraction) -> str:
    made = _FRACTIONS[verb.lower()](abs(_as_binary(value)), layout.precision, abs(value))
    return layout.sign(negative=value < 0) + (made.upper() if verb.isupper() else made)


def _as_binary(value: Fraction) -> Fraction:
    """The nearest number that Terraform can hold."""
    if not value or value.denominator == 1:
        return value
    shift = _BINARY_DIGITS - (abs(value.numerator).bit_length() - value.denominator.bit_length())
    scale = Fraction(2) ** shift
    return round(value * scale) / scale


def _plain(value: Fraction, precision: int | None, _written: Fraction) -> str:
    places = 6 if precision is None else precision
    digits = str(round(value * 10**places)).rjust(places + 1, "0")
    return f"{digits[:-places]}.{digits[-places:]}" if places else digits


def _scientific(value: Fraction, precision: int | None, _written: Fraction) -> str:
    places = 6 if precision is None else precision
    digits, exponent = _digits(value, places + 1)
    return _with_exponent(digits.ljust(places + 1, "0"), exponent)


def _with_exponent(digits: str, exponent: int) -> str:
    mantissa = f"{digits[0]}.{digits[1:]}" if len(digits) > 1 else digits
    return f"{mantissa}e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"


def _general(value: Fraction, precision: int | None, written: Fraction) -> str:
    """As few digits as tell the number; an exponent where Go's ``%g`` for big numbers writes one."""
    if precision is None:
        decimal = Decimal(repr(float(written))) if written.denominator > 1 else Decimal(written.numerator)
        digits, exponent = "".join(map(str, decimal.as_tuple().digits)).lstrip("0").rstrip("0"), decimal.adjusted()
        limit = 6
    else:
        digits, exponent = _digits(value, precision or 1)
        digits = digits.rstrip("0")
        limit = precision or 1
        if limit > len(digits) >= exponent + 1:
            limit = len(digits)
    if not digits:
        return "0"
    if exponent < -4 or exponent >= limit:
        return _with_exponent(digits, exponent)
    if exponent < 0:
        return "0." + "0" * (-exponent - 1) + digits
    digits = digits.ljust(exponent + 1, "0")
    return digits[: exponent + 1] + ("." + digits[exponent + 1 :] if len(digits) > exponent + 1 else "")


def _digits(value: Fraction, count: int) -> tuple[str, int]:
    """So many significant digits, and the power of ten of the first."""
    if not value:
        return "0" * count, 0
    exponent = len(str(value.numerator)) - len(str(value.denominator))
    if Fraction(10) ** exponent > value:
        exponent -= 1
    digits = str(round(value * Fraction(10) ** (count - 1 - exponent)))
    return (digits[:count], exponent + 1) if len(digits) > count else (digits, exponent)


_FRACTIONS: dict[str, Callable[[Fraction, int | None, Fraction], str]] = {
    "e": _scientific,
    "f": _plain,
    "g": _general,
    "E": _scientific,
    "G": _general,
}
