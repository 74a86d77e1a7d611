"""All functions of Terraform 1.11: https://developer.hashicorp.com/terraform/language/functions.

``can`` and ``try`` are not here: they evaluate their arguments themselves.
"""

from __future__ import annotations

from collections.abc import Mapping

from iacgate.sources.hcl.functions import (
    encoding,
    files,
    formatting,
    hashes,
    maps,
    networks,
    numbers,
    patterns,
    sequences,
    strings,
    times,
    types,
    yaml_text,
)
from iacgate.sources.hcl.functions.signature import Function

__all__ = ["functions"]


def functions() -> Mapping[str, Function]:
    """Each function by its name."""
    rooms = (
        encoding,
        files,
        formatting,
        hashes,
        maps,
        networks,
        numbers,
        patterns,
        sequences,
        strings,
        times,
        types,
        yaml_text,
    )
    return {name: one for room in rooms for name, one in room.table().items()}
