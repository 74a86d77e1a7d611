"""Read ``terraform show -json PLAN`` (and ``tofu show -json``) into :class:`iacgate.model.plan.Plan`.

Follows Terraform's "JSON Output Format"; format versions 0.1 to 1.x. Whatever is not a whole,
unambiguous plan is refused: a parser that lets the last of two equal keys win would let a plan
show one thing to us and another to the next reader.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from iacgate.errors import InputError, NotAPlanError
from iacgate.model.address import AddressError, parse_address
from iacgate.model.configuration import Configuration, PriorState, StateModule, StateResource
from iacgate.model.plan import (
    ChangeValues,
    CheckResult,
    DeferredChange,
    OutputChange,
    Plan,
    ResourceChange,
)
from iacgate.sources.expressions import refuse_odd_expressions
from iacgate.sources.json_text import decode, decode_object, refuse_duplicate_keys, to_utf8

__all__ = ["read_plan"]

T = TypeVar("T")

MAKE_JSON = "make one with: terraform plan -out tfplan && terraform show -json tfplan > plan.json"
_FORMAT = re.compile(r"(\d{1,4})\.\d{1,4}")
_ABSENT = Raw(b"null")
_PLAIN_MASKS = frozenset({b"null", b"true", b"false", b"{}", b"[]"})
# In two steps, because one expression for both would take quadratic time on a long string.
_MARKED = re.compile(rb'"(?:sensitive|ephemeral)"\s*:\s*true')
_CONSTANT = re.compile(rb'"([^"]*+)"\s*+:\s*+\{\s*+"constant_value"')
_SECRET_NAME = re.compile(
    rb"secret|token|passw|passphrase|private|credential|access_key|api_key|client_key|auth", re.IGNORECASE
)
_MODES = frozenset({"managed", "data", "ephemeral"})
# A number, or a text that is no key: where this is not found a mask is one without looking further.
_NO_MASK = re.compile(rb'[:\[,]\s*[-\d]|^\s*["\d-]|"\s*[\],}]')
_MAX_FOREIGN = 4 * 1024 * 1024
_MAX_SMALL = 16 * 1024 * 1024
_MAX_CONFIGURATION = 32 * 1024 * 1024
_MAX_ENTRY = 64 * 1024 * 1024
_MAX_ENTRIES = 500_000


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
    encrypted_data: Raw | UnsetType = UNSET


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
    resource_change: _ResourceChange
    reason: str = ""


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
    address: _CheckAddress
    status: str
    instances: tuple[_CheckInstance, ...] = ()


class _PlannedModule(Struct):
    resources: Raw = _ABSENT
    child_modules: "tuple[_PlannedModule, ...] | None" = None


class _Planned(Struct):
    root_module: _PlannedModule | None = None


_raw_list = msgspec.json.Decoder(list[Raw])
_resource_changes = msgspec.json.Decoder(list[_ResourceChange])
_deferred_changes = msgspec.json.Decoder(list[_Deferred])


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
    end = data[-16:]
    refuse_duplicate_keys(data, name, spare=len(end) - len(end.rstrip()))  # not by a copy of the whole
    changes = _changes(top.resource_changes, "resource_changes", name)
    if not changes:
        _require_no_resources(top, name)
    _refuse_repeated(changes, name)
    variables = _small(top.variables, dict[str, dict[str, Any]] | None, f"{name}: variables") or {}
    checks = _small(top.checks, list[_Check] | None, f"{name}: checks") or []
    outputs = _small(top.output_changes, dict[str, _Output] | None, f"{name}: output_changes") or {}
    return Plan(
        format_version=version,
        terraform_version=top.terraform_version,
        complete=top.complete,
        errored=top.errored,
        applyable=top.applyable,
        resource_changes=changes,
        resource_drift=_changes(top.resource_drift, "resource_drift", name),
        deferred_changes=_deferred(top.deferred_changes, name),
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
        decode_prior_state=lambda: _prior_state(top.prior_state, changes, name),
        text_of=lambda change: bytes(change.change.after),
    )


def _refuse_other_documents(top: _Top, name: str) -> None:
    if top.planned_values is not UNSET or top.resource_changes is not UNSET:
        return
    if top.values is not UNSET or top.lineage is not UNSET:
        raise NotAPlanError(f"{name} is Terraform state, not a plan", hint=MAKE_JSON)
    if top.encrypted_data is not UNSET:
        raise NotAPlanError(f"{name} is an encrypted OpenTofu plan or state", hint="tofu show -json tfplan > plan.json")
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
    if top.configuration is not UNSET and len(top.configuration) > _MAX_CONFIGURATION:
        raise InputError(f"{name}: configuration is larger than {_MAX_CONFIGURATION // 2**20} MiB")


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


def _small(raw: Raw | UnsetType, kind: Any, where: str) -> Any:
    return decode(raw, kind, where, exact=True, limit=_MAX_SMALL)


def _changes(raw: Raw | UnsetType, key: str, name: str) -> list[ResourceChange]:
    wires, texts = _entries(raw, _resource_changes, key, name)
    return [_read_change(wire, text, name) for wire, text in zip(wires, texts, strict=True)]


def _deferred(raw: Raw | UnsetType, name: str) -> list[DeferredChange]:
    out = []
    wires, texts = _entries(raw, _deferred_changes, "deferred_changes", name)
    for wire, text in zip(wires, texts, strict=True):
        level = refuse_duplicate_keys(text, f"{name}: deferred_changes")
        out.append(DeferredChange(wire.reason, _read_change(wire.resource_change, level["resource_change"], name)))
    return out


def _entries(
    raw: Raw | UnsetType, decoder: msgspec.json.Decoder[list[T]], key: str, name: str
) -> tuple[list[T], list[Raw]]:
    """The entries of a list, each with its text. What is no entry stops the decoder at once, whatever follows."""
    if raw is UNSET or bytes(raw) == b"null":
        return [], []
    if bytes(raw).count(b'"actions"') > _MAX_ENTRIES:
        raise InputError(f"{name}: `{key}` has more than {_MAX_ENTRIES} entries")
    try:
        wires, texts = decoder.decode(raw), _raw_list.decode(raw)
    except msgspec.ValidationError as error:
        raise InputError(f"{name}: `{key}` is malformed: {error}") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise InputError(f"{name}: `{key}` is not valid JSON") from None
    except RecursionError:
        raise InputError(f"{name}: `{key}` is nested too deeply") from None
    if len(raw) - sum(map(len, texts)) > _MAX_FOREIGN + 256 * len(texts):
        raise InputError(f"{name}: `{key}` is mostly white space")
    return wires, texts


def _require_no_resources(top: _Top, name: str) -> None:
    """Terraform leaves ``resource_changes`` out when there are none; a plan that was cut may lack them as well."""
    planned = _small(top.planned_values, _Planned | None, f"{name}: planned_values")
    if planned is None:
        if top.resource_changes is not UNSET and bytes(top.resource_changes) != b"null":
            return
        raise InputError(f"{name} has no `resource_changes` and no `planned_values` that would show there are none")
    modules = [planned.root_module or _PlannedModule()]
    while modules:
        module = modules.pop()
        if module.resources != _ABSENT and decode(module.resources, list[Any], f"{name}: planned_values"):
            raise InputError(f"{name} plans resources but has no `resource_changes`: the file is incomplete")
        modules.extend(module.child_modules or ())


def _read_change(wire: _ResourceChange, raw: Raw, name: str) -> ResourceChange:
    where = f"{name}: {wire.address}"
    if len(raw) > _MAX_ENTRY:
        raise InputError(f"{where} is larger than {_MAX_ENTRY // 2**20} MiB: no plan has a resource that large")
    refuse_duplicate_keys(raw, where, "change")
    change = wire.change
    _refuse_contradictions(wire, where)
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


def _refuse_contradictions(wire: _ResourceChange, where: str) -> None:
    """An entry that would get out of being judged by what it says of itself must say it twice."""
    if f"{wire.type}." not in wire.address:
        raise InputError(f"{where}: the address is not that of its `type`")
    if wire.mode != "managed":
        if wire.mode not in _MODES:
            raise InputError(f"{where}: `mode` is none that this version of iacgate knows")
        try:
            told = parse_address(wire.address).mode
        except AddressError:
            told = ""
        if told != wire.mode:
            raise InputError(f"{where}: the address is not that of its `mode`")
    actions = wire.change.actions
    if actions and {"delete", "forget"}.issuperset(actions) and bytes(wire.change.after) != b"null":
        raise InputError(f"{where}: it is to go away, and yet something is planned for it")


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
    value = _small(raw, Any, where)
    if value is not None and not isinstance(value, dict):
        raise InputError(f"{where} is not an object")
    return value


def _mask(raw: Raw, where: str) -> Any:
    text = bytes(raw)
    if text in _PLAIN_MASKS:
        return text == b"true"
    plain = _NO_MASK.search(text) is None
    if plain and b"true" not in text:
        return False  # nothing is marked, whatever its shape
    value = _small(raw, Any, where)
    if not plain and not _is_mask(value):
        raise InputError(f"{where} is not made of true, false, lists and objects")
    return value


def _is_mask(value: Any) -> bool:
    kind = type(value)
    if kind is dict:
        return all(map(_is_mask, value.values()))
    return all(map(_is_mask, value)) if kind is list else value is None or kind is bool


def _configuration_decoder(raw: Raw | UnsetType, name: str) -> Callable[[], Configuration | None]:
    if raw is UNSET:
        return lambda: None

    def read() -> Configuration:
        where = f"{name}: configuration"
        configuration: Configuration = decode(raw, Configuration, where, exact=True)
        refuse_odd_expressions(configuration, where)
        return configuration

    return read


class _PriorModule(Struct):
    resources: list[Raw] = []
    child_modules: list[Raw] = []


class _PriorHead(Struct):
    address: str = ""
    mode: str = "managed"


_prior_head = msgspec.json.Decoder(_PriorHead)


def _prior_state(raw: Raw | UnsetType, changes: Sequence[ResourceChange], name: str) -> PriorState:
    """Only what the changes do not say: data sources, and resources that the plan leaves out."""
    where = f"{name}: prior_state"
    state = decode(raw, dict[str, Raw] | None, where)
    values = decode(state.get("values"), dict[str, Raw] | None, where) if state else None
    if not values or "root_module" not in values:
        return {}
    refuse_duplicate_keys(raw, where, "values")  # type: ignore[arg-type]
    listed = {address for change in changes for address in (change.address, change.previous_address)}
    return {"root_module": _prior_module(values["root_module"], listed, where)}


def _prior_module(raw: Raw, listed: set[str], where: str) -> StateModule:
    refuse_duplicate_keys(raw, where)
    module: _PriorModule = decode(raw, _PriorModule, where)
    resources: list[StateResource] = []
    for one in module.resources:
        try:
            head = _prior_head.decode(one)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise InputError(f"{where}: a resource is malformed") from None
        if head.mode == "data" or head.address not in listed:
            refuse_duplicate_keys(one, where)
            resources.append(decode(one, StateResource, where, exact=True))
    return {
        "resources": resources,
        "child_modules": [_prior_module(one, listed, where) for one in module.child_modules],
    }


def _may_hold_secrets(configuration: Raw | UnsetType, changes: Iterable[ResourceChange]) -> bool:
    if any(change.marks_sensitive for change in changes):
        return True
    if configuration is UNSET:
        return False
    text = bytes(configuration)
    return bool(_MARKED.search(text)) or any(_SECRET_NAME.search(match[1]) for match in _CONSTANT.finditer(text))
