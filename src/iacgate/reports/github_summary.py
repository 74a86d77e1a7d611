"""The report as a GitHub Actions step summary, for the file that ``GITHUB_STEP_SUMMARY`` names.

The same Markdown as the comment, with more room: a step may write 1 MiB, and one byte more loses all of it.
"""

from collections.abc import Sequence

from iacgate.model.decision import Report
from iacgate.reports.interface import RenderOptions
from iacgate.reports.markdown import page

__all__ = ["SUMMARY_LIMIT", "render", "render_all"]

SUMMARY_LIMIT = 1_000_000
"""Bytes of one step's summary that we use."""


def render(report: Report, options: RenderOptions) -> bytes:
    """The summary of one report."""
    return page(report, options, SUMMARY_LIMIT)


def render_all(reports: Sequence[Report], options: RenderOptions) -> bytes:
    """The summaries of several reports, which share the room of the step."""
    return b"\n".join(page(report, options, SUMMARY_LIMIT // len(reports) - 1) for report in reports)
