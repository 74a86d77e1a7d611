"""Terraform's and OpenTofu's dependency lock file, ``.terraform.lock.hcl``: which provider, with which hashes.

Follows Terraform's "Dependency Lock File". A file that cannot be read is an error: it would otherwise
look like a lock file that locks nothing, or like one that is fine.
"""

from pathlib import Path
from typing import Any

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
    import hcl2

    try:
        document = hcl2.loads(text if text.endswith("\n") else text + "\n")
    except Exception:  # the parser's own exceptions have no common root
        raise InputError(f"{name} is not a valid lock file", hint="terraform init makes it anew") from None
    out: dict[str, ProviderLock] = {}
    for entry in document.get("provider", []):
        for label, body in entry.items():
            address = _bare(label)
            if not isinstance(body, dict) or address in out:
                raise InputError(f"{name} locks a provider twice or not at all", hint="terraform init makes it anew")
            listed = body.get("hashes")
            hashes = tuple(_bare(one) for one in listed if one) if isinstance(listed, list) else ()
            out[address.lower()] = ProviderLock(_bare(body.get("version")), hashes)
    return out


def _bare(value: Any) -> str:
    return value.strip('"') if isinstance(value, str) else ""
