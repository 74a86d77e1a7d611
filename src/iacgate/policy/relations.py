"""Conditions that look beyond the resource: linked resources, the whole plan, policy documents."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any

from iacgate.model.finding import Evidence
from iacgate.model.values import ABSENT, UNKNOWN, Marker
from iacgate.policy.iam import PolicyDocumentError, from_json
from iacgate.policy.lookup import fetch, make_evidence, of_partner, path_text
from iacgate.policy.subject import FAIL_TRUTH, PASS_TRUTH, UNKNOWN_TRUTH, ConditionError, Linked, Links, Node, Trace

if TYPE_CHECKING:
    from iacgate.policy.subject import Judge, Path, Subject

    Compile = Callable[[dict[str, Any]], Node]

__all__ = ["compile_exists", "compile_policy_document", "compile_related"]

_DOCUMENT = "write it as an `aws_iam_policy_document` data source: a plan shows its statements before apply"
_SHOWN = 8
"""Partners that may be the one and are listed as evidence; there can be thousands."""
_ALWAYS = Node(lambda v, u, at, s: PASS_TRUTH, lambda v, u, at, s, negated, want, out: None, False)


def _judge_links(links: Links, judge: Judge, subject: Subject) -> int:
    def truth_of(partner: Subject) -> int:
        partner.judged = subject.judged
        return judge(partner.values, partner.unknown, (), partner)

    truths = [truth_of(partner) for partner in links.certain]
    if not truths:
        if links.one_of and links.possible:
            maybe = {truth_of(partner) for partner in links.possible}
            return maybe.pop() if len(maybe) == 1 else UNKNOWN_TRUTH
        # None of the possible ones may be a partner, or any of them; the first that would matter answers.
        return links.missing if all(truth_of(one) == links.missing for one in links.possible) else UNKNOWN_TRUTH
    best = min(truths)
    if best == FAIL_TRUTH and (links.open or any(truth_of(one) != FAIL_TRUTH for one in links.possible)):
        return UNKNOWN_TRUTH
    return best


def compile_related(tree: dict[str, Any], compile_condition: Compile) -> Node:
    """Whether a linked resource satisfies a condition."""
    spec = tree["related"]
    types, matches = spec["type"], spec["matches"]
    missing, absent = spec.get("missing"), spec.get("absent", UNKNOWN_TRUTH)
    node = compile_condition(spec["satisfies"]) if spec.get("satisfies") else _ALWAYS
    their = spec.get("their")
    our = tuple(spec.get("our", ()))
    wanted = " or ".join(types)

    def links(v: Any, u: Any, at: Path, s: Subject) -> Links | Marker:
        if their:
            return s.named_by(types, their, matches, missing)
        value, _, place = fetch(v, u, at, our, s)
        if value is ABSENT or value in ("", []):
            return ABSENT
        return s.names(types, value, place, matches, missing)

    def judge(v: Any, u: Any, at: Path, s: Subject) -> int:
        found = links(v, u, at, s)
        return absent if isinstance(found, Marker) else _judge_links(found, node.judge, s)

    def explain(v: Any, u: Any, at: Path, s: Subject, negated: bool, want: int, out: list[Evidence]) -> None:
        found = links(v, u, at, s)
        expected = f"{'no' if negated else 'a'} linked {wanted}" + (
            " that satisfies the check" if spec.get("satisfies") else ""
        )
        if isinstance(found, Marker):
            out.append(make_evidence(ABSENT, (*at, *our), expected, s, want))
            return
        before = len(out)
        for partner in [*found.certain, *islice(found.possible, _SHOWN)]:
            truth = node.judge(partner.values, partner.unknown, (), partner)
            if (FAIL_TRUTH - truth if negated else truth) == want:
                since = len(out)
                node.explain(partner.values, partner.unknown, (), partner, negated, want, out)
                if len(out) == since:
                    out.append(Evidence("", partner.type, expected, source=partner.source))
                of_partner(out, partner.address, since)
        if len(out) == before or (found.possible and want == UNKNOWN_TRUTH):
            out.append(found.evidence._replace(expected=expected))

    return Node(judge, explain, True)


def compile_exists(tree: dict[str, Any], compile_condition: Compile) -> Node:
    """Whether some resource of the plan satisfies a condition."""
    spec = tree["exists"]
    node = compile_condition(spec["satisfies"]) if spec.get("satisfies") else _ALWAYS

    def judge(v: Any, u: Any, at: Path, s: Subject) -> int:
        best = FAIL_TRUTH
        for one in s.others(spec["type"]):
            one.judged = s.judged
            truth = node.judge(one.values, one.unknown, (), one)
            best = min(best, max(truth, UNKNOWN_TRUTH) if one.uncertain else truth)
        return best

    def explain(v: Any, u: Any, at: Path, s: Subject, negated: bool, want: int, out: list[Evidence]) -> None:
        since = len(out)
        for one in s.others(spec["type"]):
            truth = node.judge(one.values, one.unknown, (), one)
            if (FAIL_TRUTH - truth if negated else truth) == want:
                here = len(out)
                node.explain(one.values, one.unknown, (), one, negated, want, out)
                of_partner(out, one.address, here)
        if len(out) == since:
            wanted = " or ".join(spec["type"])
            source = s.surveyed(spec["type"])
            where = "" if source else " in this configuration"
            out.append(Evidence("", ABSENT, f"{'no' if negated else 'one'} {wanted}{where}", source=source))

    return Node(judge, explain, True)


@lru_cache(maxsize=512)
def _parsed_policy(text: str) -> dict[str, Any]:
    return from_json(text)


class _Inside:
    """A subject inside a policy document: nothing there can be followed further."""

    def __init__(self, subject: Subject, at: Path, made_of: Callable[[Path, int], str] = lambda at, parts: "") -> None:
        self._subject, self._at, self._made_of = subject, at, made_of
        self.address, self.type, self.actions = subject.address, subject.type, subject.actions
        self.values, self.unknown, self.judged = subject.values, subject.unknown, subject.judged
        self.digest_key = subject.digest_key
        self.uncertain = subject.uncertain
        self.source = subject.source

    def resolve(self, at: Path) -> Any:
        return UNKNOWN

    def lacks(self, name: str) -> bool:
        return False

    def made_of(self, at: Path, parts: int) -> str:
        return self._made_of(at[len(self._at) :], parts)

    def trace(self, at: Path) -> Trace:
        return self._subject.trace(self._at)

    def is_sensitive(self, at: Path) -> bool:
        return self._subject.is_sensitive(self._at)


def compile_policy_document(tree: dict[str, Any], compile_condition: Compile) -> Node:
    """Whether an IAM policy document satisfies a condition."""
    steps = tuple(tree["policy_document"])
    absent: int = tree.get("absent", UNKNOWN_TRUTH)
    node = compile_condition(tree["satisfies"])

    def document(v: Any, u: Any, at: Path, s: Subject) -> tuple[Any, Any, Path, _Inside]:
        value, _, place = fetch(v, u, at, steps, s)
        inside = _Inside(s, place)
        if value is ABSENT or value == "":
            return ABSENT, None, place, inside
        if value is UNKNOWN or type(value) is Linked:
            planned = s.policy_document(place)
            if planned is None:
                return UNKNOWN, None, place, inside
            return planned.document, planned.mask, place, _Inside(s, place, planned.made_of)
        try:
            if not isinstance(value, str):
                raise PolicyDocumentError("the policy is not text")
            return _parsed_policy(value), None, place, inside
        except PolicyDocumentError as error:
            raise ConditionError(f"{path_text(place)}: {error}") from None

    def judge(v: Any, u: Any, at: Path, s: Subject) -> int:
        found, mask, place, inside = document(v, u, at, s)
        if found is ABSENT:
            return absent
        if found is UNKNOWN:
            return UNKNOWN_TRUTH
        return node.judge(found, mask, place, inside)  # type: ignore[arg-type]

    def explain(v: Any, u: Any, at: Path, s: Subject, negated: bool, want: int, out: list[Evidence]) -> None:
        found, mask, place, inside = document(v, u, at, s)
        if isinstance(found, Marker):
            evidence = make_evidence(found, place, "a policy document that is known", s, want)
            if found is UNKNOWN:
                evidence = evidence._replace(needs=_DOCUMENT)
            out.append(evidence)
            return
        node.explain(found, mask, place, inside, negated, want, out)  # type: ignore[arg-type]

    return Node(judge, explain, True)
