"""The inventory that a decision may stand on: opened, its age held against the policy's, and put beside a plan."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from iacgate.errors import UsageError
from iacgate.model.decision import Outcome
from iacgate.model.inventory import GLOBAL, InventoryInfo, PostureIndex, ScopeKey
from iacgate.policy.posture import Posture, age_words
from iacgate.sources.index_file import MAGIC, open_index

if TYPE_CHECKING:
    from iacgate.model.plan import Plan
    from iacgate.policy.catalogue import Catalogue
    from iacgate.policy.policy_set import InventoryRule

__all__ = ["Consulted", "account_of", "consult", "open_inventory"]

_AWS = re.compile(r"\d{12}")
_AZURE = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_GOOGLE = re.compile(r"[a-z][a-z0-9.:-]{3,60}")
_REGION = re.compile(r"[a-z0-9-]+")


class Consulted(NamedTuple):
    """What an inventory may say in this decision."""

    info: InventoryInfo
    facts: PostureIndex | None
    """``None``: it is too old to answer."""
    place: ScopeKey | None
    """Where the caller says that the plan works."""
    reasons: tuple[tuple[Outcome, str], ...]
    notes: tuple[str, ...]

    def posture(self, plan: Plan) -> Posture | None:
        """What it answers on a plan."""
        return Posture(self.facts, plan, self.place) if self.facts is not None else None

    def notes_on(self, posture: Posture | None) -> list[str]:
        """What a person should know of its answers on a plan, once they were given."""
        return [*self.notes, *(f"the inventory: {why}" for why in (posture.puzzled if posture else ()))]


def open_inventory(path: str, catalogue: Catalogue, limit: int) -> PostureIndex:
    """Open an index, or an inventory, which is indexed here. Raises ``InputError`` when it is neither, or not whole."""
    try:
        with Path(path).open("rb") as file:
            start = file.read(len(MAGIC))
    except OSError:
        start = b""  # whoever reads it says why it cannot be read
    if start == MAGIC:
        return open_index(path)
    # Imported here: an index needs none of it.
    from iacgate.gate.posture_index import make_index
    from iacgate.policy.provider_schema import load
    from iacgate.sources.input_file import read_input
    from iacgate.sources.inventory_json import read_inventory

    inventory = read_inventory(read_input(path, limit), path)
    return open_index(path, make_index([inventory], catalogue, load()).data, inventory.sha256)


def account_of(text: str) -> ScopeKey:
    """The place that ``--account`` names. Raises ``UsageError``."""
    account, _, region = text.partition("/")
    if _AWS.fullmatch(account) and (not region or _REGION.fullmatch(region)):
        return ScopeKey("aws", account, region)
    if not region and _AZURE.fullmatch(account):
        return ScopeKey("azure", account.lower(), GLOBAL)
    if not region and _GOOGLE.fullmatch(account):
        return ScopeKey("google", account, GLOBAL)
    raise UsageError(
        "--account takes an AWS account (with /REGION, if you like), an Azure subscription's id or a Google project"
    )


def consult(
    index: PostureIndex, rule: InventoryRule | None, place: ScopeKey | None, now: datetime | None = None
) -> Consulted:
    """Hold an inventory's age against the policy's rule.

    One that is too old answers nothing: what only it would have known stays unknown. Where the policy requires an
    inventory that is an error.
    """
    age = max(0.0, ((now or datetime.now(UTC)) - index.collected_at).total_seconds())
    limit = rule.max_age if rule is not None else None
    stale = limit is not None and age > limit
    info = InventoryInfo(
        index.path,
        index.digest,
        index.collected_at.isoformat().replace("+00:00", "Z"),
        int(age),
        tuple("/".join(scope.key) for scope in index.scopes),
        not any(scope.holes for scope in index.scopes),
        not stale,
    )
    if not stale:
        return Consulted(info, index, place, (), ())
    assert limit is not None
    why = f"the inventory is {age_words(age)}, and the policy takes it for {limit // 3600} hours"
    if rule is not None and rule.required:
        return Consulted(info, None, place, ((Outcome.ERROR, f"{why}: collect it anew"),), ())
    return Consulted(info, None, place, (), (f"{why}: it answers nothing here",))
