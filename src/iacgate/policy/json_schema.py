"""JSON Schemas (2020-12) of the check format and of the policy format, for editors.

They are built from the tables that the readers themselves use, so that a new comparison, form or
key cannot be forgotten here. ``scripts/make_docs.py`` writes them to ``docs/reference/``. They say
less than the readers do: which attributes a resource type has, which of them need ``absent``, and
which checks there are, only ``iacgate policy lint`` and ``iacgate check`` know.

Editors that stop at draft-07 read them as well: no keyword newer than that decides anything, and
nothing stands beside a ``$ref``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from iacgate.model.finding import Enforcement, Family, Severity, Tier
from iacgate.policy import (
    check_file,
    condition_syntax,
    fix_syntax,
    image_file,
    inventory_file,
    policy_file,
    scanner_file,
)
from iacgate.policy.comparisons import COMPARISONS
from iacgate.policy.configuration_shapes import SHAPES
from iacgate.policy.scanner_rules import ACTIONS, DEFAULT_ACTIONS, SEVERITIES

__all__ = ["check_schema", "policy_schema"]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_Schema = dict[str, Any]
_TRUTH: _Schema = {"enum": list(condition_syntax.TRUTHS)}
_TEXT: _Schema = {"type": "string", "pattern": r"\S"}
_TEXTS: _Schema = {"anyOf": [_TEXT, {"type": "array", "items": _TEXT, "minItems": 1}]}
_NUMBER_OR_TEXT: _Schema = {"type": ["string", "number"]}
_DATE: _Schema = {"type": "string", "pattern": f"^{policy_file._DATE.pattern}$"}
_CONDITION: _Schema = {"$ref": "#/$defs/condition"}

_OPERANDS: Mapping[str, _Schema] = {
    "any": {"type": ["string", "number", "boolean"]},
    "list": {"type": "array", "minItems": 1},
    "number": {"type": "number"},
    "string": _TEXT,
    "strings": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]},
    "bool": {"type": "boolean"},
    "regex": {"type": "string"},
    "patterns": _TEXTS,
    "cidrs": {"type": "array", "items": _TEXT, "minItems": 1},
    "ports": {"type": "array", "minItems": 1, "items": {"type": "integer", "minimum": 0, "maximum": 65535}},
    "version": _NUMBER_OR_TEXT,
    "time": _TEXT,
}
"""By ``Comparison.operand``."""

_PARAMETER: _Schema = {
    "type": "object",
    "properties": {"parameter": _TEXT},
    "required": ["parameter"],
    "additionalProperties": False,
}
"""Instead of an operand: the policy bundle gives it."""

_CHECK_TEXTS = {
    "id": "The check's name for ever: a slug, equal to the file's name without .yaml.",
    "title": "What holds when all is well.",
    "family": "What the check is about.",
    "severity": "What an attacker gets.",
    "tier": "strict: off unless a policy set selects it. Default: baseline.",
    "subject": "What it is about. account: asked only of an account that the policy set owns. Default: resource.",
    "parameters": "What the policy bundle gives. Without a value and a default the check is not asked.",
    "resource": "The resource types that share the condition.",
    "when": "The check applies only where this holds.",
    "condition": "What must hold. The check fails where it does not.",
    "cases": "One control over several resource types or forms, instead of resource and condition.",
    "fix": "What to write into a failing block where the remedy is obvious. Inside of cases where there are some.",
    "message": "One line for people. {address}, {type} and {name} are filled in.",
    "rationale": "Why it matters.",
    "remediation": "What to change, and to what.",
    "aliases": "Ids of the same rule in other tools.",
    "controls": "Benchmark, with its version -> ids of controls.",
    "deprecated": "Why the check is on its way out and what replaces it. It still runs.",
    "examples": "Small HCL texts and what the check must say of them.",
}
_FIX_TEXTS = {
    "set": "Attributes and the values to give them: metadata_options.http_tokens: required.",
    "add": "Lists, and the element to put into each.",
    "note": "What to know before applying it: that the resource is replaced, for instance.",
}
_SET_TEXTS = {
    "name": "The set's name; reports give it beside the rule that gave a level.",
    "scope": "Which workspaces the set is for. Left out: all.",
    "owns_account": "Checks on the account as a whole are asked. Default: false.",
    "enforce_on": "changed: old failures on unchanged resources are notes. all: they count. Default: changed.",
    "uncovered": "What a plan gives on whose resources no check looks. Default: allow.",
    "unknown": "What an unknown does, by level.",
    "on_incomplete": "What a plan gives that is not whole.",
    "rules": "Which checks at which level. Later rules override earlier ones.",
    "scanners": "What other scanners' findings do, and which scans there must be. Later rows override earlier ones.",
    "images": "How long a vulnerability may stay in a container image, and which scans of images count.",
    "inventory": "How old an inventory may be, and whether there must be one.",
}
_INVENTORY_TEXTS = {
    "max_age": "An inventory that was collected earlier answers nothing: 24h, 7d. Left out: any age.",
    "required": "A decision without an inventory, or with one that is too old, is an error. Default: false.",
}
_SCANNER_TEXTS = {
    "tool": "Which scanners: a name, or a pattern with *.",
    "severity": "What a finding of a severity does.",
    "ticket": "Severities of which the policy asks for a ticket.",
    "notify": "Severities of which the policy asks for a notification.",
    "suppressed": "What the scanner suppresses: count, as if it did not; note, shown only. Default: count.",
    "required": "There must be such a scan. Default: false.",
    "max_age": "A scan may not be older: 90m, 24h, 7d.",
    "same_commit": "A scan must be of the commit that is judged. Default: false.",
    "same_input": "A scan must have looked at the very bytes that are judged. Default: false.",
    "minimum_rules": "A scan must have had so many rules.",
}
_IMAGE_TEXTS = {
    "max_age": "The scan of an image may not be older: 24h, 7d.",
    "fix_within": "Severity -> days for which a vulnerability may be known: 0d, 15d, or any.",
    "match": "digest: a scan is of the image with its digest. tag: of an image without one also by its tag.",
    "unscanned": "What the check says of an image of which there is no scan. Default: unknown.",
    "undated": "What it says of a vulnerability of which nobody says since when it is known. Default: fail.",
}
_SELECT_TEXTS = {
    "id": "Check ids; * stands for anything.",
    "family": "Families.",
    "severity": "Severities.",
    "tier": "Tiers.",
    "control": "Benchmarks to which the check is mapped, with their versions.",
}
_EXCEPTION_TEXTS = {
    "id": "The exception's name.",
    "check": "The check that it releases; of another scanner's rule tool:rule.",
    "address": "The one resource that it releases, exactly as the plan writes it.",
    "workspace": "Only in workspaces of this name; * stands for anything.",
    "reason": "Why.",
    "owner": "Who answers for it.",
    "review_by": "The last day on which it holds.",
    "requires": "Compensating checks that must pass. An empty list says that there are none.",
}


_OTHER_OPERANDS: dict[str, _Schema] = {"pattern_for": _TEXT, "covers": _TEXTS}


def check_schema() -> _Schema:
    """The schema of one check (``docs/reference/check-format.md``)."""
    shapes: dict[str, _Schema] = {
        "id": {"type": "string", "pattern": f"^{check_file._SLUG.pattern}$"},
        "family": {"enum": [*Family]},
        "severity": {"enum": [*Severity]},
        "tier": {"enum": [*Tier], "default": str(Tier.BASELINE)},
        "subject": {
            "anyOf": [
                {"enum": [*check_file.SUBJECTS]},
                {"type": "array", "minItems": 1, "items": {"enum": [*SHAPES]}},
            ],
            "default": "resource",
        },
        "parameters": {
            "type": "object",
            "propertyNames": {"pattern": f"^{check_file._PARAMETER.pattern}$"},
            "additionalProperties": _parameter(),
        },
        "resource": _resource(),
        "when": _CONDITION,
        "condition": _CONDITION,
        "cases": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/case"}},
        "fix": _fix(),
        "message": _message(),
        "aliases": {"anyOf": [_TEXT, {"type": "array", "items": _TEXT}]},
        "controls": {"type": "object", "additionalProperties": {"type": "array", "items": _NUMBER_OR_TEXT}},
        "examples": _object(dict.fromkeys(("pass", "fail", "unknown"), _TEXTS), ("pass", "fail")),
    }
    properties = {key: _described(shapes.get(key, _TEXT), _CHECK_TEXTS[key]) for key in check_file.CHECK_KEYS}
    case = {key: properties[key] for key in ("resource", "when", "condition", "fix", "message")}
    return {
        "$schema": DIALECT,
        "title": "iacgate check",
        **_object(properties, check_file._REQUIRED),
        "oneOf": [
            {"required": ["condition"], "not": {"required": ["cases"]}},
            {"required": ["cases"], "not": {"anyOf": _required_each("condition", "resource", "when", "fix")}},
        ],
        "allOf": [
            {
                "if": {
                    "required": ["subject"],
                    "properties": {"subject": {"not": {"enum": ["resource", "account"]}}},
                },
                "then": {"not": {"required": ["resource"]}},
            }
        ],
        "if": {"required": ["subject"], "properties": {"subject": {"not": {"const": "resource"}}}},
        "else": {
            "properties": {"cases": {"items": {"required": ["resource"]}}},
            "anyOf": _required_each("resource", "cases"),
        },
        "$defs": {"case": _object(case, ("condition",)), **_conditions()},
    }


def policy_schema() -> _Schema:
    """The schema of a policy bundle (``docs/reference/policy-format.md``)."""
    bundle = {
        "schema": {"const": policy_file.SCHEMA, "description": "The format and its version."},
        "name": _described(_TEXT, "The bundle's name; reports give it."),
        "version": _described(_NUMBER_OR_TEXT, "The bundle's version; reports give it."),
        "checks": _described(_TEXTS, "Directories of your own checks, relative to this file."),
        "parameters": {
            "type": "object",
            "propertyNames": {"pattern": f"^{check_file._PARAMETER.pattern}$"},
            "additionalProperties": {
                "anyOf": [
                    {"type": ["string", "number", "boolean"]},
                    {"type": "array", "minItems": 1, "items": {"type": ["string", "number", "boolean"]}},
                ]
            },
            "description": "Values of the parameters that checks leave open; `iacgate checks show ID` names them.",
        },
        "policy_sets": {
            "type": "array",
            "minItems": 1,
            "items": {"$ref": "#/$defs/policy_set"},
            "description": "Which checks apply where, at which level. All that apply are combined; the stricter wins.",
        },
        "exceptions": {
            "type": "array",
            "items": {"$ref": "#/$defs/exception"},
            "description": "Permanent, owned releases of one check on one resource.",
        },
    }
    return {
        "$schema": DIALECT,
        "title": "iacgate policy bundle",
        **_object(bundle, ("schema", "name", "version", "policy_sets")),
        "$defs": {
            "policy_set": _policy_set(),
            "rule": _rule(),
            "scanner": _scanner(),
            "exception": _exception(),
        },
    }


def _policy_set() -> _Schema:
    shapes: dict[str, _Schema] = {
        "name": _TEXT,
        "scope": _object({"workspaces": _described(_TEXTS, "Workspace names; * stands for anything.")}),
        "owns_account": {"type": "boolean"},
        "enforce_on": {"enum": ["changed", "all"]},
        "uncovered": {"enum": ["allow", "review", "error"]},
        "unknown": _choices(policy_file._UNKNOWN, ["deny", "review", "obligation", "note"]),
        "on_incomplete": _choices(policy_file._INCOMPLETE, ["review", "error"]),
        "rules": {
            "type": "array",
            "items": {"$ref": "#/$defs/rule"},
            "contains": {"properties": {"level": {"enum": [*Enforcement]}}},
        },
        "scanners": {"type": "array", "items": {"$ref": "#/$defs/scanner"}},
        "images": _images(),
        "inventory": _inventory(),
    }
    properties = {key: _described(shapes[key], _SET_TEXTS[key]) for key in policy_file._SET_KEYS}
    return _object(properties, ("name", "rules"))


def _rule() -> _Schema:
    select = {"id": _TEXTS, "control": _TEXTS}
    for key, words in policy_file._SELECT.items():
        word: _Schema = {"enum": [*words]}
        select[key] = {"anyOf": [word, {"type": "array", "items": word, "minItems": 1}]}
    described = {key: _described(select[key], text) for key, text in _SELECT_TEXTS.items()}
    shapes: dict[str, _Schema] = {
        "checks": _described(
            _object(described), "A check must meet all of these; of a list, any one. {}: every check."
        ),
        "level": {"enum": [*policy_file._LEVELS], "description": "How binding the checks are."},
        "enforce_from": _described(_DATE, "Before this day (UTC) findings are counted and block nothing."),
    }
    return _object({key: shapes[key] for key in policy_file._RULE_KEYS}, ("checks", "level"))


def _scanner() -> _Schema:
    severities = _words(SEVERITIES)
    severities["anyOf"][1].pop("minItems")  # an empty list takes back what an earlier row asks for
    flag: _Schema = {"type": "boolean", "default": False}
    shapes: dict[str, _Schema] = {
        "tool": _TEXT,
        "severity": _choices(DEFAULT_ACTIONS, [*ACTIONS]),
        "ticket": severities,
        "notify": severities,
        "suppressed": {"enum": [*scanner_file.SUPPRESSED], "default": "count"},
        "max_age": {"type": "string", "pattern": f"^{scanner_file.MAX_AGE.pattern}$"},
        "minimum_rules": {"type": "integer", "minimum": 1},
    }
    properties = {key: _described(shapes.get(key, flag), _SCANNER_TEXTS[key]) for key in scanner_file.ROW_KEYS}
    return _object(properties, ("tool",))


def _images() -> _Schema:
    limit: _Schema = {"type": "string", "pattern": f"^({image_file.LIMIT.pattern})$"}
    shapes: dict[str, _Schema] = {
        "max_age": {"type": "string", "pattern": f"^{image_file.MAX_AGE.pattern}$"},
        "fix_within": _object(dict.fromkeys(image_file.DEFAULT_RULES["fix_within"], limit)),
        **{key: {"enum": [*words], "default": words[0]} for key, words in image_file.CHOICES.items()},
    }
    return _object({key: _described(shapes[key], _IMAGE_TEXTS[key]) for key in image_file.IMAGE_KEYS})


def _inventory() -> _Schema:
    shapes: dict[str, _Schema] = {
        "max_age": {"type": "string", "pattern": f"^{image_file.MAX_AGE.pattern}$"},
        "required": {"type": "boolean", "default": False},
    }
    return _object({key: _described(shapes[key], _INVENTORY_TEXTS[key]) for key in inventory_file.INVENTORY_KEYS})


def _exception() -> _Schema:
    compensating = _object(
        {
            "check": _described(_TEXT, "A check's id."),
            "address": _described(_TEXT, "The resource that must pass it. Default: the exception's own."),
        },
        ("check",),
    )
    shapes: dict[str, _Schema] = {"review_by": _DATE, "requires": {"type": "array", "items": compensating}}
    properties = {key: _described(shapes.get(key, _TEXT), _EXCEPTION_TEXTS[key]) for key in policy_file._EXCEPTION_KEYS}
    return _object(properties, (key for key in policy_file._EXCEPTION_KEYS if key != "workspace"))


def _conditions() -> dict[str, _Schema]:
    """The definition of ``condition`` and one for each of its forms."""
    several: _Schema = {"type": "array", "minItems": 1, "items": _CONDITION}
    quantifier = {"satisfies": _CONDITION, "absent": _TRUTH}
    forms: dict[str, _Schema] = {
        **{form: _object({form: _CONDITION if form == "not" else several}, (form,)) for form in condition_syntax.LOGIC},
        "attribute": _attribute(),
        **{form: _object({form: _TEXT, **quantifier}, (form, "satisfies")) for form in ("every", "some")},
        "ports": _object({"ports": _ports()}, ("ports",)),
        "related": _object({"related": _related()}, ("related",)),
        "exists": _object({"exists": _object({"type": _TEXTS, "satisfies": _CONDITION}, ("type",))}, ("exists",)),
        "policy_document": _object({"policy_document": _TEXT, **quantifier}, ("policy_document", "satisfies")),
        "images": {
            **_object({"images": {"enum": [*condition_syntax.IMAGE_FORMS]}, "satisfies": _CONDITION}, ("images",)),
            "if": {"properties": {"images": {"const": "every"}}},
            "then": {"required": ["satisfies"]},
            "else": {"not": {"required": ["satisfies"]}},
        },
        "not_exposed": _object({"not_exposed": _not_exposed()}, ("not_exposed",)),
        "action": _object({"action": _words(condition_syntax._ACTIONS)}, ("action",)),
    }
    assert set(forms) == set(condition_syntax.CONDITION_FORMS)
    return {"condition": {"oneOf": [{"$ref": f"#/$defs/{form}"} for form in forms]}, **forms}


def _attribute() -> _Schema:
    """One attribute, exactly one comparison, and what else may stand beside that comparison."""
    operands = {
        name: {"anyOf": [_OPERANDS[one.operand], _PARAMETER], "description": one.words.format("…")}
        for name, one in COMPARISONS.items()
    }
    others = {name: _OTHER_OPERANDS.get(name, {"type": "boolean"}) for name in condition_syntax._OTHERS}
    properties = {"attribute": _TEXT, **operands, **others, "absent": _absent(), "ignore_case": {"type": "boolean"}}
    folding = [name for name, one in COMPARISONS.items() if one.folds]
    return {
        **_object(properties, ("attribute",)),
        "oneOf": _required_each(*operands, *others),
        "allOf": [
            {"if": {"required": ["ignore_case"]}, "then": {"anyOf": _required_each(*folding)}},
            {
                "if": {"anyOf": _required_each("is_set", "is_empty", "covers", "holds_secret")},
                "then": {"not": {"required": ["absent"]}},
            },
        ],
    }


def _resource() -> _Schema:
    """Types by name, or by the attributes that they have."""
    return {"anyOf": [_TEXTS, _object({"having": _TEXTS, "like": _TEXT}, ("having",))]}


def _absent() -> _Schema:
    """A verdict, or verdicts with the provider's versions that each holds for."""
    versions: _Schema = {"type": "string", "description": "A version constraint, such as < 6.0.0."}
    by_version = {**_object(dict.fromkeys(condition_syntax.TRUTHS, versions), ()), "minProperties": 1}
    return {"anyOf": [_TRUTH, by_version]}


def _ports() -> _Schema:
    properties = {
        **dict.fromkeys(("from", "to", "protocol"), _TEXT),
        "include": _OPERANDS["ports"],
        "protocols": _words(["tcp", "udp"]),
    }
    return _object(properties, ("from", "to", "protocol", "include"))


def _not_exposed() -> _Schema:
    ports: _Schema = {"type": "array", "minItems": 1, "items": {"type": "integer", "minimum": 0, "maximum": 65535}}
    return _object({"to": {"enum": [*condition_syntax.EXPOSED_TO]}, "ports": ports}, ("to",))


def _related() -> _Schema:
    properties = {
        "type": _TEXTS,
        "their": _TEXT,
        "our": _TEXT,
        "matches": _TEXTS,
        "satisfies": _CONDITION,
        "missing": _TRUTH,
        "absent": _TRUTH,
    }
    return {
        **_object(properties, ("type",)),
        "oneOf": [
            {"required": ["their"], "not": {"anyOf": _required_each("our", "absent")}},
            {"required": ["our", "absent"], "not": {"required": ["their"]}},
        ],
    }


def _parameter() -> _Schema:
    return _object(
        {
            "about": _described(_TEXT, "What it is, for people who write policies."),
            "default": {"description": "What holds where the policy bundle gives no value."},
        },
        ("about",),
    )


def _fix() -> _Schema:
    """Attributes by path, with the values to write."""
    plain: _Schema = {"type": ["string", "number", "boolean"]}
    listed: _Schema = {"type": "array", "items": plain, "minItems": 1}
    shapes: dict[str, _Schema] = {
        "set": {"type": "object", "minProperties": 1, "additionalProperties": {"anyOf": [plain, listed]}},
        "add": {"type": "object", "minProperties": 1, "additionalProperties": plain},
        "note": _TEXT,
    }
    properties = {key: _described(shapes[key], _FIX_TEXTS[key]) for key in fix_syntax.FIX_KEYS}
    return {**_object(properties), "anyOf": _required_each("set", "add")}


def _message() -> _Schema:
    names = "|".join(sorted(check_file._PLACEHOLDERS))
    return {"type": "string", "pattern": rf"^([^{{}}]|\{{\{{|\}}\}}|\{{({names})\}})*$"}


def _words(words: Iterable[str]) -> _Schema:
    word: _Schema = {"enum": [*words]}
    return {"anyOf": [word, {"type": "array", "items": word, "minItems": 1}]}


def _choices(defaults: Mapping[str, str], words: list[str]) -> _Schema:
    return _object({key: {"enum": words, "default": default} for key, default in defaults.items()})


def _object(properties: Mapping[str, _Schema], required: Iterable[str] = ()) -> _Schema:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": [*required],
        "additionalProperties": False,
    }


def _described(schema: _Schema, text: str) -> _Schema:
    """The schema with a description; beside a ``$ref`` older readers would overlook the one or the other."""
    return {"allOf": [schema], "description": text} if "$ref" in schema else {**schema, "description": text}


def _required_each(*keys: str) -> list[_Schema]:
    return [{"required": [key]} for key in keys]
