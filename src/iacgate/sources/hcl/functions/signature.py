"""What a function of Terraform's takes and gives: the parameters' types, checked and converted before it is called.

Terraform converts arguments to a parameter's type where that loses nothing (a number to text, text that reads as a
number to a number) and refuses everything else; so do the kinds of this module. What a hostile file could make
grow without end is bounded here, for all functions: texts of 1 MiB, collections of 100,000 elements.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from iacgate.sources.hcl.conversion import UntoldError, to_bool, to_number, to_text, unify
from iacgate.sources.hcl.values import EvaluationError, SetValue, Unknown, unknown_of

__all__ = [
    "MAX_ELEMENTS",
    "MAX_TEXT",
    "FileContext",
    "Function",
    "Kind",
    "anything",
    "boolean",
    "collection",
    "function",
    "list_of",
    "mapping",
    "never_known",
    "number",
    "refuse_growth",
    "sequence",
    "text",
    "unified",
    "whatever",
    "whole",
]

MAX_TEXT = 1024 * 1024
"""Characters of a text that a function makes; also bytes of a file that is read."""
MAX_ELEMENTS = 100_000
"""Elements of a collection that a function makes."""

Kind = Callable[[Any], Any]
"""Takes an argument, gives it in the parameter's type; raises ``EvaluationError`` where it has none."""


class FileContext(NamedTuple):
    """Where a function stands that reads files."""

    directory: Path
    """What relative paths start from."""
    root: Path
    """The scanned directory: nothing outside of it is read."""
    render: Callable[[str, dict[str, Any]], Any]
    """Evaluates a template's text with these variables."""


class Function(NamedTuple):
    """One of Terraform's functions."""

    call: Callable[[list[Any], FileContext], Any]
    """Raises ``EvaluationError`` where Terraform would refuse the arguments, or their result is too large."""
    accepts_unknown: bool = False
    """It can tell something of arguments that are known in part; else it must not be given any."""


def function(
    implementation: Callable[..., Any],
    *parameters: Kind,
    rest: Kind | None = None,
    optional: int = 0,
    accepts_unknown: bool = False,
    with_context: bool = False,
) -> Function:
    """A function with these parameters, the last ``optional`` of which may be left out, and any number of ``rest``.

    An argument that is unknown as a whole makes the result unknown, except where the parameter takes ``whatever``.
    ``with_context`` functions get the :class:`FileContext` first.
    """

    def call(arguments: list[Any], context: FileContext) -> Any:
        if len(arguments) < len(parameters) - optional:
            raise EvaluationError(f"an argument is missing: {len(parameters) - optional} are needed")
        if rest is None and len(arguments) > len(parameters):
            raise EvaluationError(f"too many arguments: {len(parameters)} can be given")
        kinds = [*parameters, *[rest or whatever] * (len(arguments) - len(parameters))]
        try:
            converted = []
            for kind, argument in zip(kinds, arguments, strict=False):
                if isinstance(argument, Unknown) and kind is not whatever:
                    return unknown_of(*arguments)
                converted.append(kind(argument))
            made = implementation(context, *converted) if with_context else implementation(*converted)
        except UntoldError as error:
            return unknown_of(*arguments, why=error.args[0])
        except (ArithmeticError, ValueError, RecursionError):  # a number of too many digits, text that is no Unicode
            raise EvaluationError("the arguments cannot be computed with") from None
        return _fitting(made)

    return Function(call, accepts_unknown)


def never_known(why: str) -> Function:
    """A function whose result is not known before an apply, or not to this program."""
    return Function(lambda arguments, _context: unknown_of(*arguments, why=why), accepts_unknown=True)


def _fitting(made: Any) -> Any:
    if isinstance(made, str):
        refuse_growth(len(made), MAX_TEXT)
        return made if made.isascii() else unicodedata.normalize("NFC", made)
    if isinstance(made, (list, dict)):
        refuse_growth(len(made), MAX_ELEMENTS)
    return made


def refuse_growth(size: int, limit: int = MAX_TEXT) -> None:
    """Stop before something larger than the limit is made."""
    if size > limit:
        raise EvaluationError("the result would be larger than any configuration needs")


def whatever(value: Any) -> Any:
    """Any value, null and unknown ones too."""
    return value


def anything(value: Any) -> Any:
    """Any value but null."""
    if value is None:
        raise EvaluationError("an argument is null")
    return value


def text(value: Any) -> str:
    """Text, or a number or boolean as text."""
    return str(to_text(anything(value)))


def number(value: Any) -> int | float:
    """A number, or text that reads as one."""
    made: int | float = to_number(anything(value))
    return made


def whole(value: Any) -> int:
    """A whole number, or text that reads as one."""
    made = number(value)
    if not isinstance(made, int):
        raise EvaluationError("a whole number is needed")
    return made


def boolean(value: Any) -> bool:
    """A boolean, or text that reads as one."""
    return bool(to_bool(anything(value)))


def collection(value: Any) -> list[Any]:
    """A list, tuple or set, its elements as they are."""
    if not isinstance(anything(value), list):
        raise EvaluationError("a list or a set is needed")
    elements: list[Any] = value
    return elements


def sequence(value: Any) -> list[Any]:
    """A list or tuple, its elements as they are."""
    if isinstance(value, SetValue) or not isinstance(anything(value), list):
        raise EvaluationError("a list is needed")
    elements: list[Any] = value
    return elements


def mapping(value: Any) -> dict[str, Any]:
    """A map or object, its values as they are."""
    if not isinstance(anything(value), dict):
        raise EvaluationError("a map is needed")
    made: dict[str, Any] = value
    return made


def unified(value: Any) -> list[Any]:
    """A list of any one type: elements are converted to the type that they have in common."""
    return unify(collection(value))


def list_of(kind: Kind) -> Kind:
    """A list of this type. Elements that are null or unknown stay."""

    def convert(value: Any) -> list[Any]:
        return [one if one is None or isinstance(one, Unknown) else kind(one) for one in collection(value)]

    return convert
