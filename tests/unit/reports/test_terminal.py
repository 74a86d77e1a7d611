"""The report for people."""

import re

import pytest

from iacgate.model.decision import Outcome
from iacgate.model.finding import Change, Effect, Verdict
from iacgate.reports.interface import RenderOptions
from iacgate.reports.terminal import render

from . import sample as s


def page(report: s.Report, **options: object) -> str:
    return render(report, RenderOptions(**options)).decode()  # type: ignore[arg-type]


@pytest.mark.parametrize("outcome", Outcome)
def test_the_first_line_is_the_outcome_and_what_the_plan_does(outcome: Outcome) -> None:
    assert page(s.report(s.result(), outcome=outcome)).split("\n")[0] == f"{outcome.value.upper()}: introduces 1"


def test_a_blocking_finding_says_what_where_why_and_how_to_fix_it() -> None:
    assert page(s.report(s.result(location=s.Location("main.tf", 12, 20)))).split("\n\n", 2)[2] == (
        "Blocking (1)\n"
        "\n"
        "  HIGH      RDS instances have no public address\n"
        "    aws-rds-instance-not-public, hard-mandatory\n"
        "\n"
        "      module.db.aws_db_instance.main  main.tf:12  introduced  0da02f0eea4c\n"
        "        publicly_accessible is true, expected: equal to false\n"
        "\n"
        "    Fix: Set `publicly_accessible = false` and reach the database from inside\n"
        "         the VPC.\n"
        "\n"
        "30 resources: 27 evaluated, 3 not applicable (2 no-op data source, 1 provider\n"
        "  not covered); 140 checks, 5 about the account not asked; scope full\n"
        "Policy baseline 2025.1 (ffffffffffff)\n"
    )


def test_sections_come_in_the_order_of_their_weight() -> None:
    titles = [line.rpartition(" (")[0] for line in page(s.sample()).split("\n") if re.fullmatch(r"\w.* \(\d+\)", line)]
    assert titles == [
        "Blocking",
        "Could not be judged",
        "Needs review",
        "Would block once enforced",
        "To be answered after apply",
        "Notes, not blocking",
        "Released by an exception",
        "Fixed by this plan",
    ]


def test_resources_with_the_same_evidence_share_it() -> None:
    text = page(s.report(*[s.result(address=f"aws_db_instance.a[{n}]") for n in range(5)]))
    assert text.count("publicly_accessible is true") == text.count("Fix:") == 1
    assert text.count("aws_db_instance.a[") == 5


def test_two_hundred_findings_stay_readable() -> None:
    checks = [s.check(f"check-{n}", f"Title {n}") for n in range(8)]
    found = [s.result(check, f"aws_db_instance.a[{n}]") for check in checks for n in range(25)]
    text = page(s.report(*found))
    assert text.count("\n") < 200
    assert text.count("… and 15 more (see --format json)") == 8


def test_many_checks_are_cut_and_say_so() -> None:
    text = page(s.report(*[s.result(s.check(f"check-{n}", f"Title {n}")) for n in range(50)]))
    assert "… and 20 more checks with 20 results (see --format json)" in text


def test_what_does_not_block_is_counted_with_the_first_addresses() -> None:
    found = [s.result(address=f"a[{n}]", change=Change.PRE_EXISTING, effect=Effect.NOTE) for n in range(31)]
    text = page(s.report(*found, outcome=Outcome.ALLOW))
    assert "a[2]\n      … and 28 more (see --format json)" in text
    assert "a[3]" not in text


@pytest.mark.parametrize("width", [60, 80, 100, 120, 500, 1])
def test_only_names_and_places_that_do_not_break_are_wider_than_the_terminal(width: int) -> None:
    for line in page(s.sample(), width=width).splitlines():
        assert len(line) <= max(60, min(width, 120)) or " " not in line.strip()


def test_no_colour_means_no_escapes() -> None:
    assert "\x1b" not in page(s.sample())


def test_colour_changes_nothing_but_colour() -> None:
    assert re.sub(r"\x1b\[[\d;]*m", "", page(s.sample(), colour=True)) == page(s.sample())


def test_no_line_starts_with_a_workflow_command_after_wrapping() -> None:
    text = page(s.report(s.result(evidence=(), message="word " * 14 + "::stop-commands::x " * 20)))
    assert not re.search(r"^\s*::", text, re.MULTILINE)


def test_an_error_of_a_check_has_no_advice_on_the_resource() -> None:
    assert "Fix:" not in page(s.report(s.result(verdict=Verdict.ERROR, effect=Effect.ERROR, evidence=())))


def test_notes_and_side_effects_close_the_report() -> None:
    report = s.report(notes=("a note",))
    wanted = (s.SideEffect("ticket", "a", "b.c", "f", "p"), s.SideEffect("ticket", "a", "b.d", "g", "p"))
    report = report._replace(decision=report.decision._replace(side_effects=wanted))
    assert "Note: a note\nAlso: the policy asks for a ticket for 2 findings\n30 resources" in page(report)


def test_a_scan_has_one_line_and_one_that_is_no_evidence_says_why() -> None:
    good = s.Scan("t.sarif", s.Receipt("trivy", "0.57.1", 512, "4f2d8a6b9c1e0357", "2026-11-20T08:20:00Z"))
    bad = s.Scan("k.sarif", s.Receipt("kics"), problem="its run failed")
    text = page(s.report()._replace(scans=(good, bad)))
    line = "Scan by trivy 0.57.1 (t.sarif): 0 findings, 512 rules, commit 4f2d8a6b9c1e, 2026-11-20T08:20:00Z"
    assert line in " ".join(text.split())
    assert "Scan by kics (k.sarif): 0 findings, NO EVIDENCE: its run failed\n" in text


def test_a_finding_of_several_scanners_names_them() -> None:
    origins = (s.Origin("iacgate", s.RDS.id), s.Origin("trivy", "AVD-AWS-0180"), s.Origin("kics", "3511"))
    text = " ".join(page(s.report(s.result(origins=origins))).split())
    assert "introduced, by iacgate, trivy (AVD-AWS-0180) and kics (3511)" in text
