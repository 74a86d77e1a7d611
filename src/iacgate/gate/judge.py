"""The main use case: one input, one policy, one report."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from iacgate import __version__
from iacgate.directories import cache_directory
from iacgate.errors import IacgateError, PolicyError, UsageError
from iacgate.gate.decide import decide, summarize
from iacgate.gate.scanned import ScannedInput, with_scans
from iacgate.model.decision import (
    EXIT_CODES,
    Coverage,
    Decision,
    InputInfo,
    Outcome,
    PolicyInfo,
    Report,
    Summary,
)
from iacgate.model.finding import Location, Result
from iacgate.model.plan import Plan, ProviderLock
from iacgate.model.scan import Scan, image_scans_of
from iacgate.policy.catalogue import Catalogue, load_directories, load_packaged
from iacgate.policy.evaluate import Evaluation, evaluate
from iacgate.policy.policy_set import Policy, resolve_policy
from iacgate.sources.input_file import read_input
from iacgate.sources.json_text import DEFAULT_MAX_BYTES
from iacgate.sources.plan_json import read_plan

if TYPE_CHECKING:
    from iacgate.gate.inventory import Consulted
    from iacgate.model.inventory import PostureIndex, ScopeKey
    from iacgate.policy.posture import Posture
    from iacgate.scanners.checkov import CheckovSettings

__all__ = [
    "Judged",
    "PolicySource",
    "Settings",
    "failed_report",
    "hcl_cache",
    "inventory_for",
    "judge",
    "load_policy",
    "located",
    "locks_in",
    "secrets_of",
]

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
    var_files: tuple[Path, ...] = ()
    """Values of variables, for HCL."""
    use_cache: bool = True
    """Parsed HCL is kept in the user's cache directory."""
    remember: bool = False
    """So are reports on directories; only for callers that need nothing but the report."""
    scans: tuple[Scan, ...] = ()
    """What other scanners say of the input, read or run by whoever calls."""
    commit: str = ""
    """Which commit the input is of; empty: not known."""
    checkov: CheckovSettings | None = None
    """Run it beside our checks; ``None``: do not."""
    inventory: PostureIndex | None = None
    """What answers for resources that the input does not show."""
    account: ScopeKey | None = None
    """Where the plan works, as far as the caller says so."""


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
    plans: Mapping[str, Plan] = {}
    """What was judged, by root module (``""``: the only one)."""
    policy: Policy | None = None
    inventory: Consulted | None = None

    def posture(self, plan: Plan) -> Posture | None:
        """What the inventory answers on one of the plans."""
        return self.inventory.posture(plan) if self.inventory else None


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
    given = bundle["parameters"]
    catalogue = load_directories(roots, given) if roots else load_packaged(given)
    return PolicySource(bundle, catalogue, False, str(file))


def judge(path: str, source: PolicySource, settings: Settings) -> Judged:
    """Judge one input. Raises ``InputError`` when there is nothing that could be judged."""
    is_directory = os.path.isdir(path)  # noqa: PTH112 - Path.is_dir raises for a name that is too long
    if settings.kind == "hcl" or (settings.kind is None and (is_directory or path.endswith((".tf", ".tofu")))):
        if settings.checkov is not None:
            raise UsageError("--scanner judges plans, not HCL")
        from iacgate.gate.directory import judge_directory

        return judge_directory(path, source, settings)
    data = read_input(path, settings.max_input_bytes)
    posture = settings.kind == "state"
    if posture:
        from iacgate.sources.state_json import read_state

        plan = read_state(data, path)
    else:
        plan = read_plan(data, path)
        if settings.source_dir is not None:
            plan.read_locks = partial(locks_in, settings.source_dir)
    sha256 = hashlib.sha256(data).hexdigest()
    if settings.checkov is None:
        return _judge_plan(path, plan, sha256, source, settings, lambda: settings.scans)
    if posture:
        raise UsageError("--scanner judges plans, not a state")
    # Imported here: only who asks for a scanner pays for it.
    from iacgate.scanners.checkov import scanning

    with scanning(plan, sha256, settings.checkov) as scan:  # it takes seconds: beside our checks, not before them
        return _judge_plan(path, plan, sha256, source, settings, lambda: (*settings.scans, scan()))


def _judge_plan(
    path: str,
    plan: Plan,
    sha256: str,
    source: PolicySource,
    settings: Settings,
    collect: Callable[[], tuple[Scan, ...]],
) -> Judged:
    """``collect`` waits for the scanners that were started."""
    posture = settings.kind == "state"
    policy = resolve_policy(
        source.bundle, source.catalogue, settings.workspace, trusted=source.trusted, file=source.file
    )
    if posture:
        policy = policy._replace(enforce_all=True)
    inventory, missing = inventory_for(settings, policy)
    index = inventory.posture(plan) if inventory else None
    evaluation = evaluate(
        plan,
        source.catalogue,
        policy,
        settings.workspace,
        digest_key=settings.digest_key,
        include_passed=settings.include_passed or bool(settings.scans) or settings.checkov is not None,
        image_scans=image_scans_of(settings.scans),
        posture=index,
    )
    notes = _notes(plan, posture=posture)
    notes += inventory.notes_on(index) if inventory else []
    scans = collect()
    places, unread = _places(settings, plan, evaluation, scans)
    judged = ScannedInput([plan], settings.workspace, settings.commit, sha256, settings.source_dir, places)
    scanned = with_scans(evaluation, scans, judged, source.catalogue, policy, include_passed=settings.include_passed)
    evaluation = scanned.evaluation
    notes += [*unread, *scanned.notes]
    notes += [f"{scan.source}: {note}" for scan in scanned.scans for note in scan.notes]
    notes += [f"the exception {one} names no finding of this plan" for one in evaluation.idle_exceptions]
    results, fixed = located(evaluation.results, places), located(evaluation.fixed, places)
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
            inventory.info if inventory else None,
        ),
        policy.info,
        decide([plan], evaluation, policy, [*missing, *scanned.reasons])._replace(
            posture=posture, side_effects=scanned.side_effects
        ),
        evaluation.coverage,
        summarize(evaluation),
        results,
        fixed,
        notes,
        scanned.scans,
    )
    return Judged(report, partial(secrets_of, [plan], report), {"": plan}, policy, inventory)


def inventory_for(settings: Settings, policy: Policy) -> tuple[Consulted | None, list[tuple[Outcome, str]]]:
    """The inventory that was given, by the policy's rule, and what is wrong with it or with there being none."""
    if settings.inventory is None:
        if policy.inventory is not None and policy.inventory.required:
            return None, [(Outcome.ERROR, "the policy requires an inventory, and none was given (--inventory)")]
        return None, []
    # Imported here: only who gives an inventory pays for it.
    from iacgate.gate.inventory import consult

    found = consult(settings.inventory, policy.inventory, settings.account)
    return found, list(found.reasons)


def locks_in(source_dir: Path) -> Mapping[str, ProviderLock]:
    """What the dependency lock file beside the code locks."""
    from iacgate.sources.lock_file import read_locks

    return read_locks(source_dir)


def hcl_cache(settings: Settings) -> Path | None:
    """Where parsed HCL is kept."""
    return cache_directory() / "hcl" if settings.use_cache else None


def secrets_of(plans: Iterable[Plan], report: Report) -> frozenset[str]:
    """What no rendering of the report may hold."""
    holders = [plan for plan in plans if plan.may_hold_secrets]
    if not holders:
        return frozenset()
    from iacgate.secrets import known_secrets, worth_hiding

    return worth_hiding(frozenset().union(*map(known_secrets, holders)), report)


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


def _places(
    settings: Settings, plan: Plan, evaluation: Evaluation, scans: Sequence[Scan]
) -> tuple[Mapping[str, Location], list[str]]:
    """Where the findings stand; with other scanners' findings to be placed, where all resources do."""
    source_dir = settings.source_dir
    addresses = {one.subject.address for one in (*evaluation.results, *evaluation.fixed)}
    if any(scan.findings for scan in scans):
        addresses.update(change.address for change in plan.resource_changes)
    if source_dir is None or not addresses:
        return {}, []
    from iacgate.sources.hcl.places import find_places

    if not source_dir.is_dir():
        raise UsageError(f"{source_dir} is not a directory", hint="--source-dir is the root module's directory")
    try:
        places, notes = find_places(source_dir, addresses, hcl_cache(settings))
    except IacgateError as error:  # python-hcl2 is not what answers: it costs the places, not the verdict
        return {}, [f"findings have no file and line: {error.message}; {error.hint}"]
    if not places:
        notes.append(f"no resource of the findings stands in {source_dir}: is it the root module behind this plan?")
    return places, notes


def located(results: Sequence[Result], places: Mapping[str, Location]) -> list[Result]:
    """Results with their places. A scanner's own place stays only where it is all there is."""
    return [
        one
        if one.subject.kind in ("file", "other")
        else one._replace(location=places.get(one.subject.address, one.location if not places else None))
        for one in results
    ]
