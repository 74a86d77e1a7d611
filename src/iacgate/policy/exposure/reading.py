"""How the builders of paths read resources: values with their unknowns, and partners by reference or known id."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast

from iacgate.model.finding import Evidence
from iacgate.model.values import ABSENT, UNKNOWN, Marker
from iacgate.policy.lookup import elements, fetch, make_evidence
from iacgate.policy.subject import UNKNOWN_TRUTH, Linked

if TYPE_CHECKING:
    from iacgate.policy.plan_subject import PlanSubject
    from iacgate.policy.subject import Path, Subject

__all__ = ["Members", "Partner", "Place", "children", "members", "once", "partner", "place", "told", "untold"]

_T = TypeVar("_T")
_MOST = 64
"""Partners of which it cannot be told and that are looked at one by one; beyond it the answer is open."""
_NARROW = frozenset({"public_ip", "private_ip", "cidr_block", "ipv6_cidr_block", "ip_address", "ip_cidr_range"})
"""Attributes that hold an address or the range of one network, never the internet."""


_DEFAULTS = frozenset(
    {"default_network_acl_id", "default_route_table_id", "default_security_group_id", "main_route_table_id"}
)
"""Attributes of a network that hold the identity of what it brings with it, never of what a plan makes."""


class Place(NamedTuple):
    """A resource, or an element inside of it."""

    subject: PlanSubject
    value: Any
    mask: Any
    at: Path

    def get(self, *steps: str) -> Any:
        """A value, ``ABSENT`` (also for an empty text) or ``UNKNOWN``."""
        found = fetch(self.value, self.mask, self.at, steps, self.subject)[0]
        return UNKNOWN if type(found) is Linked else ABSENT if found == "" else found

    def each(self, *steps: str) -> tuple[list[Place], bool]:
        """The elements of a list, set or blocks; and whether there may be others."""
        whole, found = elements(self.value, self.mask, self.at, steps, self.subject)
        if whole is UNKNOWN:
            return [], True
        return [Place(self.subject, item, mask, at) for item, mask, at in found], False

    def texts(self, *steps: str) -> tuple[list[str], bool]:
        """The known elements of a list of texts; and whether there may be others."""
        found, more = self.each(*steps)
        values = [one.get() for one in found]
        return [one for one in values if isinstance(one, str)], more or UNKNOWN in values

    def shows(self, *steps: str, expected: str = "", value: Any = None) -> Evidence:
        """The value as evidence, or another one in its stead."""
        actual, _, at = fetch(self.value, self.mask, self.at, steps, self.subject)
        if value is not None:
            actual = value
        out = make_evidence(actual, at, expected, self.subject, UNKNOWN_TRUTH)
        return out._replace(address=self.subject.address)

    def is_narrow(self, *steps: str) -> bool:
        """Not known, but made of the addresses of resources of this plan alone: never the internet."""
        at = fetch(self.value, self.mask, self.at, steps, self.subject)[2]
        origin = self.subject.origin(at)
        if not origin or not origin.closed or not origin.targets:
            return False
        return all(one.attribute in _NARROW for one in origin.targets)


class Partner(NamedTuple):
    """What an attribute names: just one of these, or one that nobody here knows."""

    options: tuple[PlanSubject, ...]
    open: bool
    evidence: Evidence
    """What is missing where it is open."""


class Members(NamedTuple):
    """What a list names, or what names a resource."""

    sure: tuple[PlanSubject, ...]
    one_of: tuple[PlanSubject, ...]
    """At least one of these, besides."""
    maybe: tuple[PlanSubject, ...]
    """Any of these, or none."""
    open: bool
    """There may be others that nobody here knows."""
    evidence: Evidence
    """What is missing where it is open."""

    @property
    def none(self) -> bool:
        """It is sure that there is none."""
        return not (self.sure or self.one_of or self.maybe or self.open)


def place(subject: PlanSubject) -> Place:
    """A whole resource."""
    return Place(subject, subject.values, subject.unknown, ())


def once(make: Callable[[PlanSubject], _T], subject: PlanSubject) -> _T:
    """What a function makes of a resource, worked out once in a world."""
    memo, key = subject.world.memo, (make, subject.address)
    if key not in memo:
        memo[key] = make(subject)
    found: _T = memo[key]
    return found


def told(path: str, actual: str, address: str, expected: str = "") -> Evidence:
    """Evidence in words, where no attribute says it."""
    return Evidence(path, actual, expected, address)


def untold(path: str, needs: str, address: str, expected: str = "") -> Evidence:
    """Something that nobody here knows, and what would answer it."""
    return Evidence(path, UNKNOWN, expected, address, needs=needs)


def partner(here: Place, steps: Sequence[str], types: list[str], matches: Sequence[str] = ("id",)) -> Partner | None:
    """What an attribute names; ``None`` when it is not set."""
    value, _, at = fetch(here.value, here.mask, here.at, tuple(steps), here.subject)
    if value is ABSENT or value == "":
        return None
    links = here.subject.names(types, value, at, list(matches), None)
    evidence = links.evidence._replace(address=here.subject.address)
    found = _managed_first(links.certain or (links.possible if links.one_of else ()))
    return Partner(tuple(found), not found, evidence)


def members(here: Place, steps: Sequence[str], types: list[str], matches: Sequence[str] = ("id",)) -> Members | None:
    """What a list names; ``None`` when it is not set or empty."""
    value, _, at = fetch(here.value, here.mask, here.at, tuple(steps), here.subject)
    if value is ABSENT or value in ("", []):
        return None
    if isinstance(value, Marker | Linked):
        return _unknown_list(here, value, at, types, list(matches))
    sure: list[PlanSubject] = []
    one_of: list[PlanSubject] = []
    evidence, is_open = here.shows(*steps), False
    for item in here.each(*steps)[0]:
        found = partner(item, (), types, matches)
        if found is None:
            continue
        if found.open:
            is_open, evidence = True, found.evidence
        elif len(found.options) == 1:
            sure.append(found.options[0])
        else:
            one_of += found.options
    return Members(_once(sure), _once(one_of), (), is_open, evidence)


def _unknown_list(here: Place, value: Any, at: Path, types: list[str], matches: list[str]) -> Members:
    """A list of which nothing is known but what it is made of.

    Where the expression names each of several resources once, all of them are in it (``docs/adr/0019``); what names
    many instances at once may pick among them.
    """
    subject = here.subject
    links = subject.names(types, value, at, matches, None)
    evidence = links.evidence._replace(address=subject.address)
    found = _planned(links.possible) if links.one_of else []
    if not found:
        return Members((), (), (), True, evidence)
    references, address = subject.world.references, subject.parsed
    origin = references.parts_of(address, at, subject.values, 1) if references and address else None
    if origin is not None and origin.closed:
        named = [subject.world.instances(target, origin.key) for target in origin.targets]
        sure = [one for instances in named if len(instances) == 1 for one in instances]
        return Members(_once(sure), tuple(one for one in found if one not in sure), (), False, evidence)
    return Members((), _once(found), (), False, evidence)


def children(
    subject: PlanSubject, types: list[str], their: str, matches: Sequence[str] = ("id",), *, adopted: bool = False
) -> Members:
    """What names a resource by an attribute. ``adopted``: it was there before Terraform took it over."""
    links = subject.named_by(types, their, list(matches), None)
    sure, maybe = _planned(links.certain), _planned(())
    crowded = False
    for one in _planned(islice(links.possible, _MOST * 4)):
        if not set(matches) & _DEFAULTS and _names_a_default(one, their):
            continue
        listed = members(place(one), their.split("."), [subject.type], matches)
        ours = listed is not None and any(other.address == subject.address for other in listed.sure)
        if ours and not one.uncertain:
            sure.append(one)
        elif len(maybe) < _MOST:
            maybe.append(one)
        else:
            crowded = True
    elsewhere = adopted or links.missing == UNKNOWN_TRUTH
    wanted = " or ".join(types)
    needs = f"no {wanted} of this root names it; one may live elsewhere" if elsewhere else links.evidence.needs
    evidence = untold(f"({wanted})", needs, subject.address)
    return Members(_once(sure), (), tuple(maybe), elsewhere or crowded, evidence)


def _names_a_default(one: PlanSubject, their: str) -> bool:
    """It names what came with a network; who asks for that asks the network."""
    origin = one.origin(tuple(their.split(".")))
    lone = origin.lone if origin else None
    return lone is not None and lone.attribute in _DEFAULTS


def _planned(found: Iterable[Subject]) -> list[PlanSubject]:
    """Partners of a resource of a plan are such resources, too."""
    return [cast("PlanSubject", one) for one in found]


def _managed_first(found: Iterable[Subject]) -> list[PlanSubject]:
    """Where a resource and a lookup of it are both in the plan, the resource says more."""
    out = _planned(found)
    return [one for one in out if one.parsed is None or one.parsed.mode == "managed"] or out


def _once(subjects: list[PlanSubject]) -> tuple[PlanSubject, ...]:
    return tuple(dict.fromkeys(subjects))
