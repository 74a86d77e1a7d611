"""The blocks of one directory: a Terraform module as its author wrote it.

Override files (``override.tf``, ``*_override.tf``) are merged as Terraform merges them:
https://developer.hashicorp.com/terraform/language/files/override
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple, TypeVar

from iacgate.sources.hcl.syntax import Attribute, Block, Body, FileSyntax

K = TypeVar("K")

__all__ = ["ModuleSource", "Placed", "read_module"]

_RESOURCES = {"resource": "managed", "data": "data", "ephemeral": "ephemeral"}
_NAMED = {"variable": "variables", "output": "outputs", "module": "calls"}


class Placed(NamedTuple):
    """A block and the file it stands in."""

    block: Block
    file: Path

    @property
    def local_source(self) -> str:
        """Of a module block: the path that its source is, relative to the module it stands in; else empty."""
        source = self.block.body.attribute("source")
        text = source.expression[1] if source is not None and source.expression[0] == "value" else None
        return text if isinstance(text, str) and text.startswith(("./", "../")) else ""

    @property
    def body(self) -> Body:
        """What stands in the block."""
        return self.block.body


class ModuleSource(NamedTuple):
    """A module's blocks by what they are."""

    directory: Path
    variables: dict[str, Placed]
    locals: dict[str, Attribute]
    outputs: dict[str, Placed]
    calls: dict[str, Placed]
    resources: dict[tuple[str, str, str], Placed]
    """By mode, type and name."""
    providers: list[Placed]
    settings: list[Placed]
    """``terraform`` blocks."""
    problems: list[tuple[Path, int, str]]
    """What is wrong, by file and line (0: the file as a whole)."""
    requests: list[tuple[Path, int, str]]
    """Comments that speak to iacgate."""


def read_module(directory: Path, files: Iterable[tuple[Path, FileSyntax]]) -> ModuleSource:
    """Sort the blocks of a directory's files, which come in Terraform's order."""
    module = ModuleSource(directory, {}, {}, {}, {}, {}, [], [], [], [])
    for path, syntax in files:
        module.problems.extend((path, line, message) for line, message in syntax.problems)
        module.requests.extend((path, line, text) for line, text in syntax.requests)
        override = path.name.partition(".")[0].endswith("override")
        for attribute in syntax.body.attributes:
            module.problems.append((path, attribute.line, "an attribute stands outside of any block"))
        for block in syntax.body.blocks:
            problem = _enter(module, Placed(block, path), override=override)
            if problem:
                module.problems.append((path, block.line, problem))
    return module


def _enter(module: ModuleSource, placed: Placed, *, override: bool) -> str:
    """Put a block where it belongs. Returns what is wrong with it, or nothing."""
    block = placed.block
    labels = block.labels
    if block.type in _RESOURCES:
        if len(labels) != 2:
            return f"a `{block.type}` block has two labels: its type and its name"
        return _declare(module.resources, (_RESOURCES[block.type], labels[0], labels[1]), placed, override=override)
    if block.type in _NAMED:
        if len(labels) != 1:
            return f"a `{block.type}` block has one label: its name"
        return _declare(getattr(module, _NAMED[block.type]), labels[0], placed, override=override)
    if block.type == "locals":
        for attribute in block.body.attributes:
            if attribute.name in module.locals and not override:
                return "a local value is defined twice"
            module.locals[attribute.name] = attribute
    elif block.type == "provider":
        module.providers.append(placed)
    elif block.type == "terraform":
        module.settings.append(placed)
    return ""


def _declare(table: dict[K, Placed], key: K, placed: Placed, *, override: bool) -> str:
    known = table.get(key)
    if known is not None and not override:
        return f"this `{placed.block.type}` is declared twice (first in {known.file.name}, line {known.block.line})"
    table[key] = placed if known is None else Placed(_merge(known.block, placed.block), known.file)
    return ""


def _merge(block: Block, override: Block) -> Block:
    """Arguments take the place of arguments, nested blocks that of all of their type."""
    attributes = {one.name: one for one in (*block.body.attributes, *override.body.attributes)}
    replaced = {one.type for one in override.body.blocks}
    blocks = [one for one in block.body.blocks if one.type not in replaced]
    return block._replace(body=Body(list(attributes.values()), [*blocks, *override.body.blocks]))
