# ruff: noqa: E501 - tables read better in long lines
"""An inventory only turns "unknown" into what is true, on random accounts, plans and inventories.

A random cloud of two accounts with two regions each; a plan that manages a random part of it, destroys, changes and
creates; an inventory of what was there before the plan, with random holes and attributes that were not collected.
Whoever knows all of it (the oracle below, which knows nothing of the engine) says what is true after the apply.

- A verdict with the inventory, other than unknown, is true wherever the oracle can be asked: of partners of resources
  that were there, and of literal names.
- What the plan settles by partners of its own the inventory never turns round.
"""

from random import Random
from typing import Any, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from iacgate.policy.posture import Posture

from tests.unit.policy.inventories import NOW, index_of, scope, there
from tests.unit.policy.plans import catalogue, change, plan_of, run

ACCOUNTS, REGIONS = ("111122223333", "444455556666"), ("eu-central-1", "us-east-1")
BLOCK, SUBNET, LOG, DEFAULT, ROLE = (
    "aws_s3_bucket_public_access_block",
    "aws_subnet",
    "aws_flow_log",
    "aws_ebs_encryption_by_default",
    "aws_iam_role",
)
LIBRARY = catalogue(
    ("blocked", "aws_s3_bucket", f"{{related: {{type: {BLOCK}, their: bucket, matches: [id, bucket], satisfies: {{attribute: block_public_acls, equals: true, absent: fail}}}}}}", "high"),
    ("private", "aws_instance", f"{{related: {{type: {SUBNET}, our: subnet_id, matches: [id], satisfies: {{attribute: map_public_ip_on_launch, equals: false, absent: fail}}, absent: unknown}}}}", "high"),
    ("logged", "aws_vpc", f"{{related: {{type: {LOG}, their: vpc_id, matches: [id], satisfies: {{attribute: traffic_type, equals: ALL, absent: fail}}}}}}", "high"),
    ("bounded", "aws_iam_instance_profile", f"{{related: {{type: {ROLE}, our: role, matches: [name], satisfies: {{attribute: permissions_boundary, equals: b, absent: fail}}, absent: unknown}}}}", "high"),
    ("encrypted", "aws_ebs_volume", f"{{exists: {{type: {DEFAULT}, satisfies: {{attribute: enabled, equals: true, absent: fail}}}}}}", "high"),
    ("unlogged", "aws_vpc", f"{{not: {{related: {{type: {LOG}, their: vpc_id, matches: [id], satisfies: {{attribute: traffic_type, equals: ALL, absent: fail}}}}}}}}", "high"),
)  # fmt: skip
GOOD = {BLOCK: "block_public_acls", SUBNET: "map_public_ip_on_launch", LOG: "traffic_type", DEFAULT: "enabled", ROLE: "permissions_boundary"}  # fmt: skip
VALUES = {BLOCK: (True, False), SUBNET: (False, True), LOG: ("ALL", "REJECT"), DEFAULT: (True, False), ROLE: ("b", "c")}


class Thing(NamedTuple):
    """A partner that exists, or will."""

    kind: str
    key: str
    """Whom it names, or the name it is found by."""
    cloud_id: str
    account: str
    region: str
    good: bool
    fate: str
    """``elsewhere``: not in the plan; else what the plan does to it."""
    good_after: bool


class Cloud:
    """Two accounts, and the plan that works in one region of the first."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.account, self.region = ACCOUNTS[0], REGIONS[0]
        self.things: list[Thing] = []
        for account in ACCOUNTS:
            for region in REGIONS:
                self._fill(account, region)
        self.scopes, self.holes = [], set()
        for account in ACCOUNTS:
            for region in (*REGIONS, "global"):
                holes = {kind for kind in GOOD if rng.random() < 0.15}
                self.holes |= {(account, region, kind) for kind in holes}
                complete = [kind for kind in GOOD if kind not in holes]
                self.scopes.append(scope(*complete, account=account, region=region, holes=[{"type": kind, "reason": "x"} for kind in sorted(holes)]))  # fmt: skip

    def _fill(self, account: str, region: str) -> None:
        rng = self.rng
        mine = (account, region) == (self.account, self.region)
        for number in range(4):
            suffix = f"{ACCOUNTS.index(account)}{REGIONS.index(region)}{number}"
            for kind, chance in ((BLOCK, 0.6), (SUBNET, 0.8), (LOG, 0.5)):
                key = {BLOCK: f"bucket-{suffix}", SUBNET: f"subnet-00000{suffix}", LOG: f"vpc-00000{suffix}"}[kind]
                for copy in range(rng.choice((1, 1, 2)) if kind == LOG else 1):
                    if rng.random() < chance:
                        ident = f"fl-0000{copy}{suffix}" if kind == LOG else key
                        self._add(kind, key, ident, account, region, mine)
        if rng.random() < 0.6:
            self._add(DEFAULT, "", "default", account, region, mine)
        if region == REGIONS[0]:
            for name in ("admin", "app"):
                if rng.random() < 0.7:
                    self._add(ROLE, name, name, account, "global", mine)

    def _add(self, kind: str, key: str, ident: str, account: str, region: str, mine: bool) -> None:
        fates = ["elsewhere", "elsewhere", "no-op", "update", "delete"] if mine else ["elsewhere"]
        fate = self.rng.choice(fates)
        good = self.rng.random() < 0.5
        after = self.rng.random() < 0.5 if fate == "update" else good
        self.things.append(Thing(kind, key, ident, account, region, good, fate, after))

    def values(self, one: Thing, good: bool) -> dict[str, Any]:
        value = VALUES[one.kind][0 if good else 1]
        out = {"id": one.cloud_id, GOOD[one.kind]: value}
        if one.kind == DEFAULT:
            out["id"] = "terraform-made-up" if one.fate != "elsewhere" else "default"
        if one.kind == ROLE:
            out |= {"name": one.key, "arn": f"arn:aws:iam::{one.account}:role/{one.key}"}
        named = {BLOCK: "bucket", LOG: "vpc_id"}.get(one.kind)
        return {**out, named: one.key} if named else out

    def planned(self) -> list[dict[str, Any]]:
        out = []
        for number, one in enumerate(one for one in self.things if one.fate != "elsewhere"):
            before, after = self.values(one, one.good), self.values(one, one.good_after)
            out.append(change(f"{one.kind}.t{number}", one.fate, None if one.fate == "delete" else after, {}, before))
        return out

    def inventory(self) -> list[dict[str, Any]]:
        out = []
        for one in self.things:
            if (one.account, one.region, one.kind) in self.holes and self.rng.random() < 0.7:
                continue
            values = {**self.values(one, one.good), "id": one.cloud_id}
            if self.rng.random() < 0.1:
                values.pop(self.rng.choice(sorted(values.keys() - {"id"})), None)
            out.append(there(one.kind, one.cloud_id, values, one.account, one.region))
        return out

    def asked(self) -> list[dict[str, Any]]:
        """Resources that checks look at, in the plan's own account and region: they were there before."""
        arn = f"arn:aws:ec2:{self.region}:{self.account}:vpc/"
        out = [change("aws_ebs_volume.v", "no-op", {"id": "vol-00000001", "arn": f"arn:aws:ec2:{self.region}:{self.account}:volume/vol-00000001"})]  # fmt: skip
        for number in range(4):
            key = f"00{number}"
            out += [
                change(f"aws_s3_bucket.b{number}", "no-op", {"id": f"bucket-{key}", "bucket": f"bucket-{key}", "arn": f"arn:aws:s3:::bucket-{key}", "region": self.region}),
                change(f"aws_vpc.v{number}", "no-op", {"id": f"vpc-00000{key}", "arn": f"{arn}vpc-00000{key}"}),
                change(f"aws_instance.i{number}", "create", {"subnet_id": f"subnet-00000{key}"}),
            ]  # fmt: skip
        out += [change(f"aws_iam_instance_profile.{name}", "create", {"role": name}) for name in ("admin", "app")]
        return out

    def truth(self, check: str, address: str) -> bool | None:
        """Whether the check holds once the plan is applied; ``None``: there is nobody to ask it of."""
        left = self._left(check, address)
        if not left and check in ("private", "bounded"):
            return None
        holds = any(one.good_after for one in left)
        return not holds if check == "unlogged" else holds

    def keeps(self, check: str, address: str) -> bool:
        """The plan itself has a partner after it is applied."""
        return any(one.fate != "elsewhere" for one in self._left(check, address))

    def _left(self, check: str, address: str) -> list[Thing]:
        number = address[-1]
        kind, key = {
            "blocked": (BLOCK, f"bucket-00{number}"),
            "private": (SUBNET, f"subnet-0000000{number}"),
            "logged": (LOG, f"vpc-0000000{number}"),
            "unlogged": (LOG, f"vpc-0000000{number}"),
            "bounded": (ROLE, address.rpartition(".")[2]),
            "encrypted": (DEFAULT, ""),
        }[check]
        here = (self.account, "global" if kind == ROLE else self.region)
        return [
            one
            for one in self.things
            if (one.kind, one.key) == (kind, key) and (one.account, one.region) == here and one.fate != "delete"
        ]


Verdicts = dict[tuple[str, str], str]


def verdicts(cloud: Cloud, *, inventory: bool) -> Verdicts:
    plan = plan_of(*cloud.asked(), *cloud.planned())
    posture = Posture(index_of(LIBRARY, cloud.scopes, cloud.inventory()), plan, None, NOW) if inventory else None
    found = run(LIBRARY, plan, posture=posture).results
    return {(one.check.id, one.subject.address): str(one.verdict) for one in found}


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32))
def test_an_inventory_turns_the_unknown_into_the_truth_and_nothing_else(seed: int) -> None:
    cloud = Cloud(Random(seed))
    without, given_ = verdicts(cloud, inventory=False), verdicts(cloud, inventory=True)
    assert without.keys() == given_.keys()
    for (check, address), verdict in given_.items():
        alone, true = without[check, address], cloud.truth(check, address)
        where = f"{check} on {address}: {alone} -> {verdict}, truth {true}, seed {seed}"
        if {alone, verdict} == {"pass", "fail"} and check != "encrypted":
            # The plan's last partner goes away, and there is another that it knows nothing of.
            assert (verdict == "pass") is true, where
            assert not cloud.keeps(check, address), where
        if alone == "unknown" and verdict != "unknown":
            assert true is not None, where
            assert (verdict == "pass") is true, where
        if check == "encrypted" and verdict == "pass":
            assert true is True, where


def test_the_random_clouds_are_worth_asking() -> None:
    answered = {"pass": 0, "fail": 0, "unknown": 0}
    for seed in range(40):
        cloud = Cloud(Random(seed))
        without, given_ = verdicts(cloud, inventory=False), verdicts(cloud, inventory=True)
        for key, verdict in given_.items():
            if without[key] == "unknown":
                answered[verdict] += 1
    assert min(answered.values()) > 40, answered
