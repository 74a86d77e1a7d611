"""Read ``terraform show -json PLAN`` (and ``tofu show -json``) into :class:`iacgate.model.plan.Plan`.

Follows Terraform's "JSON Output Format"; format versions 0.1 to 1.x. Whatever is not a whole,
unambiguous plan is refused: a parser that lets the last of two equal keys win would let a plan
show one thing to us and another to the next reader.
"""

import re
from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from iacgate.errors import InputError, NotAPlanError
from iacgate.model.configuration import Configuration, PriorState
from iacgate.model.plan import (
    ChangeValues,
    CheckResult,
    DeferredChange,
    OutputChange,
    Plan,
    ResourceChange,
)
from iacgate.sources.json_text import decode, decode_object, refuse_duplicate_keys, to_utf8

__all__ = ["read_plan"]

MAKE_JSON = "make one with: terraform plan -out tfplan && terraform show -json tfplan > plan.json"
_FORMAT = re.compile(r"(\d{1,4})\.\d{1,4}")
_ABSENT = Raw(b"null")
_SECRET_HINT = re.compile(
    rb'"(?:sensitive|ephemeral)"\s*:\s*true|'
    rb'"[^"]*(?:secret|token|passw|passphrase|private|credential|access_key|api_key|client_key|auth)[^"]*"\s*:\s*\{\s*"constant_value"',
    re.IGNORECASE,
)
_MAX_FOREIGN = 16 * 1024 * 1024


class _Top(Struct):
    format_version: Raw = _ABSENT
    terraform_version: str = ""
    variables: Raw | UnsetType = UNSET
    planned_values: Raw | UnsetType = UNSET
    proposed_unknown: Raw | UnsetType = UNSET
    resource_changes: Raw | UnsetType = UNSET
    resource_drift: Raw | UnsetType = UNSET
    deferred_changes: Raw | UnsetType = UNSET
    output_changes: Raw | UnsetType = UNSET
    prior_state: Raw | UnsetType = UNSET
    configuration: Raw | UnsetType = UNSET
    relevant_attributes: Raw | UnsetType = UNSET
    checks: Raw | UnsetType = UNSET
    timestamp: Raw | UnsetType = UNSET
    applyable: bool | None = None
    complete: bool = True
    errored: bool = False
    action_invocations: Raw | UnsetType = UNSET
    # what else Terraform writes, to tell people what they gave us
    values: Raw | UnsetType = UNSET
    lineage: Raw | UnsetType = UNSET
    provider_schemas: Raw | UnsetType = UNSET


class _Change(Struct):
    actions: tuple[str, ...]
    before: Raw = _ABSENT
    after: Raw = _ABSENT
    after_unknown: Raw = _ABSENT
    before_sensitive: Raw = _ABSENT
    after_sensitive: Raw = _ABSENT
    importing: Raw = _ABSENT


class _ResourceChange(Struct):
    address: str
    type: str
    change: _Change
    name: str | None = None
    mode: str = "managed"
    module_address: str | None = None
    previous_address: str | None = None
    deposed: str | None = None
    provider_name: str | None = None
    action_reason: str | None = None


class _Deferred(Struct):
    reason: str = ""
    resource_change: Raw = _ABSENT


class _Output(Struct):
    actions: tuple[str, ...]
    before_sensitive: Any = False
    after_sensitive: Any = False


class _Problem(Struct):
    message: str = ""


class _CheckInstance(Struct):
    problems: tuple[_Problem, ...] = ()


class _CheckAddress(Struct):
    kind: str = ""
    to_display: str = ""


class _Check(Struct):
    address: _CheckAddress = msgspec.field(default_factory=_CheckAddress)
    status: str = "unknown"
    instances: tuple[_CheckInstance, ...] = ()


_raw_list = msgspec.json.Decoder(list[Raw])
_resource_change = msgspec.json.Decoder(_ResourceChange)


def read_plan(data: bytes, name: str) -> Plan:
    """Read a plan's JSON. ``name`` stands for the input in messages.

    Raises ``NotAPlanError`` when it is something else, ``InputError`` when it is a plan that
    cannot be trusted to be whole. Messages hold no value of the input.
    """
    data = to_utf8(data, name)
    if b'"@level"' in data[:4096]:
        raise NotAPlanError(
            f"{name} is the event stream of `terraform plan -json`, which does not hold the planned values",
            hint=MAKE_JSON,
        )
    top = decode_object(data, _Top, name)
    _refuse_other_documents(top, name)
    version = _format_version(top.format_version, name)
    _refuse_bulk(data, top, name)
    refuse_duplicate_keys(data.strip(), name)
    changes = [_read_change(raw, name) for raw in _entries(top.resource_changes, "resource_changes", name)]
    if not changes and top.resource_changes is UNSET:
        _require_no_resources(top.planned_values, name)
    _refuse_repeated(changes, name)
    variables = decode(top.variables, dict[str, dict[str, Any]] | None, f"{name}: variables") or {}
    checks = decode(top.checks, list[_Check] | None, f"{name}: checks") or []
    outputs = decode(top.output_changes, dict[str, _Output] | None, f"{name}: output_changes") or {}
    return Plan(
        format_version=version,
        terraform_version=top.terraform_version,
        complete=top.complete,
        errored=top.errored,
        applyable=top.applyable,
        resource_changes=changes,
        resource_drift=[_read_change(raw, name) for raw in _entries(top.resource_drift, "resource_drift", name)],
        deferred_changes=[
            DeferredChange(deferred.reason, _read_change(deferred.resource_change, name))
            for raw in _entries(top.deferred_changes, "deferred_changes", name)
            for deferred in [decode(raw, _Deferred, f"{name}: deferred_changes")]
        ],
        checks=[
            CheckResult(
                check.address.to_display,
                check.address.kind,
                check.status,
                tuple(problem.message for instance in check.instances for problem in instance.problems),
            )
            for check in checks
        ],
        output_changes=[
            OutputChange(key, out.actions, bool(out.before_sensitive or out.after_sensitive))
            for key, out in outputs.items()
        ],
        variables={key: entry.get("value") for key, entry in variables.items()},
        may_hold_secrets=_may_hold_secrets(top.configuration, changes),
        decode_change=lambda change: _values(change, name),
        decode_configuration=_configuration_decoder(top.configuration, name),
        decode_prior_state=lambda: _prior_state(top.prior_state, name),
    )


def _refuse_other_documents(top: _Top, name: str) -> None:
    if top.planned_values is not UNSET or top.resource_changes is not UNSET:
        return
    if top.values is not UNSET or top.lineage is not UNSET:
        raise NotAPlanError(f"{name} is Terraform state, not a plan", hint=MAKE_JSON)
    if top.provider_schemas is not UNSET:
        raise NotAPlanError(f"{name} is a provider schema, not a plan", hint=MAKE_JSON)
    raise NotAPlanError(
        f"{name} is JSON, but not a plan: it has neither `planned_values` nor `resource_changes`", hint=MAKE_JSON
    )


def _refuse_bulk(data: bytes, top: _Top, name: str) -> None:
    """What is no part of a plan may be there (a later format adds keys), but not without end."""
    known = sum(len(part) for part in msgspec.structs.astuple(top) if isinstance(part, Raw))
    if len(data) - known > _MAX_FOREIGN:
        raise InputError(f"{name} holds {(len(data) - known) // 2**20} MiB that belong to no part of a plan")


def _format_version(raw: Raw, name: str) -> str:
    value = decode(raw, Any, f"{name}: format_version")
    if value is None:
        raise NotAPlanError(
            f"{name} has no `format_version`, so it is no output of `terraform show -json`", hint=MAKE_JSON
        )
    match = _FORMAT.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise InputError(f"{name}: `format_version` is not a version such as 1.2")
    if int(match[1]) > 1:
        raise InputError(
            f"{name}: `format_version` is newer than any this version of iacgate knows (0.1 to 1.x)",
            hint="update iacgate",
        )
    return str(value)


def _entries(raw: Raw | UnsetType, key: str, name: str) -> list[Raw]:
    if raw is UNSET or bytes(raw) == b"null":
        return []
    try:
        return _raw_list.decode(raw)
    except (msgspec.MsgspecError, RecursionError):
        raise InputError(f"{name}: `{key}` is not a list") from None


def _require_no_resources(planned: Raw | UnsetType, name: str) -> None:
    values = decode(planned, dict[str, Any] | None, f"{name}: planned_values") if planned is not UNSET else None
    if values is None:
        raise InputError(f"{name} has no `resource_changes` and no `planned_values` that would show there are none")
    modules: list[Any] = [values.get("root_module") or {}]
    while modules:
        module = modules.pop()
        if not isinstance(module, dict) or module.get("resources"):
            raise InputError(f"{name} plans resources but has no `resource_changes`: the file is incomplete")
        modules.extend(module.get("child_modules") or [])


def _read_change(raw: Raw, name: str) -> ResourceChange:
    try:
        wire = _resource_change.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InputError(f"{name}: an entry of `resource_changes` is malformed: {_reason(error)}") from None
    except RecursionError:
        raise InputError(f"{name}: an entry of `resource_changes` is nested too deeply") from None
    refuse_duplicate_keys(raw, f"{name}: {wire.address}", "change")
    change = wire.change
    return ResourceChange(
        wire.address,
        wire.type,
        wire.name or "",
        wire.mode,
        change.actions,
        wire.module_address or "",
        wire.previous_address or "",
        wire.deposed or "",
        wire.provider_name or "",
        wire.action_reason or "",
        change.importing is not _ABSENT and bytes(change.importing) != b"null",
        bytes(change.before) == bytes(change.after),
        b"true" in bytes(change.after_sensitive) or b"true" in bytes(change.before_sensitive),
        change,
    )


def _refuse_repeated(changes: list[ResourceChange], name: str) -> None:
    seen: set[tuple[str, str]] = set()
    for change in changes:
        key = (change.address, change.deposed)
        if key in seen:
            raise InputError(f"{name} holds two changes for one address: {change.address}")
        seen.add(key)


def _values(change: ResourceChange, name: str) -> ChangeValues:
    wire: _Change = change.change
    where = f"{name}: {change.address}"
    before = _object(wire.before, f"{where}: before")
    after = before if change.unchanged else _object(wire.after, f"{where}: after")
    return ChangeValues(
        before,
        after,
        _mask(wire.after_unknown, f"{where}: after_unknown"),
        _mask(wire.before_sensitive, f"{where}: before_sensitive"),
        _mask(wire.after_sensitive, f"{where}: after_sensitive"),
    )


def _object(raw: Raw, where: str) -> dict[str, Any] | None:
    value = decode(raw, Any, where, exact=True)
    if value is not None and not isinstance(value, dict):
        raise InputError(f"{where} is not an object")
    return value


def _mask(raw: Raw, where: str) -> Any:
    if len(raw) < 6:  # null, true, false, {} without decoding
        return bytes(raw) == b"true"
    return decode(raw, Any, where, exact=True)


def _configuration_decoder(raw: Raw | UnsetType, name: str) -> Callable[[], Configuration | None]:
    if raw is UNSET:
        return lambda: None
    return lambda: decode(raw, Configuration, f"{name}: configuration", exact=True)


class _State(Struct):
    values: PriorState | None = None


def _prior_state(raw: Raw | UnsetType, name: str) -> PriorState:
    wire = decode(raw, _State | None, f"{name}: prior_state", exact=True)
    return wire.values if wire is not None and wire.values is not None else {}


def _may_hold_secrets(configuration: Raw | UnsetType, changes: list[ResourceChange]) -> bool:
    if any(change.marks_sensitive for change in changes):
        return True
    return configuration is not UNSET and _SECRET_HINT.search(bytes(configuration)) is not None


def _reason(error: Exception) -> str:
    text = str(error)
    return text if isinstance(error, msgspec.ValidationError) else "it is not valid JSON"
