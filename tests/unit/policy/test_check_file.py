"""What is wrong in a check's file is said when it is read."""

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
resource: aws_s3_bucket
condition:
  policy_document: policy
  satisfies: {some: statement, satisfies: {attribute: resource, covers: ["arn:aws:s3:::{bucket}"]}}
  absent: fail
message: "{address}"
rationale: r
remediation: r
examples: {pass: [a], fail: [b]}
"""


def problems(text: str) -> list[str]:
    source = Source("a.yaml")
    read_check(text.encode(), source, "a", SCHEMA)
    return [problem.message for problem in source.problems]


def test_the_good_one_is_good() -> None:
    assert problems(CHECK) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"arn:aws:s3:::{bucket}"', '"arn:aws:s3:::{buckets}"', "aws_s3_bucket has no attribute `buckets`"),
        ('"arn:aws:s3:::{bucket}"', '"arn:aws:s3:::data"', "`covers` takes names with an attribute in braces"),
        ('"arn:aws:s3:::{bucket}"', '"arn:aws:s3:::{bucket"', "`covers` takes names with an attribute in braces"),
        ('["arn:aws:s3:::{bucket}"]', "[]", "`covers` needs at least one name"),
        ('["arn:aws:s3:::{bucket}"]', '["{bucket}"], absent: fail', "`covers` says itself what absence means"),
        ("attribute: resource, covers: [", "attribute: resource, cover: [", "did you mean `covers`?"),
        ("severity: low", "severity: low\nremedy: r", "unknown key `remedy`"),
        ("{pass: [a], fail: [b]}", "{pass: [a], fail: [b], fails: [c]}", "unknown key `fails` in `examples`; did you"),
    ],
)
def test_what_is_wrong_is_said(old: str, new: str, said: str) -> None:
    assert old in CHECK
    found = problems(CHECK.replace(old, new, 1))
    assert [one for one in found if said in one], found
