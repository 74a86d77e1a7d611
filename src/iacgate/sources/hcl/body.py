"""A resource's body as a plan would show it: values by the provider's schema, nested blocks as lists.

What the author leaves out and the provider settles is ``LEFT``; an argument that says nothing (null, an
empty text) where the provider settles it reads the same way, as Terraform's plans show it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from iacgate.model.origin import Origin
from iacgate.sources.hcl.expressions import pairs_of, try_evaluate
from iacgate.sources.hcl.syntax import Block, Body
from iacgate.sources.hcl.types import convert, type_of_schema
from iacgate.sources.hcl.values import EvaluationError, SetValue, Unknown, holds_unknown, unknown_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from iacgate.sources.hcl.expressions import Scope
    from iacgate.sources.hcl.shared import Shared

__all__ = ["LEFT", "BodyTree", "body_tree"]

LEFT = Unknown()
"""Left out by the author, and settled by the provider."""
_NOTHING = Unknown(Origin(closed=True, null=True))
"""Written, and yet nothing: the provider settles it all the same."""
_NO_BLOCKS: list[Any] = []
_META = frozenset({"count", "for_each", "provider", "depends_on"})
_META_BLOCKS = frozenset({"lifecycle", "provisioner", "connection"})
_MAX_BLOCKS = 10_000


class BodyTree(NamedTuple):
    """A body's values, with unknowns wherever they stand, and what of it must not be shown."""

    values: dict[str, Any]
    secret: dict[str, Any]
    """A mask shaped like the values."""
    known_type: bool
    """A schema says which attributes there are."""


def body_tree(body: Body, scope: Scope, kind: str) -> BodyTree:
    """Evaluate a resource's body. ``kind`` is its type (``data.TYPE`` for a data source)."""
    top = Body(
        [one for one in body.attributes if one.name not in _META],
        [one for one in body.blocks if one.type not in _META_BLOCKS],
    )
    known = bool(scope.module.shared.children(kind, ""))
    values, secret = _level(top, scope, kind, "")
    return BodyTree(values, secret, known)


def _level(body: Body, scope: Scope, kind: str, prefix: str) -> tuple[dict[str, Any], dict[str, Any]]:
    shared = scope.module.shared
    schema = shared.children(kind, prefix)
    values: dict[str, Any] = {}
    secret: dict[str, Any] = {}
    for attribute in body.attributes:
        name = attribute.name
        known = schema.get(name)
        value = try_evaluate(attribute.expression, scope)
        if known is not None:
            value = _by_schema(value, known, kind, prefix + name, scope)
        values[name] = value
        if (known is not None and known.sensitive) or scope.module.is_secret(attribute.expression):
            secret[name] = True
    for name, blocks in _grouped(body.blocks).items():
        known = schema.get(name)
        values[name], mask = _blocks(name, blocks, scope, kind, prefix, known)
        if mask:
            secret[name] = mask
    _fill(values, kind, prefix, shared)
    return values, secret


def _by_schema(value: Any, known: Any, kind: str, path: str, scope: Scope) -> Any:
    """As the provider would read it: converted, in blocks where it has blocks."""
    if known.type == "block":
        if isinstance(value, dict):
            value = [value]
        return value if isinstance(value, list | Unknown) else []
    empty = value is None or value == "" or (value == [] and "object" not in known.type)
    if empty and scope.module.shared.schema.left_to_provider(kind, path):
        return _NOTHING
    try:
        return convert(value, type_of_schema(known.type))
    except EvaluationError:
        return value  # the check will say that it is of another type


def _grouped(blocks: list[Block]) -> dict[str, list[Block]]:
    out: dict[str, list[Block]] = {}
    for block in blocks:
        name = block.labels[0] if block.type == "dynamic" and block.labels else block.type
        out.setdefault(name, []).append(block)
    return out


def _blocks(
    name: str, blocks: list[Block], scope: Scope, kind: str, prefix: str, known: Any
) -> tuple[Any, list[Any] | bool]:
    """All blocks of one name, those that ``dynamic`` writes included, and what of them must not be shown."""
    inner = f"{prefix}{name}{'' if known is not None and known.nesting == 'single' else '[]'}."
    made: list[dict[str, Any]] = []
    masks: list[Any] = []
    open_ones: list[Any] = []
    for block in blocks:
        if block.type == "dynamic" and block.labels:
            found = _dynamic(block, scope)
            if isinstance(found, Unknown):
                open_ones.append(found)
                continue
        else:
            found = [(block.body, scope)]
        for body, place in found:
            values, mask = _level(body, place, kind, inner)
            secret: Any = True if block.type == "dynamic" and _over_secret(block, scope) else mask
            if known is not None and known.type != "block":  # an attribute that takes the syntax of blocks
                for field in scope.module.shared.children(kind, inner):
                    values.setdefault(field, None)
            made.append(values)
            masks.append(secret)
    if len(made) > _MAX_BLOCKS:
        return unknown_of(why="there are too many blocks"), False
    if open_ones:
        return unknown_of(*open_ones, made, why="how many blocks there are is not known"), any(map(bool, masks))
    if known is not None and known.nesting == "single":
        return made[0] if made else None, masks[0] if masks and masks[0] else False
    return made, masks if any(masks) else False


def _over_secret(block: Block, scope: Scope) -> bool:
    source = block.body.attribute("for_each")
    return source is not None and scope.module.is_secret(source.expression)


def _dynamic(block: Block, scope: Scope) -> list[tuple[Body, Scope]] | Unknown:
    """The blocks that a ``dynamic`` block writes; unknown when it is not known over what."""
    source = block.body.attribute("for_each")
    content = next(iter(block.body.blocks_of("content")), None)
    if source is None or content is None:
        return Unknown(Origin(why="a `dynamic` block is not complete"))
    collection = try_evaluate(source.expression, scope)
    if isinstance(collection, Unknown) or (isinstance(collection, SetValue) and holds_unknown(collection)):
        return unknown_of(collection, why="how many blocks there are is not known")
    if collection is None:
        return []
    iterator = block.body.attribute("iterator")
    name = iterator.expression[1] if iterator and iterator.expression[0] == "name" else block.labels[0]
    try:
        pairs = list(pairs_of(collection))
    except EvaluationError:
        return Unknown(Origin(why="a `dynamic` block goes through what is no collection"))
    return [(content.body, scope.within({name: {"key": key, "value": value}})) for key, value in pairs]


def _fill(values: dict[str, Any], kind: str, prefix: str, shared: Shared) -> None:
    """What the author left out."""
    key = (kind, prefix)
    left_out = shared.left_out.get(key)
    if left_out is None:
        left_out = shared.left_out[key] = list(_left_out(kind, prefix, shared))
    for name, value in left_out:
        if name not in values:
            values[name] = value


def _left_out(kind: str, prefix: str, shared: Shared) -> Iterator[tuple[str, Any]]:
    for name, known in shared.children(kind, prefix).items():
        if prefix:
            if known.computed and not known.optional:
                yield name, LEFT
        elif known.computed or shared.schema.left_to_provider(kind, name):
            yield name, LEFT
        else:
            yield name, _NO_BLOCKS if known.type == "block" and known.nesting != "single" else None
