"""What a posture index answers on one plan: partners of its resources that the plan does not show.

The plan comes first. What it manages counts as it plans it, what it destroys is gone, and where it has a partner of
its own the index can only make the answer less sure. See ``docs/adr/0020`` for what is answered and why it is sound.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from iacgate.model.inventory import GLOBAL, InventoryScope, PostureIndex, Record, ScopeKey, cloud_of
from iacgate.model.values import UNKNOWN
from iacgate.policy.inventory_subject import InventorySubject
from iacgate.policy.plan_scope import PlanScope

if TYPE_CHECKING:
    from iacgate.model.plan import Plan
    from iacgate.policy.plan_subject import PlanSubject
    from iacgate.policy.world import World

__all__ = ["Absence", "Posture", "age_words"]

_AWS_ID = re.compile(r"[a-z]{1,12}-[0-9a-f]{8}(?:[0-9a-f]{9})?")
"""``subnet-0a1b2c3d``: given out by AWS, once in the world. A name is free to everybody."""
_SAME = {"aws_alb": "aws_lb", "aws_alb_listener": "aws_lb_listener"}
_DEFAULT = "aws_default_"
_IDENTITY = ("id", "arn", "self_link")
_OF_A_BUCKET = (
    "aws_s3_bucket_acl",
    "aws_s3_bucket_lifecycle_configuration",
    "aws_s3_bucket_logging",
    "aws_s3_bucket_object_lock_configuration",
    "aws_s3_bucket_ownership_controls",
    "aws_s3_bucket_policy",
    "aws_s3_bucket_public_access_block",
    "aws_s3_bucket_replication_configuration",
    "aws_s3_bucket_server_side_encryption_configuration",
    "aws_s3_bucket_versioning",
    "aws_s3_bucket_website_configuration",
)
_ONE_OF_A_KIND: Mapping[str, tuple[str, ...]] = {
    "aws_main_route_table_association": ("vpc_id",),
    "aws_network_acl_rule": ("network_acl_id", "egress", "rule_number"),
    "aws_network_interface_sg_attachment": ("security_group_id", "network_interface_id"),
    "aws_route": (
        "route_table_id",
        "destination_cidr_block",
        "destination_ipv6_cidr_block",
        "destination_prefix_list_id",
    ),
    "aws_route_table_association": ("subnet_id", "gateway_id"),
    **dict.fromkeys(_OF_A_BUCKET, ("bucket",)),
    "aws_security_group_rule": (
        "security_group_id",
        "type",
        "protocol",
        "from_port",
        "to_port",
        "cidr_blocks",
        "ipv6_cidr_blocks",
        "prefix_list_ids",
        "source_security_group_id",
        "self",
    ),
}
"""Types whose ids Terraform makes up, or of which there can be one: by what their resources are the same."""


class Absence(NamedTuple):
    """Whether it is sure that there is no partner, and if not, why."""

    sure: bool
    needs: str
    source: str = ""


class _Mine(NamedTuple):
    """The resources of one kind that the plan manages, before or after."""

    ids: Mapping[str, list[tuple[str, ScopeKey]]]
    """By id, arn or link: (arn, where it is)."""
    naturals: frozenset[tuple[Any, ...]]


class Posture:
    """A posture index, held against one plan."""

    def __init__(
        self, index: PostureIndex, plan: Plan, given: ScopeKey | None = None, now: datetime | None = None
    ) -> None:
        self.index = index
        self._plan = plan
        self._places = PlanScope(plan, given)
        self._now = now or datetime.now(UTC)
        self._mine: dict[str, _Mine] = {}
        self._kinds: set[str] | None = None
        self._subjects: dict[tuple[str, int], InventorySubject] = {}
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
        return self._there(subject.world, found if _is_unique(kind, value) else self._near(subject, found))

    def naming(self, subject: PlanSubject, kind: str, their: str, matches: Sequence[str]) -> list[PlanSubject]:
        """Resources whose attribute names a resource by one of its attributes."""
        found: dict[int, Record] = {}
        if self.index.holds(kind, their):
            for name in matches:
                value = subject.values.get(name)
                if isinstance(value, str) and value:
                    hits = self.index.lookup(kind, their, value)
                    near = hits if _is_unique(subject.type, value) else self._near(subject, hits)
                    found.update((one.number, one) for one in near)
        return self._there(subject.world, found.values())

    def existing(self, subject: PlanSubject, kind: str) -> list[PlanSubject]:
        """Resources of a type in the scope of a resource; of a type that the plan manages it speaks itself."""
        if self._manages(kind):
            return []
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
        for kind in types:
            why = self.not_complete(kind, scopes)
            if why:
                return Absence(False, why)
            if not self.index.holds(kind, their):
                return Absence(False, f"the inventory does not tell `{their}` of {kind}")
            if self._near(subject, self.index.untold(kind, their)):
                return Absence(False, f"the inventory does not tell `{their}` of every {kind}")
        return Absence(True, "", self.source(scopes))

    def surveyed(self, subject: PlanSubject, types: Iterable[str]) -> str:
        """Where it is known from that of these types nothing else exists where a resource is; empty if it is not."""
        scopes = self.scopes_of(subject)
        if not scopes or any(self._manages(kind) or self.not_complete(kind, scopes) for kind in types):
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
            if self._is_planned(one):
                continue
            key = (world.side, one.number)
            if key not in self._subjects:
                self._subjects[key] = InventorySubject(
                    world, one, self.index.scopes[one.scope].key, self.source([one.scope])
                )
            out.append(self._subjects[key])
        return out

    def _manages(self, kind: str) -> bool:
        """The plan has a resource of the type, before or after."""
        if self._kinds is None:
            self._kinds = {_alike(change.type) for change in self._plan.resource_changes if change.mode == "managed"}
        return _alike(kind) in self._kinds

    def _is_planned(self, record: Record) -> bool:
        """The plan manages this very resource, or did."""
        mine = self._managed(record.type)
        arn = record.values.get("arn")
        where = self.index.scopes[record.scope].key
        told = {record.cloud_id, *(record.values.get(name) for name in _IDENTITY)}
        for identity in [one for one in told if isinstance(one, str) and one]:
            for other_arn, place in mine.ids.get(identity, ()):
                if isinstance(arn, str) and arn and other_arn:
                    if arn == other_arn:
                        return True
                elif (
                    _is_unique(record.type, identity)
                    or all(not told_ or told_ == here for told_, here in zip(place, where, strict=True))
                    or (where.region == GLOBAL and place.account in ("", where.account))
                ):
                    return True
        return _natural(record.type, record.values, None) in mine.naturals

    def _managed(self, kind: str) -> _Mine:
        same = _alike(kind)
        if same not in self._mine:
            ids: dict[str, list[tuple[str, ScopeKey]]] = {}
            naturals: set[tuple[Any, ...]] = set()
            for change in self._plan.resource_changes:
                if change.mode != "managed" or _alike(change.type) != same:
                    continue
                found = self._plan.values(change)
                for values, mask in ((found.before, None), (found.after, found.unknown)):
                    if not values:
                        continue
                    arn = values.get("arn")
                    place = self._places.of(change.address, change.type, values)
                    for name in _IDENTITY:
                        value = values.get(name)
                        if isinstance(value, str) and value:
                            ids.setdefault(value, []).append((arn if isinstance(arn, str) else "", place))
                    natural = _natural(change.type, values, mask)
                    naturals |= {natural} if natural else set()
            self._mine[same] = _Mine(ids, frozenset(naturals))
        return self._mine[same]


def _alike(kind: str) -> str:
    """Types that are two names of one thing: a default network is adopted under a name of its own."""
    return "aws_" + kind.removeprefix(_DEFAULT) if kind.startswith(_DEFAULT) else _SAME.get(kind, kind)


def _natural(kind: str, values: Mapping[str, Any], mask: Any) -> tuple[Any, ...]:
    """By what a resource is the same where its id does not tell; empty if that is not known."""
    names = _ONE_OF_A_KIND.get(kind, ())
    if mask is True or (isinstance(mask, dict) and any(mask.get(name) for name in names)):
        return ()
    found = [values.get(name) for name in names]
    if all(value in (None, "", []) for value in found):
        return ()
    return tuple(_plain(value) for value in found)


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(sorted(map(str, value)))
    return "" if value is None or value is UNKNOWN else str(value)


def _is_unique(kind: str, value: str) -> bool:
    """The value means the same resource wherever it stands."""
    match cloud_of(kind):
        case "aws":
            return value.startswith("arn:") or _AWS_ID.fullmatch(value) is not None
        case "azure":
            return value.lower().startswith("/subscriptions/")
        case _:
            return "projects/" in value


def _name(scope: InventoryScope) -> str:
    return "/".join(scope.key)


def age_words(seconds: float) -> str:
    """An age for people, in whole hours or days: ``3 hours old``."""
    hours = max(0, int(seconds // 3600))
    if hours < 1:
        return "less than an hour old"
    number, unit = (hours, "hour") if hours < 48 else (hours // 24, "day")
    return f"{number} {unit} old" if number == 1 else f"{number} {unit}s old"
