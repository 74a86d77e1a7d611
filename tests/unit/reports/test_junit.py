"""JUnit XML, read back with another library."""

import xml.etree.ElementTree as ET

import pytest
from junitparser import Error, Failure, JUnitXml, Skipped, TestSuite

from iacgate.model.decision import Outcome
from iacgate.model.finding import Effect, Verdict
from iacgate.reports import junit
from iacgate.reports.interface import RenderOptions

from . import sample as s


def suites(*reports: s.Report, options: RenderOptions = s.PLAIN) -> list[TestSuite]:
    return list(JUnitXml.fromstring(junit.render_all(reports, options)))


def outcome_of(suite: TestSuite, name: str) -> type | None:
    (case,) = [case for case in suite if case.name == name]
    return type(case.result[0]) if case.result else None


@pytest.mark.parametrize(
    ("effect", "expected"),
    [
        (Effect.DENY, Failure),
        (Effect.REVIEW, Failure),
        (Effect.ERROR, Error),
        (Effect.WOULD_BLOCK, Skipped),
        (Effect.OBLIGATION, Skipped),
        (Effect.NOTE, Skipped),
        (Effect.EXCEPTED, Skipped),
        (Effect.NONE, None),
    ],
)
@pytest.mark.parametrize("verdict", Verdict)
def test_a_case_ends_as_the_effect_says(effect: Effect, expected: type | None, verdict: Verdict) -> None:
    (suite,) = suites(s.report(s.result(address="a", verdict=verdict, effect=effect)), options=s.PASSES)
    assert outcome_of(suite, "a") is expected


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [(Outcome.ALLOW, None), (Outcome.REVIEW, Failure), (Outcome.DENY, Failure), (Outcome.ERROR, Error)],
)
def test_the_decision_is_a_case_even_without_findings(outcome: Outcome, expected: type | None) -> None:
    (suite,) = suites(s.report(outcome=outcome))
    assert outcome_of(suite, "decision") is expected


def test_counts_agree_with_the_cases() -> None:
    (suite,) = suites(s.sample())
    kinds = [type(case.result[0]) for case in suite if case.result]
    assert suite.tests == len(list(suite))
    assert (suite.failures, suite.errors, suite.skipped) == tuple(map(kinds.count, (Failure, Error, Skipped)))


def test_a_case_is_a_check_on_a_resource_with_file_and_line() -> None:
    root = ET.fromstring(junit.render(s.sample(), RenderOptions()))
    case = root.find(".//testcase[@name='module.db.aws_db_instance.main']")
    assert case is not None
    assert case.attrib == {
        "classname": "aws-rds-instance-not-public",
        "name": "module.db.aws_db_instance.main",
        "file": "main.tf",
        "line": "12",
    }
    assert "publicly_accessible is true, expected: equal to false" in (case.findtext("failure") or "")


def test_one_suite_an_input() -> None:
    assert [suite.name for suite in suites(s.sample(), s.report(path="b.json"))] == ["plan.json", "b.json"]


def test_passes_and_fixes_are_counted_when_they_are_not_listed() -> None:
    (suite,) = suites(s.sample())
    properties = {item.name: item.value for item in suite.properties()}
    assert (properties["passed"], properties["fixed"]) == ("1", "5")


@pytest.mark.parametrize("text", s.HOSTILE.values(), ids=s.HOSTILE)
def test_hostile_text_stays_text(text: str) -> None:
    harmless, hostile = (ET.fromstring(junit.render(s.hostile(t), s.PASSES)) for t in ("harmless", text))
    assert [e.tag for e in hostile.iter()] == [e.tag for e in harmless.iter()]
