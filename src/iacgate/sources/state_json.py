"""Terraform state as ``terraform show -json`` prints it, read as a plan that changes nothing.

So the same checks, addresses and fingerprints serve plan and state (``docs/concepts.md``, "Planes").
"""

from collections.abc import Iterator
from typing import Any

from msgspec import UNSET, Raw, Struct, UnsetType

from iacgate.errors import InputError, NotAPlanError
from iacgate.model.configuration import PriorState
from iacgate.model.plan import ChangeValues, Plan, ResourceChange
from iacgate.sources.json_text import decode, decode_object, refuse_duplicate_keys, to_utf8

__all__ = ["read_state"]

SHOW = "make one with: terraform show -json > state.json"


class _Top(Struct):
    format_version: str = ""
    terraform_version: str = ""
    values: Raw | UnsetType = UNSET
    planned_values: Raw | UnsetType = UNSET
    resource_changes: Raw | UnsetType = UNSET
    lineage: Raw | UnsetType = UNSET


def read_state(data: bytes, name: str) -> Plan:
    """Read a state's JSON. Raises ``InputError`` when it is something else or not whole."""
    data = to_utf8(data, name)
    top = decode_object(data, _Top, name)
    refuse_duplicate_keys(data.strip(), name)
    if top.planned_values is not UNSET or top.resource_changes is not UNSET:
        raise NotAPlanError(f"{name} is a plan, not a state", hint="leave out --kind state")
    if top.lineage is not UNSET:
        raise NotAPlanError(f"{name} is a raw state file; its format is Terraform's own business", hint=SHOW)
    if top.values is UNSET or not top.format_version:
        raise NotAPlanError(f"{name} is not what `terraform show -json` prints of a state", hint=SHOW)
    values = decode(top.values, dict[str, Any], f"{name}: values", exact=True)
    changes = [_change(one, name) for one in _resources(values.get("root_module") or {}, name)]
    return Plan(
        format_version=top.format_version,
        terraform_version=top.terraform_version,
        complete=True,
        errored=False,
        applyable=None,
        resource_changes=changes,
        resource_drift=(),
        deferred_changes=(),
        checks=(),
        output_changes=(),
        variables={},
        may_hold_secrets=any(change.marks_sensitive for change in changes),
        decode_change=_values,
        decode_configuration=lambda: None,
        decode_prior_state=_no_prior_state,
        has_configuration=False,
    )


def _resources(module: Any, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    modules = [module]
    while modules:
        one = modules.pop(0)
        if not isinstance(one, dict):
            raise InputError(f"{name}: a module is not an object")
        for resource in one.get("resources") or []:
            if not isinstance(resource, dict) or not all(
                isinstance(resource.get(key), str) for key in ("address", "type")
            ):
                raise InputError(f"{name}: a resource has no address and type")
            yield str(one.get("address") or ""), resource
        modules += one.get("child_modules") or []


def _change(found: tuple[str, dict[str, Any]], name: str) -> ResourceChange:
    module, resource = found
    if not isinstance(resource.get("values"), dict):
        raise InputError(f"{name}: {resource['address']} has no values")
    mask = resource.get("sensitive_values")
    return ResourceChange(
        resource["address"],
        resource["type"],
        str(resource.get("name", "")),
        str(resource.get("mode", "managed")),
        ("no-op",),
        module,
        "",
        str(resource.get("deposed_key") or ""),
        str(resource.get("provider_name", "")),
        "",
        False,
        True,
        bool(mask),
        resource,
    )


def _no_prior_state() -> PriorState:
    return {}


def _values(change: ResourceChange) -> ChangeValues:
    values, mask = change.change["values"], change.change.get("sensitive_values")
    return ChangeValues(values, values, None, mask, mask)
