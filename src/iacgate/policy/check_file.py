"""One check's YAML file -> its normal form (``docs/reference/check-format.md``)."""

import re
import string
from fnmatch import fnmatchcase
from typing import Any

import yaml

from iacgate.model.finding import Family, Severity, Tier
from iacgate.policy.condition_paths import Scope
from iacgate.policy.condition_syntax import note_unknown_type, operand_problem, parse_condition
from iacgate.policy.configuration_shapes import SHAPES
from iacgate.policy.fix_syntax import read_fix
from iacgate.policy.image_places import IMAGE_PLACES
from iacgate.policy.provider_schema import ProviderSchema
from iacgate.policy.yaml_nodes import Source, read_yaml

__all__ = ["CHECK_KEYS", "SUBJECTS", "read_check"]

SUBJECTS = ("resource", "account", *SHAPES)

CHECK_KEYS = (
    "id",
    "title",
    "family",
    "severity",
    "tier",
    "subject",
    "parameters",
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
_PARAMETER = re.compile(r"[a-z][a-z0-9_]*")
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
    declared = _parameters(values["parameters"], source) if "parameters" in values else {}
    kinds: dict[str, set[str]] = {name: set() for name in declared}
    scope = Scope(source, schema, (), settable=settable, parameters=kinds)
    check["cases"] = _cases(values, node, check["subjects"], scope)
    check["settable"] = sorted(settable)
    check["parameters"] = _settled(declared, kinds, values.get("parameters", node), source)
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
        "subjects": _subjects(values["subject"], source) if "subject" in values else ["resource"],
        "message": text("message"),
        "rationale": text("rationale"),
        "remediation": text("remediation"),
        "deprecated": text("deprecated"),
        "aliases": source.texts(values["aliases"], "`aliases`") if "aliases" in values else [],
        "controls": _controls(values["controls"], source) if "controls" in values else {},
    }
    check["subject"] = check["subjects"][0] if len(check["subjects"]) == 1 else "configuration"
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


def _subjects(node: yaml.Node, source: Source) -> list[str]:
    """What the check is about: one word, or several parts of the configuration that share the condition."""
    words = source.texts(node, "`subject`")
    if not words or not set(words) <= set(SUBJECTS):
        source.problem(node, f"`subject` must be one of {', '.join(SUBJECTS)}")
        return ["resource"]
    if len(words) > 1 and not set(words) <= set(SHAPES):
        source.problem(node, f"only {', '.join(SHAPES)} may stand together in `subject`")
        return words[:1]
    return list(dict.fromkeys(words))


def _parameters(node: yaml.Node, source: Source) -> dict[str, dict[str, Any]]:
    """What the check leaves to the policy bundle: name -> ``about`` and, where there is one, ``default``."""
    out: dict[str, dict[str, Any]] = {}
    for name, (key_node, value) in source.mapping(node, "`parameters`").items():
        if not _PARAMETER.fullmatch(name):
            source.problem(key_node, "a parameter's name is made of lower-case letters, digits and underscores")
        entries = source.mapping(value, f"`parameters.{name}`")
        source.only(entries, ("about", "default"), where=" of a parameter")
        if "about" not in entries:
            source.problem(value, f"`parameters.{name}` needs `about`: one sentence for people who write policies")
        out[name] = {"about": source.text(entries["about"][1], "`about`") if "about" in entries else ""}
        if "default" in entries:
            out[name]["default"] = source.plain(entries["default"][1])
    return out


def _settled(
    declared: dict[str, dict[str, Any]], kinds: dict[str, set[str]], node: yaml.Node, source: Source
) -> dict[str, dict[str, Any]]:
    """The declared parameters with the kinds of operand they stand for; defaults must be of these kinds."""
    for name, one in declared.items():
        if not kinds[name]:
            source.problem(node, f"the parameter `{name}` is used in no condition")
        for kind in sorted(kinds[name]) if "default" in one else ():
            if wanted := operand_problem(one["default"], kind):
                source.problem(node, f"the default of `{name}` must be {wanted}")
        one["kinds"] = sorted(kinds[name])
    return declared


def _cases(values: dict[str, yaml.Node], node: yaml.Node, subjects: list[str], scope: Scope) -> list[dict[str, Any]]:
    source = scope.source
    if ("cases" in values) == ("condition" in values):
        source.problem(node, "a check needs `resource` with `condition`, or `cases`: one of them")
        return []
    if "condition" in values:
        return [_case(values, node, subjects, scope)]
    for key in ("resource", "when", "fix"):
        if key in values:
            source.problem(values[key], f"`{key}` stands inside each of `cases`")
    out = []
    for item in source.items(values["cases"], "`cases`"):
        inner = source.mapping(item, "a case")
        source.only(inner, ("resource", "when", "condition", "fix", "message"), where=" in a case")
        out.append(_case({key: value for key, (_, value) in inner.items()}, item, subjects, scope, inside=True))
    return out


def _case(
    values: dict[str, yaml.Node], node: yaml.Node, subjects: list[str], scope: Scope, *, inside: bool = False
) -> dict[str, Any]:
    source = scope.source
    types: list[str] = []
    if subjects[0] in SHAPES:
        if "resource" in values:
            source.problem(values["resource"], f"`resource` does not go with `subject: {subjects[0]}`")
        scope = scope._replace(types=tuple(subjects), shape=subjects[0])
    else:
        if "resource" in values:
            types = _types(values["resource"], scope)
            if not types:
                source.problem(values["resource"], "`resource` names no type")
            for kind in types:
                if not (kind in IMAGE_PLACES and _is_about_images(values)):  # our own table says where they stand
                    note_unknown_type(values["resource"], kind, source, scope.schema)
        elif subjects[0] == "resource":
            source.problem(node, "`resource` is missing: name the resource types")
        scope = scope._replace(types=tuple(types), judged=tuple(types))
    case: dict[str, Any] = {"types": types}
    if "condition" in values:
        case["condition"] = parse_condition(values["condition"], scope)
    else:
        source.problem(node, "`condition` is missing")
    if "when" in values:
        case["when"] = parse_condition(values["when"], scope)
    if "fix" in values:
        case["fix"] = read_fix(values["fix"], scope)
        if subjects[0] != "resource":
            source.problem(values["fix"], f"a check on the {subjects[0]} has no resource's block that could be fixed")
    if inside and "message" in values:
        case["message"] = source.text(values["message"], "`message`")
        _message(values["message"], case["message"], source)
    return case


def _types(node: yaml.Node, scope: Scope) -> list[str]:
    """Types by name, or all that the schema at hand gives some attributes: ``{having: tags, like: azurerm_*}``."""
    source = scope.source
    if not isinstance(node, yaml.MappingNode):
        return source.texts(node, "`resource`")
    spec = source.mapping(node, "`resource`")
    source.only(spec, ("having", "like"), where=" in `resource`")
    if "having" not in spec:
        source.problem(node, "`resource` names types, or attributes with `having`")
        return []
    attributes = source.texts(spec["having"][1], "`having`")
    pattern = source.text(spec["like"][1], "`like`") if "like" in spec else "*"
    types = (kind for kind in scope.schema.types() if not kind.startswith("data.") and fnmatchcase(kind, pattern))
    return [kind for kind in types if all(scope.schema.attribute(kind, name) for name in attributes)]


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
