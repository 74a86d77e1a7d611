"""The main use case: one input, one policy, one report."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from iacgate import __version__
from iacgate.errors import IacgateError, PolicyError, UsageError
from iacgate.gate.decide import decide, summarize
from iacgate.model.decision import (
    EXIT_CODES,
    Coverage,
    Decision,
    InputInfo,
    Outcome,
    PolicyInfo,
    Report,
    SideEffect,
    Summary,
)
from iacgate.model.finding import Location, Result, Verdict
from iacgate.model.plan import Plan
from iacgate.model.scan import Scan
from iacgate.policy.catalogue import Catalogue, load_directories, load_packaged
from iacgate.policy.evaluate import Evaluation, evaluate
from iacgate.policy.policy_set import Policy, resolve_policy
from iacgate.sources.input_file import read_input
from iacgate.sources.json_text import DEFAULT_MAX_BYTES
from iacgate.sources.plan_json import read_plan

__all__ = ["Judged", "PolicySource", "Settings", "failed_report", "judge", "load_policy"]

BASELINE = "baseline"


class Settings(NamedTuple):
    """What the caller wants, from the command line and the configuration."""

    organization: str = "default"
    workspace: str | None = None
    kind: str | None = None
    source_dir: Path | None = None
    include_passed: bool = False
    max_input_bytes: int = DEFAULT_MAX_BYTES
    digest_key: bytes = b""
    scans: tuple[Scan, ...] = ()
    """What other scanners say of the input, read or run by whoever calls."""
    commit: str = ""
    """Which commit the input is of; empty: not known."""


class PolicySource(NamedTuple):
    """A policy bundle in normal form with the checks it may select."""

    bundle: dict[str, Any]
    catalogue: Catalogue
    trusted: bool
    file: str


class Judged(NamedTuple):
    """A report, and the secrets that no rendering of it may hold."""

    report: Report
    secrets: Callable[[], frozenset[str]]
    plan: Plan | None = None
    policy: Policy | None = None


def load_policy(file: Path | None) -> PolicySource:
    """The policy of a file, or the packaged baseline. Raises ``PolicyError`` with every problem."""
    if file is None:
        catalogue = load_packaged()
        raw = catalogue.policies.get(BASELINE)
        if raw is None:
            raise PolicyError("the packaged policy is missing", hint="install iacgate again")
        return PolicySource(msgspec.msgpack.decode(raw), catalogue, True, "")
    # Imported here: reading YAML is for those who bring some.
    from iacgate.policy.policy_file import read_policy
    from iacgate.policy.yaml_nodes import Source

    source = Source(str(file))
    try:
        data = file.read_bytes()
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {(error.strerror or 'unreadable').lower()}") from None
    bundle = read_policy(data, source)
    errors = [problem for problem in source.problems if not problem.warning]
    if bundle is None or errors:
        raise PolicyError(f"the policy {file} is not usable", tuple(source.problems))
    roots = [file.parent / directory for directory in bundle["checks"]]
    catalogue = load_directories(roots) if roots else load_packaged()
    return PolicySource(bundle, catalogue, False, str(file))


def judge(path: str, source: PolicySource, settings: Settings) -> Judged:
    """Judge one input. Raises ``InputError`` when there is nothing that could be judged."""
    data = read_input(path, settings.max_input_bytes)
    posture = settings.kind == "state"
    if posture:
        from iacgate.sources.state_json import read_state

        plan = read_state(data, path)
    else:
        plan = read_plan(data, path)
    policy = resolve_policy(
        source.bundle, source.catalogue, settings.workspace, trusted=source.trusted, file=source.file
    )
    if posture:
        policy = policy._replace(enforce_all=True)
    evaluation = evaluate(
        plan,
        source.catalogue,
        policy,
        settings.workspace,
        digest_key=settings.digest_key,
        include_passed=settings.include_passed or bool(settings.scans),
    )
    notes = _notes(plan, posture=posture)
    sha256 = hashlib.sha256(data).hexdigest()
    scanned = _scanned(plan, evaluation, source.catalogue, policy, settings, sha256)
    evaluation, notes = scanned.evaluation, [*notes, *scanned.notes]
    notes += [f"the exception {one} names no finding of this plan" for one in evaluation.idle_exceptions]
    results, fixed = evaluation.results, evaluation.fixed
    if settings.source_dir is not None and (results or fixed):
        results, fixed, more = _place(settings.source_dir, plan, results, fixed)
        notes += [note for note in more if note not in notes]
    report = Report(
        __version__,
        InputInfo(
            "state-json" if posture else "plan-json",
            path,
            sha256,
            plan.terraform_version,
            plan.format_version,
            settings.workspace,
            settings.organization,
        ),
        policy.info,
        decide(plan, evaluation, policy, scanned.reasons)._replace(posture=posture, side_effects=scanned.side_effects),
        evaluation.coverage,
        summarize(evaluation),
        results,
        fixed,
        notes,
        scanned.scans,
    )
    return Judged(report, partial(_secrets, plan, report), plan, policy)


class _Scanned(NamedTuple):
    """The evaluation with what other scanners say."""

    evaluation: Evaluation
    scans: tuple[Scan, ...] = ()
    reasons: tuple[tuple[Outcome, str], ...] = ()
    side_effects: tuple[SideEffect, ...] = ()
    notes: tuple[str, ...] = ()


def _scanned(
    plan: Plan, evaluation: Evaluation, catalogue: Catalogue, policy: Policy, settings: Settings, sha256: str
) -> _Scanned:
    if not settings.scans and not policy.scanners:
        return _Scanned(evaluation)
    # Imported here: who imports no findings does not pay for it.
    from iacgate.gate.merge_scans import merge_scans
    from iacgate.gate.scan_evidence import Judged as JudgedInput
    from iacgate.gate.scan_evidence import examine, missing, why_not
    from iacgate.gate.scan_places import Resources

    given = _masked(settings.scans, plan) if plan.may_hold_secrets else settings.scans
    scans = examine(given, policy, JudgedInput(settings.commit, sha256, datetime.now(UTC)))
    reasons = (*missing(scans, policy), *why_not(scans))
    places: dict[str, Location] = {}
    notes: list[str] = []
    if settings.source_dir is not None and any(scan.findings for scan in scans):
        from iacgate.sources.hcl_places import find_places

        addresses = [change.address for change in plan.resource_changes]
        places, notes = find_places(settings.source_dir, plan.configuration, addresses)
    merged = merge_scans(
        evaluation,
        scans,
        Resources(plan.resource_changes, settings.source_dir, places),
        catalogue,
        policy,
        settings.workspace,
        plan.resource_changes,
    )
    evaluation = merged.evaluation
    if not settings.include_passed:  # they were listed for the comparison only
        listed = [one for one in evaluation.results if one.verdict is not Verdict.PASS]
        evaluation = evaluation._replace(results=listed)
    return _Scanned(evaluation, scans, reasons, merged.side_effects, (*notes, *merged.notes))


def _masked(scans: Sequence[Scan], plan: Plan) -> tuple[Scan, ...]:
    """Without the plan's secrets: a scanner may quote what it finds, and that is no bug of a mask of ours."""
    from iacgate.secrets import known_secrets

    secrets = sorted(known_secrets(plan), key=len, reverse=True)

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


def _secrets(plan: Plan, report: Report) -> frozenset[str]:
    if not plan.may_hold_secrets:
        return frozenset()
    from iacgate.secrets import known_secrets, worth_hiding

    return worth_hiding(known_secrets(plan), report)


def failed_report(path: str, error: IacgateError, source: PolicySource, settings: Settings) -> Report:
    """The report on an input that could not be judged: an error, and nothing else."""
    decision = Decision(Outcome.ERROR, EXIT_CODES[Outcome.ERROR], (error.message,))
    info = InputInfo("unreadable", path, "", "", "", settings.workspace, settings.organization)
    policy = PolicyInfo(source.bundle["name"], source.bundle["version"], "", source.trusted)
    return Report(
        __version__,
        info,
        policy,
        decision,
        Coverage(0, 0, 0, 0, len(source.catalogue), "none"),
        Summary(error=1),
        (),
        (),
    )


def _notes(plan: Plan, *, posture: bool) -> list[str]:
    notes = []
    if posture:
        notes.append("this is a posture: it says what is, not what a change would do")
    if plan.resource_drift:
        notes.append(f"{len(plan.resource_drift)} resources were changed outside of Terraform (resource_drift)")
    failing = [check for check in plan.checks if check.status in ("fail", "error")]
    if failing:
        notes.append(
            f"{len(failing)} of the configuration's own checks do not hold (check blocks, pre- and postconditions)"
        )
    return notes


def _place(
    source_dir: Path, plan: Plan, results: list[Result], fixed: list[Result]
) -> tuple[list[Result], list[Result], list[str]]:
    from iacgate.sources.hcl_places import find_places

    if not source_dir.is_dir():
        raise UsageError(f"{source_dir} is not a directory", hint="--source-dir is the root module's directory")
    places, notes = find_places(source_dir, plan.configuration, {one.subject.address for one in (*results, *fixed)})
    if not places:
        notes.append(f"no resource of the findings stands in {source_dir}: is it the root module behind this plan?")
    located = [[_located(one, places) for one in group] for group in (results, fixed)]
    return located[0], located[1], notes


def _located(result: Result, places: Mapping[str, Location]) -> Result:
    """A scanner's own place stays only where it is all there is: it may be relative to something else."""
    if result.subject.kind in ("file", "other"):
        return result
    return result._replace(location=places.get(result.subject.address))
