"""Whether a scan is evidence: that it ran whole, lately enough, with rules, and looked at what is judged.

A scan that is none makes the outcome an error, required or not: somebody gave it to be counted.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import NamedTuple

from iacgate.model.decision import Outcome
from iacgate.model.scan import Scan
from iacgate.policy.policy_set import Policy
from iacgate.policy.scanner_rules import Treatment, required_scans, treatment

__all__ = ["Judged", "examine", "missing", "why_not"]

_SKEW = timedelta(minutes=5)
"""How far the clocks of two machines may differ."""


class Judged(NamedTuple):
    """What the scans are held against."""

    commit: str
    """Which commit is judged; empty: not known."""
    sha256: str
    """Of the input."""
    now: datetime


def examine(scans: Iterable[Scan], policy: Policy, judged: Judged) -> tuple[Scan, ...]:
    """The scans, each with its problem if there is one."""
    return tuple(
        scan._replace(problem=scan.problem or _problem(scan, treatment(policy.scanners, scan.receipt.tool), judged))
        for scan in scans
    )


def missing(scans: Iterable[Scan], policy: Policy) -> list[tuple[Outcome, str]]:
    """A reason for each scan that the policy requires and nobody gave."""
    tools = {scan.receipt.tool for scan in scans}
    return [
        (Outcome.ERROR, f"a scan of {pattern} is required ({rule}), and there is none")
        for pattern, rule in required_scans(policy.scanners).items()
        if not any(fnmatchcase(tool, pattern) for tool in tools)
    ]


def why_not(scans: Iterable[Scan]) -> list[tuple[Outcome, str]]:
    """A reason for each scan that is no evidence."""
    return [(Outcome.ERROR, _sentence(scan)) for scan in scans if scan.problem]


def _sentence(scan: Scan) -> str:
    if scan.problem.startswith(scan.source):
        return scan.problem
    return f"the scan of {scan.receipt.tool} ({scan.source}) is no evidence: {scan.problem}"


def _problem(scan: Scan, how: Treatment, judged: Judged) -> str:
    receipt = scan.receipt
    looked = scan.findings or any(one.named or one.vulnerabilities for one in scan.images)
    if not receipt.rules and not looked:
        return "it found nothing, and nothing shows that it had a rule to look with (a receipt would)"
    if receipt.rules == 0 and not looked:
        return "it had no rules"
    if receipt.commit and judged.commit and not _same_commit(receipt.commit, judged.commit):
        return "it is for another commit"
    if how.same_commit and not judged.commit:
        return "it must be for the same commit, and which one is judged is not known (--commit)"
    if how.same_commit and not receipt.commit:
        return "it must be for the same commit, and does not say for which it is"
    if how.same_input and receipt.input_sha256 != judged.sha256:
        return "it is for another input" if receipt.input_sha256 else "it does not say which input it looked at"
    if how.minimum_rules and receipt.rules is None:
        return f"it must have had {how.minimum_rules} rules, and does not say how many"
    if receipt.rules is not None and receipt.rules < how.minimum_rules:
        return f"it had {receipt.rules} rules, and {how.minimum_rules} are required"
    return _age(receipt.time, how.max_age, judged.now)


def _age(time: str, most: int | None, now: datetime) -> str:
    if not time:
        return "it must not be old, and does not say when it was made" if most is not None else ""
    made = datetime.fromisoformat(time)
    if made > now + _SKEW:
        return "it says that it was made in the future"
    if most is not None and now - made > timedelta(seconds=most):
        return "it is older than the policy allows"
    return ""


def _same_commit(one: str, other: str) -> bool:
    """One may be short for the other, with 7 characters and more."""
    one, other = one.lower(), other.lower()
    return min(len(one), len(other)) >= 7 and (one.startswith(other) or other.startswith(one))
