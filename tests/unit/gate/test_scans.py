"""A scan that is no evidence makes the outcome an error; one that is says what it found."""

import pytest

from iacgate.gate.scans import with_scans
from iacgate.model.decision import Outcome
from iacgate.model.scan import Receipt, Scan

from tests.unit.reports.sample import sample

GOOD = Scan("checkov", Receipt("checkov", "3"), notes=("ran 3 s",))
BAD = GOOD._replace(problem="it was silent")


def test_a_scan_without_a_problem_leaves_the_decision() -> None:
    report = sample()
    scanned = with_scans(report, [GOOD])
    assert scanned.decision == report.decision
    assert list(scanned.notes)[-2:] == ["checkov 3: 0 findings", "checkov 3: ran 3 s"]


@pytest.mark.parametrize("scans", [[BAD], [GOOD, BAD], [BAD, GOOD]])
def test_one_scan_with_a_problem_is_an_error_and_hides_no_reason(scans: list[Scan]) -> None:
    report = sample()
    decision = with_scans(report, scans).decision
    assert (decision.outcome, decision.exit_code) == (Outcome.ERROR, 4)
    assert decision.reasons == ("checkov gives no evidence: it was silent", *report.decision.reasons)
