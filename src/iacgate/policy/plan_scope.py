"""In which account and region the resources of a plan are: what values, providers and data sources say of it.

Nothing is guessed: what cannot be told is "" (``docs/adr/0020`` lists the ways and why each is sound).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from iacgate.model.address import AddressError, parse_address
from iacgate.model.inventory import GLOBAL, ScopeKey, cloud_of

if TYPE_CHECKING:
    from iacgate.model.configuration import Module, ProviderConfig
    from iacgate.model.plan import Plan, ResourceChange

__all__ = ["PlanScope"]

_ARN = re.compile(r"arn:[a-z-]+:([a-z0-9-]*):([a-z0-9-]*):(\d{12}):.")
_SUBSCRIPTION = re.compile(r"/subscriptions/([0-9a-fA-F-]{36})/")
_PROJECT = re.compile(r"(?:^|/)projects/([^/]+)/")
_NOWHERE = "?"
"""No account and no region is called so: nothing is found there."""
_SIBLINGS = 20
"""Resources of one provider that are asked for their account; they must agree."""
_Block = tuple[tuple[str, ...], str, str, str]


class PlanScope:
    """The places that a plan works in."""

    def __init__(self, plan: Plan, given: ScopeKey | None = None) -> None:
        self._plan = plan
        self._given = given
        """Where the caller says that the plan works."""
        self._of_provider: dict[tuple[str, str], ScopeKey] = {}
        self._places: dict[str, list[ScopeKey]] = {}

    def of(self, address: str, kind: str, values: Mapping[str, Any]) -> ScopeKey:
        """Where one resource is: what its own values say, then its provider."""
        own = _said(kind, values)
        if own.account and own.region:
            return own
        provider = self._provider_of(self._provider_key(address), own.cloud)
        return ScopeKey(own.cloud, own.account or provider.account, own.region or provider.region)

    def works_in(self, cloud: str) -> list[ScopeKey]:
        """Every place of a cloud in which resources of the plan are or will be."""
        if cloud not in self._places:
            self._places[cloud] = self._all_places(cloud)
        return self._places[cloud]

    def _all_places(self, cloud: str) -> list[ScopeKey]:
        found: dict[ScopeKey, None] = {}
        for change in self._changes(cloud):
            key = self._provider_key(change.address)
            place = self._provider_of(key, cloud)
            if not (place.account and place.region):
                values = self._plan.values(change)
                own = _said(change.type, values.after or values.before or {})
                place = ScopeKey(cloud, own.account or place.account, own.region or place.region)
            found[place] = None
        # What could be told of one resource and not of its neighbour is no place of its own.
        return [
            one for one in found
            if not any(other != one and _covers(other, one) for other in found)
        ]  # fmt: skip

    def _changes(self, cloud: str) -> Iterator[ResourceChange]:
        for change in self._plan.resource_changes:
            if change.mode == "managed" and not change.goes_away and cloud_of(change.type) == cloud:
                yield change

    @cached_property
    def _blocks(self) -> dict[_Block, str]:
        """Resource blocks, data sources too, by the provider configuration that they use."""
        out: dict[_Block, str] = {}

        def walk(names: tuple[str, ...], module: Module) -> None:
            for one in module.get("resources", ()):
                key = (names, one.get("mode", "managed"), one.get("type", ""), one.get("name", ""))
                asks = key[2] == "aws_region" and one.get("expressions")  # for another region than the provider's
                out[key] = _NOWHERE if asks else one.get("provider_config_key", "")
            for name, call in module.get("module_calls", {}).items():
                walk((*names, name), call.get("module", {}))

        configuration = self._plan.configuration
        if configuration is not None:
            walk((), configuration.get("root_module", {}))
        return out

    def _provider_key(self, address: str) -> str:
        try:
            parsed = parse_address(address)
        except AddressError:
            return ""
        return self._blocks.get((parsed.module_names, parsed.mode, parsed.type, parsed.name), "")

    def _provider_of(self, key: str, cloud: str) -> ScopeKey:
        if (key, cloud) not in self._of_provider:
            self._of_provider[key, cloud] = self._work_out(key, cloud)
        return self._of_provider[key, cloud]

    def _work_out(self, key: str, cloud: str) -> ScopeKey:
        """Account and region of a provider configuration. What speaks with two tongues is not believed."""
        accounts: set[str] = set()
        regions: set[str] = set() if cloud == "aws" else {GLOBAL}
        said = self._configured(key, cloud)
        accounts.update([said.account] if said.account else ())
        regions.update([said.region] if said.region else ())
        for account, region in self._looked_up(key, cloud):
            accounts.update([account] if account else ())
            regions.update([region] if region else ())
        if not accounts:
            accounts.update(self._of_siblings(key, cloud))
        if self._given is not None and self._given.cloud == cloud:
            accounts.add(self._given.account)
            if not regions and self._given.region:
                regions.add(self._given.region)
        return ScopeKey(cloud, _only(accounts), _only(regions))

    def _configured(self, key: str, cloud: str) -> ScopeKey:
        configs = (self._plan.configuration or {}).get("provider_config") or {}
        config = configs.get(key)
        if config is None:
            return ScopeKey(cloud, "", "")
        expressions = config.get("expressions") or {}

        def constant(name: str) -> Any:
            return self._constant(expressions.get(name), config)

        match cloud:
            case "aws":
                allowed = constant("allowed_account_ids")
                accounts = {allowed[0]} if isinstance(allowed, list) and len(allowed) == 1 else set()
                roles = expressions.get("assume_role")
                for role in roles if isinstance(roles, list) else ():
                    arn = self._constant(role.get("role_arn"), config) if isinstance(role, dict) else None
                    found = _ARN.match(arn) if isinstance(arn, str) else None
                    accounts |= {found[3]} if found else set()
                return ScopeKey(cloud, _only(accounts), _text(constant("region")))
            case "azure":
                return ScopeKey(cloud, _text(constant("subscription_id")).lower(), GLOBAL)
            case _:
                return ScopeKey(cloud, _text(constant("project")), GLOBAL)

    def _constant(self, expression: Any, config: ProviderConfig) -> Any:
        """A constant, or a variable of the root module."""
        if not isinstance(expression, dict):
            return None
        if "constant_value" in expression:
            return expression["constant_value"]
        match expression.get("references"):
            case [str(reference)] if reference.startswith("var.") and not config.get("module_address"):
                name = reference.removeprefix("var.")
                root = (self._plan.configuration or {}).get("root_module", {})
                return self._plan.variables.get(name, root.get("variables", {}).get(name, {}).get("default"))
            case _:
                return None

    @cached_property
    def _data(self) -> list[tuple[str, str, Mapping[str, Any]]]:
        """Data sources that say who and where the provider is: (address, type, values)."""
        out: list[tuple[str, str, Mapping[str, Any]]] = []
        modules = [self._plan.prior_state.get("root_module", {})]
        while modules:
            module = modules.pop()
            modules += module.get("child_modules", ())
            out += [
                (one.get("address", ""), one.get("type", ""), one.get("values", {}))
                for one in module.get("resources", ())
                if one.get("mode") == "data" and one.get("type") in _WHO
            ]
        return out

    def _looked_up(self, key: str, cloud: str) -> Iterator[tuple[str, str]]:
        for address, kind, values in self._data:
            which, name = _WHO[kind]
            if which == cloud and self._provider_key(address) == key:
                value = _text(values.get(name))
                yield ("", value) if kind == "aws_region" else (value.lower() if cloud == "azure" else value, "")

    def _of_siblings(self, key: str, cloud: str) -> set[str]:
        """The account of what this provider configuration has made already: it can be in one account only."""
        found: set[str] = set()
        asked = 0
        for change in self._changes(cloud):
            if "create" in change.actions or self._provider_key(change.address) != key:
                continue
            account = _said(change.type, self._plan.values(change).before or {}).account
            if account:
                found.add(account)
                asked += 1
            if asked >= _SIBLINGS:
                break
        return found


_WHO = {
    "aws_caller_identity": ("aws", "account_id"),
    "aws_region": ("aws", "id"),
    "azurerm_client_config": ("azure", "subscription_id"),
    "google_client_config": ("google", "project"),
}
"""Data sources that tell of the provider itself: its cloud, and the attribute."""


def _said(kind: str, values: Mapping[str, Any]) -> ScopeKey:
    """What a resource's own values say of where it is."""
    cloud = cloud_of(kind)
    match cloud:
        case "aws":
            found = _ARN.match(_text(values.get("arn")))
            region = _text(values.get("region"))
            if found is None or found[1] == "organizations":  # whose arns name the management account
                return ScopeKey(cloud, "", region)
            return ScopeKey(cloud, found[3], region or found[2])
        case "azure":
            found = _SUBSCRIPTION.match(_text(values.get("id")) + "/")
            return ScopeKey(cloud, found[1].lower() if found else "", GLOBAL)
        case "google":
            project = _text(values.get("project"))
            match_ = _PROJECT.search(_text(values.get("id")))
            return ScopeKey(cloud, project or (match_[1] if match_ else ""), GLOBAL)
        case _:
            return ScopeKey(cloud, "", "")


def _covers(more: ScopeKey, less: ScopeKey) -> bool:
    """``more`` says all that ``less`` says, and something besides."""
    return all(not mine or mine == theirs for mine, theirs in zip(less, more, strict=True))


def _only(found: set[str]) -> str:
    """The one that is told; what is told in two ways is nowhere."""
    return next(iter(found), "") if len(found) < 2 else _NOWHERE


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
