"""What another policy would have decided on plans that were judged before.

Every plan is read once and judged twice, by the policy as it is and by the one that is proposed; what
comes out otherwise is a flip. Nothing is stored and nothing is allowed here: it is a preview.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from iacgate.errors import IacgateError, InputError, PolicyError
from iacgate.gate.decide import decide
from iacgate.gate.judge import PolicySource, Settings
from iacgate.model.decision import Outcome
from iacgate.model.finding import Effect, Result, Verdict
from iacgate.model.plan import Plan
from iacgate.policy.catalogue import catalogue_of, lint_files, packaged_root, read_check_files
from iacgate.policy.evaluate import evaluate
from iacgate.policy.policy_set import Policy, resolve_policy
from iacgate.sources.input_file import read_input
from iacgate.sources.plan_json import read_plan

__all__ = [
    "Flip",
    "PlanReplay",
    "Replay",
    "ResultFlip",
    "by_check",
    "find_plans",
    "gather",
    "owners",
    "replay",
    "with_check",
]

_CHUNK = 16
_BLOCKING = (Effect.REVIEW, Effect.DENY, Effect.ERROR, Effect.WOULD_BLOCK)
_OWNER_MAPS = ("tags_all", "tags", "terraform_labels", "labels", "resource_labels")


class ResultFlip(NamedTuple):
    """One check on one resource that counts otherwise. An empty effect: no finding."""

    check: str
    address: str
    owner: str
    verdict: str
    """What the proposed policy finds; ``pass`` where it finds nothing."""
    before: str
    after: str
    """Effects (``deny``, ``review``, ``note``, ``would-block``, …)."""


class PlanReplay(NamedTuple):
    """What became of one plan."""

    path: str
    workspace: str | None
    before: Outcome
    after: Outcome
    flips: tuple[ResultFlip, ...]
    would_block: int
    """Findings of the proposed policy that are in shadow mode (``enforce_from``)."""
    problem: str = ""
    """Why it could not be judged; then both outcomes are ``error``."""


class Flip(NamedTuple):
    """A number of plans whose outcome goes from one to another."""

    before: Outcome
    after: Outcome
    plans: int


class Replay(NamedTuple):
    """What became of all plans."""

    plans: int
    unreadable: tuple[PlanReplay, ...]
    outcomes: tuple[Flip, ...]
    """All pairs of outcomes that occur, also those that stay."""
    changed: tuple[PlanReplay, ...]
    """Plans with another outcome or other findings."""
    would_block_findings: int
    would_block_plans: int

    @property
    def newly_blocked(self) -> int:
        """Plans that were allowed and would not be any more."""
        return sum(one.plans for one in self.outcomes if one.before is Outcome.ALLOW and one.after is not Outcome.ALLOW)


class _Job(NamedTuple):
    """What every worker needs; made once."""

    root: Path
    current: PolicySource
    proposed: PolicySource
    settings: Settings
    workspaces_from_path: bool
    owner_tag: str
    today: str | None
    policies: dict[tuple[bool, str | None], Policy]
    """Resolved by (proposed, workspace)."""


def find_plans(root: Path) -> list[Path]:
    """The JSON files below a directory, in order. Raises ``InputError`` when there are none."""
    if not root.is_dir():
        raise InputError(f"{root} is not a directory of plans")
    found = sorted(path for path in root.rglob("*.json") if path.is_file())
    if not found:
        raise InputError(f"{root} holds no plan", hint="plans are files that end in .json: terraform show -json tfplan")
    return found


def replay(
    root: Path,
    current: PolicySource,
    proposed: PolicySource,
    settings: Settings,
    *,
    workspaces_from_path: bool = False,
    owner_tag: str = "owner",
    today: str | None = None,
    jobs: int = 1,
) -> Iterator[PlanReplay]:
    """Judge all plans below ``root`` by both policies, in no particular order when there are several ``jobs``.

    ``today`` (a date) is what ``enforce_from`` of the proposed policy is held against. Raises ``InputError`` when
    there is no plan, ``PolicyError`` when a policy cannot be used; a plan that cannot be read has a ``problem``.
    """
    job = _Job(root, current, proposed, settings, workspaces_from_path, owner_tag, today, {})
    paths = find_plans(root)
    for source in (current, proposed):  # what is wrong with a policy is said once, before the work begins
        if not workspaces_from_path:
            resolve_policy(source.bundle, source.catalogue, settings.workspace, trusted=source.trusted)
    if jobs <= 1 or len(paths) <= _CHUNK:
        yield from map(partial(_replay_plan, job), paths)
        return
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    # Forked, so that the compiled checks are there already; nothing else runs in this process.
    with ProcessPoolExecutor(jobs, get_context("fork"), _adopt, (job,)) as pool:
        yield from pool.map(_replay_adopted, paths, chunksize=_CHUNK)


def gather(replays: Iterable[PlanReplay]) -> Replay:
    """All plans together."""
    found = sorted(replays)
    outcomes = Counter((one.before, one.after) for one in found if not one.problem)
    return Replay(
        len(found),
        tuple(one for one in found if one.problem),
        tuple(Flip(before, after, number) for (before, after), number in sorted(outcomes.items())),
        tuple(one for one in found if one.flips or one.before is not one.after),
        sum(one.would_block for one in found),
        sum(one.would_block > 0 for one in found),
    )


def with_check(source: PolicySource, file: Path, bundle_file: Path | None) -> PolicySource:
    """The same policy with one check in the place of the one that has its id, or beside the others.

    Raises ``PolicyError`` with every problem of the check.
    """
    roots = [packaged_root()]
    if bundle_file is not None:
        roots += [bundle_file.parent / directory for directory in source.bundle["checks"]]
    try:
        proposed = (file.name, file.read_bytes())
    except OSError as error:
        raise PolicyError(f"{file} cannot be read: {(error.strerror or 'unreadable').lower()}") from None
    files = [
        (name, content) for root in roots for name, content in read_check_files(root) if Path(name).stem != file.stem
    ]
    checks, problems, _ = lint_files(file.parent, [*files, proposed])
    wrong = [problem for problem in problems if not problem.warning]
    if wrong:
        raise PolicyError(f"the check {file} is not usable", tuple(wrong))
    catalogue = catalogue_of([*files, proposed], checks, source.bundle["parameters"])
    return source._replace(catalogue=catalogue, trusted=False)


_adopted: list[_Job] = []
"""In a worker: its job."""


def _adopt(job: _Job) -> None:
    import gc

    gc.freeze()  # what was forked stays shared
    _adopted[:] = [job]


def _replay_adopted(path: Path) -> PlanReplay:
    return _replay_plan(_adopted[0], path)


def _replay_plan(job: _Job, path: Path) -> PlanReplay:
    shown = path.relative_to(job.root)
    workspace = job.settings.workspace
    if job.workspaces_from_path:
        workspace = shown.parent.as_posix() if len(shown.parts) > 1 else shown.stem
    try:
        plan = read_plan(read_input(str(path), job.settings.max_input_bytes), str(path))
        before, was, _ = _judged(plan, job, workspace, proposed=False)
        after, found, would_block = _judged(plan, job, workspace, proposed=True)
    except PolicyError:
        raise
    except IacgateError as error:
        return PlanReplay(shown.as_posix(), workspace, Outcome.ERROR, Outcome.ERROR, (), 0, error.message)
    flips = tuple(_flips(plan, was, found, job.owner_tag))
    return PlanReplay(shown.as_posix(), workspace, before, after, flips, would_block)


_Found = Mapping[tuple[str, str], Result]


def _judged(plan: Plan, job: _Job, workspace: str | None, *, proposed: bool) -> tuple[Outcome, _Found, int]:
    source = job.proposed if proposed else job.current
    policy = job.policies.get((proposed, workspace))
    if policy is None:
        today = job.today if proposed else None
        policy = resolve_policy(source.bundle, source.catalogue, workspace, trusted=source.trusted, today=today)
        job.policies[proposed, workspace] = policy
    evaluation = evaluate(plan, source.catalogue, policy, workspace, digest_key=job.settings.digest_key)
    found = {(one.check.id, one.subject.address): one for one in evaluation.results}
    would_block = sum(one.effect is Effect.WOULD_BLOCK for one in evaluation.results)
    return decide([plan], evaluation, policy).outcome, found, would_block


def _flips(plan: Plan, was: _Found, found: _Found, owner_tag: str) -> Iterator[ResultFlip]:
    """What counts otherwise, and did or does stand in the way (or would)."""
    for key in sorted(was.keys() | found.keys()):
        before, after = was.get(key), found.get(key)
        effects = [one.effect if one else Effect.NONE for one in (before, after)]
        if effects[0] is effects[1] or not any(effect in _BLOCKING for effect in effects):
            continue
        verdict = after.verdict if after else Verdict.PASS
        words = ["" if effect is Effect.NONE else str(effect) for effect in effects]
        yield ResultFlip(*key, _owner(plan, key[1], owner_tag), str(verdict), *words)


def _owner(plan: Plan, address: str, owner_tag: str) -> str:
    """Whose a resource is, by its tag; empty where none is known or it is sensitive."""
    change = next((one for one in plan.resource_changes if one.address == address and not one.deposed), None)
    if change is None:
        return ""
    values = plan.values(change)
    held, masks = (values.after, values.after_sensitive) if values.after else (values.before, values.before_sensitive)
    for name in _OWNER_MAPS:
        tags = (held or {}).get(name)
        if masks is True or (isinstance(masks, dict) and masks.get(name)):
            continue
        for key, value in tags.items() if isinstance(tags, dict) else ():
            if key.lower() == owner_tag.lower() and isinstance(value, str):
                return value
    return ""


def owners(changed: Sequence[PlanReplay]) -> list[tuple[str, int, int]]:
    """Whose resources flip: owner (or workspace, where there is no owner), resources newly in the way, and freed."""
    newly: Counter[str] = Counter()
    freed: Counter[str] = Counter()
    for one in changed:
        for flip in one.flips:
            who = flip.owner or one.workspace or one.path
            (newly if flip.after in _BLOCKING else freed)[who] += 1
    return sorted(((who, newly[who], freed[who]) for who in newly | freed), key=lambda row: (-row[1], -row[2], row[0]))


def by_check(changed: Sequence[PlanReplay]) -> list[tuple[str, str, str, int]]:
    """Which checks flip: check, effect before and after, resources."""
    counts = Counter((flip.check, flip.before, flip.after) for one in changed for flip in one.flips)
    return [(*key, number) for key, number in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))]
