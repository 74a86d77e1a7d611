"""The table ``scanners`` of a policy set, as people write it (``docs/reference/policy-format.md``)."""

import re
from typing import Any

import yaml

from iacgate.policy.scanner_rules import ACTIONS, SEVERITIES
from iacgate.policy.yaml_nodes import Source

__all__ = ["MAX_AGE", "ROW_KEYS", "SUPPRESSED", "read_scanners"]

ROW_KEYS = (
    "tool",
    "severity",
    "ticket",
    "notify",
    "suppressed",
    "required",
    "max_age",
    "same_commit",
    "same_input",
    "minimum_rules",
)
SUPPRESSED = ("count", "note")
MAX_AGE = re.compile(r"([1-9]\d{0,5})([mhd])")
_SECONDS = {"m": 60, "h": 3_600, "d": 86_400}


def read_scanners(node: yaml.Node, source: Source) -> list[dict[str, Any]]:
    """The rows in normal form. Problems go to ``source``."""
    return [_row(item, source) for item in source.items(node, "`scanners`")]


def _row(node: yaml.Node, source: Source) -> dict[str, Any]:
    entries = source.mapping(node, "a row of `scanners`")
    for key, (key_node, _) in entries.items():
        if key not in ROW_KEYS:
            source.problem(key_node, f"unknown key `{key}`; there are {', '.join(ROW_KEYS)}")
    values = {key: value for key, (_, value) in entries.items()}
    row: dict[str, Any] = {
        "tool": source.text(values["tool"], "`tool`").lower() if "tool" in values else "",
        "line": node.start_mark.line + 1,
        "severity": _actions(values["severity"], source) if "severity" in values else {},
        "suppressed": None,
        "max_age": _age(values["max_age"], source) if "max_age" in values else None,
        "minimum_rules": _number(values["minimum_rules"], source) if "minimum_rules" in values else 0,
    }
    if "tool" not in values:
        source.problem(node, "a row of `scanners` needs `tool`: a scanner's name, or a pattern with *")
    for key in ("ticket", "notify"):
        row[key] = _severities(values[key], f"`{key}`", source) if key in values else None
    for key in ("required", "same_commit", "same_input"):
        row[key] = source.flag(values[key], f"`{key}`") if key in values else False
    if "suppressed" in values:
        row["suppressed"] = source.choice(values["suppressed"], "`suppressed`", list(SUPPRESSED))
    return row


def _actions(node: yaml.Node, source: Source) -> dict[str, str]:
    out = {}
    for key, (key_node, value) in source.mapping(node, "`severity`").items():
        if key in SEVERITIES:
            out[key] = source.choice(value, f"`severity.{key}`", list(ACTIONS))
        else:
            source.problem(key_node, f"unknown severity `{key}`; there are {', '.join(SEVERITIES)}")
    return out


def _severities(node: yaml.Node, what: str, source: Source) -> list[str]:
    words = source.texts(node, what)
    if not set(words) <= set(SEVERITIES):
        source.problem(node, f"{what} takes {', '.join(SEVERITIES)}")
    return words


def _age(node: yaml.Node, source: Source) -> int | None:
    match = MAX_AGE.fullmatch(node.value) if isinstance(node, yaml.ScalarNode) else None
    if match is None:
        source.problem(node, "`max_age` must be a time such as 90m, 24h or 7d")
        return None
    return int(match[1]) * _SECONDS[match[2]]


def _number(node: yaml.Node, source: Source) -> int:
    number = source.plain(node)
    if isinstance(number, int) and not isinstance(number, bool) and number >= 1:
        return number
    source.problem(node, "`minimum_rules` must be a number, 1 or more")
    return 1
