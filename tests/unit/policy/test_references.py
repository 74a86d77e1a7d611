# ruff: noqa: E501 - tables read better in long lines
"""Where an unknown comes from: what a plan's references prove, and where they end."""

from typing import Any

import msgspec
import pytest

from iacgate.sources.plan_json import read_plan

from tests.unit.policy.plans import catalogue, change, plan_of, refers, verdicts

ENCRYPTED = catalogue(("encrypted", "aws_sns_topic", "{attribute: kms_master_key_id, is_set: true}", "high"))
TOPIC, KEY = "aws_sns_topic.t", "aws_kms_key.k"


def judged(*references: str, more: dict[str, Any] | None = None, keys: tuple[str, ...] = (KEY,), **extra: Any) -> str:
    changes = [change(key, "create", {}, {"arn": True, "id": True, "key_id": True}) for key in keys]
    topic = change(TOPIC, "create", {}, {"kms_master_key_id": True})
    configuration = {KEY: {}, TOPIC: {"kms_master_key_id": refers(*references), **extra}, **(more or {})}
    return verdicts(ENCRYPTED, plan_of(*changes, topic, configuration=configuration))[TOPIC]


@pytest.mark.parametrize(
    ("references", "verdict"),
    [
        (["aws_kms_key.k.arn", "aws_kms_key.k"], "pass"),
        (["aws_kms_key.k.key_id", "aws_kms_key.k"], "pass"),
        (["aws_kms_key.k.policy", "aws_kms_key.k"], "unknown"),
        (["aws_kms_key.gone.arn", "aws_kms_key.gone"], "unknown"),
        (["local.key"], "unknown"),
        (["var.key"], "unknown"),
        (["local.encrypt", "aws_kms_key.k.arn", "aws_kms_key.k"], "unknown"),
        (["var.encrypt", "aws_kms_key.k.arn", "aws_kms_key.k"], "unknown"),
        (["aws_kms_key.k.arn", "aws_kms_key.k", "aws_kms_key.k.arn", "aws_kms_key.k"], "unknown"),
        (["aws_kms_key.k.enable_key_rotation", "aws_kms_key.k", "aws_kms_key.k.arn", "aws_kms_key.k"], "unknown"),
        (["ephemeral.aws_x.y.arn", "ephemeral.aws_x.y"], "unknown"),
        (["path.module"], "unknown"),
        (["module.nowhere.arn", "module.nowhere"], "unknown"),
        ([], "unknown"),
    ],
)
def test_only_a_lone_reference_to_an_identity_is_surely_set(references: list[str], verdict: str) -> None:
    assert judged(*references) == verdict


def test_a_key_picked_by_each_key_or_count_is_set() -> None:
    for meta, keys in (("each.key", ('["a"]', '["b"]')), ("count.index", ("[0]", "[1]"))):
        assert judged("aws_kms_key.k", meta, keys=tuple(KEY + key for key in keys)) == "pass"
    assert judged("aws_kms_key.k", "each.key", "local.on", keys=(KEY + '["a"]',)) == "unknown"


def test_an_attribute_that_the_plan_does_not_name_may_be_this_very_one() -> None:
    # `aws_sns_topic.other[each.key].kms_master_key_id` is listed as `aws_sns_topic.other`; it may be null.
    other = change('aws_sns_topic.other["a"]', "create", {"kms_master_key_id": None}, {"id": True})
    topic = change(f'{TOPIC}["a"]', "create", {}, {"kms_master_key_id": True})
    configuration = {"aws_sns_topic.other": {}, TOPIC: {"kms_master_key_id": refers("aws_sns_topic.other", "each.key")}}
    assert verdicts(ENCRYPTED, plan_of(other, topic, configuration=configuration))[f'{TOPIC}["a"]'] == "unknown"


def test_each_value_leads_to_what_for_each_walks_through() -> None:
    topic = change(f'{TOPIC}["a"]', "create", {}, {"kms_master_key_id": True})
    key = change(f'{KEY}["a"]', "create", {}, {"arn": True})
    for attribute, verdict in (("arn", "pass"), ("policy", "unknown")):
        expressions = {
            "kms_master_key_id": refers(f"each.value.{attribute}", "each.value"),
            "for_each_expression": refers("aws_kms_key.k"),
        }
        found = verdicts(ENCRYPTED, plan_of(topic, key, configuration={KEY: {}, TOPIC: expressions}))
        assert found[f'{TOPIC}["a"]'] == verdict


def test_each_value_of_a_map_of_attributes_is_one_of_them() -> None:
    # for_each = { a = aws_kms_key.k.arn }; kms_master_key_id = each.value
    topic = change(f'{TOPIC}["a"]', "create", {}, {"kms_master_key_id": True})
    key = change(KEY, "create", {}, {"arn": True, "id": True})
    for source, verdict in (
        (("aws_kms_key.k.arn", "aws_kms_key.k"), "pass"),
        (("var.on", "aws_kms_key.k.arn"), "unknown"),
    ):
        expressions = {"kms_master_key_id": refers("each.value"), "for_each_expression": refers(*source)}
        found = verdicts(ENCRYPTED, plan_of(topic, key, configuration={KEY: {}, TOPIC: expressions}))
        assert found[f'{TOPIC}["a"]'] == verdict, source


def test_each_value_of_a_for_each_over_a_module_is_its_instance_of_the_same_key() -> None:
    # module "keys" { for_each }, then: for_each = module.keys; kms_master_key_id = each.value.o
    topics = [change(f'{TOPIC}["{key}"]', "create", {}, {"kms_master_key_id": True}) for key in "ab"]
    step = 'module.keys["a"]'
    key = change(f"{step}.aws_kms_key.x", "create", {}, {"arn": True}, module_address=step)
    block = {"mode": "managed", "type": "aws_kms_key", "name": "x", "expressions": {}}
    topic = {"mode": "managed", "type": "aws_sns_topic", "name": "t", "for_each_expression": refers("module.keys"),
             "expressions": {"kms_master_key_id": refers("each.value.o", "each.value")}}  # fmt: skip
    keys = {
        "module": {"resources": [block], "outputs": {"o": {"expression": refers("aws_kms_key.x.arn", "aws_kms_key.x")}}}
    }
    root = {"root_module": {"resources": [topic], "module_calls": {"keys": keys}}}
    document = {
        "format_version": "1.2",
        "planned_values": {},
        "resource_changes": [*topics, key],
        "configuration": root,
    }
    found = verdicts(ENCRYPTED, read_plan(msgspec.json.encode(document), "p"))
    assert found == {f'{TOPIC}["a"]': "pass", f'{TOPIC}["b"]': "unknown"}


def test_without_a_configuration_nothing_is_followed() -> None:
    assert verdicts(ENCRYPTED, plan_of(change(TOPIC, "create", {}, {"kms_master_key_id": True}))) == {TOPIC: "unknown"}


# --- modules ---------------------------------------------------------------------------------------------------------


def in_modules(reference: list[str], output: Any, call: Any) -> str:
    """A topic in module ``app`` whose key comes by ``reference``; module ``keys`` has the key and one output ``o``."""

    def one(kind: str, expressions: Any) -> dict[str, Any]:
        return {"mode": "managed", "type": kind, "name": "x", "expressions": expressions}

    key = change(
        "module.keys.aws_kms_key.x", "create", {"tags": None}, {"arn": True, "id": True}, module_address="module.keys"
    )
    topic = change("module.app.aws_sns_topic.x", "create", {}, {"kms_master_key_id": True}, module_address="module.app")
    keys = {"module": {"resources": [one("aws_kms_key", {})], "outputs": {"o": {"expression": output}}}}
    app = {
        "expressions": {"key": call} if call else {},
        "module": {"resources": [one("aws_sns_topic", {"kms_master_key_id": refers(*reference)})]},
    }
    root = {"root_module": {"module_calls": {"keys": keys, "app": app}}}
    document = {"format_version": "1.2", "planned_values": {}, "resource_changes": [key, topic], "configuration": root}
    return verdicts(ENCRYPTED, read_plan(msgspec.json.encode(document), "p"))["module.app.aws_sns_topic.x"]


ARN, WHOLE = refers("aws_kms_key.x.arn", "aws_kms_key.x"), refers("aws_kms_key.x")


@pytest.mark.parametrize(
    ("reference", "output", "call", "verdict"),
    [
        (["var.key"], ARN, refers("module.keys.o", "module.keys"), "pass"),
        (["var.key"], ARN, refers("local.on", "module.keys.o", "module.keys"), "unknown"),
        (["var.key"], ARN, {"constant_value": None}, "unknown"),
        (["var.key"], ARN, None, "unknown"),
        (["var.key.arn", "var.key"], WHOLE, refers("module.keys.o", "module.keys"), "pass"),
        (["var.key.description", "var.key"], WHOLE, refers("module.keys.o", "module.keys"), "unknown"),
        (["var.key"], WHOLE, refers("module.keys.o.policy", "module.keys.o", "module.keys"), "unknown"),
        (["var.key"], WHOLE, refers("module.keys.o.arn", "module.keys.o", "module.keys"), "pass"),
        (["var.key"], refers("local.key"), refers("module.keys.o", "module.keys"), "unknown"),
    ],
)  # fmt: skip
def test_references_are_followed_through_module_inputs_and_outputs(
    reference: list[str], output: Any, call: Any, verdict: str
) -> None:
    assert in_modules(reference, output, call) == verdict


# --- documents -------------------------------------------------------------------------------------------------------

OPEN = catalogue(("open", "aws_s3_bucket_policy",
    "{policy_document: policy, satisfies: {every: statement, satisfies: {attribute: anyone, equals: false}}, absent: pass}", "high"))  # fmt: skip
POLICY, DOCUMENT = "aws_s3_bucket_policy.p", "data.aws_iam_policy_document.d"


@pytest.mark.parametrize(
    ("references", "principal", "verdict"),
    [(["json"], "*", "fail"), (["json"], "111122223333", "pass"), (["minified_json"], "*", "fail"), (["id"], "*", "unknown")],
)  # fmt: skip
def test_a_document_that_a_data_source_will_make_is_judged(references: list[str], principal: str, verdict: str) -> None:
    blocks = [{"effect": "Allow", "principals": [{"type": "AWS", "identifiers": [principal]}]}]
    source = change(DOCUMENT, "read", {"statement": blocks}, {"json": True, "id": True})
    made = change(POLICY, "create", {}, {"policy": True})
    lone = refers(f"{DOCUMENT}.{references[0]}", DOCUMENT)
    assert verdicts(OPEN, plan_of(source, made, configuration={DOCUMENT: {}, POLICY: {"policy": lone}})) == {
        POLICY: verdict
    }
    beside = refers("local.x", f"{DOCUMENT}.{references[0]}", DOCUMENT)
    assert verdicts(OPEN, plan_of(source, made, configuration={DOCUMENT: {}, POLICY: {"policy": beside}})) == {
        POLICY: "unknown"
    }


def test_blocks_that_dynamic_writes_are_not_taken_for_left_out() -> None:
    library = catalogue(("closed", "aws_security_group",
        "{every: ingress, satisfies: {every: cidr_blocks, satisfies: {attribute: ., open_to_world: false}}, absent: pass}", "high"))  # fmt: skip
    group = "aws_security_group.g"
    dynamic = change(group, "create", {"ingress": [{"description": None}]}, {"ingress": [{"cidr_blocks": True}]})
    assert verdicts(library, plan_of(dynamic, configuration={group: {}})) == {group: "unknown"}
    none = change(group, "create", {}, {"ingress": True})
    assert verdicts(library, plan_of(none, configuration={group: {}})) == {group: "pass"}
    written = plan_of(none, configuration={group: {"ingress": refers("local.rules")}})
    assert verdicts(library, written) == {group: "unknown"}
