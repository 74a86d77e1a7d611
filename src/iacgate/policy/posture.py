"""What a posture index answers on one plan: partners of its resources that the plan does not show.

The plan comes first. What it manages counts as it plans it, what it destroys is gone, and where it has a partner of
its own the index can only make the answer less sure. See ``docs/adr/0020`` for what is answered and why it is sound.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from iacgate.model.inventory import GLOBAL, InventoryScope, PostureIndex, Record, ScopeKey, cloud_of
from iacgate.policy.inventory_subject import InventorySubject
from iacgate.policy.plan_scope import PlanScope
from iacgate.policy.same_resource import Managed, Planned, Same, alike, is_unique, managed_of

if TYPE_CHECKING:
    from iacgate.model.plan import Plan, ResourceChange
    from iacgate.policy.plan_subject import PlanSubject
    from iacgate.policy.world import World

__all__ = ["Absence", "Posture", "age_words"]


class Absence(NamedTuple):
    """Whether it is sure that there is no partner, and if not, why."""

    sure: bool
    needs: str
    source: str = ""


class Posture:
    """A posture index, held against one plan."""

    def __init__(
        self, index: PostureIndex, plan: Plan, given: ScopeKey | None = None, now: datetime | None = None
    ) -> None:
        self.index = index
        self._plan = plan
        self._places = PlanScope(plan, given)
        self._now = now or datetime.now(UTC)
        self._managed: dict[str, Managed] = {}
        self._absences: dict[tuple[tuple[int, ...], tuple[str, ...], str], Absence] = {}
        self._subjects: dict[tuple[str, int], InventorySubject | None] = {}
        self._found_scopes: dict[str, tuple[int, ...]] = {}
        self.puzzled: dict[str, None] = {}
        """Why answers were not given, each reason once."""

    # --- where -------------------------------------------------------------------------------------------------------

    def scopes_of(self, subject: PlanSubject) -> tuple[int, ...]:
        """The scopes of the index in which partners of a resource are looked for by name; none if that is not sure."""
        if isinstance(subject, InventorySubject):
            return self._around(self.index.scopes[subject.record.scope].key)
        if subject.address not in self._found_scopes:
            cloud = cloud_of(subject.type)
            place = self._places.of(subject.address, subject.type, subject.values) if cloud else None
            self._found_scopes[subject.address] = self._settled(place) if place else ()
        return self._found_scopes[subject.address]

    def account(self, world: World, scopes: tuple[int, ...]) -> PlanSubject:
        """The account that one place of the plan lies in, for checks on accounts."""
        subject = world.account()
        subject.address = f"account {'/'.join(self.index.scopes[scopes[0]].key)}"
        self._found_scopes[subject.address] = scopes
        return subject

    def scopes_of_plan(self, kind: str) -> list[tuple[int, ...]]:
        """For checks on the account: the scopes of each place of a type's cloud that the plan works in."""
        return [self._settled(place) for place in self._places.works_in(cloud_of(kind))]

    def _settled(self, place: ScopeKey) -> tuple[int, ...]:
        """The one account and region of the index that a place can mean, as positions of its scopes."""
        keys = [one.key for one in self.index.scopes if one.key.cloud == place.cloud]
        accounts = {key.account for key in keys if place.account in ("", key.account)}
        if len(accounts) != 1:
            if accounts:
                self.puzzled["in which account the plan works is not known, and the inventory holds several"] = None
            return ()
        account = accounts.pop()
        if not place.account:
            said = f"the plan does not say in which account it works: it is taken to be {account}, its only one"
            self.puzzled[said] = None
        regions = {key.region for key in keys if key.account == account and key.region != GLOBAL}
        wanted = place.region
        if not wanted and len(regions) > 1:
            self.puzzled["in which region the plan works is not known, and the inventory holds several"] = None
        elif not wanted and regions:
            wanted = next(iter(regions))
        return self._around(ScopeKey(place.cloud, account, wanted or GLOBAL))

    def _around(self, key: ScopeKey) -> tuple[int, ...]:
        """A region and what is global in its account."""
        wanted = (key, key._replace(region=GLOBAL))
        return tuple(number for number, one in enumerate(self.index.scopes) if one.key in wanted)

    # --- what --------------------------------------------------------------------------------------------------------

    def named(self, subject: PlanSubject, kind: str, attribute: str, value: str) -> list[PlanSubject]:
        """Resources that a value of a resource's attribute names."""
        if not self.index.holds(kind, attribute):
            return []
        found = self.index.lookup(kind, attribute, value)
        return self._there(subject.world, found if is_unique(kind, value) else self._near(subject, found))

    def naming(self, subject: PlanSubject, kind: str, their: str, matches: Sequence[str]) -> list[PlanSubject]:
        """Resources whose attribute names a resource by one of its attributes."""
        found: dict[int, Record] = {}
        if self.index.holds(kind, their):
            values = [subject.values.get(name) for name in matches]
            for value in dict.fromkeys(one for one in values if isinstance(one, str) and one):
                hits = self.index.lookup(kind, their, value)
                near = hits if is_unique(subject.type, value) else self._near(subject, hits)
                found.update((one.number, one) for one in near)
        return self._there(subject.world, found.values())

    def existing(self, subject: PlanSubject, kind: str) -> list[PlanSubject]:
        """Resources of a type in the scope of a resource."""
        return self._there(subject.world, self._near(subject, self.index.all(kind)))

    def absence(self, subject: PlanSubject, types: Iterable[str], their: str, matches: Sequence[str]) -> Absence:
        """Whether it is sure that nothing but what was found names a resource."""
        scopes = self.scopes_of(subject)
        if not scopes:
            return Absence(False, "")
        known = [subject.values.get(name) for name in matches]
        mask = subject.unknown
        if mask is True or not any(isinstance(value, str) and value for value in known):
            return Absence(False, "")
        if isinstance(mask, dict) and any(mask.get(name) for name in matches):
            return Absence(False, "")
        key = (scopes, tuple(types), their)
        if key not in self._absences:
            why = next(filter(None, (self._not_told(kind, their, scopes) for kind in key[1])), "")
            self._absences[key] = Absence(False, why) if why else Absence(True, "", self.source(scopes))
        return self._absences[key]

    def _not_told(self, kind: str, their: str, scopes: Sequence[int]) -> str:
        """Why it is not known whom the resources of a type name; empty if it is."""
        why = self.not_complete(kind, scopes)
        if not why and not self.index.holds(kind, their):
            why = f"the inventory does not tell `{their}` of {kind}"
        if not why and any(one.scope in scopes for one in self.index.untold(kind, their)):
            why = f"the inventory does not tell `{their}` of every {kind}"
        return why

    def surveyed(self, subject: PlanSubject, types: Iterable[str]) -> str:
        """Where it is known from that of these types nothing else exists where a resource is; empty if it is not."""
        scopes = self.scopes_of(subject)
        if not scopes or any(self.not_complete(kind, scopes) for kind in types):
            return ""
        return self.source(scopes)

    def answers(self, kinds: Iterable[str]) -> list[tuple[int, ...]]:
        """The places in which it is known of all these types what there is; none unless that is so in every place."""
        places: dict[tuple[int, ...], None] = {}
        for kind in kinds:
            here = self.scopes_of_plan(kind)
            if not here or not all(scopes and not self.not_complete(kind, scopes) for scopes in here):
                return []
            places.update(dict.fromkeys(here))
        return list(places)

    def not_complete(self, kind: str, scopes: Sequence[int]) -> str:
        """Why it is not known of a type what there is in these scopes; empty if it is."""
        here = [self.index.scopes[number] for number in scopes]
        for one in here:
            if kind in one.holes:
                return f"the inventory has a hole: {kind} in {_name(one)}"
        if not any(kind in one.complete for one in here):
            return f"the inventory is not complete for {kind} in {' and '.join(map(_name, here)) or 'this place'}"
        return ""

    def source(self, scopes: Sequence[int]) -> str:
        """Where answers from these scopes come from, for evidence."""
        oldest = min(self.index.scopes[number].collected_at for number in scopes)
        return f"inventory, {age_words((self._now - oldest).total_seconds())}"

    # --- what the plan says itself -----------------------------------------------------------------------------------

    def _near(self, subject: PlanSubject, found: Iterable[Record]) -> list[Record]:
        scopes = self.scopes_of(subject)
        return [one for one in found if one.scope in scopes]

    def _there(self, world: World, found: Iterable[Record]) -> list[PlanSubject]:
        out: list[PlanSubject] = []
        for one in found:
            key = (world.side, one.number)
            if key not in self._subjects:
                same = self._same(one)
                scope, unsure = self.index.scopes[one.scope].key, same is Same.UNSURE
                made = InventorySubject(world, one, scope, self.source([one.scope]), unsure=unsure)
                self._subjects[key] = None if same is Same.YES else made
            subject = self._subjects[key]
            if subject is not None:
                out.append(subject)
        return out

    def _same(self, record: Record) -> Same:
        """Whether the plan manages this very resource, or did."""
        kind = alike(record.type)
        if kind not in self._managed:
            self._managed[kind] = managed_of(self._planned(kind))
        return self._managed[kind].same(
            record.type, record.cloud_id, record.values, self.index.scopes[record.scope].key
        )

    def _planned(self, kind: str) -> Iterator[Planned]:
        for change in self._by_kind.get(kind, ()):
            found = self._plan.values(change)
            created = "create" in change.actions
            for values, mask, new in ((found.before, None, False), (found.after, found.unknown, created)):
                if values is not None or (new and not change.goes_away):
                    place = self._places.of(change.address, change.type, values or {})
                    yield Planned(change.type, values or {}, True if values is None else mask, new, place)

    @cached_property
    def _by_kind(self) -> dict[str, list[ResourceChange]]:
        out: dict[str, list[ResourceChange]] = {}
        for change in self._plan.resource_changes:
            if change.mode == "managed":
                out.setdefault(alike(change.type), []).append(change)
        return out


def _name(scope: InventoryScope) -> str:
    return "/".join(scope.key)


def age_words(seconds: float) -> str:
    """An age for people, in whole hours or days: ``3 hours old``."""
    hours = max(0, int(seconds // 3600))
    if hours < 1:
        return "less than an hour old"
    number, unit = (hours, "hour") if hours < 48 else (hours // 24, "day")
    return f"{number} {unit} old" if number == 1 else f"{number} {unit}s old"
