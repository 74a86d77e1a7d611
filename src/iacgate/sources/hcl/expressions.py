"""What an expression comes to: three-valued, lazy, and bounded in steps and size.

What cannot be known is an :class:`Unknown` that says where it will come from. Whatever is returned as
known is what every completion of the unknowns gives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from iacgate.model.origin import Origin
from iacgate.sources.hcl.conversion import UntoldError, to_text
from iacgate.sources.hcl.operators import calculate, equal, logic, operand, truth
from iacgate.sources.hcl.syntax import Expression
from iacgate.sources.hcl.values import Encoded, EvaluationError, SetValue, Text, Unknown, holds_unknown, unknown_of

if TYPE_CHECKING:
    from iacgate.sources.hcl.instances import ModuleInstance

__all__ = ["Each", "Scope", "evaluate", "pairs_of", "steps_of", "try_evaluate"]

_MAX_TEXT = 1024 * 1024
_MAX_ELEMENTS = 100_000


class Each(NamedTuple):
    """What ``each`` and ``count`` speak of in a block; values may be unknown."""

    key: Any
    value: Any
    index: Any


class Scope(NamedTuple):
    """Where an expression stands."""

    module: ModuleInstance
    each: Each | None = None
    names: Mapping[str, Any] = {}
    """Variables of ``for`` expressions and iterators of ``dynamic`` blocks."""

    def within(self, names: dict[str, Any]) -> Scope:
        """The same place, with more names."""
        return self._replace(names={**self.names, **names})


def try_evaluate(expression: Expression, scope: Scope) -> Any:
    """Like :func:`evaluate`; what Terraform would refuse is unknown, and says why."""
    try:
        return evaluate(expression, scope)
    except EvaluationError as error:
        return Unknown(Origin(why=f"the expression cannot be evaluated: {error}"))


def evaluate(expression: Expression, scope: Scope) -> Any:
    """The value. Raises ``EvaluationError`` where Terraform would refuse the expression."""
    scope.module.shared.take_step()
    try:
        return _KINDS[expression[0]](expression, scope)
    except UntoldError as error:
        return Unknown(Origin(why=str(error)))


def _value(expression: Expression, scope: Scope) -> Any:
    return expression[1]


def _invalid(expression: Expression, scope: Scope) -> Any:
    return Unknown(Origin(why="the file has a syntax error here"))


def _template(expression: Expression, scope: Scope) -> Any:
    values = [evaluate(part, scope) for part in expression[1]]
    if any(isinstance(value, Unknown) for value in values):
        return Text(values)
    return _joined(_text_in_template(value) for value in values)


def _text_in_template(value: Any) -> str:
    if value is None:
        raise EvaluationError("null cannot stand in a template")
    return str(to_text(value))


def _joined(texts: Iterable[str]) -> str:
    out, size = [], 0
    for text in texts:
        size += len(text)
        if size > _MAX_TEXT:
            raise EvaluationError("the text grows beyond 1 MiB")
        out.append(text)
    return "".join(out)


def _list(expression: Expression, scope: Scope) -> Any:
    return [evaluate(item, scope) for item in expression[1]]


def _object(expression: Expression, scope: Scope) -> Any:
    out: dict[str, Any] = {}
    unknown_key = None
    for key_expression, value_expression in expression[1]:
        key = evaluate(key_expression, scope)
        value = evaluate(value_expression, scope)
        if key is None:
            raise EvaluationError("null is no key")
        if isinstance(key, Unknown):
            unknown_key = unknown_of(key, value, *([unknown_key] if unknown_key else []))
        else:
            out[to_text(key)] = value
    return unknown_of(unknown_key, out) if unknown_key is not None else out


def _name(expression: Expression, scope: Scope) -> Any:
    name = expression[1]
    if name in scope.names:
        return scope.names[name]
    if name in ("path", "each", "count", "var", "local", "module", "data", "terraform", "self"):
        raise EvaluationError(f"`{name}` alone is no value")
    raise EvaluationError("there is no variable of that name here")


def _attr(expression: Expression, scope: Scope) -> Any:
    _, inner, name = expression
    if inner[0] == "name" and inner[1] not in scope.names:
        return _root(inner[1], name, scope)
    if inner[0] == "attr" and inner[1][0] == "name" and inner[1][1] not in scope.names:
        mode = inner[1][1]
        if mode in ("data", "ephemeral"):
            return scope.module.resource(mode, inner[2], name)
    return attribute_of(evaluate(inner, scope), name)


def _root(root: str, name: str, scope: Scope) -> Any:
    """``var.x``, ``local.x``, ``module.x``, ``each.key``, …, or the resource ``type.name``."""
    match root:
        case "var":
            return scope.module.variable(name)
        case "local":
            return scope.module.local(name)
        case "module":
            return scope.module.call(name)
        case "each" | "count":
            if scope.each is None:
                raise EvaluationError(f"there is no `{root}` here")
            return {"key": scope.each.key, "value": scope.each.value, "index": scope.each.index}.get(name)
        case "path":
            return scope.module.path_value(name)
        case "terraform":
            return Unknown(Origin(chain=(f"terraform.{name}",), why="only a run of Terraform says it"))
        case "self" | "ephemeral":
            return Unknown(Origin(chain=(f"{root}.{name}",)))
        case _:
            return scope.module.resource("managed", root, name)


def attribute_of(value: Any, name: str) -> Any:
    """``value.name``. Raises ``EvaluationError`` when there is none."""
    if isinstance(value, Unknown):
        return value.attribute(name)
    if isinstance(value, dict):
        if name in value:
            return value[name]
        raise EvaluationError("there is no such attribute")
    if isinstance(value, list) and name.isdigit():
        return element_of(value, int(name))
    raise EvaluationError("only an object has attributes")


def _index(expression: Expression, scope: Scope) -> Any:
    return element_of(evaluate(expression[1], scope), evaluate(expression[2], scope))


def element_of(value: Any, key: Any) -> Any:
    """``value[key]``. Raises ``EvaluationError`` when there is none."""
    if isinstance(value, Unknown):
        return value.element(key)
    if isinstance(key, Unknown):
        return unknown_of(value, key)
    if isinstance(value, dict):
        if key is None or isinstance(key, list | dict) or to_text(key) not in value:
            raise EvaluationError("there is no such key")
        return value[to_text(key)]
    if isinstance(value, list) and not isinstance(value, SetValue):
        position = operand(key)
        if position != int(position) or not 0 <= position < len(value):
            raise EvaluationError("there is no such element")
        return value[int(position)]
    raise EvaluationError("only a list or a map has elements")


def _splat(expression: Expression, scope: Scope) -> Any:
    return _spread(evaluate(expression[1], scope), expression[2], scope)


def _spread(whole: Any, steps: list[Expression], scope: Scope) -> Any:
    if isinstance(whole, Unknown):
        return whole.splat(steps, scope)
    if whole is None:
        return []
    return [steps_of(item, steps, scope) for item in (whole if isinstance(whole, list) else [whole])]


def steps_of(value: Any, steps: list[Expression], scope: Scope) -> Any:
    """Follow the steps of a splat on one element. Raises ``EvaluationError``."""
    for kind, argument in steps:
        if kind == "splat":
            value = _spread(value, argument, scope)
        elif kind == "attr":
            value = attribute_of(value, argument)
        else:
            value = element_of(value, evaluate(argument, scope))
    return value


def _call(expression: Expression, scope: Scope) -> Any:
    _, name, arguments, expand = expression
    special = _SPECIAL.get(name)
    if special is not None:
        return special(arguments, scope)
    values = [evaluate(one, scope) for one in arguments]
    if expand:
        last = values.pop()
        if isinstance(last, Unknown):
            return unknown_of(*values, last)
        if not isinstance(last, list):
            raise EvaluationError("only a list can be expanded")
        values += last
    return scope.module.call_function(name.removeprefix("core::"), values)


def _try(arguments: list[Expression], scope: Scope) -> Any:
    for one in arguments:
        try:
            return evaluate(one, scope)
        except EvaluationError:
            continue
    raise EvaluationError("none of the alternatives can be evaluated")


def _can(arguments: list[Expression], scope: Scope) -> Any:
    try:
        value = evaluate(arguments[0], scope) if arguments else None
    except EvaluationError:
        return False
    return unknown_of(value) if holds_unknown(value) else True


def _jsonencode(arguments: list[Expression], scope: Scope) -> Any:
    values = [evaluate(one, scope) for one in arguments]
    if len(values) == 1 and holds_unknown(values[0]):
        return Encoded(values[0])
    return scope.module.call_function("jsonencode", values)


_SPECIAL: dict[str, Callable[[list[Expression], Scope], Any]] = {"try": _try, "can": _can, "jsonencode": _jsonencode}


def _if(expression: Expression, scope: Scope) -> Any:
    condition = evaluate(expression[1], scope)
    if not isinstance(condition, Unknown):
        chosen, left = (expression[2], expression[3]) if truth(condition) else (expression[3], expression[2])
        value = evaluate(chosen, scope)
        # The result has the type of both: a number beside a text is a text.
        beside = isinstance(value, bool | int | float) and isinstance(try_evaluate(left, scope), str)
        return to_text(value) if beside else value
    then, otherwise = try_evaluate(expression[2], scope), try_evaluate(expression[3], scope)
    if isinstance(then, Unknown) and isinstance(otherwise, Unknown):
        both = unknown_of(then, otherwise)
        closed = then.origin.closed and otherwise.origin.closed
        return Unknown(both.origin._replace(closed=closed, chain=(*condition.origin.chain, *both.origin.chain)))
    if not holds_unknown(then) and equal(then, otherwise) is True:
        return then
    return unknown_of(condition, then, otherwise)


def _not(expression: Expression, scope: Scope) -> Any:
    value = evaluate(expression[1], scope)
    return unknown_of(value) if isinstance(value, Unknown) else not truth(value)


def _minus(expression: Expression, scope: Scope) -> Any:
    value = evaluate(expression[1], scope)
    return unknown_of(value) if isinstance(value, Unknown) else -operand(value)


def _chain(expression: Expression, scope: Scope) -> Any:
    value = evaluate(expression[1], scope)
    for sign, term in expression[2]:
        if sign in ("&&", "||"):
            value = logic(sign, value, try_evaluate(term, scope))
            continue
        other = evaluate(term, scope)
        if sign in ("==", "!="):
            same = equal(value, other)
            if same is True and isinstance(value, list | dict) and not {expression[1][0], term[0]} <= _CONSTRUCTORS:
                same = Unknown(Origin(why="whether both are of the same type is not known"))
            value = same if isinstance(same, Unknown) else same is (sign == "==")
        elif isinstance(value, Unknown) or isinstance(other, Unknown):
            value = unknown_of(value, other)
        else:
            value = calculate(sign, operand(value), operand(other))
    return value


_CONSTRUCTORS = frozenset({"list", "object", "for", "map"})
"""What makes tuples and objects. A list is never equal to a tuple, and values do not say which they are."""


def pairs_of(collection: Any) -> Iterator[tuple[Any, Any]]:
    """What a ``for`` goes through: index and element, key and value; a set's elements stand for both."""
    if isinstance(collection, dict):
        for key in sorted(collection):
            yield key, collection[key]
    elif isinstance(collection, SetValue):
        for item in collection:
            yield item, item
    elif isinstance(collection, list):
        yield from enumerate(collection)
    else:
        raise EvaluationError("there is nothing to go through")


def _through(
    key: str | None, name: str, collection: Any, condition: Expression | None, scope: Scope
) -> Iterator[Scope]:
    """A scope for each element that the condition lets pass. An unknown condition is raised as ``_OpenError``."""
    if isinstance(collection, Unknown):
        raise _OpenError(collection)
    if isinstance(collection, SetValue) and holds_unknown(collection):
        raise _OpenError(unknown_of(collection))
    if isinstance(collection, list | dict) and len(collection) > _MAX_ELEMENTS:
        raise EvaluationError("there are too many elements")
    for one, value in pairs_of(collection):
        inner = scope.within({name: value} if key is None else {key: one, name: value})
        if condition is not None:
            keep = evaluate(condition, inner)
            if isinstance(keep, Unknown):
                raise _OpenError(unknown_of(keep, collection))
            if not truth(keep):
                continue
        yield inner


class _OpenError(Exception):
    """How many elements there are is not known."""

    def __init__(self, unknown: Unknown) -> None:
        super().__init__()
        self.unknown = unknown


def _for(expression: Expression, scope: Scope) -> Any:
    _, key, name, source, body, condition = expression
    collection = evaluate(source, scope)
    try:
        return [evaluate(body, inner) for inner in _through(key, name, collection, condition, scope)]
    except _OpenError as error:
        return error.unknown


def _map(expression: Expression, scope: Scope) -> Any:
    _, key, name, source, (key_expression, value_expression), grouped, condition = expression
    collection = evaluate(source, scope)
    out: dict[str, Any] = {}
    try:
        for inner in _through(key, name, collection, condition, scope):
            made = evaluate(key_expression, inner)
            value = evaluate(value_expression, inner)
            if made is None:
                raise EvaluationError("null is no key")
            if isinstance(made, Unknown):
                return unknown_of(made, value, collection)
            if grouped:
                out.setdefault(to_text(made), []).append(value)
            elif to_text(made) in out:
                raise EvaluationError("two elements have the same key")
            else:
                out[to_text(made)] = value
    except _OpenError as error:
        return error.unknown
    return out


def _join(expression: Expression, scope: Scope) -> Any:
    _, key, name, source, parts = expression
    collection = evaluate(source, scope)
    try:
        texts = [evaluate(["template", parts], inner) for inner in _through(key, name, collection, None, scope)]
    except _OpenError as error:
        return error.unknown
    return unknown_of(*texts) if holds_unknown(texts) else _joined(texts)


_KINDS: dict[str, Callable[[Expression, Scope], Any]] = {
    "value": _value,
    "template": _template,
    "list": _list,
    "object": _object,
    "name": _name,
    "attr": _attr,
    "index": _index,
    "splat": _splat,
    "call": _call,
    "chain": _chain,
    "not": _not,
    "minus": _minus,
    "if": _if,
    "for": _for,
    "map": _map,
    "join": _join,
    "invalid": _invalid,
}
