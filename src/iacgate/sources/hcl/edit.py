"""Edits of one HCL block's text that leave every other character where it is.

An attribute's expression is replaced, or an attribute or nested block is put where an author would put it.
Lines beside it are laid out again as ``terraform fmt`` does, and only where they were laid out that way before.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from iacgate.sources.hcl.layout import aligned, line_start
from iacgate.sources.hcl.parse import parse_hcl
from iacgate.sources.hcl.syntax import Attribute, Block, Body, Expression

__all__ = ["EditError", "Place", "Site", "edit_block", "holds", "is_literal", "sites_below"]


class EditError(ValueError):
    """The edit is not made; the message says why."""


class Place(NamedTuple):
    """A nested block by its name, and by its number among those of that name; ``None``: it is to be made."""

    name: str
    number: int | None


class Site(NamedTuple):
    """One attribute of a block that is to have a value."""

    places: tuple[Place, ...]
    """The nested blocks that lead to it."""
    name: str
    value: Any
    """A text, number or boolean, or a tuple of them."""
    add: bool = False
    """The value is to be an element of the list that is there."""


def sites_below(body: Body, steps: list[str], value: Any, *, add: bool) -> Iterator[tuple[Site, Attribute | None]]:
    """Where a path (``policy.fix_syntax``) leads in a block, each with the attribute that stands there.

    Raises ``EditError`` where a block is written in a way that is not edited.
    """
    yield from _below(body, steps, (), value, add=add)


def _below(
    body: Body, steps: list[str], places: tuple[Place, ...], value: Any, *, add: bool
) -> Iterator[tuple[Site, Attribute | None]]:
    step, *rest = steps
    if not rest:
        yield Site(places, step, value, add), body.attribute(step)
        return
    name = step.removesuffix("[]")
    if body.attribute(name) is not None:
        raise EditError(f"`{name}` is written as an attribute, not as a block")
    found = _nested(body, name)
    for number, inner in enumerate(found):
        yield from _below(inner.body, rest, (*places, Place(name, number)), value, add=add)
    if not found and not step.endswith("[]"):
        yield from _below(Body([], []), rest, (*places, Place(name, None)), value, add=add)


def _nested(body: Body, name: str) -> list[Block]:
    """The blocks of a name; of a ``dynamic`` one its content, which stands for all that it makes."""
    out = []
    for one in body.blocks:
        if one.type == name:
            out.append(one)
        elif one.type == "dynamic" and one.labels == [name]:
            out += one.body.blocks_of("content")
    return out


def is_literal(expression: Expression) -> bool:
    """A plain value, or a list of plain values."""
    return expression[0] == "value" or (expression[0] == "list" and all(one[0] == "value" for one in expression[1]))


def holds(expression: Expression, site: Site) -> bool:
    """The value is there already."""
    if site.add:
        return expression[0] == "list" and any(_same(one[1], site.value) for one in expression[1])
    if expression[0] == "list":
        return isinstance(site.value, tuple) and tuple(one[1] for one in expression[1]) == site.value
    return _same(expression[1], site.value)


def _same(value: Any, wanted: Any) -> bool:
    """Equal for Terraform, which takes ``"true"`` for ``true``."""
    if isinstance(wanted, bool) and not isinstance(value, bool):
        return bool(value == ("true" if wanted else "false"))
    return type(value) is type(wanted) and bool(value == wanted)


def edit_block(text: str, sites: list[Site], indent: str = "") -> str:
    """The text of one block (``resource … { … }``, without what stands before it) with all sites set.

    ``indent`` is what stands before its first line. Raises ``EditError``.
    """
    for site in sites:
        text = _edit(text, site, indent)
    return text


def _edit(text: str, site: Site, indent: str) -> str:
    block = _only_block(text)
    places = site.places
    for depth, place in enumerate(places):
        found = _nested(block.body, place.name)
        if place.number is None and not found:
            return _make_block(text, block, [one.name for one in places[depth:]], site, indent)
        if (place.number or 0) >= len(found):
            raise EditError(f"there is no such block `{place.name}`")
        block = found[place.number or 0]
    attribute = block.body.attribute(site.name)
    if attribute is not None:
        return _replace(text, attribute, site)
    return _insert(text, block, site, indent)


def _only_block(text: str) -> Block:
    syntax = parse_hcl(text)
    if syntax.problems or len(syntax.body.blocks) != 1:
        raise EditError("the block cannot be read by itself")
    return syntax.body.blocks[0]


def _replace(text: str, attribute: Attribute, site: Site) -> str:
    old = text[attribute.start : attribute.end]
    if attribute.expression == ["value", None] or not site.add:
        new = literal((site.value,) if site.add else site.value)
        new += _newline(text) if old.endswith("\n") else ""  # of a heredoc
    else:
        new = _with_element(old, attribute, site.value, text)
    edited = text[: attribute.start] + new + text[attribute.end :]
    return aligned(text, edited, attribute.line, attribute.line)


def _with_element(old: str, attribute: Attribute, value: Any, text: str) -> str:
    """A list with one more element, on one line or on lines of their own as the others are."""
    if attribute.expression[0] != "list" or "#" in old or "//" in old or "/*" in old or not old.endswith("]"):
        raise EditError(f"`{attribute.name}` is no plain list")
    inner = old[1:-1]
    if not inner.strip():
        return f"[{literal(value)}]"
    head, tail = inner.rstrip(), inner[len(inner.rstrip()) :]
    if "\n" not in inner:
        return f"[{head.rstrip(',')}, {literal(value)}{tail}]"
    last = text[line_start(text, attribute.start + 1 + len(head)) : attribute.start + 1 + len(head)]
    lead = last[: len(last) - len(last.lstrip())]
    comma = "," if head.endswith(",") else ""
    return f"[{head.rstrip(',')},{_newline(text)}{lead}{literal(value)}{comma}{tail}]"


def _insert(text: str, block: Block, site: Site, indent: str) -> str:
    if block.line == block.end_line:
        return _insert(*_unfold(text, block, indent), site, indent)
    first_block = min((one.start for one in block.body.blocks), default=block.close)
    before = [one for one in block.body.attributes if one.start < first_block]
    before = [one for one in before if one.name != "depends_on"] or before  # which authors put last
    written = f"{_inner_indent(text, block, indent)}{site.name} = "
    written += literal((site.value,) if site.add else site.value) + _newline(text)
    if before:
        line = before[-1].end_line
    else:
        line = text.count("\n", 0, block.open) + 1
        if _line(text, line + 1).strip() not in ("", "}"):
            written += _newline(text)
    at = _line_offset(text, line + 1)
    return aligned(text, text[:at] + written + text[at:], line, line + 1)


def _make_block(text: str, block: Block, names: list[str], site: Site, indent: str) -> str:
    """Put a new nested block, and those inside it, at the end of a block."""
    if block.line == block.end_line:
        return _make_block(*_unfold(text, block, indent), names, site, indent)
    at, newline = line_start(text, block.close), _newline(text)
    if text[at : block.close].strip():
        raise EditError("its closing brace does not stand on a line of its own")
    lead = _inner_indent(text, block, indent)
    lines = [f"{lead}{'  ' * depth}{name} {{" for depth, name in enumerate(names)]
    value = literal((site.value,) if site.add else site.value)
    lines.append(f"{lead}{'  ' * len(names)}{site.name} = {value}")
    lines += [f"{lead}{'  ' * depth}}}" for depth in reversed(range(len(names)))]
    above = _line(text, block.end_line - 1)
    if above.strip() and block.end_line - 1 != text.count("\n", 0, block.open) + 1:
        lines.insert(0, "")
    return text[:at] + "".join(line + newline for line in lines) + text[at:]


def _unfold(text: str, block: Block, indent: str) -> tuple[str, Block]:
    """A block on one line as one of several, and where it is then."""
    newline, lead = _newline(text), _lead(text, block, indent)
    inner = text[block.open + 1 : block.close].strip()
    body = f"{lead}  {inner}{newline}" if inner else ""
    edited = f"{text[: block.open + 1]}{newline}{body}{lead}{text[block.close :]}"
    return edited, _at(_only_block(edited), block.start)


def _at(block: Block, start: int) -> Block:
    if block.start == start:
        return block
    inside = next((one for one in block.body.blocks if one.start <= start <= one.close), None)
    if inside is None:
        raise EditError("the block cannot be read by itself")
    return _at(inside, start)


def _inner_indent(text: str, block: Block, indent: str) -> str:
    """What stands before what is already in the block; else two blanks more than before the block."""
    inside = [one.start for one in block.body.attributes] + [one.start for one in block.body.blocks]
    for start in (line_start(text, one) for one in inside):
        line = text[start:].split("\n", 1)[0]
        if start > block.open and line.strip():
            return line[: len(line) - len(line.lstrip())]
    return _lead(text, block, indent) + "  "


def _lead(text: str, block: Block, indent: str) -> str:
    start = line_start(text, block.start)
    if start == 0:
        return indent
    line = text[start : block.start]
    return line[: len(line) - len(line.lstrip())]


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _line(text: str, number: int) -> str:
    """A line by its number, counted from 1."""
    at = _line_offset(text, number)
    return text[at:].split("\n", 1)[0]


def _line_offset(text: str, number: int) -> int:
    at = 0
    for _ in range(number - 1):
        at = text.index("\n", at) + 1
    return at


def literal(value: Any) -> str:
    """A plain value as HCL writes it."""
    if isinstance(value, tuple):
        return f"[{', '.join(map(literal, value))}]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("${", "$${").replace("%{", "%%{")
    return json.dumps(value)
