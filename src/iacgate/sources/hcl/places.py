"""Where the resources of a plan stand in the HCL behind it: file, lines, and the module blocks that lead there.

Only blocks are looked at, nothing is evaluated. A file that cannot be parsed costs its places, never the verdict.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from iacgate.model.address import AddressError, parse_address
from iacgate.model.finding import Location
from iacgate.sources.hcl.module import ModuleSource, Placed
from iacgate.sources.hcl.tree import Tree, installed_modules

__all__ = ["find_places"]


class _Called(NamedTuple):
    """A module of the configuration, and the blocks that call it."""

    source: ModuleSource
    callers: tuple[Placed, ...]


def find_places(
    source_dir: Path, addresses: Iterable[str], cache: Path | None = None
) -> tuple[dict[str, Location], list[str]]:
    """Places by address, and notes on what could not be read. Files are relative to ``source_dir``."""
    tree = Tree(source_dir, cache)
    modules = _Modules(tree, source_dir)
    places: dict[str, Location] = {}
    for text in addresses:
        try:
            address = parse_address(text)
        except AddressError:
            continue
        called = modules.find(address.module_names)
        placed = called.source.resources.get((address.mode, address.type, address.name)) if called else None
        if called is not None and placed is not None:
            places[text] = tree.location(placed, called.callers)
    return places, modules.notes()


class _Modules:
    """Modules by the names of the calls that lead to them."""

    def __init__(self, tree: Tree, root: Path) -> None:
        self._tree = tree
        self._installed = installed_modules(root)
        self._root = root
        self._known: dict[tuple[str, ...], _Called | None] = {}

    def find(self, names: tuple[str, ...]) -> _Called | None:
        """A module; ``None`` when its source is not here."""
        if names not in self._known:
            self._known[names] = self._find(names)
        return self._known[names]

    def _find(self, names: tuple[str, ...]) -> _Called | None:
        if not names:
            source = self._tree.module(self._root)
            return _Called(source, ()) if source else None
        parent = self.find(names[:-1])
        call = parent.source.calls.get(names[-1]) if parent else None
        if parent is None or call is None:
            return None
        local = call.local_source
        directory = parent.source.directory / local if local else self._installed.get(".".join(names))
        source = self._tree.module(directory) if directory else None
        return _Called(source, (*parent.callers, call)) if source else None

    def notes(self) -> list[str]:
        """What could not be read."""
        sources = {called.source.directory: called.source for called in self._known.values() if called}
        return [
            f"{self._tree.shown(file)}{f':{line}' if line else ''}: {message}; findings in it may have no line"
            for source in sources.values()
            for file, line, message in source.problems
        ]
