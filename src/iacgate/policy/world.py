"""The resources of a plan as they will be (or were), and how they name one another.

A :class:`World` is one side of a plan: ``after`` or ``before``. Its :class:`PlanSubject` s are what
conditions are applied to. Everything is indexed on first demand: most plans need little of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from iacgate.model.address import Address, AddressError, parse_address
from iacgate.model.plan import Plan, ResourceChange
from iacgate.policy.plan_subject import PlanSubject, any_true, passes_on
from iacgate.policy.references import References

if TYPE_CHECKING:
    from iacgate.model.image_scan import ImageScan
    from iacgate.model.origin import Origins, Target
    from iacgate.policy.catalogue import Catalogue
    from iacgate.policy.configuration_subjects import ConfiguredParts
    from iacgate.policy.image_scans import ImageScans
    from iacgate.policy.posture import Posture
    from iacgate.policy.provider_versions import Span
    from iacgate.policy.subject import Path

__all__ = ["World"]


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

    def __init__(self, plan: Plan, side: str, catalogue: Catalogue, digest_key: bytes = b"") -> None:
        self.plan = plan
        self.side = side
        self.digest_key = digest_key
        self.opposite: World | None = None
        self.given_image_scans: Sequence[ImageScan] = ()
        self.image_tables: Sequence[Mapping[str, Any]] = ()
        """What the policy asks of images."""
        self._catalogue = catalogue
        self.memo: dict[Any, Any] = {}
        """What was worked out of several resources together, by question and address."""
        self.posture: Posture | None = None
        """What is known of resources that the plan does not show."""
        self._subjects: dict[str, PlanSubject | None] = {}
        self._incoming: dict[tuple[str, str], _Incoming] = {}
        self._values: dict[tuple[str, str], dict[str, list[PlanSubject]]] = {}
        self._provider_versions: dict[str, Span] = {}

    @cached_property
    def image_scans(self) -> ImageScans:
        """The scans of container images that were given, by the policy's rules."""
        # Imported here: only a check that asks for them pays for it.
        from iacgate.policy.image_scans import ImageScans, image_rules

        return ImageScans(self.given_image_scans, image_rules(self.image_tables), datetime.now(UTC))

    def provider_versions(self, source: str) -> Span:
        """The versions of a provider that may be at work here: the locked one, else what the constraints leave."""
        if source not in self._provider_versions:
            from iacgate.policy.provider_versions import span_of

            locks = self.plan.provider_locks
            lock = locks.get(source.lower()) if locks else None
            wanted = [lock.version] if lock else self.parts.version_constraints([source]).get(source, [])
            self._provider_versions[source] = span_of(wanted)
        return self._provider_versions[source]

    def may_be_left_out(self, kind: str, at: Path) -> bool:
        """The schema lets an author set the attribute, so not setting it leaves it to the provider's default."""
        return (kind, ".".join(step for step in at if isinstance(step, str))) in self._catalogue.settable

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
            change = self.by_address.get(address)
            self._subjects[address] = self.subject(change) if change else None
        return self._subjects[address]

    def account(self) -> PlanSubject:
        """The account that the plan works on, for checks on accounts."""
        return PlanSubject(self, "account", "account", (), {}, None, None, None)

    @cached_property
    def parts(self) -> ConfiguredParts:
        """The parts of the configuration, for checks on them."""
        # Imported here: only a policy with such checks pays for it.
        from iacgate.policy.configuration_subjects import ConfiguredParts

        return ConfiguredParts(self)

    @cached_property
    def by_address(self) -> dict[str, ResourceChange]:
        """The changes by address, without deposed objects."""
        before = self.side == "before"
        return {
            (change.previous_address or change.address) if before else change.address: change
            for change in self.plan.resource_changes
            if not change.deposed
        }

    @cached_property
    def _by_type(self) -> dict[tuple[str, str], list[str]]:
        out: dict[tuple[str, str], list[str]] = {}
        for address, change in self.by_address.items():
            out.setdefault((change.mode, change.type), []).append(address)
        return out

    @cached_property
    def references(self) -> Origins | None:
        """The configuration's references; they speak of what will be, so the other side has none."""
        if self.side == "before":
            return None
        if self.plan.origins is not None:
            return self.plan.origins
        if self.plan.configuration is None:
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

    def data_read(self) -> list[PlanSubject]:
        """Data sources that were read while planning."""
        return [one for (mode, _), found in self._standing.items() if mode == "data" for one in found]

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
        for value, mask, at in _leaves(one.values, one.unknown, attribute.split("."), ()):
            for item in value if isinstance(value, list) else [value]:
                if isinstance(item, str) and item:
                    index.by_value.setdefault(item, []).append(one)
            if any_true(mask):
                self._enter_reference(index, one, at)

    def _enter_reference(self, index: _Incoming, one: PlanSubject, at: Path) -> None:
        """What an attribute that is not known yet may name."""
        origin = one.origin(at)
        if origin is False:
            return
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
            if any(passes_on(partner, target, at) for partner in found):
                index.passed_on.append((target.type, one))
        if not origin.closed:
            index.unresolved.append(one)

    def instances(self, target: Target, key: str | None) -> list[PlanSubject]:
        """The instances that a reference may mean; with ``key`` the one that has this instance key, if there is one."""
        candidates: list[PlanSubject] = []
        for address in self.by_block.get(
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
    def by_block(self) -> dict[tuple[tuple[str, ...], str, str, str], list[str]]:
        """The addresses of a block's instances, by (modules, mode, type, name)."""
        out: dict[tuple[tuple[str, ...], str, str, str], list[str]] = {}
        for address in self.by_address:
            try:
                parsed = parse_address(address)
            except AddressError:
                continue
            out.setdefault((parsed.module_names, parsed.mode, parsed.type, parsed.name), []).append(address)
        return out


def _leaves(value: Any, mask: Any, steps: Sequence[str], at: Path) -> Iterator[tuple[Any, Any, Path]]:
    """The values of an attribute in all blocks that it stands in, each with its mask and its path."""
    if isinstance(value, list) and steps:
        for index, item in enumerate(value):
            inner = mask[index] if isinstance(mask, list) and index < len(mask) else mask
            yield from _leaves(item, inner, steps, (*at, index))
    elif not steps or mask is True:
        yield value, mask, (*at, *steps)
    else:
        step = steps[0]
        below = mask.get(step) if isinstance(mask, dict) else None
        held = value.get(step) if isinstance(value, dict) else None
        if isinstance(below, list) and not isinstance(held, list):
            held = [None] * len(below)  # blocks of which nothing is known stand in the mask alone
        yield from _leaves(held, below, steps[1:], (*at, step))


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


def _there(subjects: Iterable[PlanSubject | None]) -> list[PlanSubject]:
    return [one for one in subjects if one is not None]
