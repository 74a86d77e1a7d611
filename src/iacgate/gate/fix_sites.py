"""Where the edits of a fix belong: in the resource's own block, or where the value it uses is written.

A value that a variable hands in is followed to the caller's argument or the variable's default, as long as
that is a plain value. Anything else is declined: an expression means something that an edit would lose.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from iacgate.model.address import parse_address
from iacgate.model.finding import Location, Result
from iacgate.sources.hcl.edit import EditError, Site, holds, is_literal, sites_below
from iacgate.sources.hcl.files import module_files
from iacgate.sources.hcl.syntax import Block, Expression
from iacgate.sources.hcl.tree import Tree

__all__ = ["Edit", "FixError", "edits_for"]


class FixError(ValueError):
    """There is no fix; the message says why."""


class Edit(NamedTuple):
    """One attribute to set, and the block of a file it is in."""

    file: Path
    block: int
    """Where the outermost block begins, in characters of the file without its byte order mark."""
    close: int
    line: int
    site: Site
    each: bool = False
    """It is in one of several blocks, of which not all may need it."""


class _Standing(NamedTuple):
    """A block, and the file it stands in."""

    file: Path
    block: Block


def edits_for(result: Result, fix: dict[str, Any], tree: Tree) -> Iterator[Edit]:
    """The edits that a check's ``fix:`` asks for on one finding. Raises ``FixError``."""
    if result.location is None:
        raise FixError("where it stands is not known")
    address = parse_address(result.subject.address)
    files = {tree.shown(path): path for path in tree.files}
    file = files[result.location.file]
    blocks = _blocks(tree, file.parent, "resource", [address.type, address.name])
    if not blocks:
        raise FixError("its block is not found")
    found = False
    for key in ("set", "add"):
        for steps, value in fix[key]:
            constant = tuple(value) if isinstance(value, list) else value
            for edit in _edits(blocks, steps, constant, key == "add", tree, result.location, files):
                found = True
                yield edit._replace(each=any(step.endswith("[]") for step in steps))
    if not found:
        raise FixError("there is no block to write it into, or what the fix would write is there already")


def _edits(
    blocks: list[_Standing],
    steps: list[str],
    value: Any,
    add: bool,
    tree: Tree,
    location: Location,
    files: dict[str, Path],
) -> Iterator[Edit]:
    standing = _of_path(blocks, steps[0].removesuffix("[]"))
    try:
        sites = list(sites_below(standing.block.body, steps, value, add=add))
    except EditError as error:
        raise FixError(str(error)) from None
    for site, attribute in sites:
        if attribute is None or is_literal(attribute.expression):
            if attribute is None or not holds(attribute.expression, site):
                yield _edit(standing, site, tree)
            continue
        name = _variable(attribute.expression)
        if name is None:
            where = f"{tree.shown(standing.file)}:{attribute.line}"
            raise FixError(f"`{site.name}` is computed ({where}): only a plain value is replaced")
        callers = [(files[one.file], one.line) for one in location.callers]
        yield _at_source(name, site, standing.file.parent, callers, tree)


def _variable(expression: Expression) -> str | None:
    """The name in ``var.name``."""
    if expression[0] == "attr" and expression[1] == ["name", "var"]:
        return str(expression[2])
    return None


def _at_source(name: str, site: Site, directory: Path, callers: list[tuple[Path, int]], tree: Tree) -> Edit:
    """The caller's argument, or the variable's default. ``callers`` are the module blocks above, the root's first."""
    if callers:
        file, line = callers[-1]
        call = next(one for one in tree.files[file].syntax.body.blocks_of("module") if one.line == line)
        calls = _blocks(tree, file.parent, "module", call.labels)
        standing = _of_path(calls, name)
        argument = standing.block.body.attribute(name)
        if argument is not None:
            above = _variable(argument.expression)
            if above is not None:
                return _at_source(above, site, file.parent, callers[:-1], tree)
            if not is_literal(argument.expression):
                where = f"{tree.shown(standing.file)}:{argument.line}"
                raise FixError(f"`{name}` is computed by the caller ({where}): only a plain value is replaced")
            return _edit(standing, Site((), name, site.value, site.add), tree)
    declared = _blocks(tree, directory, "variable", [name])
    if not declared:
        raise FixError(f"the variable `{name}` is not declared")
    standing = _of_path(declared, "default")
    default = standing.block.body.attribute("default")
    if default is None or not is_literal(default.expression):
        raise FixError(f"the variable `{name}` has no plain default that could be replaced")
    return _edit(standing, Site((), "default", site.value, site.add), tree)


def _blocks(tree: Tree, directory: Path, kind: str, labels: list[str]) -> list[_Standing]:
    """The blocks of one thing in a module: its own, then those of override files."""
    return [
        _Standing(path, block)
        for path in module_files(Path(os.path.normpath(directory)))
        for block in (tree.files[path].syntax.body.blocks if path in tree.files else ())
        if block.type == kind and block.labels == labels
    ]


def _of_path(blocks: list[_Standing], name: str) -> _Standing:
    """The block that decides what an argument or nested block is: the last that has it, else the first."""
    for one in reversed(blocks):
        body = one.block.body
        if body.attribute(name) or body.blocks_of(name) or any(b.labels == [name] for b in body.blocks_of("dynamic")):
            return one
    return blocks[0]


def _edit(standing: _Standing, site: Site, tree: Tree) -> Edit:
    """Raises ``FixError`` where the file is none to be edited."""
    file, block = standing
    shown = tree.shown(file)
    if file.name.endswith(".json"):
        raise FixError(f"{shown} is JSON, which is not edited")
    inside = Path(os.path.realpath(tree.top)) / shown
    if shown.startswith("../") or ".terraform" in Path(shown).parts or Path(os.path.realpath(file)) != inside:
        raise FixError(f"{shown} stands outside of the directory, or behind a link")
    return Edit(file, block.start, block.close, block.line, site)
