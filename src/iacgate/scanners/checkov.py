"""Checkov beside our own checks: on a masked copy of the plan, jailed, and believed when it shows its work.

Checkov ends with 0, "nothing found", on input that is empty, cut off, missing or none that it understands. So it is
given, with the plan's resources, one of ours that is known to be wrong. A run counts as evidence when it finds that
one by both of its kinds of rules, read exactly the resources that the plan has, and lost none of its rules on the way;
what is short of that is a ``Scan`` with a ``problem``. Of its output the rule, its title and the address are kept.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

from iacgate import __version__
from iacgate.errors import IacgateError
from iacgate.model.finding import Severity
from iacgate.model.plan import Plan
from iacgate.model.scan import Receipt, Scan, ScannerFinding
from iacgate.scanners.environment import Environment, State, inspect
from iacgate.scanners.jail import Ended, Limits, jailed
from iacgate.scanners.masked_plan import MaskedPlan, Sentinel, mask_plan
from iacgate.scanners.scan_cache import cached_scan, keep_scan, scan_key
from iacgate.scanners.text import NAME_LIMIT, plain

__all__ = ["DEFAULT_TIMEOUT", "CheckovSettings", "read_result", "scanning"]

DEFAULT_TIMEOUT = 600
"""Seconds that a scan may take; a plan of 10,000 resources takes one and a half to three minutes."""
NAME = "checkov"
SENTINEL = Sentinel("aws_db_instance", {"publicly_accessible": True, "engine": "postgres"})
_SENTINEL_RULES = frozenset({"CKV_AWS_17", "CKV2_AWS_60"})  # one rule in Python, one about the graph of resources
_RULE = re.compile(r"CKV[A-Z0-9]*(?:_[A-Z0-9]+){1,3}")
_CRASHED = re.compile(r"Failed to run check (\S+) on [^\s:]*:(\S+)\s*$")
_ARGUMENTS = (
    *("-m", "checkov.main", "--file", "{files}/plan.json", "--framework", "terraform_plan"),
    *("--skip-download", "--quiet", "--compact", "--output", "json"),
)
_ENVIRONMENT = {
    "CHECKOV_CHECK_FAIL_LEVEL": "ERROR",  # a rule that crashes says so
    "CHECKOV_MAX_IAC_FILE_SIZE": "0",  # larger ones are parsed as JSON; as YAML it takes twice the time and memory
    "CHECKOV_PARALLELIZATION_TYPE": "none",  # results of a worker that was killed are left out silently
    "GIT_PYTHON_REFRESH": "quiet",
    "LOG_LEVEL": "ERROR",
    "MALLOC_ARENA_MAX": "2",  # address space is limited
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}


class CheckovSettings(NamedTuple):
    """How it is run."""

    timeout: float = DEFAULT_TIMEOUT
    """Seconds, from its start."""
    cache: bool = True
    """Use and keep results."""


class _CheckResult(msgspec.Struct):
    result: str


class _Record(msgspec.Struct):
    check_id: str
    check_name: str
    check_result: _CheckResult
    resource: str
    resource_address: str | None = None
    severity: str | None = None


class _Results(msgspec.Struct):
    failed_checks: list[_Record]


class _Summary(msgspec.Struct):
    failed: int
    skipped: int
    parsing_errors: int
    resource_count: int
    checkov_version: str


class _Document(msgspec.Struct):
    check_type: str
    results: _Results
    summary: _Summary


@contextlib.contextmanager
def scanning(plan: Plan, sha256: str, settings: CheckovSettings) -> Iterator[Callable[[], Scan]]:
    """Start a scan of the plan; the function that is given waits for it. Leaving the context ends it.

    Whatever goes wrong with the scanner is the scan's ``problem``. Raises ``InputError`` when the plan cannot be read.
    """
    found = inspect(NAME)
    receipt = Receipt(NAME, found.version, found.rules or None, time=_now(), input_sha256=sha256)
    if found.state is not State.READY:
        problem = f"{found.problem}; `iacgate scanner install {NAME}` installs it"
        yield lambda: Scan(NAME, receipt, problem=problem)
        return
    masked = mask_plan(plan, SENTINEL)
    key = scan_key(__version__, *_ARGUMENTS, found.version, found.lock_digest, sha256, _text_digest(masked.data))
    kept = cached_scan(key) if settings.cache else None
    if kept is not None:
        yield lambda: kept._replace(notes=(*kept.notes, f"from the cache: scanned {kept.receipt.time}"))
        return
    with contextlib.ExitStack() as stack:
        try:
            run = stack.enter_context(
                jailed(
                    [str(found.python), "-I", *_ARGUMENTS],
                    {"plan.json": masked.data},
                    Limits(settings.timeout),
                    _ENVIRONMENT,
                )
            )
        except IacgateError as error:
            problem = error.message
            yield lambda: Scan(NAME, receipt, problem=problem)
            return

        def collect() -> Scan:
            scan = read_result(run.wait(), masked, found, receipt)
            if settings.cache:
                keep_scan(key, scan)
            return scan

        yield collect


def read_result(ended: Ended, masked: MaskedPlan, found: Environment, receipt: Receipt) -> Scan:
    """What a run that ended says, if it is evidence."""
    scan = Scan(NAME, receipt, notes=(f"ran {ended.seconds:.0f} s, with {ended.isolation}",))
    problem = _broken(ended)
    if problem:
        return scan._replace(problem=problem)
    try:
        document = msgspec.json.decode(ended.output, type=_Document)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return scan._replace(problem="what it wrote is not its JSON report")
    problem = _incomplete(document, masked, found)
    if problem:
        return scan._replace(problem=problem)
    unanswered, problem = _lost_rules(ended.errors.decode(errors="replace"), masked)
    if problem:
        return scan._replace(problem=problem)
    if unanswered:
        note = f"{unanswered} of its rules could not be evaluated on resources whose sensitive values it does not see"
        scan = scan._replace(notes=(*scan.notes, note))
    return scan._replace(findings=tuple(_findings(document, masked)))


def _broken(ended: Ended) -> str:
    """Why a run gave no report, whatever it wrote."""
    if ended.timed_out:
        return f"it was stopped after {ended.seconds:.0f} s; --scanner-timeout gives it more"
    if ended.flooded:
        return "it wrote more than it may"
    if ended.code < 0:
        return f"it was killed by signal {-ended.code}"
    if ended.code == 0:
        return "it found nothing, not even in a resource that is known to be wrong"
    if ended.code != 1:
        return f"it failed with exit code {ended.code}"
    return "" if ended.output.strip() else "it ended without a report"


def _incomplete(document: _Document, masked: MaskedPlan, found: Environment) -> str:
    """Why a report does not show that all resources were looked at."""
    summary = document.summary
    failed = document.results.failed_checks
    by_sentinel = {one.check_id for one in failed if _address(one) == masked.sentinel}
    known = masked.managed | masked.others | {masked.sentinel}
    wanted = len(masked.managed) + 1
    if document.check_type != "terraform_plan":
        return "its report is not about a plan"
    if summary.checkov_version != found.version:
        return "its report is by another version than the one that is installed"
    if summary.parsing_errors:
        return "it could not read all of the plan"
    if summary.resource_count != wanted:
        return f"it looked at {summary.resource_count - 1} of the plan's {wanted - 1} resources"
    if summary.skipped:
        return "it skipped some of its rules"
    if summary.failed != len(failed):
        return f"its report counts {summary.failed} failures and lists {len(failed)}"
    if not by_sentinel >= _SENTINEL_RULES:
        return "it did not find what is known to be wrong: its rules were not all loaded"
    if any(_address(one) not in known for one in failed):
        return "its report names a resource that the plan does not have"
    if any(one.check_result.result != "FAILED" or not _RULE.fullmatch(one.check_id) for one in failed):
        return "its report holds what it never writes"
    return ""


def _lost_rules(errors: str, masked: MaskedPlan) -> tuple[int, str]:
    """How many rules were lost to what we masked, and why the scan is incomplete apart from that.

    A rule that crashes on a resource is passed over; Checkov says so on standard error alone.
    """
    lost = []
    for line in errors.splitlines():
        crash = _CRASHED.search(line)
        if crash is not None:
            lost.append((crash[1], crash[2]))
        elif "[ERROR" in line or "[CRITICAL" in line:
            return 0, "it reported an error of its own"
    foreign = sorted({rule for rule, name in lost if name not in masked.masked})
    if foreign:
        names = ", ".join(rule if _RULE.fullmatch(rule) else "a rule" for rule in foreign[:3])
        return 0, f"{len(foreign)} of its rules crashed on resources of the plan: {names}"
    return len(lost), ""


def _findings(document: _Document, masked: MaskedPlan) -> Iterator[ScannerFinding]:
    seen: set[tuple[str, str]] = set()
    for one in document.results.failed_checks:
        address = _address(one)
        if address == masked.sentinel or (address, one.check_id) in seen:
            continue
        seen.add((address, one.check_id))
        title = plain(one.check_name, NAME_LIMIT)
        yield ScannerFinding(
            one.check_id, title, _severity(one.severity), title, address, existing=address in masked.unchanged
        )


def _address(record: _Record) -> str:
    return record.resource_address or record.resource


def _severity(text: str | None) -> Severity | None:
    """Checkov knows severities only with an account of its maker; then in capitals."""
    try:
        return Severity((text or "").lower())
    except ValueError:
        return None


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _text_digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
