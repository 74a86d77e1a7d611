"""What other scanners say enters the decision here."""

from __future__ import annotations

from collections.abc import Sequence

from iacgate.model.decision import EXIT_CODES, Decision, Outcome, Report
from iacgate.model.scan import Scan

__all__ = ["with_scans"]


def with_scans(report: Report, scans: Sequence[Scan]) -> Report:
    """The report with the scans: one that is no evidence makes the outcome ``error``."""
    problems = tuple(f"{scan.source} gives no evidence: {scan.problem}" for scan in scans if scan.problem)
    decision = report.decision
    if problems:
        outcome = Outcome.ERROR
        decision = Decision(outcome, EXIT_CODES[outcome], problems + decision.reasons, decision.side_effects)
    notes = [line for scan in scans for line in _notes(scan)]
    return report._replace(decision=decision, notes=[*report.notes, *notes])


def _notes(scan: Scan) -> list[str]:
    name = f"{scan.source} {scan.receipt.version}".strip()
    found = [] if scan.problem else [f"{name}: {len(scan.findings)} findings"]
    return found + [f"{name}: {note}" for note in scan.notes]
