"""The parts of an example's configuration besides resources: module calls, providers, provisioners."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["module_calls", "provider_config", "provider_of", "provisioners_of"]

Expression = Callable[[Any], dict[str, Any]]
"""What Terraform would write of an expression: ``{"constant_value": …}`` or ``{"references": […]}``."""


def module_calls(document: dict[str, Any], expression: Expression) -> dict[str, Any]:
    """The ``module`` blocks as a plan's ``module_calls``; a source that is not settled is left out."""
    out: dict[str, Any] = {}
    for name, body in _labelled(document, "module"):
        inputs = {key: expression(value) for key, value in body.items() if not key.startswith("__")}
        call: dict[str, Any] = {"module": {}}
        for key, written in (("source", "source"), ("version", "version_constraint")):
            if "constant_value" in (found := inputs.pop(key, {})):
                call[written] = found["constant_value"]
        out[name] = {**call, "expressions": inputs}
    return out


def provider_config(document: dict[str, Any], expression: Expression) -> dict[str, Any]:
    """``required_providers`` and ``provider`` blocks as a plan's ``provider_config``."""
    out: dict[str, Any] = {}
    for terraform in document.get("terraform", []):
        for required in terraform.get("required_providers", []):
            for name, body in required.items():
                if not name.startswith("__"):
                    wanted = expression(body)["constant_value"]
                    source = wanted.get("source", f"hashicorp/{name}")
                    entry = {"name": name, "full_name": _full_name(source), "expressions": {}}
                    version = {"version_constraint": wanted["version"]} if "version" in wanted else {}
                    out[name] = {**entry, **version}
    for name, body in _labelled(document, "provider"):
        entry = out.setdefault(name, {"name": name, "full_name": provider_of(f"{name}_"), "expressions": {}})
        entry["expressions"] = {key: expression(value) for key, value in body.items() if not key.startswith("__")}
    return out


def provider_of(kind: str) -> str:
    """The source address of the provider that a resource type belongs to, where nothing else is said."""
    name = kind.partition("_")[0]
    return "terraform.io/builtin/terraform" if name == "terraform" else _full_name(f"hashicorp/{name}")


def provisioners_of(body: dict[str, Any], expression: Expression) -> list[dict[str, Any]]:
    """The ``provisioner`` blocks of a resource, taken out of its body with what else is no attribute."""
    for key in ("lifecycle", "connection", "depends_on"):
        body.pop(key, None)
    return [
        {
            "type": _bare(kind),
            "expressions": {key: expression(value) for key, value in inner.items() if not key.startswith("__")},
        }
        for entry in body.pop("provisioner", [])
        for kind, inner in entry.items()
        if isinstance(inner, dict)
    ]


def _labelled(document: dict[str, Any], key: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for entry in document.get(key, []):
        for name, body in entry.items():
            if isinstance(body, dict):
                yield _bare(name), body


def _full_name(source: str) -> str:
    return source if source.count("/") > 1 else f"registry.terraform.io/{source}"


def _bare(text: str) -> str:
    return text.strip('"')
