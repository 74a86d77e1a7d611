"""Functions that change a value's type, or what Terraform marks about it."""

from __future__ import annotations

from iacgate.sources.hcl.conversion import to_bool, to_list, to_map, to_number, to_set, to_text
from iacgate.sources.hcl.functions.signature import Function, function, never_known, whatever

__all__ = ["table"]


def table() -> dict[str, Function]:
    """The functions of this subject."""
    return {
        # Marks are the evaluator's; here the value passes through.
        "ephemeralasnull": function(whatever, whatever, accepts_unknown=True),
        "issensitive": never_known("whether a value is marked as sensitive is not followed"),
        "nonsensitive": function(whatever, whatever, accepts_unknown=True),
        "sensitive": function(whatever, whatever, accepts_unknown=True),
        "tobool": function(to_bool, whatever),
        "tolist": function(to_list, whatever, accepts_unknown=True),
        "tomap": function(to_map, whatever, accepts_unknown=True),
        "tonumber": function(to_number, whatever),
        "toset": function(to_set, whatever, accepts_unknown=True),
        "tostring": function(to_text, whatever),
    }
