"""Other scanners' results in one decision: merged, tied to resources, treated as the policy says, never just clean."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from iacgate.policy.fingerprint import fingerprint

from tests.acceptance.hostile import FIXTURES, PUBLIC_IP, Ran, call, instance, judge, plan, written

SCANS = FIXTURES / "scans"
BROKEN = FIXTURES / "plans" / "net-banking-broken-create.json"
BROKEN_SOURCE = FIXTURES / "configs" / "net-banking-broken"
HARMLESS = FIXTURES / "plans" / "legacy-harmless.json"
LEDGER = "module.data.aws_db_instance.ledger"
COMMIT = "4f2d8a6b9c1e0357fedcba98765432100a1b2c3d"
GOOD = {
    "after": {
        "associate_public_ip_address": False,
        "root_block_device": [{"encrypted": True}],
        "metadata_options": [{"http_tokens": "required"}],
    }
}


def sarif(*results: dict[str, Any], rules: int = 3, tool: str = "Trivy", **run: Any) -> dict[str, Any]:
    driver = {"name": tool, "version": "1.0", "rules": [{"id": f"RULE-{number}"} for number in range(rules)]}
    return {"version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": list(results), **run}]}


def result(
    rule: str = "RULE-0", address: str = "aws_instance.bad", level: str = "error", **more: Any
) -> dict[str, Any]:
    where = [{"logicalLocations": [{"fullyQualifiedName": address}]}] if address else []
    return {"ruleId": rule, "level": level, "message": {"text": f"{rule} is wrong"}, "locations": where, **more}


def run(folder: Path, scan: Any, *arguments: str | Path, changes: Any = (), policy: str = "") -> Ran:
    """A plan with one instance that is as it should be, judged with a scan."""
    plan_file = written(folder, plan(*(changes or [instance(change=GOOD)])))
    words = [*arguments, "--import-sarif", written(folder, scan, "scan.sarif")]
    if policy:
        words += ["--policy-set", written(folder, policy, "policy.yaml")]
    return judge(plan_file, *words)


def table(*rows: str) -> str:
    text = "schema: iacgate/policy/v1\nname: p\nversion: 1\npolicy_sets:\n  - name: s\n"
    text += (
        "    rules: [{checks: {tier: baseline, severity: [critical, high]}, level: hard-mandatory}]\n    scanners:\n"
    )
    return text + "".join(f"      - {row}\n" for row in rows)


def imported(ran: Ran) -> list[dict[str, Any]]:
    return [one for one in ran.report["results"] if one["sources"] != ["iacgate"]]


class TestMerging:
    def test_all_scanners_on_one_plan_and_one_finding_for_the_rule_they_share(self) -> None:
        files = [f"{name}.sarif" for name in ("trivy", "kics", "tfsec", "checkov")]
        words = [word for file in files for word in ("--import-sarif", SCANS / file)]
        alone = judge(BROKEN, "--source-dir", BROKEN_SOURCE).report
        both = judge(BROKEN, "--source-dir", BROKEN_SOURCE, *words).report
        (shared,) = [one for one in both["results"] if one["check"] == "aws-rds-instance-not-public"]
        (before,) = [one for one in alone["results"] if one["check"] == "aws-rds-instance-not-public"]
        assert shared["sources"] == ["iacgate", "trivy", "kics", "tfsec", "checkov"]
        assert [one["rule"] for one in shared["origins"][1:]] == [
            *("AVD-AWS-0180", "35113e6f-2c6b-414d-beec-7a9482d3b2d1", "aws-rds-enable-public-access", "CKV_AWS_17")
        ]
        assert shared["fingerprint"] == before["fingerprint"]
        prints = [one["fingerprint"] for one in both["results"]]
        assert len(prints) == len(set(prints))
        others = {one["fingerprint"] for one in both["results"]} - {one["fingerprint"] for one in alone["results"]}
        assert len(both["results"]) == len(alone["results"]) + len(others)

    def test_without_a_source_directory_an_address_or_a_block_of_one_module_is_enough(self) -> None:
        ran = judge(BROKEN, "--import-sarif", SCANS / "kics.sarif", "--import-conftest", SCANS / "conftest.json")
        assert {one["resource"]["address"] for one in imported(ran) if one["subject"] == "resource"} == {
            *(LEDGER, "aws_s3_bucket.settlement")
        }

    def test_one_place_is_every_instance_of_its_block(self, tmp_path: Path) -> None:
        place = {
            "physicalLocation": {"artifactLocation": {"uri": "modules/compute/batch.tf"}, "region": {"startLine": 5}}
        }
        scan = written(tmp_path, sarif(result(address="", locations=[place])), "scan.sarif")
        found = imported(judge(BROKEN, "--source-dir", BROKEN_SOURCE, "--import-sarif", scan))
        assert [one["resource"]["address"] for one in found] == [
            f"module.compute.aws_instance.batch[{number}]" for number in range(2)
        ]
        caller = {"file": "main.tf", "line": 53, "end_line": 66}
        here = {"file": "modules/compute/batch.tf", "line": 2, "end_line": 22, "callers": [caller]}
        assert found[0]["location"] == here

    @pytest.mark.parametrize("rule", ["CKV_AWS_88", "ckv_aws_88", PUBLIC_IP])
    def test_a_rule_that_is_ours_has_our_fingerprint_even_where_our_check_passes(
        self, rule: str, tmp_path: Path
    ) -> None:
        (one,) = imported(run(tmp_path, sarif(result(rule))))
        assert one["fingerprint"] == fingerprint(PUBLIC_IP, None, "aws_instance.bad")
        assert (one["check"], one["sources"], one["effect"]) == (PUBLIC_IP, ["trivy"], "deny")
        assert one["message"] == f"trivy {rule}: {rule} is wrong; iacgate's own check passes here"

    def test_where_ours_passes_the_pass_gives_way(self, tmp_path: Path) -> None:
        report = run(tmp_path, sarif(result("CKV_AWS_88")), "--include-passed").report
        verdicts = [one["verdict"] for one in report["results"] if one["check"] == PUBLIC_IP]
        assert verdicts == ["fail"]
        assert [one for one in report["results"] if one["verdict"] == "pass"], "other passes are listed"

    @pytest.mark.parametrize("rules", [("AVD-AWS-0107", "AWS-0107"), ("AWS-0107", "aws-vpc-no-public-ingress-sgr")])
    def test_two_spellings_of_one_rule_are_one_finding(self, rules: tuple[str, str], tmp_path: Path) -> None:
        (one,) = imported(run(tmp_path, sarif(*[result(rule) for rule in rules])))
        assert [origin["rule"] for origin in one["origins"]] == [*rules]

    def test_a_rule_of_theirs_alone_is_a_finding_of_its_own(self, tmp_path: Path) -> None:
        (one,) = imported(run(tmp_path, sarif(result("X-1"))))
        assert (one["check"], one["verdict"], one["change"]) == ("trivy:X-1", "fail", "introduced")
        assert one["fingerprint"] == fingerprint("trivy:X-1", None, "aws_instance.bad")
        assert one["origins"] == [
            {"tool": "trivy", "rule": "X-1", "version": "1.0", "severity": "high", "message": "X-1 is wrong",
             "suppressed": ""}
        ]  # fmt: skip

    def test_the_same_file_twice_changes_nothing(self, tmp_path: Path) -> None:
        once = run(tmp_path, sarif(result("X-1"), result("CKV_AWS_88")))
        copy = written(tmp_path, sarif(result("X-1"), result("CKV_AWS_88")), "copy.sarif")
        twice = run(tmp_path, sarif(result("X-1"), result("CKV_AWS_88")), "--import-sarif", copy)
        assert twice.report["results"] == once.report["results"]
        assert len(twice.report["scans"]) == 1

    def test_a_scanner_makes_a_finding_of_ours_stronger_and_never_weaker(self, tmp_path: Path) -> None:
        unknown = instance(change={"after": {}, "after_unknown": {"associate_public_ip_address": True}})
        for level, effect in (("error", "deny"), ("note", "review")):
            (one,) = imported(run(tmp_path, sarif(result("CKV_AWS_88", level=level)), changes=[unknown]))
            assert (one["verdict"], one["effect"], one["sources"]) == ("unknown", effect, ["iacgate", "trivy"])

    def test_a_finding_about_no_resource_stands_by_itself_and_blocks(self, tmp_path: Path) -> None:
        place = {"physicalLocation": {"artifactLocation": {"uri": "k8s/pod.yaml"}, "region": {"startLine": 3}}}
        ran = run(tmp_path, sarif(result(address="", locations=[place])))
        (one,) = imported(ran)
        assert (one["subject"], one["resource"]["address"], one["effect"]) == ("file", "k8s/pod.yaml", "deny")
        assert ran.report["notes"] == ["1 finding of other scanners is about no resource of this plan that is known"]

    def test_an_exception_releases_their_finding_by_its_id(self, tmp_path: Path) -> None:
        exception = (
            "exceptions:\n  - {id: e, check: 'trivy:X-1', address: aws_instance.bad, reason: r, owner: o,"
            " review_by: 2099-01-01, requires: [{check: aws-ec2-instance-private-ip}]}\n"
        )
        ran = run(tmp_path, sarif(result("X-1")), policy=table("{tool: trivy}") + exception)
        assert (ran.code, [one["effect"] for one in imported(ran)]) == (0, ["excepted"])
        open_one = run(tmp_path, sarif(result("X-1")), policy=table("{tool: trivy}") + exception, changes=[instance()])
        assert [one["effect"] for one in imported(open_one) if one["check"] == "trivy:X-1"] == ["deny"]


class TestBrownfield:
    @pytest.mark.parametrize(
        ("actions", "more", "change", "effect"),
        [
            (["no-op"], {}, "pre-existing", "note"),
            (["update"], {}, "introduced", "deny"),
            (["update"], {"baselineState": "unchanged"}, "pre-existing", "review"),
            (["create"], {}, "introduced", "deny"),
            (["delete"], {}, "pre-existing", "note"),
        ],
    )
    def test_what_the_plan_leaves_alone_was_there_before(
        self, actions: list[str], more: dict[str, Any], change: str, effect: str, tmp_path: Path
    ) -> None:
        values = {**GOOD, "actions": actions, "before": None if actions == ["create"] else GOOD["after"]}
        if actions == ["delete"]:
            values["after"] = None  # type: ignore[assignment]
        (one,) = imported(run(tmp_path, sarif(result("X-1", **more)), changes=[instance(change=values)]))
        assert (one["change"], one["effect"]) == (change, effect)


class TestTable:
    @pytest.mark.parametrize(
        ("level", "row", "effect"),
        [
            ("error", "{tool: none}", "deny"),
            ("warning", "{tool: none}", "review"),
            ("note", "{tool: none}", "note"),
            ("none", "{tool: none}", "review"),
            ("error", "{tool: trivy, severity: {high: note}}", "note"),
            ("error", "{tool: 't*', severity: {high: review}}", "review"),
            ("note", "{tool: '*', severity: {low: deny}}", "deny"),
            ("none", "{tool: trivy, severity: {unknown: note}}", "note"),
            ("warning", "{tool: TRIVY, severity: {high: note}}", "review"),
        ],
    )
    def test_source_and_severity_say_what_a_finding_does(
        self, level: str, row: str, effect: str, tmp_path: Path
    ) -> None:
        (one,) = imported(run(tmp_path, sarif(result("X-1", level=level)), policy=table(row)))
        assert one["effect"] == effect

    def test_a_later_row_overrides_and_reports_name_it(self, tmp_path: Path) -> None:
        rows = table("{tool: '*', severity: {high: note}}", "{tool: trivy, severity: {high: review}}")
        (one,) = imported(run(tmp_path, sarif(result("X-1")), policy=rows))
        assert (one["effect"], one["policy_rule"]) == ("review", "p / s, line 9")

    def test_of_two_sets_the_stricter_wins(self, tmp_path: Path) -> None:
        second = "  - name: t\n    rules: [{checks: {tier: baseline}, level: advisory}]\n    scanners:\n"
        rows = (
            table("{tool: trivy, severity: {high: note}}") + second + "      - {tool: t*, severity: {high: review}}\n"
        )
        (one,) = imported(run(tmp_path, sarif(result("X-1")), policy=rows))
        assert one["effect"] == "review"

    def test_tickets_and_notifications_are_listed_as_data(self, tmp_path: Path) -> None:
        row = "{tool: trivy, ticket: [high, medium], notify: [high]}"
        results = [result("X-1"), result("X-2", level="warning"), result("X-3", level="note")]
        ran = run(tmp_path, sarif(*results), policy=table(row))
        effects = ran.report["decision"]["side_effects"]
        assert [(one["kind"], one["check"]) for one in effects] == [
            *(("ticket", "trivy:X-1"), ("notify", "trivy:X-1"), ("ticket", "trivy:X-2"))
        ]
        assert {one["policy_rule"] for one in effects} == {"p / s, line 8"}
        prints = {one["check"]: one["fingerprint"] for one in imported(ran)}
        assert all(one["fingerprint"] == prints[one["check"]] for one in effects)

    @pytest.mark.parametrize(("row", "effect"), [("{tool: none}", "deny"), ("{tool: trivy, suppressed: note}", "note")])
    def test_what_is_suppressed_is_shown_and_counts_unless_the_table_says_otherwise(
        self, row: str, effect: str, tmp_path: Path
    ) -> None:
        given = result("X-1", suppressions=[{"kind": "inSource", "justification": "a test"}])
        (one,) = imported(run(tmp_path, sarif(given), policy=table(row)))
        assert one["effect"] == effect
        assert "suppresses it: a test; a request, not a waiver" in one["message"]

    @pytest.mark.parametrize(
        "row",
        [
            "{severity: {high: deny}}",
            "{tool: trivy, severity: {severe: deny}}",
            "{tool: trivy, severity: {high: allow}}",
            "{tool: trivy, max_age: 24}",
            "{tool: trivy, max_age: 0h}",
            "{tool: trivy, minimum_rules: 0}",
            "{tool: trivy, minimum_rules: many}",
            "{tool: trivy, required: maybe}",
            "{tool: trivy, suppressed: ignore}",
            "{tool: trivy, ticket: [severe]}",
            "{tool: trivy, tickets: [high]}",
        ],
    )
    def test_a_row_that_is_wrong_is_refused_by_reader_and_lint(self, row: str, tmp_path: Path) -> None:
        assert run(tmp_path, sarif(), policy=table(row)).code == 2
        ran = call("policy", "lint", tmp_path / "policy.yaml")
        assert ran.code == 2
        assert "policy.yaml:8:" in ran.out + ran.err


class TestEvidence:
    def receipt(self, folder: Path, **more: Any) -> list[str | Path]:
        now = datetime.now(UTC).isoformat()
        whole = {"schema": "iacgate/receipt/v1", "tool": "trivy", "rules": 500, "commit": COMMIT, "time": now, **more}
        kept = {key: value for key, value in whole.items() if value is not None}
        return ["--receipt", written(folder, kept, "receipt.json")]

    def test_an_empty_result_is_clean_only_with_a_receipt(self, tmp_path: Path) -> None:
        empty = sarif(rules=0)
        without = run(tmp_path, empty)
        assert (without.code, without.outcome) == (4, "error")
        assert "nothing shows that it had a rule" in without.report["decision"]["reasons"][0]
        assert run(tmp_path, empty, *self.receipt(tmp_path)).code == 0
        assert run(tmp_path, empty, *self.receipt(tmp_path, rules=0)).code == 4
        assert run(tmp_path, empty, *self.receipt(tmp_path, rules=None)).code == 4

    def test_a_scan_that_lists_its_rules_needs_none(self, tmp_path: Path) -> None:
        assert run(tmp_path, sarif()).code == 0

    @pytest.mark.parametrize(
        ("row", "receipt", "arguments", "problem"),
        [
            ("required: true, max_age: 24h", {}, [], ""),
            ("max_age: 24h", {"time": "2020-01-01T00:00:00Z"}, [], "older than the policy allows"),
            ("max_age: 24h", {"time": None}, [], "does not say when"),
            ("max_age: 24h", {"time": "2999-01-01T00:00:00Z"}, [], "in the future"),
            ("required: true", {"time": "2999-01-01T00:00:00Z"}, [], "in the future"),
            ("same_commit: true", {}, ["--commit", COMMIT], ""),
            ("same_commit: true", {}, ["--commit", COMMIT[:7].upper()], ""),
            ("same_commit: true", {}, [], "is not known (--commit)"),
            ("same_commit: true", {"commit": None}, ["--commit", COMMIT], "does not say for which"),
            ("required: true", {}, ["--commit", "0" * 40], "for another commit"),
            ("required: true", {"commit": None}, ["--commit", "0" * 40], ""),
            ("minimum_rules: 500", {}, [], ""),
            ("minimum_rules: 501", {}, [], "had 500 rules, and 501 are required"),
            ("same_input: true", {}, [], "does not say which input"),
            ("same_input: true", {"input_sha256": "0" * 64}, [], "for another input"),
        ],
    )
    def test_what_a_scan_must_show(
        self, row: str, receipt: dict[str, Any], arguments: list[str], problem: str, tmp_path: Path
    ) -> None:
        words = [*arguments, *self.receipt(tmp_path, **receipt)]
        ran = run(tmp_path, sarif(rules=0), *words, policy=table(f"{{tool: trivy, {row}}}"))
        assert ran.code == (4 if problem else 0), ran.report["decision"]
        assert problem in ran.report["scans"][0]["problem"]

    def test_the_very_plan_was_looked_at(self, tmp_path: Path) -> None:
        import hashlib

        data = written(tmp_path, plan(instance(change=GOOD))).read_bytes()
        words = self.receipt(tmp_path, input_sha256=hashlib.sha256(data).hexdigest())
        assert run(tmp_path, sarif(), *words, policy=table("{tool: trivy, same_input: true}")).code == 0

    def test_how_many_rules_it_had_may_be_what_is_missing(self, tmp_path: Path) -> None:
        ran = run(tmp_path, sarif(result("X", level="note"), rules=0), policy=table("{tool: trivy, minimum_rules: 9}"))
        assert "does not say how many" in ran.report["scans"][0]["problem"]

    @pytest.mark.parametrize(("tool", "code"), [("trivy", 0), ("t*", 0), ("checkov", 4)])
    def test_a_required_scan_that_is_missing_is_an_error(self, tool: str, code: int, tmp_path: Path) -> None:
        ran = run(tmp_path, sarif(), policy=table(f"{{tool: '{tool}', required: true}}"))
        assert ran.code == code
        if code:
            assert ran.report["decision"]["reasons"] == [
                f"a scan of {tool} is required (p / s, line 8), and there is none"
            ]

    def test_a_required_scan_is_missed_even_when_none_is_given(self, tmp_path: Path) -> None:
        policy = written(tmp_path, table("{tool: trivy, required: true}"), "policy.yaml")
        ran = judge(written(tmp_path, plan(instance(change=GOOD))), "--policy-set", policy)
        assert (ran.code, ran.outcome) == (4, "error")

    def test_a_receipt_of_other_results_is_an_error(self, tmp_path: Path) -> None:
        for more in ({"tool": "kics"}, {"results_sha256": "0" * 64}):
            ran = run(tmp_path, sarif(), *self.receipt(tmp_path, **more))
            assert ran.code == 4
            assert "belongs to no results" in ran.report["decision"]["reasons"][0]

    def test_a_scan_without_evidence_outweighs_a_deny(self, tmp_path: Path) -> None:
        failed = sarif(result("X-1"), invocations=[{"executionSuccessful": False}])
        ran = run(tmp_path, failed, changes=[instance()])
        assert (ran.code, ran.outcome) == (4, "error")
        assert "deny" in {one["effect"] for one in ran.report["results"]}

    def test_a_receipt_that_the_program_writes_is_one_that_it_takes(self, tmp_path: Path) -> None:
        results = written(tmp_path, sarif(rules=0), "scan.sarif")
        wrote = call("scanner", "receipt", results, "--tool", "Trivy", "--rules", "500", "--commit", COMMIT)
        assert wrote.code == 0
        ran = run(tmp_path, sarif(rules=0), "--receipt", written(tmp_path, wrote.out, "receipt.json"))
        assert ran.code == 0
        (one,) = ran.report["scans"]
        made = datetime.fromisoformat(one["time"])
        assert (one["rules"], one["commit"]) == (500, COMMIT)
        assert timedelta(0) <= datetime.now(UTC) - made < timedelta(minutes=5)

    @pytest.mark.parametrize(
        "words",
        [("missing.sarif", "--tool", "x"), ("empty", "--tool", "x"), ("scan", "--tool", "x", "--commit", "main")],
    )
    def test_no_receipt_for_nothing(self, words: tuple[str, ...], tmp_path: Path) -> None:
        written(tmp_path, b"", "empty")
        written(tmp_path, sarif(), "scan")
        ran = call("scanner", "receipt", tmp_path / words[0], *words[1:])
        assert ran.code in (2, 4)
        assert ran.out == ""

    def test_a_commit_that_is_none_is_wrong_use(self, tmp_path: Path) -> None:
        assert run(tmp_path, sarif(), "--commit", "main").code == 2

    def test_the_token_of_sonarqube_is_a_reference(self) -> None:
        words = ("--import-sonarqube", "https://sonar.example?projectKey=x", "--sonarqube-token", "squ_secret")
        ran = judge(HARMLESS, *words)
        assert ran.code == 2
        assert "squ_secret" not in ran.err


def test_explain_says_who_reports_a_finding_and_what_to_do_about_a_scan(tmp_path: Path) -> None:
    plan_file = written(tmp_path, plan(instance(change=GOOD)))
    scan = written(tmp_path, sarif(result("X-1"), result("CKV_AWS_88")), "scan.sarif")
    words = (plan_file, "--import-sarif", scan)
    assert "trivy 1.0: X-1, severity high" in call("explain", "X-1", *words).out
    assert "iacgate's own check of this rule does not fail here" in call("explain", "CKV_AWS_88", *words).out
    empty = written(tmp_path, sarif(rules=0), "empty.sarif")
    assert "let every scanner run to its end" in call("explain", plan_file, "--import-sarif", empty).out


def test_every_format_shows_the_scans_and_what_they_say(tmp_path: Path) -> None:
    plan_file = written(tmp_path, plan(instance(change=GOOD)))
    scan = written(tmp_path, sarif(result("X-1")), "scan.sarif")
    for name in ("terminal", "json", "sarif", "markdown", "github", "junit"):
        out = call("check", plan_file, "--import-sarif", scan, "--format", name).out
        assert "X-1" in out, name
        if name in ("terminal", "sarif", "markdown"):
            assert "Scan by trivy 1.0" in out, name


def test_secrets_of_the_plan_in_a_message_are_not_shown(tmp_path: Path) -> None:
    """Neither as a value, nor because a title of another scanner holds it and looks like our own words."""
    secret = "canary-9f2c-value"
    values = {"after": {**GOOD["after"], "user_data": secret}, "after_sensitive": {"user_data": True}}
    rules = [{"id": "X-1", "shortDescription": {"text": f"user data is {secret}"}}]
    given = result("X-1", message={"text": f"user_data is {secret}"})
    scan = sarif(given, tool="x")
    scan["runs"][0]["tool"]["driver"]["rules"] = rules
    plan_file = written(tmp_path, plan(instance(change=values)))
    scan_file = written(tmp_path, scan, "scan.sarif")
    for name in ("terminal", "json", "sarif", "markdown", "github", "junit"):
        ran = call("check", plan_file, "--import-sarif", scan_file, "--format", name)
        assert secret not in ran.out + ran.err
        assert "bug" not in ran.err
    assert secret not in call("explain", "X-1", plan_file, "--import-sarif", scan_file).out


def test_a_plain_check_imports_no_reader_of_scans() -> None:
    show = """
import sys
from iacgate.cli.main import main
main(["check", sys.argv[1], "-q", *sys.argv[2:]], standalone_mode=False)
print(*sorted(name for name in sys.modules if name.startswith("iacgate") and "scan" in name))
"""
    words = [sys.executable, "-c", show, str(HARMLESS)]
    shown = subprocess.run(words, capture_output=True, text=True, timeout=60, check=True).stdout.split()
    assert shown == [
        "iacgate.cli.scans",
        "iacgate.gate.scanned",
        "iacgate.model.image_scan",
        "iacgate.model.scan",
        "iacgate.policy.scanner_rules",
    ]


# file -> its text, and what must be said of it
HOSTILE: dict[str, tuple[Any, str]] = {
    "missing": (None, "cannot be read: no such file or directory"),
    "empty": (b"", "is empty"),
    "white space": (b"  \n", "nothing but white space"),
    "not JSON": (b"<html>", "not valid JSON"),
    "truncated": (json.dumps(sarif(result()))[:-7].encode(), "not valid JSON"),
    "null": (b"null", "is not SARIF"),
    "a plan": (json.dumps(plan()).encode(), "is not SARIF"),
    "SARIF 2.0": ({**sarif(), "version": "2.0.0"}, "is not SARIF 2.1.0"),
    "empty run list": ({"version": "2.1.0", "runs": []}, "holds no run"),
    "no results": ({"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "x"}}}]}, "it did not scan"),
    "failed invocation": (sarif(invocations=[{"executionSuccessful": False, "exitCode": 1}]), "its run failed"),
    "tool with zero rules": (sarif(rules=0), "nothing shows that it had a rule"),
    "results for another commit": (
        sarif(versionControlProvenance=[{"repositoryUri": "https://x.example", "revisionId": "0" * 40}]),
        "for another commit",
    ),
    "duplicate key": (b'{"version": "2.1.0", "runs": [], "runs": []}', "a key stands twice"),
    "duplicate key in a result": (
        json.dumps(sarif(result())).replace('"level": "error"', '"level": "error", "level": "note"').encode(),
        "a key stands twice",
    ),
    "deep nesting": (b'{"version":"2.1.0","runs":' + b"[" * 20_000 + b"]" * 20_000 + b"}", "nested too deeply"),
    "deep nesting in properties": (
        b'{"version":"2.1.0","properties":' + b'{"a":' * 20_000 + b"1" + b"}" * 20_000 + b',"runs":[]}',
        "nested too deeply",
    ),
    "gzip": (b"\x1f\x8b\x08", "gzip-compressed"),
    "a million results": (
        b'{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"x"}},"results":['
        + b",".join([b'{"message":{}}'] * 1_000_000)
        + b"]}]}",
        "holds more than 25000 results",
    ),
    "larger than any": (b" " * (32 * 2**20 + 1), "is larger than 32 MiB"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_sarif_is_an_error_and_never_clean(name: str, tmp_path: Path) -> None:
    content, sentence = HOSTILE[name]
    scan = tmp_path / "scan.sarif" if content is None else written(tmp_path, content, "scan.sarif")
    ran = judge(written(tmp_path, plan(instance(change=GOOD))), "--import-sarif", scan, "--commit", COMMIT)
    assert (ran.code, ran.outcome) == (4, "error")
    (reason,) = ran.report["decision"]["reasons"]
    assert sentence in reason
    assert "scan.sarif" in reason
    assert ran.report["scans"][0]["problem"]
    assert ran.seconds < 10


@pytest.mark.parametrize("option", ["--import-conftest", "--import-sonarqube"])
@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b"null", b"[" * 100_000, b'{"a":1,"a":2}'], ids=str)
def test_hostile_results_of_others_are_errors(option: str, content: bytes, tmp_path: Path) -> None:
    results = written(tmp_path, content, "results.json")
    assert judge(written(tmp_path, plan(instance(change=GOOD))), option, results).code == 4


def test_sarif_in_utf_16_is_read(tmp_path: Path) -> None:
    (one,) = imported(run(tmp_path, json.dumps(sarif(result("X-1"))).encode("utf-16")))
    assert one["check"] == "trivy:X-1"


@pytest.mark.parametrize(
    "uri",
    [
        "../../../../../../etc/passwd",
        "/etc/passwd",
        "file:///etc/passwd",
        "modules/../../../../etc/passwd",
        "https://evil.example/main.tf",
        "%2e%2e/%2e%2e/main.tf",
        "a" * 5_000,
        "a\x00b.tf",
        "/".join(["x"] * 3_000),
    ],
    ids=lambda uri: uri[:30],
)
def test_a_path_that_leads_elsewhere_is_tied_to_nothing_and_never_opened(uri: str, tmp_path: Path) -> None:
    place = {"physicalLocation": {"artifactLocation": {"uri": uri}, "region": {"startLine": 7}}}
    scan = written(tmp_path, sarif(result(address="", locations=[place])), "scan.sarif")
    ran = judge(BROKEN, "--source-dir", BROKEN_SOURCE, "--import-sarif", scan)
    (one,) = imported(ran)
    assert (one["subject"], one["effect"]) == ("file", "deny")


@pytest.mark.parametrize("name", ["terminal", "markdown", "github", "junit", "sarif", "json"])
def test_control_characters_of_a_message_reach_no_terminal(name: str, tmp_path: Path) -> None:
    evil = "\x1b]0;owned\x07\x1b[2J\x9b31m ##vso[task.setvariable]x \u202e"
    given = result(evil, message={"text": evil}, suppressions=[{"kind": "inSource", "justification": evil}])
    scan = sarif(given, tool=f"T{evil}")
    scan["runs"][0]["tool"]["driver"]["version"] = evil
    plan_file = written(tmp_path, plan(instance(change=GOOD)))
    ran = call("check", plan_file, "--format", name, "--import-sarif", written(tmp_path, scan, "scan.sarif"))
    assert ran.code == 1
    assert not set(ran.out + ran.err) & set("\x1b\x07\x9b\u202e")
    assert "##vso" not in ran.out


def test_what_another_scanner_calls_its_rule_is_none_of_our_own_words() -> None:
    """A secret in the title of a rule of theirs stays one that is hidden."""
    from iacgate.model.finding import Effect
    from iacgate.secrets import worth_hiding

    from tests.unit.reports import sample

    secret = "canary-9f2c-value"
    for slug, hidden in (("x:rule", {secret}), ("ours", set())):
        check = sample.check(slug, f"user data is {secret}")
        assert worth_hiding(frozenset({secret}), sample.report(sample.result(check, effect=Effect.NOTE))) == hidden
