"""A Terraform or OpenTofu plan, typed (Terraform's "JSON Output Format", format_version 0.1 to 1.x).

Attribute values stay undecoded until a check asks for them: :meth:`Plan.values` reads one
resource's. A large plan is mostly values that no check names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from iacgate.model.configuration import Configuration, PriorState
    from iacgate.model.origin import Origins

__all__ = [
    "ChangeValues",
    "CheckResult",
    "DeferredChange",
    "Mask",
    "OutputChange",
    "Plan",
    "ProviderLock",
    "ResourceChange",
]

Mask = Any
"""``True``: all of it. ``False`` or ``{}``: nothing. Else a tree shaped like the value."""

KNOWN_ACTIONS = frozenset({"no-op", "create", "read", "update", "delete", "forget"})


class ChangeValues(NamedTuple):
    """One resource change's values, decoded. ``None``: there is no object on that side."""

    before: dict[str, Any] | None
    after: dict[str, Any] | None
    unknown: Mask
    before_sensitive: Mask
    after_sensitive: Mask


class ResourceChange(NamedTuple):
    """One entry of ``resource_changes`` (or of ``resource_drift``)."""

    address: str
    type: str
    name: str
    mode: str
    actions: tuple[str, ...]
    module_address: str
    previous_address: str
    deposed: str
    provider_name: str
    action_reason: str
    importing: bool
    unchanged: bool
    """Before and after are the same bytes."""
    marks_sensitive: bool
    """Something in it is marked sensitive."""
    change: Any
    """The undecoded change; for ``Plan.values``."""
    uncertain: bool = False
    """There may be none of it: how many there are is not known before a plan."""

    @property
    def goes_away(self) -> bool:
        """Nothing is left under Terraform's management: destroyed or forgotten."""
        return bool(self.actions) and set(self.actions) <= {"delete", "forget"}


class OutputChange(NamedTuple):
    """One entry of ``output_changes``; values are left undecoded, they may be secrets."""

    name: str
    actions: tuple[str, ...]
    sensitive: bool


class DeferredChange(NamedTuple):
    """A change that this plan leaves to a later one, and Terraform's reason for it."""

    reason: str
    resource_change: ResourceChange


class CheckResult(NamedTuple):
    """The state of a ``check`` block, precondition, postcondition or variable validation."""

    address: str
    kind: str
    status: str
    """``pass``, ``fail``, ``error`` or ``unknown``."""
    problems: tuple[str, ...]


class ProviderLock(NamedTuple):
    """What the dependency lock file holds of one provider."""

    version: str
    hashes: tuple[str, ...]


class Plan:
    """A whole plan. What is decoded lazily comes from the reader by the functions given here."""

    def __init__(
        self,
        *,
        format_version: str,
        terraform_version: str,
        complete: bool,
        errored: bool,
        applyable: bool | None,
        resource_changes: Sequence[ResourceChange],
        resource_drift: Sequence[ResourceChange],
        deferred_changes: Sequence[DeferredChange],
        checks: Sequence[CheckResult],
        output_changes: Sequence[OutputChange],
        variables: Mapping[str, Any],
        may_hold_secrets: bool,
        decode_change: Callable[[ResourceChange], ChangeValues],
        decode_configuration: Callable[[], Configuration | None],
        decode_prior_state: Callable[[], PriorState],
        origins: Origins | None = None,
        problems: Sequence[str] = (),
        read_locks: Callable[[], Mapping[str, ProviderLock] | None] = lambda: None,
        text_of: Callable[[ResourceChange], bytes] | None = None,
        has_configuration: bool = True,
    ) -> None:
        self.format_version = format_version
        self.terraform_version = terraform_version
        self.complete = complete
        """False: the plan covers only a part (``-target``, deferred actions)."""
        self.errored = errored
        self.applyable = applyable
        """``None``: the Terraform that wrote it did not say."""
        self.resource_changes = resource_changes
        self.resource_drift = resource_drift
        self.deferred_changes = deferred_changes
        self.checks = checks
        self.output_changes = output_changes
        self.variables = variables
        """Root input variables' values. Sensitive ones are in clear: see ``iacgate.secrets``."""
        self.may_hold_secrets = may_hold_secrets
        """Something is marked sensitive, or a provider is configured with what looks like a credential."""

        self.origins = origins
        """Who says where unknown values come from, when it is not the configuration in the plan."""
        self.problems = problems
        """What could not be read of the input; the rest is judged, and the outcome is an error."""
        self.read_locks = read_locks
        """Reads the dependency lock file beside the configuration; see ``provider_locks``."""
        self.text_of = text_of
        """A change's values before they are decoded, to look for something in all of them. ``None``: only decoded."""
        self.has_configuration = has_configuration
        """False: what it was made of never had one (a state). Else one that is missing was withheld."""

        self._decode_change = decode_change
        self._decode_configuration = decode_configuration
        self._decode_prior_state = decode_prior_state

    def values(self, change: ResourceChange) -> ChangeValues:
        """Decode one change's values. Raises ``InputError`` when they are not what a plan holds."""
        return self._decode_change(change)

    @cached_property
    def configuration(self) -> Configuration | None:
        """The configuration behind the plan; ``None`` when the plan was written without it."""
        return self._decode_configuration()

    @cached_property
    def prior_state(self) -> PriorState:
        """What the plan knows and does not list as a change: data sources that were read, what `-target` left out."""
        return self._decode_prior_state()

    @cached_property
    def provider_locks(self) -> Mapping[str, ProviderLock] | None:
        """Provider's source address -> what is locked; ``None`` when no source directory is known."""
        return self.read_locks()
