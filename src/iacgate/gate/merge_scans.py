"""Other scanners' findings beside our own: one finding a rule and resource, whoever reports it.

A rule that one of our checks names as its alias is that check, whatever the scanner calls it: the same fingerprint, so
the same ticket and the same exception. The stronger of the two effects counts: no scanner
makes a finding of ours weaker.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from iacgate import __version__
from iacgate.gate.scan_places import Resources
from iacgate.model.decision import SideEffect
from iacgate.model.finding import (
    Change,
    CheckInfo,
    Effect,
    Enforcement,
    Family,
    Origin,
    Result,
    Severity,
    Subject,
    Tier,
    Verdict,
)
from iacgate.model.plan import ResourceChange
from iacgate.model.scan import Scan, ScannerFinding
from iacgate.policy.catalogue import Catalogue
from iacgate.policy.evaluate import Evaluation, effect_of
from iacgate.policy.exceptions import apply_exceptions
from iacgate.policy.fingerprint import fingerprint
from iacgate.policy.policy_set import Level, Policy
from iacgate.policy.scanner_rules import ACTIONS, Treatment, treatment
from iacgate.policy.subject import FAIL_TRUTH

__all__ = ["Merged", "merge_scans", "same_rule"]

_ORIGINS = 10
"""Origins that one finding keeps; a scanner may report a rule at many lines of one block."""
_STRENGTH = {effect: number for number, effect in enumerate(
    (Effect.NONE, Effect.NOTE, Effect.OBLIGATION, Effect.WOULD_BLOCK, Effect.REVIEW, Effect.DENY, Effect.ERROR)
)}  # fmt: skip
_SEVERE = {severity: number for number, severity in enumerate(reversed(Severity))}
_PASSES_HERE = "; iacgate's own check passes here"


class Merged(NamedTuple):
    """What came of it."""

    evaluation: Evaluation
    side_effects: tuple[SideEffect, ...]
    notes: tuple[str, ...]


def same_rule(name: str) -> str:
    """A rule's id as aliases are compared: Trivy writes ``AVD-AWS-0107`` and ``AWS-0107`` for the same rule."""
    return name.strip().casefold().removeprefix("avd-")


def merge_scans(
    evaluation: Evaluation,
    scans: Sequence[Scan],
    resources: Resources,
    catalogue: Catalogue,
    policy: Policy,
    workspace: str | None,
    order: Sequence[ResourceChange],
) -> Merged:
    """The results with the scans' findings among them, in plan order. ``evaluation`` must list what passed."""
    merge = _Merge(evaluation.results, resources, catalogue, policy, workspace)
    for scan in scans:
        for finding in scan.findings:
            merge.add(finding, scan)
    foreign, idle = apply_exceptions(list(merge.foreign.values()), policy, catalogue, evaluation.relied_verdicts)
    places = {change.address: number for number, change in enumerate(order)}
    ours = [one for one in merge.ours if one.verdict is not Verdict.PASS or one.fingerprint not in merge.foreign]
    results = sorted([*ours, *foreign], key=lambda one: places.get(one.subject.address, len(places)))
    loose = sum(one.subject.kind in ("file", "other") for one in foreign)
    words = "1 finding of other scanners is" if loose == 1 else f"{loose} findings of other scanners are"
    notes = [f"{words} about no resource of this plan that is known"] if loose else []
    idle = [one for one in evaluation.idle_exceptions if one in idle]
    return Merged(
        evaluation._replace(results=results, idle_exceptions=idle), tuple(_side_effects(results, policy)), tuple(notes)
    )


class _Merge:
    def __init__(
        self,
        results: Iterable[Result],
        resources: Resources,
        catalogue: Catalogue,
        policy: Policy,
        workspace: str | None,
    ) -> None:
        self.ours = list(results)
        self._failing: dict[str, int] = {}
        """Fingerprint -> position of our finding; of two cases of a check the first."""
        self._passing: set[str] = set()
        for position, one in enumerate(self.ours):
            if one.verdict is Verdict.PASS:
                self._passing.add(one.fingerprint)
            else:
                self._failing.setdefault(one.fingerprint, position)
        self.foreign: dict[str, Result] = {}
        self.resources, self.catalogue, self.policy, self.workspace = resources, catalogue, policy, workspace
        self._infos: dict[str, CheckInfo] = {}
        self._treatments: dict[str, Treatment] = {}
        self._aliases: dict[str, list[int]] = {}
        for number in range(len(catalogue)):
            for name in dict.fromkeys(map(same_rule, (catalogue.heads[number].id, *catalogue.info(number).aliases))):
                self._aliases.setdefault(name, []).append(number)

    def add(self, finding: ScannerFinding, scan: Scan) -> None:
        """Add one finding, for each resource that it is about."""
        for change in self.resources.about(finding) or (None,):
            info = self._info(finding, scan, change)
            identity = (change.previous_address or change.address) if change else _subject(finding, scan).address
            self._add(finding, scan, change, info, fingerprint(info.id, self.workspace, identity))

    def _add(
        self, finding: ScannerFinding, scan: Scan, change: ResourceChange | None, info: CheckInfo, key: str
    ) -> None:
        position = self._failing.get(key)
        if position is not None:
            self.ours[position] = self._joined(self.ours[position], finding, scan, change)
        elif key in self.foreign:
            self.foreign[key] = self._joined(self.foreign[key], finding, scan, change)
        else:
            self.foreign[key] = self._alone(finding, scan, change, info, key, passes=key in self._passing)

    def _alone(
        self,
        finding: ScannerFinding,
        scan: Scan,
        change: ResourceChange | None,
        info: CheckInfo,
        key: str,
        *,
        passes: bool,
    ) -> Result:
        related = _change(finding, change)
        level, effect = self._effect(finding, scan, change, info, related)
        moved = change is not None and change.previous_address
        return Result(
            info,
            Verdict.FAIL,
            related,
            level.enforcement,
            effect,
            _subject_of(change) if change else _subject(finding, scan),
            (),
            f"{scan.receipt.tool} {finding.rule}: {_message(finding)}{_PASSES_HERE if passes else ''}",
            key,
            fingerprint(info.id, self.workspace, change.address) if change and moved else None,
            "",
            location=finding.location,
            policy_rule=level.rule,
            origins=(_origin(finding, scan),),
        )

    def _joined(self, result: Result, finding: ScannerFinding, scan: Scan, change: ResourceChange | None) -> Result:
        origins = result.origins or (Origin("iacgate", result.check.id, __version__, result.check.severity),)
        origin = _origin(finding, scan)
        if origin not in origins and len(origins) < _ORIGINS:
            origins = (*origins, origin)
        check = result.check
        if check.foreign and finding.severity is not None and _SEVERE[finding.severity] > _SEVERE[check.severity]:
            check = check._replace(severity=finding.severity)
        level, effect = self._effect(finding, scan, change, check, result.change or Change.INTRODUCED)
        if result.effect is not Effect.EXCEPTED and _STRENGTH[effect] > _STRENGTH[result.effect]:
            result = result._replace(effect=effect, enforcement=level.enforcement, policy_rule=level.rule)
        return result._replace(origins=origins, check=check)

    def _effect(
        self,
        finding: ScannerFinding,
        scan: Scan,
        change: ResourceChange | None,
        info: CheckInfo,
        related: Change,
    ) -> tuple[Level, Effect]:
        how = self._treatment(scan.receipt.tool)
        severity = _severity(finding.severity, info)
        level = Level(ACTIONS[how.actions[severity]], "", how.rules[severity])
        if (finding.suppressed and how.suppressed == "note") or (change is not None and change.goes_away):
            level = level._replace(enforcement=Enforcement.ADVISORY)
        changed = change is None or change.actions != ("no-op",)
        return level, effect_of(FAIL_TRUTH, related, level, changed=changed, policy=self.policy)

    def _treatment(self, tool: str) -> Treatment:
        if tool not in self._treatments:
            self._treatments[tool] = treatment(self.policy.scanners, tool)
        return self._treatments[tool]

    def _info(self, finding: ScannerFinding, scan: Scan, change: ResourceChange | None) -> CheckInfo:
        """Our check that has the rule as an alias; else one made of what the scanner says."""
        number = self._check(finding.rule, change)
        if number is not None:
            return self.catalogue.info(number)
        name = f"{scan.receipt.tool}:{finding.rule}"
        if name not in self._infos:
            self._infos[name] = _foreign_check(name, finding, scan)
        return self._infos[name]

    def _check(self, rule: str, change: ResourceChange | None) -> int | None:
        """One rule of theirs may be several checks of ours: that for the type, which fails here, counts."""
        numbers = self._aliases.get(same_rule(rule), [])
        if change is not None and len(numbers) > 1:
            infos = {number: self.catalogue.info(number) for number in numbers}
            numbers = [number for number in numbers if change.type in infos[number].resource_types] or numbers
            address = change.previous_address or change.address
            keys = {number: fingerprint(infos[number].id, self.workspace, address) for number in numbers}
            numbers = [number for number, key in keys.items() if key in self._failing] or numbers
        return numbers[0] if numbers else None


def _foreign_check(name: str, finding: ScannerFinding, scan: Scan) -> CheckInfo:
    return CheckInfo(
        id=name,
        title=finding.title,
        family=Family.HYGIENE,
        severity=finding.severity or Severity.MEDIUM,
        tier=Tier.BASELINE,
        subject="resource",
        resource_types=(),
        message="",
        rationale="",
        remediation=f"See what {scan.receipt.tool} says of {finding.rule}.",
        aliases=(finding.rule,),
        controls={},
        deprecated="",
        file="",
    )


def _change(finding: ScannerFinding, change: ResourceChange | None) -> Change:
    """What the plan leaves as it is was there before; of what it changes only the scanner could know."""
    there = change is not None and (change.actions == ("no-op",) or change.goes_away)
    return Change.PRE_EXISTING if there or finding.existing else Change.INTRODUCED


def _subject_of(change: ResourceChange) -> Subject:
    return Subject(
        "resource",
        change.address,
        change.type,
        change.module_address or None,
        change.actions,
        change.previous_address or None,
    )


def _subject(finding: ScannerFinding, scan: Scan) -> Subject:
    """Of a finding that no resource of the plan is known for. Lines are not part of it: they move."""
    if finding.address or finding.block or finding.location is None:
        name = finding.address or finding.block or scan.receipt.tool
        if finding.block and finding.location is not None:
            name = f"{finding.location.file} {finding.block}"
        return Subject("other", name, scan.receipt.tool, None, ())
    return Subject("file", finding.location.file, "file", None, ())


def _origin(finding: ScannerFinding, scan: Scan) -> Origin:
    tool, version = scan.receipt.tool, scan.receipt.version
    return Origin(tool, finding.rule, version, finding.severity, finding.message, finding.suppressed)


def _message(finding: ScannerFinding) -> str:
    if not finding.suppressed:
        return finding.message
    return f"{finding.message} (the scanner suppresses it: {finding.suppressed}; a request, not a waiver)"


def _severity(said: Severity | None, info: CheckInfo) -> str:
    """As the scanner has it; else that of our check, if it is one of ours."""
    if said is not None:
        return str(said)
    return "unknown" if info.foreign else str(info.severity)


def _side_effects(results: Iterable[Result], policy: Policy) -> Iterator[SideEffect]:
    treatments: dict[str, Treatment] = {}
    for result in results:
        if result.effect is Effect.EXCEPTED:
            continue
        asked: dict[str, str] = {}
        for origin in result.origins:
            how = treatments.setdefault(origin.tool, treatment(policy.scanners, origin.tool))
            if origin.tool == "iacgate" or (origin.suppressed and how.suppressed == "note"):
                continue
            severity = _severity(origin.severity, result.check)
            tables: tuple[tuple[str, Mapping[str, str]], ...] = (("ticket", how.ticket), ("notify", how.notify))
            asked |= {kind: table[severity] for kind, table in tables if severity in table and kind not in asked}
        for kind, rule in asked.items():
            yield SideEffect(kind, result.check.id, result.subject.address, result.fingerprint, rule)
