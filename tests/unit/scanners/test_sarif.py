"""SARIF of the tools that people run, and of none: what is read from each, and what is no evidence."""

import json
from pathlib import Path
from typing import Any

import pytest

from iacgate.errors import InputError
from iacgate.model.finding import Location, Severity
from iacgate.model.scan import Scan
from iacgate.scanners.sarif import MAX_RESULTS, read_sarif

SCANS = Path(__file__).parents[3] / "fixtures" / "scans"
NINE = [{"level": "error"}] * 9
LEDGER = "modules/data/relational.tf"


def scan_of(name: str) -> Scan:
    (scan,) = read_sarif(json.loads((SCANS / name).read_bytes()), name)
    return scan


def run(*results: dict[str, Any], **more: Any) -> dict[str, Any]:
    driver = {"name": "Some Tool", "rules": [{"id": "R1"}, {"id": "R2"}]}
    return {"tool": {"driver": driver}, "results": list(results), **more}


def result(**more: Any) -> dict[str, Any]:
    return {"ruleId": "R1", "message": {"text": "wrong"}, **more}


def read(*runs: Any, **more: Any) -> Scan:
    (scan,) = read_sarif({"version": "2.1.0", "runs": list(runs), **more}, "x.sarif")
    return scan


def finding(one: dict[str, Any], **more: Any) -> Any:
    (read_one,) = read(run(one, **more)).findings
    return read_one


@pytest.mark.parametrize(
    ("file", "tool", "version", "rules", "first"),
    [
        ("trivy.sarif", "trivy", "0.57.1", None, ("AVD-AWS-0180", Severity.HIGH, LEDGER, 18, 18)),
        ("kics.sarif", "kics", "v2.1.3", None, ("35113e6f-2c6b-414d-beec-7a9482d3b2d1", Severity.HIGH, "", 18, 18)),
        ("tfsec.sarif", "tfsec", "", None, ("aws-rds-enable-public-access", Severity.HIGH, "", 18, 18)),
        ("snyk.sarif", "snyk-iac", "1.1295.0", None, ("SNYK-CC-TF-125", Severity.HIGH, LEDGER, 18, 18)),
        ("checkov.sarif", "checkov", "3.2.334", None, ("CKV_AWS_17", None, LEDGER, 6, 26)),
        ("codeql.sarif", "codeql", "2.19.3", 2, ("hcl/aws/public-database", Severity.CRITICAL, LEDGER, 18, 18)),
        ("terrascan.sarif", "terrascan", "1.19.9", None, ("AC_AWS_0054", Severity.HIGH, "", 6, 6)),
    ],
)
def test_what_each_tool_writes(file: str, tool: str, version: str, rules: int | None, first: tuple[Any, ...]) -> None:
    scan = scan_of(file)
    assert (scan.receipt.tool, scan.receipt.version, scan.receipt.rules, scan.problem) == (tool, version, rules, "")
    one = scan.findings[0]
    assert one.location is not None
    rule, severity, place, line, end = first
    assert (one.rule, one.severity, one.location.line, one.location.end_line) == (rule, severity, line, end)
    assert one.location.file == place or (not place and one.location.file.endswith(LEDGER))


def test_trivy_says_the_base_of_its_paths_and_only_its_message_is_kept() -> None:
    one = scan_of("trivy.sarif").findings[0]
    assert one.base == "/builds/shop/infra/"
    assert one.message == "Instance has Public Access enabled"
    assert [other.severity for other in scan_of("trivy.sarif").findings] == ["high", "medium", "low"]


def test_kics_names_the_block_in_its_message_and_its_info_is_no_failure() -> None:
    scan = scan_of("kics.sarif")
    assert [(one.block, one.severity) for one in scan.findings] == [("aws_db_instance.ledger", "high"), ("", "low")]


def test_terrascan_names_the_block_in_a_logical_location() -> None:
    assert scan_of("terrascan.sarif").findings[0].block == "aws_db_instance.ledger"


def test_what_checkov_skips_is_kept_with_the_reason() -> None:
    assert [one.suppressed for one in scan_of("checkov.sarif").findings] == ["", "", "one region is enough"]


def test_codeql_says_when_and_at_which_commit() -> None:
    receipt = scan_of("codeql.sarif").receipt
    assert (receipt.time, receipt.commit[:8]) == ("2026-11-20T08:15:30Z", "4f2d8a6b")


def test_a_clean_run_of_a_tool_that_lists_what_fired_shows_no_rule() -> None:
    scan = scan_of("trivy-clean.sarif")
    assert (scan.receipt.rules, scan.findings, scan.problem) == (0, (), "")


@pytest.mark.parametrize(
    ("one", "rule_properties", "severity"),
    [
        ({}, {"security-severity": "9.0"}, Severity.CRITICAL),
        ({}, {"security-severity": 7.0}, Severity.HIGH),
        ({}, {"security-severity": "6.9"}, Severity.MEDIUM),
        ({}, {"security-severity": "0.0"}, Severity.LOW),
        ({"level": "note"}, {"security-severity": "9.8"}, Severity.CRITICAL),
        ({"level": "note", "properties": {"security-severity": "9.8"}}, {"security-severity": "1"}, Severity.CRITICAL),
        ({"level": "note"}, {"security-severity": "nan"}, Severity.LOW),
        ({"level": "note"}, {"security-severity": "-1"}, Severity.LOW),
        ({"level": "note"}, {"security-severity": [9]}, Severity.LOW),
        ({"level": "note"}, {"severity": "CRITICAL"}, Severity.CRITICAL),
        ({"level": "note"}, {"problem": {"severity": "high"}}, Severity.HIGH),
        ({"level": "note"}, {"tags": ["security", "HIGH"]}, Severity.HIGH),
        ({"level": "error"}, {}, Severity.HIGH),
        ({"level": "warning"}, {}, Severity.MEDIUM),
        ({}, {}, Severity.MEDIUM),
        ({"level": "none"}, {}, None),
        ({"level": "none", "kind": "open"}, {}, None),
        ({"level": "catastrophe"}, {}, None),
    ],
)
def test_severity_by_the_most_exact_that_is_said(
    one: dict[str, Any], rule_properties: dict[str, Any], severity: Severity | None
) -> None:
    driver = {"name": "x", "rules": [{"id": "R1", "properties": rule_properties}]}
    assert finding(result(**one), tool={"driver": driver}).severity is severity


def test_the_rule_gives_the_level_where_the_result_has_none() -> None:
    driver = {"name": "x", "rules": [{"id": "R1", "defaultConfiguration": {"level": "error"}}]}
    assert finding(result(), tool={"driver": driver}).severity is Severity.HIGH


@pytest.mark.parametrize("name", ["Checkov", "Bridgecrew", "Prisma Cloud"])
def test_that_checkov_calls_it_an_error_says_not_how_bad_it_is(name: str) -> None:
    assert finding(result(level="error"), tool={"driver": {"name": name}}).severity is None


@pytest.mark.parametrize(
    ("reference", "rule"),
    [
        ({"ruleId": "R2"}, "R2"),
        ({"ruleIndex": 1}, "R2"),
        ({"ruleId": "R2", "ruleIndex": 0}, "R2"),
        ({"ruleId": "R1/sub", "ruleIndex": 0}, "R1/sub"),
        ({"rule": {"id": "R2"}}, "R2"),
        ({"rule": {"index": 1}}, "R2"),
        ({"rule": {"index": 0, "toolComponent": {"index": 0}}}, "E1"),
        ({"rule": {"id": "E1", "toolComponent": {"index": 0}}}, "E1"),
        ({"ruleIndex": 99}, "unnamed-rule"),
        ({}, "unnamed-rule"),
    ],
)
def test_the_rule_is_found_by_id_index_or_reference(reference: dict[str, Any], rule: str) -> None:
    tool = {"driver": {"name": "x", "rules": [{"id": "R1"}, {"id": "R2"}]}, "extensions": [
        {"name": "pack", "rules": [{"id": "E1", "shortDescription": {"text": "of a pack"}}]}]}  # fmt: skip
    one = finding({"message": {"text": "m"}, **reference}, tool=tool)
    assert one.rule == rule
    assert one.title == {"E1": "of a pack"}.get(rule, "m")


@pytest.mark.parametrize(
    "more",
    [
        {"kind": "pass", "level": "none"},
        {"kind": "notApplicable"},
        {"kind": "informational"},
        {"baselineState": "absent"},
    ],
)
def test_what_is_no_failure_is_left_out_and_still_shows_that_it_ran(more: dict[str, Any]) -> None:
    scan = read(run(result(**more)))
    assert (scan.findings, scan.receipt.rules) == ((), 2)


def test_what_was_there_in_the_baseline_is_existing() -> None:
    states = {state: finding(result(baselineState=state)).existing for state in ("new", "updated", "unchanged")}
    assert states == {"new": False, "updated": False, "unchanged": True}


@pytest.mark.parametrize(
    ("suppressions", "text"),
    [
        ([], ""),
        (None, ""),
        ([{"kind": "inSource", "justification": "a test"}], "a test"),
        ([{"kind": "inSource"}], "suppressed in the source, without a reason"),
        ([{"kind": "external", "status": "underReview"}], ""),
        ([{"kind": "external"}, {"kind": "external", "status": "rejected"}], ""),
    ],
)
def test_only_an_accepted_suppression_is_one(suppressions: Any, text: str) -> None:
    assert finding(result(suppressions=suppressions)).suppressed == text


@pytest.mark.parametrize(
    ("logical", "address", "block"),
    [
        ({"fullyQualifiedName": 'module.a["x"].aws_s3_bucket.b[0]'}, 'module.a["x"].aws_s3_bucket.b[0]', ""),
        ({"name": "aws_s3_bucket.b"}, "aws_s3_bucket.b", ""),
        ({"name": "b", "kind": "aws_s3_bucket"}, "", "aws_s3_bucket.b"),
        ({"name": "Main.run", "fullyQualifiedName": "com.example.Main.run"}, "", ""),
        ({"name": "main.run"}, "", ""),
        ({"index": 0}, "aws_s3_bucket.shared", ""),
    ],
)
def test_a_logical_location_may_name_the_address(logical: dict[str, Any], address: str, block: str) -> None:
    one = finding(
        result(locations=[{"logicalLocations": [logical]}]), logicalLocations=[{"name": "aws_s3_bucket.shared"}]
    )
    assert (one.address, one.block) == (address, block)


@pytest.mark.parametrize(
    ("artifact", "file", "base"),
    [
        ({"uri": "main.tf"}, "main.tf", ""),
        ({"uri": "a%20b/main.tf"}, "a b/main.tf", ""),
        ({"uri": "file:///src/main.tf"}, "/src/main.tf", ""),
        ({"uri": "file:///C:/src/main.tf"}, "C:/src/main.tf", ""),
        ({"uri": "main.tf", "uriBaseId": "DIR"}, "main.tf", "/src/infra/"),
        ({"uri": "main.tf", "uriBaseId": "NONE"}, "main.tf", ""),
        ({"uri": "main.tf", "uriBaseId": "LOOP"}, "main.tf", ""),
        ({"index": 0}, "other.tf", ""),
        ({"uri": "../../etc/passwd"}, "../../etc/passwd", ""),
    ],
)
def test_a_place_is_a_path_and_what_it_is_relative_to(artifact: dict[str, Any], file: str, base: str) -> None:
    bases = {"ROOT": {"uri": "file:///src/"}, "DIR": {"uri": "infra/", "uriBaseId": "ROOT"},
             "LOOP": {"uri": "x/", "uriBaseId": "LOOP"}}  # fmt: skip
    place = {"physicalLocation": {"artifactLocation": artifact, "region": {"startLine": 3}}}
    one = finding(result(locations=[place]), originalUriBaseIds=bases, artifacts=[{"location": {"uri": "other.tf"}}])
    assert (one.location, one.base) == (Location(file, 3, 3), base)


def test_a_message_may_be_one_of_the_rules_with_arguments() -> None:
    driver = {"name": "x", "rules": [{"id": "R1", "messageStrings": {"bad": {"text": "{0} is {1} {2}"}}}]}
    one = finding(result(message={"id": "bad", "arguments": ["it", "wrong"]}), tool={"driver": driver})
    assert one.message == "it is wrong {2}"


@pytest.mark.parametrize(
    ("one", "problem"),
    [
        (run(invocations=[{"executionSuccessful": False, "exitCode": 2}]), "its run failed with exit code 2"),
        (run(invocations=[{"executionSuccessful": True}, {"executionSuccessful": False}]), "its run failed"),
        (run(invocations=[{"executionSuccessful": True, "exitSignalName": "SIGKILL"}]), "did not end by itself"),
        (run(invocations=[{"executionSuccessful": True, "processStartFailureMessage": "no"}]), "did not end by itself"),
        (
            run(invocations=[{"executionSuccessful": True, "toolExecutionNotifications": [{"level": "error"}]}]),
            "reports 1 error",
        ),
        (
            run(invocations=[{"executionSuccessful": True, "toolConfigurationNotifications": NINE}]),
            "reports 9 errors",
        ),
        ({**run(), "results": None}, "no list of results"),
        ({"tool": {"driver": {"name": "x"}}}, "no list of results"),
        (run(externalPropertyFileReferences={"results": [{"itemCount": 3}]}), "keeps results in other files"),
    ],
)
def test_a_run_that_did_not_see_everything_is_no_evidence(one: dict[str, Any], problem: str) -> None:
    assert problem in read(one).problem


def test_a_warning_of_the_tool_does_not_make_it_fail() -> None:
    notes = [{"level": "warning"}, {"level": "note"}, {}]
    assert not read(run(invocations=[{"executionSuccessful": True, "toolExecutionNotifications": notes}])).problem


def test_every_run_is_a_scan_of_its_own() -> None:
    scans = read_sarif({"version": "2.1.0", "runs": [run(result()), {**run(), "results": None}]}, "x")
    assert [bool(scan.problem) for scan in scans] == [False, True]


@pytest.mark.parametrize(
    ("document", "why"),
    [
        (None, "is not SARIF"),
        ([], "is not SARIF"),
        ({}, "is not SARIF"),
        ({"version": "2.1.0"}, "is not SARIF"),
        ({"runs": []}, "is not SARIF"),
        ({"version": "2.0.0", "runs": [run()]}, "is not SARIF 2.1.0"),
        ({"version": 2.1, "runs": [run()]}, "is not SARIF 2.1.0"),
        ({"version": "2.1.0", "runs": []}, "holds no run"),
        ({"version": "2.1.0", "runs": None}, "holds no run"),
        ({"version": "2.1.0", "runs": {}}, "malformed"),
        ({"version": "2.1.0", "runs": [None]}, "malformed"),
        ({"version": "2.1.0", "runs": [{}]}, "malformed"),
        ({"version": "2.1.0", "runs": [run({"ruleId": "R1"})]}, "malformed"),
        ({"version": "2.1.0", "runs": [run(result(ruleId=3))]}, "malformed"),
        ({"version": "2.1.0", "runs": [run(invocations=[{"executionSuccessful": "yes"}])]}, "malformed"),
        ({"version": "2.1.0", "runs": [run(invocations=[{}])]}, "malformed"),
        ({"version": "2.1.0", "runs": [run(*[result()] * (MAX_RESULTS + 1))]}, "holds more than"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_not_whole_sarif_is_refused(document: Any, why: str) -> None:
    with pytest.raises(InputError, match=why):
        read_sarif(document, "x.sarif")
