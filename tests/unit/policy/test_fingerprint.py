"""Identities that last: fingerprints of findings and digests of what was seen."""

import hashlib
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iacgate.model.finding import Evidence
from iacgate.model.values import SENSITIVE
from iacgate.policy.fingerprint import evidence_digest, fingerprint
from iacgate.sources.state_json import read_state

from tests.unit.policy.plans import catalogue, change, plan_of, run
from tests.unit.policy.test_evaluate import BAD, LIBRARY, QUEUE, WIDE, group


def prints(*changes: dict[str, Any], library: Any = LIBRARY, workspace: str | None = "w") -> dict[str, str]:
    return {
        one.subject.address: one.fingerprint for one in run(library, plan_of(*changes), workspace=workspace).results
    }


def test_a_fingerprint_is_sha256_of_canonical_json() -> None:
    text = '["aws-x","prod/eu","aws_a.b[\\"k\\"]"]'
    assert fingerprint("aws-x", "prod/eu", 'aws_a.b["k"]') == hashlib.sha256(text.encode()).hexdigest()
    assert fingerprint("aws-x", None, "a.b") == hashlib.sha256(b'["aws-x",null,"a.b"]').hexdigest()


@pytest.mark.parametrize(
    ("text", "canonical"),
    [  # RFC 8785, 3.2.2.2: the example, and the escapes that have a short form
        ("\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"/", '"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"'),
        ("\b\t\n\f\r", '"\\b\\t\\n\\f\\r"'),
        ("\u007f\u2028<>&", '"\u007f\u2028<>&"'),
        ("\U0001f600é", '"\U0001f600é"'),
        ("\u001f\u0000", '"\\u001f\\u0000"'),
    ],
)
def test_texts_are_written_as_rfc_8785_wants_them(text: str, canonical: str) -> None:
    expected = hashlib.sha256(f"[{canonical},null,{canonical}]".encode()).hexdigest()
    assert fingerprint(text, None, text) == expected


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_canonical_texts_are_those_of_ecmascript(text: str) -> None:
    canonical = json.dumps(["c", None, text], ensure_ascii=False, separators=(",", ":"))
    assert fingerprint("c", None, text) == hashlib.sha256(canonical.encode()).hexdigest()


def test_order_and_other_changes_leave_it_alone_and_the_workspace_does_not() -> None:
    one, other = change(QUEUE, "create", BAD), change("aws_sqs_queue.z", "create", BAD)
    assert prints(one, other) == prints(other, one)
    assert prints(one)[QUEUE] == prints(one, other)[QUEUE] == prints(change(QUEUE, "no-op", BAD))[QUEUE]
    assert len({prints(one, workspace=workspace)[QUEUE] for workspace in ("w", "x", None)}) == 3
    assert prints(one)[QUEUE] != prints(one, other)["aws_sqs_queue.z"]


def test_a_move_keeps_it_and_says_what_it_will_be() -> None:
    was = prints(change(QUEUE, "no-op", BAD))[QUEUE]
    moved = change("aws_sqs_queue.new", "no-op", BAD, previous_address=QUEUE)
    (result,) = run(LIBRARY, plan_of(moved), workspace="w").results
    assert result.fingerprint == was
    assert result.fingerprint_after_move == prints(change("aws_sqs_queue.new", "no-op", BAD))["aws_sqs_queue.new"]
    assert str(result.change) == "pre-existing"


def test_plan_and_state_give_the_same() -> None:
    state = {"format_version": "1.0", "values": {"root_module": {"resources": [
        {"address": QUEUE, "mode": "managed", "type": "aws_sqs_queue", "name": "q", "values": BAD}]}}}  # fmt: skip
    (result,) = run(LIBRARY, read_state(msgspec.json.encode(state), "state"), workspace="w").results
    assert {QUEUE: result.fingerprint} == prints(change(QUEUE, "create", BAD))


def test_the_digest_does_not_see_the_order_of_a_set_but_every_value() -> None:
    def digest(*ranges: str, key: bytes = b"k") -> str:
        plan = plan_of(change("aws_security_group.g", "create", group(*ranges)))
        return run(WIDE, plan, digest_key=key).results[0].evidence_digest

    assert digest("0.0.0.0/0", "::/0") == digest("::/0", "0.0.0.0/0", "10.0.0.0/8")
    assert digest("0.0.0.0/0") != digest("::/0")
    assert digest("0.0.0.0/0") != digest("0.0.0.0/0", "::/0")
    assert digest("0.0.0.0/0") != digest("0.0.0.0/0", key=b"another")


def test_a_sensitive_value_is_not_in_the_digest() -> None:
    def digest(value: str) -> str:
        one = change("aws_security_group.g", "create", group(value))
        one["change"]["after_sensitive"] = {"ingress": True}
        (result,) = run(WIDE, plan_of(one), digest_key=b"k").results
        assert all(part.actual is SENSITIVE for part in result.evidence)
        return result.evidence_digest

    assert digest("0.0.0.0/0") == digest("::/0")


def test_paths_lose_their_positions_and_keep_their_keys() -> None:
    def digest(path: str) -> str:
        return evidence_digest([Evidence(path, 1, "")], b"")

    assert digest("ingress[0].cidr_blocks[1]") == digest("ingress[7].cidr_blocks[0]")
    assert digest('tags["0"]') != digest('tags["1"]')


def test_several_checks_have_several() -> None:
    library = catalogue(
        *(
            (name, "aws_sqs_queue", "{attribute: sqs_managed_sse_enabled, equals: true, absent: fail}", "low")
            for name in "ab"
        )
    )
    found = run(library, plan_of(change(QUEUE, "create", BAD))).results
    assert len({one.fingerprint for one in found}) == 2
