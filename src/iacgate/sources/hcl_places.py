"""Where resources stand in the HCL behind a plan: file, first and last line of each block.

python-hcl2 gives spans only through its parse tree. It is slow, so only files that name a wanted
block are parsed. A file that cannot be parsed costs its places, never the verdict.
"""

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from iacgate.errors import IacgateError
from iacgate.model.address import Address, AddressError, parse_address
from iacgate.model.configuration import Configuration
from iacgate.model.finding import Location

__all__ = ["find_places"]

_MAX_BYTES = 8 * 1024 * 1024
Block = tuple[str, str, str]


def find_places(
    source_dir: Path, configuration: Configuration | None, addresses: Iterable[str]
) -> tuple[dict[str, Location], list[str]]:
    """Places by address, and notes on what could not be read. Files are relative to ``source_dir``."""
    wanted: dict[tuple[str, ...], dict[Block, list[str]]] = {}
    for text in addresses:
        try:
            address = parse_address(text)
        except AddressError:
            continue
        block = ("resource" if address.mode == "managed" else address.mode, address.type, address.name)
        wanted.setdefault(_names(address), {}).setdefault(block, []).append(text)
    directories = _module_directories(source_dir, configuration, wanted)
    places: dict[str, Location] = {}
    notes: list[str] = []
    for names, blocks in wanted.items():
        directory = directories.get(names)
        if directory is None or not directory.is_dir():
            continue
        try:
            found = _scan(directory, source_dir, blocks, notes)
        except IacgateError as error:  # python-hcl2 is not what answers: no file can be read
            return {}, [f"findings have no file and line: {error.message}; {error.hint}"]
        for block, location in found.items():
            places.update(dict.fromkeys(blocks[block], location))
    return places, notes


def _names(address: Address) -> tuple[str, ...]:
    return address.module_names


def _module_directories(
    source_dir: Path, configuration: Configuration | None, wanted: Mapping[tuple[str, ...], object]
) -> dict[tuple[str, ...], Path]:
    """Module path -> directory: by local sources, else by Terraform's own list of installed modules."""
    out: dict[tuple[str, ...], Path] = {(): source_dir}
    installed = _installed_modules(source_dir)
    for names in sorted({path[:depth] for path in wanted for depth in range(1, len(path) + 1)}, key=len):
        parent = out.get(names[:-1])
        source = _source(configuration, names)
        listed = installed.get(".".join(names))
        if parent is not None and source.startswith(("./", "../")):
            out[names] = parent / source
        elif listed is not None:
            out[names] = source_dir / listed
    return out


def _source(configuration: Configuration | None, names: tuple[str, ...]) -> str:
    if configuration is None:
        return ""
    module = configuration.get("root_module", {})
    source = ""
    for name in names:
        call = module.get("module_calls", {}).get(name)
        if call is None:
            return ""
        source, module = call.get("source", ""), call.get("module", {})
    return source


def _installed_modules(source_dir: Path) -> dict[str, str]:
    try:
        listed = json.loads((source_dir / ".terraform" / "modules" / "modules.json").read_bytes())
        return {str(one["Key"]): str(one["Dir"]) for one in listed["Modules"]}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _scan(directory: Path, source_dir: Path, wanted: Mapping[Block, object], notes: list[str]) -> dict[Block, Location]:
    names = "|".join(re.escape(name) for name in {name for _, _, name in wanted})
    likely = re.compile(rf'\b(?:resource|data|ephemeral)\b[^\n]*["\s](?:{names})["\s]')
    out: dict[Block, Location] = {}
    for path in sorted([*directory.glob("*.tf"), *directory.glob("*.tofu")]):
        try:
            if path.stat().st_size > _MAX_BYTES:
                continue
            text = path.read_text("utf-8-sig")
        except (OSError, UnicodeDecodeError):
            continue
        if likely.search(text):
            shown = _relative(path, source_dir)
            found = _blocks(text)
            if found is None:
                notes.append(f"{shown} is not valid HCL for python-hcl2, so findings in it have no line")
            else:
                out.update({block: Location(shown, *span) for block, span in found.items() if block in wanted})
    return out


def _relative(path: Path, source_dir: Path) -> str:
    try:
        return path.resolve().relative_to(source_dir.resolve()).as_posix()
    except ValueError:
        return path.name


def _blocks(text: str) -> dict[Block, tuple[int, int]] | None:
    """Resource blocks of a file with their first and last lines; ``None`` when it cannot be parsed."""
    from iacgate.sources.hcl.library import hcl2_package

    hcl2 = hcl2_package()
    try:
        tree: Any = hcl2.parses_to_tree(text if text.endswith("\n") else text + "\n")
    except Exception:  # the parser's own exceptions have no common root
        return None
    out: dict[Block, tuple[int, int]] = {}
    for block in tree.iter_subtrees_topdown():
        if block.data != "block" or len(block.children) < 3:
            continue
        labels = [_label(child) for child in block.children[:3]]
        if labels[0] in ("resource", "data", "ephemeral"):
            out[labels[0], labels[1], labels[2]] = (block.meta.line, block.meta.end_line)
    return out


def _label(child: object) -> str:
    scan = getattr(child, "scan_values", None)
    return "".join(str(token) for token in scan(lambda _: True)).strip('"') if scan else str(child).strip('"')
