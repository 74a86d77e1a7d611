"""Verdicts of checks on subjects, and the evidence they stand on (``docs/concepts``: words).

Named tuples, not dataclasses: the gate makes tens of thousands of them in a run, and defining
and making a frozen slotted dataclass costs several times as much (``docs/adr/0002``).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, NamedTuple

__all__ = [
    "Change",
    "CheckInfo",
    "Effect",
    "Enforcement",
    "Evidence",
    "Family",
    "Location",
    "Origin",
    "Result",
    "Severity",
    "Subject",
    "Tier",
    "Verdict",
]


class Verdict(StrEnum):
    """What a check says of a subject. Never a boolean: "don't know" is an answer of its own."""

    PASS = "pass"
    FAIL = "fail"
    UNKNOWN = "unknown"
    NOT_APPLICABLE = "not-applicable"
    ERROR = "error"


class Change(StrEnum):
    """How a finding relates to what was there before the plan."""

    INTRODUCED = "introduced"
    WORSENED = "worsened"
    PRE_EXISTING = "pre-existing"
    FIXED = "fixed"


class Severity(StrEnum):
    """How bad a violation is, by the check's author."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Family(StrEnum):
    """What a check is about."""

    NETWORK_PRIVACY = "network-privacy"
    ENCRYPTION = "encryption"
    SCANNING = "scanning"
    HYGIENE = "hygiene"


class Tier(StrEnum):
    """``strict`` checks go beyond the baseline and are off unless a policy set names them."""

    BASELINE = "baseline"
    STRICT = "strict"


class Enforcement(StrEnum):
    """The level a policy set gives a check."""

    ADVISORY = "advisory"
    SOFT_MANDATORY = "soft-mandatory"
    HARD_MANDATORY = "hard-mandatory"


class Effect(StrEnum):
    """What one result does to the decision."""

    NONE = "none"
    """A pass."""
    NOTE = "note"
    OBLIGATION = "obligation"
    """Allowed, and to be answered on the live resource after apply."""
    WOULD_BLOCK = "would-block"
    """Shadow mode: counted, not enforced before ``enforce_from``."""
    EXCEPTED = "excepted"
    """Released by an exception of the policy bundle whose compensating checks pass."""
    REVIEW = "review"
    DENY = "deny"
    ERROR = "error"


class CheckInfo(NamedTuple):
    """A check's metadata: everything but its condition."""

    id: str
    title: str
    family: Family
    severity: Severity
    tier: Tier
    subject: str
    """``resource``, ``account``, a part of the configuration, or ``configuration`` for several of them."""
    resource_types: tuple[str, ...]
    message: str
    rationale: str
    remediation: str
    aliases: tuple[str, ...]
    controls: dict[str, list[str]]
    deprecated: str
    """Why it is deprecated and what replaces it; empty when it is not."""
    file: str
    """Where it was read from, relative to its root."""

    @property
    def foreign(self) -> bool:
        """It is no check of ours: what another scanner says, under the id ``tool:rule``."""
        return ":" in self.id


class Evidence(NamedTuple):
    """One thing a verdict stands on: an attribute, what it is, and what it should be."""

    path: str
    """Attribute path with indices, ``ingress[0].cidr_blocks[1]``; empty: the resource itself."""
    actual: Any
    """The value (masked where sensitive), or a ``Marker``."""
    expected: str
    """In words, the value included: ``equal to false``."""
    address: str = ""
    """Another resource's address, when the attribute is not the subject's own."""
    chain: tuple[str, ...] = ()
    """For an unknown: the references that were followed, first to last."""
    needs: str = ""
    """For an unknown: what would answer it."""
    alternative: bool = False
    """One of several ways: it is enough that one of the evidence so marked is as expected."""
    source: str = ""
    """Where it was seen, when that is not the input: ``inventory, 3 hours old``."""


class Location(NamedTuple):
    """A span of a file, relative to the source directory. Lines count from 1."""

    file: str
    line: int
    end_line: int
    callers: tuple[Location, ...] = ()
    """The module blocks that lead to it, the root module's first."""
    base: str = ""
    """The source directory as the caller gave it; empty: the working directory."""


class Subject(NamedTuple):
    """What a check was applied to."""

    kind: str
    """``resource``, ``account``, ``module``, ``provider``, ``variable`` or ``block``; of another scanner's finding also
    ``file`` or ``other``."""
    address: str
    """Of the resource; else the file, or whatever the scanner names."""
    type: str
    module: str | None
    actions: tuple[str, ...]
    previous_address: str | None = None
    root: str = ""
    """The root module's directory below what was judged; empty where there is only one."""


class Origin(NamedTuple):
    """Who reports a finding, and what it is called there."""

    tool: str
    """``iacgate``, or the name of another scanner."""
    rule: str
    version: str = ""
    severity: Severity | None = None
    """As that scanner has it; ``None``: it does not say."""
    message: str = ""
    suppressed: str = ""
    """Why the scanner suppresses it; a request, not a waiver."""


class Result(NamedTuple):
    """One check's verdict on one subject, and what follows from it."""

    check: CheckInfo
    verdict: Verdict
    change: Change | None
    """``None`` for a pass."""
    enforcement: Enforcement
    effect: Effect
    subject: Subject
    evidence: tuple[Evidence, ...]
    message: str
    fingerprint: str
    fingerprint_after_move: str | None
    """The fingerprint once a pending ``moved`` is applied; ``None`` when nothing moves."""
    evidence_digest: str
    location: Location | None = None
    exception: str = ""
    """Id of the exception that released it, or why the one that names it did not apply."""
    policy_rule: str = ""
    """Which line of the policy gave the level."""
    origins: tuple[Origin, ...] = ()
    """Who reports it, where another scanner does; empty: iacgate alone."""

    @property
    def sources(self) -> tuple[str, ...]:
        """The names of those who report it, iacgate first."""
        return tuple(dict.fromkeys(origin.tool for origin in self.origins)) or ("iacgate",)
