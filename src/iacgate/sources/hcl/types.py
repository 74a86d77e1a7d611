"""Type constraints of variables, and conversion of values to them and to a provider's attribute types.

https://developer.hashicorp.com/terraform/language/expressions/type-constraints
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from iacgate.sources.hcl.conversion import UntoldError, as_set, to_bool, to_number, to_text
from iacgate.sources.hcl.syntax import Expression
from iacgate.sources.hcl.values import EvaluationError, Unknown, unknown_of

__all__ = ["ANY", "Type", "convert", "parse_type", "type_of_schema"]


class Type(NamedTuple):
    """A type: a primitive, ``any``, or a collection of others."""

    name: str
    element: Type | None = None
    """Of a list, set or map."""
    fields: Mapping[str, Field] = {}
    """Of an object."""
    items: tuple[Type, ...] = ()
    """Of a tuple."""


class Field(NamedTuple):
    """An attribute of an object type; ``default`` is an expression."""

    type: Type
    optional: bool
    default: Expression | None


ANY = Type("any")
_PRIMITIVES = frozenset({"string", "number", "bool", "any"})


def parse_type(expression: Expression) -> Type:
    """The type that a variable's ``type`` argument names; ``any`` where it cannot be told."""
    match expression:
        case ["name", str(name)] if name in _PRIMITIVES:
            return Type(name)
        case ["name", ("list" | "set" | "map") as name]:
            return Type(name, ANY)
        case ["value", ("string" | "number" | "bool" | "any" | "list" | "map") as name]:  # before Terraform 0.12
            return Type(name, ANY if name in ("list", "map") else None)
        case ["call", ("list" | "set" | "map") as name, [element], _]:
            return Type(name, parse_type(element))
        case ["call", "object", [["object", fields]], _]:
            return Type("object", None, {str(key[1]): _field(value) for key, value in fields})
        case ["call", "tuple", [["list", items]], _]:
            return Type("tuple", None, {}, tuple(parse_type(item) for item in items))
        case _:
            return ANY


def _field(expression: Expression) -> Field:
    match expression:
        case ["call", "optional", [inner], _]:
            return Field(parse_type(inner), True, None)
        case ["call", "optional", [inner, default], _]:
            return Field(parse_type(inner), True, default)
        case _:
            return Field(parse_type(expression), False, None)


@lru_cache(maxsize=1024)
def type_of_schema(text: str) -> Type:
    """A provider schema's type, as ``list(string)``."""
    name, bracket, rest = text.partition("(")
    if bracket and name in ("list", "set", "map"):
        return Type(name, type_of_schema(rest[:-1]))
    return Type(name) if name in _PRIMITIVES else ANY


def convert(value: Any, wanted: Type, evaluate: Callable[[Expression], Any] | None = None) -> Any:
    """The value as Terraform would convert it. Raises ``EvaluationError`` where it would refuse.

    ``evaluate`` makes the defaults of optional object attributes.
    """
    if value is None or isinstance(value, Unknown):
        return value
    try:
        return _convert(value, wanted, evaluate)
    except UntoldError as error:
        return unknown_of(value, why=str(error))


def _convert(value: Any, wanted: Type, evaluate: Callable[[Expression], Any] | None) -> Any:
    match wanted.name:
        case "string":
            return to_text(value)
        case "number":
            return to_number(value)
        case "bool":
            return to_bool(value)
        case "list" | "set":
            if not isinstance(value, list):
                raise EvaluationError(f"a {wanted.name} is needed")
            items = [convert(item, wanted.element or ANY, evaluate) for item in value]
            return as_set(items) if wanted.name == "set" else items
        case "map":
            if not isinstance(value, dict):
                raise EvaluationError("a map is needed")
            return {key: convert(item, wanted.element or ANY, evaluate) for key, item in value.items()}
        case "object":
            return _object(value, wanted, evaluate)
        case "tuple":
            if not isinstance(value, list) or len(value) != len(wanted.items):
                raise EvaluationError("a tuple of that many elements is needed")
            return [convert(item, kind, evaluate) for item, kind in zip(value, wanted.items, strict=True)]
        case _:
            return value


def _object(value: Any, wanted: Type, evaluate: Callable[[Expression], Any] | None) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise EvaluationError("an object is needed")
    out: dict[str, Any] = {}
    for name, field in wanted.fields.items():
        given = value.get(name)
        if given is None and name not in value and not field.optional:
            raise EvaluationError(f"the object lacks `{name}`")
        if given is None and field.default is not None and evaluate is not None:
            given = evaluate(field.default)
        out[name] = convert(given, field.type, evaluate)
    return out
