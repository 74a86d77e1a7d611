"""The configuration and the prior state inside a plan.

Decoded only when an unknown must be resolved, so these are plain dataclasses: what they cost to
define is paid only then.
"""

from dataclasses import dataclass, field
from typing import Any

__all__ = [
    "ConfigOutput",
    "ConfigResource",
    "ConfigVariable",
    "Configuration",
    "Module",
    "ModuleCall",
    "PriorState",
    "ProviderConfig",
    "StateModule",
    "StateResource",
]


@dataclass(frozen=True, slots=True)
class ConfigVariable:
    """An input variable's declaration."""

    default: Any = None
    sensitive: bool = False
    ephemeral: bool = False


@dataclass(frozen=True, slots=True)
class ConfigOutput:
    """An output value's declaration."""

    expression: dict[str, Any] = field(default_factory=dict)
    sensitive: bool = False


@dataclass(frozen=True, slots=True)
class ConfigResource:
    """A resource block. ``expressions``: per argument ``constant_value`` or ``references``."""

    address: str
    type: str
    name: str
    mode: str = "managed"
    provider_config_key: str = ""
    expressions: dict[str, Any] = field(default_factory=dict)
    provisioners: list[dict[str, Any]] = field(default_factory=list)
    count_expression: dict[str, Any] | None = None
    for_each_expression: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class ModuleCall:
    """A module block and the module it calls."""

    source: str = ""
    version_constraint: str = ""
    expressions: dict[str, Any] = field(default_factory=dict)
    count_expression: dict[str, Any] | None = None
    for_each_expression: dict[str, Any] | None = None
    module: "Module" = field(default_factory=lambda: Module())


@dataclass(frozen=True, slots=True)
class Module:
    """A module's own blocks."""

    resources: list[ConfigResource] = field(default_factory=list)
    module_calls: dict[str, ModuleCall] = field(default_factory=dict)
    variables: dict[str, ConfigVariable] = field(default_factory=dict)
    outputs: dict[str, ConfigOutput] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ProviderConfig:
    """A provider block. Its expressions may hold credentials in clear."""

    name: str = ""
    full_name: str = ""
    alias: str = ""
    version_constraint: str = ""
    module_address: str = ""
    expressions: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Configuration:
    """Providers and the root module."""

    provider_config: dict[str, ProviderConfig] = field(default_factory=dict)
    root_module: Module = field(default_factory=Module)


@dataclass(frozen=True, slots=True)
class StateResource:
    """A resource of the prior state."""

    address: str
    type: str
    mode: str = "managed"
    values: dict[str, Any] = field(default_factory=dict)
    sensitive_values: Any = None


@dataclass(frozen=True, slots=True)
class StateModule:
    """A module of the prior state with everything below it."""

    resources: list[StateResource] = field(default_factory=list)
    child_modules: list["StateModule"] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class PriorState:
    """What Terraform knew before planning, data sources included."""

    root_module: StateModule = field(default_factory=StateModule)
    serial: int | None = None
