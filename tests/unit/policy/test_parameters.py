"""Parameters: what checks leave to the policy bundle, who gives it, and what is said when it does not fit."""

from pathlib import Path
from typing import Any

import pytest

from iacgate.errors import PolicyError
from iacgate.policy.catalogue import Catalogue, compile_files, load_packaged
from iacgate.policy.catalogue import _open as open_compiled
from iacgate.policy.policy_file import read_policy
from iacgate.policy.policy_set import Policy, resolve_policy
from iacgate.policy.provider_schema import load
from iacgate.policy.yaml_nodes import Source

from tests.unit.policy.plans import change, plan_of, run

CHECK = """id: tagged
title: t
family: hygiene
severity: high
{parameters}
resource: aws_sqs_queue
condition: {condition}
message: m
rationale: r
remediation: r
examples: {{pass: [a], fail: [b]}}
"""
TAGS = "parameters: {required_tags: {about: Keys.}}"
DAYS = "parameters: {days: {about: Days., default: 7}}"
TAGGED = "{attribute: tags, contains_all: {parameter: required_tags}, absent: fail}"
KEPT = "{attribute: message_retention_seconds, at_least: {parameter: days}, absent: fail}"


def library(given: dict[str, Any], parameters: str = TAGS, condition: str = TAGGED) -> Catalogue:
    text = CHECK.format(parameters=parameters, condition=condition)
    part = open_compiled(compile_files(Path("checks"), [("tagged.yaml", text.encode())]))
    assert part is not None
    other = text.replace("id: tagged", "id: other").replace(parameters, "").replace(condition, "{action: create}")
    second = open_compiled(compile_files(Path("more"), [("other.yaml", other.encode())]))
    assert second is not None
    return Catalogue([part, second], given)


def resolved(catalogue: Catalogue, text: str = "", more: str = "") -> Policy:
    bundle = "schema: iacgate/policy/v1\nname: p\nversion: '1'\n" + text
    bundle += "policy_sets:\n  - {name: s, rules: [{checks: {id: '*'}, level: hard-mandatory}]}\n" + more
    source = Source("policy.yaml")
    read = read_policy(bundle.encode(), source)
    assert read is not None
    assert source.problems == []
    return resolve_policy(read, catalogue, None, trusted=False)


def verdicts(catalogue: Catalogue, after: Any) -> list[str]:
    plan = plan_of(change("aws_sqs_queue.q", "create", after))
    return [str(one.verdict) for one in run(catalogue, plan, resolved(catalogue)).results if one.check.id == "tagged"]


@pytest.mark.parametrize(
    ("given", "tags", "verdict"),
    [
        (["owner"], {"owner": "a"}, "pass"),
        (["owner", "env"], {"owner": "a"}, "fail"),
        (["owner"], None, "fail"),
    ],
)
def test_the_bundle_gives_what_the_check_leaves_open(given: list[str], tags: Any, verdict: str) -> None:
    assert verdicts(library({"required_tags": given}), {"tags": tags}) == [verdict]


@pytest.mark.parametrize(("given", "seconds", "verdict"), [({}, 7, "pass"), ({}, 6, "fail"), ({"days": 14}, 7, "fail")])
def test_a_default_holds_until_the_bundle_gives_another(given: dict[str, Any], seconds: int, verdict: str) -> None:
    assert verdicts(library(given, DAYS, KEPT), {"message_retention_seconds": seconds}) == [verdict]


def test_a_check_that_waits_for_a_parameter_is_not_asked_and_counted_so() -> None:
    catalogue = library({})
    how = resolved(catalogue)
    evaluation = run(catalogue, plan_of(change("aws_sqs_queue.q", "create", {})), how)
    assert {one.check.id for one in evaluation.results} == {"other"}
    assert (evaluation.coverage.not_asked, evaluation.coverage.checks_loaded) == (1, 1)


def test_a_policy_whose_only_check_waits_for_a_parameter_enforces_nothing_and_says_so() -> None:
    text = CHECK.format(parameters=TAGS, condition=TAGGED)
    part = open_compiled(compile_files(Path("checks"), [("tagged.yaml", text.encode())]))
    assert part is not None
    with pytest.raises(PolicyError, match="enforces nothing"):
        resolved(Catalogue([part]))


def test_no_exception_can_rely_on_a_check_that_is_not_asked() -> None:
    more = "exceptions:\n  - {id: e, check: other, address: a.b, reason: r, owner: o, review_by: 2099-01-01,"
    more += " requires: [{check: tagged}]}\n"
    with pytest.raises(PolicyError) as raised:
        resolved(library({}), more=more)
    assert "waits for a parameter: tagged" in raised.value.problems[0].message
    resolved(library({"required_tags": ["a"]}), more=more)


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ("required_tag: [owner]", "no check has a parameter `required_tag`; did you mean `required_tags`?"),
        ("required_tags: owner", "the parameter `required_tags` takes a list that is not empty"),
        ("required_tags: []", "the parameter `required_tags` takes a list that is not empty"),
        ("required_tags: ~", "the parameter `required_tags` takes a list that is not empty"),
        ("required_tags: [{key: owner}]", "the parameter `required_tags` takes a list of plain values"),
        ("required_tags: [[owner]]", "the parameter `required_tags` takes a list of plain values"),
    ],
)
def test_a_value_that_does_not_fit_is_a_problem_of_the_bundle_with_its_line(parameters: str, said: str) -> None:
    with pytest.raises(PolicyError) as raised:
        resolved(library({}), f"parameters:\n  {parameters}\n")
    assert [(one.message, one.line) for one in raised.value.problems] == [(said, 5)]


@pytest.mark.parametrize(
    ("parameters", "condition", "said"),
    [
        ("", TAGGED, "a parameter that the check does not declare"),
        ("parameters: {other: {about: x}}", TAGGED, "a parameter that the check does not declare"),
        (TAGS, "{attribute: name, equals: x, absent: fail}", "`required_tags` is used in no condition"),
        ("parameters: {required_tags: {about: x, default: owner}}", TAGGED, "the default of `required_tags` must be"),
        ("parameters: {required_tags: {default: [a]}}", TAGGED, "needs `about`"),
        ("parameters: {required_tags: {about: x, since: 1}}", TAGGED, "unknown key `since` of a parameter"),
        ("parameters: {Required: {about: x}}", TAGGED, "a parameter's name is made of"),
        ("parameters: [required_tags]", TAGGED, "`parameters` must be a mapping"),
    ],
)
def test_a_check_with_a_parameter_that_makes_no_sense_is_refused(parameters: str, condition: str, said: str) -> None:
    with pytest.raises(PolicyError) as raised:
        library({}, parameters, condition)
    assert any(said in one.message for one in raised.value.problems), raised.value.problems


def test_required_tags_are_asked_of_every_type_that_takes_tags() -> None:
    schema = load()
    asked = set(load_packaged().info(load_packaged().by_id["hygiene-required-tags"]).resource_types)
    types = [kind for kind in schema.types() if not kind.startswith("data.")]
    marks = {"aws": "tags_all", "azurerm": "tags", "google": "terraform_labels"}
    taking = {kind for kind in types if schema.attribute(kind, marks[kind.partition("_")[0]])}
    assert asked == taking


def test_the_packaged_library_asks_nothing_for_which_a_policy_must_give_a_parameter() -> None:
    catalogue = load_packaged()
    waiting = {head.id for number, head in enumerate(catalogue.heads) if catalogue.is_idle(number)}
    assert waiting == {
        "hygiene-required-tags",
        "hygiene-module-source-allowed",
        "hygiene-provider-source-allowed",
    }
