"""Which resources of the plan another scanner's finding is about: by address, by place, by type and name.

The surest way that leads to something counts: the address itself; the block at the file and line (with
``--source-dir``); a block's type and name where just one module has such a block. What leads nowhere, or to more than
one file, is not guessed: the finding then stands by itself, and counts.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from iacgate.model.address import Address, AddressError, parse_address
from iacgate.model.finding import Location
from iacgate.model.plan import ResourceChange
from iacgate.model.scan import ScannerFinding

__all__ = ["Resources"]

_MAX_PARENTS = 20


class Resources:
    """The plan's resources, to be found in the ways scanners name them."""

    def __init__(
        self, changes: Iterable[ResourceChange], source_dir: Path | None, places: Mapping[str, Location]
    ) -> None:
        """``places``: where the blocks of the plan's addresses stand, relative to ``source_dir``."""
        self._by_address = {change.address: change for change in changes if not change.deposed}
        self._by_block: dict[str, list[ResourceChange]] = {}
        self._by_config: dict[str, list[ResourceChange]] = {}
        self._by_file: dict[str, list[tuple[Location, ResourceChange]]] = {}
        for text, change in self._by_address.items():
            address = _parsed(text)
            if address is not None:
                self._by_config.setdefault(_without_keys(address), []).append(change)
                if address.mode == "managed":
                    self._by_block.setdefault(f"{address.type}.{address.name}", []).append(change)
            if text in places:
                self._by_file.setdefault(places[text].file, []).append((places[text], change))
        self._roots, self._repository = _roots(source_dir) if source_dir is not None else ([], False)
        self._found: dict[tuple[str, str], str | None] = {}

    def about(self, finding: ScannerFinding) -> Sequence[ResourceChange]:
        """The resources that a finding is about: every instance of the block, where it names the block."""
        if finding.address in self._by_address:
            return [self._by_address[finding.address]]
        address = _parsed(finding.address)
        if address is not None and not address.key and not any(step.key for step in address.modules):
            instances = self._by_config.get(_without_keys(address))
            if instances:
                return instances
        return self._at(finding) or self._of_block(finding, address)

    def _at(self, finding: ScannerFinding) -> Sequence[ResourceChange]:
        place = finding.location
        if place is None or place.line == place.end_line == 1:  # what tools write when they know the file only
            return []
        key = (finding.base, place.file)
        if key not in self._found:
            self._found[key] = self._file(*key)
        blocks = self._by_file.get(self._found[key] or "", ())
        return [change for block, change in blocks if block.line <= place.line <= block.end_line]

    def _file(self, base: str, path: str) -> str | None:
        """The file as places have it.

        A path from another machine is shortened from the left until it fits here; but only in a repository, where a
        file of the same name in another root module is seen as well.
        """
        path = posixpath.normpath(path)
        whole = posixpath.normpath(posixpath.join(base, path)) if base else path
        for root in self._roots:
            if whole.startswith(f"{root}/") and (known := self._known(Path(whole))):
                return known
        elsewhere = self._repository and path.startswith(("/", "../"))
        if not elsewhere and path.startswith(("/", "../")):
            return None
        parts = [part for part in path.split("/") if part not in ("", "..")]
        for start in range(len(parts) if elsewhere else 1):
            tail = "/".join(parts[start:])
            found = {root / tail for root in self._roots if _is_file(root / tail)}
            if found:
                return self._known(found.pop()) if len(found) == 1 else None
        return None

    def _known(self, path: Path) -> str | None:
        """As places write it: relative to the source directory, if blocks of the plan stand in it."""
        name = Path(os.path.relpath(path, self._roots[0])).as_posix()
        return name if name in self._by_file else None

    def _of_block(self, finding: ScannerFinding, address: Address | None) -> Sequence[ResourceChange]:
        bare = address is not None and not address.modules and not address.key and address.mode == "managed"
        block = finding.block or (finding.address if bare else "")
        found = self._by_block.get(block, [])
        modules = {parsed.module_names for change in found if (parsed := _parsed(change.address)) is not None}
        return found if len(modules) == 1 else []


def _roots(source_dir: Path) -> tuple[list[Path], bool]:
    """The directories that a scanner may have been started in: from the source directory up to the repository's.

    And whether there is a repository.
    """
    source_dir = source_dir.resolve()
    above = [source_dir, *list(source_dir.parents)[:_MAX_PARENTS]]
    ends = [number for number, path in enumerate(above) if (path / ".git").exists()]
    return (above[: ends[0] + 1], True) if ends else (above[:1], False)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that no file can have
        return False


def _parsed(text: str) -> Address | None:
    try:
        return parse_address(text)
    except AddressError:
        return None


def _without_keys(address: Address) -> str:
    return ".".join([*address.module_names, "/", address.mode, address.type, address.name])
