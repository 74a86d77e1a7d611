"""IAM policy documents in one shape, whatever they came as (AWS "IAM JSON policy elements reference").

A document is a JSON string, or the blocks of an ``aws_iam_policy_document`` data source that the
plan will read, whose values may be unknown. Both become ``{"statement": [...]}`` with a mask of
unknowns beside it, as ``docs/reference/check-format.md`` says, so that one condition serves both.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

__all__ = ["Path", "PolicyDocumentError", "by_element", "from_data_source", "from_json", "listed"]

_LISTS = {
    "Action": "action",
    "NotAction": "not_action",
    "Resource": "resource",
    "NotResource": "not_resource",
}

# Keys that name the caller, or where it calls from. With fixed values they narrow a statement to callers that somebody
# chose: AWS "The meaning of public". Names that any account can use (aws:username, aws:PrincipalTag), the service that
# passes a call on (aws:CalledVia, kms:ViaService) and addresses inside of any VPC narrow nothing.
_NARROWING = frozenset(
    {
        "aws:principalaccount", "aws:principalarn", "aws:principalorgid", "aws:principalorgpaths",
        "aws:sourceaccount", "aws:sourcearn", "aws:sourceorgid", "aws:sourceorgpaths", "aws:sourceowner",
        "aws:sourcevpc", "aws:sourcevpce", "aws:sourceip", "aws:userid", "aws:principalservicename",
        "kms:calleraccount", "s3:dataaccesspointaccount", "s3:dataaccesspointarn",
        "sns:endpoint", "elasticfilesystem:accesspointarn", "elasticfilesystem:accessedviamounttarget",
        "cognito-identity.amazonaws.com:aud",
    }
)  # fmt: skip
_PATTERNS = frozenset({"stringlike", "arnlike", "arnequals"})
_EQUALITY = frozenset({"stringequals", "stringequalsignorecase"})
_NARROWING_TESTS = _PATTERNS | _EQUALITY | {"ipaddress", "bool"}


class PolicyDocumentError(ValueError):
    """The text is not a policy document."""


def from_json(text: str) -> dict[str, Any]:
    """Normalise a policy's JSON text. Raises ``PolicyDocumentError`` when it is not one."""
    try:
        document = json.loads(text, object_pairs_hook=_object)
    except PolicyDocumentError:
        raise
    except (ValueError, RecursionError):
        raise PolicyDocumentError("the policy is not valid JSON") from None
    if not isinstance(document, dict):
        raise PolicyDocumentError("the policy is not a JSON object")
    statements = by_element(document).get("statement", [])
    if isinstance(statements, dict):
        statements = [statements]
    if not isinstance(statements, list) or not all(isinstance(statement, dict) for statement in statements):
        raise PolicyDocumentError("the policy's Statement is not a list of objects")
    return {"statement": [_statement(statement) for statement in statements]}


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out = dict(pairs)
    if len(out) != len(pairs):
        raise PolicyDocumentError("the policy says a key twice")
    return out


def by_element(raw: dict[str, Any]) -> dict[str, Any]:
    """By element name in lower case, so that none escapes by its spelling."""
    return _object([(key.lower(), value) for key, value in raw.items()])


def _statement(raw: dict[str, Any]) -> dict[str, Any]:
    raw = by_element(raw)
    out: dict[str, Any] = {"sid": raw.get("sid"), "effect": raw.get("effect")}
    for key, name in _LISTS.items():
        out[name] = _strings(raw.get(key.lower()))
    out["principal"] = _principals(raw.get("principal"))
    out["not_principal"] = _principals(raw.get("notprincipal"))
    out["condition"] = _conditions(raw.get("condition") or {})
    out["anyone"] = _anyone(out)
    return out


def _strings(value: Any) -> list[str]:
    if value is None:
        return []
    return [str(item) for item in value] if isinstance(value, list) else [str(value)]


def _principals(value: Any) -> list[str]:
    if value is None:
        return []
    if not isinstance(value, dict):
        return _strings(value)
    return ["*" if item == "*" else f"{kind}:{item}" for kind, items in value.items() for item in _strings(items)]


def _conditions(value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, dict) or not all(isinstance(keys, dict) for keys in value.values()):
        raise PolicyDocumentError("a policy statement's Condition is not an object of objects")
    return [
        {"test": test, "variable": str(key).lower(), "values": [_text(item) for item in _list(values)]}
        for test, keys in value.items()
        for key, values in keys.items()
    ]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _anyone(statement: dict[str, Any]) -> bool:
    """Allow to everybody: Principal "*" or NotPrincipal, and no condition that narrows it to chosen callers."""
    if str(statement["effect"]).lower() != "allow":
        return False
    open_principal = "*" in statement["principal"] or bool(statement["not_principal"])
    return open_principal and not any(_narrows(condition) for condition in statement["condition"])


def _narrows(condition: dict[str, Any]) -> bool:
    # Without the key ForAllValues and …IfExists are true, so they narrow nothing.
    test = str(condition["test"]).lower().removeprefix("foranyvalue:")
    variable, values = condition["variable"], condition["values"]
    if test not in _NARROWING_TESTS or variable not in _NARROWING:
        return False
    if test in _EQUALITY and variable != "aws:sourceip":
        known = [value for value in values or () if value is not None]
        # An unknown value is some value; no value at all is met by nobody, or a mistake.
        return values != [] and not any("${" in value or "&{" in value for value in known)
    if not values or any(value is None or "${" in value or "&{" in value for value in values):
        return False  # a policy variable is what the caller makes of it
    if variable == "aws:sourceip":
        return not any(_whole_internet(value) for value in values)
    if test in _PATTERNS:
        return all(_is_fixed(variable, value) for value in values)
    if test == "bool":
        return all(value.lower() == "true" for value in values)
    return True


def _is_fixed(variable: str, pattern: str) -> bool:
    """No wildcard in what names the caller; behind that there may be one: ``o-abc/*``, ``arn:aws:iam::1111:role/*``."""
    if "*" not in pattern and "?" not in pattern:
        return True
    if variable.endswith("arn"):
        parts = pattern.split(":", 5)
        if len(parts) < 6:
            return False
        owner = parts[4] or parts[5].partition("/")[0]  # an ARN of S3 names no account, but a bucket
    elif variable.endswith("orgpaths"):
        owner = pattern.partition("/")[0]
    elif variable == "aws:userid":
        owner = pattern.partition(":")[0]
    elif variable == "sns:endpoint":
        owner = pattern.partition("@")[2]
    else:
        return False
    return bool(owner) and "*" not in owner and "?" not in owner


def _whole_internet(text: str) -> bool:
    """Broader than /8 (IPv4) or /32 (IPv6) counts as public, says AWS; so does what is no address."""
    from iacgate.policy.networks import is_open_to_world, parse_range

    try:
        block = parse_range(text)
        return is_open_to_world(text) or (block.version == 6 and block.high - block.low >= 1 << (128 - 32)
                                          and not block.within(parse_range("fc00::/7")))  # fmt: skip
    except ValueError:
        return True


Path = tuple[str | int, ...]


def from_data_source(
    values: dict[str, Any], mask: Any, names_somebody: Callable[[Path], bool] = lambda _: False
) -> tuple[dict[str, Any], Any] | None:
    """Normalise a planned ``aws_iam_policy_document``: the document and its mask of unknowns.

    ``names_somebody`` tells of an unknown at a path that it is some resource's identity, so never ``*``.

    ``None`` when other documents are merged into it that are not known: then anything may be in it.
    """
    mask = mask if isinstance(mask, dict) else {}
    statements: list[dict[str, Any]] = []
    masks: list[Any] = []
    for key in ("source_policy_documents", "override_policy_documents"):
        if _any_true(mask.get(key)):
            return None
        for text in listed(values.get(key)):
            if not isinstance(text, str):
                return None
            merged = from_json(text)["statement"] if text.strip() else []
            statements += merged
            masks += [{}] * len(merged)
    if mask.get("statement") is True:
        return None
    merged_count = len(statements)
    for position, block in enumerate(_objects(values.get("statement"))):
        block_mask = _mask_of(mask.get("statement"), position)
        statement, statement_mask = _block(block, block_mask, names_somebody, ("statement", position))
        statements.append(statement)
        masks.append(statement_mask)
    if merged_count:
        sids = [one["sid"] for one in statements if one["sid"]]
        if len(set(sids)) < len(sids) or any("sid" in unknown for unknown in masks):
            return None  # a statement with an equal sid is replaced: too clever to be judged here
    return {"statement": statements}, {"statement": masks}


def listed(value: Any) -> list[Any]:
    """A list of the document; none where it is left out. Raises ``PolicyDocumentError`` when it is something else."""
    if value is not None and not isinstance(value, list):
        raise PolicyDocumentError("a part of the policy document is no list")
    return value or []


def _objects(value: Any) -> list[dict[str, Any]]:
    items = listed(value)
    if not all(isinstance(item, dict) for item in items):
        raise PolicyDocumentError("a block of the policy document is no object")
    return items


def _texts_of(value: Any) -> list[str | None]:
    return [None if item is None else _text(item) for item in listed(value)]


def _mask_of(mask: Any, position: int) -> dict[str, Any]:
    here = mask[position] if isinstance(mask, list) and position < len(mask) else {}
    return here if isinstance(here, dict) else {}


def _any_true(mask: Any) -> bool:
    return any(_any_true(item) for item in mask) if isinstance(mask, list) else bool(mask)


def _block(
    block: dict[str, Any], mask: dict[str, Any], names_somebody: Callable[[Path], bool], at: Path
) -> tuple[dict[str, Any], dict[str, Any]]:
    out: dict[str, Any] = {"sid": block.get("sid"), "effect": block.get("effect") or "Allow"}
    unknown: dict[str, Any] = {key: True for key in ("sid", "effect") if mask.get(key) is True}
    if "effect" in unknown:
        out["effect"] = None
    for source, name in (
        ("actions", "action"),
        ("not_actions", "not_action"),
        ("resources", "resource"),
        ("not_resources", "not_resource"),
    ):
        items = block.get(source)
        out[name] = None if mask.get(source) is True else listed(items)
        if mask.get(source):
            unknown[name] = mask[source]
    for source, name in (("principals", "principal"), ("not_principals", "not_principal")):
        out[name], unknown_principals = _block_principals(
            _objects(block.get(source)), mask.get(source), names_somebody, (*at, source)
        )
        if unknown_principals:
            unknown[name] = unknown_principals
    out["condition"], unknown_conditions = _block_conditions(_objects(block.get("condition")), mask.get("condition"))
    if unknown_conditions:
        unknown["condition"] = unknown_conditions
    out["anyone"] = _anyone_of_block(out, unknown)
    if out["anyone"] is None:
        unknown["anyone"] = True
    return out, unknown


def _principal(kind: Any, item: Any) -> str | None:
    if item is None:
        return None
    return "*" if item == "*" else f"{kind}:{item}"


def _block_principals(
    blocks: list[Any], mask: Any, names_somebody: Callable[[Path], bool], at: Path
) -> tuple[list[str | None] | None, Any]:
    if mask is True:
        return None, True
    out: list[str | None] = []
    for position, block in enumerate(blocks):
        here = _mask_of(mask, position)
        kind = block.get("type")
        unknown = here.get("identifiers")
        somebody = bool(unknown) and kind is not None and names_somebody((*at, position, "identifiers"))
        if unknown is True or here.get("type") is True or block.get("identifiers") is None:
            out.append(f"{kind}:(known after apply)" if somebody else None)
            continue
        later = f"{kind}:(known after apply)"
        identifiers = listed(block["identifiers"])
        out += [later if item is None and somebody else _principal(kind, item) for item in identifiers]
    return out, [item is None for item in out] if None in out else None


def _block_conditions(blocks: list[Any], mask: Any) -> tuple[list[dict[str, Any]] | None, Any]:
    if mask is True:
        return None, True
    out, masks = [], []
    for position, block in enumerate(blocks):
        here = _mask_of(mask, position)
        variable = block.get("variable")
        out.append(
            {
                "test": block.get("test"),
                "variable": None if variable is None else str(variable).lower(),
                "values": None if here.get("values") is True else _texts_of(block.get("values")),
            }
        )
        masks.append({key: here[key] for key in ("test", "variable", "values") if here.get(key)})
    return out, masks if any(masks) else None


def _anyone_of_block(statement: dict[str, Any], unknown: dict[str, Any]) -> bool | None:
    """As ``_anyone``; ``None`` when it depends on what is unknown. An unknown account or key does name somebody."""
    if "effect" in unknown:
        return None
    if str(statement["effect"]).lower() != "allow":
        return False
    principals = statement["principal"]
    sure = bool(statement["not_principal"]) or (principals is not None and "*" in principals)
    # An identifier that only apply settles is some identity's ARN in practice, but "*" cannot be ruled out.
    may_be = principals is None or None in principals or statement["not_principal"] is None
    if not sure and not may_be:
        return False
    conditions = statement["condition"]
    if conditions is None:
        return None
    if any(
        _narrows(condition)
        for condition in conditions
        if condition["test"] and condition["variable"] and condition["values"] != []
    ):
        return False
    if not sure or any(
        not c["test"] or not c["variable"] or not c["values"] or None in c["values"] for c in conditions
    ):
        return None
    return True
