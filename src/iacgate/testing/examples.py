"""A check's examples: small HCL texts that become plans and are judged as such.

The plan is made as Terraform would make it for an empty account: literals are values, references
are unknown and stand in the configuration, and what the author leaves out and the provider computes
is unknown and unconfigured. So is what is written and yet says nothing (null, an empty string, an
empty list of plain values) where the provider computes it: its constant stands in the configuration,
its value does not. A list or set with an unknown element is unknown as a whole, which is how the
provider's SDK plans it. A variable without a default stands for the output of something that only an
apply settles; the variables of a root themselves are always known. ``scripts/verify_examples.py``
holds all that against real plans.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import msgspec

from iacgate.model.address import Address
from iacgate.model.finding import Severity
from iacgate.model.image_scan import ImageScan, Vulnerability
from iacgate.policy.provider_schema import ProviderSchema
from iacgate.sources.hcl.library import hcl2_package
from iacgate.sources.lock_file import LOCK_FILE
from iacgate.testing.configuration_examples import module_calls, provider_config, provider_of, provisioners_of

__all__ = ["ExampleError", "ExamplePlan", "example_plan"]

_REFERENCE = re.compile(r"[A-Za-z_][\w-]*(?:\[[^\]]*\])?(?:\.[A-Za-z_*][\w-]*(?:\[[^\]]*\])?)+")
_FILE = re.compile(r"(?m)^# file: (\S+)$\n")
_SCANNED = re.compile(
    r"^# scanned: (?P<digest>sha256:[0-9a-f]{64})"
    r"(?: with (?P<id>[\w-]+), (?P<severity>critical|high|medium|low)(?:, (?P<days>\d{1,5}) days)?)?$",
    re.MULTILINE,
)
_UNKNOWN = object()


class ExampleError(ValueError):
    """The example is no HCL that an example can be made of."""


class ExamplePlan(NamedTuple):
    """A plan in JSON, and what an example says besides in comments of their own lines."""

    json: bytes
    owns_account: bool = False
    """``# account: owned``: account-level checks are asked."""
    image_scans: tuple[ImageScan, ...] = ()
    """What its lines ``# scanned:`` say of images."""
    parameters: Mapping[str, Any] = {}
    """``# parameters: {"required_tags": ["owner"]}``: what the policy bundle gives."""
    lock: str | None = None
    """The text behind ``# file: .terraform.lock.hcl``; ``None``: no lock file is known."""
    plan_only: bool = False
    """It says what a plan does, or what one leaves out (``# actions:``, ``# configuration: withheld``): no HCL does."""


def example_plan(text: str, schema: ProviderSchema) -> ExamplePlan:
    """Make a plan of an example. Raises ``ExampleError``."""
    hcl2 = hcl2_package()
    text, *more = _FILE.split(text)
    comments = _comments(text)
    try:
        document = hcl2.loads(text if text.endswith("\n") else text + "\n")
    except Exception as error:  # the parser's own exceptions have no common root
        raise ExampleError(f"not valid HCL: {type(error).__name__}") from None
    variables = {_bare(name): block for entry in document.get("variable", []) for name, block in entry.items()}
    changes: list[dict[str, Any]] = []
    blocks: list[dict[str, Any]] = []
    for mode, key in (("managed", "resource"), ("data", "data")):
        for entry in document.get(key, []):
            for kind, named in entry.items():
                for name, body in named.items():
                    change, block = _resource(mode, _bare(kind), _bare(name), body, variables, schema)
                    changes.append(_done(change, comments.get("actions", "")))
                    blocks.append(block)
    plan = {
        "format_version": "1.2",
        "terraform_version": "1.11.4",
        "planned_values": {"root_module": {}},
        "resource_changes": changes,
        "configuration": {
            "root_module": {
                "resources": blocks,
                "variables": {
                    name: {"default": _literal(block["default"]), "sensitive": block.get("sensitive") is True}
                    for name, block in variables.items()
                    if "default" in block
                },
                "module_calls": module_calls(document, lambda value: _expression(value, variables)),
            },
            "provider_config": provider_config(document, lambda value: _expression(value, variables)),
        },
    }
    if comments.get("configuration") == "withheld":
        del plan["configuration"]
    return ExamplePlan(
        msgspec.json.encode(plan),
        comments.get("account") == "owned",
        _image_scans(text),
        msgspec.json.decode(comments.get("parameters", "{}")),
        dict(zip(more[::2], more[1::2], strict=True)).get(LOCK_FILE),
        plan_only="actions" in comments or "configuration" in comments,
    )


def _comments(text: str) -> dict[str, str]:
    """What comments on lines of their own say to the one who runs the example: ``# account: owned``."""
    found = (re.fullmatch(r"# (account|actions|configuration|parameters): (.+)", line) for line in text.splitlines())
    return {match[1]: match[2] for match in found if match}


def _done(change: dict[str, Any], actions: str) -> dict[str, Any]:
    """The change with other actions than creating: what is there is what would have been created."""
    if not actions or change["mode"] != "managed":
        return change
    inner = change["change"]
    inner["actions"] = actions.split(", ")
    inner["before"] = inner["after"]
    if "create" not in inner["actions"] and "delete" in inner["actions"]:
        inner |= {"after": None, "after_unknown": False}
    return change


def _image_scans(text: str) -> tuple[ImageScan, ...]:
    return tuple(
        ImageScan((found["digest"],), vulnerabilities=_vulnerabilities(found)) for found in _SCANNED.finditer(text)
    )


def _vulnerabilities(found: re.Match[str]) -> tuple[Vulnerability, ...]:
    if not found["id"]:
        return ()
    since = datetime.now(UTC) - timedelta(days=int(found["days"])) if found["days"] else None
    return (
        Vulnerability(
            found["id"], Severity(found["severity"]), since=since.isoformat(timespec="seconds") if since else ""
        ),
    )


def _bare(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text


def _literal(value: Any) -> Any:
    """A literal as Terraform's value; ``_UNKNOWN`` for an expression."""
    if isinstance(value, str):
        if value.startswith('"') and value.endswith('"') and len(value) > 1:
            inner = value[1:-1]
            if inner.startswith("<<"):
                return _heredoc(inner)
            if "${" in inner.replace("$${", ""):
                return _UNKNOWN
            return msgspec.json.decode(f'"{inner}"'.encode()) if "\\" in inner else inner
        if value.startswith("${jsonencode(") and value.endswith(")}"):
            return _jsonencode(value[len("${jsonencode(") : -2])
        if value.startswith("${") and value.endswith("}"):
            return _UNKNOWN
        if value in ("true", "false"):
            return value == "true"
        if value == "null":
            return None
        return value
    if isinstance(value, list):
        return [_literal(item) for item in value]
    if isinstance(value, dict):
        return {_bare(key): _literal(item) for key, item in value.items() if not key.startswith("__")}
    return value


def _heredoc(text: str) -> str:
    from textwrap import dedent

    head, *lines = text.splitlines()
    body = "\n".join(lines[:-1]) + "\n"
    return dedent(body) if head.startswith("<<-") else body


def _jsonencode(text: str) -> Any:
    value = _literal(hcl2_package().loads(f"value = {text}\n")["value"])
    return _UNKNOWN if _holds_unknown(value) else msgspec.json.encode(value).decode()


def _holds_unknown(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_holds_unknown(item) for item in value.values())
    if isinstance(value, list):
        return any(_holds_unknown(item) for item in value)
    return value is _UNKNOWN


def _resource(
    mode: str, kind: str, name: str, body: dict[str, Any], variables: dict[str, Any], schema: ProviderSchema
) -> tuple[dict[str, Any], dict[str, Any]]:
    typed = kind if mode == "managed" else f"data.{kind}"
    provisioners = provisioners_of(body, lambda value: _expression(value, variables))
    after, unknown, expressions = _body(body, typed, "", variables, schema)
    for path, attribute in schema.paths(typed).items():
        if path and "." not in path and "[" not in path and path not in after and path not in unknown:
            if attribute.computed or schema.left_to_provider(typed, path):
                unknown[path] = True
            elif attribute.type == "block":
                after[path] = []
            else:
                after[path] = None
    _merge_tags(after, unknown)
    address = str(Address((), mode, kind, name))
    head = {"address": address, "mode": mode, "type": kind, "name": name}
    action = "create" if mode == "managed" else "read"
    change = {
        "actions": [action],
        "before": None,
        "after": after,
        "after_unknown": unknown,
        "before_sensitive": False,
        "after_sensitive": {},
    }
    block: dict[str, Any] = {**head, "expressions": expressions}
    if provisioners:
        block["provisioners"] = provisioners
    return {**head, "provider_name": provider_of(kind), "change": change}, block


def _merge_tags(after: dict[str, Any], unknown: dict[str, Any]) -> None:
    """As the AWS provider does: ``tags_all`` is known as soon as all tags are, unless there are none."""
    if unknown.get("tags_all") is True and after.get("tags") and not unknown.get("tags"):
        after["tags_all"] = after["tags"]
        del unknown["tags_all"]


def _body(
    body: dict[str, Any], kind: str, prefix: str, variables: dict[str, Any], schema: ProviderSchema
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    after: dict[str, Any] = {}
    unknown: dict[str, Any] = {}
    expressions: dict[str, Any] = {}
    for raw_key, value in body.items():
        key = _bare(raw_key)
        if key.startswith("__"):
            continue
        if key == "dynamic":
            for entry in value:
                for name, block in entry.items():
                    _dynamic(_bare(name), block, kind, prefix, after, unknown, schema)
            continue
        path = f"{prefix}{key}"
        attribute = schema.attribute(kind, path)
        nested = (
            isinstance(value, list)
            and bool(value)
            and all(isinstance(item, dict) and "__is_block__" in item for item in value)
        )
        if nested:
            parts = [_body(item, kind, f"{path}[].", variables, schema) for item in value]
            if attribute is not None and attribute.type != "block":  # attributes that take block syntax stand as values
                parts = [(_filled(kind, path, part[0], part[1], schema), part[1], part[2]) for part in parts]
            after[key] = [part[0] for part in parts]
            unknown[key] = [part[1] for part in parts]
            expressions[key] = [part[2] for part in parts]
            if attribute is not None and attribute.type != "block":
                references = [ref for part in parts for one in part[2].values() for ref in one.get("references", ())]
                expressions[key] = {"references": references} if references else {"constant_value": after[key]}
            continue
        known, mask, references = _value(value, variables)
        expressions[key] = {"references": references} if references else {"constant_value": known}
        if isinstance(mask, list) and not kind.startswith("data."):
            mask = True
        empty = known in (None, "") or (known == [] and attribute is not None and "object" not in attribute.type)
        if mask is None and empty and schema.left_to_provider(kind, path):
            mask = True
        if mask is True:
            unknown[key] = True
        else:
            after[key] = known
            if mask:
                unknown[key] = mask
    return after, unknown, expressions


def _dynamic(
    name: str,
    block: Any,
    kind: str,
    prefix: str,
    after: dict[str, Any],
    unknown: dict[str, Any],
    schema: ProviderSchema,
) -> None:
    """Blocks over what is not known, as Terraform shows them: no expression, and for attributes one unknown block."""
    attribute = schema.attribute(kind, prefix + name)
    if attribute is None or attribute.type == "block":
        unknown[name] = True
        return
    content = (block[0] if isinstance(block, list) else block)["content"]
    content = content[0] if isinstance(content, list) else content
    mask = {_bare(key): True for key in content if not key.startswith("__")}
    after[name] = [_filled(kind, prefix + name, {}, mask, schema)]
    unknown[name] = [mask]


def _filled(
    kind: str, path: str, values: dict[str, Any], unknown: dict[str, Any], schema: ProviderSchema
) -> dict[str, Any]:
    for known in schema.paths(kind):
        rest = known.removeprefix(f"{path}[].")
        if rest != known and "." not in rest and rest not in values and rest not in unknown:
            values[rest] = None
    return values


def _value(value: Any, variables: dict[str, Any]) -> tuple[Any, Any, list[str]]:
    """The known part, the mask of unknowns, and what an expression refers to."""
    if isinstance(value, list):
        parts = [_value(item, variables) for item in value]
        masks = [part[1] for part in parts]
        return [part[0] for part in parts], masks if any(masks) else None, [ref for part in parts for ref in part[2]]
    if isinstance(value, dict):
        entries = {_bare(key): _value(item, variables) for key, item in value.items() if not key.startswith("__")}
        masks_by_key = {key: part[1] for key, part in entries.items() if part[1]}
        return (
            {key: part[0] for key, part in entries.items() if part[1] is not True},
            masks_by_key or None,
            [r for p in entries.values() for r in p[2]],
        )
    literal = _literal(value)
    if literal is not _UNKNOWN:
        return literal, None, []
    references = _references(value, variables)
    lone = _REFERENCE.fullmatch(value.removeprefix("${").removesuffix("}").strip())
    if lone and references and references[0].startswith("var."):
        block = variables.get(references[0].split(".")[1], {})
        if "default" in block:
            return _literal(block["default"]), None, references[:1]
    return None, True, references


def _expression(value: Any, variables: dict[str, Any]) -> dict[str, Any]:
    """As Terraform writes it into the configuration of a plan."""
    if isinstance(value, list) and value and all(isinstance(one, dict) and "__is_block__" in one for one in value):
        value = value[0] if len(value) == 1 else value
    known, mask, references = _value(value, variables)
    return {"references": references} if references or mask else {"constant_value": known}


def _references(text: str, variables: dict[str, Any]) -> list[str]:
    out: list[str] = []
    for match in _REFERENCE.finditer(re.sub(r'"[^"$]*"', "", text)):
        parts = match[0].split(".")
        if parts[0] == "var" and "default" not in variables.get(parts[1], {}):
            parts = ["terraform_data", parts[1], "output", *parts[2:]]
        shortest = 3 if parts[0] == "data" else 2
        out += [".".join(parts[:end]) for end in range(len(parts), shortest - 1, -1)]
    return out
