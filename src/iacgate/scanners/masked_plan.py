"""What another scanner gets to see of a plan: a copy built from what we read, without its secrets.

The copy is an allow-list, not the file with parts taken out. Of ``resource_changes`` it has the planned values, of the
configuration only which reference stands where; variables, outputs, state, provider configuration and everything that
a later format may add are not in it. So the scanner judges the resources that we judge: a file whose
``planned_values`` say something else than its ``resource_changes`` does not show them two different plans.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from iacgate.model.configuration import Module
from iacgate.model.plan import Mask, Plan, ResourceChange
from iacgate.secrets import finder, known_secrets

__all__ = ["MASK", "MaskedPlan", "Sentinel", "mask_plan"]

MASK = "***"
_ATTRIBUTE = re.compile(r"[a-z_]+[a-z0-9_]*")


class Sentinel(NamedTuple):
    """A resource of ours that is known to be wrong: a scanner that does not say so has not looked."""

    type: str
    values: Mapping[str, Any]


class MaskedPlan(NamedTuple):
    """The copy, and what a scanner that read all of it must have seen."""

    data: bytes
    managed: frozenset[str]
    """Addresses of the resources that will be there after the apply; without the sentinel's."""
    others: frozenset[str]
    """Addresses of data sources that are read during the apply."""
    unchanged: frozenset[str]
    """Those of ``managed`` that the plan leaves as they are."""
    masked: frozenset[str]
    """``type.name`` of the resources from which something was taken out."""
    sentinel: str
    """The sentinel's address; no resource of the plan has it."""


def mask_plan(plan: Plan, sentinel: Sentinel) -> MaskedPlan:
    """Build the copy. Raises ``InputError`` when a part of the plan cannot be read."""
    resources: list[tuple[ResourceChange, Any, Any]] = []  # with the planned values and what is unknown of them
    masked: set[str] = set()
    for change in plan.resource_changes:
        values = plan.values(change)
        if values.after is None:
            continue  # it goes away: nothing will be there that could be wrong
        after = values.after
        if change.marks_sensitive and values.after_sensitive:
            after = _masked(after, values.after_sensitive)
            masked.add(_short(change))
        resources.append((change, after, values.unknown))
    if plan.may_hold_secrets:
        resources = list(_hide(resources, known_secrets(plan), masked))
    managed = frozenset(change.address for change, _, _ in resources if change.mode == "managed")
    name = "iacgate_sentinel"
    while f"{sentinel.type}.{name}" in managed:
        name += "_"
    modules: dict[str, dict[str, Any]] = {}
    for change, after, _ in resources:
        module = modules.setdefault(change.module_address, {"address": change.module_address, "resources": []})
        module["resources"].append(_resource(change.address, change.mode, change.type, change.name, after))
    root = modules.pop("", {"resources": []})["resources"]
    address = f"{sentinel.type}.{name}"
    copy = {
        "format_version": "1.2",
        "terraform_version": plan.terraform_version or "1.0.0",
        "planned_values": {
            "root_module": {
                "resources": [*root, _resource(address, "managed", sentinel.type, name, sentinel.values)],
                "child_modules": list(modules.values()),
            }
        },
        "resource_changes": [_change(change, unknown) for change, _, unknown in resources],
        "configuration": {"root_module": _references((plan.configuration or {}).get("root_module", {}))},
    }
    return MaskedPlan(
        msgspec.json.encode(copy),
        managed,
        frozenset(change.address for change, _, _ in resources if change.mode != "managed"),
        frozenset(change.address for change, _, _ in resources if change.actions == ("no-op",)),
        frozenset(masked),
        address,
    )


def _short(change: ResourceChange) -> str:
    return f"{change.type}.{change.name}"


def _resource(address: str, mode: str, kind: str, name: str, values: Any) -> dict[str, Any]:
    return {"address": address, "mode": mode, "type": kind, "name": name, "values": values}


def _change(change: ResourceChange, unknown: Mask) -> dict[str, Any]:
    """What happens to it, without values: those are in ``planned_values``."""
    return {
        "address": change.address,
        "mode": change.mode,
        "type": change.type,
        "name": change.name,
        "change": {"actions": change.actions, "before": None, "after": None, "after_unknown": unknown},
    }


def _masked(value: Any, mask: Mask) -> Any:
    """The value without what is marked. Below a mark keys are values, too: they go as well."""
    if not mask or value is None:
        return value
    if isinstance(mask, dict) and isinstance(value, dict):
        return {key: _masked(part, mask.get(key)) for key, part in value.items()}
    if isinstance(mask, list) and isinstance(value, list):
        more = [None] * (len(value) - len(mask))
        return [_masked(part, mark) for part, mark in zip(value, [*mask, *more], strict=False)]
    # Marked as a whole; or in a shape of its own, which must not show anything either.
    if isinstance(value, dict):
        return {MASK: MASK}
    return [MASK] if isinstance(value, list) else MASK


def _hide(
    resources: list[tuple[ResourceChange, Any, Any]], secrets: frozenset[str], masked: set[str]
) -> Iterator[tuple[ResourceChange, Any, Any]]:
    """Take out what the plan marks in one place and shows in another: variables, credentials of providers."""
    holds = finder(secrets)
    if not holds(msgspec.json.encode([after for _, after, _ in resources])):
        yield from resources
        return
    for change, after, unknown in resources:
        if holds(msgspec.json.encode(after)):
            masked.add(_short(change))
            after = _hidden(after, holds)
        yield change, after, unknown


def _hidden(value: Any, holds: Callable[[bytes], bool]) -> Any:
    if isinstance(value, dict):
        return {_hidden_key(key, holds): _hidden(part, holds) for key, part in value.items()}
    if isinstance(value, list):
        return [_hidden(part, holds) for part in value]
    if value is None or isinstance(value, bool):
        return value
    return MASK if holds(msgspec.json.encode(value)) else value


def _hidden_key(key: str, holds: Callable[[bytes], bool]) -> str:
    """An attribute may be called ``password`` while a password is just that; other keys are values."""
    return MASK if not _ATTRIBUTE.fullmatch(key) and holds(msgspec.json.encode(key)) else key


def _references(module: Module) -> dict[str, Any]:
    """Of a module's configuration: which reference stands where. No constant, no default, no script."""
    return {
        "resources": [
            {
                **{key: resource[key] for key in ("address", "mode", "type", "name") if key in resource},
                "expressions": _expression(resource.get("expressions", {})),
                "provisioners": [
                    {"type": one.get("type", ""), "expressions": {}} for one in resource.get("provisioners", [])
                ],
            }
            for resource in module.get("resources", [])
        ],
        "module_calls": {
            name: {"module": _references(call.get("module", {}))}
            for name, call in module.get("module_calls", {}).items()
        },
    }


def _expression(expression: Any) -> Any:
    if isinstance(expression, list):
        return [_expression(one) for one in expression]
    if not isinstance(expression, dict):
        return {}
    if "references" in expression:
        return {"references": expression["references"]}
    if "constant_value" in expression:
        return {}
    return {key: _expression(part) for key, part in expression.items()}
