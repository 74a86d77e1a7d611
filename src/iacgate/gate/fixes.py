"""The smallest fix of each finding of a directory of HCL: edits in memory, each kept only if judging again agrees.

A check says what to write (``policy.fix_syntax``), ``gate.fix_sites`` finds where, ``sources.hcl.edit`` writes it.
A fix is offered when its finding passes in the edited tree and nothing else is worse there. What is not offered
is *declined*, with the reason.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from iacgate.errors import InputError
from iacgate.gate.directory import judge_directory
from iacgate.gate.fix_sites import Edit, FixError, edits_for
from iacgate.gate.judge import Judged, PolicySource, Settings, hcl_cache, judge
from iacgate.model.finding import Effect, Result, Verdict
from iacgate.sources.hcl.edit import EditError, edit_block
from iacgate.sources.hcl.tree import Tree

__all__ = ["BlockChange", "Declined", "FileChange", "Fix", "FixPlan", "find_fixes"]

NOT_PASSED = "judged again with the edit, it does not pass"
SIDE_EFFECT = "judged again with the edit, another verdict changes"
_Verdicts = Mapping[tuple[str, str, str], Verdict]


class Fix(NamedTuple):
    """A finding, and the edits with which it passes."""

    result: Result
    edits: tuple[Edit, ...]
    note: str
    """What to know before applying it; empty: nothing."""


class Declined(NamedTuple):
    """A finding that is not fixed, and why."""

    result: Result
    why: str


class BlockChange(NamedTuple):
    """The lines of one block, before and after."""

    start: int
    """Where the block begins, as in its edits."""
    line: int
    old: str
    new: str


class FileChange(NamedTuple):
    """A file, before and after."""

    path: Path
    shown: str
    """Relative to the directory."""
    before: bytes
    after: bytes
    blocks: list[BlockChange]


class FixPlan(NamedTuple):
    """What can be fixed, all of it together."""

    fixes: list[Fix]
    also: list[Result]
    """Findings that pass as well, though no fix was looked for."""
    declined: list[Declined]
    changes: list[FileChange]


def find_fixes(
    path: str,
    source: PolicySource,
    settings: Settings,
    wanted: Callable[[Result], bool] = lambda _: True,
    plan: str | None = None,
) -> FixPlan:
    """The fixes of the failing findings that are ``wanted``. Nothing is written.

    With a ``plan`` (a file) they are those of the plan, and the directory is the root module behind it.
    Raises ``InputError`` when the directory cannot be read as a whole: what is not read cannot be judged again.
    """
    top = Path(path)
    tree = Tree(top, hcl_cache(settings))
    trial = _Trial(path, source, settings._replace(include_passed=True, scans=()), tree)
    results = [one for one in trial.first.report.results if one.verdict is Verdict.FAIL]
    chosen = [one for one in results if one.effect is not Effect.EXCEPTED and wanted(one)]
    proposals: list[Fix] = []
    declined: list[Declined] = []
    if plan is not None:
        chosen, declined = _of_plan(chosen, judge(plan, source, settings._replace(kind="plan")), wanted)
    taken: dict[tuple[object, ...], object] = {}
    for result in chosen:
        try:
            proposals.append(_propose(result, source, tree, taken))
        except FixError as error:
            declined.append(Declined(result, str(error)))
    kept, refused = _verified(proposals, trial)
    with suppress(EditError, InputError):  # what is not the smallest still holds
        kept = _smallest(kept, trial)
    declined += refused
    changes = trial.changes(kept)
    fixed = {_key(one.result) for one in kept}
    after = trial.verdicts(kept) if kept else {}
    also = [one for one in results if _key(one) not in fixed and after.get(_key(one)) is Verdict.PASS]
    passing = {_key(one) for one in also}
    return FixPlan(kept, also, [one for one in declined if _key(one.result) not in passing], changes)


def _of_plan(
    results: list[Result], judged: Judged, wanted: Callable[[Result], bool]
) -> tuple[list[Result], list[Declined]]:
    """The findings of the root module that its plan has too, and those that only the plan has."""
    ours = {(one.check.id, one.subject.address): one for one in results if one.subject.root in ("", ".")}
    chosen: list[Result] = []
    declined: list[Declined] = []
    for one in judged.report.results:
        if one.verdict is Verdict.FAIL and one.effect is not Effect.EXCEPTED and wanted(one):
            found = ours.get((one.check.id, one.subject.address))
            if found is not None:
                chosen.append(found)
            else:
                declined.append(Declined(one, "the HCL in the directory does not show it"))
    return chosen, declined


def _propose(result: Result, source: PolicySource, tree: Tree, taken: dict[tuple[object, ...], object]) -> Fix:
    """What would fix a finding by the check's own words. Raises ``FixError``."""
    fix = source.catalogue.fix(source.catalogue.by_id[result.check.id], result.subject.type)
    if fix is None:
        raise FixError("it needs a decision: the check offers no edit")
    edits = tuple(edits_for(result, fix, tree))
    for edit in edits:
        key = (edit.file, edit.block, edit.site.places, edit.site.name)
        if taken.setdefault(key, edit.site.value) != edit.site.value:
            raise FixError("the fix of another finding gives the attribute another value")
    return Fix(result, edits, fix["note"])


class _Trial:
    """A tree that is judged again with some fixes in it."""

    def __init__(self, path: str, source: PolicySource, settings: Settings, tree: Tree) -> None:
        self._path = path
        self._source = source
        self._settings = settings
        self._tree = tree
        self._contents: dict[Path, bytes] = {}
        self.first = self._judge(tree)
        self.before = _verdicts(self.first)

    def _judge(self, tree: Tree) -> Judged:
        judged = judge_directory(self._path, self._source, self._settings, tree)
        problems = [problem for plan in judged.plans.values() for problem in plan.problems]
        if problems:
            raise InputError(f"{self._path} cannot be read as a whole, so no edit could be judged: {problems[0]}")
        return judged

    def verdicts(self, fixes: Sequence[Fix]) -> _Verdicts:
        """All verdicts with these fixes in place. Raises ``EditError``, ``InputError``."""
        contents = {change.path: change.after for change in self.changes(fixes)}
        judged = self._judge(self._tree.edited(contents))
        if _resources(judged) != _resources(self.first):
            raise EditError("the edit changes which resources there are")
        return _verdicts(judged)

    def changes(self, fixes: Sequence[Fix]) -> list[FileChange]:
        """The files as the fixes would leave them. Raises ``EditError``."""
        by_file: dict[Path, dict[int, list[Edit]]] = {}
        for edit in dict.fromkeys(edit for fix in fixes for edit in fix.edits):
            by_file.setdefault(edit.file, {}).setdefault(edit.block, []).append(edit)
        return [self._change(path, blocks) for path, blocks in sorted(by_file.items())]

    def _change(self, path: Path, edits: Mapping[int, list[Edit]]) -> FileChange:
        before = self._content(path)
        text = before.decode()
        mark = "\ufeff" if text.startswith("\ufeff") else ""  # offsets begin behind it
        text = text[len(mark) :]
        blocks = [_rewritten(text, start, found) for start, found in sorted(edits.items(), reverse=True)]
        for one in blocks:
            at = text.rfind("\n", 0, one.start) + 1
            text = text[:at] + one.new + text[at + len(one.old) :]
        return FileChange(path, self._tree.shown(path), before, (mark + text).encode(), blocks[::-1])

    def _content(self, path: Path) -> bytes:
        if path not in self._contents:
            try:
                data = path.read_bytes()
            except OSError as error:
                raise InputError(f"{path} cannot be read: {(error.strerror or 'unreadable').lower()}") from None
            if hashlib.sha256(data).hexdigest() != self._tree.files[path].digest:
                raise InputError(f"{path} has changed since it was judged")
            self._contents[path] = data
        return self._contents[path]

    def side_effect(self, after: _Verdicts, aims: Iterable[tuple[str, str, str]]) -> bool:
        """Whether anything but the findings aimed at is other than before; what passes now may."""
        aimed = set(aims)
        for key in {*self.before, *after} - aimed:
            now = after.get(key)
            if now is not self.before.get(key) and now is not Verdict.PASS:
                return True
        return False


def _rewritten(text: str, start: int, edits: list[Edit]) -> BlockChange:
    """The whole lines of a block as its edits leave them."""
    close = edits[0].close + 1
    first, last = text.rfind("\n", 0, start) + 1, text.find("\n", close) + 1 or len(text)
    edited = edit_block(text[start:close], [one.site for one in edits], text[first:start])
    return BlockChange(start, edits[0].line, text[first:last], text[first:start] + edited + text[close:last])


def _verified(proposals: list[Fix], trial: _Trial, kept: Sequence[Fix] = ()) -> tuple[list[Fix], list[Declined]]:
    """The proposals that hold together with those kept already. Halves are tried where the whole does not."""
    if not proposals:
        return [], []
    why = SIDE_EFFECT
    try:
        after = trial.verdicts([*kept, *proposals])
    except (EditError, InputError) as error:
        why = error.args[0]
    else:
        open_ones = [one for one in proposals if after.get(_key(one.result)) is not Verdict.PASS]
        if open_ones:
            rest = [one for one in proposals if one not in open_ones]
            found, declined = _verified(rest, trial, kept)
            return found, [*declined, *(Declined(one.result, NOT_PASSED) for one in open_ones)]
        if not trial.side_effect(after, (_key(one.result) for one in (*kept, *proposals))):
            return proposals, []
    if len(proposals) == 1:
        return [], [Declined(proposals[0].result, why)]
    middle = len(proposals) // 2
    first, refused = _verified(proposals[:middle], trial, kept)
    second, also_refused = _verified(proposals[middle:], trial, [*kept, *first])
    return first + second, refused + also_refused


def _smallest(fixes: list[Fix], trial: _Trial) -> list[Fix]:
    """Of edits in several blocks of a kind, leave out each without which the finding passes as well."""
    small = fixes
    for position in reversed(range(max((len(one.edits) for one in fixes), default=0))):
        fewer = [_without(one, position) for one in small]
        if fewer != small:
            after = trial.verdicts(fewer)
            small = [
                less if after.get(_key(less.result)) is Verdict.PASS else more
                for less, more in zip(fewer, small, strict=True)
            ]
    if small == fixes:
        return fixes
    aims = [_key(one.result) for one in small]
    after = trial.verdicts(small)
    good = all(after.get(key) is Verdict.PASS for key in aims) and not trial.side_effect(after, aims)
    return small if good else fixes


def _without(fix: Fix, position: int) -> Fix:
    """A fix without one of its edits, if it can be spared."""
    if len(fix.edits) < 2 or position >= len(fix.edits) or not fix.edits[position].each:
        return fix
    return fix._replace(edits=fix.edits[:position] + fix.edits[position + 1 :])


def _verdicts(judged: Judged) -> _Verdicts:
    return {_key(one): one.verdict for one in judged.report.results}


def _resources(judged: Judged) -> dict[str, list[str]]:
    return {root: [one.address for one in plan.resource_changes] for root, plan in judged.plans.items()}


def _key(result: Result) -> tuple[str, str, str]:
    return result.check.id, result.subject.root, result.subject.address
