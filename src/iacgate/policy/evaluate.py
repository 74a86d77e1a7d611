"""Apply a policy's checks to a plan: every resource is judged or accounted for, after and before.

The result of a check on a resource is a verdict with evidence; what the resource was like before
says whether the plan introduces, worsens, leaves or fixes it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from iacgate.model.decision import Coverage
from iacgate.model.finding import Change, Effect, Enforcement, Evidence, Result, Subject, Verdict
from iacgate.model.plan import KNOWN_ACTIONS, Plan, ResourceChange
from iacgate.model.values import ABSENT, UNKNOWN
from iacgate.policy.catalogue import Case, Catalogue
from iacgate.policy.exceptions import apply_exceptions
from iacgate.policy.fingerprint import evidence_digest, evidence_items, fingerprint
from iacgate.policy.plan_subject import PlanSubject
from iacgate.policy.policy_set import Level, Policy
from iacgate.policy.subject import FAIL_TRUTH, PASS_TRUTH, UNKNOWN_TRUTH, ConditionError, Node
from iacgate.policy.world import World

if TYPE_CHECKING:
    from iacgate.model.image_scan import ImageScan
    from iacgate.policy.configuration_subjects import Configured
    from iacgate.policy.posture import Posture

__all__ = ["Evaluation", "effect_of", "evaluate"]

_OUT_OF_SCOPE = -1
_ERROR = 3
_VERDICTS = {PASS_TRUTH: Verdict.PASS, UNKNOWN_TRUTH: Verdict.UNKNOWN, FAIL_TRUTH: Verdict.FAIL, _ERROR: Verdict.ERROR}
_OFF = Level(Enforcement.ADVISORY, "", "")


class Evaluation(NamedTuple):
    """What came of it."""

    results: list[Result]
    """Findings, and passes where they were asked for, in plan order."""
    fixed: list[Result]
    passed: int
    coverage: Coverage
    unknown_actions: list[str]
    """Addresses with an action that no Terraform we know writes."""
    idle_exceptions: list[str]
    """Ids of exceptions that name no finding of this plan."""
    relied_verdicts: Mapping[tuple[int, str], Verdict] = {}
    """Of checks that exceptions rely on, by (check, address)."""


class _Judged(NamedTuple):
    truth: int
    """0 to 2, ``_ERROR`` or ``_OUT_OF_SCOPE``."""
    evidence: tuple[Evidence, ...]


_NOTHING = _Judged(_OUT_OF_SCOPE, ())
_PASSED = _Judged(PASS_TRUTH, ())


def evaluate(
    plan: Plan,
    catalogue: Catalogue,
    policy: Policy,
    workspace: str | None,
    *,
    digest_key: bytes = b"",
    include_passed: bool = False,
    image_scans: Sequence[ImageScan] = (),
    posture: Posture | None = None,
) -> Evaluation:
    """Judge a plan. Raises ``InputError`` when a resource's values are not what a plan holds."""
    run = _Run(plan, catalogue, policy, workspace, digest_key, include_passed)
    for world in (run.after, run.before):
        world.given_image_scans, world.image_tables = image_scans, policy.images
        world.posture = posture
    return run.run()


class _Run:
    def __init__(
        self, plan: Plan, catalogue: Catalogue, policy: Policy, workspace: str | None, key: bytes, include_passed: bool
    ) -> None:
        self.plan, self.catalogue, self.policy = plan, catalogue, policy
        self.workspace, self.key, self.include_passed = workspace, key, include_passed
        self.after = World(plan, "after", catalogue, key)
        self.before = World(plan, "before", catalogue, key)
        self.after.opposite, self.before.opposite = self.before, self.after
        self.needed = policy.needed
        self.relied_on = {pair for exception in policy.exceptions for pair in exception.requires}
        self.relied_verdicts: dict[tuple[int, str], Verdict] = {}
        self.results: list[Result] = []
        self.fixed: list[Result] = []
        self.passed = 0
        self.pairs_out_of_scope = 0
        self.reasons: dict[str, int] = {}
        self._cases: dict[str, list[Case]] = {}

    def run(self) -> Evaluation:
        evaluated = 0
        odd: list[str] = []
        for change in self.plan.resource_changes:
            if not change.actions or not KNOWN_ACTIONS.issuperset(change.actions):
                odd.append(change.address)
            reason = self._resource(change)
            if reason:
                self.reasons[reason] = self.reasons.get(reason, 0) + 1
            else:
                evaluated += 1
        not_asked = self._account() + self.policy.idle
        self._configuration()
        total = len(self.plan.resource_changes)
        coverage = Coverage(
            resources=total,
            evaluated=evaluated,
            not_applicable=sum(self.reasons.values()),
            not_asked=not_asked,
            checks_loaded=sum(level is not None for level in self.policy.levels),
            scope="full" if evaluated else "none",
            not_applicable_reasons=self.reasons,
            not_applicable_pairs=self.pairs_out_of_scope,
        )
        results, idle = apply_exceptions(self.results, self.policy, self.catalogue, self.relied_verdicts)
        return Evaluation(results, self.fixed, self.passed, coverage, odd, idle, self.relied_verdicts)

    def _resource(self, change: ResourceChange) -> str:
        """Judge one resource change; or say why no check applies to it."""
        cases = self._cases.get(change.type)
        if cases is None:
            cases = self._cases[change.type] = self.catalogue.cases(change.type, self.needed)
        if change.mode != "managed":
            return "data source" if change.mode == "data" else f"{change.mode} resource"
        if not cases:
            known = self.catalogue.knows_type(change.type)
            return "no enabled check for this type" if known else "no check for this type"
        if change.goes_away:
            return self._gone(change, cases)
        # Others may ask for it again: then it is kept, else its values go when it is judged.
        again = change.type in self.catalogue.partners and not change.deposed
        subject = self.after.subject_at(change.address) if again else self.after.subject(change)
        assert subject is not None
        twin: PlanSubject | None = None
        looked = False
        for case in cases:
            judged = self._judge(case, subject)
            if judged.truth == _OUT_OF_SCOPE:
                self.pairs_out_of_scope += 1
            same = change.unchanged and not case.condition.relational and not (case.when and case.when.relational)
            if same:
                was = judged
            else:
                if not looked:
                    looked = True
                    twin = (
                        None
                        if "create" in change.actions and "delete" not in change.actions
                        else self.before.subject(change)
                    )
                    if twin is not None:
                        twin.actions = ()  # before the plan nothing was done to it
                was = self._judge(case, twin) if twin is not None else _NOTHING
            self._record(case, change, subject, judged, was, existed=same or twin is not None)
        return ""

    def _gone(self, change: ResourceChange, cases: list[Case]) -> str:
        """Destroyed or forgotten: checks on destroying are asked; what failed and is destroyed is fixed."""
        before = self.before.subject(change)
        asked = False
        for case in cases if before is not None else ():
            assert before is not None
            judged = self._judge(case, before)
            if case.on_destroy:
                asked = True
                self._record(case, change, before, judged, _NOTHING, existed=True)
            elif judged.truth in (FAIL_TRUTH, UNKNOWN_TRUTH) and "delete" in change.actions and not change.deposed:
                self._note_fixed(case, change, before, judged)
        if asked:
            return ""
        if change.deposed:
            return "deposed object that is destroyed"
        return "destroyed" if "delete" in change.actions else "forgotten: leaves Terraform's management"

    def _configuration(self) -> None:
        """Checks on modules, providers, variables and blocks. They are no resources and not counted as such."""
        for kind, cases in self.catalogue.configuration_cases(self.needed).items():
            for part in self.after.parts.of(kind):
                for case in cases:
                    judged = self._judge(case, part)
                    found = judged.truth in (FAIL_TRUTH, UNKNOWN_TRUTH)
                    before = part.before() if found else None
                    was = judged if before is part else self._judge(case, before) if before else _NOTHING
                    self._record(case, part, part, judged, was, existed=part.existed)

    def _judge(self, case: Case, subject: PlanSubject | Configured) -> _Judged:
        subject.judged = subject  # it may have been another's partner before
        try:
            gate = PASS_TRUTH
            if case.when is not None:
                gate = case.when.judge(subject.values, subject.unknown, (), subject)
                if gate == FAIL_TRUTH:
                    return _NOTHING
            truth = case.condition.judge(subject.values, subject.unknown, (), subject)
            if truth == PASS_TRUTH:
                return _PASSED
            evidence: list[Evidence] = []
            if gate == UNKNOWN_TRUTH and case.when is not None:
                truth = UNKNOWN_TRUTH
                case.when.explain(subject.values, subject.unknown, (), subject, False, UNKNOWN_TRUTH, evidence)
            else:
                _explain(case.condition, subject, truth, evidence)
            return _Judged(truth, _in_order(evidence, truth))
        except ConditionError as error:
            return _Judged(_ERROR, (Evidence("", UNKNOWN, "a value the check can read", needs=str(error)),))

    def _record(
        self,
        case: Case,
        change: ResourceChange | Configured,
        subject: PlanSubject | Configured,
        judged: _Judged,
        was: _Judged,
        *,
        existed: bool,
    ) -> None:
        if (case.check, change.address) in self.relied_on:
            verdict = _VERDICTS.get(judged.truth, Verdict.NOT_APPLICABLE)
            worst = self.relied_verdicts.get((case.check, change.address), Verdict.PASS)
            self.relied_verdicts[case.check, change.address] = verdict if worst is Verdict.PASS else worst
        level = self.policy.levels[case.check]
        if level is None:
            return
        if judged.truth in (PASS_TRUTH, _OUT_OF_SCOPE):
            if judged.truth == PASS_TRUTH:
                self.passed += 1
            if was.truth == FAIL_TRUTH or (was.truth == UNKNOWN_TRUTH and judged.truth == PASS_TRUTH):
                self._note_fixed(case, change, subject, was)
            if judged.truth == PASS_TRUTH and self.include_passed:
                self.results.append(self._result(case, change, subject, judged, None, level, Effect.NONE))
            return
        related = _change(judged, was) if existed else Change.INTRODUCED
        effect = effect_of(judged.truth, related, level, changed=_changes(change), policy=self.policy)
        self.results.append(self._result(case, change, subject, judged, related, level, effect))

    def _note_fixed(
        self, case: Case, change: ResourceChange | Configured, subject: PlanSubject | Configured, was: _Judged
    ) -> None:
        level = self.policy.levels[case.check]
        if level is not None:
            self.fixed.append(
                self._result(case, change, subject, was._replace(truth=PASS_TRUTH), Change.FIXED, level, Effect.NONE)
            )

    def _result(
        self,
        case: Case,
        change: ResourceChange | Configured,
        subject: PlanSubject | Configured,
        judged: _Judged,
        related: Change | None,
        level: Level,
        effect: Effect,
    ) -> Result:
        info = self.catalogue.info(case.check)
        identity = change.previous_address or change.address
        return Result(
            info,
            _VERDICTS[judged.truth],
            related,
            level.enforcement,
            effect,
            Subject(
                getattr(change, "kind", "resource"),
                change.address,
                change.type,
                change.module_address or None,
                change.actions,
                change.previous_address or None,
            ),
            judged.evidence,
            _message(case.message, change.address, change.type, change.name),
            fingerprint(info.id, self.workspace, identity),
            fingerprint(info.id, self.workspace, change.address) if change.previous_address else None,
            evidence_digest(judged.evidence, self.key) if judged.evidence else "",
            policy_rule=level.rule,
        )

    def _account(self) -> int:
        """Checks on the account are asked of one that the policy set owns, or of which the inventory knows all."""
        not_asked: set[int] = set()
        for case in self.catalogue.account_cases(self.needed):
            pairs = self._accounts(case)
            if not pairs:
                not_asked.add(case.check)
                continue
            found = [(self._judge(case, after), self._judge(case, before)) for after, before in pairs]
            judged, was = max(found, key=lambda pair: pair[0].truth)
            level = self.policy.levels[case.check]
            if level is None or judged.truth == _OUT_OF_SCOPE:
                continue
            info = self.catalogue.info(case.check)
            if judged.truth == PASS_TRUTH:
                self.passed += 1
                continue
            related = _change(judged, was)
            changed = self.policy.owns_account  # of another's account it is a note, unless this plan does it
            effect = effect_of(judged.truth, related, level, changed=changed, policy=self.policy)
            self.results.append(
                Result(
                    info,
                    _VERDICTS[judged.truth],
                    related,
                    level.enforcement,
                    effect,
                    Subject("account", "account", "account", None, ()),
                    judged.evidence,
                    _message(case.message, "this account", "account", "account"),
                    fingerprint(info.id, self.workspace, "account"),
                    None,
                    evidence_digest(judged.evidence, self.key),
                    policy_rule=level.rule,
                )
            )
        return len(not_asked)

    def _accounts(self, case: Case) -> list[tuple[PlanSubject, PlanSubject]]:
        """The accounts that a check is asked of, after and before; none: it is not asked."""
        posture = self.after.posture
        if posture is None and not self.policy.owns_account:
            return []
        from iacgate.policy.asked_types import existing_types

        kinds = existing_types([one.condition for one in self.catalogue.conditions(case.check)])
        places = posture.answers(sorted(kinds)) if posture is not None else []
        if posture is not None and places:
            return [(posture.account(self.after, one), posture.account(self.before, one)) for one in places]
        # An account of one cloud has nothing of another's.
        here = self.policy.owns_account and (not kinds or not self._clouds.isdisjoint(map(_cloud, kinds)))
        return [(self.after.account(), self.before.account())] if here else []

    @cached_property
    def _clouds(self) -> frozenset[str]:
        """The providers at work, by the names that begin their types: ``aws``, ``azurerm``, ``google``."""
        configs = (self.plan.configuration or {}).get("provider_config") or {}
        named = (config.get("name") or "" for config in configs.values())
        return frozenset({*named, *(_cloud(change.type) for change in self.plan.resource_changes)})


def _cloud(kind: str) -> str:
    return kind.partition("_")[0]


def _explain(node: Node, subject: PlanSubject | Configured, truth: int, out: list[Evidence]) -> None:
    node.explain(subject.values, subject.unknown, (), subject, False, truth, out)


def _in_order(evidence: list[Evidence], truth: int) -> tuple[Evidence, ...]:
    """Once an attribute; what is there before what is unknown, before what is missing."""
    if truth == FAIL_TRUTH and any(one.actual is not UNKNOWN for one in evidence):
        evidence = [one for one in evidence if one.actual is not UNKNOWN]  # it fails whatever they turn out to be
    once: dict[tuple[str, str], Evidence] = {}
    for one in evidence:
        once.setdefault((one.address, one.path), one)
    return tuple(sorted(once.values(), key=lambda one: (one.actual is ABSENT) * 2 + (one.actual is UNKNOWN)))


def _changes(change: ResourceChange | Configured) -> bool:
    if not isinstance(change, ResourceChange):
        return change.changed
    return not set(change.actions) <= {"no-op", "read"}


def _change(judged: _Judged, was: _Judged) -> Change:
    """How a finding relates to what was there.

    A failure that was surely a failure before was there already, unless something fails in it that did
    not (or that was another value): then it is worse. Where it is not sure, it counts as new.
    """
    if was.truth in (PASS_TRUTH, _OUT_OF_SCOPE):
        return Change.INTRODUCED
    if judged.truth != FAIL_TRUTH:
        return Change.PRE_EXISTING
    if was.truth != FAIL_TRUTH:
        return Change.INTRODUCED
    left = evidence_items(was.evidence)
    for item in evidence_items(judged.evidence) if judged is not was else ():
        if item not in left:
            return Change.WORSENED
        left.remove(item)
    return Change.PRE_EXISTING


def effect_of(truth: int, related: Change, level: Level, *, changed: bool, policy: Policy) -> Effect:
    """From a verdict to what it does (``docs/concepts.md``, "Decisions")."""
    enforcement = level.enforcement
    if truth == _ERROR:
        effect = Effect.NOTE if enforcement is Enforcement.ADVISORY else Effect.ERROR
    else:
        if related is Change.PRE_EXISTING and not policy.enforce_all:
            if not changed:
                return Effect.NOTE
            if enforcement is Enforcement.HARD_MANDATORY:
                enforcement = Enforcement.SOFT_MANDATORY
        if truth == UNKNOWN_TRUTH:
            effect = Effect(policy.unknown[enforcement])
        elif enforcement is Enforcement.HARD_MANDATORY:
            effect = Effect.DENY
        else:
            effect = Effect.REVIEW if enforcement is Enforcement.SOFT_MANDATORY else Effect.NOTE
    if level.shadow_until and effect in (Effect.DENY, Effect.REVIEW, Effect.ERROR):
        return Effect.WOULD_BLOCK
    return effect


def _message(template: str, address: str, kind: str, name: str) -> str:
    return template.replace("{address}", address).replace("{type}", kind).replace("{name}", name)
