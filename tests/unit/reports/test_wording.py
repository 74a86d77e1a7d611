"""The words and the order that formats share."""

import pytest

from iacgate.model.decision import Outcome, Summary
from iacgate.model.finding import Effect, Evidence, Severity
from iacgate.model.values import ABSENT, SENSITIVE, UNKNOWN
from iacgate.reports.wording import blocks, by_weight, evidence_lines, headline, policy_line, reasons, sections

from . import sample as s


@pytest.mark.parametrize(
    ("summary", "expected"),
    [
        (Summary(introduced=2, fixed=5, pre_existing=31), "introduces 2, fixes 5, leaves 31"),
        (Summary(introduced=2, worsened=1), "introduces 2, worsens 1"),
        (Summary(worsened=1, pre_existing=1), "worsens 1, leaves 1"),
        (Summary(fixed=5, pre_existing=31), "introduces nothing, fixes 5, leaves 31"),
        (Summary(introduced=3, unknown=2), "introduces 3; 2 unknown"),
        (Summary(error=1), "1 check error"),
        (Summary(error=2, unknown=1), "1 unknown; 2 check errors"),
        (Summary(passed=4), "no findings"),
    ],
)
def test_headline_counts_what_there_is(summary: Summary, expected: str) -> None:
    assert headline(s.report(summary=summary)) == expected


@pytest.mark.parametrize(
    ("outcome", "scope", "expected"),
    [
        (Outcome.ALLOW, "none", "nothing in the scope of any check"),
        (Outcome.ERROR, "none", "the input was not judged"),
        (Outcome.ALLOW, "full", "no findings"),
    ],
)
def test_headline_without_findings_is_no_false_comfort(outcome: Outcome, scope: str, expected: str) -> None:
    assert headline(s.report(outcome=outcome, scope=scope)) == expected


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        (Evidence("a.b", True, "equal to false"), "a.b is true, expected: equal to false"),
        (Evidence("a", ABSENT, "equal to true"), "a is not set, expected: equal to true"),
        (Evidence("a", UNKNOWN, "set"), "a is known after apply, expected: set"),
        (Evidence("a", SENSITIVE, "set"), "a is sensitive and not shown, expected: set"),
        (Evidence("a", 1, "2", address="t.x"), "t.x.a is 1, expected: 2"),
        (Evidence("", ABSENT, "a flow log"), "there is none, expected: a flow log"),
        (Evidence("", UNKNOWN, "a flow log"), "not known before apply, expected: a flow log"),
        (Evidence("", SENSITIVE, ""), "the value is sensitive and not shown"),
        (Evidence("", "x", ""), 'found "x"'),
    ],
)
def test_evidence_says_what_is_and_what_should_be(evidence: Evidence, expected: str) -> None:
    assert evidence_lines(s.result(evidence=(evidence,))) == [expected]


def test_evidence_of_an_unknown_names_the_references_and_the_remedy() -> None:
    evidence = Evidence("a", UNKNOWN, "set", chain=("var.a", "t.b.id"), needs="the posture index")
    assert evidence_lines(s.result(evidence=(evidence,)))[1:] == [
        "through var.a -> t.b.id",
        "to know it: the posture index",
    ]


def test_much_evidence_is_cut_and_says_so() -> None:
    evidence = tuple(Evidence(f"a[{n}]", n, "x") for n in range(40))
    assert evidence_lines(s.result(evidence=evidence))[-1] == "… and 34 more (see --format json)"


def test_an_exception_that_did_not_apply_is_told() -> None:
    lines = evidence_lines(s.result(exception="EX-7: aws_wafv2_web_acl.main is missing"))
    assert lines[-1] == "exception: EX-7: aws_wafv2_web_acl.main is missing"


def test_sections_put_what_blocks_first_and_the_most_severe_check_first() -> None:
    found = sections(s.result(check, effect=effect) for effect in reversed(Effect) for check in (s.TAGS, s.INGRESS))
    assert [section.effect for section in found][:3] == [Effect.DENY, Effect.ERROR, Effect.REVIEW]
    assert len(found) == len(Effect)
    assert all(section.groups[0].check is s.INGRESS for section in found)


def test_weight_is_effect_then_severity_then_order() -> None:
    low = s.result(s.TAGS)
    first, second = s.result(s.RDS, "a"), s.result(s.RDS, "b")
    note = s.result(s.INGRESS, effect=Effect.NOTE)
    assert by_weight([note, low, first, second]) == [first, second, low, note]
    assert low.check.severity is Severity.LOW


def test_only_deny_error_and_review_block() -> None:
    assert {effect for effect in Effect if blocks(effect)} == {Effect.DENY, Effect.ERROR, Effect.REVIEW}


def test_many_reasons_are_cut_and_say_so() -> None:
    decision = s.report(reasons=tuple(f"reason {n}" for n in range(12))).decision
    assert reasons(decision)[-1] == "… and 2 more reasons"


def test_a_policy_that_is_not_trusted_says_so() -> None:
    report = s.report()
    assert policy_line(report) == "Policy baseline 2025.1 (ffffffffffff)"
    assert policy_line(report._replace(policy=report.policy._replace(trusted=False))).startswith("Untrusted policy ")
