"""Conditions as people write them in YAML -> the normal form that ``conditions`` compiles.

Everything that can be wrong is said at once, with its place: unknown operators, attribute paths
that the provider's schema does not have, operands of another type, defaults that are not named.
"""

import re
import string
from typing import Any

import yaml

from iacgate.policy.comparisons import COMPARISONS, parse_time
from iacgate.policy.condition_paths import IMAGE, POLICY_DOCUMENT, FoundPath, Scope, attribute_path
from iacgate.policy.exposure_places import EXPOSABLE, LOOKED_AT
from iacgate.policy.image_places import IMAGE_PLACES
from iacgate.policy.networks import parse_range
from iacgate.policy.provider_schema import AttributeSchema, ProviderSchema
from iacgate.policy.provider_versions import Span, parse_constraint
from iacgate.policy.yaml_nodes import Source, did_you_mean

__all__ = ["CONDITION_FORMS", "Scope", "operand_problem", "parse_condition"]

TRUTHS = {"pass": 0, "unknown": 1, "fail": 2}
LOGIC = ("all", "any", "none", "not")
CONDITION_FORMS = (
    *LOGIC,
    "attribute",
    "every",
    "some",
    "ports",
    "related",
    "exists",
    "policy_document",
    "images",
    "not_exposed",
    "action",
)
IMAGE_FORMS = ("every", "scanned")
EXPOSED_TO = ("internet",)
_OTHERS = ("is_set", "is_empty", "pattern_for", "covers", "holds_secret")
_ACTIONS = ["create", "update", "delete", "replace", "read", "forget", "no-op"]


def parse_condition(node: yaml.Node, scope: Scope) -> dict[str, Any]:
    """The normal form of one condition. Problems go to the scope's source."""
    source = scope.source
    entries = source.mapping(node, "a condition")
    forms = [key for key in entries if key in CONDITION_FORMS]
    if len(forms) != 1:
        if forms:
            source.problem(node, f"a condition has one form, not {' and '.join(forms)}; join them with `all` or `any`")
        elif entries:
            first = next(iter(entries))
            source.problem(entries[first][0], f"unknown operator `{first}`{did_you_mean(first, CONDITION_FORMS)}")
        return {"all": []}
    form = forms[0]
    parsers = {
        "attribute": _attribute,
        "every": _quantifier,
        "some": _quantifier,
        "ports": _ports,
        "related": _related,
        "exists": _exists,
        "policy_document": _policy_document,
        "images": _images,
        "not_exposed": _not_exposed,
        "action": _action,
    }
    return _logic(form, entries, scope) if form in LOGIC else parsers[form](form, node, entries, scope)


_Entries = dict[str, tuple[yaml.Node, yaml.Node]]


def _only(entries: _Entries, allowed: tuple[str, ...], scope: Scope) -> None:
    scope.source.only(entries, allowed, what="operator")


def _logic(form: str, entries: _Entries, scope: Scope) -> dict[str, Any]:
    _only(entries, (form,), scope)
    node = entries[form][1]
    if form == "not":
        return {"not": parse_condition(node, scope)}
    items = scope.source.items(node, f"`{form}`")
    if not items and isinstance(node, yaml.SequenceNode):
        scope.source.problem(node, f"`{form}` needs at least one condition")
    children = [parse_condition(item, scope) for item in items]
    return {"not": {"any": children}} if form == "none" else {form: children}


def _truth(entries: _Entries, key: str, scope: Scope) -> int | None:
    if key not in entries:
        return None
    return TRUTHS[scope.source.choice(entries[key][1], f"`{key}`", list(TRUTHS))]


def _kind(attribute: AttributeSchema | None) -> str:
    return attribute.type if attribute is not None and attribute.type in ("bool", "number", "string") else ""


def _attribute(_form: str, node: yaml.Node, entries: _Entries, scope: Scope) -> dict[str, Any]:
    source = scope.source
    names = [key for key in entries if key in COMPARISONS or key in _OTHERS]
    allowed = ("attribute", "absent", "ignore_case", *COMPARISONS, *_OTHERS)
    _only(entries, allowed, scope)
    found = attribute_path(entries["attribute"][1], scope, whole=names == ["holds_secret"])
    if len(names) != 1:
        if names or all(key in allowed for key in entries):
            source.problem(node, "an attribute needs exactly one comparison, such as `equals`")
        return {"all": []}
    name = names[0]
    operand_node = entries[name][1]
    tree: dict[str, Any] = {"path": found.steps}
    attribute = found.attribute
    if attribute is not None and (attribute.sensitive or attribute.write_only):
        tree["secret"] = True
    if name in ("is_set", "is_empty"):
        if "absent" in entries:
            source.problem(entries["absent"][0], f"`{name}` says itself what absence means")
        return {**tree, name: source.flag(operand_node, f"`{name}`")}
    if name == "covers":
        if "absent" in entries:
            source.problem(entries["absent"][0], "`covers` says itself what absence means")
        return {**tree, name: _names(operand_node, scope)}
    if name == "holds_secret":
        if "absent" in entries:
            source.problem(entries["absent"][0], "`holds_secret` needs no `absent`: what is not there holds no secret")
        return {**tree, name: source.flag(operand_node, f"`{name}`")}
    if name == "pattern_for":
        _judged_attribute(operand_node, source.text(operand_node, "`pattern_for`"), scope)
        absent = _truth(entries, "absent", scope)
        return {
            **tree,
            name: source.text(operand_node, "`pattern_for`"),
            "absent": _default(absent, node, found, scope),
        }
    comparison = COMPARISONS[name]
    operand = _operand(operand_node, name, comparison.operand, scope)
    given_later = isinstance(operand, dict)
    if "ignore_case" in entries:
        if not comparison.folds:
            source.problem(entries["ignore_case"][0], f"`ignore_case` does not go with `{name}`")
        tree["fold"] = source.flag(entries["ignore_case"][1], "`ignore_case`")
    if attribute is not None:
        if not given_later:
            _fits(operand_node, name, operand, attribute, scope)
        if (
            comparison.operand in ("number", "time", "version", "regex", "strings", "patterns", "cidrs", "ports")
            and attribute.repeated
            and not comparison.whole
        ):
            source.problem(
                entries["attribute"][1],
                f"this is a list: look at its elements with `every` or `some`, not with `{name}`",
            )
    default = _absence(entries, node, found, scope)
    if name == "open_to_world" and scope.types and all(kind.startswith("azurerm_") for kind in scope.types):
        tree["service_tags"] = True
    return {**tree, "compare": name, "value": operand, "absent": default, "kind": _kind(attribute)}


def _names(node: yaml.Node, scope: Scope) -> list[str]:
    """Names with attributes of the resource that is judged in braces."""
    names = scope.source.texts(node, "`covers`")
    for name in names:
        try:
            fields = [field for _, field, _, _ in string.Formatter().parse(name) if field is not None]
        except ValueError:
            fields = [""]
        if not fields or not all(field.isidentifier() for field in fields):
            scope.source.problem(node, "`covers` takes names with an attribute in braces: arn:aws:s3:::{bucket}/*")
        for field in filter(str.isidentifier, fields):
            _judged_attribute(node, field, scope)
    if not names:
        scope.source.problem(node, "`covers` needs at least one name")
    return names


def _judged_attribute(node: yaml.Node, name: str, scope: Scope) -> None:
    for kind in scope.judged:
        if scope.schema.knows(kind) and scope.schema.attribute(kind, name) is None:
            scope.source.problem(node, f"{kind} has no attribute `{name}`")


def _default(absent: int | None, node: yaml.Node, found: FoundPath, scope: Scope) -> int:
    """What absence means. It must be said, except where the provider's schema rules it out."""
    if absent is None and not (scope.document or (found.attribute and found.attribute.required) or not found.steps):
        scope.source.problem(
            node, "say with `absent: pass|fail|unknown` what leaving the attribute out means (the provider's default)"
        )
    return TRUTHS["fail"] if absent is None else absent


def _absence(entries: _Entries, node: yaml.Node, found: FoundPath, scope: Scope) -> int | dict[str, Any]:
    """What absence means to a comparison: one verdict, or several by the provider's version."""
    if "absent" in entries and isinstance(entries["absent"][1], yaml.MappingNode):
        default: int | dict[str, Any] = _absent_by_version(entries["absent"][1], scope)
    else:
        default = _default(_truth(entries, "absent", scope), node, found, scope)
    if found.attribute is not None and found.attribute.write_only:
        return TRUTHS["unknown"]  # a write-only value stands in no plan
    return default


def _absent_by_version(node: yaml.Node, scope: Scope) -> dict[str, Any]:
    """A default that changed: verdicts, each with the provider's versions that it holds for."""
    source = scope.source
    spec = source.mapping(node, "`absent`")
    source.only(spec, tuple(TRUTHS), what="verdict")
    if scope.document or scope.shape:
        source.problem(node, "`absent` by version is for attributes of resources, whose provider has a version")
    rules: list[tuple[int, str]] = []
    spans: list[Span] = []
    for verdict, (_, text_node) in spec.items():
        text = source.text(text_node, f"`{verdict}`")
        try:
            span = parse_constraint(text)
        except ValueError as error:
            source.problem(text_node, f"`{verdict}` takes {error}")
            continue
        if span.empty or not all(span.narrowed(other).empty for other in spans):
            source.problem(text_node, "no version meets this, or one that another verdict stands for")
        spans.append(span)
        rules.append((TRUTHS.get(verdict, TRUTHS["unknown"]), text))
    return {"by_version": rules}


def _operand(node: yaml.Node, name: str, kind: str, scope: Scope) -> Any:
    """A comparison's operand: a value, or ``{parameter: NAME}`` for one that the policy bundle gives."""
    source = scope.source
    value = source.plain(node)
    if isinstance(value, dict) and set(value) == {"parameter"}:
        if scope.parameters is None or value["parameter"] not in scope.parameters:
            source.problem(node, f"`{name}` takes a parameter that the check does not declare under `parameters`")
        else:
            scope.parameters[value["parameter"]].add(kind)
        return value
    wanted = operand_problem(value, kind)
    if wanted:
        source.problem(node, f"`{name}` takes {wanted}")
    return value


def operand_problem(value: Any, kind: str) -> str:
    """What an operand should be where it is not of its kind; empty where it is."""
    try:
        match kind:
            case "list" if not isinstance(value, list) or not value:
                raise ValueError("a list that is not empty")
            case "list" if any(isinstance(item, list | dict) or item is None for item in value):
                raise ValueError("a list of plain values")
            case "number" if isinstance(value, bool) or not isinstance(value, int | float):
                raise ValueError("a number")
            case "bool" if not isinstance(value, bool):
                raise ValueError("true or false")
            case "string" if not isinstance(value, str):
                raise ValueError("a text")
            case "strings" | "patterns" if not _is_texts(value):
                raise ValueError("a text or a list of texts")
            case "version" if not isinstance(value, str | int) or isinstance(value, bool):
                raise ValueError('a version in quotes, such as "1.10"')
            case "version":
                [int(part) for part in str(value).split(".")]
            case "time":
                parse_time(str(value))
            case "cidrs":
                if not isinstance(value, list) or not value:
                    raise ValueError("a list of address ranges")
                for text in value:
                    parse_range(text)
            case "ports" if not isinstance(value, list) or not value or not all(map(_is_port, value)):
                raise ValueError("a list of port numbers")
            case "regex":
                _vet_regex(value)
            case "any" if value is None or isinstance(value, list | dict):
                raise ValueError("one value; for several use `in`, for null use `is_set`")
    except (ValueError, TypeError) as error:
        return (
            str(error)
            if "invalid literal" not in str(error) and "appear" not in str(error)
            else f"a {kind.removesuffix('s')}"
        )
    return ""


def _is_port(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 65535


def _is_texts(value: Any) -> bool:
    texts = value if isinstance(value, list) else [value]
    return bool(texts) and all(isinstance(text, str) and text for text in texts)


def _vet_regex(pattern: Any) -> None:
    """Linear-time syntax only, and no nested repetition, which other engines that read a check would choke on."""
    from re import _parser as sre_parse

    import re2

    if not isinstance(pattern, str):
        raise ValueError("a regular expression")
    options = re2.Options()
    options.log_errors = False
    try:
        re2.compile(pattern, options)
    except re2.error:
        raise ValueError("a regular expression in RE2 syntax (no back-references, no look-around)") from None
    try:
        tree = sre_parse.parse(pattern)
    except (re.error, RecursionError, OverflowError):
        return  # RE2 knows it and Python's engine, whose parser only looks for nesting here, does not
    if _nests(tree, repeated=False):
        raise ValueError("a regular expression without nested repetition such as (a+)+")


def _nests(tree: Any, *, repeated: bool) -> bool:
    for operator, argument in tree:
        name = str(operator)
        if name in ("MAX_REPEAT", "MIN_REPEAT"):
            unbounded = int(argument[1]) > 1000
            if (repeated and unbounded) or _nests(argument[2], repeated=repeated or unbounded):
                return True
        elif name == "SUBPATTERN":
            if _nests(argument[-1], repeated=repeated):
                return True
        elif name == "BRANCH" and any(_nests(branch, repeated=repeated) for branch in argument[1]):
            return True
    return False


def _fits(node: yaml.Node, name: str, operand: Any, attribute: AttributeSchema, scope: Scope) -> None:
    """An operand that can never be equal is a mistake of the check."""
    if name not in ("equals", "not_equals", "in", "not_in") or attribute.type not in ("bool", "number", "string"):
        if name in ("equals", "not_equals", "in", "not_in") and (attribute.repeated or attribute.type == "block"):
            scope.source.problem(
                node, f"`{name}` compares one value, and this attribute is a {attribute.type or 'block'}"
            )
        return
    for item in operand if isinstance(operand, list) else [operand]:
        kind = "bool" if isinstance(item, bool) else "number" if isinstance(item, int | float) else "string"
        if kind != attribute.type:
            scope.source.problem(node, f"the attribute is a {attribute.type}, and this value is a {kind}")


def _quantifier(form: str, node: yaml.Node, entries: _Entries, scope: Scope) -> dict[str, Any]:
    _only(entries, (form, "satisfies", "absent"), scope)
    found = attribute_path(entries[form][1], scope, collection=True)
    attribute = found.attribute
    mark = "[]"
    if attribute is not None and found.path:
        if attribute.type.startswith("map(") or attribute.nesting == "map":
            mark = "{}"
        elif not (attribute.type == "block" or attribute.type.startswith(("list", "set"))) and attribute.type:
            scope.source.problem(
                entries[form][1], f"`{form}` walks through lists, and this attribute is a {attribute.type}"
            )
    known = found.path + mark if found.path else ""
    inner = scope._replace(prefix=known) if known else scope._replace(types=(), prefix="?")
    tree: dict[str, Any] = {form: found.steps}
    if "satisfies" in entries:
        tree["satisfies"] = parse_condition(entries["satisfies"][1], inner)
    else:
        scope.source.problem(node, f"`{form}` needs `satisfies`")
    absent = _truth(entries, "absent", scope)
    return tree if absent is None else {**tree, "absent": absent}


def _ports(_form: str, node: yaml.Node, entries: _Entries, scope: Scope) -> dict[str, Any]:
    source = scope.source
    _only(entries, ("ports",), scope)
    spec = source.mapping(entries["ports"][1], "`ports`")
    _only(spec, ("from", "to", "protocol", "include", "protocols"), scope)
    out: dict[str, Any] = {"protocols": [6, 17]}
    for key in ("from", "to", "protocol", "include"):
        if key not in spec:
            source.problem(node, f"`ports` needs `{key}`")
            return {"all": []}
        if key != "include":
            out[key] = attribute_path(spec[key][1], scope).steps
    out["include"] = _port_numbers(spec["include"][1], "`include`", scope)
    if "protocols" in spec:
        numbers = {"tcp": 6, "udp": 17}
        words = source.texts(spec["protocols"][1], "`protocols`")
        if not set(words) <= set(numbers):
            source.problem(spec["protocols"][1], "`protocols` takes tcp and udp")
        out["protocols"] = [numbers[word] for word in words if word in numbers]
    return {"ports": out}


def _port_numbers(node: yaml.Node, what: str, scope: Scope) -> list[int]:
    ports = scope.source.plain(node)
    if wanted := operand_problem(ports, "ports"):
        scope.source.problem(node, f"{what} takes {wanted}")
        return [0]
    numbers: list[int] = ports
    return numbers


def _types(spec: _Entries, node: yaml.Node, scope: Scope) -> list[str]:
    if "type" not in spec:
        scope.source.problem(node, "name the resource's `type`")
        return []
    types = scope.source.texts(spec["type"][1], "`type`")
    for kind in types:
        note_unknown_type(spec["type"][1], kind, scope.source, scope.schema)
    return types


def note_unknown_type(node: yaml.Node, kind: str, source: Source, schema: ProviderSchema) -> None:
    """A type whose schema is not at hand cannot be held against it: say so. Where schemas are given, it is wrong."""
    if kind and not schema.knows(kind):
        close = schema.suggest_type(kind)
        hint = f"; did you mean {close}?" if close else ""
        if schema.complete:
            source.problem(node, f"no provider schema holds {kind}{hint}")
            return
        message = f"the provider schema at hand does not hold {kind}, so its attributes are not verified"
        source.problem(node, message + (hint or "; give it with --schema"), warning=True)


def _related(_form: str, node: yaml.Node, entries: _Entries, scope: Scope) -> dict[str, Any]:
    source = scope.source
    if scope.shape:
        source.problem(node, f"`related` links resources, not a {scope.shape}; `exists` asks for resources")
        return {"all": []}
    _only(entries, ("related",), scope)
    spec = source.mapping(entries["related"][1], "`related`")
    _only(spec, ("type", "their", "our", "matches", "satisfies", "missing", "absent"), scope)
    types = _types(spec, entries["related"][1], scope)
    partner = scope._replace(types=tuple(types), prefix="", document=None, shape="", partner=True)
    out: dict[str, Any] = {"type": types, "matches": ["id", "arn"]}
    if ("their" in spec) == ("our" in spec):
        source.problem(node, "`related` needs `their` (their attribute that names this resource) or `our`, one of them")
        return {"all": []}
    if "matches" in spec:
        out["matches"] = source.texts(spec["matches"][1], "`matches`")
    named = scope if "their" in spec else partner
    for name in out["matches"] if "matches" in spec else ():
        for kind in named.types:
            if named.schema.knows(kind) and named.schema.attribute(kind, name) is None:
                source.problem(spec["matches"][1], f"{kind} has no attribute `{name}`")
    if "their" in spec:
        attribute_path(spec["their"][1], partner)
        out["their"] = source.text(spec["their"][1], "`their`")
        if "absent" in spec:
            source.problem(
                spec["absent"][0], "`absent` goes with `our`; when nothing names this resource it is `missing`"
            )
    else:
        out["our"] = attribute_path(spec["our"][1], scope).steps
        absent = _truth(spec, "absent", scope)
        if absent is None:
            source.problem(node, "say with `absent: pass|fail|unknown` what it means when our attribute is not set")
        out["absent"] = absent
    if "satisfies" in spec:
        out["satisfies"] = parse_condition(spec["satisfies"][1], partner)
    missing = _truth(spec, "missing", scope)
    return {"related": out if missing is None else {**out, "missing": missing}}


def _exists(_form: str, _node: yaml.Node, entries: _Entries, scope: Scope) -> dict[str, Any]:
    _only(entries, ("exists",), scope)
    spec = scope.source.mapping(entries["exists"][1], "`exists`")
    _only(spec, ("type", "satisfies"), scope)
    types = _types(spec, entries["exists"][1], scope)
    out: dict[str, Any] = {"type": types}
    if "satisfies" in spec:
        partner = scope._replace(types=tuple(types), prefix="", document=None, shape="")
        out["satisfies"] = parse_condition(spec["satisfies"][1], partner)
    return {"exists": out}


def _policy_document(_form: str, node: yaml.Node, entries: _Entries, scope: Scope) -> dict[str, Any]:
    _only(entries, ("policy_document", "satisfies", "absent"), scope)
    found = attribute_path(entries["policy_document"][1], scope)
    inner = scope._replace(types=("a policy document",), prefix="", document=POLICY_DOCUMENT, shape="", partner=False)
    tree: dict[str, Any] = {"policy_document": found.steps}
    if "satisfies" in entries:
        tree["satisfies"] = parse_condition(entries["satisfies"][1], inner)
    else:
        scope.source.problem(node, "`policy_document` needs `satisfies`")
    absent = _truth(entries, "absent", scope)
    if absent is None and not (found.attribute is not None and found.attribute.required):
        scope.source.problem(node, "say with `absent: pass|fail|unknown` what having no policy means")
    return tree if absent is None else {**tree, "absent": absent}


def _images(_form: str, node: yaml.Node, entries: _Entries, scope: Scope) -> dict[str, Any]:
    source = scope.source
    _only(entries, ("images", "satisfies"), scope)
    word = source.choice(entries["images"][1], "`images`", list(IMAGE_FORMS))
    for kind in scope.types:
        if kind not in IMAGE_PLACES:
            source.problem(node, f"it is not known where {kind} names images{did_you_mean(kind, IMAGE_PLACES)}")
    if ("satisfies" in entries) != (word == "every"):
        source.problem(node, "`satisfies` goes with `images: every`, and only with it")
        return {"all": []}
    if word != "every":
        return {"images": word}
    inner = scope._replace(types=("an image reference",), prefix="", document=IMAGE, shape="", partner=False)
    return {"images": word, "satisfies": parse_condition(entries["satisfies"][1], inner)}


def _not_exposed(_form: str, node: yaml.Node, entries: _Entries, scope: Scope) -> dict[str, Any]:
    source = scope.source
    _only(entries, ("not_exposed",), scope)
    if scope.shape or scope.document is not None or scope.prefix:
        source.problem(node, "`not_exposed` is about a whole resource")
        return {"all": []}
    for kind in scope.types:
        if kind not in EXPOSABLE:
            source.problem(node, f"it is not known how the internet reaches {kind}{did_you_mean(kind, EXPOSABLE)}")
    spec = source.mapping(entries["not_exposed"][1], "`not_exposed`")
    _only(spec, ("to", "ports"), scope)
    if "to" not in spec:
        source.problem(node, "`not_exposed` needs `to`: from whom the resource is kept")
    else:
        source.choice(spec["to"][1], "`to`", list(EXPOSED_TO))
    out: dict[str, Any] = {"to": EXPOSED_TO[0]}
    if "ports" in spec:
        out["ports"] = _port_numbers(spec["ports"][1], "`ports`", scope)
    if scope.settable is not None:
        for kind, names in (one for cloud in LOOKED_AT.values() for one in cloud.items()):
            scope.settable.update((kind, name) for name in names if _left_out(kind, name, scope))
    return {"not_exposed": out}


def _left_out(kind: str, name: str, scope: Scope) -> bool:
    return any(scope.schema.left_to_provider(kind, path) for path in (name, name.replace(".", "[].")))


def _action(_form: str, _node: yaml.Node, entries: _Entries, scope: Scope) -> dict[str, Any]:
    _only(entries, ("action",), scope)
    words = scope.source.texts(entries["action"][1], "`action`")
    for word in words:
        if word not in _ACTIONS:
            scope.source.problem(entries["action"][1], f"unknown action `{word}`{did_you_mean(word, _ACTIONS)}")
    return {"action": words}
