"""The condition as people write it, and what is said of it."""

import pytest

from iacgate.policy.catalogue import lint_files, packaged_root
from iacgate.policy.exposure.aws import BUILDERS as AWS
from iacgate.policy.exposure.azure import BUILDERS as AZURE
from iacgate.policy.exposure.google import BUILDERS as GOOGLE
from iacgate.policy.exposure_places import EXPOSABLE, LOOKED_AT
from iacgate.policy.narrate import describe
from iacgate.policy.provider_schema import load

from tests.unit.policy.plans import HEAD


def problems(condition: str, resource: str = "aws_instance") -> list[str]:
    text = HEAD.format(id="x", severity="high", resource=resource, condition=condition)
    return [
        problem.message
        for problem in lint_files(packaged_root(), [("x.yaml", text.encode())])[1]
        if not problem.warning
    ]


@pytest.mark.parametrize(
    ("condition", "resource", "expected"),
    [
        ("{not_exposed: {to: internet}}", "aws_instance", ""),
        ("{not_exposed: {to: internet, ports: [22, 3389]}}", "[aws_instance, google_compute_instance]", ""),
        ("{not_exposed: {to: everybody}}", "aws_instance", "`to` must be one of internet"),
        ("{not_exposed: {}}", "aws_instance", "`not_exposed` needs `to`"),
        ("{not_exposed: {to: internet, ports: [70000]}}", "aws_instance", "`ports` takes a list of port numbers"),
        ("{not_exposed: {to: internet, ports: []}}", "aws_instance", "`ports` takes a list of port numbers"),
        ("{not_exposed: {to: internet, port: 22}}", "aws_instance", "`port`"),
        ("{not_exposed: {to: internet}}", "aws_s3_bucket", "it is not known how the internet reaches aws_s3_bucket"),
        (
            "{every: network_interface, satisfies: {not_exposed: {to: internet}}}",
            "aws_instance",
            "`not_exposed` is about a whole resource",
        ),
    ],
)
def test_what_is_wrong_with_a_condition_is_said(condition: str, resource: str, expected: str) -> None:
    found = problems(condition, resource)
    assert (expected == "" and found == []) or any(expected in one for one in found if expected), found


def test_it_is_told_in_words() -> None:
    assert describe({"not_exposed": {"to": "internet"}}) == "no way is open from the internet to it"
    told = describe({"not_exposed": {"to": "internet", "ports": [22, 3389]}})
    assert told == "no way is open from the internet to it on ports 22, 3389"


def test_every_type_that_a_check_may_name_has_its_ways() -> None:
    assert {*AWS, *AZURE, *GOOGLE} == EXPOSABLE


def test_what_is_looked_at_is_in_the_schemas() -> None:
    schema = load()
    for kind, names in (one for cloud in LOOKED_AT.values() for one in cloud.items()):
        assert schema.knows(kind), kind
        for name in names:
            paths = (name, name.replace(".", "[]."))
            # The block stands in schemas newer than the one at hand.
            assert name == "primary_network_interface" or any(schema.attribute(kind, path) for path in paths), (
                f"{kind} {name}"
            )
