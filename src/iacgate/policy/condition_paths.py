"""Attribute paths as checks write them, held against the provider's schema (or a policy document's shape)."""

import re
from collections.abc import Mapping
from typing import NamedTuple

import yaml

from iacgate.policy.configuration_shapes import SHAPES
from iacgate.policy.provider_schema import AttributeSchema, ProviderSchema
from iacgate.policy.yaml_nodes import Source

__all__ = ["IMAGE", "POLICY_DOCUMENT", "FoundPath", "Scope", "attribute_path"]

_STEP = re.compile(r'"([^"]+)"(\[\])?|([^."\[\]]+)(\[\])?')
POLICY_DOCUMENT: dict[str, AttributeSchema] = {
    "statement": AttributeSchema("block", "R", "list"),
    **{
        f"statement[].{name}": AttributeSchema("list(string)", "R")
        for name in ("action", "not_action", "resource", "not_resource", "principal", "not_principal")
    },
    "statement[].sid": AttributeSchema("string", "O"),
    "statement[].effect": AttributeSchema("string", "R"),
    "statement[].anyone": AttributeSchema("bool", "R"),
    "statement[].condition": AttributeSchema("block", "R", "list"),
    "statement[].condition[].test": AttributeSchema("string", "R"),
    "statement[].condition[].variable": AttributeSchema("string", "R"),
    "statement[].condition[].values": AttributeSchema("list(string)", "R"),
}
"""What a policy document is made of, inside ``policy_document``."""
IMAGE: dict[str, AttributeSchema] = {
    "registry": AttributeSchema("string", "R"),
    "repository": AttributeSchema("string", "R"),
    "tag": AttributeSchema("string", "O"),
    "digest": AttributeSchema("string", "O"),
}
"""What an image reference is made of, inside ``images``."""


class Scope(NamedTuple):
    """Where a condition stands: which types' attributes its paths name."""

    source: Source
    schema: ProviderSchema
    types: tuple[str, ...]
    prefix: str = ""
    """Schema path of the element inside a quantifier, ``ingress[]``; empty at the resource."""
    document: Mapping[str, AttributeSchema] | None = None
    """What there is inside a policy document or an image reference, which no provider's schema describes."""
    settable: "set[tuple[str, str]] | None" = None
    """Gathers (type, path) that authors may leave to the provider, among those the check names."""
    shape: str = ""
    """The types are parts of the configuration (``module``, …), whose attributes are ours; empty: resources."""
    parameters: "dict[str, set[str]] | None" = None
    """By parameter that the check declares: the kinds of operand it stands for, gathered."""
    partner: bool = False
    """Where a relation has led: a data source of the type may stand there, with attributes of its own."""
    judged: tuple[str, ...] = ()
    """The types that the check looks at, wherever relations have led."""

    def lookup(self, kind: str, path: str) -> AttributeSchema | None:
        """The schema of a path written with its marks."""
        if self.shape:
            return SHAPES[kind].get(path)
        if self.document is not None:
            return self.document.get(path)
        found = self.schema.attribute(kind, path)
        return found or (self.schema.attribute(f"data.{kind}", path) if self.partner else None)

    def knows(self, kind: str) -> bool:
        """The schema of the type is at hand."""
        return self.document is not None or bool(self.shape) or self.schema.knows(kind)


class FoundPath(NamedTuple):
    """A path of a check, held against the schema."""

    steps: list[str]
    attribute: AttributeSchema | None
    path: str
    """Schema path with marks; empty when it is not known."""


def attribute_path(node: yaml.Node, scope: Scope, *, collection: bool = False, whole: bool = False) -> FoundPath:
    """Take a written path apart and hold it against the schema of every type.

    With ``whole`` the path ``.`` may stand for the resource itself.
    """
    source = scope.source
    text = source.text(node, "an attribute path")
    if text == ".":
        kind = scope.types[0] if scope.types else ""
        attribute = scope.lookup(kind, scope.prefix.removesuffix("[]").removesuffix("{}")) if scope.prefix else None
        if not scope.prefix and not whole:
            source.problem(node, "`.` is the element of a quantifier; here an attribute must be named")
        element = AttributeSchema(attribute.element, "R") if attribute is not None else None
        return FoundPath([], element, scope.prefix)
    steps = [(match[1] or match[3], bool(match[2] or match[4])) for match in _STEP.finditer(text)]
    if (
        not text
        or ".".join((f'"{name}"' if f'"{name}"' in text else name) + ("[]" if many else "") for name, many in steps)
        != text
    ):
        source.problem(node, "this is not an attribute path such as vpc_config.endpoint_public_access")
        return FoundPath([], None, "")
    names = [name + ("[]" if many else "") for name, many in steps]
    found: list[tuple[AttributeSchema, str]] = []
    for kind in scope.types:
        if scope.knows(kind):
            one = _hold(node, kind, steps, scope, collection=collection)
            if one is not None:
                found.append(one)
    if not found:
        return FoundPath(names, None, "")
    attributes = [attribute for attribute, _ in found]
    first, path = found[0]
    flags = "".join(sorted({flag for attribute in attributes for flag in attribute.flags}))
    if not all(attribute.required for attribute in attributes):
        flags = flags.replace("R", "")
    same = all(attribute.type == first.type for attribute in attributes)
    return FoundPath(names, first._replace(flags=flags, type=first.type if same else ""), path)


def _hold(
    node: yaml.Node, kind: str, steps: list[tuple[str, bool]], scope: Scope, *, collection: bool
) -> tuple[AttributeSchema, str] | None:
    """One path against one type: the attribute and its schema path, or a problem."""
    path = scope.prefix
    for position, (name, many) in enumerate(steps):
        here = f"{path}.{name}" if path else name
        attribute = scope.lookup(kind, here)
        if attribute is None:
            wrong = ".".join(step for step, _ in steps)
            where = scope.types[0] if scope.document else kind
            hint = (
                ""
                if scope.document or scope.shape
                else scope.schema.suggest(kind, f"{scope.prefix}.{wrong}" if scope.prefix else wrong)
            )
            scope.source.problem(
                node, f"{where} has no attribute `{wrong}`" + (f"; did you mean `{hint}`?" if hint else "")
            )
            return None
        ours = scope.document or scope.shape
        if scope.settable is not None and not ours and scope.schema.left_to_provider(kind, here):
            scope.settable.add((kind, here.replace("[]", "").replace("{}", "")))
        last = position == len(steps) - 1
        if last:
            return attribute, here
        mapped = attribute.type.startswith("map(")
        if attribute.repeated and not many and not mapped:
            scope.source.problem(
                node,
                f"there can be several `{name}` in {kind}: look into them with `every: {name}` or `some: {name}`"
                if not collection
                else f"there can be several `{name}` in {kind}: write `{name}[]` to walk through all of them",
            )
            return None
        if mapped:
            return AttributeSchema(attribute.element, "O"), here
        listed = attribute.nesting in ("list", "set") or attribute.type.startswith(("list(", "set("))
        path = here + ("[]" if listed else "{}" if attribute.nesting == "map" else "")
    return None
