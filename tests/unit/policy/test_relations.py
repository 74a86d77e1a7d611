# ruff: noqa: E501 - tables read better in long lines
"""Related resources: by reference and by literal, both ways, ambiguous, missing, destroyed, in data sources."""

from typing import Any

import pytest

from tests.unit.policy.plans import catalogue, change, plan_of, refers, run, verdicts

BLOCKED = catalogue(("blocked", "aws_s3_bucket",
    "{related: {type: aws_s3_bucket_public_access_block, their: bucket, matches: [id, bucket], satisfies: {attribute: block_public_acls, equals: true, absent: fail}}}",
    "high"))  # fmt: skip
PRIVATE = catalogue(("private", "aws_instance",
    "{related: {type: aws_subnet, our: subnet_id, matches: [id], satisfies: {attribute: map_public_ip_on_launch, equals: false, absent: pass}, absent: unknown}}",
    "high"))  # fmt: skip
BUCKET, BLOCK = "aws_s3_bucket.b", "aws_s3_bucket_public_access_block.b"


def bucket(address: str = BUCKET) -> dict[str, Any]:
    return change(address, "create", {}, {"id": True, "arn": True, "bucket": True})


def block(address: str = BLOCK, *, on: Any = True, known: str | None = None) -> dict[str, Any]:
    return change(
        address, "create", {"block_public_acls": on, "bucket": known}, {} if known else {"bucket": True, "id": True}
    )


def named(*references: str) -> dict[str, Any]:
    return {BUCKET: {}, BLOCK: {"bucket": refers(*references)}}


@pytest.mark.parametrize(
    ("references", "on", "verdict"),
    [
        (["aws_s3_bucket.b.id", "aws_s3_bucket.b"], True, "pass"),
        (["aws_s3_bucket.b.bucket", "aws_s3_bucket.b"], True, "pass"),
        (["aws_s3_bucket.b.id", "aws_s3_bucket.b"], False, "fail"),
        (["var.name"], True, "unknown"),
        (["local.name"], False, "fail"),
        (["var.public", "aws_s3_bucket.b.id", "aws_s3_bucket.b"], True, "unknown"),
        (["aws_s3_bucket.b.hosted_zone_id", "aws_s3_bucket.b"], True, "unknown"),
        (["data.aws_s3_bucket.b.id", "data.aws_s3_bucket.b"], True, "unknown"),
        (["aws_s3_bucket.b.id", "aws_s3_bucket.b", "aws_s3_bucket.b.id", "aws_s3_bucket.b"], True, "unknown"),
    ],
)
def test_a_partner_that_names_this_resource_by_reference(references: list[str], on: bool, verdict: str) -> None:
    plan = plan_of(bucket(), block(on=on), configuration=named(*references))
    assert verdicts(BLOCKED, plan) == {BUCKET: verdict}


def test_a_partner_that_names_it_through_another_resource_is_not_overlooked() -> None:
    versioning = "aws_s3_bucket_versioning.b"
    for attribute in ("bucket", "id"):
        configuration = {
            BUCKET: {},
            versioning: {"bucket": refers("aws_s3_bucket.b.id", "aws_s3_bucket.b")},
            BLOCK: {"bucket": refers(f"{versioning}.{attribute}", versioning)},
        }
        plan = plan_of(
            bucket(),
            change(versioning, "create", {}, {"bucket": True, "id": True}),
            block(),
            configuration=configuration,
        )
        assert verdicts(BLOCKED, plan)[BUCKET] == "unknown"


def test_a_partner_of_another_resource_is_none_of_this_one() -> None:
    other = "aws_s3_bucket.other"
    configuration = {BUCKET: {}, other: {}, BLOCK: {"bucket": refers(f"{other}.id", other)}}
    assert verdicts(BLOCKED, plan_of(bucket(), bucket(other), block(), configuration=configuration)) == {
        BUCKET: "fail",
        other: "pass",
    }


def test_a_partner_by_literal() -> None:
    own = change(BUCKET, "create", {"bucket": "logs"}, {"id": True})
    assert verdicts(BLOCKED, plan_of(own, block(known="logs"))) == {BUCKET: "pass"}
    assert verdicts(BLOCKED, plan_of(own, block(known="logs", on=False))) == {BUCKET: "fail"}
    assert verdicts(BLOCKED, plan_of(own, block(known="else"))) == {BUCKET: "fail"}


def test_one_partner_that_satisfies_is_enough() -> None:
    own = change(BUCKET, "create", {"bucket": "logs"}, {"id": True})
    assert verdicts(BLOCKED, plan_of(own, block(known="logs", on=False), block(BLOCK + "2", known="logs"))) == {
        BUCKET: "pass"
    }


def test_instances_are_told_apart_by_their_key() -> None:
    configuration = {BUCKET: {}, BLOCK: {"bucket": refers("aws_s3_bucket.b", "each.key")}}
    changes = [bucket(f'{BUCKET}["{key}"]') for key in "xy"] + [
        block(f'{BLOCK}["{key}"]', on=key == "x") for key in "xy"
    ]
    assert verdicts(BLOCKED, plan_of(*changes, configuration=configuration)) == {
        f'{BUCKET}["x"]': "pass",
        f'{BUCKET}["y"]': "fail",
    }


@pytest.mark.parametrize("missing", ["pass", "fail", "unknown"])
def test_a_possible_partner_and_a_default_for_none_have_to_agree(missing: str) -> None:
    library = catalogue(("possible", "aws_s3_bucket",
        f"{{related: {{type: aws_s3_bucket_public_access_block, their: bucket, missing: {missing}, satisfies: {{attribute: block_public_acls, equals: true, absent: fail}}}}}}",
        "high"))  # fmt: skip
    for on, truth in ((True, "pass"), (False, "fail")):
        plan = plan_of(bucket(), block(on=on), configuration=named("local.name"))
        assert verdicts(library, plan) == {BUCKET: truth if truth == missing else "unknown"}


# --- none at all -----------------------------------------------------------------------------------------------------

OLD = {"id": "logs", "bucket": "logs"}


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ([bucket()], "fail"),
        ([change(BUCKET, "replace", {}, {"id": True}, OLD)], "fail"),
        ([change(BUCKET, "update", {**OLD, "tags": {}}, {}, OLD)], "unknown"),
        ([change(BUCKET, "no-op", OLD)], "unknown"),
        (
            [
                change(BUCKET, "no-op", OLD),
                change(BLOCK, "delete", None, None, {"bucket": "logs", "block_public_acls": True}),
            ],
            "fail",
        ),
        ([change(BUCKET, "no-op", OLD), change(BLOCK, "delete", None, None, {"bucket": "other"})], "unknown"),
        ([change(BUCKET, "no-op", OLD), change(BLOCK, "update", {"bucket": "other"}, {}, {"bucket": "logs"})], "fail"),
    ],
    ids=[
        "created",
        "replaced",
        "updated",
        "there",
        "partner destroyed",
        "partner of another destroyed",
        "partner turned away",
    ],
)
def test_no_partner(changes: list[dict[str, Any]], verdict: str) -> None:
    assert verdicts(BLOCKED, plan_of(*changes))[BUCKET] == verdict


def test_a_partner_that_the_plan_destroys_introduces_the_finding_on_an_unchanged_resource() -> None:
    gone = change(BLOCK, "delete", None, None, {"bucket": "logs", "block_public_acls": True})
    (result,) = run(BLOCKED, plan_of(change(BUCKET, "no-op", OLD), gone)).results
    assert (str(result.change), str(result.effect)) == ("introduced", "deny")


def test_a_partner_that_changes_fixes_or_breaks_an_unchanged_resource() -> None:
    good, bad = {"bucket": "logs", "block_public_acls": True}, {"bucket": "logs", "block_public_acls": False}
    (broken,) = run(BLOCKED, plan_of(change(BUCKET, "no-op", OLD), change(BLOCK, "update", bad, {}, good))).results
    assert str(broken.change) == "introduced"
    mended = run(BLOCKED, plan_of(change(BUCKET, "no-op", OLD), change(BLOCK, "update", good, {}, bad)))
    assert [one.subject.address for one in mended.fixed] == [BUCKET]
    (left,) = run(BLOCKED, plan_of(change(BUCKET, "no-op", OLD), change(BLOCK, "no-op", bad))).results
    assert (str(left.change), str(left.effect)) == ("pre-existing", "note")


# --- the other way ---------------------------------------------------------------------------------------------------

INSTANCE, SUBNET = "aws_instance.i", "aws_subnet.s"


def subnet(address: str = SUBNET, *, public: bool = False) -> dict[str, Any]:
    return change(address, "create", {"map_public_ip_on_launch": public}, {"id": True, "arn": True})


def instance(value: Any = None) -> dict[str, Any]:
    return change(INSTANCE, "create", {"subnet_id": value}, {} if value else {"subnet_id": True})


@pytest.mark.parametrize(
    ("references", "public", "verdict"),
    [
        (["aws_subnet.s.id", "aws_subnet.s"], False, "pass"),
        (["aws_subnet.s.id", "aws_subnet.s"], True, "fail"),
        (["aws_subnet.s.arn", "aws_subnet.s"], False, "unknown"),
        (["aws_subnet.s.vpc_id", "aws_subnet.s"], False, "unknown"),
        (["aws_subnet.gone.id", "aws_subnet.gone"], False, "unknown"),
        (["var.which", "aws_subnet.s.id", "aws_subnet.s"], False, "unknown"),
        (["local.ids"], False, "unknown"),
        (["aws_subnet.s.id", "aws_subnet.s", "aws_subnet.s.id", "aws_subnet.s"], False, "unknown"),
        (["aws_vpc.v.id", "aws_vpc.v", "aws_subnet.s.id", "aws_subnet.s"], False, "unknown"),
    ],
)
def test_a_partner_that_this_resource_names(references: list[str], public: bool, verdict: str) -> None:
    vpc = change("aws_vpc.v", "create", {}, {"id": True})
    plan = plan_of(
        subnet(public=public),
        vpc,
        instance(),
        configuration={SUBNET: {}, "aws_vpc.v": {}, INSTANCE: {"subnet_id": refers(*references)}},
    )
    assert verdicts(PRIVATE, plan) == {INSTANCE: verdict}


def test_several_that_may_be_meant_have_to_agree() -> None:
    configuration = {SUBNET: {}, INSTANCE: {"subnet_id": refers("aws_subnet.s")}}
    pair = [subnet(f"{SUBNET}[0]"), subnet(f"{SUBNET}[1]")]
    assert verdicts(PRIVATE, plan_of(*pair, instance(), configuration=configuration)) == {INSTANCE: "pass"}
    mixed = [subnet(f"{SUBNET}[0]"), subnet(f"{SUBNET}[1]", public=True)]
    assert verdicts(PRIVATE, plan_of(*mixed, instance(), configuration=configuration)) == {INSTANCE: "unknown"}


def test_the_value_of_a_for_each_over_a_map_is_no_key() -> None:
    # for_each = {a = "b", b = "a"}; subnet_id = aws_subnet.s[each.value].id: "a" gets the subnet of "b".
    changes = [subnet(f'{SUBNET}["a"]'), subnet(f'{SUBNET}["b"]', public=True)]
    changes += [change(f'{INSTANCE}["{key}"]', "create", {}, {"subnet_id": True}) for key in "ab"]
    configuration = {
        SUBNET: {},
        INSTANCE: {
            "subnet_id": refers("aws_subnet.s", "each.value"),
            "for_each_expression": {"constant_value": {"a": "b", "b": "a"}},
        },
    }
    assert set(verdicts(PRIVATE, plan_of(*changes, configuration=configuration)).values()) == {"unknown"}


def test_a_literal_that_is_nowhere_in_the_plan_is_unknown_and_a_data_source_answers() -> None:
    assert verdicts(PRIVATE, plan_of(instance("subnet-1"))) == {INSTANCE: "unknown"}
    for public, verdict in ((True, "fail"), (False, "pass")):
        read = {"address": "data.aws_subnet.d", "mode": "data", "type": "aws_subnet", "name": "d",
                "values": {"id": "subnet-1", "map_public_ip_on_launch": public}}  # fmt: skip
        plan = plan_of(
            instance("subnet-1"),
            prior_state={"format_version": "1.0", "values": {"root_module": {"resources": [read]}}},
        )
        assert verdicts(PRIVATE, plan) == {INSTANCE: verdict}


def test_our_attribute_that_is_not_set_gives_what_the_check_says() -> None:
    assert verdicts(PRIVATE, plan_of(change(INSTANCE, "create", {"subnet_id": None}))) == {INSTANCE: "unknown"}


def test_unknown_elements_of_a_list_of_names_may_be_partners() -> None:
    library = catalogue(("listed", "aws_lb",
        "{related: {type: aws_subnet, our: subnets, matches: [id], missing: fail, satisfies: {attribute: map_public_ip_on_launch, equals: false, absent: pass}, absent: fail}}",
        "high"))  # fmt: skip
    known = change(SUBNET, "no-op", {"id": "subnet-1", "map_public_ip_on_launch": True})
    for names, mask, verdict in ((["subnet-1"], None, "fail"), (["subnet-2"], None, "fail"), (["subnet-1", None], [False, True], "unknown"),
                                 ([None], [True], "unknown")):  # fmt: skip
        lb = change("aws_lb.l", "create", {"subnets": names}, {"subnets": mask} if mask else {})
        assert verdicts(library, plan_of(known, lb))["aws_lb.l"] == verdict


def test_the_pattern_is_held_against_the_resource_that_is_judged_also_after_it_was_a_partner() -> None:
    library = catalogue(
        ("lifecycle", "aws_ecr_lifecycle_policy",
         "{related: {type: aws_ecr_repository, our: repository, matches: [name], satisfies: {attribute: name, is_set: true}, absent: fail}}", "low"),
        ("scanned", "aws_ecr_repository",
         "{exists: {type: aws_ecr_registry_scanning_configuration, satisfies: {some: rule, satisfies: {some: repository_filter, satisfies: {attribute: filter, pattern_for: name}}}}}", "high"),
    )  # fmt: skip
    changes = [
        change("aws_ecr_lifecycle_policy.p", "create", {"repository": "app"}),
        change(
            "aws_ecr_registry_scanning_configuration.r",
            "create",
            {"rule": [{"repository_filter": [{"filter": "app*"}]}]},
        ),
        change("aws_ecr_repository.app", "create", {"name": "app"}),
    ]
    assert verdicts(library, plan_of(*changes))["aws_ecr_repository.app"] == "pass"


REACHED = catalogue(("reached", "azurerm_mssql_server",
    "{related: {type: azurerm_private_endpoint, their: private_service_connection.private_connection_resource_id, matches: [id]}}",
    "high"))  # fmt: skip
TARGETED = catalogue(("targeted", "aws_elb",
    "{related: {type: aws_autoscaling_traffic_source_attachment, their: traffic_source.identifier, matches: [id]}}",
    "high"))  # fmt: skip


def test_a_reference_in_a_block_names_its_partner_and_no_other() -> None:
    one, two, endpoint = "azurerm_mssql_server.a", "azurerm_mssql_server.b", "azurerm_private_endpoint.a"
    plan = plan_of(
        change(one, "create", {}, {"id": True}),
        change(two, "create", {}, {"id": True}),
        change(endpoint, "create", {"private_service_connection": [{"name": "a"}]},
               {"private_service_connection": [{"private_connection_resource_id": True}]}),
        configuration={one: {}, two: {}, endpoint: {"private_service_connection": [
            {"private_connection_resource_id": refers(f"{one}.id", one)}]}},
    )  # fmt: skip
    assert verdicts(REACHED, plan) == {one: "pass", two: "fail"}


def test_blocks_of_a_set_cannot_be_told_apart() -> None:
    first, second, both = "aws_elb.a", "aws_elb.b", "aws_autoscaling_traffic_source_attachment.a"
    plan = plan_of(
        change(first, "create", {}, {"id": True}),
        change(second, "create", {}, {"id": True}),
        change(both, "create", {"traffic_source": [{"type": "elb"}, {"type": "elb"}]},
               {"traffic_source": [{"identifier": True}, {"identifier": True}]}),
        configuration={first: {}, second: {}, both: {"traffic_source": [
            {"identifier": refers(f"{first}.id", first)}, {"identifier": refers(f"{second}.id", second)}]}},
    )  # fmt: skip
    assert verdicts(TARGETED, plan) == {first: "unknown", second: "unknown"}
