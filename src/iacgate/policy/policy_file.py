"""Policy bundles: policy sets, exceptions and own checks in one YAML file (``docs/reference/policy-format.md``)."""

import re
from datetime import date
from typing import Any

import yaml

from iacgate.model.finding import Enforcement, Family, Severity, Tier
from iacgate.policy.image_file import read_images
from iacgate.policy.inventory_file import read_inventory_rule
from iacgate.policy.scanner_file import read_scanners
from iacgate.policy.yaml_nodes import Source, read_yaml

__all__ = ["SCHEMA", "read_policy"]

SCHEMA = "iacgate/policy/v1"
_LEVELS = [*Enforcement, "off"]
BUNDLE_KEYS = ("schema", "name", "version", "checks", "parameters", "policy_sets", "exceptions")
_SET_KEYS = (
    "name",
    "scope",
    "owns_account",
    "enforce_on",
    "uncovered",
    "unknown",
    "on_incomplete",
    "rules",
    "scanners",
    "images",
    "inventory",
)
_RULE_KEYS = ("checks", "level", "enforce_from")
_SELECT: dict[str, list[str]] = {"family": [*Family], "severity": [*Severity], "tier": [*Tier]}
_INCOMPLETE = {"errored": "error", "targeted": "review", "deferred": "review", "not_applyable": "error"}
_UNKNOWN = {"hard-mandatory": "review", "soft-mandatory": "obligation", "advisory": "note"}
_EXCEPTION_KEYS = ("id", "check", "address", "workspace", "reason", "owner", "review_by", "requires")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def read_policy(data: bytes, source: Source) -> dict[str, Any] | None:
    """Read a policy bundle into its normal form. Problems go to ``source``."""
    node = read_yaml(data, source)
    if node is None:
        return None
    entries = source.mapping(node, "a policy bundle")
    values = {key: value for key, (_, value) in entries.items()}
    source.only(entries, BUNDLE_KEYS)
    if "schema" not in values or source.plain(values["schema"]) != SCHEMA:
        source.problem(values.get("schema", node), f"`schema` must be {SCHEMA}")
    policy: dict[str, Any] = {
        "name": source.text(values["name"], "`name`") if "name" in values else "",
        "version": str(source.plain(values["version"])) if "version" in values else "",
        "checks": source.texts(values["checks"], "`checks`") if "checks" in values else [],
        "parameters": {},
        "parameter_lines": {},
        "sets": [],
        "exceptions": [],
    }
    for key, (key_node, value) in (
        source.mapping(values["parameters"], "`parameters`").items() if "parameters" in values else ()
    ):
        policy["parameters"][key] = source.plain(value)
        policy["parameter_lines"][key] = key_node.start_mark.line + 1
    for key in ("name", "version", "policy_sets"):
        if key not in values:
            source.problem(node, f"`{key}` is missing")
    for item in source.items(values["policy_sets"], "`policy_sets`") if "policy_sets" in values else ():
        policy["sets"].append(_policy_set(item, source))
    if "policy_sets" in values and not policy["sets"]:
        source.problem(values["policy_sets"], "`policy_sets` holds no policy set: nothing would be enforced")
    for item in source.items(values["exceptions"], "`exceptions`") if "exceptions" in values else ():
        policy["exceptions"].append(_exception(item, source))
    pairs = [(one["check"], one["address"], one["workspace"]) for one in policy["exceptions"]]
    for check, address, _ in sorted({pair for pair in pairs if pairs.count(pair) > 1}, key=str):
        source.problem(values["exceptions"], f"two exceptions name {check} on {address}")
    ids = [one["id"] for one in policy["exceptions"]]
    for one in sorted({one for one in ids if ids.count(one) > 1}):
        source.problem(values["exceptions"], f"the exception `{one}` stands twice")
    return policy


def _policy_set(node: yaml.Node, source: Source) -> dict[str, Any]:
    entries = source.mapping(node, "a policy set")
    source.only(entries, _SET_KEYS)
    values = {key: value for key, (_, value) in entries.items()}
    out: dict[str, Any] = {
        "name": source.text(values["name"], "`name`") if "name" in values else "",
        "workspaces": [],
        "owns_account": source.flag(values["owns_account"], "`owns_account`") if "owns_account" in values else False,
        "enforce_on": "changed",
        "uncovered": "allow",
        "unknown": dict(_UNKNOWN),
        "on_incomplete": dict(_INCOMPLETE),
        "rules": [],
        "scanners": read_scanners(values["scanners"], source) if "scanners" in values else [],
        "images": read_images(values["images"], source) if "images" in values else {},
        "inventory": read_inventory_rule(values["inventory"], source) if "inventory" in values else {},
    }
    if "scope" in values:
        scope = source.mapping(values["scope"], "`scope`")
        source.only(scope, ("workspaces",))
        if "workspaces" in scope:
            out["workspaces"] = source.texts(scope["workspaces"][1], "`workspaces`")
            if not out["workspaces"]:
                source.problem(scope["workspaces"][1], "`workspaces` names none; leave `scope` out for all")
    if "enforce_on" in values:
        out["enforce_on"] = source.choice(values["enforce_on"], "`enforce_on`", ["changed", "all"])
    if "uncovered" in values:
        out["uncovered"] = source.choice(values["uncovered"], "`uncovered`", ["allow", "review", "error"])
    _choices(values, "unknown", out["unknown"], ["deny", "review", "obligation", "note"], source)
    _choices(values, "on_incomplete", out["on_incomplete"], ["review", "error"], source)
    for item in source.items(values["rules"], "`rules`") if "rules" in values else ():
        out["rules"].append(_rule(item, source))
    if not out["name"]:
        source.problem(node, "a policy set needs a `name`")
    if not any(rule["level"] != "off" for rule in out["rules"]):
        source.problem(node, "this policy set enforces nothing: its `rules` give no check a level")
    return out


def _choices(values: dict[str, yaml.Node], key: str, into: dict[str, str], choices: list[str], source: Source) -> None:
    if key not in values:
        return
    entries = source.mapping(values[key], f"`{key}`")
    source.only(entries, tuple(into))
    for name, (_, value) in entries.items():
        if name in into:
            into[name] = source.choice(value, f"`{key}.{name}`", choices)


def _rule(node: yaml.Node, source: Source) -> dict[str, Any]:
    entries = source.mapping(node, "a rule")
    source.only(entries, _RULE_KEYS)
    values = {key: value for key, (_, value) in entries.items()}
    rule: dict[str, Any] = {"select": {}, "level": "off", "enforce_from": "", "line": node.start_mark.line + 1}
    if "checks" not in values:
        source.problem(node, "a rule needs `checks`: which ones it is about")
    else:
        select = source.mapping(values["checks"], "`checks`")
        source.only(select, ("id", *_SELECT, "control"))
        for key, (_, value) in select.items():
            words = source.texts(value, f"`checks.{key}`")
            for word in words:
                if key in _SELECT and word not in _SELECT[key]:
                    source.problem(value, f"`checks.{key}` takes {', '.join(_SELECT[key])}")
            rule["select"][key] = words
        rule["line"] = values["checks"].start_mark.line + 1
    if "level" not in values:
        source.problem(node, "a rule needs a `level`")
    else:
        rule["level"] = source.choice(values["level"], "`level`", [str(level) for level in _LEVELS])
    if "enforce_from" in values:
        rule["enforce_from"] = _date(values["enforce_from"], "`enforce_from`", source)
    return rule


def _date(node: yaml.Node, what: str, source: Source) -> str:
    text = str(source.plain(node))
    try:
        if _DATE.fullmatch(text):
            return date.fromisoformat(text).isoformat()
    except ValueError:
        pass
    source.problem(node, f"{what} must be a date such as 2027-03-31")
    return "9999-12-31"


def _exception(node: yaml.Node, source: Source) -> dict[str, Any]:
    entries = source.mapping(node, "an exception")
    source.only(entries, _EXCEPTION_KEYS)
    values = {key: value for key, (_, value) in entries.items()}
    out: dict[str, Any] = {"workspace": None, "requires": [], "review_by": "", "line": node.start_mark.line + 1}
    for key in ("id", "check", "address", "reason", "owner"):
        if key in values:
            out[key] = source.text(values[key], f"`{key}`")
        else:
            out[key] = ""
            source.problem(node, f"an exception needs `{key}`")
    if "workspace" in values:
        out["workspace"] = source.text(values["workspace"], "`workspace`")
    if "review_by" in values:
        out["review_by"] = _date(values["review_by"], "`review_by`", source)
    else:
        source.problem(node, "an exception needs `review_by`: when somebody looks at it again")
    if "requires" not in values:
        source.problem(
            node, "an exception needs `requires`: the compensating checks that must pass (an empty list says: none)"
        )
        return out
    for item in source.items(values["requires"], "`requires`"):
        inner = source.mapping(item, "a compensating check")
        source.only(inner, ("check", "address"))
        if "check" not in inner:
            source.problem(item, "a compensating check needs `check`")
            continue
        address = source.text(inner["address"][1], "`address`") if "address" in inner else out["address"]
        out["requires"].append({"check": source.text(inner["check"][1], "`check`"), "address": address})
    return out
