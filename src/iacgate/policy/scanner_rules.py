"""What a policy makes of other scanners' findings, and which scans it asks for (``docs/reference/policy-format.md``).

Rows of one policy set are applied from top to bottom; of several sets that apply, the stricter word wins. A scanner
that no row names is treated as the defaults say (``docs/adr/0012``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import Any, NamedTuple

from iacgate.model.finding import Enforcement, Severity

__all__ = [
    "ACTIONS",
    "DEFAULT_ACTIONS",
    "SEVERITIES",
    "ScannerRow",
    "Treatment",
    "required_scans",
    "scanner_rows",
    "treatment",
]

ACTIONS: Mapping[str, Enforcement] = MappingProxyType(
    {"deny": Enforcement.HARD_MANDATORY, "review": Enforcement.SOFT_MANDATORY, "note": Enforcement.ADVISORY}
)
"""A word of the table -> the level that it stands for, so that what was there before counts as it does for checks."""
SEVERITIES = (*(str(one) for one in Severity), "unknown")
DEFAULT_ACTIONS: Mapping[str, str] = MappingProxyType(
    {"critical": "deny", "high": "deny", "medium": "review", "low": "note", "unknown": "review"}
)
_WEIGHT = {"note": 0, "review": 1, "deny": 2, "count": 1}
_DEFAULT_RULE = "the default for other scanners"


class ScannerRow(NamedTuple):
    """One row of a policy set's table. ``None``: the row does not say."""

    tool: str
    """A name, or a pattern with ``*``."""
    rule: str
    """Where it stands, for reports."""
    severity: Mapping[str, str]
    ticket: tuple[str, ...] | None
    notify: tuple[str, ...] | None
    suppressed: str | None
    required: bool
    max_age: int | None
    """Seconds."""
    same_commit: bool
    same_input: bool
    minimum_rules: int


class Treatment(NamedTuple):
    """All that applies to the scans of one tool."""

    actions: Mapping[str, str]
    """Severity (or ``unknown``) -> ``deny``, ``review`` or ``note``."""
    rules: Mapping[str, str]
    """Severity -> the row that says so."""
    ticket: Mapping[str, str]
    """Severity -> the row that asks for a ticket."""
    notify: Mapping[str, str]
    suppressed: str
    """``count``: as if it were not suppressed; ``note``."""
    max_age: int | None
    same_commit: bool
    same_input: bool
    minimum_rules: int


def scanner_rows(table: Iterable[Mapping[str, Any]], where: str) -> tuple[ScannerRow, ...]:
    """The rows of a policy set, from the bundle's normal form."""
    return tuple(
        ScannerRow(
            row["tool"],
            f"{where}, line {row['line']}",
            row["severity"],
            None if row["ticket"] is None else tuple(row["ticket"]),
            None if row["notify"] is None else tuple(row["notify"]),
            row["suppressed"],
            row["required"],
            row["max_age"],
            row["same_commit"],
            row["same_input"],
            row["minimum_rules"],
        )
        for row in table
    )


def required_scans(tables: Sequence[Sequence[ScannerRow]]) -> dict[str, str]:
    """Patterns of tools of which a scan must be there -> the row that asks for it."""
    return {row.tool: row.rule for table in tables for row in table if row.required}


def treatment(tables: Sequence[Sequence[ScannerRow]], tool: str) -> Treatment:
    """What the policy sets together say of one tool."""
    said = [rows for table in tables if (rows := [row for row in table if fnmatchcase(tool, row.tool)])]
    if not said:
        rules = dict.fromkeys(SEVERITIES, _DEFAULT_RULE)
        return Treatment(DEFAULT_ACTIONS, rules, {}, {}, "count", None, False, False, 0)
    one, *others = (_of_one_set(rows) for rows in said)
    for other in others:
        one = _stricter(one, other)
    return one


def _of_one_set(rows: Sequence[ScannerRow]) -> Treatment:
    """A later row replaces what an earlier one says; what it demands of a scan is added."""
    actions = dict(DEFAULT_ACTIONS)
    rules = dict.fromkeys(SEVERITIES, _DEFAULT_RULE)
    ticket: dict[str, str] = {}
    notify: dict[str, str] = {}
    suppressed = "count"
    for row in rows:
        actions.update(row.severity)
        rules.update(dict.fromkeys(row.severity, row.rule))
        if row.ticket is not None:
            ticket = dict.fromkeys(row.ticket, row.rule)
        if row.notify is not None:
            notify = dict.fromkeys(row.notify, row.rule)
        suppressed = row.suppressed or suppressed
    ages = [row.max_age for row in rows if row.max_age is not None]
    return Treatment(
        actions,
        rules,
        ticket,
        notify,
        suppressed,
        min(ages, default=None),
        any(row.same_commit for row in rows),
        any(row.same_input for row in rows),
        max(row.minimum_rules for row in rows),
    )


def _stricter(one: Treatment, other: Treatment) -> Treatment:
    chosen = {key: max((one, other), key=lambda each: _WEIGHT[each.actions[key]]) for key in SEVERITIES}
    ages = [age for age in (one.max_age, other.max_age) if age is not None]
    return Treatment(
        {key: each.actions[key] for key, each in chosen.items()},
        {key: each.rules[key] for key, each in chosen.items()},
        {**other.ticket, **one.ticket},
        {**other.notify, **one.notify},
        max(one.suppressed, other.suppressed, key=_WEIGHT.__getitem__),
        min(ages, default=None),
        one.same_commit or other.same_commit,
        one.same_input or other.same_input,
        max(one.minimum_rules, other.minimum_rules),
    )
