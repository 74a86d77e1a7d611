"""What all instances of one root module have in common: where it is, what is known of providers, and its budget."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from iacgate.errors import InputError
from iacgate.sources.hcl.functions.signature import Function
from iacgate.sources.hcl.module import ModuleSource

__all__ = ["ResourceSchema", "Shared"]

_MAX_STEPS = 500_000


class AttributeType(Protocol):
    """What is asked of one attribute of a schema."""

    @property
    def type(self) -> str:
        """``string``, ``list(string)``, ``block``, …."""

    @property
    def nesting(self) -> str:
        """Of a block."""

    @property
    def optional(self) -> bool:
        """The author may set it."""

    @property
    def computed(self) -> bool:
        """The provider may."""

    @property
    def sensitive(self) -> bool:
        """It must not be shown."""


class ResourceSchema(Protocol):
    """What is asked of the providers' schemas; data sources go by ``data.TYPE``."""

    def paths(self, resource_type: str) -> Mapping[str, Any]:
        """Every path of a type, none for one that is not known."""

    def left_to_provider(self, resource_type: str, path: str) -> bool:
        """The author may leave it out, and the provider then settles it."""


class Shared:
    """What all instances of one root module have in common."""

    def __init__(
        self,
        root: Path,
        schema: ResourceSchema,
        load: Callable[[Path], ModuleSource | None],
        installed: Mapping[str, Path],
        functions: Mapping[str, Function],
        boundary: Path,
    ) -> None:
        self.root = root
        self.schema = schema
        self.load = load
        self.installed = installed
        self.functions = functions
        self.boundary = boundary
        """Files outside of this directory are not read by functions."""
        self.missing: dict[str, str] = {}
        """Module calls whose source is not here, and why."""
        self.problems: list[str] = []
        self.reads_files = False
        """A function was called that reads files."""
        self.mentions: dict[int, list[tuple[str, str, str]]] = {}
        """By identity of an expression: what it refers to (``secrecy``)."""
        self.left_out: dict[tuple[str, str], list[tuple[str, Any]]] = {}
        """By type and path: what a body has where its author wrote nothing (``body``)."""
        self._steps = 0
        self._children: dict[str, dict[str, dict[str, Any]]] = {}

    def take_step(self) -> None:
        """Count one step of evaluation. Raises ``InputError`` when there are too many."""
        self._steps += 1
        if self._steps > _MAX_STEPS:
            raise InputError(f"{self.root} takes more than {_MAX_STEPS} steps to evaluate: no configuration does")

    def children(self, kind: str, prefix: str) -> dict[str, Any]:
        """The attributes and blocks of a type right below a path (``""`` or ``ingress[].``)."""
        by_prefix = self._children.get(kind)
        if by_prefix is None:
            by_prefix = self._children[kind] = {}
            for path, attribute in self.schema.paths(kind).items():
                if path:
                    cut = path.rfind(".") + 1
                    by_prefix.setdefault(path[:cut], {})[path[cut:]] = attribute
        return by_prefix.get(prefix, {})
