"""What a report format is: a function from a report to bytes, and the options all formats share."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from iacgate.model.decision import Report

__all__ = ["Format", "RenderOptions"]


class RenderOptions(NamedTuple):
    """How to render. No option changes what is decided or what blocks."""

    width: int = 80
    """Columns of the terminal; formats that are no terminal ignore it."""
    colour: bool = False
    """Whether terminal output may hold colour. The caller knows of ``NO_COLOR`` and of ttys."""
    include_passed: bool = False
    """Whether passes are listed. In SARIF, JUnit and the terminal also what a plan fixes, resource by resource."""


class Format(NamedTuple):
    """A loaded format. Both functions give UTF-8 and end with a line end; neither writes anything."""

    name: str
    render: Callable[[Report, RenderOptions], bytes]
    """One report."""
    render_all: Callable[[Sequence[Report], RenderOptions], bytes]
    """Several reports as one document, for the formats where one after another would be none (SARIF, JUnit)."""
