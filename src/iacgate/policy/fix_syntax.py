"""The ``fix:`` of a check -> its normal form: what to write into a failing block (``docs/reference/check-format.md``).

``{"set": [[steps, value], …], "add": [[steps, value], …], "note": text}``. A step is an attribute's or block's
name; with ``[]`` it is every block of that name that is there, and none is made.
"""

import re
from typing import Any

import yaml

from iacgate.policy.condition_paths import Scope
from iacgate.policy.provider_schema import AttributeSchema

__all__ = ["FIX_KEYS", "read_fix"]

FIX_KEYS = ("set", "add", "note")
_PATH = re.compile(r"[a-z0-9_]+(\[\])?(\.[a-z0-9_]+(\[\])?)*")
_PLAIN = (str, bool, int, float)


def read_fix(node: yaml.Node, scope: Scope) -> dict[str, Any]:
    """Read a fix and hold its paths against the provider's schema. Problems go to the scope's source."""
    source = scope.source
    entries = source.mapping(node, "`fix`")
    source.only(entries, FIX_KEYS, where=" in `fix`")
    fix: dict[str, Any] = {"set": [], "add": [], "note": ""}
    if "note" in entries:
        fix["note"] = " ".join(source.text(entries["note"][1], "`fix.note`").split())
    for key in ("set", "add"):
        paths = source.mapping(entries[key][1], f"`fix.{key}`") if key in entries else {}
        for at, node_of_value in paths.values():
            value = source.plain(node_of_value)
            fix[key].append([_steps(at, scope, value, key), value])
    if not fix["set"] and not fix["add"]:
        source.problem(node, "`fix` sets nothing: name attributes under `set` or `add`")
    return fix


def _steps(node: yaml.Node, scope: Scope, value: Any, key: str) -> list[str]:
    """A path as steps; what is wrong with it, or with its value, is a problem."""
    text = str(node.value)
    if not _PATH.fullmatch(text):
        scope.source.problem(node, "this is not a path such as metadata_options.http_tokens")
        return []
    steps = text.split(".")
    for kind in scope.types:
        if scope.schema.knows(kind):
            wrong = _wrong(kind, steps, scope, value, key)
            if wrong:
                scope.source.problem(node, wrong)
                return []
    return steps


def _wrong(kind: str, steps: list[str], scope: Scope, value: Any, key: str) -> str:
    path = ""
    for position, step in enumerate(steps):
        name = step.removesuffix("[]")
        here = f"{path}.{name}" if path else name
        found = scope.schema.attribute(kind, here)
        if found is None:
            close = scope.schema.suggest(kind, here)
            return f"{kind} has no attribute `{here}`" + (f"; did you mean `{close}`?" if close else "")
        if position == len(steps) - 1:
            return _wrong_value(here, found, step, value, key)
        if found.type != "block":
            return f"`{name}` of {kind} is no block: a fix sets attributes of blocks"
        if found.repeated and not step.endswith("[]"):
            return f"there can be several `{name}` in {kind}: write `{name}[]` for each that is there"
        path = here + ("[]" if found.nesting in ("list", "set") else "{}" if found.nesting == "map" else "")
    return ""


def _wrong_value(path: str, found: AttributeSchema, step: str, value: Any, key: str) -> str:
    if found.type == "block" or step.endswith("[]"):
        return f"`{path}` is no attribute that can be set"
    if not (found.optional or found.required):
        return f"`{path}` is settled by the provider: no author may set it"
    listed = found.type.startswith(("list(", "set("))
    if key == "add":
        if not listed:
            return f"`{path}` is no list to which something can be added: use `set`"
        return "" if _fits(value, found.element) else f"`{path}` takes elements of type {found.element}"
    if listed:
        good = isinstance(value, list) and bool(value) and all(_fits(one, found.element) for one in value)
        return "" if good else f"`{path}` takes a {found.type}"
    return "" if _fits(value, found.type) else f"`{path}` takes a {found.type}"


def _fits(value: Any, kind: str) -> bool:
    """A literal of the type, or one that Terraform converts to it: attributes of type string hold booleans too."""
    match kind:
        case "bool":
            return isinstance(value, bool)
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "string":
            return isinstance(value, _PLAIN)
        case _:
            return False
