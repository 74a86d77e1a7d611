"""An evaluation with what other scanners say of the same input."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from iacgate.model.decision import Outcome, SideEffect
from iacgate.model.finding import Location, Verdict
from iacgate.model.plan import Plan, ResourceChange
from iacgate.model.scan import Scan
from iacgate.policy.catalogue import Catalogue
from iacgate.policy.evaluate import Evaluation
from iacgate.policy.policy_set import IMAGE_CHECK, Policy

__all__ = ["Scanned", "ScannedInput", "with_scans"]


class ScannedInput(NamedTuple):
    """What was judged, as far as scans are held against it."""

    plans: Sequence[Plan]
    workspace: str | None
    commit: str
    sha256: str
    source_dir: Path | None
    places: Mapping[str, Location]
    """Where the blocks of its addresses stand, relative to ``source_dir``."""

    @property
    def changes(self) -> list[ResourceChange]:
        """All its resource changes."""
        return [change for plan in self.plans for change in plan.resource_changes]


class Scanned(NamedTuple):
    """The evaluation with what other scanners say."""

    evaluation: Evaluation
    scans: tuple[Scan, ...] = ()
    reasons: tuple[tuple[Outcome, str], ...] = ()
    side_effects: tuple[SideEffect, ...] = ()
    notes: tuple[str, ...] = ()


def with_scans(
    evaluation: Evaluation,
    scans: Sequence[Scan],
    judged: ScannedInput,
    catalogue: Catalogue,
    policy: Policy,
    *,
    include_passed: bool,
) -> Scanned:
    """Merge scans into an evaluation that lists what passed, and say what is wrong with them."""
    if not scans and not policy.scanners:
        return Scanned(evaluation)
    # Imported here: who imports no findings does not pay for it.
    from iacgate.gate.merge_scans import merge_scans
    from iacgate.gate.scan_evidence import Judged as JudgedInput
    from iacgate.gate.scan_evidence import examine, missing, why_not
    from iacgate.gate.scan_places import Resources

    given = _masked(scans, judged.plans) if any(plan.may_hold_secrets for plan in judged.plans) else scans
    examined = examine(given, policy, JudgedInput(judged.commit, judged.sha256, datetime.now(UTC)))
    changes = judged.changes
    resources = Resources(changes, judged.source_dir, judged.places)
    merged = merge_scans(evaluation, examined, resources, catalogue, policy, judged.workspace, changes)
    evaluation = merged.evaluation
    if not include_passed:  # they were listed for the comparison only
        listed = [one for one in evaluation.results if one.verdict is not Verdict.PASS]
        evaluation = evaluation._replace(results=listed)
    notes = list(merged.notes)
    if any(scan.images for scan in scans) and not _asks_for_images(catalogue, policy):
        notes.append(f"scans of images were given, and the policy does not ask for them ({IMAGE_CHECK} is off)")
    reasons = (*missing(examined, policy), *why_not(examined))
    return Scanned(evaluation, tuple(examined), reasons, merged.side_effects, tuple(notes))


def _asks_for_images(catalogue: Catalogue, policy: Policy) -> bool:
    return any(
        level is not None for head, level in zip(catalogue.heads, policy.levels, strict=True) if head.id == IMAGE_CHECK
    )


def _masked(scans: Sequence[Scan], plans: Sequence[Plan]) -> tuple[Scan, ...]:
    """Without the plans' secrets: a scanner may quote what it finds, and that is no bug of a mask of ours."""
    from iacgate.secrets import known_secrets

    secrets = sorted(frozenset().union(*map(known_secrets, plans)), key=len, reverse=True)

    def clean(text: str) -> str:
        for secret in secrets:
            text = text.replace(secret, "***")
        return text

    return tuple(
        scan._replace(
            findings=tuple(
                one._replace(title=clean(one.title), message=clean(one.message), suppressed=clean(one.suppressed))
                for one in scan.findings
            )
        )
        for scan in scans
    )
