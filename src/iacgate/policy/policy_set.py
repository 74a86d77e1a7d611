"""Which checks apply, at which level, to one workspace: policy sets resolved against a catalogue."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

import msgspec

from iacgate.errors import IacgateError, PolicyError, Problem
from iacgate.model.decision import PolicyInfo
from iacgate.model.finding import Enforcement
from iacgate.policy.catalogue import Catalogue
from iacgate.policy.parameters import parameter_problems
from iacgate.policy.scanner_rules import ScannerRow, scanner_rows

__all__ = [
    "IMAGE_CHECK",
    "Exception_",
    "InventoryRule",
    "Level",
    "Policy",
    "idle_parts",
    "resolve_policy",
    "unknown_names",
]

IMAGE_CHECK = "container-image-scanned"
"""The check that the table ``images`` is about."""
_SEPARATOR = ":"
_STRENGTH = {None: 0, Enforcement.ADVISORY: 1, Enforcement.SOFT_MANDATORY: 2, Enforcement.HARD_MANDATORY: 3}
_WEIGHT = {"allow": 0, "note": 1, "obligation": 2, "review": 3, "deny": 4, "error": 5}


class Level(NamedTuple):
    """The level of one check, and the line of the policy that gives it."""

    enforcement: Enforcement
    shadow_until: str
    """A date: before it findings are counted as "would block" and block nothing. Empty: in force."""
    rule: str


class Exception_(NamedTuple):  # noqa: N801 - the field's word, and Python's own is taken
    """A permanent, owned exception: one check, one address, on conditions."""

    id: str
    check: str
    """A check's id; of another scanner's rule ``tool:rule``."""
    address: str
    workspace: str | None
    reason: str
    owner: str
    review_by: str
    requires: tuple[tuple[int, str], ...]
    """Compensating checks that must pass: (check, address)."""


class InventoryRule(NamedTuple):
    """What a policy asks of inventories."""

    max_age: int | None
    """In seconds; ``None``: any."""
    required: bool
    """A decision without one, or with one that is too old, is an error."""


class Policy(NamedTuple):
    """Everything a decision needs to know of the policy, for one workspace."""

    info: PolicyInfo
    levels: tuple[Level | None, ...]
    """By check number of the catalogue; ``None``: off."""
    owns_account: bool
    enforce_all: bool
    """Findings on unchanged resources count as well."""
    uncovered: str
    unknown: Mapping[str, str]
    on_incomplete: Mapping[str, str]
    exceptions: tuple[Exception_, ...]
    today: str
    scanners: tuple[tuple[ScannerRow, ...], ...] = ()
    """What each set that applies says of other scanners."""
    images: tuple[Mapping[str, Any], ...] = ()
    """What each set that applies says of container images."""
    inventory: InventoryRule | None = None
    """What the sets that apply say of inventories."""
    idle: int = 0
    """Checks that the rules select and that wait for a parameter: they are not asked."""

    @property
    def needed(self) -> list[bool]:
        """Checks to run: enabled ones and those that an exception relies on."""
        needed = [level is not None for level in self.levels]
        for exception in self.exceptions:
            for number, _ in exception.requires:
                needed[number] = True
        return needed


def resolve_policy(
    bundle: dict[str, Any],
    catalogue: Catalogue,
    workspace: str | None,
    *,
    trusted: bool,
    file: str = "",
    today: str | None = None,
) -> Policy:
    """Resolve a policy bundle (in normal form) for a workspace. ``today`` (a date) is for previews.

    Raises ``PolicyError`` when it names checks that do not exist or enforces nothing, and
    ``IacgateError`` when a scope asks for a workspace and none is known, or no policy set applies.
    """
    name = bundle["name"]
    problems = unknown_names(bundle, catalogue, file or name)
    if problems:
        raise PolicyError(
            f"the policy `{name}` is not usable", tuple(problems), hint="`iacgate checks list` shows the checks"
        )
    today = today or datetime.now(UTC).date().isoformat()
    sets = [one for one in bundle["sets"] if _applies(one, workspace)]
    if not sets:
        raise IacgateError(
            f"no policy set of `{name}` applies to this workspace", hint="add one, or correct --workspace"
        )
    levels: list[Level | None] = [None] * len(catalogue)
    for one in sets:
        for number, level in enumerate(_levels(one, catalogue, name, today)):
            if level is not None and _stronger(level, levels[number]):
                levels[number] = level
    asks = next((one["name"] for one in sets if one["images"]), "")
    if asks and IMAGE_CHECK in catalogue.by_id and levels[catalogue.by_id[IMAGE_CHECK]] is None:
        raise PolicyError(
            f"the policy set `{asks}` of `{name}` says what images must be like, and no rule asks for it",
            hint=f"add a rule: {{checks: {{id: {IMAGE_CHECK}}}, level: hard-mandatory}}",
        )
    idle = 0
    for number, level in enumerate(levels):
        if level is not None and catalogue.is_idle(number):
            levels[number] = None
            idle += 1
    if not any(levels):
        raise PolicyError(f"the policy `{name}` enforces nothing: none of its rules selects a check")
    digest = hashlib.sha256(msgspec.msgpack.encode([bundle, catalogue.digest])).hexdigest()
    return Policy(
        PolicyInfo(name, bundle["version"], digest, trusted),
        tuple(levels),
        any(one["owns_account"] for one in sets),
        any(one["enforce_on"] == "all" for one in sets),
        max((one["uncovered"] for one in sets), key=_WEIGHT.__getitem__),
        _strictest([one["unknown"] for one in sets]),
        _strictest([one["on_incomplete"] for one in sets]),
        _exceptions(bundle["exceptions"], catalogue, workspace),
        today,
        tuple(scanner_rows(one["scanners"], f"{name} / {one['name']}") for one in sets if one["scanners"]),
        tuple(one["images"] for one in sets if one["images"]),
        _inventory_rule([one["inventory"] for one in sets if one["inventory"]]),
        idle,
    )


def unknown_names(bundle: dict[str, Any], catalogue: Catalogue, file: str) -> list[Problem]:
    """What a bundle names and the catalogue does not have: check ids, controls, compensating checks, parameters."""
    rules = [rule for one in bundle["sets"] for rule in one["rules"]]
    asked = any(rule["select"].get("control") for rule in rules)
    infos = [catalogue.info(number) for number in range(len(catalogue))] if asked else []
    controls = {benchmark for info in infos for benchmark in info.controls}
    problems = [
        Problem(file, rule["line"], 1, f"there is no check `{pattern}`")
        for rule in rules
        for pattern in rule["select"].get("id", ())
        if not any(fnmatchcase(head.id, pattern) for head in catalogue.heads)
    ]
    problems += [
        Problem(file, rule["line"], 1, f"no check is mapped to `{benchmark}`")
        for rule in rules
        for benchmark in rule["select"].get("control", ())
        if benchmark not in controls
    ]
    for one in bundle["exceptions"]:
        where = f"the exception `{one['id']}`"
        for check in (one["check"], *(required["check"] for required in one["requires"])):
            if check == one["check"] and _SEPARATOR in check:
                continue  # another scanner's rule; which ones there are only that scanner knows
            if check not in catalogue.by_id:
                problems.append(Problem(file, one["line"], 1, f"{where} names a check that does not exist: {check}"))
            elif check != one["check"] and catalogue.heads[catalogue.by_id[check]].subject == "account":
                problems.append(Problem(file, one["line"], 1, f"{where} relies on a check of the account: {check}"))
            elif check != one["check"] and catalogue.is_idle(catalogue.by_id[check]):
                problems.append(
                    Problem(file, one["line"], 1, f"{where} relies on a check that waits for a parameter: {check}")
                )
    problems += parameter_problems(bundle["parameters"], bundle["parameter_lines"], catalogue, file)
    return problems


def idle_parts(bundle: dict[str, Any], catalogue: Catalogue, file: str) -> list[Problem]:
    """What of a bundle whose names all exist does nothing: rules that select no check, exceptions from no level."""
    problems = [
        Problem(file, rule["line"], 1, "this rule selects no check", warning=True)
        for one in bundle["sets"]
        for rule in one["rules"]
        if not _chosen(rule["select"], catalogue)
    ]
    levels = [_levels(one, catalogue, bundle["name"], "") for one in bundle["sets"]]
    for one in bundle["exceptions"]:
        if not any(of_set[catalogue.by_id[one["check"]]] for of_set in levels):
            said = f"the exception `{one['id']}` releases nothing: no policy set enforces {one['check']}"
            problems.append(Problem(file, one["line"], 1, said, warning=True))
    return problems


def _applies(one: dict[str, Any], workspace: str | None) -> bool:
    if not one["workspaces"]:
        return True
    if workspace is None:
        raise IacgateError(
            f"the policy set `{one['name']}` is for certain workspaces, and which one this is is not known",
            hint="give --workspace NAME",
        )
    return any(fnmatchcase(workspace, pattern) for pattern in one["workspaces"])


def _levels(one: dict[str, Any], catalogue: Catalogue, name: str, today: str) -> list[Level | None]:
    levels: list[Level | None] = [None] * len(catalogue)
    for rule in one["rules"]:
        chosen = _chosen(rule["select"], catalogue)
        where = f"{name} / {one['name']}, line {rule['line']}"
        shadow = rule["enforce_from"] if rule["enforce_from"] > today else ""
        level = None if rule["level"] == "off" else Level(Enforcement(rule["level"]), shadow, where)
        for number in chosen:
            levels[number] = level
    return levels


def _chosen(select: dict[str, list[str]], catalogue: Catalogue) -> list[int]:
    """The checks that a rule selects. Those alike in what most rules ask for are looked at once."""
    chosen: list[int] = []
    for alike, numbers in catalogue.alike.items():
        words = dict(zip(("family", "severity", "tier"), alike, strict=True))
        if all(words[key] in wanted for key, wanted in select.items() if key in words):
            chosen += numbers
    if "id" in select:
        chosen = [one for one in chosen if any(fnmatchcase(catalogue.heads[one].id, word) for word in select["id"])]
    if "control" in select:
        chosen = [one for one in chosen if any(word in catalogue.info(one).controls for word in select["control"])]
    return chosen


def _stronger(level: Level, than: Level | None) -> bool:
    if than is None:
        return True
    in_force, other = not level.shadow_until, not than.shadow_until
    if in_force != other:
        return in_force
    return _STRENGTH[level.enforcement] > _STRENGTH[than.enforcement]


def _strictest(maps: Sequence[Mapping[str, str]]) -> dict[str, str]:
    return {key: max((one[key] for one in maps), key=_WEIGHT.__getitem__) for key in maps[0]}


def _inventory_rule(tables: Sequence[Mapping[str, Any]]) -> InventoryRule | None:
    """The strictest of all."""
    if not tables:
        return None
    ages = [one["max_age"] for one in tables if one["max_age"] is not None]
    return InventoryRule(min(ages, default=None), any(one["required"] for one in tables))


def _exceptions(raw: list[dict[str, Any]], catalogue: Catalogue, workspace: str | None) -> tuple[Exception_, ...]:
    out = []
    for one in raw:
        if one["workspace"] is not None and (workspace is None or not fnmatchcase(workspace, one["workspace"])):
            continue
        requires = tuple((catalogue.by_id[required["check"]], required["address"]) for required in one["requires"])
        out.append(
            Exception_(
                one["id"],
                one["check"],
                one["address"],
                one["workspace"],
                one["reason"],
                one["owner"],
                one["review_by"],
                requires,
            )
        )
    return tuple(out)
