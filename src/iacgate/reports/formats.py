"""The report formats by name. A new format is one file with ``render`` and one line here.

A format's module is imported when it is asked for, so that nobody pays for the others at start.
"""

import importlib
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType

from iacgate.errors import UsageError
from iacgate.model.decision import Report
from iacgate.reports.interface import Format, RenderOptions

__all__ = ["FORMATS", "load"]


def _table() -> Mapping[str, str]:
    return MappingProxyType(
        {
            "terminal": "iacgate.reports.terminal",
            "json": "iacgate.reports.json",
            "sarif": "iacgate.reports.sarif",
            "junit": "iacgate.reports.junit",
            "markdown": "iacgate.reports.markdown",
            "github": "iacgate.reports.github",
            "github-summary": "iacgate.reports.github_summary",
        }
    )


FORMATS = _table()
"""Name of a format -> module that holds its ``render`` and, where joining reports needs more, ``render_all``."""


def load(name: str) -> Format:
    """Import one format. Raises ``UsageError`` for a name that is not in ``FORMATS``."""
    if name not in FORMATS:
        raise UsageError(f"there is no report format {name!r}", hint=f"formats: {', '.join(FORMATS)}")
    module = importlib.import_module(FORMATS[name])
    return Format(name, module.render, getattr(module, "render_all", partial(_one_after_another, module.render)))


def _one_after_another(
    render: Callable[[Report, RenderOptions], bytes], reports: Sequence[Report], options: RenderOptions
) -> bytes:
    return b"".join(render(report, options) for report in reports)
