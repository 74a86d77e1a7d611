"""One check's YAML file -> its normal form (``docs/reference/check-format.md``)."""

import re
import string
from typing import Any

import yaml

from iacgate.model.finding import Family, Severity, Tier
from iacgate.policy.condition_paths import Scope
from iacgate.policy.condition_syntax import note_unknown_type, parse_condition
from iacgate.policy.fix_syntax import read_fix
from iacgate.policy.image_places import IMAGE_PLACES
from iacgate.policy.provider_schema import ProviderSchema
from iacgate.policy.yaml_nodes import Source, read_yaml

__all__ = ["CHECK_KEYS", "read_check"]

CHECK_KEYS = (
    "id",
    "title",
    "family",
    "severity",
    "tier",
    "subject",
    "resource",
    "when",
    "condition",
    "cases",
    "fix",
    "message",
    "rationale",
    "remediation",
    "aliases",
    "controls",
    "deprecated",
    "examples",
)
_REQUIRED = ("id", "title", "family", "severity", "message", "rationale", "remediation", "examples")
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_PLACEHOLDERS = {"address", "type", "name"}


def read_check(data: bytes, source: Source, stem: str, schema: ProviderSchema) -> dict[str, Any] | None:
    """Read one check. Problems go to ``source``; ``None`` when the file is no YAML at all.

    ``stem`` is the file's name without ``.yaml``, which the id must equal.
    """
    node = read_yaml(data, source)
    if node is None:
        return None
    entries = source.mapping(node, "a check")
    if not entries:
        return None
    source.only(entries, CHECK_KEYS)
    for key in _REQUIRED:
        if key not in entries:
            source.problem(node, f"`{key}` is missing")
    values = {key: value for key, (_, value) in entries.items()}
    check = _metadata(values, source, stem)
    settable: set[tuple[str, str]] = set()
    check["cases"] = _cases(values, node, check["subject"], source, schema, settable)
    check["settable"] = sorted(settable)
    check["examples"], check["example_lines"] = (
        _examples(values["examples"], source) if "examples" in values else ({}, {})
    )
    return check


def _metadata(values: dict[str, yaml.Node], source: Source, stem: str) -> dict[str, Any]:
    def text(key: str) -> str:
        return source.text(values[key], f"`{key}`").strip() if key in values else ""

    def choice(key: str, choices: list[str], default: str) -> str:
        return source.choice(values[key], f"`{key}`", choices) if key in values else default

    check: dict[str, Any] = {
        "id": text("id"),
        "title": text("title"),
        "family": choice("family", list(Family), Family.HYGIENE),
        "severity": choice("severity", list(Severity), Severity.HIGH),
        "tier": choice("tier", list(Tier), Tier.BASELINE),
        "subject": choice("subject", ["resource", "account"], "resource"),
        "message": text("message"),
        "rationale": text("rationale"),
        "remediation": text("remediation"),
        "deprecated": text("deprecated"),
        "aliases": source.texts(values["aliases"], "`aliases`") if "aliases" in values else [],
        "controls": _controls(values["controls"], source) if "controls" in values else {},
    }
    if check["id"] and not _SLUG.fullmatch(check["id"]):
        source.problem(values["id"], "`id` must be a slug: lower-case words joined by hyphens")
    elif check["id"] and stem and check["id"] != stem:
        source.problem(values["id"], f"`id` must be the file's name, {stem}")
    if "message" in values:
        _message(values["message"], check["message"], source)
    return check


def _message(node: yaml.Node, text: str, source: Source) -> None:
    try:
        names = {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}
    except ValueError:
        names = {"?"}
    if not names <= _PLACEHOLDERS:
        source.problem(node, "`message` may use {address}, {type} and {name}, and nothing else in braces")


def _controls(node: yaml.Node, source: Source) -> dict[str, list[str]]:
    return {
        benchmark: [str(source.plain(item)) for item in source.items(value, f"`controls.{benchmark}`")]
        for benchmark, (_, value) in source.mapping(node, "`controls`").items()
    }


def _cases(
    values: dict[str, yaml.Node],
    node: yaml.Node,
    subject: str,
    source: Source,
    schema: ProviderSchema,
    settable: set[tuple[str, str]],
) -> list[dict[str, Any]]:
    if ("cases" in values) == ("condition" in values):
        source.problem(node, "a check needs `resource` with `condition`, or `cases`: one of them")
        return []
    if "condition" in values:
        return [_case(values, node, subject, source, schema, settable)]
    for key in ("resource", "when", "fix"):
        if key in values:
            source.problem(values[key], f"`{key}` stands inside each of `cases`")
    out = []
    for item in source.items(values["cases"], "`cases`"):
        inner = source.mapping(item, "a case")
        source.only(inner, ("resource", "when", "condition", "fix", "message"), where=" in a case")
        out.append(
            _case(
                {key: value for key, (_, value) in inner.items()}, item, subject, source, schema, settable, inside=True
            )
        )
    return out


def _case(
    values: dict[str, yaml.Node],
    node: yaml.Node,
    subject: str,
    source: Source,
    schema: ProviderSchema,
    settable: set[tuple[str, str]],
    *,
    inside: bool = False,
) -> dict[str, Any]:
    types: list[str] = []
    if "resource" in values:
        types = source.texts(values["resource"], "`resource`")
        if not types:
            source.problem(values["resource"], "`resource` names no type")
        for kind in types:
            if not (kind in IMAGE_PLACES and _is_about_images(values)):  # our own table says where they stand
                note_unknown_type(values["resource"], kind, source, schema)
    elif subject == "resource":
        source.problem(node, "`resource` is missing: name the resource types")
    scope = Scope(source, schema, tuple(types), settable=settable, judged=tuple(types))
    case: dict[str, Any] = {"types": types}
    if "condition" in values:
        case["condition"] = parse_condition(values["condition"], scope)
    else:
        source.problem(node, "`condition` is missing")
    if "when" in values:
        case["when"] = parse_condition(values["when"], scope)
    if "fix" in values:
        case["fix"] = read_fix(values["fix"], scope)
        if subject == "account":
            source.problem(values["fix"], "a check on the account has no block that could be fixed")
    if inside and "message" in values:
        case["message"] = source.text(values["message"], "`message`")
        _message(values["message"], case["message"], source)
    return case


def _is_about_images(values: dict[str, yaml.Node]) -> bool:
    condition = values.get("condition")
    return isinstance(condition, yaml.MappingNode) and any(key.value == "images" for key, _ in condition.value)


def _examples(node: yaml.Node, source: Source) -> tuple[dict[str, list[str]], dict[str, list[int]]]:
    """The texts by what the check must say of them, and the line where each begins."""
    entries = source.mapping(node, "`examples`")
    source.only(entries, ("pass", "fail", "unknown"), where=" in `examples`")
    for key in ("pass", "fail"):
        if key not in entries:
            source.problem(node, f"`examples` needs at least one `{key}`")
    texts: dict[str, list[str]] = {}
    lines: dict[str, list[int]] = {}
    for key, (_, value) in entries.items():
        texts[key] = source.texts(value, f"`examples.{key}`")
        if isinstance(value, yaml.SequenceNode) and not value.value:
            source.problem(value, f"`examples.{key}` is empty")
        items = value.value if isinstance(value, yaml.SequenceNode) else [value]
        lines[key] = [item.start_mark.line + 1 for item in items]
    return texts, lines
