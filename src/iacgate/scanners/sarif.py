"""SARIF 2.1.0 (OASIS) of any scanner: each run becomes a scan, with the receipt that it carries itself.

What shows that a run is no evidence stands in ``_problem``. Section numbers are those of the specification.
"""

from typing import Any

import msgspec

from iacgate.errors import InputError
from iacgate.model.scan import Receipt, Scan, ScannerFinding
from iacgate.scanners.receipt import tool_name, utc_time
from iacgate.scanners.sarif_log import Component, Log, Run
from iacgate.scanners.sarif_results import is_failure, read_result, rule_of, rules_by_id
from iacgate.scanners.text import NAME_LIMIT, plain

__all__ = ["MAX_RESULTS", "read_sarif", "runs_of", "scan_of_run"]

MAX_RESULTS = 25_000
"""Results that a file may hold. What has more is no scan of one configuration, and a page of it helps nobody."""
_HEX = frozenset("0123456789abcdef")


def read_sarif(document: Any, source: str) -> list[Scan]:
    """The scans of a SARIF log, one a run. Raises ``InputError`` when it is none that can be read."""
    return [_scan(run, source) for run in runs_of(document, source)]


def runs_of(document: Any, source: str) -> list[Run]:
    """The runs of a SARIF log, at least one. Raises ``InputError`` when it is none that can be read."""
    if not isinstance(document, dict) or "runs" not in document or "version" not in document:
        raise InputError(f"{source} is not SARIF: it has no `version` and `runs`")
    if document["version"] != "2.1.0":
        raise InputError(f"{source} is not SARIF 2.1.0: its `version` is another", hint="update the tool")
    if _number_of_results(document["runs"]) > MAX_RESULTS:
        raise InputError(f"{source} holds more than {MAX_RESULTS} results", hint="scan one root module at a time")
    try:
        log = msgspec.convert(document, Log)
    except msgspec.ValidationError as error:
        raise InputError(f"{source} is SARIF but malformed: {error}") from None
    if not log.runs:
        raise InputError(f"{source} holds no run: nothing shows that anything was scanned")
    return log.runs


def _number_of_results(runs: Any) -> int:
    """Counted before anything is made of them."""
    lists = [run.get("results") for run in runs if isinstance(run, dict)] if isinstance(runs, list) else []
    return sum(len(one) for one in lists if isinstance(one, list))


def scan_of_run(run: Run, source: str, rules: int | None = None) -> Scan:
    """A run with its receipt and without its findings; with its problem where it is no evidence."""
    driver = run.tool.driver
    receipt = Receipt(tool_name(driver.name), _version(driver), rules, _commit(run), _time(run))
    return Scan(source, receipt, problem=_problem(run))


def _scan(run: Run, source: str) -> Scan:
    tool, by_id = tool_name(run.tool.driver.name), rules_by_id(run)
    findings: list[ScannerFinding] = []
    fired = set()
    for result in run.results or ():
        name, rule = rule_of(result, run, by_id)
        fired.add(rule.id if rule else name)
        if is_failure(result, name, tool):
            findings.append(read_result(result, name, rule, run, tool))
    # Trivy, KICS, tfsec, Snyk and Checkov list the rules that fired, which does not say how many there were.
    rules = None if fired and fired.issuperset(by_id) else len(by_id)
    return scan_of_run(run, source, rules)._replace(findings=tuple(findings))


def _problem(run: Run) -> str:
    """Why a run is no evidence; empty where nothing in it says so."""
    for one in run.invocations:
        if not one.execution_successful:
            return "its run failed" + (f" with exit code {one.exit_code}" if one.exit_code is not None else "")
        if one.process_start_failure_message or one.exit_signal_name:
            return "its run did not end by itself"
        said = (*one.tool_execution_notifications, *one.tool_configuration_notifications)
        errors = sum(notification.level == "error" for notification in said)
        if errors:
            return f"its run reports {errors} {'error' if errors == 1 else 'errors'}, so it may not have seen all"
    if run.results is None:  # 3.14.23: absent or null when the run did not get as far as scanning
        return "its run has no list of results: it did not scan"
    if run.external_property_file_references is not None and run.external_property_file_references.results:
        return "it keeps results in other files, which are not read"
    return ""


def _version(driver: Component) -> str:
    return plain(driver.version or driver.semantic_version or "", NAME_LIMIT)


def _commit(run: Run) -> str:
    """The revision, when there is just one and it looks like one of Git."""
    named = {one.revision_id.lower() for one in run.version_control_provenance if one.revision_id}
    commit = named.pop() if len(named) == 1 else ""
    return commit if 7 <= len(commit) <= 64 and _HEX.issuperset(commit) else ""


def _time(run: Run) -> str:
    """When the last invocation ended, or began where the end is not said."""
    return max((utc_time(one.end_time_utc or one.start_time_utc or "") for one in run.invocations), default="")
