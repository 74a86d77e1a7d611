"""Build hook: the check library goes into the wheel as ``iacgate/checks``, as YAML and compiled.

The compiled catalogue saves the parsing of hundreds of YAML files at every start. An editable
installation gets neither: it reads ``checks/`` of the checkout, where they may change at any time.
"""

import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CatalogueHook(BuildHookInterface):  # type: ignore[type-arg]  # the parameter's type is not public
    """Compiles ``checks/`` and adds both forms to a standard wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called before a wheel is built; ``version`` is ``standard`` or ``editable``."""
        if version == "editable":
            return
        root = Path(self.root)
        checks = root / "checks"
        self._scratch = tempfile.TemporaryDirectory()
        compiled = Path(self._scratch.name) / "catalogue.msgpack"
        compiled.write_bytes(_compile(root / "src", checks))
        build_data["force_include"][str(checks)] = "iacgate/checks"
        build_data["force_include"][str(compiled)] = "iacgate/checks/catalogue.msgpack"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Called when the wheel is written."""
        if version != "editable":
            self._scratch.cleanup()


def _compile(source: Path, checks: Path) -> bytes:
    """The catalogue by the code that will read it: the package in ``source``, not an installed one."""
    sys.path.insert(0, str(source))
    try:
        from iacgate.errors import PolicyError
        from iacgate.policy.catalogue import compile_directory
    finally:
        sys.path.pop(0)
    try:
        return compile_directory(checks)
    except PolicyError as error:
        raise SystemExit("\n".join([str(error), *map(str, error.problems)])) from error
