"""A secret of the plan is in no output of any command, in no format, in no spelling.

Canaries stand in every sensitive position a plan has. The masks must keep them out by themselves: the net
below (``iacgate.secrets.scrub``) may never have anything to catch.
"""

import base64
import json
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

from iacgate.cli.main import _COMMANDS
from iacgate.reports.formats import FORMATS
from iacgate.secrets import known_secrets, scrub
from iacgate.sources.plan_json import read_plan

from tests.acceptance.hostile import (
    FIXTURES,
    Ran,
    call,
    instance,
    judge,
    judge_plan,
    open_group,
    plan,
    process,
    written,
)

SENSITIVE = FIXTURES / "plans" / "sensitive.json"
LABELS = json.loads((FIXTURES / "labels" / "sensitive.json").read_text("utf-8"))
CANARIES = [one["value"] for one in LABELS["canaries"]]
SAID_WHEN_CAUGHT = "a sensitive value had to be taken out"

NASTY = 'CANARY "q" <&> \\ é/+ '
"""A secret that every format spells in its own way; a name is put behind it."""


def spellings(secret: str) -> Iterator[str]:
    """However an output may have written it, by the standard library and not by the code that is tested."""
    data = secret.encode()
    yield secret
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    yield json.dumps(json.dumps(secret))[3:-3]
    for call_ in (quote, quote_plus):
        yield call_(secret)
        yield call_(secret, safe="")
    yield escape(secret)
    yield escape(secret, quote=False)
    yield escape(secret).replace("&#x27;", "&apos;").replace("&quot;", "&#34;")
    for lead in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            inside = encode(b"x" * lead + data + b"xx")
            yield inside[4 if lead else 0 : (len(data) + lead) // 3 * 4].decode()


def _leaks(text: str, secrets: list[str]) -> list[str]:
    return [spelling for secret in secrets for spelling in spellings(secret) if len(spelling) >= 8 and spelling in text]


def _is_clean(ran: Ran, secrets: list[str], case: object) -> None:
    assert "internal error" not in ran.err, f"{case}: {ran.err}"
    assert _leaks(ran.out + ran.err, secrets) == [], f"{case}"
    assert SAID_WHEN_CAUGHT not in ran.err, f"{case}: the net caught what a mask let through"


# --- the plan with canaries, by Terraform ----------------------------------------------------------------------------


def test_the_findings_that_are_about_secrets_are_there() -> None:
    """Otherwise nothing below proves anything."""
    ran = judge(SENSITIVE)
    found = {(one["check"], one["resource"]["address"]) for one in ran.report["results"] if one["verdict"] == "fail"}
    assert {(one["check"], one["address"]) for one in LABELS["failing"]} <= found
    states = {evidence.get("state") for one in ran.report["results"] for evidence in one["evidence"]}
    assert "sensitive" in states


@pytest.mark.parametrize("passed", [[], ["--include-passed"]], ids=["findings", "with passes"])
@pytest.mark.parametrize("name", FORMATS)
def test_no_canary_is_in_any_format(name: str, passed: list[str]) -> None:
    source = FIXTURES / "configs" / "sensitive"
    for words in ([], ["--source-dir", str(source)], ["--workspace", "prod"]):
        ran = call("check", "--format", name, *passed, *words, SENSITIVE)
        assert ran.code == 1, ran.err
        assert ran.out
        _is_clean(ran, CANARIES, (name, words))


def test_no_canary_is_in_reports_that_are_written_to_files(tmp_path: Path) -> None:
    words = [word for name in FORMATS for word in ("--report", f"{name}={tmp_path / name}")]
    ran = call("check", *words, "--output", tmp_path / "output", SENSITIVE)
    _is_clean(ran, CANARIES, "files")
    for name in (*FORMATS, "output"):
        assert _leaks((tmp_path / name).read_text("utf-8"), CANARIES) == [], name


def test_no_canary_is_in_the_output_of_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IACGATE_DEBUG", "1")
    for words in (["check", "--quiet"], ["check", "--format", "json", "--include-passed"]):
        _is_clean(process(*words, SENSITIVE), CANARIES, words)


def test_no_canary_is_explained() -> None:
    explain = _COMMANDS.get("explain")
    try:
        module = __import__(explain[0].partition(":")[0], fromlist=["explain"]) if explain else None
    except ImportError:
        module = None
    if module is None:
        pytest.skip("there is no `iacgate explain` yet")
    for result in judge(SENSITIVE, "--include-passed").report["results"]:
        for words in ([result["fingerprint"]], [f"{result['check']}@{result['resource']['address']}"]):
            for order in ([*words, str(SENSITIVE)], [str(SENSITIVE), *words]):
                _is_clean(call("explain", *order), CANARIES, order)
    _is_clean(call("explain", SENSITIVE), CANARIES, "the outcome")


def test_no_canary_is_in_the_output_on_a_plan_that_is_refused(tmp_path: Path) -> None:
    whole = SENSITIVE.read_bytes()
    places = [at for canary in CANARIES for at in _positions(whole, canary.encode())]
    assert len(places) > 20
    refused = 0
    for at in places:
        for data in (
            whole[: at + 12],
            whole[:at] + b'"' + whole[at:],
            whole[:at] + b"\\ud800" + whole[at:],
            whole[: at - 1] + b"[" + whole[at - 1 :],
        ):
            ran = judge_plan(tmp_path, data)
            assert ran.code in (1, 4), f"at byte {at}"
            refused += ran.code == 4
            _is_clean(ran, CANARIES, f"at byte {at}")
    assert refused > 2 * len(places)


def _positions(data: bytes, part: bytes) -> Iterator[int]:
    at = data.find(part)
    while at >= 0:
        yield at
        at = data.find(part, at + 1)


# --- generated plans: a canary in every position ---------------------------------------------------------------------


def _secret(place: str) -> str:
    return NASTY + place.replace(" ", "-")


def _marked(value: Any, *, after: Any = None) -> dict[str, Any]:
    """An instance, not private, with ``value`` in one attribute that the plan marks."""
    return instance(
        change={
            "after": {"associate_public_ip_address": True, **value},
            "after_sensitive": after or dict.fromkeys(value, True),
        }
    )


def _group(mask: Any, **rule: Any) -> dict[str, Any]:
    group = open_group()
    group["change"]["after"]["ingress"][0].update(rule)
    group["change"]["after_sensitive"] = mask
    return group


def _config(**root: Any) -> dict[str, Any]:
    return {"root_module": root}


def _positions_of_secrets() -> dict[str, tuple[dict[str, Any], list[str]]]:
    """Place -> a plan with findings, and its secrets."""
    secret = {
        place: _secret(place)
        for place in (
            "attribute",
            "nested",
            "list item",
            "map key's value",
            "whole list",
            "before",
            "root variable",
            "variable default",
            "nested variable",
            "module variable",
            "module constant",
            "output",
            "provider",
            "nested provider",
            "wrong type",
            "range",
            "protocol",
            "policy",
            "drift",
            "ephemeral",
            "data source",
            "number",
            "whole resource",
            "name by reference",
            "deferred",
        )
    }
    variable = {"references": ["var.secret"]}
    block = {"address": "aws_instance.bad", "mode": "managed", "type": "aws_instance", "name": "bad"}
    bucket_policy = {
        "address": "aws_s3_bucket_policy.a",
        "mode": "managed",
        "type": "aws_s3_bucket_policy",
        "name": "a",
        "change": {
            "actions": ["create"],
            "before": None,
            "after_unknown": {"id": True},
            "before_sensitive": False,
            "after_sensitive": {"policy": True},
            "after": {
                "bucket": "b",
                "policy": json.dumps(
                    {
                        "Statement": [
                            {
                                "Effect": "Allow",
                                "Principal": "*",
                                "Action": "s3:*",
                                "Resource": secret["policy"],
                                "Sid": secret["policy"],
                            }
                        ]
                    }
                ),
            },
        },
    }
    listener = {
        "address": "aws_lb_listener.a",
        "mode": "managed",
        "type": "aws_lb_listener",
        "name": "a",
        "change": {
            "actions": ["create"],
            "before": None,
            "after_unknown": {},
            "before_sensitive": False,
            "after_sensitive": {"ssl_policy": True},
            "after": {"protocol": "HTTPS", "ssl_policy": secret["attribute"], "port": 80},
        },
    }
    return {
        "attribute": (_marked({"user_data": secret["attribute"]}), ["attribute"]),
        "judged attribute": (listener, ["attribute"]),
        "nested": (
            _marked(
                {"metadata_options": [{"http_tokens": secret["nested"]}]},
                after={"metadata_options": [{"http_tokens": True}]},
            ),
            ["nested"],
        ),
        "list item": (
            _marked({"security_groups": ["a", secret["list item"]]}, after={"security_groups": [False, True]}),
            ["list item"],
        ),
        "map value": (
            _marked({"tags": {"token": secret["map key's value"]}}, after={"tags": {"token": True}}),
            ["map key's value"],
        ),
        "whole list": (_group({"ingress": True}, description=secret["whole list"]), ["whole list"]),
        "one rule": (_group({"ingress": [{"description": True}]}, description=secret["whole list"]), ["whole list"]),
        "a range": (
            _group({"ingress": [{"cidr_blocks": [True, True]}]}, cidr_blocks=["0.0.0.0/0", secret["range"]]),
            ["range"],
        ),
        "a protocol": (_group({"ingress": [{"protocol": True}]}, protocol=secret["protocol"]), ["protocol"]),
        "a port": (_group({"ingress": [{"from_port": True}]}, from_port=secret["number"]), ["number"]),
        "a policy document": (bucket_policy, ["policy"]),
        "another type": (_marked({"associate_public_ip_address": secret["wrong type"]}), ["wrong type"]),
        "another type, unmarked": (
            _marked({"associate_public_ip_address": secret["wrong type"]}, after={"x": False}),
            [],
        ),
        "the whole resource": (
            instance(
                change={
                    "after": {"associate_public_ip_address": True, "ami": secret["whole resource"]},
                    "after_sensitive": True,
                }
            ),
            ["whole resource"],
        ),
        "before": (
            instance(
                change={
                    "actions": ["update"],
                    "before": {"associate_public_ip_address": True, "user_data": secret["before"]},
                    "before_sensitive": {"user_data": True},
                }
            ),
            ["before"],
        ),
        "drift": (
            [instance()],
            ["drift"],
            {
                "resource_drift": [
                    instance(
                        "d",
                        change={
                            "actions": ["update"],
                            "before": {},
                            "after": {"user_data": secret["drift"]},
                            "after_sensitive": {"user_data": True},
                        },
                    )
                ]
            },
        ),
        "deferred": (
            [instance()],
            [],
            {
                "deferred_changes": [
                    {
                        "reason": "x",
                        "resource_change": instance(
                            "d",
                            change={"after": {"user_data": secret["deferred"]}, "after_sensitive": {"user_data": True}},
                        ),
                    }
                ]
            },
        ),
        "root variable, marked in the configuration alone": (
            [instance()],
            ["root variable", "variable default"],
            {
                "variables": {"secret": {"value": secret["root variable"]}},
                "configuration": _config(
                    variables={"secret": {"sensitive": True, "default": secret["variable default"]}}
                ),
            },
        ),
        "nested root variable": (
            [instance()],
            ["nested variable"],
            {
                "variables": {"secret": {"value": {"a": [{"b": secret["nested variable"]}]}}},
                "configuration": _config(variables={"secret": {"sensitive": True}}),
            },
        ),
        "ephemeral variable": (
            [instance()],
            ["ephemeral"],
            {
                "variables": {"secret": {"value": secret["ephemeral"]}},
                "configuration": _config(variables={"secret": {"ephemeral": True}}),
            },
        ),
        "root variable behind an unknown": (
            [instance(change={"after": {}, "after_unknown": {"associate_public_ip_address": True}})],
            ["root variable"],
            {
                "variables": {"secret": {"value": secret["root variable"]}},
                "configuration": _config(
                    variables={"secret": {"sensitive": True}},
                    resources=[{**block, "expressions": {"associate_public_ip_address": variable}}],
                ),
            },
        ),
        "module variable": (
            [instance()],
            ["module variable", "module constant"],
            {
                "configuration": _config(
                    module_calls={
                        "m": {
                            "source": "./m",
                            "expressions": {"secret": {"constant_value": secret["module constant"]}},
                            "module": {
                                "variables": {"secret": {"sensitive": True, "default": secret["module variable"]}}
                            },
                        }
                    }
                )
            },
        ),
        "output": (
            [instance()],
            [],
            {
                "output_changes": {
                    "o": {
                        "actions": ["create"],
                        "before": None,
                        "after": secret["output"],
                        "after_unknown": False,
                        "before_sensitive": True,
                        "after_sensitive": True,
                    }
                },
                "planned_values": {"outputs": {"o": {"sensitive": True, "value": secret["output"]}}, "root_module": {}},
            },
        ),
        "provider": (
            [instance()],
            ["provider", "nested provider"],
            {
                "configuration": {
                    "root_module": {},
                    "provider_config": {
                        "aws": {
                            "name": "aws",
                            "expressions": {
                                "secret_key": {"constant_value": secret["provider"]},
                                "assume_role": [{"token": {"constant_value": secret["nested provider"]}}],
                            },
                        }
                    },
                }
            },
        ),
        "data source in the prior state": (
            [instance()],
            [],
            {
                "prior_state": {
                    "values": {
                        "root_module": {
                            "resources": [
                                {
                                    "address": "data.aws_subnet.s",
                                    "mode": "data",
                                    "type": "aws_subnet",
                                    "name": "s",
                                    "values": {"id": "s-1", "tags": {"t": secret["data source"]}},
                                    "sensitive_values": {"tags": {"t": True}},
                                }
                            ]
                        }
                    }
                }
            },
        ),
    }


POSITIONS = _positions_of_secrets()


def _case(place: str) -> tuple[dict[str, Any], list[str]]:
    changes, expected, *parts = POSITIONS[place]
    whole = plan(*(changes if isinstance(changes, list) else [changes]), **(parts[0] if parts else {}))
    return whole, [_secret(one) for one in expected]


def _canaries_in(value: Any) -> Iterator[str]:
    match value:
        case str() if value.startswith(NASTY):
            yield value
        case str() if NASTY.split('"')[0] in value:  # inside a policy document
            yield from _canaries_in(json.loads(value))
        case dict():
            for item in value.values():
                yield from _canaries_in(item)
        case list():
            for item in value:
                yield from _canaries_in(item)


@pytest.mark.parametrize("place", POSITIONS)
def test_a_secret_in_any_position_is_in_no_format(place: str, tmp_path: Path) -> None:
    whole, _ = _case(place)
    secrets = sorted(set(_canaries_in(whole)))
    assert secrets, "there is a canary"
    path = written(tmp_path, whole)
    for name in FORMATS:
        ran = call("check", "--format", name, "--include-passed", path)
        assert ran.code != 2
        if not place.endswith("unmarked"):
            _is_clean(ran, secrets, (place, name))


@pytest.mark.parametrize("place", [place for place in POSITIONS if POSITIONS[place][1]])
def test_the_net_knows_every_marked_secret(place: str) -> None:
    whole, secrets = _case(place)
    known = known_secrets(read_plan(json.dumps(whole).encode(), "plan"))
    for secret in secrets:
        assert any(secret in one or json.dumps(secret)[1:-1] in one for one in known), secret


@pytest.mark.parametrize(
    "secret", ["CANARY-9f2c-plain", NASTY + "net", "line one\nline two of it", "0123456789", "ключ-секретный"]
)
def test_the_net_catches_every_spelling(secret: str) -> None:
    secrets = frozenset({secret})
    inside = [
        encode(b"x" * lead + secret.encode() + b"xx").decode()
        for lead in range(3)
        for encode in (base64.b64encode, base64.urlsafe_b64encode)
    ]
    plain = [spelling for spelling in spellings(secret) if not any(spelling in one for one in inside)]
    assert len(set(plain)) >= (3 if secret.startswith(NASTY) else 1)
    for text in (*plain, *inside):
        scrubbed, hits = scrub(f"before {text} after".encode(), secrets)
        assert hits, text
        assert _leaks(scrubbed.decode(), [secret]) == [], text
        assert scrubbed.startswith(b"before ")


def test_the_net_leaves_what_is_no_secret_alone() -> None:
    text = json.dumps({"a": "nothing of it", "b": [1, 2]}).encode()
    assert scrub(text, frozenset({"CANARY-9f2c", "another-one"})) == (text, 0)


def test_what_the_net_catches_is_said_to_be_a_bug_and_is_not_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mask is taken away: the net must hold."""
    monkeypatch.setattr("iacgate.policy.world.PlanSubject.is_sensitive", lambda *_: False)
    whole, secrets = _case("judged attribute")
    path = written(tmp_path, whole)
    caught = 0
    for name in FORMATS:
        ran = call("check", "--format", name, path)
        assert _leaks(ran.out + ran.err, secrets) == [], name
        caught += SAID_WHEN_CAUGHT in ran.err
    assert caught, "without the mask there is something to catch"
