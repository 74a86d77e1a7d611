"""The modules of a directory tree: each file is read and parsed once, and every path is shown the same way."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from iacgate.model.finding import Location
from iacgate.sources.hcl.files import ParsedFile, module_files, parse_bytes, parse_files
from iacgate.sources.hcl.module import ModuleSource, Placed, read_module

__all__ = ["Tree", "installed_modules"]


class Tree:
    """The modules of a directory tree, each file read and parsed once."""

    def __init__(self, top: Path, cache: Path | None, files: Mapping[Path, ParsedFile] | None = None) -> None:
        self.top = top
        self._cache = cache
        self._files: dict[Path, ParsedFile] = dict(files or {})
        self._modules: dict[Path, ModuleSource | None] = {}
        self._shown: dict[Path, str] = {}

    @property
    def files(self) -> Mapping[Path, ParsedFile]:
        """What was read."""
        return self._files

    def edited(self, contents: Mapping[Path, bytes]) -> Tree:
        """The same tree if some of its files held other bytes; only those are parsed again."""
        changed = {path: parse_bytes(path, data) for path, data in contents.items()}
        return Tree(self.top, self._cache, {**self._files, **changed})

    def parse(self, directories: Iterable[Path]) -> None:
        """Parse the files of many directories at once."""
        files = [file for one in directories for file in module_files(one) if file not in self._files]
        self._files.update(parse_files(files, self._cache))

    def module(self, directory: Path) -> ModuleSource | None:
        """A module by its directory; ``None`` when there is none."""
        directory = Path(os.path.normpath(directory))
        if directory not in self._modules:
            files = module_files(directory)
            self.parse([directory])
            found = read_module(directory, [(file, self._files[file].syntax) for file in files]) if files else None
            self._modules[directory] = found
        return self._modules[directory]

    def outside(self) -> list[Path]:
        """Files and module directories that were looked for outside of the top, or in what is hidden there."""
        looked = [*self._files, *self._modules]
        return [path for path in looked if any(part[:1] == "." for part in Path(self.shown(path)).parts)]

    def digest(self) -> str:
        """SHA-256 over the names and digests of all files that were read."""
        listed = sorted(f"{self.shown(path)}\0{parsed.digest}" for path, parsed in self._files.items())
        return hashlib.sha256("\n".join(listed).encode()).hexdigest()

    def location(self, placed: Placed, callers: tuple[Placed, ...]) -> Location:
        """Where a block stands, and the module blocks that lead to it."""
        chain = tuple(Location(self.shown(one.file), one.block.line, one.block.end_line) for one in callers)
        base = "" if str(self.top) == "." else str(self.top)
        return Location(self.shown(placed.file), placed.block.line, placed.block.end_line, chain, base)

    def shown(self, path: Path) -> str:
        """A path as reports show it: relative to the top."""
        known = self._shown.get(path)
        if known is None:
            known = self._shown[path] = Path(os.path.relpath(path, self.top)).as_posix()
        return known


def installed_modules(directory: Path) -> dict[str, Path]:
    """What ``terraform init`` installed, by the calls' names joined with dots."""
    try:
        listed = json.loads((directory / ".terraform" / "modules" / "modules.json").read_bytes())
        return {str(one["Key"]): directory / str(one["Dir"]) for one in listed["Modules"]}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {}
