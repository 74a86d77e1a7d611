# ruff: noqa: E501 - tables read better in long lines
"""IAM documents: who is everybody (AWS, "The meaning of public"), and one shape for JSON and data sources."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iacgate.policy.iam import PolicyDocumentError, from_data_source, from_json

ORG = {"StringEquals": {"aws:PrincipalOrgID": "o-abc"}}


def anyone(**statement: Any) -> bool:
    document = from_json(json.dumps({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", **statement}}))
    return bool(document["statement"][0]["anyone"])


@pytest.mark.parametrize(
    ("principal", "public"),
    [("*", True), ({"AWS": "*"}, True), ({"AWS": ["*"]}, True), ({"AWS": ["111122223333", "*"]}, True), ({"*": "*"}, True),
     ({"Federated": "*"}, True), ({"AWS": "111122223333"}, False), ({"AWS": "arn:aws:iam::111122223333:root"}, False),
     ({"Service": "s3.amazonaws.com"}, False), ({"CanonicalUser": "79a5"}, False), ({}, False), (None, False)],
)  # fmt: skip
def test_a_principal_that_is_everybody_in_every_spelling(principal: Any, public: bool) -> None:
    assert anyone(Principal=principal) is public


def test_what_is_not_allowed_is_not_public_and_what_excludes_somebody_allows_everybody_else() -> None:
    assert not anyone(Effect="Deny", Principal="*")
    assert anyone(Effect="allow", Principal="*")
    assert anyone(NotPrincipal={"AWS": "111122223333"})
    assert not anyone(Effect="Deny", NotPrincipal={"AWS": "111122223333"})
    assert not anyone()  # an identity's policy names no principal


@pytest.mark.parametrize(
    "condition",
    [
        ORG,
        {"StringEquals": {"aws:principalorgid": ["o-abc", "o-def"]}},
        {"StringEqualsIgnoreCase": {"AWS:PrincipalOrgID": "o-abc"}},
        {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-abc/r-1/*"}},
        {"StringEquals": {"aws:SourceVpce": "vpce-1"}},
        {"StringLike": {"aws:SourceVpc": "vpc-1"}},
        {"StringEquals": {"aws:SourceAccount": "111122223333"}},
        {"StringEquals": {"kms:CallerAccount": "111122223333"}},
        {"ArnLike": {"aws:SourceArn": "arn:aws:cloudfront::111122223333:distribution/*"}},
        {"ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::111122223333:role/*"}},
        {"StringLike": {"aws:PrincipalArn": ["arn:aws:iam::111122223333:role/a-*", "arn:aws:iam::111122223333:user/b"]}},
        {"ArnLike": {"aws:SourceArn": "arn:aws:s3:::my-bucket"}},
        {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}},
        {"IpAddress": {"aws:SourceIp": ["203.0.113.0/24", "10.0.0.0/8", "2001:db8::/32"]}},
        {"StringLike": {"aws:userid": "AROAEXAMPLE:*"}},
        {"Bool": {"elasticfilesystem:AccessedViaMountTarget": "true"}},
        {"Bool": {"aws:SecureTransport": "true"}, **ORG},
    ],
    ids=json.dumps,
)  # fmt: skip
def test_a_condition_narrows_to_callers_that_somebody_chose(condition: Any) -> None:
    assert not anyone(Principal="*", Condition=condition)


@pytest.mark.parametrize(
    "condition",
    [
        None,
        {},
        {"StringLike": {"aws:PrincipalOrgID": "*"}},
        {"StringLike": {"aws:PrincipalOrgID": "o-*"}},
        {"StringLike": {"aws:SourceVpc": "vpc-*"}},  # AWS's own example
        {"StringLike": {"aws:PrincipalAccount": "11112222333?"}},
        {"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-abc"}},
        {"ForAllValues:StringEquals": {"aws:PrincipalOrgPaths": "o-abc/r-1"}},
        {"StringNotEquals": {"aws:PrincipalOrgID": "o-abc"}},
        {"StringEquals": {"aws:PrincipalOrgID": []}},
        {"StringEquals": {"aws:PrincipalOrgID": "${aws:PrincipalOrgID}"}},
        {"Null": {"aws:PrincipalOrgID": "false"}},
        {"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}},
        {"IpAddress": {"aws:SourceIp": "0.0.0.0/1"}},
        {"IpAddress": {"aws:SourceIp": ["203.0.113.0/24", "::/0"]}},
        {"IpAddress": {"aws:SourceIp": "2001::/31"}},
        {"IpAddress": {"aws:SourceIp": "everywhere"}},
        {"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}},
        {"IpAddress": {"aws:VpcSourceIp": "10.0.0.0/8"}},
        {"ArnLike": {"aws:SourceArn": "arn:aws:s3:::*"}},
        {"ArnLike": {"aws:SourceArn": "*"}},
        {"ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::*:role/admin"}},
        {"ArnEquals": {"aws:PrincipalArn": "*"}},
        {"StringLike": {"aws:PrincipalArn": ["arn:aws:iam::111122223333:role/a", "arn:aws:iam::*:root"]}},
        {"StringLike": {"aws:userid": "*:session"}},
        {"StringLike": {"aws:userid": "*"}},
        {"StringEquals": {"aws:username": "alice"}},
        {"StringEquals": {"aws:PrincipalTag/team": "a"}},
        {"StringEquals": {"kms:ViaService": "s3.eu-central-1.amazonaws.com"}},
        {"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}},
        {"Bool": {"aws:SecureTransport": "true"}},
        {"Bool": {"aws:ViaAWSService": "true"}},
        {"Bool": {"elasticfilesystem:AccessedViaMountTarget": "false"}},
        {"StringEquals": {"s3:x-amz-acl": "private"}},
        {"DateLessThan": {"aws:CurrentTime": "2030-01-01T00:00:00Z"}},
    ],
    ids=json.dumps,
)
def test_a_condition_that_leaves_a_way_for_everybody(condition: Any) -> None:
    assert anyone(Principal="*", Condition=condition)


def test_several_keys_all_have_to_hold_so_one_that_narrows_is_enough() -> None:
    both = {"StringEquals": {"s3:x-amz-acl": "private", "aws:SourceVpce": "vpce-1"}}
    assert not anyone(Principal="*", Condition=both)


@pytest.mark.parametrize(
    "text",
    ["", "null", "[]", "{", '"x"', '{"Statement": "x"}', '{"Statement": [1]}', '{"Statement": [{"Condition": [1]}]}',
     '{"Statement": [{"Condition": {"Bool": "x"}}]}', '{"Statement": [{"Effect": "Deny", "Effect": "Allow"}]}',
     '{"Statement": [], "statement": [{"Effect": "Allow"}]}', "[" * 100_000],
)  # fmt: skip
def test_what_is_no_policy_is_refused(text: str) -> None:
    with pytest.raises(PolicyDocumentError):
        from_json(text)


def test_no_element_escapes_by_its_spelling() -> None:
    text = '{"version": "2012-10-17", "statement": {"effect": "ALLOW", "principal": "*", "action": "s3:*", "resource": "*"}}'
    assert from_json(text)["statement"][0]["anyone"]


def test_the_shape_has_lists_where_json_has_one_value() -> None:
    text = json.dumps({"Statement": {"Sid": "s", "Effect": "Allow", "NotAction": "a", "Resource": ["r"], "Principal": {"Service": "x"},
                                     "Condition": {"Bool": {"aws:SecureTransport": False}}}})  # fmt: skip
    (statement,) = from_json(text)["statement"]
    assert statement["not_action"] == ["a"]
    assert statement["action"] == []
    assert statement["principal"] == ["Service:x"]
    assert statement["condition"] == [{"test": "Bool", "variable": "aws:securetransport", "values": ["false"]}]


# --- data sources ----------------------------------------------------------------------------------------------------

WORDS = st.sampled_from(["*", "111122223333", "arn:aws:iam::111122223333:root", "s3:*", "x"])
VALUES = st.lists(
    st.sampled_from(["*", "o-abc", "vpc-*", "0.0.0.0/0", "203.0.113.0/24", "true"]), min_size=1, max_size=2
)
CONDITIONS = st.lists(
    st.fixed_dictionaries({
        "test": st.sampled_from(["StringEquals", "StringLike", "IpAddress", "Bool", "ForAllValues:StringLike", "ArnEquals"]),
        "variable": st.sampled_from(["aws:PrincipalOrgID", "aws:SourceVpc", "aws:SourceIp", "aws:SecureTransport"]),
        "values": VALUES,
    }),
    max_size=2, unique_by=lambda one: (one["test"], one["variable"]),
)  # fmt: skip
PRINCIPALS = st.lists(
    st.fixed_dictionaries(
        {"type": st.sampled_from(["AWS", "Service"]), "identifiers": st.lists(WORDS, min_size=1, max_size=2)}
    ),
    max_size=1,
)
BLOCKS = st.fixed_dictionaries(
    {"effect": st.sampled_from([None, "Allow", "Deny"]), "actions": st.lists(WORDS, max_size=2), "principals": PRINCIPALS,
     "not_principals": PRINCIPALS, "condition": CONDITIONS}
)  # fmt: skip


def as_json(block: dict[str, Any]) -> dict[str, Any]:
    out: dict[str, Any] = {"Effect": block["effect"] or "Allow"}
    if block["actions"]:
        out["Action"] = block["actions"] if len(block["actions"]) > 1 else block["actions"][0]
    for key, name in (("principals", "Principal"), ("not_principals", "NotPrincipal")):
        if block[key]:
            out[name] = {one["type"]: one["identifiers"] for one in block[key]}
    for one in block["condition"]:
        out.setdefault("Condition", {}).setdefault(one["test"], {})[one["variable"]] = one["values"]
    return out


@given(st.lists(BLOCKS, max_size=3))
def test_a_data_source_reads_as_the_json_that_it_gives(blocks: list[dict[str, Any]]) -> None:
    found = from_data_source({"statement": blocks}, {})
    assert found is not None
    written = from_json(json.dumps({"Statement": [as_json(block) for block in blocks]}))

    def plain(document: dict[str, Any]) -> Any:
        order = {"condition": lambda value: sorted(value, key=str)}
        return [
            {key: order.get(key, lambda v: v)(value) for key, value in one.items()} for one in document["statement"]
        ]

    assert plain(found[0]) == plain(written)


def test_everybody_in_a_data_source() -> None:
    found = from_data_source({"statement": [{"principals": [{"type": "*", "identifiers": ["*"]}]}]}, {})
    assert found is not None
    assert found[0]["statement"][0]["anyone"] is True


@given(BLOCKS, st.data())
def test_whether_anyone_is_meant_is_only_said_when_every_completion_says_so(
    block: dict[str, Any], data: st.DataObject
) -> None:
    hidden: dict[str, Any] = {}
    shown = {**block}
    for key in data.draw(st.sets(st.sampled_from(["effect", "principals", "condition"]))):
        if key == "effect":
            shown[key], hidden[key] = None, True
        elif block[key]:
            inner = {"principals": "identifiers", "condition": "values"}[key]
            shown[key] = [{**one, inner: None} for one in block[key]]
            hidden[key] = [{inner: True} for _ in block[key]]
    found = from_data_source({"statement": [shown]}, {"statement": [hidden]})
    assert found is not None
    said = found[0]["statement"][0]["anyone"]
    truth = from_json(json.dumps({"Statement": [as_json(block)]}))["statement"][0]["anyone"]
    assert said is None or said == truth
    assert (said is None) == (found[1]["statement"][0].get("anyone") is True)


PUBLIC = '{"Statement": [{"Sid": "a", "Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}]}'


@pytest.mark.parametrize(
    ("values", "mask"),
    [({"source_policy_documents": [None]}, {"source_policy_documents": [True]}), ({"statement": None}, {"statement": True}),
     ({"source_policy_documents": [PUBLIC], "statement": [{"sid": "a", "effect": "Deny"}]}, {}),
     ({"source_policy_documents": [PUBLIC], "override_policy_documents": [PUBLIC]}, {}),
     ({"override_policy_documents": [PUBLIC], "statement": [{"sid": "a"}]}, {}),
     ({"source_policy_documents": [PUBLIC], "statement": [{}]}, {"statement": [{"sid": True}]})],
)  # fmt: skip
def test_documents_that_replace_statements_of_one_another_are_not_judged(values: Any, mask: Any) -> None:
    assert from_data_source(values, mask) is None


def test_documents_that_are_merged_count_with_all_their_statements() -> None:
    values = {"source_policy_documents": [PUBLIC], "statement": [{"sid": "b", "effect": "Deny"}]}
    found = from_data_source(values, {"source_policy_documents": [False]})
    assert found is not None
    assert [one["anyone"] for one in found[0]["statement"]] == [True, False]
