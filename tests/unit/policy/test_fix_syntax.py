"""The ``fix:`` of a check is held against the provider's schema."""

from typing import Any

import pytest

from iacgate.policy.check_file import read_check
from iacgate.policy.provider_schema import load
from iacgate.policy.yaml_nodes import Source

SCHEMA = load()
CHECK = """
id: a
title: t
family: hygiene
severity: low
resource: {kind}
condition: {{attribute: tags, is_set: true}}
fix: {fix}
message: m
rationale: r
remediation: r
examples: {{pass: [a], fail: [b]}}
"""


def read(fix: str, kind: str = "aws_instance") -> tuple[dict[str, Any] | None, list[str]]:
    source = Source("a.yaml")
    check = read_check(CHECK.format(fix=fix, kind=kind).encode(), source, "a", SCHEMA)
    return (check or {"cases": [{}]})["cases"][0].get("fix"), [one.message for one in source.problems]


@pytest.mark.parametrize(
    ("fix", "wanted"),
    [
        ("{set: {monitoring: true}}", {"set": [[["monitoring"], True]], "add": [], "note": ""}),
        (
            "{set: {metadata_options.http_tokens: required}, note: n}",
            {"set": [[["metadata_options", "http_tokens"], "required"]], "add": [], "note": "n"},
        ),
        (
            "{set: {'ebs_block_device[].encrypted': true}}",
            {"set": [[["ebs_block_device[]", "encrypted"], True]], "add": [], "note": ""},
        ),
        (
            "{add: {vpc_security_group_ids: sg-1}}",
            {"set": [], "add": [[["vpc_security_group_ids"], "sg-1"]], "note": ""},
        ),
    ],
)
def test_a_fix_is_read(fix: str, wanted: dict[str, Any]) -> None:
    assert read(fix) == (wanted, [])


@pytest.mark.parametrize(
    ("fix", "message"),
    [
        ("{}", "`fix` sets nothing"),
        ("{note: n}", "`fix` sets nothing"),
        ("{put: {monitoring: true}}", "unknown key `put` in `fix`"),
        ("{set: {monitorin: true}}", "aws_instance has no attribute `monitorin`; did you mean `monitoring`?"),
        ("{set: {monitoring: maybe}}", "`monitoring` takes a bool"),
        ("{set: {ebs_block_device.encrypted: true}}", "there can be several `ebs_block_device` in aws_instance"),
        ("{set: {metadata_options: x}}", "`metadata_options` is no attribute that can be set"),
        ("{set: {arn: x}}", "`arn` is settled by the provider"),
        ("{set: {tags.a: x}}", "`tags` of aws_instance is no block"),
        ("{set: {vpc_security_group_ids: x}}", "`vpc_security_group_ids` takes a set(string)"),
        ("{add: {monitoring: true}}", "`monitoring` is no list"),
        ("{set: {'Not a path': x}}", "this is not a path"),
    ],
)
def test_a_fix_that_could_not_be_written_is_a_problem(fix: str, message: str) -> None:
    _, problems = read(fix)
    assert [one for one in problems if one.startswith(message)], problems


def test_beside_cases_it_stands_inside_of_them() -> None:
    text = CHECK.format(fix="{set: {monitoring: true}}", kind="aws_instance")
    text = text.replace("resource: aws_instance\ncondition: ", "cases:\n  - resource: aws_instance\n    condition: ")
    source = Source("a.yaml")
    read_check(text.encode(), source, "a", SCHEMA)
    assert [one.message for one in source.problems] == ["`fix` stands inside each of `cases`"]
