"""The table ``images`` of a policy set, as people write it (``docs/reference/policy-format.md``)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import yaml

    from iacgate.policy.yaml_nodes import Source

__all__ = ["CHOICES", "DEFAULT_RULES", "IMAGE_KEYS", "LIMIT", "MAX_AGE", "NO_LIMIT", "read_images"]

_DAY = 86_400
NO_LIMIT = "any"
LIMIT = re.compile(rf"(0|[1-9]\d{{0,4}})d|{NO_LIMIT}")
"""Whole days, or no limit."""
MAX_AGE = re.compile(r"([1-9]\d{0,5})([hd])")
_SECONDS = {"h": 3_600, "d": _DAY}
CHOICES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"match": ("digest", "tag"), "unscanned": ("unknown", "fail"), "undated": ("fail", "unknown")}
)
"""Key -> its words, the default first."""
DEFAULT_RULES: Mapping[str, Any] = MappingProxyType(
    {
        "max_age": None,
        "fix_within": {"critical": 15 * _DAY, "high": 30 * _DAY, "medium": None, "low": None, "unknown": 30 * _DAY},
        **{key: words[0] for key, words in CHOICES.items()},
    }
)
"""Days as in CISA's Binding Operational Directive 19-02."""
IMAGE_KEYS = tuple(DEFAULT_RULES)


def read_images(node: yaml.Node, source: Source) -> dict[str, Any]:
    """The table in normal form. Problems go to ``source``."""
    entries = source.mapping(node, "`images`")
    source.only(entries, IMAGE_KEYS)
    values = {key: value for key, (_, value) in entries.items()}
    rules: dict[str, Any] = {**DEFAULT_RULES, "fix_within": dict(DEFAULT_RULES["fix_within"])}
    if "max_age" in values:
        match = MAX_AGE.fullmatch(str(source.plain(values["max_age"])))
        if match is None:
            source.problem(values["max_age"], "`max_age` must be a time such as 24h or 7d")
        else:
            rules["max_age"] = int(match[1]) * _SECONDS[match[2]]
    if "fix_within" in values:
        limits = source.mapping(values["fix_within"], "`fix_within`")
        source.only(limits, tuple(rules["fix_within"]))
        for key, (_, value) in limits.items():
            match = LIMIT.fullmatch(str(source.plain(value)))
            if match is None:
                source.problem(value, f"`fix_within.{key}` must be whole days such as 0d or 30d, or {NO_LIMIT}")
            elif key in rules["fix_within"]:
                rules["fix_within"][key] = int(match[1]) * _DAY if match[1] else None
    for key, words in CHOICES.items():
        if key in values:
            rules[key] = source.choice(values[key], f"`{key}`", list(words))
    return rules
