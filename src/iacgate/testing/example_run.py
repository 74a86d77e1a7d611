"""Run the examples that checks bring: ``iacgate policy test``.

An example is unmatched when nothing in it is judged: no resource of the check's types stands in it, or
``when`` leaves out those that do. It came out otherwise then, like one with another verdict. What no
example shows at all (a type, a ``when`` that never holds) is a warning: the check says more than its
examples prove.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from iacgate.errors import IacgateError, PolicyError, UsageError
from iacgate.model.finding import Result, Verdict
from iacgate.model.plan import Plan
from iacgate.policy.catalogue import Catalogue, catalogue_of, lint_files
from iacgate.policy.conditions import compile_condition
from iacgate.policy.configuration_shapes import SHAPES
from iacgate.policy.evaluate import Evaluation
from iacgate.policy.own_files import CheckFiles
from iacgate.policy.provider_schema import ProviderSchema, load
from iacgate.policy.subject import FAIL_TRUTH, ConditionError
from iacgate.policy.world import World
from iacgate.policy.yaml_nodes import did_you_mean
from iacgate.reports.wording import evidence_lines
from iacgate.testing.examples import ExampleError, ExamplePlan, example_plan
from iacgate.testing.hcl_example import example_from_hcl
from iacgate.testing.judging import evaluate_example, example_input, fits, verdicts_of, with_lock

if TYPE_CHECKING:
    from iacgate.policy.subject import Subject

__all__ = ["CheckRun", "ExampleRun", "run_examples"]

_LISTED, _MANY = 8, 12
"""Of more types than that, which share a condition, it is enough that examples show some."""


class ExampleRun(NamedTuple):
    """One example and what came of it."""

    label: str
    """Under which it stands, and so what is expected: ``pass``, ``fail`` or ``unknown``."""
    number: int
    """Its place among those of the label, from 1."""
    line: int
    got: tuple[str, ...]
    """Verdicts of its resources, each once; empty when nothing in it was judged."""
    as_expected: bool
    why: tuple[str, ...]
    """What made it come out otherwise, a line a piece; empty when it did not."""


class CheckRun(NamedTuple):
    """All examples of one check."""

    id: str
    file: Path
    examples: tuple[ExampleRun, ...]
    warnings: tuple[str, ...]
    """What the check speaks of and no example shows."""


class _Case:
    """One case of a check, and what the examples have shown of it."""

    def __init__(self, case: dict[str, Any], subjects: Sequence[str]) -> None:
        self.types: list[str] = case["types"]
        self.parts = [kind for kind in subjects if kind in SHAPES]
        self.when = compile_condition(case["when"]) if case.get("when") else None
        self.seen: set[str] = set()
        self.held = False

    def look(self, plan: Plan, world: World) -> None:
        """Note what an example shows of the case."""
        for change in plan.resource_changes:
            if change.mode != "managed" or change.type not in self.types:
                continue
            self.seen.add(change.type)
            subject = world.subject(change)
            if subject is not None:
                self._look_at(subject)
        for kind in self.parts:
            for part in world.parts.of(kind):
                self.seen.add(kind)
                self._look_at(part)

    def _look_at(self, subject: Subject) -> None:
        try:
            out = self.when is not None and self.when.judge(subject.values, subject.unknown, (), subject)
        except ConditionError:
            out = False  # the evaluation says so
        if out != FAIL_TRUTH:
            self.held = True


def run_examples(own: Sequence[CheckFiles], schema_file: Path | None, only: Sequence[str] = ()) -> Iterator[CheckRun]:
    """The examples of all checks, or of those named, run in turn.

    Raises ``PolicyError`` with every problem when a check cannot be read, and ``UsageError`` when one
    that is named is not there; both before the first example.
    """
    read = [(one, lint_files(one.root, one.files, schema_file)) for one in own]
    problems = [problem for _, (_, found, _) in read for problem in found]
    errors = sum(not problem.warning for problem in problems)
    if errors:
        raise PolicyError(
            f"{errors} {'problem' if errors == 1 else 'problems'} in the checks, so no example was run", tuple(problems)
        )
    ids = [check["id"] for _, (checks, _, _) in read for check in checks]
    for name in only:
        if name not in ids:
            raise UsageError(f"there is no check `{name}` in it{did_you_mean(name, ids)}")
    schema = load(schema_file)
    return (
        _run_check(check, one.root / check["file"], catalogues, schema)
        for one, (checks, _, _) in read
        for catalogues in [_Catalogues(one, checks)]
        for check in checks
        if not only or check["id"] in only
    )


class _Catalogues:
    """The checks of one directory, by what examples say that the policy bundle gives."""

    def __init__(self, own: CheckFiles, checks: Sequence[dict[str, Any]]) -> None:
        self._own, self._checks = own, checks
        self._made: dict[str, Catalogue] = {}

    def given(self, parameters: Mapping[str, Any]) -> Catalogue:
        """The catalogue for these parameters."""
        key = json.dumps(parameters, sort_keys=True)
        if key not in self._made:
            self._made[key] = catalogue_of(self._own.files, self._checks, parameters)
        return self._made[key]


def _run_check(check: dict[str, Any], file: Path, catalogues: _Catalogues, schema: ProviderSchema) -> CheckRun:
    cases = [_Case(case, check["subjects"]) for case in check["cases"]]
    runs = tuple(
        _run_example(check, cases, label, number, text, catalogues, schema)
        for label, texts in check["examples"].items()
        for number, text in enumerate(texts)
    )
    return CheckRun(check["id"], file, runs, tuple(_not_shown(cases)))


def _run_example(
    check: dict[str, Any],
    cases: Iterable[_Case],
    label: str,
    number: int,
    text: str,
    catalogues: _Catalogues,
    schema: ProviderSchema,
) -> ExampleRun:
    line = check["example_lines"][label][number]
    try:
        example = example_plan(text, schema)
        plan = example_input(example)
        catalogue = catalogues.given(example.parameters)
        evaluation = evaluate_example(check["id"], plan, catalogue, example)
    except (ExampleError, IacgateError) as error:
        return ExampleRun(label, number + 1, line, (), False, (str(error),))
    verdicts = verdicts_of(evaluation)
    got = tuple(str(one) for one in Verdict if one in verdicts)
    world = World(plan, "after", catalogue)
    for case in cases:
        case.look(plan, world)
    if fits(label, verdicts):
        differs = tuple(_differs_as_hcl(label, text, example, evaluation, check["id"], catalogue, schema))
        return ExampleRun(label, number + 1, line, got, not differs, differs)
    why = [said for result in evaluation.results for said in _said(result)] or _unmatched(check, plan, evaluation)
    return ExampleRun(label, number + 1, line, got, False, tuple(why))


def _differs_as_hcl(
    label: str,
    text: str,
    example: ExamplePlan,
    planned: Evaluation,
    check: str,
    catalogue: Catalogue,
    schema: ProviderSchema,
) -> Iterator[str]:
    """What the same text comes to as HCL, where that is something else. HCL may know what a plan does not yet."""
    if example.plan_only:
        return
    plan = with_lock(example_from_hcl(text, schema), example)
    yield from (f"as HCL: {problem}" for problem in plan.problems)
    written = evaluate_example(check, plan, catalogue, example)
    if label != "unknown" and not fits(label, verdicts_of(written)):
        yield f"as HCL: {', '.join(sorted({str(one) for one in verdicts_of(written)})) or 'nothing is judged'}"
    by_address = {one.subject.address: one.verdict for one in planned.results}
    for one in written.results:
        other = by_address.get(one.subject.address, one.verdict)
        if one.verdict is not other and {one.verdict, other} == {Verdict.PASS, Verdict.FAIL}:
            yield f"{one.subject.address}: {other} as a plan, {one.verdict} as HCL"


def _said(result: Result) -> Iterator[str]:
    """What made a verdict."""
    if result.verdict is Verdict.PASS:
        yield f"{result.subject.address}: pass"
        return
    for line in evidence_lines(result):
        yield f"{result.subject.address}: {result.verdict}: {line}"


def _unmatched(check: dict[str, Any], plan: Plan, evaluation: Evaluation) -> list[str]:
    """Why nothing in an example was judged."""
    if check["subject"] == "account":
        return ["nothing was asked: a line `# account: owned` asks checks on the account"]
    waiting = [name for name, one in check["parameters"].items() if one.get("default") is None]
    if waiting and not evaluation.results and evaluation.coverage.checks_loaded == 0:
        return [f"nothing was asked: a line `# parameters: {{...}}` gives {' and '.join(waiting)}"]
    if not any(case["types"] for case in check["cases"]):
        return [f"no {' or '.join(check['subjects'])} of which the check speaks stands in it"]
    types = dict.fromkeys(kind for case in check["cases"] for kind in case["types"])
    there = [change.address for change in plan.resource_changes if change.mode == "managed" and change.type in types]
    if not there:
        return [f"no {' or '.join(types)} stands in it"]
    return [f"`when` does not hold for {', '.join(there)}"]


def _not_shown(cases: Sequence[_Case]) -> Iterator[str]:
    """What no example shows."""
    for number, case in enumerate(cases):
        where = f" of case {number + 1}" if len(cases) > 1 else ""
        types = [*case.types, *case.parts]
        unseen = [kind for kind in types if kind not in case.seen]
        if unseen and not (len(types) > _MANY and case.seen):
            yield f"no example{where} has {' or '.join(unseen[:_LISTED])}"
        if case.when is not None and case.seen and not case.held:
            yield f"`when`{where} holds in no example"
