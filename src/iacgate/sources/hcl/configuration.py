"""What was read of the HCL in the shape of a plan's ``configuration`` (Terraform's "JSON Output Format")."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from iacgate.model.configuration import (
    ConfigOutput,
    ConfigResource,
    Configuration,
    ConfigVariable,
    Module,
    ModuleCall,
    ProviderConfig,
)
from iacgate.sources.hcl.instances import ModuleInstance
from iacgate.sources.hcl.module import ModuleSource, Placed
from iacgate.sources.hcl.syntax import Attribute, Body, Expression

__all__ = ["configuration_of"]

Evaluate = Callable[[Expression], Any]
_CALL_META = frozenset({"source", "version", "count", "for_each", "providers", "depends_on"})
_RESOURCE_META = frozenset({"count", "for_each", "provider", "depends_on"})
_HOST = "registry.terraform.io"


def configuration_of(root: ModuleInstance) -> Configuration:
    """The configuration behind a root module and the modules it calls, as far as they are here."""
    providers: dict[str, ProviderConfig] = {}
    made = _module(root, providers)
    return {"provider_config": providers, "root_module": made}


def _module(instance: ModuleInstance, providers: dict[str, ProviderConfig]) -> Module:
    source = instance.source
    for key, provider in _providers(source, instance.address):
        providers.setdefault(key, provider)
    own = bool(instance.address and source.providers)
    return {
        "resources": [_resource(*key, placed, own=own) for key, placed in source.resources.items()],
        "module_calls": {name: _call(name, placed, instance, providers) for name, placed in source.calls.items()},
        "variables": {name: _variable(placed.body) for name, placed in source.variables.items()},
        "outputs": {name: _output(placed.body) for name, placed in source.outputs.items()},
    }


def _call(name: str, placed: Placed, instance: ModuleInstance, providers: dict[str, ProviderConfig]) -> ModuleCall:
    out: ModuleCall = {"expressions": _expressions(placed.body, _CALL_META)}
    for key, argument in (("source", "source"), ("version_constraint", "version")):
        attribute = placed.body.attribute(argument)
        if attribute is not None and attribute.expression[0] == "value" and isinstance(attribute.expression[1], str):
            out[key] = attribute.expression[1]  # type: ignore[literal-required]
    _multiplicity(out, placed.body)
    called = instance.called(name)
    child = next(iter(called[1].values()), None) if called else None
    if child is not None:
        out["module"] = _module(child, providers)
        if placed.body.attribute("providers") is not None:
            _forget_providers(out["module"])
    return out


def _forget_providers(module: Module) -> None:
    """Other provider configurations were handed down: which resource uses which is not followed."""
    for resource in module.get("resources", ()):
        resource.pop("provider_config_key", None)
    for call in module.get("module_calls", {}).values():
        _forget_providers(call.get("module", {}))


def _resource(mode: str, kind: str, name: str, placed: Placed, *, own: bool) -> ConfigResource:
    """``own``: its module configures providers itself, so those of the root are not what it uses."""
    prefix = "" if mode == "managed" else f"{mode}."
    out: ConfigResource = {
        "address": f"{prefix}{kind}.{name}",
        "mode": mode,
        "type": kind,
        "name": name,
        "expressions": _expressions(placed.body, _RESOURCE_META),
    }
    chosen = placed.body.attribute("provider")
    label = next(_references(chosen.expression), "") if chosen is not None else ""
    if not own and (chosen is None or label):
        out["provider_config_key"] = label or kind.partition("_")[0] + "."
    provisioners = [
        {"type": block.labels[0] if block.labels else "", "expressions": _expressions(block.body, frozenset())}
        for block in placed.body.blocks_of("provisioner")
    ]
    if provisioners:
        out["provisioners"] = provisioners
    _multiplicity(out, placed.body)
    return out


def _multiplicity(out: Any, body: Body) -> None:
    for key in ("count", "for_each"):
        attribute = body.attribute(key)
        if attribute is not None:
            out[f"{key}_expression"] = _expression(attribute.expression)


def _variable(body: Body) -> ConfigVariable:
    out: ConfigVariable = {}
    default = body.attribute("default")
    if default is not None:
        out["default"] = _constant(default.expression)
    for key in ("sensitive", "ephemeral", "nullable"):
        attribute = body.attribute(key)
        if attribute is not None and attribute.expression[0] == "value":
            out[key] = bool(attribute.expression[1])
    return out


def _output(body: Body) -> ConfigOutput:
    value, sensitive = body.attribute("value"), body.attribute("sensitive")
    out: ConfigOutput = {"expression": _expression(value.expression) if value else {}}
    if sensitive is not None and sensitive.expression == ["value", True]:
        out["sensitive"] = True
    return out


def _providers(source: ModuleSource, module: str) -> Iterator[tuple[str, ProviderConfig]]:
    """Required providers with their constraints, and provider blocks."""
    required: dict[str, tuple[str, str]] = {}
    for placed in source.settings:
        for block in placed.body.blocks_of("required_providers"):
            for attribute in block.body.attributes:
                required[attribute.name] = _requirement(attribute)
    used = {kind.partition("_")[0] for _, kind, _ in source.resources}
    blocks = {block.block.labels[0] for block in source.providers if block.block.labels}
    prefix = f"{module}:" if module else ""
    for name in sorted({*required, *used, *blocks}):
        address, version = required.get(name, (f"hashicorp/{name}", ""))
        host = address if address.count("/") > 1 else f"{_HOST}/{address}"
        one: ProviderConfig = {"name": name, "full_name": host}
        if version:
            one["version_constraint"] = version
        if module:
            one["module_address"] = module
        yield f"{prefix}{name}", one
    for placed in source.providers:
        if not placed.block.labels:
            continue
        name = placed.block.labels[0]
        alias = placed.body.attribute("alias")
        label = alias.expression[1] if alias and alias.expression[0] == "value" else ""
        expressions = _expressions(placed.body, frozenset({"alias", "version"}))
        yield f"{prefix}{name}.{label}", {"name": name, "alias": str(label), "expressions": expressions}


def _requirement(attribute: Attribute) -> tuple[str, str]:
    value = _constant(attribute.expression)
    if isinstance(value, str):  # before Terraform 0.13
        return f"hashicorp/{attribute.name}", value
    found = value if isinstance(value, dict) else {}
    return str(found.get("source") or f"hashicorp/{attribute.name}"), str(found.get("version") or "")


def _expressions(body: Body, without: frozenset[str]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for attribute in body.attributes:
        if attribute.name not in without:
            out[attribute.name] = _expression(attribute.expression)
    for block in body.blocks:
        if block.type not in ("dynamic", "lifecycle", "provisioner", "connection"):
            out.setdefault(block.type, []).append(_expressions(block.body, frozenset()))
    return out


def _expression(expression: Expression) -> dict[str, Any]:
    references = list(dict.fromkeys(_references(expression)))
    return {"references": references} if references else {"constant_value": _constant(expression)}


def _constant(expression: Expression) -> Any:
    """The value of literals, lists and objects; null for what would have to be evaluated."""
    match expression:
        case ["value", value]:
            return value
        case ["list", items]:
            return [_constant(item) for item in items]
        case ["object", pairs]:
            return {str(_constant(key)): _constant(value) for key, value in pairs}
        case ["template", parts] if all(part[0] == "value" for part in parts):
            return "".join(str(part[1]) for part in parts)
        case _:
            return None


def _references(expression: Any) -> Iterator[str]:
    """As Terraform lists them: the longest, then what it begins with."""
    if not isinstance(expression, list) or not expression or expression[0] == "value":
        return
    if expression[0] in ("attr", "index") and len(expression) == 3:
        steps, rest = _traversal(expression)
        if len(steps) > 1:
            shortest = {"data": 3, "ephemeral": 3}.get(steps[0], 2)
            for end in range(len(steps), shortest - 1, -1):
                yield "".join(
                    step if step.startswith("[") or not at else f".{step}" for at, step in enumerate(steps[:end])
                )
        for one in rest:
            yield from _references(one)
        return
    for part in expression:
        if isinstance(part, list):
            if part and isinstance(part[0], list):
                for one in part:
                    yield from _references(one)
            else:
                yield from _references(part)


def _traversal(node: Expression) -> tuple[list[str], list[Expression]]:
    """``a.b[0].c`` as steps, and expressions inside of it. An unknown index ends what can be listed."""
    steps: list[str] = []
    rest: list[Expression] = []
    while node[0] in ("attr", "index"):
        if node[0] == "attr":
            steps.append(node[2])
        elif node[2][0] == "value":
            key = node[2][1]
            steps.append(f'["{key}"]' if isinstance(key, str) else f"[{key}]")
        else:
            rest.append(node[2])
            steps.clear()
        node = node[1]
    if node[0] != "name":
        return [], [node, *rest]
    return [node[1], *reversed(steps)], rest
