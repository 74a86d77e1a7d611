"""Judge a directory of HCL: each root module in it as a first apply would be, in one report.

It is a posture: it says what is written, not what a change would do. What only a plan knows is a note.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from iacgate import __version__
from iacgate.errors import InputError, UsageError
from iacgate.gate.decide import decide, summarize
from iacgate.gate.judge import Judged, PolicySource, Settings, hcl_cache, inventory_for, located, locks_in, secrets_of
from iacgate.gate.scanned import ScannedInput, with_scans
from iacgate.model.decision import Coverage, InputInfo, Report
from iacgate.model.scan import image_scans_of
from iacgate.policy.evaluate import Evaluation, evaluate
from iacgate.policy.policy_set import resolve_policy

if TYPE_CHECKING:
    from iacgate.sources.hcl.tree import Tree

__all__ = ["judge_directory"]


def judge_directory(path: str, source: PolicySource, settings: Settings, tree: Tree | None = None) -> Judged:
    """Judge every root module at or below a directory. Raises ``InputError`` when there is no HCL.

    ``tree`` is that of the directory when some of it is read already, or other than on the disk.
    """
    top = Path(path)
    if not top.is_dir():
        _refuse(top, path)
    policy = resolve_policy(
        source.bundle, source.catalogue, settings.workspace, trusted=source.trusted, file=source.file
    )
    policy = policy._replace(enforce_all=True, unknown=dict.fromkeys(policy.unknown, "note"))
    inventory, missing = inventory_for(settings, policy)
    cache = hcl_cache(settings)
    memory = None
    if settings.remember and cache is not None and not settings.scans and not policy.scanners:
        from iacgate.gate.remembered import Memory

        memory = Memory(top, policy, source, settings, cache, inventory)
        known = memory.recall()
        if known is not None:
            info = inventory.info if inventory else None
            return Judged(known._replace(input=known.input._replace(path=path, inventory=info)), frozenset, {}, policy)
    from iacgate.policy.provider_schema import load  # here: what is remembered needs no reader
    from iacgate.sources.hcl.read import RootModule, deep_recursion, read_directory

    evaluations: list[tuple[RootModule, Evaluation]] = []
    asides: list[str] = []
    with deep_recursion():
        directory = read_directory(
            top,
            load(),
            cache=cache,
            var_files=settings.var_files,
            tree=tree,
        )
        several = len(directory.roots) > 1
        for root in directory.roots:
            where = root.directory if several else ""
            root.plan.read_locks = partial(locks_in, top / root.directory)
            index = inventory.posture(root.plan) if inventory else None
            found = evaluate(
                root.plan,
                source.catalogue,
                policy,
                _workspace(settings.workspace, root.directory),
                digest_key=settings.digest_key,
                include_passed=settings.include_passed or bool(settings.scans),
                image_scans=image_scans_of(settings.scans),
                posture=index,
            )
            asides += inventory.notes_on(index) if inventory else []
            results = [one._replace(subject=one.subject._replace(root=where)) for one in found.results]
            evaluations.append((root, found._replace(results=located(results, root.locations), fixed=[])))
    plans = {root.directory if several else "": root.plan for root, _ in evaluations}
    places = {address: place for root, _ in evaluations for address, place in root.locations.items()}
    judged = ScannedInput([*plans.values()], settings.workspace, settings.commit, directory.sha256, top, places)
    scanned = with_scans(
        _together([one for _, one in evaluations]),
        settings.scans,
        judged,
        source.catalogue,
        policy,
        include_passed=settings.include_passed,
    )
    evaluation = scanned.evaluation
    notes = ["this is a posture: it says what is written, not what a change would do; only a plan can be allowed"]
    notes += list(dict.fromkeys(note for root, _ in evaluations for note in root.notes))
    notes += dict.fromkeys(asides)
    notes += scanned.notes
    notes += [f"the exception {one} names no finding here" for one in evaluation.idle_exceptions]
    report = Report(
        __version__,
        InputInfo(
            "hcl",
            path,
            directory.sha256,
            "",
            "",
            settings.workspace,
            settings.organization,
            inventory.info if inventory else None,
        ),
        policy.info,
        decide(judged.plans, evaluation, policy, [*missing, *scanned.reasons])._replace(
            posture=True, side_effects=scanned.side_effects
        ),
        evaluation.coverage,
        summarize(evaluation),
        evaluation.results,
        evaluation.fixed,
        notes,
        scanned.scans,
    )
    judged_directory = Judged(report, partial(secrets_of, plans.values(), report), plans, policy, inventory)
    if memory is not None and not directory.reads_files() and _shows_no_secret(judged_directory):
        memory.remember(report, directory.outside())
    return judged_directory


def _shows_no_secret(judged: Judged) -> bool:
    """There is nothing in the report that a rendering would have to hide."""
    from iacgate.secrets import spellings

    secrets = judged.secrets()
    said = repr(judged.report)
    return not any(spelt.decode(errors="replace") in said for secret in secrets for spelt in spellings(secret))


def _refuse(top: Path, path: str) -> None:
    if top.is_file():
        raise UsageError(f"{path} is one file of a module", hint=f"give its directory: iacgate check {top.parent}")
    raise InputError(f"{path} cannot be read: no such directory")


def _workspace(workspace: str | None, directory: str) -> str | None:
    """A root module below what was asked for is a workspace of its own: the same address may stand in several."""
    return workspace if directory == "." else f"{workspace or ''}//{directory}"


def _together(evaluations: Sequence[Evaluation]) -> Evaluation:
    """Several root modules as one evaluation."""
    first = evaluations[0]
    reasons: dict[str, int] = {}
    for one in evaluations:
        for reason, number in one.coverage.not_applicable_reasons.items():
            reasons[reason] = reasons.get(reason, 0) + number
    evaluated = sum(one.coverage.evaluated for one in evaluations)
    idle = set.intersection(*(set(one.idle_exceptions) for one in evaluations))
    return Evaluation(
        [result for one in evaluations for result in one.results],
        [result for one in evaluations for result in one.fixed],
        sum(one.passed for one in evaluations),
        Coverage(
            resources=sum(one.coverage.resources for one in evaluations),
            evaluated=evaluated,
            not_applicable=sum(one.coverage.not_applicable for one in evaluations),
            not_asked=first.coverage.not_asked,
            checks_loaded=first.coverage.checks_loaded,
            scope="full" if evaluated else "none",
            not_applicable_reasons=reasons,
            not_applicable_pairs=sum(one.coverage.not_applicable_pairs for one in evaluations),
        ),
        [],
        sorted(idle),
        {pair: verdict for one in evaluations for pair, verdict in one.relied_verdicts.items()},
    )
