"""IAM policy documents that will be encoded to JSON, as far as their parts are known before an apply."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from iacgate.policy.iam import Path, PolicyDocumentError, by_element, from_data_source, listed

__all__ = ["from_partly_known"]


def from_partly_known(
    document: Any, mask: Any, names_somebody: Callable[[Path], bool]
) -> tuple[dict[str, Any], Any, dict[Path, Path]] | None:
    """Normalise a document that will be encoded to JSON (``jsonencode``), parts of which are not known yet.

    Gives the document, its mask, and where its lists stand in the document as it is written, which is how
    ``names_somebody`` is asked too. ``None``: it could be anything. Raises ``PolicyDocumentError``.
    """
    if not isinstance(document, dict) or mask is True:
        return None
    keys = {key.lower(): key for key in document}
    written = keys.get("statement", "Statement")
    statements, masks = document.get(written), _below(mask, written)
    top: Path = (written,)
    if masks is True:
        return None
    if isinstance(statements, dict):
        statements, masks, top = [statements], [masks], ()
    blocks: list[dict[str, Any]] = []
    block_masks: list[dict[str, Any]] = []
    places: dict[Path, Path] = {}
    for position, statement in enumerate(listed(statements)):
        at: Path = (*top, position) if top else (written,)
        inner = _below(masks, position)
        if inner is True or not isinstance(statement, dict):
            return None
        block, block_mask = _as_block(statement, inner, position, at, places)
        blocks.append(block)
        block_masks.append(block_mask)
    made = from_data_source(
        {"statement": blocks}, {"statement": block_masks}, lambda path: names_somebody(places.get(path, ()))
    )
    return (*made, places) if made else None


def _as_block(
    statement: dict[str, Any], mask: Any, position: int, at: Path, places: dict[Path, Path]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """A statement of a JSON document in the shape of the data source's block, with its mask."""
    named = by_element(statement)
    spelt = {key.lower(): key for key in statement}
    block: dict[str, Any] = {"sid": named.get("sid"), "effect": named.get("effect")}
    out: dict[str, Any] = {key: True for key in ("sid", "effect") if _below(mask, spelt.get(key, key)) is True}
    for key, source in (
        ("action", "actions"),
        ("notaction", "not_actions"),
        ("resource", "resources"),
        ("notresource", "not_resources"),
    ):
        if key in named:
            block[source], list_mask = _as_list(named[key], _below(mask, spelt[key]))
            places["statement", position, source.removesuffix("s")] = (*at, spelt[key])
            if list_mask:
                out[source] = list_mask
    for key, source in (("principal", "principals"), ("notprincipal", "not_principals")):
        if key not in named:
            continue
        value, unknown = named[key], _below(mask, spelt[key])
        if unknown is True:
            out[source] = True
            continue
        entries = value.items() if isinstance(value, dict) else [("*", value)]
        block[source], masks = [], []
        for index, (kind, identifiers) in enumerate(entries):
            items, list_mask = _as_list(identifiers, _below(unknown, kind) if isinstance(value, dict) else None)
            block[source].append({"type": kind, "identifiers": items})
            masks.append({"identifiers": list_mask} if list_mask else {})
            places["statement", position, source, index, "identifiers"] = (*at, spelt[key], kind)
        if any(masks):
            out[source] = masks
    if "condition" in named:
        block["condition"], out["condition"] = _as_conditions(named["condition"], _below(mask, spelt["condition"]))
    return block, out


def _as_conditions(value: Any, mask: Any) -> tuple[list[dict[str, Any]], Any]:
    if mask is True:
        return [], True
    if not isinstance(value, dict):
        raise PolicyDocumentError("a policy statement's Condition is not an object of objects")
    out: list[dict[str, Any]] = []
    masks: list[dict[str, Any]] = []
    for test, variables in value.items():
        inner = _below(mask, test)
        if inner is True or not isinstance(variables, dict):
            return [], True
        for variable, values in variables.items():
            items, list_mask = _as_list(values, _below(inner, variable))
            out.append({"test": test, "variable": variable, "values": items})
            masks.append({"values": list_mask} if list_mask else {})
    return out, masks


def _as_list(value: Any, mask: Any) -> tuple[list[Any] | None, Any]:
    """One value is a list of one."""
    if mask is True:
        return None, True
    if isinstance(value, list):
        return value, mask or None
    return [value], [mask] if mask else None


def _below(mask: Any, step: str | int) -> Any:
    if isinstance(mask, dict):
        return mask.get(str(step))
    if isinstance(mask, list) and isinstance(step, int) and step < len(mask):
        return mask[step]
    return mask if mask is True else None
