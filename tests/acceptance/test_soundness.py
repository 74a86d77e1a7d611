# ruff: noqa: E501 - tables read better in long lines
"""Three-valued verdicts are sound: whatever the unknowns turn out to be, a pass stays a pass and a fail a fail.

A plan with unknowns is judged; then every unknown becomes a concrete value, and it is judged again.
What an unknown may become is decided here from the plan and the provider's schema, not by the engine:

- an unknown that the author configured, or of which the plan has no configuration: anything of its type,
  null, empty and hostile values included;
- one that the author left to the provider (optional and computed): the provider's default, so it is absent;
- a lone reference to the identity of a resource of the plan: that identity, the same at both ends;
- an attribute that only the provider gives (``id``, ``arn``): its identity; any other: anything of its type;
- blocks that ``dynamic`` writes: any number of them.
"""

import re
from functools import cache
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from iacgate.policy.catalogue import Catalogue, load_directory, packaged_root
from iacgate.policy.check_file import read_check
from iacgate.policy.evaluate import evaluate
from iacgate.policy.provider_schema import AttributeSchema, load
from iacgate.policy.yaml_nodes import Source
from iacgate.sources.plan_json import read_plan
from iacgate.testing.examples import example_plan
from iacgate.testing.judging import policy_of

SCHEMA = load()
ROOT = packaged_root()
BYSTANDERS = {"aws_s3_bucket_versioning": "bucket", "aws_subnet": "vpc_id", "aws_launch_template": "launch_template"}
"""Types that pass the identity of another resource on, and the attribute by which."""
IDENTITY = {"id", "arn", "name", "bucket", "identifier", "key_id", "url", "email", "member", "writer_identity",
            "self_link", "certificate_arn"}  # fmt: skip
BY_LINKS = {
    "hygiene-no-secrets-in-code",  # an unknown may turn out to be a secret: in the plan, not in the code
    "aws-cloudfront-origin-access-control", "aws-elb-acm-certificate", "aws-cloudfront-own-certificate", "aws-ssm-parameter-customer-managed-key",
    "aws-sns-topic-encrypted", "google-bigquery-table-customer-managed-key", "google-load-balancer-no-clear-http",
}  # fmt: skip
"""Their partners go by attributes that a completion here fills with anything, so that the link is lost."""
DATA_ID = re.compile(r"(data\.\w+\.\w+)\.id")
REFERENCE = re.compile(r"([a-z0-9_]+)\.([a-z0-9_]+)(\[[^\]]+\])?\.([a-z_]+)")
CIDRS = ["0.0.0.0/0", "::/0", "0.0.0.0/1", "10.0.0.0/8", "10.1.2.3/8", "192.168.1.0/24", "fc00::/7", "203.0.113.7/32"]
DOCUMENTS = [
    '{"Statement": []}',
    '{"Statement": {"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*"}}',
    '{"Statement": [{"Effect": "Allow", "Principal": {"AWS": ["111122223333", "*"]}, "Action": "*", "Resource": "*"}]}',
    '{"Statement": [{"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "*", "Resource": "*"}]}',
    """{"Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*",
    "Condition": {"Bool": {"aws:SecureTransport": "false"}}}]}""",
]  # fmt: skip
NUMBERS = [-1, 0, 1, 7, 22, 80, 443, 3306, 3389, 65535]
STRINGS = ["", "x", "true", "false", "-1", "tcp", "HTTPS", "1.2", "arn:aws:kms:eu-central-1:111122223333:key/k"]


@cache
def catalogue() -> Catalogue:
    return load_directory(ROOT, with_packaged=False)


class Vocabulary:
    """What the conditions of the library speak of: attribute names, the values they compare with, resource types."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.links: set[str] = set()
        self.values: dict[str, list[Any]] = {}
        self.types: list[list[str]] = []
        for number in range(len(catalogue())):
            types = list(catalogue().info(number).resource_types)
            for case in catalogue().conditions(number):
                self._walk([case.condition, case.when], types)
            known = [kind for kind in dict.fromkeys(types) if SCHEMA.knows(kind)]
            beside = [kind for kind, name in BYSTANDERS.items() if any(SCHEMA.attribute(one, name) for one in known)]
            self.types.append([*known, *[kind for kind in beside if kind not in known]])

    def _walk(self, tree: Any, types: list[str]) -> None:
        if isinstance(tree, list):
            for item in tree:
                self._walk(item, types)
        if not isinstance(tree, dict):
            return
        for key, part in tree.items():
            if (
                key in ("path", "every", "some", "our", "from", "to", "protocol", "policy_document", "matches")
                or key == "their"
            ):
                steps = part if isinstance(part, list) else str(part).split(".")
                self.names.update(str(step).removesuffix("[]") for step in steps)
                self.links.update(steps if key in ("our", "their") else ())
            if key == "type":
                types += part if isinstance(part, list) else [part]
            self._walk(part, types)
        if "compare" in tree and tree["path"]:
            operand = tree["value"]
            found = self.values.setdefault(tree["path"][-1], [])
            found += [one for one in (operand if isinstance(operand, list) else [operand]) if one not in found]


@cache
def vocabulary() -> Vocabulary:
    return Vocabulary()


# --- values of a type ------------------------------------------------------------------------------------------------


def scalar(rng: Random, kind: str, name: str) -> Any:
    if kind == "bool":
        return rng.random() < 0.5
    if kind == "number":
        return rng.choice([*NUMBERS, *(v for v in vocabulary().values.get(name, ()) if type(v) in (int, float))])
    if "cidr" in name:
        return rng.choice(CIDRS)
    if name == "policy":
        return rng.choice(DOCUMENTS)
    known = [value for value in vocabulary().values.get(name, ()) if isinstance(value, str)]
    return (
        rng.choice([*known * 2, *STRINGS])
        if "protocol" not in name
        else rng.choice([*known * 2, "tcp", "-1", "icmp", "6"])
    )


def value_of(rng: Random, kind: str, path: str, attribute: AttributeSchema, *, inside: bool = False) -> Any:
    """Any concrete value that the schema allows, ``None`` included where it is not required."""
    name = path.rpartition(".")[2].removesuffix("[]").removesuffix("{}")
    if not attribute.required and not inside and attribute.type != "block" and rng.random() < 0.2:
        return None
    if attribute.type == "block" or attribute.type in ("list(object)", "set(object)"):
        most = attribute.max_items or 2
        count = rng.randint(1 if attribute.required else 0, most)
        return [fields(rng, kind, path + "[].", lambda r, p, a: value_of(r, kind, p, a)) for _ in range(min(count, 2))]
    if attribute.type.startswith(("list(", "set(")):
        return [
            value_of(rng, kind, path, AttributeSchema(attribute.element), inside=True) for _ in range(rng.randint(0, 2))
        ]
    if attribute.type.startswith("map("):
        return {key: value_of(rng, kind, path, AttributeSchema(attribute.element), inside=True)
                for key in rng.sample(["a", "b"], rng.randint(0, 2))}  # fmt: skip
    return scalar(rng, attribute.type, name)


def fields(rng: Random, kind: str, prefix: str, make: Any) -> dict[str, Any]:
    """One object: every attribute below ``prefix`` that a condition speaks of."""
    out = {}
    for path, attribute in SCHEMA.paths(kind).items():
        rest = path.removeprefix(prefix)
        if not path.startswith(prefix) or not rest or "." in rest or rest not in vocabulary().names:
            continue
        out[rest] = make(rng, path, attribute)
    return out


# --- completing a plan -----------------------------------------------------------------------------------------------


def identity(address: str, attribute: str) -> str:
    if attribute == "arn":
        return f"arn:aws:any:eu-central-1:111122223333:{address}"
    return f"id-of-{address}" if attribute in IDENTITY else f"{attribute}-of-{address}"


def is_identity(kind: str, path: str) -> bool:
    """The provider gives it, or the author gives one that nobody else has."""
    found = SCHEMA.attribute(kind, path)
    if found is None or not found.computed or "." in path:
        return False
    return path in IDENTITY or (path.endswith("_id") and not found.optional and not found.required)


def rendered(values: dict[str, Any]) -> str:
    """The JSON of an ``aws_iam_policy_document``, as the provider writes it."""

    def principals(blocks: Any) -> Any:
        out: dict[str, list[str]] = {}
        for block in blocks or ():
            if block["type"] == "*" and block["identifiers"] == ["*"]:
                return "*"
            out.setdefault(block["type"], []).extend(block["identifiers"] or ())
        return out

    statements = []
    for block in values.get("statement") or ():
        one: dict[str, Any] = {"Effect": block.get("effect") or "Allow"}
        for key, name in (("actions", "Action"), ("not_actions", "NotAction"), ("resources", "Resource"),
                          ("not_resources", "NotResource")):  # fmt: skip
            if block.get(key):
                one[name] = block[key][0] if len(block[key]) == 1 else block[key]
        for key, name in (("principals", "Principal"), ("not_principals", "NotPrincipal")):
            if block.get(key):
                one[name] = principals(block[key])
        for condition in block.get("condition") or ():
            one.setdefault("Condition", {}).setdefault(condition["test"], {})[condition["variable"]] = condition[
                "values"
            ]
        statements.append(one)
    return msgspec.json.encode({"Version": "2012-10-17", "Statement": statements}).decode()


class Completion:
    """One way in which the unknowns of a plan may turn out."""

    def __init__(self, plan: dict[str, Any], rng: Random, dynamic: frozenset[tuple[str, str]] = frozenset()) -> None:
        self.rng, self.plan, self.dynamic = rng, plan, dynamic
        module = plan.get("configuration", {}).get("root_module", {})
        self.configured = "configuration" in plan
        self.blocks = {(one["mode"], one["type"], one["name"]): one for one in module.get("resources", ())}
        variables = module.get("variables", {})
        self.nulls = [[f"var.{name}"] for name, block in variables.items() if block.get("default", 0) is None]
        self.planned = {one["address"]: one["change"]["after"] for one in plan["resource_changes"]}
        self.documents: dict[str, str] = {}
        self.documents = self._documents()

    def completed(self) -> bytes:
        changes = []
        for one in self.plan["resource_changes"]:
            change = one["change"]
            if one["mode"] == "data" and change["after"] is not None:
                change = self._read(one["address"], change)
            if not change.get("after_unknown") or change["after"] is None or one["mode"] == "data":
                changes.append({**one, "change": change})
                continue
            expressions = self.blocks.get((one["mode"], one["type"], one["name"]), {}).get("expressions", {})
            after = self._object(one, change["after"], change["after_unknown"], expressions, "")
            changes.append({**one, "change": {**change, "after": after, "after_unknown": {}}})
        return msgspec.json.encode({**self.plan, "resource_changes": changes})

    def _read(self, address: str, change: dict[str, Any]) -> dict[str, Any]:
        """A data source with the id that whoever refers to it will have; of the rest nobody can tell."""
        if (change.get("after_unknown") or {}).get("id") is not True:
            return change
        unknown = {name: part for name, part in change["after_unknown"].items() if name != "id"}
        return {**change, "after": {**change["after"], "id": identity(address, "id")}, "after_unknown": unknown}

    def _documents(self) -> dict[str, str]:
        """The JSON that each ``aws_iam_policy_document`` will give, its unknowns completed."""
        out = {}
        for one in self.plan["resource_changes"]:
            if one["type"] == "aws_iam_policy_document":
                typed = {**one, "type": "data.aws_iam_policy_document"}
                mask = {key: part for key, part in one["change"]["after_unknown"].items() if key == "statement"}
                expressions = self.blocks.get((one["mode"], one["type"], one["name"]), {}).get("expressions", {})
                out[one["address"] + ".json"] = rendered(
                    self._object(typed, one["change"]["after"], mask, expressions, "")
                )
        return out

    def _object(self, one: Any, value: dict[str, Any], mask: dict[str, Any], expressions: Any, prefix: str) -> Any:
        out = dict(value)
        for name, part in mask.items():
            whole = isinstance(expressions, dict) and ("references" in expressions or "constant_value" in expressions)
            expression = (
                expressions if whole else expressions.get(name, False) if isinstance(expressions, dict) else None
            )
            if (one["address"], prefix + name) in self.dynamic:
                out[name] = self._dynamic(one, prefix + name, value.get(name), part)
            else:
                out[name] = self._part(one, value.get(name), part, expression, prefix + name)
        return out

    def _part(self, one: Any, value: Any, mask: Any, expression: Any, path: str) -> Any:
        kind = one["type"]
        if mask is True:
            return self._anything(one, path, expression)
        if isinstance(mask, list):
            out = []
            made = self._made(one, expression, mask.count(True)) if path.endswith(".resources") else []
            for index, item in enumerate(mask):
                inner = (
                    expression[index] if isinstance(expression, list) and len(expression) == len(mask) else expression
                )
                if item is True and made:
                    out.append(made.pop(0))
                elif item is True:
                    attribute = SCHEMA.attribute(kind, path)
                    assert attribute is not None, (kind, path)
                    linked = self._linked(one, expression)
                    element = AttributeSchema(attribute.element)
                    out.append(linked or value_of(self.rng, kind, path, element, inside=True))
                elif isinstance(item, dict):
                    out.append(self._object(one, value[index], item, inner, path + "[]."))
                else:
                    out.append(value[index])
            return out
        if isinstance(mask, dict):
            attribute = SCHEMA.attribute(kind, path)
            element = AttributeSchema(attribute.element) if attribute else AttributeSchema("string")
            filled = {key: value_of(self.rng, kind, path, element, inside=True) for key, part in mask.items() if part}
            return {**(value or {}), **filled}
        return value

    def _anything(self, one: Any, path: str, expression: Any) -> Any:
        kind, name = one["type"], path.rpartition(".")[2]
        attribute = SCHEMA.attribute(kind, path)
        if attribute is None:
            return "x"  # in a block that is no list
        if is_identity(kind, path):
            return identity(one["address"], name)
        linked = self._linked(one, expression)
        if linked and attribute.type in ("string", "list(string)", "set(string)"):
            return linked if attribute.type == "string" else [linked]
        says_nothing = isinstance(expression, dict) and (
            expression.get("constant_value", 0) in (None, "", []) or expression.get("references") in self.nulls
        )
        if (expression is False or says_nothing) and self.configured and SCHEMA.left_to_provider(kind, path):
            return [] if attribute.type == "block" else None
        return value_of(self.rng, kind, path, attribute)

    def _made(self, one: Any, expression: Any, count: int) -> list[str]:
        """Several elements that name the same resource once each: it, and all that lies in it (``docs/adr/0003``)."""
        references = expression.get("references", []) if isinstance(expression, dict) else []
        if count < 2 or any(references.count(ref) != count for ref in references):
            return []
        linked = self._linked(one, {"references": list(dict.fromkeys(references))})
        return [linked, *[linked + "/*"] * (count - 1)] if linked else []

    def _linked(self, one: Any, expression: Any) -> str | None:
        """The identity that a lone reference stands for."""
        if not isinstance(expression, dict) or "references" not in expression:
            return None
        references = expression["references"]
        longest = [
            ref for ref in references if not any(other.startswith((ref + ".", ref + "[")) for other in references)
        ]
        if len(set(longest)) == 2 == len(longest) and all(
            (found := REFERENCE.fullmatch(ref)) and found[4] in ("id", "arn") for ref in longest
        ):
            return self._linked(one, {"references": [self.rng.choice(longest)]})
        by_key = [ref for ref in references if ref == "each.key"]
        if by_key and len(references) == 2 and (key := re.search(r"\[.*\]$", one["address"])):
            return self._of(next(ref for ref in references if ref != "each.key") + key[0], "id")
        if len(longest) == 1 and longest[0] in self.documents:
            return self.documents[longest[0]]
        looked_up = DATA_ID.fullmatch(longest[0]) if len(longest) == 1 else None
        if looked_up is not None and looked_up[1] in self.planned:
            return identity(looked_up[1], "id")
        found = REFERENCE.fullmatch(longest[0]) if len(longest) == 1 else None
        if found is None or not (found[4] in IDENTITY or is_identity(found[1], found[4])):
            return None
        return self._of(f"{found[1]}.{found[2]}{found[3] or ''}", found[4])

    def _of(self, address: str, attribute: str) -> str | None:
        if address not in self.planned:
            return None
        known = (self.planned[address] or {}).get(attribute)
        if isinstance(known, str):
            return known
        kind, _, name = address.partition("[")[0].partition(".")
        expressions = self.blocks.get(("managed", kind, name), {}).get("expressions", {})
        found = SCHEMA.attribute(kind, attribute)
        if attribute in expressions and not (found and found.computed):  # it is another's identity that it passes on
            return self._linked({"address": address, "type": kind}, expressions[attribute])
        if (kind, attribute) == ("aws_s3_bucket", "arn"):  # the one whose shape a check asks for
            return f"arn:aws:s3:::{self._of(address, 'bucket')}"
        return identity(address, attribute)

    def _dynamic(self, one: Any, path: str, value: Any, mask: Any) -> Any:
        """Blocks of unknown number: each with what the content sets, and nothing else."""
        attribute = SCHEMA.attribute(one["type"], path)
        assert attribute is not None
        if mask is True:
            return value_of(self.rng, one["type"], path, attribute)
        (block,), (inside,) = value, mask
        return [
            {**block, **{name: value_of(self.rng, one["type"], f"{path}[].{name}", SCHEMA.attribute(one["type"], f"{path}[].{name}"))
                         for name in inside}}
            for _ in range(self.rng.randint(0, 2))
        ]  # fmt: skip


# --- random plans ----------------------------------------------------------------------------------------------------


class RandomPlan:
    """A plan over the resource types that one check looks at, with the configuration that Terraform would show."""

    def __init__(self, rng: Random, types: list[str]) -> None:
        self.rng = rng
        self.dynamic: set[tuple[str, str]] = set()
        self.masks: dict[str, dict[str, Any]] = {}
        pool = types[:3] + types
        self.chosen = [
            (rng.choice(pool), f"r{index}", rng.choice(["", "", "", '["a"]'])) for index in range(rng.randint(1, 4))
        ]
        configured = rng.random() < 0.85
        changes, blocks = [], []
        for kind, name, key in self.chosen:
            keys = ['["a"]', '["b"]'] if key else [""]
            after, mask, expressions = self._resource(kind, f"{kind}.{name}{keys[0]}", has_key=bool(key))
            self.masks[name] = mask
            for one in keys:  # instances share their block
                address = f"{kind}.{name}{one}"
                if one != keys[0]:
                    self.dynamic |= {(address, path) for at, path in self.dynamic if at == f"{kind}.{name}{keys[0]}"}
                named = {part: identity(address, part) for part in IDENTITY if after.get(part)}
                changes.append(self._change(kind, name, address, {**after, **named}, mask))
            blocks.append(
                {"address": f"{kind}.{name}", "mode": "managed", "type": kind, "name": name, "expressions": expressions}
            )
        self.json: dict[str, Any] = {
            "format_version": "1.2", "terraform_version": "1.11.4", "planned_values": {"root_module": {}},
            "resource_changes": changes,
        }  # fmt: skip
        if configured:
            self.json["configuration"] = {"root_module": {"resources": blocks, "variables": {"v": {}}}}

    def _change(self, kind: str, name: str, address: str, after: Any, mask: Any) -> dict[str, Any]:
        actions = self.rng.choice([["create"]] * 5 + [["update"], ["delete", "create"], ["no-op"]])
        before = None
        if actions == ["no-op"]:
            after = before = {
                **after,
                **{key: identity(address, key) for key, part in mask.items() if part is True and key in IDENTITY},
            }
            mask, self.masks[name] = {}, {}
        elif actions != ["create"]:
            before = fields(self.rng, kind, "", lambda r, p, a: value_of(r, kind, p, a))
        return {"address": address, "mode": "managed", "type": kind, "name": name,
                "change": {"actions": actions, "before": before, "after": after, "after_unknown": mask,
                           "before_sensitive": False, "after_sensitive": False}}  # fmt: skip

    def _resource(
        self, kind: str, address: str, *, has_key: bool
    ) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
        after, mask, written = self._body(kind, address, "", has_key=has_key)
        for name in ("id", "arn"):
            found = SCHEMA.attribute(kind, name)
            if found is not None and found.computed and not (after.get(name)):
                after.pop(name, None)
                written.pop(name, None)
                mask[name] = True
        return after, mask, written

    def _body(
        self, kind: str, address: str, prefix: str, *, has_key: bool
    ) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
        rng = self.rng
        after: dict[str, Any] = {}
        mask: dict[str, Any] = {}
        written: dict[str, Any] = {}
        for path, attribute in SCHEMA.paths(kind).items():
            name = path.removeprefix(prefix)
            if not path.startswith(prefix) or not name or "." in name or name not in vocabulary().names:
                continue
            settable = attribute.optional or attribute.required
            choice = rng.random()
            objects = attribute.type in ("list(object)", "set(object)")
            if not settable or (choice < 0.25 and not attribute.required):  # left out
                inside = SCHEMA.attribute(kind, prefix.removesuffix("[].")) if prefix else None
                if (SCHEMA.left_to_provider(kind, path) or not settable) and (inside is None or inside.type == "block"):
                    mask[name] = True
                elif attribute.type == "block":
                    after[name] = []
                else:
                    after[name] = None
            elif attribute.type == "block" or objects:
                if (
                    rng.random() < 0.15 and not SCHEMA.left_to_provider(kind, path) and not prefix
                ):  # dynamic, of unknown number
                    self.dynamic.add((address, path))
                    if objects:
                        whole, inner, _ = self._body(kind, address, path + "[].", has_key=has_key)
                        every = sorted({*whole, *inner})
                        sets = rng.sample(every, rng.randint(1, len(every))) if every else []
                        after[name] = [{one: None for one in every if one not in sets}]
                        mask[name] = [dict.fromkeys(sets, True)]
                    else:
                        mask[name] = True
                    continue
                most = min(attribute.max_items or 2, 2)
                parts = [self._body(kind, address, path + "[].", has_key=has_key) for _ in range(rng.randint(1, most))]
                after[name] = [part[0] for part in parts]
                mask[name] = [part[1] for part in parts]
                written[name] = [part[2] for part in parts]
                if objects:
                    refs = [ref for part in parts for one in part[2].values() for ref in one.get("references", ())]
                    written[name] = {"references": refs} if refs else {"constant_value": after[name]}
            elif choice < (0.35 if name in vocabulary().links else 0.55):  # a literal, or something else that is known
                after[name] = value_of(rng, kind, path, attribute)
                if path in IDENTITY and not after[name]:
                    after[name] = identity(address, name)
                written[name] = {"constant_value": after[name]} if rng.random() < 0.8 else {"references": ["var.v"]}
            elif attribute.type.startswith(("list(", "set(")) and rng.random() < 0.6:  # some elements are known
                items = [
                    value_of(rng, kind, path, AttributeSchema(attribute.element), inside=True)
                    for _ in range(rng.randint(1, 3))
                ]
                unknown = [rng.random() < 0.5 for _ in items]
                after[name] = [None if hidden else item for item, hidden in zip(items, unknown, strict=True)]
                mask[name] = unknown
                written[name] = {
                    "references": self._references(address, path, has_key=has_key)
                    if len(items) == 1
                    else ["var.v", "local.l"]
                }
            else:
                mask[name] = True
                written[name] = {"references": self._references(address, path, has_key=has_key)}
        return after, mask, written

    def _references(self, address: str, path: str, *, has_key: bool) -> list[str]:
        rng = self.rng
        own = [f"{kind}.{target}" for kind, target, _ in self.chosen].index(address.partition("[")[0])
        others = self.chosen[:own]  # no circles
        attribute = SCHEMA.attribute(address.partition(".")[0], path)
        if not others or rng.random() < 0.2 or attribute is None or attribute.type in ("bool", "number"):
            return [rng.choice(["var.v", "local.l", "data.aws_x.y.z"])]
        kind, target, key = rng.choice(others)
        if key and has_key and rng.random() < 0.5:
            return [f"{kind}.{target}", "each.key"]
        key = '["a"]' if key else ""
        named = [one for one in ("id", "id", "arn", "name", "description", "bucket", path)
                 if SCHEMA.attribute(kind, one) and (one in ("id", "arn") or one in self.masks[target])]  # fmt: skip
        whole = f"{kind}.{target}{key}"
        lone = [f"{whole}.{rng.choice(named or ['id'])}", whole, *([f"{kind}.{target}"] if key else [])]
        extra = rng.random()
        if extra < 0.15:
            return [rng.choice(["var.v", "local.l"]), *lone]
        if extra < 0.25:
            kind, target, key = rng.choice(others)
            key = '["a"]' if key else ""
            return [*lone, f"{kind}.{target}{key}.id", f"{kind}.{target}{key}", *([f"{kind}.{target}"] if key else [])]
        return lone


# --- the property ----------------------------------------------------------------------------------------------------


def verdicts(data: bytes, *, owns_account: bool = False) -> dict[tuple[str, str], set[str]]:
    policy = policy_of(catalogue(), owns_account=owns_account)
    evaluation = evaluate(read_plan(data, "the plan"), catalogue(), policy, None, include_passed=True)
    out: dict[tuple[str, str], set[str]] = {}
    for result in evaluation.results:
        out.setdefault((result.check.id, result.subject.address), set()).add(str(result.verdict))
    coverage = evaluation.coverage
    assert coverage.evaluated + coverage.not_applicable == coverage.resources
    return out


def broken(before: dict[Any, set[str]], after: dict[Any, set[str]]) -> list[str]:
    """Verdicts that the completion has turned. ``error`` says that the provider would refuse the value."""
    out = []
    for key, seen in before.items():
        now = after.get(key, set())
        if (
            "error" in now
            or "error" in seen
            or key[0].endswith(("-exposed", "-customer-managed-key"))
            or key[0] in BY_LINKS
        ):
            continue
        if "fail" in seen and "fail" not in now:
            out.append(f"{key}: fail became {sorted(now) or 'not applicable'}")
        if seen == {"pass"} and now - {"pass"}:
            out.append(f"{key}: pass became {sorted(now)}")
    return out


@cache
def examples() -> list[tuple[str, bytes, bool]]:
    out = []
    for path in sorted(ROOT.rglob("*.yaml")):
        if path.parent.name in ("policies", "frameworks", "tools", "exposure") or path.parent == ROOT:
            continue  # exposure is held against a simulation of packets, where links stay links
        check = read_check(path.read_bytes(), Source(path.name), path.stem, SCHEMA)
        assert check is not None
        for texts in check["examples"].values():
            for text in texts:
                made = example_plan(text, SCHEMA)
                out.append((path.stem, made.json, made.owns_account))
    return out


def judge_random(rng: Random, types: list[str]) -> list[str]:
    plan = RandomPlan(rng, types)
    before = verdicts(msgspec.json.encode(plan.json))
    out = []
    for _ in range(2):
        completed = Completion(plan.json, rng, frozenset(plan.dynamic)).completed()
        out += [
            f"{line}\n{msgspec.json.encode(plan.json).decode()}\n{completed.decode()}"
            for line in broken(before, verdicts(completed))
        ]
    return out


@pytest.mark.parametrize("part", range(4))
def test_examples_of_every_check_keep_their_verdicts_however_the_unknowns_turn_out(part: int) -> None:
    wrong = []
    for check, data, owned in examples()[part::4]:
        before = verdicts(data, owns_account=owned)
        for seed in range(4):
            completed = Completion(msgspec.json.decode(data), Random(seed)).completed()
            wrong += [f"{check}: {line}" for line in broken(before, verdicts(completed, owns_account=owned))]
    assert wrong == []


@settings(
    max_examples=60,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(seed=st.integers(0, 2**32), number=st.integers(0, 10_000))
@example(seed=0, number=0)
def test_random_plans_keep_their_verdicts_however_the_unknowns_turn_out(seed: int, number: int) -> None:
    types = vocabulary().types[number % len(catalogue())]
    if types:
        assert judge_random(Random(seed), types) == []
