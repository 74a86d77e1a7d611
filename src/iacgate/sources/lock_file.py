"""Terraform's and OpenTofu's dependency lock file, ``.terraform.lock.hcl``: which provider, with which hashes.

Follows Terraform's "Dependency Lock File". A file that cannot be read is an error: it would otherwise
look like a lock file that locks nothing, or like one that is fine.
"""

from pathlib import Path

from iacgate.errors import InputError
from iacgate.model.plan import ProviderLock

__all__ = ["LOCK_FILE", "parse_locks", "read_locks"]

LOCK_FILE = ".terraform.lock.hcl"
_MAX_BYTES = 4 * 1024 * 1024


def read_locks(source_dir: Path) -> dict[str, ProviderLock]:
    """What the lock file of a root module locks, by source address; nothing where there is no such file.

    Raises ``InputError`` when there is one and it cannot be read.
    """
    path = source_dir / LOCK_FILE
    try:
        if not path.is_file():
            return {}
        if path.stat().st_size > _MAX_BYTES:
            raise InputError(f"{path} is larger than {_MAX_BYTES // 2**20} MiB: no lock file is")
        return parse_locks(path.read_text("utf-8-sig"), str(path))
    except OSError as error:
        raise InputError(f"{path} cannot be read: {(error.strerror or 'unreadable').lower()}") from None
    except UnicodeDecodeError:
        raise InputError(f"{path} is not UTF-8 text") from None


def parse_locks(text: str, name: str) -> dict[str, ProviderLock]:
    """As ``read_locks``, of a text. ``name`` stands for it in messages."""
    from iacgate.sources.hcl.parse import parse_hcl

    file = parse_hcl(text)
    if file.problems:
        where = f"{name}:{file.problems[0].line}"
        raise InputError(f"{where}: this is not a valid lock file", hint="terraform init makes it anew")
    out: dict[str, ProviderLock] = {}
    for block in file.body.blocks_of("provider"):
        address = block.labels[0].lower() if len(block.labels) == 1 else ""
        if not address or address in out:
            raise InputError(f"{name}:{block.line}: a provider stands twice, or without its address")
        values = {one.name: one.expression for one in block.body.attributes}
        match values.get("hashes"):
            case ["list", items]:
                hashes = tuple(str(item[1]) for item in items if item[0] == "value" and item[1])
            case _:
                hashes = ()
        out[address] = ProviderLock(str(values.get("version", ["value", ""])[1]), hashes)
    return out
