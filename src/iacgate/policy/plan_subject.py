"""One resource on one side of a plan: what conditions are applied to.

It knows how to follow its own unknowns (``references``) and which resources it names and is named by
(through its ``world``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal

from iacgate.model.address import Address, AddressError, parse_address
from iacgate.model.finding import Evidence
from iacgate.model.values import ABSENT, SENSITIVE, UNKNOWN
from iacgate.policy.iam import PolicyDocumentError, from_data_source, from_json
from iacgate.policy.iam_partly_known import from_partly_known
from iacgate.policy.lookup import path_text
from iacgate.policy.subject import FAIL_TRUTH, UNKNOWN_TRUTH, Linked, Links, PlannedDocument, Trace

if TYPE_CHECKING:
    from iacgate.model.origin import Origin, Target
    from iacgate.model.plan import ResourceChange
    from iacgate.policy.image_scans import ImageScans
    from iacgate.policy.posture import Posture
    from iacgate.policy.subject import Path
    from iacgate.policy.world import World

__all__ = ["PlanSubject", "any_true", "passes_on"]

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
_OFFICIAL = "registry.terraform.io/hashicorp/"
_POLICY_SOURCE = "aws_iam_policy_document"


class PlanSubject:
    """One resource on one side of a plan."""

    __slots__ = ("_address", "_judged", "actions", "address", "change", "masks", "type", "unknown", "values", "world")

    source = ""
    """The plan itself."""

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
    def digest_key(self) -> bytes:
        """Keys the digests of secrets in evidence."""
        return self.world.digest_key

    @property
    def uncertain(self) -> bool:
        """There may be none of it: how many there are is not known."""
        return self.change is not None and self.change.uncertain

    @property
    def parsed(self) -> Address | None:
        """The address taken apart; ``None`` when it is none that Terraform would write."""
        if self._address is None:
            try:
                self._address = parse_address(self.address)
            except AddressError:
                return None
        return self._address

    def absence_by_version(self, rules: Sequence[tuple[int, str]]) -> int:
        """What absence means where a default depends on the provider's version."""
        from iacgate.policy.provider_versions import default_by_version

        named = self.change.provider_name if self.change else ""
        source = named or _OFFICIAL + self.type.partition("_")[0]
        return default_by_version(rules, self.world.provider_versions(source))

    def resolve(self, at: Path) -> Any:
        """``ABSENT``: the author left it to the provider. ``Linked``: it names a resource here. Else ``UNKNOWN``."""
        origin = self.origin(at)
        if origin is None:
            return UNKNOWN
        if origin is False or (origin.null and not origin.targets):
            return ABSENT if self.world.may_be_left_out(self.type, at) else UNKNOWN
        lone = origin.lone
        if lone is None or lone.mode == "ephemeral":
            return UNKNOWN
        if lone.attribute and lone.attribute not in _IDENTITY:
            return UNKNOWN
        found = self.world.instances(lone, origin.key)
        if not lone.attribute and any(passes_on(one, lone, at) for one in found):
            return UNKNOWN  # `a.b[each.key].c` is listed as `a.b`, and `c` may be this very attribute
        return Linked(found[0].address) if found else UNKNOWN

    def lacks(self, name: str) -> bool:
        """A data source does not have all attributes of the resource it looks up."""
        return name not in self.values and self.parsed is not None and self.parsed.mode == "data"

    def names_somebody(self, at: Path) -> bool:
        """Whatever the unknown turns out to be, it is the identity of a resource of this plan (never ``*``)."""
        origin = self.origin(at)
        if not origin:
            return False
        return origin.closed and bool(origin.targets) and all(one.attribute in _IDENTITY for one in origin.targets)

    def made_of(self, at: Path, parts: int) -> str:
        """The resource of whose identity alone each of so many unknown elements is made; "" if that is not sure."""
        references, address = self.world.references, self.parsed
        origin = references.parts_of(address, at, self.values, parts) if references and address else None
        lone = origin.lone if origin else None
        if origin is None or lone is None or lone.mode != "managed" or lone.attribute not in ("", "id", "arn"):
            return ""  # others may be the identity of something that this resource names
        found = self.world.instances(lone, origin.key)
        return found[0].address if len(found) == 1 else ""

    def trace(self, at: Path) -> Trace:
        """The references behind an unknown, and what would settle it."""
        if len(at) == 1 and self.lacks(str(at[0])):
            return Trace((), "the data source does not say")
        origin = self.origin(at)
        if origin is False:
            return Trace((), "the provider settles it when it applies; set it explicitly")
        if origin is None:
            why = "the configuration in the plan does not show the expression"
            return Trace((), why if self.world.references else "the plan has no configuration to follow")
        chain = origin.chain
        if origin.why:
            return Trace(chain, origin.why)
        if any(step.startswith("local.") for step in chain):
            return Trace(chain, "a plan does not show what locals are made of; refer to the resource itself")
        return Trace(chain, "only apply settles it; a reference to a resource of this plan alone would show it")

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
        return any_true(mask)

    @property
    def image_scans(self) -> ImageScans:
        """What scans of container images were given, by the policy's rules."""
        return self.world.image_scans

    def encoded(self, at: Path) -> tuple[Any, Any] | None:
        """What will be encoded to JSON at an unknown attribute, with its mask, where the configuration shows it."""
        references, address = self.world.references, self.parsed
        return references.document(address, at) if references and address else None

    def policy_document(self, at: Path) -> PlannedDocument | None:
        """Statements of the ``aws_iam_policy_document`` that this attribute's value will be, if it is just that."""
        origin = self.origin(at)
        if not origin:
            return None
        partly = self._partly_known(at)
        if partly is not None:
            return partly
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
        source = found[0]
        try:
            known = source.values.get("json")
            if isinstance(known, str):
                return PlannedDocument(from_json(known), None, lambda at, parts: "")
            planned = from_data_source(source.values, source.unknown, source.names_somebody)
        except PolicyDocumentError:
            return None
        if planned is None:
            return None
        document, mask = planned
        merged = len(document["statement"]) - len(source.values.get("statement") or ())

        def made_of(at: Path, parts: int) -> str:
            match at:
                case ("statement", int(position), str(name)) if position >= merged:
                    return source.made_of(("statement", position - merged, f"{name}s"), parts)
                case _:
                    return ""

        return PlannedDocument(document, mask, made_of)

    def _partly_known(self, at: Path) -> PlannedDocument | None:
        """The document that is encoded into an attribute, where the configuration shows what it is made of."""
        found = self.encoded(at)
        if found is None:
            return None
        try:
            read = from_partly_known(found[0], found[1], lambda path: self.names_somebody((*at, *path)))
        except PolicyDocumentError:
            return None
        if read is None:
            return None
        document, mask, places = read
        return PlannedDocument(document, mask, lambda path, parts: self.made_of((*at, *places.get(path, ())), parts))

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
        possible += [one for one in certain if one.uncertain]
        certain = _once([one for one in certain if not one.uncertain])
        posture = self.world.posture if missing in (None, UNKNOWN_TRUTH) and not self._is_made else None
        settled: list[PlanSubject] = []
        if posture is not None:
            there = _once([one for kind in types for one in posture.naming(self, kind, their, matches)])
            # Where the plan has a partner of its own, others can only make its word less sure.
            if not certain:
                settled = [one for one in there if not one.uncertain]
            certain, possible = certain + settled, possible + [one for one in there if one not in settled]
        open_ones = _Possible(_once(possible), rest, certain)
        wanted = " or ".join(types)
        absence = None
        told = missing is not None
        if missing is None:
            missing = FAIL_TRUTH if self._partner_cannot_be_elsewhere(types, their, matches) else UNKNOWN_TRUTH
        if missing == UNKNOWN_TRUTH and posture is not None:
            absence = posture.absence(self, types, their, matches)
            missing = FAIL_TRUTH if absence.sure and not told else UNKNOWN_TRUTH
        first = next(iter(open_ones), None)
        if first is not None:
            needs = f"{first.address} may be the one: its `{their}` is known only after apply"
        else:
            needs = "" if missing != UNKNOWN_TRUTH else f"no {wanted} of this root names it; one may live elsewhere"
            needs = absence.needs or needs if absence is not None else needs
        actual = ABSENT if missing != UNKNOWN_TRUTH and first is None else UNKNOWN
        source = absence.source if absence is not None and absence.sure else ""
        others = bool(settled) and absence is not None and not absence.sure  # the inventory did not see all there is
        return Links(certain, open_ones, False, missing, Evidence("", actual, "", needs=needs, source=source), others)

    def names(self, types: list[str], value: Any, at: Path, matches: list[str], missing: int | None) -> Links:
        """Resources of the types that the value at ``at`` names."""
        otherwise = UNKNOWN_TRUTH if missing is None else missing
        path = path_text(at)
        if value is UNKNOWN or type(value) is Linked:
            origin = self.origin(at)
            chain, needs = self.trace(at)
            here = Evidence(path, UNKNOWN, "", chain=chain, needs=needs)
            if not origin or not origin.closed:
                return Links([], [], True, UNKNOWN_TRUTH, here)
            found: list[PlanSubject] = []
            strangers = False
            for target in origin.targets:
                if target.attribute not in ("", *matches):
                    return Links([], [], True, UNKNOWN_TRUTH, here)
                instances = self.world.instances(target, origin.key)
                if not instances or any(passes_on(one, target, at) for one in instances if one.type not in types):
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
        posture = self.world.posture if missing in (None, UNKNOWN_TRUTH) else None
        unsure: list[PlanSubject] = []
        if posture is not None:
            for item in values:
                there = self._in_inventory(posture, types, matches, item)
                is_one = len(there) == 1 and not there[0].uncertain
                (certain if is_one else unsure).extend(there)
        if unsure:  # one name, several resources
            alone = len(values) == 1 and not any(one.uncertain for one in unsure)
            return Links(_once(certain), _once(unsure), alone, UNKNOWN_TRUTH, here, open=True)
        if None in values:  # elements that are not known
            return Links(_once(certain), [], False, UNKNOWN_TRUTH, here, open=True)
        return Links(_once(certain), [], False, otherwise, here)

    def _in_inventory(self, posture: Posture, types: list[str], matches: list[str], item: Any) -> list[PlanSubject]:
        """What one value names that the plan does not show."""
        pairs = [(kind, name) for kind in types for name in matches]
        if not isinstance(item, str) or any(self.world.by_value(kind, name).get(item) for kind, name in pairs):
            return []
        return _once([one for kind, name in pairs for one in posture.named(self, kind, name, item)])

    def others(self, types: list[str]) -> list[PlanSubject]:
        """All managed resources of these types on this side, and what the inventory has besides."""
        found = [one for kind in types for one in self.world.managed(kind)]
        posture = self.world.posture
        return found + [one for kind in types for one in posture.existing(self.judged, kind)] if posture else found

    def surveyed(self, types: list[str]) -> str:
        """Where it is known from that there are no others than these; empty: only this world is known."""
        return self.world.posture.surveyed(self.judged, types) if self.world.posture else ""

    @property
    def _is_made(self) -> bool:
        """The plan creates it: nothing elsewhere can name it yet."""
        return self.world.side == "after" and "create" in self.actions

    def origin(self, at: Path) -> Origin | Literal[False] | None:
        """Where an unknown comes from; ``False``: the author left it out; ``None``: it cannot be told."""
        references = self.world.references
        address = self.parsed
        return references.find(address, at, self.values) if references and address else None

    def _partner_cannot_be_elsewhere(self, types: list[str], their: str, matches: list[str]) -> bool:
        """It is created by this plan, so nothing elsewhere can name it yet; or its partner goes away here."""
        if self.world.side == "before":
            return False
        if self._is_made:
            return True
        before = self.world.opposite
        twin = (
            before.subject_at((self.change.previous_address if self.change else "") or self.address) if before else None
        )
        if twin is None:
            return False
        links = twin.named_by(types, their, matches, UNKNOWN_TRUTH)
        return any(not one.source for one in links.certain)  # what an inventory shows is not of this plan


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


def passes_on(one: PlanSubject, target: Target, at: Path) -> bool:
    """What is taken from ``one`` may be another resource's identity: ``aws_s3_bucket_versioning.v.bucket``."""
    leaf = next((step for step in reversed(at) if isinstance(step, str)), "")
    return (
        target.attribute not in ("", "id", "arn", "self_link")
        or leaf in one.values
        or leaf in (one.unknown if isinstance(one.unknown, dict) else ())
    )


def _once(subjects: list[PlanSubject]) -> list[PlanSubject]:
    """It names something that may hand on the identity of another resource."""
    return list(dict.fromkeys(subjects))


def any_true(mask: Any) -> bool:
    """Some part of the mask is true."""
    if isinstance(mask, dict):
        return any(any_true(part) for part in mask.values())
    if isinstance(mask, list):
        return any(any_true(part) for part in mask)
    return mask is True
