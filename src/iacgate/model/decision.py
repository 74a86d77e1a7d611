"""The decision on one input, and the report that carries it (``iacgate/report/v1``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from iacgate.model.finding import Result
from iacgate.model.inventory import InventoryInfo
from iacgate.model.scan import Scan

__all__ = [
    "EXIT_CODES",
    "Coverage",
    "Decision",
    "InputInfo",
    "Outcome",
    "PolicyInfo",
    "Report",
    "SideEffect",
    "Summary",
]


class Outcome(StrEnum):
    """What the gate says. There is nothing else."""

    ALLOW = "allow"
    REVIEW = "review"
    DENY = "deny"
    ERROR = "error"


EXIT_CODES: Mapping[Outcome, int] = {Outcome.ALLOW: 0, Outcome.DENY: 1, Outcome.REVIEW: 3, Outcome.ERROR: 4}


class InputInfo(NamedTuple):
    """What was judged."""

    kind: str
    path: str
    sha256: str
    terraform_version: str
    format_version: str
    workspace: str | None
    organization: str = "default"
    """The tenant; from the configuration."""
    inventory: InventoryInfo | None = None
    """What was asked of resources that the input does not show."""


class PolicyInfo(NamedTuple):
    """By which policy."""

    name: str
    version: str
    digest: str
    trusted: bool


class SideEffect(NamedTuple):
    """What the policy asks for beside the decision. This version says so and does nothing."""

    kind: str
    """``ticket`` or ``notify``."""
    check: str
    address: str
    fingerprint: str
    policy_rule: str
    """Which line of the policy asks for it."""


class Decision(NamedTuple):
    """The outcome and every reason for it, the weightiest first."""

    outcome: Outcome
    exit_code: int
    reasons: tuple[str, ...]
    side_effects: tuple[SideEffect, ...] = ()
    posture: bool = False
    """It says what is, not whether a change may go ahead."""


class Coverage(NamedTuple):
    """Where every resource change went: ``evaluated + not_applicable == resources`` or an error."""

    resources: int
    evaluated: int
    not_applicable: int
    not_asked: int
    """Account-level checks that nobody asked (no inventory, ``owns_account`` not set)."""
    checks_loaded: int
    scope: str
    """``full``, or ``none``: nothing is in any check's scope."""
    not_applicable_reasons: Mapping[str, int] = {}
    not_applicable_pairs: int = 0
    """Checks whose ``when`` did not hold on a resource they name."""


class Summary(NamedTuple):
    """Counts. The last four count findings (fail, unknown, error) by their change; fixed ones apart."""

    passed: int = 0
    fail: int = 0
    unknown: int = 0
    waived: int = 0
    error: int = 0
    introduced: int = 0
    worsened: int = 0
    pre_existing: int = 0
    fixed: int = 0
    would_block: int = 0
    obligations: int = 0


class Report(NamedTuple):
    """Everything a report format needs; formats add nothing and decide nothing."""

    tool_version: str
    input: InputInfo
    policy: PolicyInfo
    decision: Decision
    coverage: Coverage
    summary: Summary
    results: Sequence[Result]
    """Findings first to last in plan order; passes too when they were asked for."""
    fixed: Sequence[Result]
    """What failed before this plan and will pass, or is destroyed."""
    notes: Sequence[str] = ()
    """Things a person should know that decide nothing."""
    scans: Sequence[Scan] = ()
    """What other scanners say, and whether that is evidence."""
