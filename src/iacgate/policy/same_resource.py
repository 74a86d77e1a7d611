"""Whether a resource that exists is one that the plan manages: by identity, else by what makes it the only one.

Ids tell where they are known. Where Terraform makes them up, where there can be only one of a kind, and where the
plan creates what is there already, other attributes must tell; what cannot be told is unsure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import Enum
from types import MappingProxyType
from typing import Any, NamedTuple

from iacgate.model.inventory import GLOBAL, ScopeKey, cloud_of

__all__ = ["Managed", "Planned", "Same", "alike", "is_unique", "managed_of"]

_AWS_ID = re.compile(r"[a-z]{1,12}-[0-9a-f]{8}(?:[0-9a-f]{9})?")
"""``subnet-0a1b2c3d``: given out by AWS, once in the world. A name is free to everybody."""
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_OTHER_NAMES = MappingProxyType({"aws_alb": "aws_lb", "aws_alb_listener": "aws_lb_listener"})
_DEFAULT = "aws_default_"
_IDENTITY = ("id", "arn", "self_link")
_ONE = """
    aws_bedrock_model_invocation_logging_configuration aws_config_configuration_recorder
    aws_config_configuration_recorder_status aws_detective_graph aws_ebs_default_kms_key aws_ebs_encryption_by_default
    aws_ebs_snapshot_block_public_access aws_ec2_image_block_public_access aws_ec2_instance_metadata_defaults
    aws_ecr_registry_policy aws_ecr_registry_scanning_configuration aws_emr_block_public_access_configuration
    aws_glue_data_catalog_encryption_settings aws_guardduty_detector aws_iam_account_password_policy
    aws_inspector2_enabler aws_inspector2_organization_configuration aws_macie2_account
    aws_s3_account_public_access_block aws_securityhub_account aws_vpc_block_public_access_options
    azurerm_security_center_server_vulnerability_assessments_setting
"""
_BUCKET = """
    aws_s3_bucket_acl aws_s3_bucket_lifecycle_configuration aws_s3_bucket_logging
    aws_s3_bucket_object_lock_configuration aws_s3_bucket_ownership_controls aws_s3_bucket_policy
    aws_s3_bucket_public_access_block aws_s3_bucket_replication_configuration
    aws_s3_bucket_server_side_encryption_configuration aws_s3_bucket_versioning aws_s3_bucket_website_configuration
"""
_SAME_BY: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        **dict.fromkeys(_ONE.split(), ()),
        **dict.fromkeys(_BUCKET.split(), ("bucket",)),
        "aws_account_alternate_contact": ("alternate_contact_type",),
        "aws_ecs_account_setting_default": ("name",),
        "aws_main_route_table_association": ("vpc_id",),
        "aws_network_acl_rule": ("network_acl_id", "egress", "rule_number"),
        "aws_network_interface_sg_attachment": ("security_group_id", "network_interface_id"),
        "aws_route": (
            "route_table_id",
            "destination_cidr_block",
            "destination_ipv6_cidr_block",
            "destination_prefix_list_id",
        ),
        "aws_route_table_association": ("subnet_id", "gateway_id"),
        "aws_security_group_rule": (
            "security_group_id",
            "type",
            "protocol",
            "from_port",
            "to_port",
            "cidr_blocks",
            "ipv6_cidr_blocks",
            "prefix_list_ids",
            "source_security_group_id",
            "self",
        ),
        "aws_ssm_service_setting": ("setting_id",),
        "aws_wafregional_web_acl_association": ("resource_arn",),
        "aws_wafv2_web_acl_association": ("resource_arn",),
        "aws_wafv2_web_acl_logging_configuration": ("resource_arn",),
        "azurerm_security_center_setting": ("setting_name",),
        "azurerm_security_center_subscription_pricing": ("resource_type",),
        "google_compute_project_metadata_item": ("key",),
        "google_project_iam_audit_config": ("service",),
        "google_project_service": ("service",),
    }
)
"""Attributes that make a resource the only one in its account and region; none: there is one of the kind."""


class Same(Enum):
    """Whether a resource that exists is one of the plan's."""

    YES = 1
    NO = 2
    UNSURE = 3


class Planned(NamedTuple):
    """One side of a resource that the plan manages."""

    type: str
    values: Mapping[str, Any]
    mask: Any
    created: bool
    place: ScopeKey


class Managed(NamedTuple):
    """The resources of one kind that the plan manages, before and after."""

    ids: Mapping[str, list[tuple[str, ScopeKey]]]
    """By id, arn or link: (arn, where it is)."""
    by: Mapping[tuple[str, ...], list[ScopeKey]]
    """By what makes it the only one."""
    names: Mapping[str, list[ScopeKey]]
    """By name, of what is created and nothing else tells apart."""
    blurred: bool
    """Of something that is created, nothing tells what it will be the same as."""

    def same(self, kind: str, cloud_id: str, values: Mapping[str, Any], where: ScopeKey) -> Same:
        """Whether a resource that exists is one of these."""
        arn = values.get("arn")
        told = {cloud_id, *(values.get(name) for name in _IDENTITY)}
        for identity in [one for one in told if isinstance(one, str) and one]:
            for other, place in self.ids.get(identity, ()):
                if isinstance(arn, str) and arn and other:
                    if arn == other:
                        return Same.YES
                elif is_unique(kind, identity) or _near(place, where):
                    return Same.YES
        natural = _natural(kind, values, None)
        if natural is not None and any(_near(place, where) for place in self.by.get(natural, ())):
            return Same.YES
        own = values.get("id")
        if natural is None and isinstance(own, str) and (_AWS_ID.fullmatch(own) or _UUID.fullmatch(own)):
            return Same.NO  # the cloud gives these out anew: what is created will have another
        name = values.get("name")
        if any(_near(place, where) for place in self.names.get(name if isinstance(name, str) else "", ())):
            return Same.YES if name else Same.UNSURE
        return Same.UNSURE if self.blurred or (self.names and not name) else Same.NO


def managed_of(found: Iterable[Planned]) -> Managed:
    """Gather what the plan manages of one kind."""
    ids: dict[str, list[tuple[str, ScopeKey]]] = {}
    by: dict[tuple[str, ...], list[ScopeKey]] = {}
    names: dict[str, list[ScopeKey]] = {}
    blurred = False
    for one in found:
        arn = one.values.get("arn")
        for key in _IDENTITY:
            value = one.values.get(key)
            if isinstance(value, str) and value:
                ids.setdefault(value, []).append((arn if isinstance(arn, str) else "", one.place))
        if one.type in _SAME_BY:
            natural = _natural(one.type, one.values, one.mask)
            if natural is None:
                blurred = True
            else:
                by.setdefault(natural, []).append(one.place)
        elif one.created:
            name = one.values.get("name")
            if isinstance(name, str) and name:
                names.setdefault(name, []).append(one.place)
            else:
                blurred = True
    return Managed(ids, by, names, blurred)


def alike(kind: str) -> str:
    """Types that are two names of one thing: a default network is adopted under a name of its own."""
    return "aws_" + kind.removeprefix(_DEFAULT) if kind.startswith(_DEFAULT) else _OTHER_NAMES.get(kind, kind)


def is_unique(kind: str, value: str) -> bool:
    """The value means the same resource wherever it stands."""
    match cloud_of(kind):
        case "aws":
            return value.startswith("arn:") or _AWS_ID.fullmatch(value) is not None
        case "azure":
            return value.lower().startswith("/subscriptions/")
        case _:
            return "projects/" in value


def _natural(kind: str, values: Mapping[str, Any], mask: Any) -> tuple[str, ...] | None:
    """What makes a resource the only one; ``None`` where it is not known, or nothing does."""
    names = _SAME_BY.get(kind)
    if names is None or (names and mask is True):
        return None
    if isinstance(mask, dict) and any(mask.get(name) for name in names):
        return None
    found = tuple(_plain(values.get(name)) for name in names)
    return None if names and not any(found) else found


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(sorted(map(str, value)))
    return "" if value is None else str(value)


def _near(place: ScopeKey, where: ScopeKey) -> bool:
    """A resource of the plan at a place, as far as that is known, may be one in this scope."""
    if where.region == GLOBAL:
        return place.account in ("", where.account)
    return all(not known or known == here for known, here in zip(place, where, strict=True))
