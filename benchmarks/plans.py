"""Plans for the benchmarks: as large as asked, of the shapes that Terraform writes.

The shape of every resource (attributes, ``after_unknown``, ``after_sensitive``) is taken from plans
that Terraform wrote, in ``fixtures/plans``. Around it stands an invented estate: one network, and
services that a module call makes with ``for_each``, ten at a time. Of the services some are new
(creates, values unknown until apply), most are settled (no-ops, also in ``prior_state``), some change.

A share of the resources is made badly, so that the number of findings can be set. All of it follows
from the arguments: the same ones give the same bytes.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

__all__ = ["MIXES", "make_plan", "write_plan"]

FIXTURES = Path(__file__).parents[1] / "fixtures" / "plans"
PROVIDER = "registry.terraform.io/hashicorp/aws"
ACCOUNT = "123456789012"
VPC, SUBNET = "vpc-0a1b2c3d4e5f60718", "subnet-0123456789abcdef0"
SERVICES_PER_CALL = 10
NEW, CHANGING = 0.3, 0.15
"""Shares of the services that are made by the plan, and that are changed by it; the others stay as they are."""

Values = dict[str, Any]


class Block(NamedTuple):
    """A resource block of the service's module."""

    type: str
    name: str
    refers: dict[str, str] = {}  # noqa: RUF012 - a named tuple's default; nobody changes it
    """Attribute (``a.b``: inside a block) -> reference, as the configuration lists it. A ``*`` makes a list of it."""
    good: Values = {}  # noqa: RUF012
    bad: Values = {}  # noqa: RUF012
    """What is set, by attribute, when the resource is made badly; ``None``: left out."""


def _policy(*statements: Values) -> str:
    return json.dumps({"Statement": list(statements), "Version": "2012-10-17"}, separators=(",", ":"))


def _allow(action: str, principal: Any, resource: str, **more: Any) -> Values:
    return {"Action": action, "Effect": "Allow", "Principal": principal, "Resource": resource, **more}


TLS_ONLY = {
    "Action": "s3:*",
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    "Effect": "Deny",
    "Principal": "*",
    "Resource": ["arn:aws:s3:::NAME", "arn:aws:s3:::NAME/*"],
    "Sid": "DenyInsecureTransport",
}
ROOT = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
ANYWHERE = {"cidr_blocks": ["0.0.0.0/0"], "description": "", "from_port": 0, "ipv6_cidr_blocks": ["::/0"],
            "prefix_list_ids": [], "protocol": "-1", "security_groups": [], "self": False, "to_port": 0}  # fmt: skip
INSIDE = ANYWHERE | {"cidr_blocks": ["10.0.0.0/8"], "from_port": 443, "ipv6_cidr_blocks": [], "protocol": "tcp",
                     "to_port": 443}  # fmt: skip

KEY = Block("aws_kms_key", "data", good={"policy": _policy(_allow("kms:*", ROOT, "*", Sid="AccountAdministers")),
                                         "description": "Keys & secrets of NAME"})  # fmt: skip
GROUP = Block("aws_security_group", "app", {"vpc_id": "var.vpc_id"}, {"ingress": [INSIDE]}, {"ingress": [ANYWHERE]})
BUCKET = Block("aws_s3_bucket", "data")
BLOCK = Block(
    "aws_s3_bucket_public_access_block", "data", {"bucket": "aws_s3_bucket.data.id"}, bad={"block_public_policy": False}
)
INSTANCE = Block(
    "aws_instance",
    "app",
    {"subnet_id": "var.subnet_id", "vpc_security_group_ids*": "aws_security_group.app.id",
     "root_block_device.kms_key_id": "aws_kms_key.data.arn"},
    {"associate_public_ip_address": False, "user_data": "IyEvYmluL3NoCmV4ZWMgL29wdC9hcHAvc3RhcnQgLS1wcm9kCg=="},
    {"associate_public_ip_address": True},
)  # fmt: skip
VOLUME = Block(
    "aws_ebs_volume", "data", {"kms_key_id": "aws_kms_key.data.arn"}, bad={"encrypted": False, "kms_key_id": None}
)
DATABASE = Block(
    "aws_db_instance",
    "main",
    {"kms_key_id": "aws_kms_key.data.arn", "vpc_security_group_ids*": "aws_security_group.app.id"},
    {"password": "SECRET"},
    {"storage_encrypted": False, "kms_key_id": None, "publicly_accessible": True},
)
QUEUE = Block("aws_sqs_queue", "jobs", {"kms_master_key_id": "aws_kms_key.data.id"},
              bad={"kms_master_key_id": None, "sqs_managed_sse_enabled": False})  # fmt: skip
TOPIC = Block("aws_sns_topic", "events", {"kms_master_key_id": "aws_kms_key.data.id"}, bad={"kms_master_key_id": None})
BALANCER = Block(
    "aws_lb",
    "front",
    {
        "security_groups*": "aws_security_group.app.id",
        "subnets*": "var.subnet_id",
        "access_logs.bucket": "aws_s3_bucket.data.id",
    },
    {"load_balancer_type": "application"},
    {"internal": False, "access_logs": [], "load_balancer_type": "application"},
)
CACHE = Block("aws_elasticache_replication_group", "main", {"security_group_ids*": "aws_security_group.app.id"},
              bad={"at_rest_encryption_enabled": "false", "transit_encryption_enabled": False})  # fmt: skip
OPEN_ENDPOINT = {"endpoint_private_access": False, "endpoint_public_access": True, "public_access_cidrs": ["0.0.0.0/0"],
                 "security_group_ids": None}  # fmt: skip
CLUSTER = Block(
    "aws_eks_cluster",
    "main",
    {"role_arn": "aws_iam_role.app.arn", "vpc_config.subnet_ids*": "var.subnet_id"},
    bad={"enabled_cluster_log_types": None, "vpc_config": [OPEN_ENDPOINT]},
)
TRAIL = Block(
    "aws_cloudtrail",
    "main",
    {"kms_key_id": "aws_kms_key.data.arn", "s3_bucket_name": "aws_s3_bucket.data.id"},
    bad={"enable_log_file_validation": False, "enable_logging": False, "is_multi_region_trail": False},
)
ROLE = Block("aws_iam_role", "app")

USUAL = (
    KEY,
    Block("aws_kms_alias", "data", {"target_key_id": "aws_kms_key.data.key_id"}),
    GROUP,
    Block("aws_vpc_security_group_ingress_rule", "app", {"security_group_id": "aws_security_group.app.id"},
          {"cidr_ipv4": "10.0.0.0/8"}, {"cidr_ipv4": "0.0.0.0/0", "from_port": 0, "to_port": 65535}),
    INSTANCE,
    INSTANCE._replace(name="worker"),
    VOLUME,
    Block("aws_volume_attachment", "data",
          {"instance_id": "aws_instance.app.id", "volume_id": "aws_ebs_volume.data.id"}),
    BUCKET,
    BLOCK,
    Block("aws_s3_bucket_policy", "data", {"bucket": "aws_s3_bucket.data.id"}, {"policy": _policy(TLS_ONLY)},
          {"policy": _policy(_allow("s3:GetObject", "*", "arn:aws:s3:::NAME/*"))}),
    Block("aws_s3_bucket_versioning", "data", {"bucket": "aws_s3_bucket.data.id"}),
    DATABASE,
    QUEUE,
    TOPIC,
    ROLE,
    Block("aws_iam_role_policy_attachment", "app", {"role": "aws_iam_role.app.name"}),
    Block("aws_cloudwatch_log_group", "app", {"kms_key_id": "aws_kms_key.data.arn"}),
    Block("aws_secretsmanager_secret", "db", {"kms_key_id": "aws_kms_key.data.arn"}),
    Block("aws_lb_target_group", "front", {"vpc_id": "var.vpc_id"}),
    BALANCER,
    Block("aws_lb_listener", "front", {"load_balancer_arn": "aws_lb.front.arn"}, bad={"protocol": "TCP"}),
)  # fmt: skip
HEAVY = (KEY, GROUP, GROUP._replace(name="other"), BUCKET, BUCKET._replace(name="more"), BUCKET._replace(name="logs"),
         DATABASE, DATABASE._replace(name="replica"), BALANCER, BALANCER._replace(name="back"), ROLE, CLUSTER, CACHE,
         TRAIL, INSTANCE, VOLUME)  # fmt: skip
MIXES = {"usual": USUAL, "heavy": HEAVY}

_GO = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})


class _Shape(NamedTuple):
    after: Values
    unknown: Values
    sensitive: Values


class _Service(NamedTuple):
    """One instance of the module."""

    call: str
    key: str
    name: str
    is_new: bool
    changes: bool

    @property
    def module(self) -> str:
        return f'module.{self.call}["{self.key}"]'


def make_plan(resources: int, mix: str = "usual", bad: float = 0.5, seed: int = 1) -> Values:
    """A plan with so many resource changes; ``bad`` is the share of resources made badly where they can be."""
    chance = random.Random(seed)
    shapes = _shapes()
    blocks = MIXES[mix]
    # A plan of a few resources is all new, as a first one is.
    small = resources < 2 * len(blocks)
    changes, planned, prior, calls = [], [], [], {}
    subnet, subnet_block = _network()
    changes.append(subnet)
    for number in range((resources + len(blocks) - 2) // len(blocks)):
        call, key = f"services_{number // SERVICES_PER_CALL:03}", f"s{number % SERVICES_PER_CALL}"
        draw = chance.random()
        service = _Service(call, key, f"service-{number:05}", small or draw < NEW, NEW <= draw < NEW + CHANGING)
        if call not in calls:
            calls[call] = _module_call(blocks, shapes)
        here = []
        for block in blocks:
            if len(changes) < resources:
                change = _change(block, shapes[block.type], service, chance, bad)
                changes.append(change)
                here.append(change)
        planned.append({"resources": [_as_state(one, "after") for one in here], "address": service.module})
        stays = [_as_state(one, "before") for one in here if one["change"]["before"]]
        if stays:
            prior.append({"resources": [*stays, _caller(service.module)], "address": service.module})
    return {
        "format_version": "1.2",
        "terraform_version": "1.11.4",
        "variables": {"environment": {"value": "prod"}, "region": {"value": "eu-central-1"}},
        "planned_values": {
            "outputs": {"vpc_id": {"sensitive": False, "type": "string", "value": VPC}},
            "root_module": {"resources": [_as_state(subnet, "after")], "child_modules": planned},
        },
        "resource_changes": changes,
        "output_changes": {
            "vpc_id": {"actions": ["no-op"], "before": VPC, "after": VPC, "after_unknown": False,
                       "before_sensitive": False, "after_sensitive": False}
        },
        "prior_state": {
            "format_version": "1.0",
            "terraform_version": "1.11.4",
            "values": {"root_module": {"resources": [_as_state(subnet, "after")], "child_modules": prior}},
        },
        "configuration": {
            "provider_config": {
                "aws": {"name": "aws", "full_name": PROVIDER, "version_constraint": ">= 5.0, < 6.0",
                        "expressions": {"region": {"references": ["var.region"]}}}
            },
            "root_module": {
                "resources": [subnet_block],
                "module_calls": calls,
                "variables": {"environment": {}, "region": {"default": "eu-central-1"}},
            },
        },
        "relevant_attributes": [{"resource": "aws_subnet.apps", "attribute": ["id"]}],
        "timestamp": "2026-11-02T08:00:00Z",
        "applyable": True,
        "complete": True,
        "errored": False,
    }  # fmt: skip


def write_plan(path: Path, plan: Values) -> None:
    """Write as Terraform does: one line, with ``<``, ``>`` and ``&`` escaped as Go escapes them."""
    path.write_text(json.dumps(plan, separators=(",", ":"), ensure_ascii=False).translate(_GO) + "\n")


def _shapes() -> dict[str, _Shape]:
    """The first create of each type in a plan that Terraform wrote."""
    plan = json.loads((FIXTURES / "net-banking-create.json").read_bytes())
    shapes: dict[str, _Shape] = {}
    for change in plan["resource_changes"]:
        values = change["change"]
        if values["actions"] == ["create"] and change["mode"] == "managed":
            shapes.setdefault(
                change["type"], _Shape(values["after"], values["after_unknown"], values["after_sensitive"])
            )
    return shapes


def _network() -> tuple[Values, Values]:
    """The subnet that everything is in, which is there already: its change and its block."""
    arn = f"arn:aws:ec2:eu-central-1:{ACCOUNT}:subnet/{SUBNET}"
    values = {"arn": arn, "availability_zone": "eu-central-1a", "cidr_block": "10.40.0.0/16", "id": SUBNET,
              "map_public_ip_on_launch": False, "owner_id": ACCOUNT, "tags": {}, "tags_all": {}, "timeouts": None,
              "vpc_id": VPC}  # fmt: skip
    expressions = {"cidr_block": {"constant_value": "10.40.0.0/16"}, "vpc_id": {"constant_value": VPC}}
    block = {"address": "aws_subnet.apps", "mode": "managed", "type": "aws_subnet", "name": "apps",
             "provider_config_key": "aws", "schema_version": 1, "expressions": expressions}  # fmt: skip
    return _entry("", "aws_subnet", "apps", ["no-op"], values, values, {}, {"tags": {}, "tags_all": {}}), block


def _entry(
    module: str, kind: str, name: str, actions: list[str], before: Values | None, after: Values, unknown: Values,
    sensitive: Values,
) -> Values:  # fmt: skip
    place = {"module_address": module} if module else {}
    return {
        "address": f"{module}.{kind}.{name}".removeprefix("."),
        **place,
        "mode": "managed",
        "type": kind,
        "name": name,
        "provider_name": PROVIDER,
        "change": {
            "actions": actions,
            "before": before,
            "after": after,
            "after_unknown": unknown,
            "before_sensitive": sensitive if before is not None else False,
            "after_sensitive": sensitive,
        },
    }


def _change(block: Block, shape: _Shape, service: _Service, chance: random.Random, bad: float) -> Values:
    is_bad = bool(block.bad) and chance.random() < bad
    after = _renamed(shape.after, block, service, chance)
    unknown = json.loads(json.dumps(shape.unknown))
    for path in block.refers:
        name = path.removesuffix("*")
        if "." not in name:
            after.pop(name, None)
            unknown[name] = True
    for name, value in [*block.good.items(), *(block.bad.items() if is_bad else ())]:
        unknown.pop(name, None)
        after.pop(name, None)
        if value is not None:
            after[name] = _renamed(value, block, service, chance)
        elif name in shape.unknown:
            unknown[name] = True  # computed, and left out by the author
    changes = service.changes and chance.random() < 0.3
    if service.is_new:
        return _entry(service.module, block.type, block.name, ["create"], None, after, unknown, shape.sensitive)
    refers = {path: _id(service, reference) for path, reference in block.refers.items()}
    settled = _settled(after, unknown, shape.sensitive, refers, block, service)
    for name, value in block.bad.items():
        if is_bad and value is None:
            settled[name] = ""
    if not changes:
        return _entry(service.module, block.type, block.name, ["no-op"], settled, settled, {}, shape.sensitive)
    was = settled | {"tags": {"Name": "old"}, "tags_all": {**settled.get("tags_all", {}), "Name": "old"}}
    return _entry(service.module, block.type, block.name, ["update"], was, settled, {}, shape.sensitive)


def _renamed(value: Any, block: Block, service: _Service, chance: random.Random) -> Any:
    """A value of the shape with this service's name in it."""
    if isinstance(value, str):
        if value in ("SECRET", "invented-Heron-Lamp-41"):
            return f"{chance.getrandbits(80):020x}"
        return re.sub(r"NAME|tallowreed[a-z-]*", f"{service.name}-{block.name}", value)
    if isinstance(value, dict):
        return {key: _renamed(item, block, service, chance) for key, item in value.items()}
    if isinstance(value, list):
        return [_renamed(item, block, service, chance) for item in value]
    return value


def _settled(
    after: Values, unknown: Any, sensitive: Any, refers: dict[str, str], block: Block, service: _Service, at: str = ""
) -> Values:
    """What the values are once applied: everything unknown is known."""
    out: Values = {}
    for name in sorted({*after, *unknown}):
        value, mask, place = after.get(name), unknown.get(name), f"{at}{name}"
        if mask is True:
            if place in refers or f"{place}*" in refers:
                out[name] = refers[place] if place in refers else [refers[f"{place}*"]]
            elif isinstance(sensitive, dict) and isinstance(sensitive.get(name), list):
                out[name] = []
            else:
                out[name] = _computed(name, block, service)
        elif isinstance(value, list) and isinstance(mask, list) and value and isinstance(value[0], dict):
            marks = sensitive.get(name) if isinstance(sensitive, dict) else None
            out[name] = [
                _settled(item, part if isinstance(part, dict) else {}, mark, refers, block, service, f"{place}.")
                for item, part, mark in zip(value, mask, marks or [{}] * len(value), strict=False)
            ]
        else:
            out[name] = value
    return out


def _computed(name: str, block: Block, service: _Service) -> Any:
    own = _id(service, f"{block.type}.{block.name}.id")
    if name == "arn" or name.endswith("_arn"):
        return f"arn:aws:{block.type.split('_')[1]}:eu-central-1:{ACCOUNT}:{block.name}/{own}"
    if name == "id" or name.endswith("_id"):
        return own
    if any(word in name for word in ("enabled", "disable", "monitoring", "optimized", "multi_")):
        return False
    if any(word in name for word in ("iops", "throughput", "port", "count", "size", "period", "version", "limit")):
        return 0
    return ""


def _id(service: _Service, reference: str) -> str:
    """What a reference gives once applied; the same for whoever refers to it."""
    if reference == "var.subnet_id":
        return SUBNET
    if reference == "var.vpc_id":
        return VPC
    kind, name, attribute = reference.split(".")
    number = random.Random(f"{service.name} {kind} {name}").getrandbits(68)
    own = f"{service.name}-{name}" if kind.startswith("aws_s3") else f"{kind.split('_')[1]}-{number:017x}"
    return own if attribute != "arn" else f"arn:aws:{kind.split('_')[1]}:eu-central-1:{ACCOUNT}:{name}/{own}"


def _as_state(change: Values, side: str) -> Values:
    values = change["change"]
    return {
        "address": change["address"],
        "mode": "managed",
        "type": change["type"],
        "name": change["name"],
        "provider_name": PROVIDER,
        "schema_version": 0,
        "values": values[side],
        "sensitive_values": values[f"{side}_sensitive"],
    }


def _caller(module: str) -> Values:
    address = f"{module}.data.aws_caller_identity.current"
    values = {"account_id": ACCOUNT, "arn": f"arn:aws:iam::{ACCOUNT}:user/ci", "id": ACCOUNT, "user_id": "AIDAEXAMPLE"}
    return {"address": address, "mode": "data", "type": "aws_caller_identity", "name": "current",
            "provider_name": PROVIDER, "schema_version": 0, "values": values, "sensitive_values": {}}  # fmt: skip


def _module_call(blocks: tuple[Block, ...], shapes: dict[str, _Shape]) -> Values:
    resources = [
        {"address": f"{block.type}.{block.name}", "mode": "managed", "type": block.type, "name": block.name,
         "provider_config_key": "aws", "expressions": _expressions(block, shapes[block.type]), "schema_version": 0}
        for block in blocks
    ]  # fmt: skip
    return {
        "source": "./modules/service",
        "expressions": {
            "name": {"references": ["each.value"]},
            "subnet_id": {"references": ["aws_subnet.apps.id", "aws_subnet.apps"]},
            "vpc_id": {"references": ["aws_subnet.apps.vpc_id", "aws_subnet.apps"]},
        },
        "for_each_expression": {"references": ["local.services"]},
        "module": {"resources": resources, "variables": {"name": {}, "subnet_id": {}, "vpc_id": {}}},
    }


def _expressions(block: Block, shape: _Shape) -> Values:
    """What the author wrote: constants, names made from ``var.name``, and references."""
    out: Values = {}
    for name, value in (shape.after | block.good).items():
        if name in ("tags_all", "tags", "timeouts") or value is None or value == []:
            continue
        if isinstance(value, list) and isinstance(value[0], dict):
            out[name] = [
                {key: {"constant_value": inner} for key, inner in item.items() if inner not in (None, [])}
                for item in value
            ]
        elif isinstance(value, str) and re.search("NAME|tallowreed", value):
            out[name] = {"references": ["var.name"]}
        else:
            out[name] = {"constant_value": value}
    # Which values are made badly is up to variables; the plan itself says what they are.
    out |= {name: {"references": ["var.name"]} for name in block.bad if name in out and not isinstance(out[name], list)}
    for path, reference in block.refers.items():
        steps = path.removesuffix("*").split(".")
        listed = [reference] if reference.startswith("var.") else [reference, reference.rpartition(".")[0]]
        place = out.setdefault(steps[0], [{}])[0] if len(steps) > 1 else out
        place[steps[-1]] = {"references": listed}
    return out


def _arguments() -> Iterator[tuple[str, dict[str, Any]]]:
    yield "resources", {"type": int}
    yield "file", {"type": Path}
    yield "--mix", {"choices": sorted(MIXES), "default": "usual"}
    yield "--bad", {"type": float, "default": 0.5}
    yield "--seed", {"type": int, "default": 1}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Write a plan for the benchmarks.")
    for name, how in _arguments():
        parser.add_argument(name, **how)
    given = parser.parse_args()
    write_plan(given.file, make_plan(given.resources, given.mix, given.bad, given.seed))
