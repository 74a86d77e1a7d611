# ruff: noqa: E501 - tables read better in long lines
"""Checks on modules, providers, variables and blocks: what they see, and how their findings count."""

from collections.abc import Mapping
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import msgspec
import pytest

from iacgate.gate.decide import decide, summarize
from iacgate.model.plan import Plan, ProviderLock
from iacgate.policy.catalogue import Catalogue, compile_files
from iacgate.policy.catalogue import _open as open_compiled
from iacgate.policy.world import World
from iacgate.sources.plan_json import read_plan
from iacgate.sources.state_json import read_state

from tests.unit.policy.plans import change, policy, run

AWS = "registry.terraform.io/hashicorp/aws"
CHECK = """id: {id}
title: A check
family: hygiene
severity: {severity}
subject: {subject}
condition: {condition}
message: "{{address}} is wrong"
rationale: Because.
remediation: Do better.
examples: {{pass: [a], fail: [b]}}
"""


def library(subject: str, condition: str, severity: str = "high", more: str = "") -> Catalogue:
    text = CHECK.format(id="one", subject=subject, condition=condition, severity=severity) + more
    part = open_compiled(compile_files(Path(mkdtemp()), [("one.yaml", text.encode())]))
    assert part is not None
    return Catalogue([part])


def plan(
    root: Any = None, *changes: Any, providers: Any = None, locks: Mapping[str, ProviderLock] | None = None, **more: Any
) -> Plan:
    document: dict[str, Any] = {
        "format_version": "1.2",
        "planned_values": {"root_module": {}},
        "resource_changes": changes,
        **more,
    }
    if root is not None:
        document["configuration"] = {"root_module": root, "provider_config": providers or {}}
    made = read_plan(msgspec.json.encode(document), "plan.json")
    made.read_locks = lambda: locks
    return made


def call(source: str = "", version: str = "", **inner: Any) -> dict[str, Any]:
    return {
        **({"source": source} if source else {}),
        **({"version_constraint": version} if version else {}),
        "module": inner,
    }


def block(kind: str, name: str, mode: str = "managed", **more: Any) -> dict[str, Any]:
    return {"address": f"{kind}.{name}", "mode": mode, "type": kind, "name": name, **more}


PINNED = library("module", "{attribute: pin, in: [local, commit, version, tag]}")


def test_every_module_call_is_one_subject_however_deep_and_however_many_instances() -> None:
    nested = call("acme/b/aws", "1.0.0", module_calls={"c": call("git::https://x.example/c.git")})
    root = {"module_calls": {"a": call("./a", module_calls={"b": nested}), "d": call()}}
    changes = [change(f"module.a[{i}].module.b.aws_sqs_queue.q", "create", {}) for i in range(3)]
    found = {
        one.subject.address: (str(one.verdict), one.subject.kind, one.subject.module)
        for one in run(PINNED, plan(root, *changes)).results
    }
    assert found == {
        "module.a": ("pass", "module", None),
        "module.a.module.b": ("pass", "module", "module.a"),
        "module.a.module.b.module.c": ("fail", "module", "module.a.module.b"),
        "module.d": ("unknown", "module", None),
    }


def test_parts_are_no_resources_and_change_nothing_of_the_coverage() -> None:
    root = {"module_calls": {"a": call("git::https://x.example/a.git")}}
    evaluation = run(PINNED, plan(root, change("aws_sqs_queue.q", "create", {})))
    coverage = evaluation.coverage
    assert (coverage.resources, coverage.evaluated, coverage.not_applicable) == (1, 0, 1)
    assert coverage.scope == "none"
    assert coverage.not_applicable_reasons == {"no check for this type": 1}
    assert (summarize(evaluation).fail, summarize(evaluation).introduced) == (1, 1)


def test_a_finding_on_a_part_decides_like_any_other() -> None:
    made = plan({"module_calls": {"a": call("git::https://x.example/a.git")}})
    how = policy(PINNED, "{checks: {id: '*'}, level: hard-mandatory}")
    assert decide([made], run(PINNED, made, how), how).outcome == "deny"


@pytest.mark.parametrize(
    ("changes", "related", "effect"),
    [
        ([], "introduced", "deny"),
        ([("module.a.aws_sqs_queue.q", "create")], "introduced", "deny"),
        ([("module.a.aws_sqs_queue.q", "no-op")], "pre-existing", "note"),
        ([("module.a.aws_sqs_queue.q", "no-op"), ("module.a.aws_sqs_queue.r", "update")], "pre-existing", "review"),
        ([("module.a.aws_sqs_queue.q", "replace")], "pre-existing", "review"),
        ([("module.a.module.b.aws_sqs_queue.q", "no-op")], "pre-existing", "note"),
        ([("aws_sqs_queue.q", "no-op")], "introduced", "deny"),
        ([("module.ab.aws_sqs_queue.q", "no-op")], "introduced", "deny"),
    ],
)
def test_what_stands_over_resources_that_were_there_is_pre_existing(
    changes: list[tuple[str, str]], related: str, effect: str
) -> None:
    root = {"module_calls": {"a": call("git::https://x.example/a.git")}}
    made = [
        change(address, actions, {"x": 1}, None, None if actions == "create" else {"x": 2})
        for address, actions in changes
    ]
    (result,) = run(PINNED, plan(root, *made)).results
    assert (str(result.change), str(result.effect)) == (related, effect)


def test_an_exception_names_a_module_by_its_address() -> None:
    exceptions = (
        "  - {id: e, check: one, address: module.a, reason: r, owner: o, review_by: 2099-01-01, requires: []}\n"
    )
    how = policy(PINNED, "{checks: {id: '*'}, level: hard-mandatory}", exceptions=exceptions)
    root = {"module_calls": {"a": call("git::https://x.example/a.git"), "b": call("git::https://x.example/b.git")}}
    assert {one.subject.address: str(one.effect) for one in run(PINNED, plan(root), how).results} == {
        "module.a": "excepted", "module.b": "deny"}  # fmt: skip


def test_evidence_of_a_source_holds_no_credentials() -> None:
    sourced = library("module", "{attribute: source, equals: x}")
    made = plan({"module_calls": {"a": call("git::https://oauth2:canary-s3cret@gitlab.com/acme/a.git?ref=v1.0.0")}})
    (result,) = run(sourced, made).results
    assert [one.actual for one in result.evidence] == ["git::https://gitlab.com/acme/a.git?ref=v1.0.0"]


def test_a_plan_without_its_configuration_does_not_read_as_one_without_modules() -> None:
    made = plan(None, change("module.a.aws_sqs_queue.q", "create", {}), change("aws_sqs_queue.q", "create", {}))
    assert [(one.subject.address, str(one.verdict)) for one in run(PINNED, made).results] == [("module.a", "unknown")]
    provisioned = library("block", "{every: provisioners, satisfies: {attribute: type, not_in: [local-exec]}}")
    assert {str(one.verdict) for one in run(provisioned, made).results} == {"unknown"}
    secrets = library("block", "{attribute: ., holds_secret: false}")
    assert {str(one.verdict) for one in run(secrets, made).results} == {"unknown"}


def test_a_state_has_no_configuration_and_no_parts() -> None:
    state = {"format_version": "1.0", "values": {"root_module": {"resources": [
        {"address": "aws_sqs_queue.q", "type": "aws_sqs_queue", "name": "q", "mode": "managed", "values": {}}]}}}  # fmt: skip
    assert run(PINNED, read_state(msgspec.json.encode(state), "state.json")).results == []


LOCKED = library("provider", "{attribute: lock, equals: locked}")
HASHED, UNHASHED = ProviderLock("5.100.0", ("h1:x",)), ProviderLock("5.100.0", ())


@pytest.mark.parametrize(
    ("locks", "verdict"),
    [
        (None, "unknown"),
        ({}, "fail"),
        ({AWS: HASHED}, "pass"),
        ({AWS: UNHASHED}, "fail"),
        ({"registry.opentofu.org/hashicorp/aws": HASHED}, "fail"),
    ],
)
def test_a_provider_is_locked_where_the_lock_file_has_hashes_of_it(locks: Any, verdict: str) -> None:
    providers = {"aws": {"name": "aws", "full_name": AWS}}
    (result,) = run(LOCKED, plan({}, providers=providers, locks=locks)).results
    assert (str(result.verdict), result.subject.address) == (verdict, f'provider["{AWS}"]')


def test_a_provider_is_one_subject_with_the_constraints_of_all_modules() -> None:
    providers = {
        "aws": {"name": "aws", "full_name": AWS, "version_constraint": "~> 5.0"},
        "aws.eu": {"name": "aws", "full_name": AWS, "alias": "eu", "version_constraint": "~> 5.0"},
        "module.a:aws": {
            "name": "aws",
            "full_name": AWS,
            "module_address": "module.a",
            "version_constraint": ">= 5.10",
        },
        "terraform": {"name": "terraform", "full_name": "terraform.io/builtin/terraform"},
    }
    used = change("null_resource.a", "create", {}, provider_name="registry.terraform.io/hashicorp/null")
    parts = {
        one.address: one.values.get("constraints")
        for one in World(plan({}, used, providers=providers), "after", frozenset()).parts.of("provider")
    }
    assert parts == {
        f'provider["{AWS}"]': ["~> 5.0", ">= 5.10"],
        'provider["registry.terraform.io/hashicorp/null"]': None,
    }
    constrained = library("provider", "{attribute: constraints, is_empty: false}")
    found = {
        one.subject.address: str(one.verdict) for one in run(constrained, plan({}, used, providers=providers)).results
    }
    assert found == {f'provider["{AWS}"]': "pass", 'provider["registry.terraform.io/hashicorp/null"]': "unknown"}


PROVISIONED = library("block", "{every: provisioners, satisfies: {attribute: type, not_in: [local-exec, remote-exec]}}",
                      more="when: {action: [create, delete, replace]}\n")  # fmt: skip


@pytest.mark.parametrize(
    ("actions", "found"),
    [("create", "introduced"), ("replace", "introduced"), ("update", None), ("no-op", None), ("delete", "introduced")],
)
def test_a_provisioner_counts_where_it_runs(actions: str, found: str | None) -> None:
    root = {"resources": [block("null_resource", "a", provisioners=[{"type": "file"}, {"type": "local-exec"}])]}
    made = change(
        "null_resource.a[0]",
        actions,
        None if actions == "delete" else {},
        None,
        None if actions == "create" else {"x": 1},
    )
    assert [str(one.change) for one in run(PROVISIONED, plan(root, made)).results] == ([found] if found else [])


SECRETS = library("[variable, module, provider, block]", "{attribute: ., holds_secret: false}")
SECRET = "hunter2" * 2


def secret_places(made: Plan, **more: Any) -> list[tuple[str, str, str]]:
    return [(one.subject.kind, one.subject.address, evidence.path)
            for one in run(SECRETS, made, **more).results if one.verdict == "fail" for evidence in one.evidence]  # fmt: skip


@pytest.mark.parametrize(
    ("root", "place"),
    [
        ({"variables": {"db_password": {"default": SECRET}}}, ("variable", "var.db_password", "db_password")),
        ({"variables": {"db_password": {"default": SECRET, "sensitive": True}}}, ("variable", "var.db_password", "db_password")),
        ({"module_calls": {"a": call("./a", variables={"c": {"default": {"db": {"password": SECRET}}}})}}, ("variable", "module.a.var.c", "c.db.password")),
        ({"module_calls": {"a": {**call("./a"), "expressions": {"password": {"constant_value": SECRET}}}}}, ("module", "module.a", "password")),
        ({"module_calls": {"a": call(f"git::https://u:{SECRET}@x.example/a.git")}}, ("module", "module.a", "source")),
        ({"resources": [block("aws_db_instance", "a", expressions={"password": {"constant_value": SECRET}})]}, ("block", "aws_db_instance.a", "password")),
        ({"resources": [block("x_y", "a", expressions={"env": [{"vars": {"constant_value": {"DB_PASSWORD": SECRET}}}]})]}, ("block", "x_y.a", "env[0].vars.DB_PASSWORD")),
        ({"resources": [block("x_y", "a", provisioners=[{"type": "local-exec", "expressions": {"command": {"constant_value": f"login --password={SECRET}"}}}])]}, ("block", "x_y.a", "provisioners[0].command")),
        ({"resources": [block("external", "a", "data", expressions={"query": {"constant_value": {"password": SECRET}}})]}, ("block", "data.external.a", "query.password")),
    ],
)  # fmt: skip
def test_a_secret_is_found_wherever_code_holds_it(root: Any, place: tuple[str, str, str]) -> None:
    assert secret_places(plan(root)) == [place]


def test_a_secret_in_a_provider_block_is_found() -> None:
    providers = {
        "aws": {
            "name": "aws",
            "full_name": AWS,
            "expressions": {"assume_role": [{"password": {"constant_value": SECRET}}]},
        }
    }
    assert secret_places(plan({}, providers=providers)) == [
        ("provider", f'provider["{AWS}"]', "assume_role[0].password")
    ]


def test_a_secret_that_only_the_plan_shows_is_found_and_what_is_marked_sensitive_is_not() -> None:
    root = {"resources": [block("aws_instance", "a", expressions={"user_data": {"references": ["local.script"]}})]}
    shown = change("aws_instance.a[0]", "create", {"user_data": f"export DB_PASSWORD={SECRET}"})
    assert secret_places(plan(root, shown)) == [("block", "aws_instance.a", "user_data")]
    shown["change"]["after_sensitive"] = {"user_data": True}
    assert secret_places(plan(root, shown)) == []


@pytest.mark.parametrize(
    ("actions", "before", "related"),
    [
        ("create", None, "introduced"),
        ("no-op", {"password": SECRET}, "pre-existing"),
        ("update", {"password": SECRET, "size": 1}, "pre-existing"),
        ("update", {"size": 1}, "introduced"),
        ("update", {"token_password": SECRET}, "worsened"),
    ],
)
def test_a_secret_is_old_where_the_resource_held_it_before(actions: str, before: Any, related: str) -> None:
    root = {"resources": [block("x_y", "a", expressions={"password": {"constant_value": SECRET}})]}
    made = plan(
        root, change("x_y.a", actions, {"password": SECRET, "size": 2} if actions != "no-op" else before, None, before)
    )
    (result,) = [one for one in run(SECRETS, made).results if one.verdict == "fail"]
    assert str(result.change) == related


def test_the_secret_itself_is_never_in_a_result_and_a_key_tells_secrets_apart() -> None:
    def evidence(secret: str, key: bytes) -> Any:
        made = plan({"variables": {"db_password": {"default": secret}}})
        (result,) = [one for one in run(SECRETS, made, digest_key=key).results if one.verdict == "fail"]
        assert secret not in repr(result)
        return result.evidence[0].actual, result.evidence_digest

    assert evidence(SECRET, b"")[0] == evidence("other" * 2 + "1", b"")[0] == "password"
    one, other = evidence(SECRET, b"k"), evidence("other" * 2 + "1", b"k")
    assert one[0].startswith("password (")
    assert one != other
    assert one == evidence(SECRET, b"k")


def test_holds_secret_looks_at_one_attribute_of_a_resource_too() -> None:
    text = CHECK.format(
        id="one", subject="resource", severity="high", condition="{attribute: user_data, holds_secret: false}"
    )
    part = open_compiled(compile_files(Path(mkdtemp()), [("one.yaml", (text + "resource: aws_instance\n").encode())]))
    assert part is not None
    for after, unknown, verdict in (
        ({"user_data": f"PASSWORD={SECRET}"}, {}, "fail"),
        ({"user_data": "echo hello"}, {}, "pass"),
        ({}, {}, "pass"),
        ({}, {"user_data": True}, "unknown"),
        ({"tags": {"password": SECRET}}, {}, "pass"),
    ):
        made = plan({"resources": [block("aws_instance", "a", expressions={"user_data": {"references": ["x_y.z.out"]}})]},
                    change("aws_instance.a", "create", after, unknown))  # fmt: skip
        assert [str(one.verdict) for one in run(Catalogue([part]), made).results] == [verdict], after


@pytest.mark.parametrize(
    ("subject", "more", "said"),
    [
        ("planet", "", "`subject` must be one of"),
        ("[module, account]", "", "may stand together"),
        ("module", "resource: aws_sqs_queue\n", "`resource` does not go with"),
    ],
)
def test_a_check_on_a_part_that_is_none_is_refused(subject: str, more: str, said: str) -> None:
    from iacgate.errors import PolicyError

    with pytest.raises(PolicyError) as raised:
        library(subject, "{attribute: name, equals: x}", more=more)
    assert any(said in problem.message for problem in raised.value.problems)


@pytest.mark.parametrize(
    ("subject", "condition", "said"),
    [
        ("module", "{attribute: colour, equals: red}", "module has no attribute `colour`"),
        ("block", "{attribute: pin, equals: tag}", "block has no attribute `pin`"),
        ("[module, block]", "{attribute: pin, equals: tag}", "block has no attribute `pin`"),
        ("module", "{attribute: version, equals: '1'}", "say with `absent"),
        ("module", "{related: {type: aws_sqs_queue, their: name}}", "`related` links resources"),
        ("module", "{attribute: ., equals: x}", "here an attribute must be named"),
        ("module", "{attribute: ., holds_secret: false, absent: pass}", "needs no `absent`"),
    ],
)
def test_a_condition_is_held_against_what_the_part_has(subject: str, condition: str, said: str) -> None:
    from iacgate.errors import PolicyError

    with pytest.raises(PolicyError) as raised:
        library(subject, condition)
    assert any(said in problem.message for problem in raised.value.problems), raised.value.problems
