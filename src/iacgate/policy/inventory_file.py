"""The table ``inventory`` of a policy set, as people write it (``docs/reference/policy-format.md``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from iacgate.policy.image_file import MAX_AGE

if TYPE_CHECKING:
    import yaml

    from iacgate.policy.yaml_nodes import Source

__all__ = ["INVENTORY_KEYS", "read_inventory_rule"]

INVENTORY_KEYS = ("max_age", "required")
_SECONDS = {"h": 3_600, "d": 86_400}


def read_inventory_rule(node: yaml.Node, source: Source) -> dict[str, Any]:
    """The table in normal form, the age in seconds. Problems go to ``source``."""
    entries = source.mapping(node, "`inventory`")
    source.only(entries, INVENTORY_KEYS)
    values = {key: value for key, (_, value) in entries.items()}
    rule: dict[str, Any] = {"max_age": None, "required": False}
    if "max_age" in values:
        match = MAX_AGE.fullmatch(str(source.plain(values["max_age"])))
        if match is None:
            source.problem(values["max_age"], "`max_age` must be a time such as 24h or 7d")
        else:
            rule["max_age"] = int(match[1]) * _SECONDS[match[2]]
    if "required" in values:
        rule["required"] = source.flag(values["required"], "`required`")
    return rule
