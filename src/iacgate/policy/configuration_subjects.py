"""What checks are about besides resources: module calls, providers, variables and blocks of the configuration.

They are read from the plan's ``configuration`` (Terraform's "JSON Output Format", "Configuration
Representation"), one subject for each as it stands in code, however many instances it has. A plan shows
the configuration as it is now and not as it was: what stands over resources that were there before
counts as pre-existing, and as changed where the plan changes one of them.

Where the configuration was withheld, what the resource changes tell of it is all there is, and the
rest of it is unknown: a plan without configuration never reads as one without modules.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from iacgate.detector.hints import may_hold_secret, texts
from iacgate.model.values import UNKNOWN
from iacgate.policy.subject import UNKNOWN_TRUTH, ConditionError, Links, Trace

if TYPE_CHECKING:
    from iacgate.model.configuration import ConfigResource, Module, ModuleCall, ProviderConfig
    from iacgate.model.plan import Plan, ResourceChange
    from iacgate.policy.image_scans import ImageScans
    from iacgate.policy.plan_subject import PlanSubject
    from iacgate.policy.subject import Path
    from iacgate.policy.world import World

    _Key = tuple[tuple[str, ...], str, str, str]

__all__ = ["Configured", "ConfiguredParts"]

_BUILT_IN = ("terraform.io/builtin/", "registry.terraform.io/hashicorp/terraform")
_OFFICIAL = "registry.terraform.io/hashicorp/"
_WITHHELD = "the plan was written without its configuration; judge what `terraform show -json` prints"
_NO_SOURCE_DIR = "the lock file stands beside the code: give the root module with --source-dir"


class Configured:
    """One part of the configuration, as conditions see it."""

    def __init__(
        self,
        world: World,
        kind: str,
        address: str,
        *,
        type_: str,
        name: str,
        module: str,
        values: dict[str, Any],
        unknown: Any = None,
        needs: str = _WITHHELD,
        code: Sequence[tuple[str, Any]] = (),
        over: Sequence[ResourceChange] = (),
        instances: Sequence[ResourceChange] = (),
    ) -> None:
        self.world = world
        self.kind = kind
        self.address = address
        self.type = type_
        self.name = name
        self.module_address = module
        self.previous_address = ""
        self.uncertain = False
        self.values = values
        self.unknown = unknown
        self.judged: Any = self
        self.over = over
        """The resource changes that it stands over."""
        self._instances = instances
        self._needs = needs
        self._code = code
        self._read_code = True

    @property
    def digest_key(self) -> bytes:
        """Keys the digests of secrets in evidence."""
        return self.world.digest_key

    @property
    def withheld(self) -> bool:
        """There may be more in it than the plan shows."""
        return self.world.plan.configuration is None

    @property
    def actions(self) -> tuple[str, ...]:
        """What the plan does to what it stands over, each action once; before the plan nothing was done."""
        if self.world.side == "before":
            return ()
        return tuple(dict.fromkeys(action for change in self.over for action in change.actions))

    @property
    def existed(self) -> bool:
        """Something that it stands over was there before the plan."""
        return any("create" not in one.actions or "delete" in one.actions for one in self.over)

    @property
    def changed(self) -> bool:
        """The plan changes something that it stands over, or nothing tells."""
        return not self.over or any(not set(one.actions) <= {"no-op", "read"} for one in self.over)

    def before(self) -> Configured | None:
        """As it was before the plan, as far as a plan can tell; ``None``: it was not there."""
        if not self.existed:
            return None
        if not self.changed or self.kind != "block":
            return self
        twin = Configured(
            self.world.opposite or self.world,
            self.kind,
            self.address,
            type_=self.type,
            name=self.name,
            module=self.module_address,
            values=self.values,
            unknown=self.unknown,
            over=self.over,
            instances=self._instances,
        )
        twin._read_code = False  # what it said is not known, only what came of it
        return twin

    def texts(self) -> Iterator[tuple[Path, str, str]]:
        """Every text of it that code or plan shows in the clear: path, the name it goes by, itself."""
        for name, value in self._code if self._read_code else ():
            yield from texts(value, name, (name,) if name else ())
        text_of = self.world.plan.text_of
        for change in self._instances:
            if text_of is None or self.world.side == "before" or may_hold_secret(text_of(change)):
                one = self.world.subject(change)
                for at, name, text in texts(one.values, "") if one is not None else ():
                    if one is not None and not one.is_sensitive(at):
                        yield at, name, text

    def resolve(self, at: Path) -> Any:
        """Nothing here can be followed further."""
        return UNKNOWN

    def absence_by_version(self, rules: Sequence[tuple[int, str]]) -> int:
        """Parts of a configuration have no provider whose version would count."""
        return UNKNOWN_TRUTH

    def lacks(self, name: str) -> bool:
        """No attribute is missing for lack of a data source."""
        return False

    def trace(self, at: Path) -> Trace:
        """What would settle an unknown."""
        return Trace((), self._needs)

    def is_sensitive(self, at: Path) -> bool:
        """What is shown of it is shown on purpose: sources without credentials, names, versions."""
        return False

    def made_of(self, at: Path, parts: int) -> str:
        """Nothing here is made of a resource's identity that could be told."""
        return ""

    @property
    def image_scans(self) -> ImageScans:
        """What scans of container images were given."""
        return self.world.image_scans

    def encoded(self, at: Path) -> None:
        """Nothing here is encoded that would be looked into."""
        return

    def policy_document(self, at: Path) -> None:
        """It holds none."""
        return

    def named_by(self, types: list[str], their: str, matches: list[str], missing: int | None) -> Links:
        """Links are between resources; checks are told so when they are loaded."""
        raise ConditionError("`related` links resources")

    def names(self, types: list[str], value: Any, at: Path, matches: list[str], missing: int | None) -> Links:
        """See ``named_by``."""
        raise ConditionError("`related` links resources")

    def others(self, types: list[str]) -> list[PlanSubject]:
        """All managed resources of these types on this side."""
        return [one for kind in types for one in self.world.managed(kind)]

    source = ""
    """The configuration itself."""

    def surveyed(self, types: list[str]) -> str:
        """Parts of a configuration are about this configuration."""
        return ""


class ConfiguredParts:
    """All parts of one plan's configuration."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._plan: Plan = world.plan

    def of(self, kind: str) -> Iterable[Configured]:
        """The parts of a kind: ``module``, ``provider``, ``variable`` or ``block``."""
        if not self._plan.has_configuration:
            return ()
        return {
            "module": self._module_calls,
            "provider": self._providers,
            "variable": self._variables,
            "block": self._blocks,
        }[kind]()

    def at(self, kind: str, address: str) -> Configured | None:
        """The part at an address."""
        return next((one for one in self.of(kind) if one.address == address), None)

    def _modules(self) -> Iterator[tuple[tuple[str, ...], Module, ModuleCall | None]]:
        """Every module with the names that lead to it and the call that calls it, the root module first."""
        configuration = self._plan.configuration or {}
        open_: list[tuple[tuple[str, ...], Module, ModuleCall | None]]
        open_ = [((), configuration.get("root_module", {}), None)]
        while open_:
            names, module, call = open_.pop(0)
            yield names, module, call
            for name, inner in module.get("module_calls", {}).items():
                open_.append(((*names, name), inner.get("module", {}), inner))

    def _changes_of(self, block: _Key) -> list[ResourceChange]:
        return [self._world.by_address[address] for address in self._world.by_block.get(block, ())]

    @cached_property
    def _changes_by_module(self) -> dict[tuple[str, ...], list[ResourceChange]]:
        out: dict[tuple[str, ...], list[ResourceChange]] = {}
        for block in self._world.by_block:
            changes = self._changes_of(block)
            for depth in range(len(block[0]) + 1):
                out.setdefault(block[0][:depth], []).extend(changes)
        return out

    def _module_calls(self) -> Iterator[Configured]:
        # Imported here: many roots call no module.
        from iacgate.policy.module_sources import parse_source, shown_source

        withheld = self._plan.configuration is None
        found: Iterable[tuple[tuple[str, ...], ModuleCall | None]]
        if withheld:
            found = [(names, None) for names in self._changes_by_module if names]
        else:
            found = [(names, call) for names, _, call in self._modules() if call is not None]
        for names, call in found:
            source = (call or {}).get("source", "")
            values: dict[str, Any] = {"name": names[-1]}
            unknown: Any = None
            if source:
                version = (call or {}).get("version_constraint", "")
                parsed = parse_source(source, version)
                values |= {
                    "source": shown_source(source),
                    "version": version or None,
                    "kind": parsed.kind,
                    "location": parsed.location,
                    "ref": parsed.ref or None,
                    "pin": parsed.pin,
                }
            else:
                unknown = dict.fromkeys(("source", "version", "kind", "location", "ref", "pin"), True)
            yield Configured(
                self._world,
                "module",
                _module(names),
                type_="module",
                name=names[-1],
                module=_module(names[:-1]),
                values=values,
                unknown=unknown,
                needs=_WITHHELD if withheld else "the source is an expression that only an apply settles",
                code=[("source", source), *_constants((call or {}).get("expressions", {}))],
                over=self._changes_by_module.get(names, ()),
            )

    def _providers(self) -> Iterator[Configured]:
        over: dict[str, list[ResourceChange]] = {}
        for change in self._plan.resource_changes:
            if change.provider_name:
                over.setdefault(change.provider_name, []).append(change)
        constraints = self.version_constraints(over)
        code: dict[str, list[tuple[str, Any]]] = {}
        for source, config in self._provider_configs(over):
            code.setdefault(source, []).extend(_constants(config.get("expressions", {})))
        for source in dict.fromkeys([*constraints, *over]):
            if source and not source.startswith(_BUILT_IN):
                yield self._provider(source, constraints.get(source), code.get(source, ()), over.get(source, ()))

    def version_constraints(self, used: Iterable[str]) -> dict[str, list[str]]:
        """What all modules ask of each provider's version, by source. ``used`` settles what a bare name means."""
        constraints: dict[str, list[str]] = {}
        for source, config in self._provider_configs(used):
            wanted = constraints.setdefault(source, [])
            if (one := config.get("version_constraint")) and one not in wanted:
                wanted.append(one)
        return constraints

    def _provider_configs(self, used: Iterable[str]) -> Iterator[tuple[str, ProviderConfig]]:
        """Requirements and blocks of providers, with the source address that the name stands for in their module."""
        configs = (self._plan.configuration or {}).get("provider_config") or {}
        known = {
            (key.rpartition(":")[0], config.get("name", "")): config["full_name"]
            for key, config in configs.items()
            if config.get("full_name")
        }
        for key, config in configs.items():
            name = config.get("name") or key.rpartition(":")[2].partition(".")[0]
            source = known.get((key.rpartition(":")[0], name)) or known.get(("", name))
            source = source or next((one for one in used if one.endswith(f"/{name}")), _OFFICIAL + name)
            yield source, config

    def _provider(
        self,
        source: str,
        constraints: list[str] | None,
        code: Sequence[tuple[str, Any]],
        over: Sequence[ResourceChange],
    ) -> Configured:
        values: dict[str, Any] = {"source": source}
        unknown: dict[str, Any] = {}
        if constraints is None:
            unknown["constraints"] = True
        else:
            values["constraints"] = constraints or None
        locks = self._plan.provider_locks
        if locks is None:
            unknown |= dict.fromkeys(("lock", "locked_version", "hashes"), True)
        else:
            lock = locks.get(source.lower())
            values["lock"] = "missing" if lock is None else "locked" if lock.hashes else "without-hashes"
            values["locked_version"] = lock.version if lock else None
            values["hashes"] = list(lock.hashes) if lock else None
        return Configured(
            self._world,
            "provider",
            f'provider["{source}"]',
            type_="provider",
            name=source.rpartition("/")[2],
            module="",
            values=values,
            unknown=unknown or None,
            needs=_NO_SOURCE_DIR if locks is None else _WITHHELD,
            code=code,
            over=over,
        )

    def _variables(self) -> Iterator[Configured]:
        for names, module, _ in self._modules():
            for name, variable in module.get("variables", {}).items():
                yield Configured(
                    self._world,
                    "variable",
                    _within(names, f"var.{name}"),
                    type_="variable",
                    name=name,
                    module=_module(names),
                    values={"name": name, "sensitive": bool(variable.get("sensitive"))},
                    code=[(name, variable.get("default"))],
                    over=self._changes_by_module.get(names, ()),
                )

    def _blocks(self) -> Iterator[Configured]:
        if self._plan.configuration is None:
            for key in self._world.by_block:
                names, mode, kind, name = key
                unknown = {"provisioners": True}
                yield self._block(names, {"mode": mode, "type": kind, "name": name}, self._changes_of(key), unknown)
            for one in self._world.data_read():
                if (parsed := one.parsed) is not None:
                    block: ConfigResource = {"mode": "data", "type": parsed.type, "name": parsed.name}
                    yield self._block(parsed.module_names, block, ())
            return
        for names, module, _ in self._modules():
            for block in module.get("resources", ()):
                mode, kind, name = block.get("mode", "managed"), block.get("type", ""), block.get("name", "")
                yield self._block(names, block, self._changes_of((names, mode, kind, name)))

    def _block(
        self,
        names: tuple[str, ...],
        block: ConfigResource,
        changes: Sequence[ResourceChange],
        unknown: Any = None,
    ) -> Configured:
        mode, kind, name = block.get("mode", "managed"), block.get("type", ""), block.get("name", "")
        provisioners = block.get("provisioners") or []
        prefix = "" if mode == "managed" else f"{mode}."
        return Configured(
            self._world,
            "block",
            _within(names, f"{prefix}{kind}.{name}"),
            type_=kind,
            name=name,
            module=_module(names),
            values={
                "mode": mode,
                "type": kind,
                "name": name,
                "provisioners": [{"type": one.get("type", "")} for one in provisioners],
            },
            unknown=unknown,
            code=[
                *_constants(block.get("expressions", {})),
                ("provisioners", [dict(_constants(one.get("expressions", {}))) for one in provisioners]),
            ],
            # Read while planning, a data source is no change: it stands with the rest of its module.
            over=changes if changes or mode != "data" else self._changes_by_module.get(names, ()),
            instances=changes,
        )


def _module(names: Sequence[str]) -> str:
    return ".".join(f"module.{name}" for name in names)


def _within(names: Sequence[str], address: str) -> str:
    return ".".join(filter(None, (_module(names), address)))


def _constants(expressions: Any) -> list[tuple[str, Any]]:
    """What expressions say themselves: constants, in the shape of the blocks they stand in."""
    return [(name, _constant(one)) for name, one in expressions.items()] if isinstance(expressions, dict) else []


def _constant(expression: Any) -> Any:
    if isinstance(expression, list):
        return [_constant(one) for one in expression]
    if not isinstance(expression, dict):
        return None
    if "constant_value" in expression:
        return expression["constant_value"]
    if "references" in expression:
        return None
    return {name: _constant(one) for name, one in expression.items()}
