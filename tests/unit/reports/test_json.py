"""``iacgate/report/v1``."""

from typing import Any

import msgspec
import pytest

from iacgate.model.finding import Evidence
from iacgate.model.values import ABSENT, SENSITIVE, UNKNOWN
from iacgate.reports.interface import RenderOptions
from iacgate.reports.json import render

from . import sample as s


def decoded(report: s.Report, options: RenderOptions = s.PLAIN) -> Any:
    return msgspec.json.decode(render(report, options))


def test_is_one_line() -> None:
    assert render(s.sample(), s.PLAIN).count(b"\n") == 1


def test_has_the_keys_of_the_schema() -> None:
    assert list(decoded(s.sample())) == [
        *("schema", "tool", "input", "policy", "decision", "coverage", "summary", "results", "fixed", "notes", "scans")
    ]


def test_a_result_has_the_keys_and_values_of_the_schema() -> None:
    result = s.result(location=s.Location("main.tf", 12, 20), policy_rule="baseline.yaml:3")
    (printed,) = decoded(s.report(result))["results"]
    assert printed == {
        "check": "aws-rds-instance-not-public",
        "aliases": ["CKV_AWS_17", "AWS-0180"],
        "verdict": "fail",
        "change": "introduced",
        "waived": False,
        "family": "network-privacy",
        "severity": "high",
        "enforcement": "hard-mandatory",
        "effect": "deny",
        "policy_rule": "baseline.yaml:3",
        "subject": "resource",
        "resource": {
            "address": "module.db.aws_db_instance.main",
            "type": "aws_db_instance",
            "module": "module.db",
            "actions": ["create"],
        },
        "evidence": [{"path": "publicly_accessible", "actual": True, "expected": "equal to false"}],
        "location": {"file": "main.tf", "line": 12, "end_line": 20},
        "message": "module.db.aws_db_instance.main would get a public address",
        "remediation": "Set `publicly_accessible = false` and reach the database from inside the VPC.",
        "fingerprint": result.fingerprint,
        "fingerprint_after_move": None,
        "evidence_digest": "d" * 64,
        "exception": "",
        "sources": ["iacgate"],
    }


def test_a_finding_of_another_scanner_keeps_where_it_came_from() -> None:
    origin = s.Origin("trivy", "AVD-AWS-0180", "0.57.1", s.Severity.HIGH, "public", "")
    (printed,) = decoded(s.report(s.result(origins=(s.Origin("iacgate", s.RDS.id, "0.1.0"), origin))))["results"]
    assert printed["sources"] == ["iacgate", "trivy"]
    assert printed["origins"][1] == {
        "tool": "trivy",
        "rule": "AVD-AWS-0180",
        "version": "0.57.1",
        "severity": "high",
        "message": "public",
        "suppressed": "",
    }


def test_a_scan_and_a_side_effect_are_data() -> None:
    report = s.report()._replace(scans=(s.Scan("t.sarif", s.Receipt("trivy", rules=3), problem="its run failed"),))
    effect = s.SideEffect("ticket", "a", "b.c", "f", "acme / all, line 7")
    printed = decoded(report._replace(decision=report.decision._replace(side_effects=(effect,))))
    assert printed["scans"] == [
        {
            "tool": "trivy",
            "version": "",
            "rules": 3,
            "commit": "",
            "time": "",
            "input_sha256": "",
            "source": "t.sarif",
            "findings": 0,
            "images": 0,
            "problem": "its run failed",
        }
    ]
    assert printed["decision"]["side_effects"] == [effect._asdict()]


def test_summary_and_coverage_hold_every_count() -> None:
    printed = decoded(s.sample())
    assert set(printed["summary"]) == {
        *("pass", "fail", "unknown", "waived", "error", "introduced", "worsened", "pre_existing", "fixed"),
        *("would_block", "obligations"),
    }
    assert printed["coverage"]["not_applicable_reasons"] == {"no-op data source": 2, "provider not covered": 1}
    assert printed["coverage"]["not_applicable_pairs"] == 12


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        (Evidence("a", ABSENT, "set"), {"path": "a", "actual": None, "expected": "set", "state": "absent"}),
        (Evidence("a", UNKNOWN, "set"), {"path": "a", "actual": None, "expected": "set", "state": "unknown"}),
        (Evidence("a", SENSITIVE, "set"), {"path": "a", "actual": None, "expected": "set", "state": "sensitive"}),
        (Evidence("a", [1, {"b": None}], "x"), {"path": "a", "actual": [1, {"b": None}], "expected": "x"}),
        (
            Evidence("a", 2**70, "x", "t.other", ("var.a", "t.b"), "inventory"),
            {
                "path": "a",
                "actual": float(2**70),
                "expected": "x",
                "address": "t.other",
                "chain": ["var.a", "t.b"],
                "needs": "inventory",
            },
        ),
    ],
)
def test_evidence_shows_a_value_or_why_there_is_none(evidence: Evidence, expected: dict[str, Any]) -> None:
    assert decoded(s.report(s.result(evidence=(evidence,))))["results"][0]["evidence"] == [expected]


def test_pieces_that_repeat_are_those_of_their_own_result() -> None:
    report = s.sample()
    printed = decoded(report, s.PASSES)["results"]
    for result, shown in zip(report.results, printed, strict=True):
        assert shown["check"] == result.check.id
        assert shown["resource"]["address"] == result.subject.address
        assert shown["remediation"] == result.check.remediation
        words = (shown["verdict"], shown["change"], shown["effect"], shown["enforcement"])
        assert words == (result.verdict, result.change, result.effect, result.enforcement)


def test_fixed_results_have_the_same_shape_in_their_own_list() -> None:
    printed = decoded(s.sample())
    assert len(printed["fixed"]) == 5
    assert set(printed["fixed"][0]) == set(printed["results"][0])


@pytest.mark.parametrize("text", [t for name, t in s.HOSTILE.items() if name != "surrogate"])
def test_hostile_text_comes_back_as_it_was(text: str) -> None:
    printed = decoded(s.hostile(text), s.PASSES)
    assert printed["input"]["path"] == text
    assert printed["results"][0]["resource"]["address"] == text
    assert printed["results"][0]["evidence"][0]["actual"] == text
