"""GitHub Actions annotations."""

import re

import pytest

from iacgate.model.decision import Outcome
from iacgate.model.finding import Effect, Location
from iacgate.reports import github
from iacgate.reports.interface import RenderOptions

from . import sample as s

COMMAND = re.compile(r"::(error|warning|notice) ([^:]*)::(.*)")


def lines(*reports: s.Report) -> list[str]:
    return github.render_all(reports, s.PLAIN).decode().splitlines()


def kinds(report: s.Report) -> list[str]:
    return [line.split(" ")[0].strip(":") for line in lines(report)]


def test_an_annotation_names_file_lines_title_address_evidence_and_fix() -> None:
    out = github.render(s.report(s.result(location=Location("main.tf", 12, 20, base="live"))), RenderOptions())
    assert out.decode() == (
        "::error file=live/main.tf,line=12,endLine=20,title=high%3A RDS instances have no public address::"
        "module.db.aws_db_instance.main (introduced)%0Apublicly_accessible is true, expected: equal to false%0A"
        "Fix: Set `publicly_accessible = false` and reach the database from inside the VPC.%0A"
        "aws-rds-instance-not-public\n"
    )


@pytest.mark.parametrize(
    ("effect", "expected"),
    [
        (Effect.DENY, ["error"]),
        (Effect.ERROR, ["error"]),
        (Effect.REVIEW, ["warning"]),
        (Effect.WOULD_BLOCK, ["notice"]),
        (Effect.OBLIGATION, ["notice"]),
        (Effect.NOTE, []),
        (Effect.EXCEPTED, []),
        (Effect.NONE, []),
    ],
)
def test_the_kind_follows_the_effect(effect: Effect, expected: list[str]) -> None:
    assert kinds(s.report(s.result(effect=effect), outcome=Outcome.ALLOW)) == expected


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [(Outcome.ALLOW, []), (Outcome.REVIEW, ["warning"]), (Outcome.DENY, ["error"]), (Outcome.ERROR, ["error"])],
)
def test_a_decision_that_no_finding_explains_is_told(outcome: Outcome, expected: list[str]) -> None:
    assert kinds(s.report(outcome=outcome)) == expected


def test_a_decision_that_findings_explain_is_not_told_again() -> None:
    assert kinds(s.report(s.result())) == ["error"]


def test_shows_the_ten_weightiest_of_each_kind_and_counts_the_rest() -> None:
    low = [s.result(s.TAGS, f"low[{n}]") for n in range(9)]
    found = lines(s.report(*low), s.report(*low, s.result(s.INGRESS, "worst")))
    assert len(found) == 10
    assert "worst" in found[0]
    assert found[-1] == "::error title=iacgate::and 10 more findings"


@pytest.mark.parametrize("text", s.HOSTILE.values(), ids=s.HOSTILE)
def test_hostile_text_stays_in_its_field(text: str) -> None:
    found = lines(s.hostile(text))
    assert len(found) == len(lines(s.hostile("harmless")))
    for line in found:
        match = COMMAND.fullmatch(line)
        assert match
        assert {part.split("=")[0] for part in match[2].split(",")} <= {"file", "line", "endLine", "title"}
        assert not re.search(r"%(?!25|0A|3A|2C)", match[2] + match[3])
