"""Defaults that depend on the provider's version: what the constraints and the lock file leave open."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iacgate.model.plan import ProviderLock
from iacgate.policy.provider_versions import ANY_VERSION, Span, default_by_version, parse_constraint, span_of
from iacgate.policy.subject import FAIL_TRUTH, PASS_TRUTH, UNKNOWN_TRUTH

from tests.unit.policy.plans import catalogue, change, run
from tests.unit.policy.test_configuration_subjects import plan

RULES = [(FAIL_TRUTH, "< 6.0.0"), (PASS_TRUTH, ">= 6.0.0")]
AWS = "registry.terraform.io/hashicorp/aws"


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("5.1.2", ["5.1.2"], ["5.1.1", "5.1.3"]),
        ("= 5.1", ["5.1.0"], ["5.1.1"]),
        (">= 5, < 6", ["5.0.0", "5.99.99"], ["4.99.9", "6.0.0"]),
        ("> 5.1.0", ["5.1.1"], ["5.1.0"]),
        ("<= 5.1.0", ["5.1.0", "0.0.1"], ["5.1.1"]),
        ("~> 5.1", ["5.1.0", "5.99.0"], ["6.0.0", "5.0.9"]),
        ("~> 5.1.4", ["5.1.4", "5.1.99"], ["5.2.0", "5.1.3"]),
        ("~>5.1,!=5.3.0", ["5.1.0"], ["6.0.0"]),
        (">= v5.0.0-beta1", ["5.0.0"], ["4.9.9"]),
    ],
)
def test_a_constraint_leaves_a_span(text: str, inside: list[str], outside: list[str]) -> None:
    span = parse_constraint(text)
    assert all(parse_constraint(one).within(span) for one in inside)
    assert not any(parse_constraint(one).within(span) for one in outside)


@pytest.mark.parametrize("text", ["", "latest", "~> x", ">= 5 < 6", "5.*", "==5", "1.2.3.4"])
def test_what_is_no_constraint_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a version constraint"):
        parse_constraint(text)


@pytest.mark.parametrize(
    ("constraints", "truth"),
    [
        ([], UNKNOWN_TRUTH),
        (["~> 5.0"], FAIL_TRUTH),
        ([">= 5.0"], UNKNOWN_TRUTH),
        ([">= 5.0", "< 6.0"], FAIL_TRUTH),
        ([">= 6.2"], PASS_TRUTH),
        (["= 6.0.0"], PASS_TRUTH),
        (["~> 5.0", "not a version"], UNKNOWN_TRUTH),
        (["< 5.0", ">= 6.0"], UNKNOWN_TRUTH),
    ],
)
def test_a_default_holds_where_every_version_has_it(constraints: list[str], truth: int) -> None:
    assert default_by_version(RULES, span_of(constraints)) == truth


@given(st.tuples(*[st.integers(0, 9)] * 3), st.tuples(*[st.integers(0, 9)] * 3), st.tuples(*[st.integers(0, 9)] * 3))
def test_a_narrower_span_keeps_what_a_wider_one_proved(low: Any, high: Any, other: Any) -> None:
    wide = Span(low, high)
    truth = default_by_version(RULES, wide)
    narrow = wide.narrowed(Span(other))
    assert truth == UNKNOWN_TRUTH or narrow.empty or default_by_version(RULES, narrow) == truth
    assert wide.within(ANY_VERSION)


LIBRARY = catalogue(("encrypted", "aws_redshift_cluster",
    '{attribute: cluster_type, equals: x, absent: {fail: "< 6.0.0", pass: ">= 6.0.0"}}', "high"))  # fmt: skip


@pytest.mark.parametrize(
    ("constraint", "locks", "verdict"),
    [
        ("~> 5.0", None, "fail"),
        (">= 6.0", None, "pass"),
        (">= 5.0", None, "unknown"),
        (">= 5.0", {AWS: ProviderLock("5.100.0", ("h1:x",))}, "fail"),
        (">= 5.0", {AWS: ProviderLock("6.1.0", ("h1:x",))}, "pass"),
        (None, None, "unknown"),
        (None, {}, "unknown"),
    ],
)
def test_the_lock_file_decides_before_the_constraints(
    constraint: str | None, locks: Mapping[str, ProviderLock] | None, verdict: str
) -> None:
    config = {"name": "aws", "full_name": AWS} | ({"version_constraint": constraint} if constraint else {})
    cluster = change("aws_redshift_cluster.a", "create", {"cluster_identifier": "a"}, provider_name=AWS)
    results = run(LIBRARY, plan({}, cluster, providers={"aws": config}, locks=locks)).results
    assert [str(one.verdict) for one in results] == [verdict]
    if verdict == "unknown":
        assert "provider versions" in results[0].evidence[0].needs
