"""The parts of a configuration that checks may be about, besides resources, and the attributes of each.

The names are ours; what they are read from is Terraform's "JSON Output Format", "Configuration
Representation" (``configuration_subjects`` reads it). Checks are held against these tables as they
are held against the provider's schema.
"""

from iacgate.policy.provider_schema import AttributeSchema

__all__ = ["SHAPES"]

_TEXT, _OPTIONAL = AttributeSchema("string", "R"), AttributeSchema("string", "O")

SHAPES: dict[str, dict[str, AttributeSchema]] = {
    "module": {
        "name": _TEXT,
        "source": _TEXT,
        "version": _OPTIONAL,
        "kind": _TEXT,
        "location": _TEXT,
        "ref": _OPTIONAL,
        "pin": _TEXT,
    },
    "provider": {
        "source": _TEXT,
        "constraints": AttributeSchema("list(string)", "O"),
        "lock": _TEXT,
        "locked_version": _OPTIONAL,
        "hashes": AttributeSchema("list(string)", "O"),
    },
    "variable": {
        "name": _TEXT,
        "sensitive": AttributeSchema("bool", "R"),
    },
    "block": {
        "mode": _TEXT,
        "type": _TEXT,
        "name": _TEXT,
        "provisioners": AttributeSchema("block", "O", "list"),
        "provisioners[].type": _TEXT,
    },
}
