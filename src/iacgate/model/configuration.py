"""The configuration and the prior state inside a plan, as Terraform's "JSON Output Format" names their parts.

Typed dictionaries: they are decoded only when an unknown must be followed, they cost nothing to
define, and a key that Terraform left out is simply not there.
"""

from typing import Any, TypedDict

__all__ = [
    "ConfigOutput",
    "ConfigResource",
    "ConfigVariable",
    "Configuration",
    "Expression",
    "Module",
    "ModuleCall",
    "PriorState",
    "ProviderConfig",
    "StateModule",
    "StateResource",
]

Expression = dict[str, Any]
"""``{"constant_value": …}`` or ``{"references": [...]}``; for nested blocks a list of such mappings."""


class ConfigVariable(TypedDict, total=False):
    """An input variable's declaration."""

    default: Any
    sensitive: bool
    ephemeral: bool
    nullable: bool


class ConfigOutput(TypedDict, total=False):
    """An output value's declaration."""

    expression: Expression
    sensitive: bool


class ConfigResource(TypedDict, total=False):
    """A resource block."""

    address: str
    mode: str
    type: str
    name: str
    provider_config_key: str
    expressions: dict[str, Any]
    provisioners: list[dict[str, Any]]
    count_expression: Expression
    for_each_expression: Expression


class ModuleCall(TypedDict, total=False):
    """A module block and the module it calls."""

    source: str
    version_constraint: str
    expressions: dict[str, Any]
    count_expression: Expression
    for_each_expression: Expression
    module: "Module"


class Module(TypedDict, total=False):
    """A module's own blocks."""

    resources: list[ConfigResource]
    module_calls: dict[str, ModuleCall]
    variables: dict[str, ConfigVariable]
    outputs: dict[str, ConfigOutput]


class ProviderConfig(TypedDict, total=False):
    """A provider block. Its expressions may hold credentials in clear."""

    name: str
    full_name: str
    alias: str
    version_constraint: str
    module_address: str
    expressions: dict[str, Any]


class Configuration(TypedDict, total=False):
    """Providers and the root module."""

    provider_config: dict[str, ProviderConfig]
    root_module: Module


class StateResource(TypedDict, total=False):
    """A resource of the prior state."""

    address: str
    mode: str
    type: str
    values: dict[str, Any]
    sensitive_values: Any


class StateModule(TypedDict, total=False):
    """A module of the prior state with everything below it."""

    address: str
    resources: list[StateResource]
    child_modules: list["StateModule"]


class PriorState(TypedDict, total=False):
    """What Terraform knew before planning, data sources included."""

    root_module: StateModule
