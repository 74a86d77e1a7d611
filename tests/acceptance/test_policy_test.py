"""`iacgate policy test`: the examples of one's own checks, and what they leave open; `policy lint` beside it."""

import json
from pathlib import Path

import pytest
from junitparser import JUnitXml

from iacgate.policy.catalogue import packaged_root

from .hostile import call

CHECK = """\
id: own-queue
title: t
family: encryption
severity: low
resource: aws_sqs_queue
when: {attribute: fifo_queue, equals: true, absent: fail}
condition: {attribute: kms_master_key_id, is_set: true}
message: "{address}"
rationale: r
remediation: r
examples:
  pass:
    - |
      resource "aws_sqs_queue" "a" {
        fifo_queue        = true
        kms_master_key_id = "k"
      }
  fail:
    - resource "aws_sqs_queue" "a" { fifo_queue = true }
  unknown:
    - |
      variable "key" {}
      resource "aws_sqs_queue" "a" {
        fifo_queue        = true
        kms_master_key_id = var.key
      }
"""
BUNDLE = """\
schema: iacgate/policy/v1
name: own
version: 1
checks: [checks]
policy_sets:
  - name: all
    rules:
      - {checks: {id: own-queue}, level: hard-mandatory}
"""
EXCEPTION = (
    "exceptions:\n  - {{id: e, check: {}, address: a.b, reason: r, owner: o, review_by: 2030-01-01, requires: []}}\n"
)
UNKNOWN_TYPE = ("resource: aws_sqs_queue\n", "resource: [aws_sqs_queue, own_thing]\n")
SCHEMA = {
    "format_version": "1.0",
    "provider_schemas": {
        "registry.example/own/own": {
            "resource_schemas": {
                "own_thing": {
                    "version": 0,
                    "block": {"attributes": {"closed": {"type": "bool", "optional": True, "computed": True}}},
                }
            }
        }
    },
}


def written(root: Path, text: str = CHECK, name: str = "own-queue") -> Path:
    root.mkdir(parents=True, exist_ok=True)
    (root / f"{name}.yaml").write_text(text)
    return root


def changed(old: str, new: str, text: str = CHECK) -> str:
    assert old in text
    return text.replace(old, new, 1)


def test_the_packaged_checks_come_out_as_they_should_and_show_all_they_speak_of() -> None:
    ran = call("policy", "test", packaged_root(), "--format", "json")
    said = json.loads(ran.out)
    assert ran.code == 0
    assert said["summary"]["otherwise"] == 0
    assert said["summary"]["examples"] == said["summary"]["as_expected"] > 400
    assert {check["id"]: check["warnings"] for check in said["checks"] if check["warnings"]} == {}


def test_a_directory_and_a_file_say_how_many_came_out(tmp_path: Path) -> None:
    root = written(tmp_path)
    for path in (root, root / "own-queue.yaml"):
        ran = call("policy", "test", path)
        assert (ran.code, ran.out) == (0, "1 check, 3 examples: 3 as expected, 0 not\n")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            '        kms_master_key_id = "k"\n',
            "",
            ":13: pass example 1: expected pass, got fail\n    aws_sqs_queue.a: fail: kms_master_key_id is not set",
        ),
        (
            "key_id = var.key",
            "key_id = null",
            ":21: unknown example 1: expected unknown, got fail\n    aws_sqs_queue.a:",
        ),
        ("{ fifo_queue = true }", '{ name = "a" }', "got no verdict\n    `when` does not hold for aws_sqs_queue.a"),
        ('"aws_sqs_queue" "a" { fifo_queue = true }', '"aws_sns_topic" "a" {}', "    no aws_sqs_queue stands in it"),
        ('"aws_sqs_queue" "a" { fifo_queue = true }', '"aws_sqs_queue" {', "got no verdict\n    not valid HCL"),
        ("{ fifo_queue = true }", "{ fifo_queue = [1] }", "expected fail, got error\n    aws_sqs_queue.a: error: "),
        ("{ fifo_queue = true }", '{\n        fifo_queue = true\n        kms_master_key_id = "k"\n      }', "got pass"),
    ],
)
def test_an_example_that_comes_out_otherwise_is_told_with_what_made_it_so(
    old: str, new: str, said: str, tmp_path: Path
) -> None:
    text = changed(old, new)
    if new.startswith("{\n"):
        text = text.replace('- resource "aws_sqs_queue" "a" {\n', '- |\n      resource "aws_sqs_queue" "a" {\n')
    ran = call("policy", "test", written(tmp_path, text))
    assert ran.code == 2, ran
    assert said in ran.out
    assert f"  {tmp_path / 'own-queue.yaml'}:" in ran.out
    assert "1 check, 3 examples: 2 as expected, 1 not" in ran.out
    assert "1 example in" in ran.err


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (*UNKNOWN_TYPE, "warning: no example has own_thing"),
        ("aws_sqs_queue\nwhen: {attribute: fifo_queue, equals: true, absent: fail}\ncondition:",
         "aws_sqs_queue\nwhen: {action: delete}\ncondition:", "warning: `when` holds in no example"),
    ],
)  # fmt: skip
def test_what_no_example_shows_is_a_warning(old: str, new: str, said: str, tmp_path: Path) -> None:
    ran = call("policy", "test", written(tmp_path, changed(old, new)))
    assert said in ran.out


def test_cases_are_told_apart(tmp_path: Path) -> None:
    condition = "    condition: {attribute: kms_master_key_id, is_set: true}\n"
    cases = f"cases:\n  - resource: aws_sqs_queue\n{condition}  - resource: aws_sns_topic\n{condition}"
    start, end = CHECK.index("resource: aws_sqs"), CHECK.index("message:")
    ran = call("policy", "test", written(tmp_path, CHECK[:start] + cases + CHECK[end:]))
    assert (ran.code, "warning: no example of case 2 has aws_sns_topic" in ran.out) == (0, True), ran


def test_warnings_are_errors_where_that_is_asked_for(tmp_path: Path) -> None:
    root = written(tmp_path, changed(*UNKNOWN_TYPE))
    assert [call("policy", word, root).code for word in ("test", "lint")] == [0, 0]
    assert [call("policy", word, root, "--strict").code for word in ("test", "lint")] == [2, 2]
    assert "own_thing" in call("policy", "lint", root, "--strict").out


@pytest.mark.parametrize("word", ["test", "lint"])
def test_a_type_that_no_schema_holds_is_an_error_once_schemas_are_given(word: str, tmp_path: Path) -> None:
    schema = tmp_path / "schema.json"
    schema.write_text(json.dumps(SCHEMA))
    wrong = written(tmp_path / "a", changed("resource: aws_sqs_queue\n", "resource: [aws_sqs_queue, own_thimg]\n"))
    ran = call("policy", word, wrong, "--schema", schema)
    assert (ran.code, "no provider schema holds own_thimg; did you mean own_thing?" in ran.out + ran.err) == (2, True)
    assert call("policy", "lint", wrong).code == 0


def test_examples_of_types_that_only_a_schema_knows_run(tmp_path: Path) -> None:
    schema = tmp_path / "schema.json"
    schema.write_text(json.dumps(SCHEMA))
    text = CHECK[: CHECK.index("resource:")].replace("own-queue", "own-thing") + (
        "resource: own_thing\n"
        "condition: {attribute: closed, equals: true, absent: unknown}\n"
        "message: m\nrationale: r\nremediation: r\n"
        "examples:\n"
        '  pass: [\'resource "own_thing" "a" { closed = true }\']\n'
        '  fail: [\'resource "own_thing" "a" { closed = false }\']\n'
        '  unknown: [\'resource "own_thing" "a" {}\']\n'
    )
    ran = call("policy", "test", written(tmp_path / "own", text, "own-thing"), "--schema", schema)
    assert (ran.code, ran.out) == (0, "1 check, 3 examples: 3 as expected, 0 not\n"), ran


def test_only_the_checks_that_are_named_run(tmp_path: Path) -> None:
    written(tmp_path)
    written(tmp_path, CHECK.replace("own-queue", "own-other"), "own-other")
    assert call("policy", "test", tmp_path, "--check", "own-other").out.startswith("1 check, 3 examples")
    ran = call("policy", "test", tmp_path, "--check", "own-othr")
    assert (ran.code, ran.out, "did you mean `own-other`?" in ran.err) == (2, "", True)


@pytest.mark.parametrize("empty", ["fail: []", "pass: []", "unknown: []"])
def test_a_check_with_an_empty_list_of_examples_is_refused(empty: str, tmp_path: Path) -> None:
    label = empty.partition(":")[0]
    start = CHECK.index(f"  {label}:\n")
    end = min([at for at in (CHECK.find(f"\n  {one}:\n", start) for one in ("fail", "unknown")) if at > 0], default=-1)
    text = CHECK[:start] + f"  {empty}" + (CHECK[end:] if end > 0 else "\n")
    for word in ("test", "lint"):
        ran = call("policy", word, written(tmp_path, text))
        assert (ran.code, f"`examples.{label}` is empty" in ran.out + ran.err) == (2, True), ran


def test_no_example_runs_while_a_check_cannot_be_read(tmp_path: Path) -> None:
    ran = call("policy", "test", written(tmp_path, changed("severity: low", "severity: lowest")))
    assert (ran.code, ran.out) == (2, "")
    assert f"{tmp_path / 'own-queue.yaml'}:4:11: `severity` must be one of" in ran.err


def test_a_bundle_is_tested_with_its_checks_and_what_selects_nothing_is_named(tmp_path: Path) -> None:
    written(tmp_path / "checks")
    rules = BUNDLE + "      - {checks: {id: own-queue, severity: critical}, level: advisory}\n"
    written(tmp_path, rules + EXCEPTION.format("aws-ec2-instance-private-ip"), "own")
    for path in (tmp_path / "own.yaml", tmp_path):
        ran = call("policy", "test", path)
        assert ran.code == 0, ran
        assert f"{tmp_path / 'own.yaml'}:9:1: warning: this rule selects no check" in ran.out
        assert (
            "warning: the exception `e` releases nothing: no policy set enforces aws-ec2-instance-private-ip" in ran.out
        )
        assert "1 check, 3 examples: 3 as expected, 0 not; 2 warnings" in ran.out
    assert call("policy", "lint", tmp_path, "--strict").code == 2


def test_a_bundle_that_names_what_is_not_there_is_refused(tmp_path: Path) -> None:
    written(tmp_path / "checks")
    written(tmp_path, BUNDLE + EXCEPTION.format("own-queues"), "own")
    for word in ("test", "lint"):
        ran = call("policy", word, tmp_path)
        assert (ran.code, "names a check that does not exist: own-queues" in ran.out + ran.err) == (2, True), ran


def test_a_bundle_without_checks_of_its_own_has_nothing_to_test(tmp_path: Path) -> None:
    written(tmp_path, changed("checks: [checks]\n", "", changed("own-queue", "aws-*", BUNDLE)), "own")
    assert call("policy", "lint", tmp_path / "own.yaml").code == 0
    assert call("policy", "test", tmp_path / "own.yaml").code == 2


def test_junit_has_a_case_for_every_example(tmp_path: Path) -> None:
    root = written(tmp_path, changed("is_set: true", "is_set: false"))
    target = tmp_path / "report.xml"
    ran = call("policy", "test", root, "--format", "junit", "--output", target)
    assert (ran.code, ran.out) == (2, "")
    assert "1 check, 3 examples: 1 as expected, 2 not" in ran.err
    suites = list(JUnitXml.fromfile(str(target)))
    assert [(suite.name, suite.tests, suite.failures) for suite in suites] == [("own-queue", 3, 2)]
    cases = {case.name: [one.message for one in case.result] for case in suites[0]}
    assert cases == {
        "pass example 1": ["expected pass, got fail"],
        "fail example 1": ["expected fail, got pass"],
        "unknown example 1": [],
    }


def test_nothing_of_an_example_can_command_a_terminal_or_a_pipeline(tmp_path: Path) -> None:
    evil = changed('kms_master_key_id = "k"', 'name = "##vso[task.complete]"')
    evil = evil.replace("{attribute: kms_master_key_id, is_set: true}", '{attribute: name, equals: "x", absent: fail}')
    for name in ("terminal", "json", "junit"):
        assert "##vso" not in call("policy", "test", written(tmp_path, evil), "--format", name).out
