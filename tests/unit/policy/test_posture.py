# ruff: noqa: E501 - tables read better in long lines
"""What a posture index answers on a plan: partners, absence, existence, and where it must stay silent."""

from typing import Any

import pytest

from iacgate.model.inventory import ScopeKey
from iacgate.policy.posture import Posture, age_words

from tests.unit.policy.inventories import ACCOUNT, NOW, OTHER, REGION, index_of, scope, there
from tests.unit.policy.plans import HEAD, change, plan_of, run
from tests.unit.policy.plans import catalogue as checks

BLOCK, VOLUME = "aws_s3_bucket_public_access_block", "aws_ebs_encryption_by_default"
LIBRARY = checks(
    ("blocked", "aws_s3_bucket", "{related: {type: aws_s3_bucket_public_access_block, their: bucket, matches: [id, bucket], satisfies: {attribute: block_public_acls, equals: true, absent: fail}}}", "high"),
    ("private", "aws_instance", "{related: {type: aws_subnet, our: subnet_id, matches: [id], satisfies: {attribute: map_public_ip_on_launch, equals: false, absent: pass}, absent: unknown}}", "high"),
    ("said", "aws_lambda_function", "{related: {type: aws_subnet, our: description, matches: [id], satisfies: {attribute: map_public_ip_on_launch, equals: false, absent: pass}, missing: pass, absent: pass}}", "high"),
    ("encrypted", "aws_ebs_volume", "{exists: {type: aws_ebs_encryption_by_default, satisfies: {attribute: enabled, equals: true, absent: fail}}}", "high"),
    ("logged", "aws_vpc", "{related: {type: aws_flow_log, their: vpc_id, matches: [id], satisfies: {attribute: traffic_type, equals: ALL, absent: fail}}}", "high"),
    ("trail", "aws_sns_topic", "{exists: {type: aws_cloudtrail, satisfies: {attribute: is_multi_region_trail, equals: true, absent: fail}}}", "high"),
    ("role", "aws_iam_instance_profile", "{related: {type: aws_iam_role, our: role, matches: [name], satisfies: {attribute: permissions_boundary, is_set: true}, absent: unknown}}", "high"),
)  # fmt: skip
BUCKET = change("aws_s3_bucket.b", "no-op", {"id": "b", "bucket": "b", "arn": "arn:aws:s3:::b", "region": REGION})
WHO = {"data": [{"account_id": ACCOUNT}]}
PLACE = ScopeKey("aws", ACCOUNT, REGION)


def block(on: Any = True, bucket: str = "b", **more: Any) -> dict[str, Any]:
    return there(BLOCK, bucket, {"bucket": bucket, "block_public_acls": on}, **more)


def judged(changes: Any, scopes: Any, resources: Any, place: ScopeKey | None = PLACE) -> dict[str, str]:
    """Verdict by address."""
    plan = plan_of(*changes)
    index = index_of(LIBRARY, scopes, resources)
    found = run(LIBRARY, plan, posture=Posture(index, plan, place, NOW))
    return {one.subject.address: str(one.verdict) for one in found.results}


def on_bucket(scopes: Any, resources: Any, *changes: Any, place: ScopeKey | None = PLACE, bucket: Any = BUCKET) -> str:
    return judged([bucket, *changes], scopes, resources, place)["aws_s3_bucket.b"]


WHOLE = [scope(BLOCK)]
PARTLY = [scope(holes=[{"type": BLOCK, "reason": "AccessDenied"}])]


@pytest.mark.parametrize(
    ("scopes", "resources", "verdict"),
    [
        (WHOLE, [block()], "pass"),
        (WHOLE, [block(on=False)], "fail"),
        (WHOLE, [block(on=None)], "fail"),
        (WHOLE, [], "fail"),
        (WHOLE, [block(bucket="another")], "fail"),
        (PARTLY, [block()], "pass"),
        (PARTLY, [], "unknown"),
        ([scope()], [], "unknown"),
        ([scope(region="us-east-1"), scope(BLOCK)], [], "fail"),
        ([scope(BLOCK, region="us-east-1"), scope()], [], "unknown"),
        ([scope(), scope(BLOCK, region="global")], [], "fail"),
        ([scope(BLOCK), scope(region="global", holes=[{"type": BLOCK, "reason": "Throttled"}])], [], "unknown"),
        ([scope(BLOCK, account=OTHER)], [], "unknown"),
        ([scope(BLOCK, account=OTHER)], [block(account=OTHER)], "unknown"),
        (WHOLE, [there(BLOCK, "x", {"block_public_acls": True})], "unknown"),
        (WHOLE, [there(BLOCK, "b", {"bucket": "b"})], "unknown"),
    ],
)
def test_what_names_a_bucket_that_was_there(scopes: Any, resources: Any, verdict: str) -> None:
    assert on_bucket(scopes, resources) == verdict


def plans_block(actions: str, on: Any, *, known: bool = True) -> dict[str, Any]:
    values = {"bucket": "b", "block_public_acls": on, **({"id": "b"} if actions != "create" else {})}
    after = None if actions == "delete" else values
    return change(f"{BLOCK}.b", actions, after, {"id": True} if actions == "create" else {}, None if actions == "create" else {**values, "block_public_acls": True})  # fmt: skip


@pytest.mark.parametrize(
    ("planned", "inventory", "verdict"),
    [
        (plans_block("create", False), True, "fail"),
        (plans_block("update", False), True, "fail"),
        (plans_block("create", True), False, "pass"),
        (plans_block("no-op", True), False, "pass"),
        (plans_block("delete", True), True, "fail"),
    ],
)
def test_what_the_plan_manages_counts_as_it_plans_it(planned: Any, inventory: bool, verdict: str) -> None:
    assert on_bucket(WHOLE, [block(on=inventory)], planned) == verdict


def test_nothing_in_an_inventory_names_what_the_plan_creates() -> None:
    new = change("aws_s3_bucket.b", "create", {"bucket": "b"}, {"id": True, "arn": True})
    assert on_bucket(WHOLE, [block()], bucket=new) == "fail"


VPC = change("aws_vpc.v", "no-op", {"id": "vpc-0a1b2c3d", "arn": f"arn:aws:ec2:{REGION}:{ACCOUNT}:vpc/vpc-0a1b2c3d"})


def log(traffic: str, **more: Any) -> dict[str, Any]:
    return there("aws_flow_log", "fl-0a1b2c3d", {"vpc_id": "vpc-0a1b2c3d", "traffic_type": traffic}, **more)


@pytest.mark.parametrize(("scopes", "verdict"), [([scope("aws_flow_log")], "fail"), ([scope()], "unknown")])
def test_a_partner_that_fails_says_nothing_of_those_that_were_not_collected(scopes: Any, verdict: str) -> None:
    assert judged([VPC], scopes, [log("REJECT")])["aws_vpc.v"] == verdict
    assert judged([VPC], scopes, [log("ALL")])["aws_vpc.v"] == "pass"


@pytest.mark.parametrize(("mine", "theirs", "verdict"), [("REJECT", "REJECT", "fail"), ("REJECT", "ALL", "unknown"), ("ALL", "REJECT", "pass")])  # fmt: skip
def test_beside_a_partner_of_the_plan_another_only_makes_it_less_sure(mine: str, theirs: str, verdict: str) -> None:
    planned = change("aws_flow_log.f", "no-op", {"id": "fl-11111111", "vpc_id": "vpc-0a1b2c3d", "traffic_type": mine})
    assert judged([VPC, planned], [scope("aws_flow_log")], [log(theirs)])["aws_vpc.v"] == verdict


def test_an_id_that_a_cloud_gives_out_matches_whatever_is_known_of_the_place() -> None:
    several = [scope("aws_flow_log"), scope("aws_flow_log", account=OTHER)]
    bare = change("aws_vpc.v", "no-op", {"id": "vpc-0a1b2c3d"})
    assert judged([bare], several, [log("ALL", account=OTHER)], None)["aws_vpc.v"] == "pass"
    assert judged([bare], several, [], None)["aws_vpc.v"] == "unknown"


def instance(subnet: Any, unknown: Any = None) -> dict[str, Any]:
    return change("aws_instance.i", "create", {"subnet_id": subnet}, unknown or {})


def subnet(public: Any, name: str = "subnet-0a1b2c3d", **more: Any) -> dict[str, Any]:
    return there("aws_subnet", name, {"map_public_ip_on_launch": public}, **more)


@pytest.mark.parametrize(
    ("planned", "resources", "verdict"),
    [
        (instance("subnet-0a1b2c3d"), [subnet(False)], "pass"),
        (instance("subnet-0a1b2c3d"), [subnet(True)], "fail"),
        (instance("subnet-0a1b2c3d"), [there("aws_subnet", "subnet-0a1b2c3d")], "unknown"),
        (instance("subnet-0a1b2c3d"), [], "unknown"),
        (instance("subnet-0a1b2c3d"), [subnet(False, account=OTHER)], "pass"),
        (instance(None, {"subnet_id": True}), [subnet(False)], "unknown"),
        (instance(None), [subnet(False)], "unknown"),
    ],
)
def test_what_a_literal_id_names(planned: Any, resources: Any, verdict: str) -> None:
    scopes = [scope("aws_subnet"), scope("aws_subnet", account=OTHER)]
    assert judged([planned], scopes, resources)["aws_instance.i"] == verdict


def test_what_a_literal_id_names_counts_as_the_plan_leaves_it() -> None:
    gone = change("aws_subnet.s", "delete", None, before={"id": "subnet-0a1b2c3d", "map_public_ip_on_launch": False})
    changed = change("aws_subnet.s", "update", {"id": "subnet-0a1b2c3d", "map_public_ip_on_launch": True}, before={"id": "subnet-0a1b2c3d"})  # fmt: skip
    for planned, verdict in ((gone, "unknown"), (changed, "fail")):
        found = judged([instance("subnet-0a1b2c3d"), planned], [scope("aws_subnet")], [subnet(False)])
        assert found["aws_instance.i"] == verdict


def test_a_default_subnet_that_the_plan_adopts_is_no_other_subnet() -> None:
    adopted = change("aws_default_subnet.s", "update", {"id": "subnet-0a1b2c3d", "map_public_ip_on_launch": True}, before={"id": "subnet-0a1b2c3d"})  # fmt: skip
    found = judged([instance("subnet-0a1b2c3d"), adopted], [scope("aws_subnet")], [subnet(False)])
    assert found["aws_instance.i"] == "unknown"


ROLE = change("aws_iam_instance_profile.p", "create", {"role": "admin"})


def role(boundary: Any, account: str = ACCOUNT) -> dict[str, Any]:
    arn = f"arn:aws:iam::{account}:role/admin"
    return there("aws_iam_role", "admin", {"name": "admin", "arn": arn, "permissions_boundary": boundary}, account, "global")  # fmt: skip


GLOBAL = [scope("aws_iam_role", region="global"), scope("aws_iam_role", account=OTHER, region="global")]


@pytest.mark.parametrize(
    ("resources", "place", "verdict"),
    [
        ([role("b"), role(None, OTHER)], ScopeKey("aws", ACCOUNT, ""), "pass"),
        ([role("b"), role(None, OTHER)], ScopeKey("aws", OTHER, ""), "fail"),
        ([role("b", OTHER)], ScopeKey("aws", ACCOUNT, ""), "unknown"),
        ([role("b"), role("b", OTHER)], None, "unknown"),
        ([role("b")], ScopeKey("aws", "999988887777", ""), "unknown"),
    ],
)
def test_a_name_never_means_a_resource_of_another_account(resources: Any, place: Any, verdict: str) -> None:
    assert judged([ROLE], GLOBAL, resources, place)["aws_iam_instance_profile.p"] == verdict


def test_a_role_of_another_account_with_the_name_of_a_managed_one_is_another_role() -> None:
    managed = change("aws_iam_role.r", "no-op", {"id": "admin", "name": "admin", "arn": f"arn:aws:iam::{OTHER}:role/admin", "permissions_boundary": None})  # fmt: skip
    found = judged([managed, ROLE], GLOBAL, [role("b")], ScopeKey("aws", ACCOUNT, ""))
    assert found["aws_iam_instance_profile.p"] == "fail"  # what the plan knows by that name comes first


VOL = change("aws_ebs_volume.v", "create", {})


def default(on: Any, **more: Any) -> dict[str, Any]:
    return there(VOLUME, "default", {"enabled": on}, **more)


def plans_default(actions: str, on: Any) -> dict[str, Any]:
    before = None if actions == "create" else {"id": "terraform-2024", "enabled": True}
    after = None if actions == "delete" else {"enabled": on}
    return change(f"{VOLUME}.d", actions, after, {"id": True} if actions == "create" else {}, before)


@pytest.mark.parametrize(
    ("planned", "resources", "verdict"),
    [
        ([], [default(True)], "pass"),
        ([], [default(False)], "fail"),
        ([], [there(VOLUME, "default")], "unknown"),
        ([], [], "fail"),
        ([], [default(True, region="us-east-1")], "fail"),
        ([], [default(True, account=OTHER)], "fail"),
        ([plans_default("create", False)], [default(True)], "fail"),
        ([plans_default("update", False)], [default(True)], "fail"),
        ([plans_default("delete", None)], [default(True)], "fail"),
        ([plans_default("create", True)], [default(False)], "pass"),
    ],
)
def test_what_exists_in_the_account_and_region_of_the_resource(planned: Any, resources: Any, verdict: str) -> None:
    scopes = [scope(VOLUME), scope(region="us-east-1"), scope(account=OTHER)]
    assert judged([VOL, *planned], scopes, resources)["aws_ebs_volume.v"] == verdict


def trail(name: str, *, everywhere: bool) -> dict[str, Any]:
    return there("aws_cloudtrail", name, {"name": name, "arn": f"arn:aws:cloudtrail:{REGION}:{ACCOUNT}:trail/{name}", "is_multi_region_trail": everywhere})  # fmt: skip


@pytest.mark.parametrize(
    ("after", "unknown", "verdict"),
    [
        ({"name": "mine", "is_multi_region_trail": False}, {"arn": True}, "pass"),
        ({"name": "org", "is_multi_region_trail": False}, {"arn": True}, "fail"),
        ({"is_multi_region_trail": False}, {"arn": True, "name": True}, "unknown"),
    ],
)
def test_one_of_several_that_exist_may_be_the_one_that_is_created(after: Any, unknown: Any, verdict: str) -> None:
    topic, mine = change("aws_sns_topic.t", "create", {}), change("aws_cloudtrail.t", "create", after, unknown)
    found = judged([topic, mine], [scope("aws_cloudtrail")], [trail("org", everywhere=True)])
    assert found["aws_sns_topic.t"] == verdict


def test_where_a_check_says_what_missing_means_the_inventory_is_not_asked() -> None:
    function = change("aws_lambda_function.f", "create", {"description": "subnet-0a1b2c3d"})
    assert judged([function], [scope("aws_subnet")], [subnet(True)])["aws_lambda_function.f"] == "pass"


def test_evidence_says_where_it_was_seen_and_how_old_it_is() -> None:
    for resources in ([block(on=False)], []):
        plan = plan_of(BUCKET)
        index = index_of(LIBRARY, WHOLE, resources)
        (result,) = run(LIBRARY, plan, posture=Posture(index, plan, PLACE, NOW)).results
        assert [one.source for one in result.evidence] == ["inventory, 3 hours old"]
        assert all(one.address == "" or one.address.startswith(f"inventory/{ACCOUNT}/{REGION}/") for one in result.evidence)  # fmt: skip


def test_what_was_missing_before_the_plan_too_is_pre_existing() -> None:
    plan = plan_of(BUCKET)
    (result,) = run(LIBRARY, plan, posture=Posture(index_of(LIBRARY, WHOLE, []), plan, PLACE, NOW)).results
    assert result.change == "pre-existing"


ACCOUNT_CHECK = HEAD.format(
    id="guarded", resource="x", severity="high", condition="{exists: {type: aws_guardduty_detector, satisfies: {attribute: enable, equals: true, absent: fail}}}"
).replace("resource: x\n", "subject: account\n")  # fmt: skip


def on_account(scopes: Any, resources: Any, *changes: Any, place: ScopeKey | None = PLACE) -> tuple[str, int]:
    """The verdict on the account (empty: a pass or not asked) and how many checks were not asked."""
    from pathlib import Path
    from tempfile import mkdtemp

    from iacgate.policy.catalogue import Catalogue, compile_files
    from iacgate.policy.catalogue import _open as open_compiled

    part = open_compiled(compile_files(Path(mkdtemp()), [("guarded.yaml", ACCOUNT_CHECK.encode())]))
    assert part is not None
    library = Catalogue([part])
    plan = plan_of(*(changes or (VOL,)))
    found = run(library, plan, posture=Posture(index_of(library, scopes, resources), plan, place, NOW))
    verdict = next((str(one.verdict) for one in found.results), "pass" if found.passed else "")
    return verdict, found.coverage.not_asked


DETECTOR = "aws_guardduty_detector"


def detector(on: Any, **more: Any) -> dict[str, Any]:
    return there(DETECTOR, "d1", {"enable": on}, **more)


@pytest.mark.parametrize(
    ("scopes", "resources", "place", "answer"),
    [
        ([scope(DETECTOR)], [detector(True)], PLACE, ("pass", 0)),
        ([scope(DETECTOR)], [detector(False)], PLACE, ("fail", 0)),
        ([scope(DETECTOR)], [], PLACE, ("fail", 0)),
        ([scope(DETECTOR)], [there(DETECTOR, "d1")], PLACE, ("unknown", 0)),
        ([scope()], [detector(True)], PLACE, ("", 1)),
        ([scope(holes=[{"type": DETECTOR, "reason": "AccessDenied"}])], [], PLACE, ("", 1)),
        ([scope(DETECTOR), scope(DETECTOR, account=OTHER)], [detector(True)], None, ("", 1)),
        (
            [scope(DETECTOR), scope(DETECTOR, region="us-east-1")],
            [detector(True)],
            ScopeKey("aws", ACCOUNT, ""),
            ("", 1),
        ),
        ([scope(DETECTOR)], [detector(True)], None, ("pass", 0)),
        ([scope(DETECTOR)], [detector(True)], ScopeKey("aws", OTHER, REGION), ("", 1)),
        (
            [scope(DETECTOR), scope(DETECTOR, region="us-east-1")],
            [detector(True, region="us-east-1")],
            PLACE,
            ("fail", 0),
        ),
    ],
)
def test_checks_on_the_account_are_asked_where_the_inventory_knows_all(scopes: Any, resources: Any, place: Any, answer: Any) -> None:  # fmt: skip
    assert on_account(scopes, resources, place=place) == answer


def test_of_a_plan_in_two_regions_both_must_be_guarded() -> None:
    here = change("aws_vpc.a", "no-op", {"id": "vpc-1", "arn": f"arn:aws:ec2:{REGION}:{ACCOUNT}:vpc/vpc-1"})
    away = change("aws_vpc.b", "no-op", {"id": "vpc-2", "arn": f"arn:aws:ec2:us-east-1:{ACCOUNT}:vpc/vpc-2"})
    scopes = [scope(DETECTOR), scope(DETECTOR, region="us-east-1")]
    assert on_account(scopes, [detector(True)], here, away, place=None) == ("fail", 0)
    assert on_account(scopes, [detector(True), detector(True, region="us-east-1")], here, away, place=None) == ("pass", 0)  # fmt: skip


def test_a_plan_that_does_not_work_in_a_cloud_is_not_asked_about_it() -> None:
    other = change("google_compute_network.n", "create", {"project": "p"})
    assert on_account([scope(DETECTOR)], [detector(True)], other, place=None) == ("", 1)


def test_a_detector_that_the_plan_switches_off_is_off() -> None:
    off = change(
        "aws_guardduty_detector.d", "update", {"id": "d1", "enable": False}, before={"id": "d1", "enable": True}
    )
    assert on_account([scope(DETECTOR)], [detector(True)], off) == ("fail", 0)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "less than an hour old"), (3_600, "1 hour old"), (100_000, "27 hours old"), (172_800, "2 days old")],
)
def test_ages_in_words(seconds: int, words: str) -> None:
    assert age_words(seconds) == words
