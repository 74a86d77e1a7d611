"""The resources of a plan as they will be (or were), and how they name one another.

A :class:`World` is one side of a plan: ``after`` or ``before``. Its :class:`PlanSubject` s are what
conditions are applied to. Everything is indexed on first demand: most plans need little of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

from iacgate.model.address import Address, AddressError, parse_address
from iacgate.model.finding import Evidence
from iacgate.model.plan import Plan, ResourceChange
from iacgate.model.values import ABSENT, SENSITIVE, UNKNOWN
from iacgate.policy.iam import PolicyDocumentError, from_data_source, from_json
from iacgate.policy.lookup import path_text
from iacgate.policy.references import Origin, References, Target
from iacgate.policy.subject import FAIL_TRUTH, UNKNOWN_TRUTH, Linked, Links, Trace

if TYPE_CHECKING:
    from iacgate.policy.subject import Path

__all__ = ["PlanSubject", "World"]

# Attributes that every resource has once it exists: a lone reference to one of them is set.
_IDENTITY = frozenset(
    {
        "id",
        "arn",
        "name",
        "key_id",
        "self_link",
        "bucket",
        "unique_id",
        "identifier",
        "cluster_identifier",
        "url",
        "key_arn",
        "alias_arn",
        "iam_arn",
        "target_key_arn",
    }
)
_POLICY_SOURCE = "aws_iam_policy_document"


class PlanSubject:
    """One resource on one side of a plan."""

    __slots__ = ("_address", "_judged", "actions", "address", "change", "masks", "type", "unknown", "values", "world")

    def __init__(
        self,
        world: World,
        address: str,
        kind: str,
        actions: tuple[str, ...],
        values: dict[str, Any],
        unknown: Any,
        masks: Any,
        change: ResourceChange | None,
    ) -> None:
        self.world = world
        self.address = address
        self.type = kind
        self.actions = actions
        self.values = values
        self.unknown = unknown
        self.masks = masks
        self.change = change
        self._judged: Any = None
        self._address: Address | None = None

    @property
    def judged(self) -> Any:
        """The resource that the check is about: this one, unless a relation led here."""
        return self._judged or self

    @judged.setter
    def judged(self, subject: Any) -> None:
        """No cycle for the resource itself: what is done with is freed at once."""
        self._judged = None if subject is self else subject

    @property
    def parsed(self) -> Address | None:
        """The address taken apart; ``None`` when it is none that Terraform would write."""
        if self._address is None:
            try:
                self._address = parse_address(self.address)
            except AddressError:
                return None
        return self._address

    def resolve(self, at: Path) -> Any:
        """``ABSENT``: the author left it to the provider. ``Linked``: it names a resource here. Else ``UNKNOWN``."""
        expression = self._expression(at)
        if expression is False:
            return ABSENT if self.world.may_be_left_out(self.type, at) else UNKNOWN
        if not isinstance(expression, dict):
            return UNKNOWN
        origin = self._origin(expression)
        if not origin.targets and self._is_null(expression):
            return ABSENT if self.world.may_be_left_out(self.type, at) else UNKNOWN
        lone = origin.lone
        if lone is None or lone.mode == "ephemeral":
            return UNKNOWN
        if lone.attribute and lone.attribute not in _IDENTITY:
            return UNKNOWN
        found = self.world.instances(lone, origin.key)
        if not lone.attribute and any(_passes_on(one, lone, at) for one in found):
            return UNKNOWN  # `a.b[each.key].c` is listed as `a.b`, and `c` may be this very attribute
        return Linked(found[0].address) if found else UNKNOWN

    def lacks(self, name: str) -> bool:
        """A data source does not have all attributes of the resource it looks up."""
        return name not in self.values and self.parsed is not None and self.parsed.mode == "data"

    def names_somebody(self, at: Path) -> bool:
        """Whatever the unknown turns out to be, it is the identity of a resource of this plan (never ``*``)."""
        expression = self._expression(at)
        if not isinstance(expression, dict):
            return False
        origin = self._origin(expression)
        return origin.closed and bool(origin.targets) and all(one.attribute in _IDENTITY for one in origin.targets)

    def trace(self, at: Path) -> Trace:
        """The references behind an unknown, and what would settle it."""
        if len(at) == 1 and self.lacks(str(at[0])):
            return Trace((), "the data source does not say")
        expression = self._expression(at)
        if expression is False:
            return Trace((), "the provider settles it when it applies; set it explicitly")
        if not isinstance(expression, dict):
            why = "the configuration in the plan does not show the expression"
            return Trace((), why if self.world.references else "the plan has no configuration to follow")
        chain = self._origin(expression).chain
        if any(step.startswith("local.") for step in chain):
            return Trace(chain, "a plan does not show what locals are made of; refer to the resource itself")
        return Trace(chain, "known only after apply")

    def is_sensitive(self, at: Path) -> bool:
        """The plan's mask covers the value, one of its parents or a part of it."""
        mask = self.masks
        for step in at:
            if mask is True:
                return True
            if isinstance(mask, dict):
                mask = mask.get(step)
            elif isinstance(mask, list) and isinstance(step, int):
                mask = mask[step] if step < len(mask) else None
            else:
                return False
        return _any_true(mask)

    def policy_document(self, at: Path) -> tuple[dict[str, Any], Any] | None:
        """Statements of the ``aws_iam_policy_document`` that this attribute's value will be, if it is just that."""
        expression = self._expression(at)
        if not isinstance(expression, dict):
            return None
        origin = self._origin(expression)
        lone = origin.lone
        if (
            lone is None
            or lone.type != _POLICY_SOURCE
            or lone.mode != "data"
            or lone.attribute not in ("json", "minified_json", "")
        ):
            return None
        found = self.world.instances(lone, origin.key)
        if len(found) != 1:
            return None
        try:
            known = found[0].values.get("json")
            if isinstance(known, str):
                return from_json(known), None
            return from_data_source(found[0].values, found[0].unknown, found[0].names_somebody)
        except PolicyDocumentError:
            return None

    def named_by(self, types: list[str], their: str, matches: list[str], missing: int | None) -> Links:
        """Resources of the types whose attribute ``their`` names this one."""
        certain: list[PlanSubject] = []
        possible: list[PlanSubject] = []
        rest: list[list[PlanSubject]] = []
        for kind in types:
            index = self.world.incoming(kind, their)
            for name in matches:
                value = self.values.get(name)
                if isinstance(value, str) and value:
                    certain += index.by_value.get(value, ())
            for attribute, sure, one in index.by_reference.get(self.address, ()):
                (certain if sure and attribute in ("", *matches) else possible).append(one)
            rest += [index.passed_on_to(self.type), index.unresolved]
        certain = _once(certain)
        open_ones = _Possible(_once(possible), rest, certain)
        wanted = " or ".join(types)
        if missing is None:
            missing = FAIL_TRUTH if self._partner_cannot_be_elsewhere(types, their, matches) else UNKNOWN_TRUTH
        first = next(iter(open_ones), None)
        if first is not None:
            needs = f"{first.address} may be the one: its `{their}` is known only after apply"
        else:
            needs = "" if missing != UNKNOWN_TRUTH else f"no {wanted} of this root names it; one may live elsewhere"
        actual = ABSENT if missing != UNKNOWN_TRUTH and first is None else UNKNOWN
        return Links(certain, open_ones, False, missing, Evidence("", actual, "", needs=needs))

    def names(self, types: list[str], value: Any, at: Path, matches: list[str], missing: int | None) -> Links:
        """Resources of the types that the value at ``at`` names."""
        otherwise = UNKNOWN_TRUTH if missing is None else missing
        path = path_text(at)
        if value is UNKNOWN or type(value) is Linked:
            expression = self._expression(at)
            origin = self._origin(expression) if isinstance(expression, dict) else None
            chain, needs = self.trace(at)
            here = Evidence(path, UNKNOWN, "", chain=chain, needs=needs)
            if origin is None or not origin.closed:
                return Links([], [], True, UNKNOWN_TRUTH, here)
            found: list[PlanSubject] = []
            strangers = False
            for target in origin.targets:
                if target.attribute not in ("", *matches):
                    return Links([], [], True, UNKNOWN_TRUTH, here)
                instances = self.world.instances(target, origin.key)
                if not instances or any(_passes_on(one, target, at) for one in instances if one.type not in types):
                    return Links([], [], True, UNKNOWN_TRUTH, here)
                strangers = strangers or any(one.type not in types for one in instances)
                found += [one for one in instances if one.type in types]
            if found and strangers:
                return Links([], [], True, UNKNOWN_TRUTH, here)
            if not found:
                return Links([], [], False, otherwise, here)
            return Links([], _once(found), True, UNKNOWN_TRUTH, here)
        values = value if isinstance(value, list) else [value]
        certain: list[PlanSubject] = []
        for kind in types:
            for name in matches:
                for item in values:
                    if isinstance(item, str):
                        certain += self.world.by_value(kind, name).get(item, ())
        needs = f"{' or '.join(types)} named by `{path}` is not in this plan"
        shown = SENSITIVE if self.is_sensitive(at) else ", ".join(str(item) for item in values)
        here = Evidence(path, shown, "", needs=needs)
        if None in values:  # elements that are not known
            return Links(_once(certain), [], False, UNKNOWN_TRUTH, here, open=True)
        return Links(_once(certain), [], False, otherwise, here)

    def others(self, types: list[str]) -> list[PlanSubject]:
        """All managed resources of these types on this side."""
        return [one for kind in types for one in self.world.managed(kind)]

    def _expression(self, at: Path) -> Any:
        references = self.world.references
        address = self.parsed
        return references.expression(address, at, self.values) if references and address else None

    def _is_null(self, expression: dict[str, Any]) -> bool:
        references, address = self.world.references, self.parsed
        return references is not None and address is not None and references.is_null(address, expression)

    def _origin(self, expression: dict[str, Any]) -> Origin:
        references, address = self.world.references, self.parsed
        assert references is not None
        assert address is not None
        return references.origin(address, expression)

    def _partner_cannot_be_elsewhere(self, types: list[str], their: str, matches: list[str]) -> bool:
        """It is created by this plan, so nothing elsewhere can name it yet; or its partner goes away here."""
        if self.world.side == "before":
            return False
        if "create" in self.actions:
            return True
        before = self.world.opposite
        twin = (
            before.subject_at((self.change.previous_address if self.change else "") or self.address) if before else None
        )
        if twin is None:
            return False
        links = twin.named_by(types, their, matches, UNKNOWN_TRUTH)
        return bool(links.certain)


class _Possible:
    """Partners of which it cannot be told; those that nobody can tell of are shared by all who ask."""

    __slots__ = ("_certain", "_own", "_rest")

    def __init__(self, own: list[PlanSubject], rest: list[list[PlanSubject]], certain: list[PlanSubject]) -> None:
        self._own, self._rest, self._certain = own, rest, certain

    def __iter__(self) -> Iterator[PlanSubject]:
        for part in (self._own, *self._rest):
            for one in part:
                if one not in self._certain and (part is self._own or one not in self._own):
                    yield one

    def __bool__(self) -> bool:
        return next(iter(self), None) is not None


class _Incoming:
    """Resources of one type by what their attribute names."""

    def __init__(self) -> None:
        self.by_value: dict[str, list[PlanSubject]] = {}
        self.by_reference: dict[str, list[tuple[str, bool, PlanSubject]]] = {}
        """By address: the attribute it is named by, whether that is sure, and who names it."""
        self.passed_on: list[tuple[str, PlanSubject]] = []
        """What names something of this type that may hand on the identity of another resource."""
        self.unresolved: list[PlanSubject] = []
        self._passed_on: dict[str, list[PlanSubject]] = {}

    def passed_on_to(self, kind: str) -> list[PlanSubject]:
        """Those of ``passed_on`` that a resource of another type may be meant by."""
        if kind not in self._passed_on:
            self._passed_on[kind] = [one for other, one in self.passed_on if other != kind]
        return self._passed_on[kind]


class World:
    """One side of a plan."""

    def __init__(self, plan: Plan, side: str, optional: frozenset[tuple[str, str]]) -> None:
        self.plan = plan
        self.side = side
        self.opposite: World | None = None
        self._optional = optional
        self._subjects: dict[str, PlanSubject | None] = {}
        self._incoming: dict[tuple[str, str], _Incoming] = {}
        self._values: dict[tuple[str, str], dict[str, list[PlanSubject]]] = {}

    def may_be_left_out(self, kind: str, at: Path) -> bool:
        """The schema lets an author set the attribute, so not setting it leaves it to the provider's default."""
        return (kind, ".".join(step for step in at if isinstance(step, str))) in self._optional

    def subject(self, change: ResourceChange) -> PlanSubject | None:
        """The resource of a change on this side; ``None`` when there is none."""
        values = self.plan.values(change)
        if self.side == "before":
            if values.before is None:
                return None
            address = change.previous_address or change.address
            return PlanSubject(
                self, address, change.type, change.actions, values.before, None, values.before_sensitive, change
            )
        if change.goes_away:
            return None
        unknown = values.unknown
        after = values.after
        if after is None:
            after, unknown = {}, True
        return PlanSubject(
            self, change.address, change.type, change.actions, after, unknown, values.after_sensitive, change
        )

    def subject_at(self, address: str) -> PlanSubject | None:
        """The resource at an address on this side."""
        if address not in self._subjects:
            change = self._by_address.get(address)
            self._subjects[address] = self.subject(change) if change else None
        return self._subjects[address]

    def account(self) -> PlanSubject:
        """The account that the plan works on, for checks on accounts."""
        return PlanSubject(self, "account", "account", (), {}, None, None, None)

    @cached_property
    def _by_address(self) -> dict[str, ResourceChange]:
        before = self.side == "before"
        return {
            (change.previous_address or change.address) if before else change.address: change
            for change in self.plan.resource_changes
            if not change.deposed
        }

    @cached_property
    def _by_type(self) -> dict[tuple[str, str], list[str]]:
        out: dict[tuple[str, str], list[str]] = {}
        for address, change in self._by_address.items():
            out.setdefault((change.mode, change.type), []).append(address)
        return out

    @cached_property
    def references(self) -> References | None:
        """The configuration's references; they speak of what will be, so the other side has none."""
        if self.side == "before" or self.plan.configuration is None:
            return None
        return References(self.plan.configuration, self.plan.variables)

    @cached_property
    def _standing(self) -> dict[tuple[str, str], list[PlanSubject]]:
        """What the plan knows but does not list: data sources that were read, what ``-target`` left out."""
        out: dict[tuple[str, str], list[PlanSubject]] = {}
        modules = [self.plan.prior_state.get("root_module", {})]
        while modules:
            module = modules.pop()
            modules += module.get("child_modules", ())
            for found in module.get("resources", ()):
                address, kind = found.get("address", ""), found.get("type", "")
                if address and kind:
                    values, masks = found.get("values", {}), found.get("sensitive_values")
                    one = PlanSubject(self, address, kind, (), values, None, masks, None)
                    out.setdefault((found.get("mode", "managed"), kind), []).append(one)
        return out

    def managed(self, kind: str) -> list[PlanSubject]:
        """All managed resources of a type."""
        return self._all("managed", kind)

    def _all(self, mode: str, kind: str) -> list[PlanSubject]:
        listed = _there(self.subject_at(address) for address in self._by_type.get((mode, kind), ()))
        return listed + self._standing.get((mode, kind), [])

    def by_value(self, kind: str, attribute: str) -> dict[str, list[PlanSubject]]:
        """Resources and data sources of a type by the known value of one attribute."""
        key = (kind, attribute)
        if key not in self._values:
            index: dict[str, list[PlanSubject]] = {}
            for one in self._all("managed", kind) + self._all("data", kind):
                value = one.values.get(attribute)
                if isinstance(value, str) and value:
                    index.setdefault(value, []).append(one)
            self._values[key] = index
        return self._values[key]

    def incoming(self, kind: str, attribute: str) -> _Incoming:
        """Resources of a type by what their attribute names."""
        key = (kind, attribute)
        if key not in self._incoming:
            index = self._incoming[key] = _Incoming()
            for one in self.managed(kind):
                self._enter(index, one, attribute)
        return self._incoming[key]

    def _enter(self, index: _Incoming, one: PlanSubject, attribute: str) -> None:
        steps = attribute.split(".")
        value: Any = one.values
        mask: Any = one.unknown
        for step in steps:
            while isinstance(value, list):
                value, mask = (value[0] if value else None), (mask[0] if isinstance(mask, list) and mask else mask)
            value = value.get(step) if isinstance(value, dict) else None
            mask = mask if mask is True else mask.get(step) if isinstance(mask, dict) else None
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, str) and item:
                index.by_value.setdefault(item, []).append(one)
        if not _any_true(mask):
            return
        expression = one._expression(tuple(steps))
        if expression is False:
            return
        origin = one._origin(expression) if isinstance(expression, dict) else None
        if origin is None or not origin.targets:
            index.unresolved.append(one)
            return
        sure = origin.lone is not None
        for target in origin.targets:
            found = self.instances(target, origin.key)
            if not found or target.mode != "managed":
                index.unresolved.append(one)
                continue
            for partner in found:
                named = (target.attribute, sure and len(found) == 1, one)
                index.by_reference.setdefault(partner.address, []).append(named)
            if any(_passes_on(partner, target, tuple(steps)) for partner in found):
                index.passed_on.append((target.type, one))
        if not origin.closed:
            index.unresolved.append(one)

    def instances(self, target: Target, key: str | None) -> list[PlanSubject]:
        """The instances that a reference may mean; with ``key`` the one that has this instance key, if there is one."""
        candidates: list[PlanSubject] = []
        for address in self._by_block.get(
            (tuple(name for name, _ in target.modules), target.mode, target.type, target.name), ()
        ):
            one = self.subject_at(address)
            parsed = one.parsed if one else None
            if one is None or parsed is None:
                continue
            if target.key is not None and parsed.key != target.key:
                continue
            steps = zip(parsed.modules, target.modules, strict=True)
            if all(wanted is None or step.key == wanted for step, (_, wanted) in steps):
                candidates.append(one)
        if not candidates:
            candidates = [one for one in self._standing.get((target.mode, target.type), ()) if _fits(one, target)]
        if key and len(candidates) > 1:
            mine = [one for one in candidates if one.parsed and _last_key(one.parsed) == key]
            return mine or candidates
        return candidates

    @cached_property
    def _by_block(self) -> dict[tuple[tuple[str, ...], str, str, str], list[str]]:
        out: dict[tuple[tuple[str, ...], str, str, str], list[str]] = {}
        for address in self._by_address:
            try:
                parsed = parse_address(address)
            except AddressError:
                continue
            out.setdefault((parsed.module_names, parsed.mode, parsed.type, parsed.name), []).append(address)
        return out


def _last_key(address: Address) -> str:
    return address.key or (address.modules[-1].key if address.modules else "")


def _fits(one: PlanSubject, target: Target) -> bool:
    parsed = one.parsed
    if parsed is None or (parsed.mode, parsed.type, parsed.name) != (target.mode, target.type, target.name):
        return False
    if parsed.module_names != tuple(name for name, _ in target.modules):
        return False
    if target.key is not None and parsed.key != target.key:
        return False
    return all(
        wanted is None or step.key == wanted for step, (_, wanted) in zip(parsed.modules, target.modules, strict=True)
    )


def _passes_on(one: PlanSubject, target: Target, at: Path) -> bool:
    """What is taken from ``one`` may be another resource's identity: ``aws_s3_bucket_versioning.v.bucket``."""
    leaf = next((step for step in reversed(at) if isinstance(step, str)), "")
    return (
        target.attribute not in ("", "id", "arn")
        or leaf in one.values
        or leaf in (one.unknown if isinstance(one.unknown, dict) else ())
    )


def _there(subjects: Iterable[PlanSubject | None]) -> list[PlanSubject]:
    return [one for one in subjects if one is not None]


def _once(subjects: list[PlanSubject]) -> list[PlanSubject]:
    return list(dict.fromkeys(subjects))


def _any_true(mask: Any) -> bool:
    if isinstance(mask, dict):
        return any(_any_true(part) for part in mask.values())
    if isinstance(mask, list):
        return any(_any_true(part) for part in mask)
    return mask is True
