"""SARIF 2.1.0, against the schema of OASIS and what GitHub code scanning reads."""

import json
import os
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from iacgate.model.decision import Outcome
from iacgate.model.finding import Change, Effect, Location, Verdict
from iacgate.reports import sarif
from iacgate.reports.interface import RenderOptions

from . import sample as s

CONTRACTS = Path(os.environ.get("IACGATE_CONTRACTS", Path(__file__).parents[4] / "shared" / "contracts"))


def run(report: s.Report, options: RenderOptions = s.PLAIN) -> Any:
    (only,) = json.loads(sarif.render(report, options))["runs"]
    return only


def only_result(result: s.Result) -> Any:
    return run(s.report(result), s.PASSES)["results"][0]


@pytest.fixture(scope="module")
def schema() -> Any:
    path = CONTRACTS / "sarif-2.1.0.schema.json"
    if not path.exists():
        pytest.skip(f"no SARIF schema at {path}")
    loaded = json.loads(path.read_text())
    return jsonschema.validators.validator_for(loaded)(loaded, format_checker=jsonschema.FormatChecker())


@pytest.mark.parametrize(
    "report",
    [s.sample(), s.report(outcome=Outcome.ALLOW), *map(s.hostile, s.HOSTILE.values())],
    ids=["sample", "none", *s.HOSTILE],
)
def test_is_valid(schema: Any, report: s.Report) -> None:
    for options in (s.PLAIN, s.PASSES):
        schema.validate(json.loads(sarif.render(report, options)))


def test_several_reports_are_runs_of_one_valid_log_with_categories_of_their_own(schema: Any) -> None:
    log = json.loads(sarif.render_all([s.sample(), s.report(path="b.json", workspace=None)], s.PLAIN))
    schema.validate(log)
    assert [run["automationDetails"]["id"] for run in log["runs"]] == ["iacgate/prod/", "iacgate/b.json/"]


def test_without_a_workspace_the_caller_sets_the_category() -> None:
    assert "automationDetails" not in run(s.report(workspace=None))


@pytest.mark.parametrize(
    ("verdict", "effect", "kind", "level"),
    [
        (Verdict.FAIL, Effect.DENY, "fail", "error"),
        (Verdict.FAIL, Effect.REVIEW, "fail", "warning"),
        (Verdict.FAIL, Effect.WOULD_BLOCK, "fail", "warning"),
        (Verdict.FAIL, Effect.NOTE, "fail", "note"),
        (Verdict.FAIL, Effect.EXCEPTED, "fail", "note"),
        (Verdict.UNKNOWN, Effect.REVIEW, "review", "none"),
        (Verdict.UNKNOWN, Effect.OBLIGATION, "open", "none"),
        (Verdict.UNKNOWN, Effect.NOTE, "open", "none"),
        (Verdict.ERROR, Effect.ERROR, "open", "none"),
        (Verdict.PASS, Effect.NONE, "pass", "none"),
        (Verdict.NOT_APPLICABLE, Effect.NONE, "notApplicable", "none"),
    ],
)
def test_kind_follows_the_verdict_and_level_the_effect(verdict: Verdict, effect: Effect, kind: str, level: str) -> None:
    shown = only_result(s.result(verdict=verdict, effect=effect))
    assert (shown["kind"], shown["level"]) == (kind, level)


@pytest.mark.parametrize(
    ("change", "effect", "state"),
    [
        (Change.INTRODUCED, Effect.DENY, "new"),
        (Change.WORSENED, Effect.DENY, "updated"),
        (Change.PRE_EXISTING, Effect.NOTE, "unchanged"),
        (Change.FIXED, Effect.NONE, "absent"),
        (None, Effect.ERROR, "new"),
        (None, Effect.NONE, "unchanged"),
    ],
)
def test_baseline_state_follows_the_change(change: Change | None, effect: Effect, state: str) -> None:
    assert only_result(s.result(change=change, effect=effect))["baselineState"] == state


def test_what_the_plan_fixes_is_listed_with_the_passes_only() -> None:
    states = [[result["baselineState"] for result in run(s.sample(), o)["results"]] for o in (s.PLAIN, s.PASSES)]
    assert [found.count("absent") for found in states] == [0, 5]


def test_a_result_names_its_file_or_else_the_plan() -> None:
    known = only_result(s.result(location=Location("a b.tf", 3, 9)))["locations"][0]["physicalLocation"]
    assert known == {"artifactLocation": {"uri": "a%20b.tf"}, "region": {"startLine": 3, "endLine": 9}}
    plan = only_result(s.result())["locations"][0]["physicalLocation"]
    assert plan == {"artifactLocation": {"uri": "plan.json"}, "region": {"startLine": 1}}


def test_a_result_has_its_address_and_fingerprint() -> None:
    result = s.result()
    shown = only_result(result)
    assert shown["partialFingerprints"] == {"iacgate/v1": result.fingerprint}
    assert shown["locations"][0]["logicalLocations"][0]["fullyQualifiedName"] == result.subject.address


def test_an_excepted_result_is_suppressed_and_no_other_is() -> None:
    shown = run(s.sample())["results"]
    suppressed = [result for result in shown if "suppressions" in result]
    assert [r["suppressions"] for r in suppressed] == [
        [{"kind": "external", "status": "accepted", "justification": "EX-7"}]
    ]


def test_a_rule_has_help_severity_tags_and_aliases() -> None:
    rule = run(s.report(s.result()))["tool"]["driver"]["rules"][0]
    assert rule["properties"]["security-severity"] == "8.0"
    assert "security" in rule["properties"]["tags"]
    assert rule["properties"]["aliases"] == ["CKV_AWS_17", "AWS-0180"]
    assert "Fix: Set" in rule["help"]["text"]
    assert "<code>" in rule["help"]["markdown"]


@pytest.mark.parametrize("outcome", Outcome)
def test_the_invocation_tells_the_exit_code_and_whether_the_gate_could_judge(outcome: Outcome) -> None:
    invocation = run(s.report(outcome=outcome))["invocations"][0]
    assert invocation["exitCode"] == s.EXIT_CODES[outcome]
    assert invocation["executionSuccessful"] is (outcome is not Outcome.ERROR)


def test_a_check_error_is_a_notification_too() -> None:
    told = run(s.sample())["invocations"][0]["toolExecutionNotifications"]
    assert [n["associatedRule"]["id"] for n in told if n["level"] == "error"] == ["aws-rds-instance-not-public"]


def test_keeps_the_weightiest_results_up_to_the_limit_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sarif, "RESULT_LIMIT", 3)
    notes = [s.result(s.TAGS, f"a{n}", effect=Effect.NOTE) for n in range(5)]
    shown = run(s.report(*notes, s.result(s.RDS, "deny")))
    assert len(shown["results"]) == 3
    assert shown["results"][0]["level"] == "error"
    texts = [n["message"]["text"] for n in shown["invocations"][0]["toolExecutionNotifications"]]
    assert "3 results left out: a run holds 3, the weightiest are kept" in texts


def test_the_limit_is_what_github_accepts() -> None:
    assert sarif.RESULT_LIMIT == 25_000


def test_untrusted_text_makes_no_link_in_a_message() -> None:
    shown = run(s.hostile(s.HOSTILE["links"]), s.PASSES)
    messages = [item["message"] for item in (*shown["results"], *shown["invocations"][0]["toolExecutionNotifications"])]
    messages += [rule[key] for rule in shown["tool"]["driver"]["rules"] for key in ("shortDescription", "help")]
    assert not any("](" in message["text"] for message in messages)
