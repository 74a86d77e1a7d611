"""One result of a SARIF run: is it a failure, of which rule, how bad, and where.

The tools differ. Looked up in what each of them writes:

=========  ====================================================================================================
Trivy      ``security-severity`` in the rule, ``level``, relative paths with a base; no address
KICS       ``level`` in the rule only, ``kind: informational`` for INFO; ``type[name]`` in the message
tfsec      ``level`` only, long ids (``aws-rds-enable-public-access``), absolute paths
Snyk IaC   ``properties.problem.severity`` and ``level`` in the rule, none in the result
Checkov    ``security-severity`` only with a platform key; else ``level: error`` for whatever failed
Terrascan  ``properties.severity`` in the rule; type and name in the logical location
CodeQL     rules in ``tool.extensions``, found through ``result.rule``
conftest   ``level: none`` for what passed, and an id that says so
=========  ====================================================================================================
"""

import re
from typing import Any
from urllib.parse import unquote

from iacgate.model.address import AddressError, parse_address
from iacgate.model.finding import Location, Severity
from iacgate.model.scan import ScannerFinding
from iacgate.scanners.sarif_log import ArtifactLocation, LogicalLocation, Result, Rule, Run
from iacgate.scanners.text import NAME_LIMIT, plain

__all__ = ["is_failure", "read_result", "rule_of", "rules_by_id"]

_NO_FAILURE = frozenset({"pass", "notApplicable", "informational"})
_LEVELS = {"error": Severity.HIGH, "warning": Severity.MEDIUM, "note": Severity.LOW}
_WORDS = {one.value: one for one in Severity} | _LEVELS | {"info": Severity.LOW}
_LEVEL_IS_NO_SEVERITY = frozenset({"checkov", "bridgecrew", "prisma-cloud"})
"""Their ``error`` says that it failed, not how bad that is."""
_NAME = r"[A-Za-z_][\w-]*"
_KICS_BLOCK = re.compile(rf"\b([a-z][a-z0-9]*_[a-z0-9_]+)\[(?:\{{\{{)?({_NAME})(?:\}}\}})?\]")
_TYPE = re.compile(r"[a-z][a-z0-9]*_[a-z0-9_]+")
_PLACEHOLDER = re.compile(r"\{(\d+)\}")
_TRIVY_MESSAGE = re.compile(r"^Message: (.*)$", re.MULTILINE)
_MAX_BASES = 10


def is_failure(result: Result, rule: str, tool: str) -> bool:
    """Whether it says that something is wrong. What is gone since the baseline (3.27.24) is not; nor is a pass."""
    if result.baseline_state == "absent" or result.kind in _NO_FAILURE:
        return False
    return not (tool == "conftest" and result.level == "none" and rule.endswith(("/success", "/skip")))


def rules_by_id(run: Run) -> dict[str, Rule]:
    """Every rule that the run lists."""
    components = (*reversed(run.tool.extensions), run.tool.driver)
    return {rule.id: rule for component in components for rule in component.rules}


def rule_of(result: Result, run: Run, by_id: dict[str, Rule]) -> tuple[str, Rule | None]:
    """The rule's id and, where the run lists it, the rule (3.27.5 to 3.27.7, 3.52)."""
    reference = result.rule
    name = result.rule_id or (reference.id if reference else "")
    component, index = run.tool.driver, result.rule_index
    if reference is not None:
        index = reference.index if reference.index >= 0 else index
        outside = reference.tool_component
        if outside is not None and 0 <= outside.index < len(run.tool.extensions):
            component = run.tool.extensions[outside.index]
    rule = component.rules[index] if 0 <= index < len(component.rules) else None
    if rule is None or (name and name != rule.id and not name.startswith(rule.id + "/")):
        rule = by_id.get(name) or by_id.get(name.rpartition("/")[0])
    return plain(name or (rule.id if rule else ""), NAME_LIMIT) or "unnamed-rule", rule


def read_result(result: Result, name: str, rule: Rule | None, run: Run, tool: str) -> ScannerFinding:
    """What a failure of this rule says."""
    message = _message(result, rule, tool)
    address, block = _named(result, run)
    if not address and not block and tool == "kics" and (found := _KICS_BLOCK.search(message)):
        block = f"{found[1]}.{found[2]}"
    location, base = _place(result, run)
    return ScannerFinding(
        rule=name,
        title=_title(rule) or message or name,
        severity=_severity(result, rule, tool),
        message=message,
        address=address,
        location=location,
        existing=result.baseline_state == "unchanged",
        suppressed=_suppressed(result),
        block=block,
        base=base,
    )


def _message(result: Result, rule: Rule | None, tool: str) -> str:
    text = result.message.text
    if not text and rule is not None and result.message.id in rule.message_strings:  # 3.11.7
        arguments = result.message.arguments
        text = _PLACEHOLDER.sub(
            lambda found: arguments[int(found[1])] if int(found[1]) < len(arguments) else found[0],
            rule.message_strings[result.message.id].text,
        )
    if tool == "trivy" and (found := _TRIVY_MESSAGE.search(text)):
        text = found[1]  # the other lines repeat the rule, its severity and its link
    return plain(text)


def _title(rule: Rule | None) -> str:
    if rule is None:
        return ""
    described = rule.short_description or rule.full_description
    return plain(described.text if described else rule.name, NAME_LIMIT)


def _severity(result: Result, rule: Rule | None, tool: str) -> Severity | None:
    """By what the tool writes, the most exact first; ``None`` where nothing of it says how bad it is."""
    bags: tuple[dict[str, Any], ...] = (result.properties, rule.properties if rule else {})
    for bag in bags:
        if (severity := _by_score(bag.get("security-severity"))) is not None:
            return severity
    for bag in bags:
        problem = bag.get("problem")
        for word in (bag.get("severity"), problem.get("severity") if isinstance(problem, dict) else None):
            if isinstance(word, str) and word.lower() in _WORDS:
                return _WORDS[word.lower()]
    for bag in bags:
        tags = bag.get("tags")
        words = {tag for tag in tags if isinstance(tag, str)} if isinstance(tags, list) else set()
        for severity in Severity:
            if severity.value.upper() in words:
                return severity
    if tool in _LEVEL_IS_NO_SEVERITY:
        return None
    level = result.level or (rule.default_configuration.level if rule else "") or "warning"  # 3.27.10
    return _LEVELS.get(level)


def _by_score(score: Any) -> Severity | None:
    """The bands of CVSS 3.1; GitHub's are the same but for 9.0 itself."""
    try:
        number = float(score) if isinstance(score, str | int | float) and not isinstance(score, bool) else -1.0
    except ValueError:
        return None
    if not 0 <= number <= 10:
        return None
    if number >= 9:
        return Severity.CRITICAL
    if number >= 7:
        return Severity.HIGH
    return Severity.MEDIUM if number >= 4 else Severity.LOW


def _suppressed(result: Result) -> str:
    """Why it is suppressed (3.27.23); empty where it is not, or the suppression is not accepted."""
    given = result.suppressions or ()
    if not given or any(one.status != "accepted" for one in given):
        return ""
    where = "source" if given[0].kind == "inSource" else "scanner"
    return plain(given[0].justification) or f"suppressed in the {where}, without a reason"


def _named(result: Result, run: Run) -> tuple[str, str]:
    """The address that a logical location names; or else a type and a name without module."""
    block = ""
    for location in result.locations:
        for one in location.logical_locations:
            if 0 <= one.index < len(run.logical_locations) and not (one.name or one.fully_qualified_name):
                one = run.logical_locations[one.index]
            for text in (one.fully_qualified_name, one.decorated_name, one.name):
                if _is_address(text):
                    return text, ""
            block = block or _block(one)
    return "", block


def _block(one: LogicalLocation) -> str:
    whole = _TYPE.fullmatch(one.kind) and re.fullmatch(_NAME, one.name)
    return f"{one.kind}.{one.name}" if whole else ""


def _is_address(text: str) -> bool:
    if not text or len(text) > 1_000:
        return False
    try:
        return "_" in parse_address(text).type
    except AddressError:
        return False


def _place(result: Result, run: Run) -> tuple[Location | None, str]:
    """File and lines of the first place, and the directory that the file is relative to (3.4, 3.29, 3.30)."""
    for location in result.locations:
        physical = location.physical_location
        if physical is None:
            continue
        artifact = physical.artifact_location
        if not artifact.uri and 0 <= artifact.index < len(run.artifacts):
            artifact = run.artifacts[artifact.index].location
        path = plain(_path(artifact.uri), NAME_LIMIT * 5)
        if path:
            first = max(1, physical.region.start_line)
            return Location(path, first, max(first, physical.region.end_line)), _base(artifact, run)
    return None, ""


def _base(artifact: ArtifactLocation, run: Run) -> str:
    """An absolute directory, or empty. Bases may be relative to other bases (3.14.14)."""
    path = ""
    for _ in range(_MAX_BASES):
        base = run.original_uri_base_ids.get(artifact.uri_base_id)
        if base is None:
            break
        path = _path(base.uri) + path
        if path.startswith("/"):
            return plain(path, NAME_LIMIT * 5)
        artifact = base
    return ""


def _path(uri: str) -> str:
    """A URI reference as a path: ``file:`` taken off, escapes decoded, a drive letter kept."""
    if uri.startswith("file:"):
        uri = re.sub(r"^file:(?://[^/]*)?", "", uri)
    path = unquote(uri, errors="replace").replace("\\", "/")
    return path[1:] if re.match(r"/[A-Za-z]:/", path) else path
