"""A directory of HCL as plans that create everything: one for each root module found in it.

The checks judge them like any plan. A first apply is what they are closest to: what a plan would know
later (the state, what an apply settles, values that only a pipeline gives) is unknown.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, NamedTuple

from iacgate.errors import InputError, NotAPlanError, UsageError
from iacgate.model.address import Address
from iacgate.model.configuration import PriorState
from iacgate.model.finding import Location
from iacgate.model.origin import Origin
from iacgate.model.plan import ChangeValues, Plan, ResourceChange
from iacgate.sources.hcl.body import LEFT
from iacgate.sources.hcl.configuration import configuration_of
from iacgate.sources.hcl.expressions import Scope, try_evaluate
from iacgate.sources.hcl.files import directories_below, parse_files, variable_files
from iacgate.sources.hcl.functions.table import functions
from iacgate.sources.hcl.instances import ModuleInstance, ResourceInstance
from iacgate.sources.hcl.module import ModuleSource, read_module
from iacgate.sources.hcl.shared import ResourceSchema, Shared
from iacgate.sources.hcl.tree import Tree, installed_modules
from iacgate.sources.hcl.values import Encoded, Text, Unknown, unknown_of, unknowns_in

__all__ = ["Directory", "RootModule", "deep_recursion", "read_directory"]

_MAX_DEPTH = 6_000


class RootModule(NamedTuple):
    """One root module: where it is, and its resources as a plan."""

    directory: str
    """Relative to what was asked for; ``.`` is that itself."""
    plan: Plan
    locations: Mapping[str, Location]
    """By address."""
    notes: list[str]


class Directory(NamedTuple):
    """What was read: its root modules, and a digest of all files."""

    roots: list[RootModule]
    sha256: str
    outside: Callable[[], list[Path]]
    """What was looked for elsewhere by now."""
    reads_files: Callable[[], bool]
    """Whether functions have read files of other kinds by now: values are evaluated when they are asked for."""


def read_directory(
    top: Path,
    schema: ResourceSchema,
    *,
    cache: Path | None = None,
    var_files: Sequence[Path] = (),
    tree: Tree | None = None,
) -> Directory:
    """Every root module at or below ``top``: those that no other one there calls.

    ``tree`` is that of ``top`` when some of it is read already, or other than on the disk.

    Raises ``InputError`` when there is nothing to read, ``UsageError`` when a file of variables cannot be used.
    """
    directories = list(directories_below(top))
    if not directories:
        raise NotAPlanError(
            f"{top} holds no HCL: no file there ends in .tf, .tofu, .tf.json or .tofu.json",
            hint="give a directory with a root module, or a plan: terraform show -json tfplan > plan.json",
        )
    tree = Tree(top, cache) if tree is None else tree
    tree.parse(directories)
    called = {Path(os.path.normpath(one)) for directory in directories for one in _calls(tree.module(directory))}
    roots = [one for one in directories if one == top or Path(os.path.normpath(one)) not in called]
    known = functions()
    made = []
    shared: list[Shared] = []
    for directory in roots or directories:
        module = tree.module(directory)
        assert module is not None
        shared.append(Shared(directory, schema, tree.module, installed_modules(directory), known, tree.top))
        made.append(_root(tree, module, shared[-1], var_files))
    return Directory(made, tree.digest(), tree.outside, lambda: any(one.reads_files for one in shared))


def _calls(module: ModuleSource | None) -> Iterator[Path]:
    """Directories that a module calls by a local path."""
    for placed in module.calls.values() if module else ():
        if placed.local_source and module is not None:
            yield module.directory / placed.local_source


@contextmanager
def deep_recursion() -> Iterator[None]:
    """Evaluate within this: locals that lean on locals go deep, by frames of Python and none of C."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, _MAX_DEPTH))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def _root(tree: Tree, source: ModuleSource, shared: Shared, var_files: Sequence[Path]) -> RootModule:
    directory = source.directory
    given, problems = _given(directory, var_files, source, tree)
    root = ModuleInstance(shared, source, (), {}, given, False, ())
    try:
        instances = list(root.everything())
    except RecursionError:
        raise InputError(f"{directory} is nested too deeply to be evaluated") from None
    modules = _modules_of(source, shared)
    problems += [
        f"{tree.shown(file)}{f':{line}' if line else ''}: {message}"
        for module in modules
        for file, line, message in module.problems
    ]
    problems += shared.problems
    by_address = {str(one.address): one for one in instances}
    changes = [_change(one) for one in instances]
    plan = Plan(
        format_version="",
        terraform_version="",
        complete=True,
        errored=False,
        applyable=None,
        resource_changes=changes,
        resource_drift=(),
        deferred_changes=(),
        checks=(),
        output_changes=(),
        variables={name: value for name, value in given.items() if not isinstance(value, Unknown)},
        may_hold_secrets=True,
        decode_change=_values,
        decode_configuration=lambda: configuration_of(root),
        decode_prior_state=_no_prior_state,
        origins=_Origins(instances),
        problems=problems,
    )
    notes = [f"{where} is not judged: {why}" for where, why in sorted(shared.missing.items())]
    notes += [
        f"{tree.shown(file)}:{line}: a request, not a waiver: {text}"
        for module in modules
        for file, line, text in module.requests
    ]
    locations = _part_locations(tree, root)
    locations |= {address: tree.location(one.placed, one.module.callers) for address, one in by_address.items()}
    return RootModule(tree.shown(directory), plan, locations, notes)


def _part_locations(tree: Tree, root: ModuleInstance) -> dict[str, Location]:
    """Where module calls, variables and blocks stand, each once whatever the number of its instances."""
    out: dict[str, Location] = {}
    stack = [root]
    while stack:
        one = stack.pop()
        within = "".join(f"module.{step.name}." for step in one.steps)
        blocks = {f"var.{name}": placed for name, placed in one.source.variables.items()}
        for (mode, kind, name), placed in one.source.resources.items():
            blocks[f"{'' if mode == 'managed' else f'{mode}.'}{kind}.{name}"] = placed
        for name, placed in one.source.calls.items():
            blocks[f"module.{name}"] = placed
            called = one.called(name)
            stack.extend(list(called[1].values())[:1] if called else ())
        for address, placed in blocks.items():
            out[within + address] = tree.location(placed, one.callers)
    return out


def _modules_of(source: ModuleSource, shared: Shared) -> list[ModuleSource]:
    """The modules that a root module's calls lead to, each once, however many instances they have."""
    out: dict[Path, ModuleSource] = {}
    stack: list[tuple[ModuleSource, tuple[str, ...]]] = [(source, ())]
    while stack:
        one, names = stack.pop()
        if one.directory in out:
            continue
        out[one.directory] = one
        for name, placed in one.calls.items():
            local = placed.local_source
            directory = one.directory / local if local else shared.installed.get(".".join((*names, name)))
            found = shared.load(directory) if directory is not None else None
            if found is not None:
                stack.append((found, (*names, name)))
    return list(out.values())


def _change(one: ResourceInstance) -> ResourceChange:
    address = one.address
    return ResourceChange(
        str(address),
        address.type,
        address.name,
        address.mode,
        ("create",) if address.mode == "managed" else ("read",),
        address.module,
        "",
        "",
        "",
        "",
        False,
        False,
        True,
        one,
        one.uncertain,
    )


def _values(change: ResourceChange) -> ChangeValues:
    instance: ResourceInstance = change.change
    if instance.planned is None:
        tree = instance.tree()
        after, unknown = _apart(tree.values)
        instance.planned = ChangeValues(None, after, unknown, None, tree.secret)
    return instance.planned


_PLAIN = frozenset({type(None), bool, int, float, str})


def _apart(value: Any) -> tuple[Any, Any]:
    """What is known, and a mask of what is not."""
    kind = type(value)
    if kind in _PLAIN:
        return value, None
    if kind is dict:
        known: dict[str, Any] = {}
        masks: dict[str, Any] = {}
        for key, item in value.items():
            if item is LEFT:
                known[key] = None
                masks[key] = True
            elif type(item) in _PLAIN:
                known[key] = item
            else:
                known[key], mask = _apart(item)
                if mask:
                    masks[key] = mask
        return known, masks or None
    if isinstance(value, list):
        parts = [_apart(item) for item in value]
        return [part for part, _ in parts], [mask for _, mask in parts] if any(mask for _, mask in parts) else None
    if isinstance(value, Unknown):
        return None, True
    return value, None


class _Origins:
    """Where unknown values come from: what the evaluation left in their place says it."""

    def __init__(self, instances: Iterable[ResourceInstance]) -> None:
        self._instances = {one.address: one for one in instances}

    def find(
        self, address: Address, path: tuple[str | int, ...], values: dict[str, Any]
    ) -> Origin | Literal[False] | None:
        """See :class:`iacgate.model.origin.Origins`."""
        instance = self._instances.get(address)
        if instance is None:
            return None
        here: Any = instance.tree().values
        for depth, step in enumerate(path):
            if isinstance(here, Encoded):
                here = here.value
            if isinstance(here, Unknown):
                return here.origin._replace(closed=False) if here is not LEFT else None
            if isinstance(here, dict):
                if step not in here:
                    return False if depth == len(path) - 1 else None
                here = here[str(step)]
            elif isinstance(here, list) and isinstance(step, int) and step < len(here):
                here = here[step]
            else:
                return None
        if here is LEFT:
            return False
        return here.origin if isinstance(here, Unknown) else _origin_of(here)

    def document(self, address: Address, path: tuple[str | int, ...]) -> tuple[Any, Any] | None:
        """See :class:`iacgate.model.origin.Origins`."""
        here = self._at(address, path)
        return _apart(here.value) if isinstance(here, Encoded) else None

    def parts_of(
        self, address: Address, path: tuple[str | int, ...], values: dict[str, Any], parts: int
    ) -> Origin | None:
        """See :class:`iacgate.model.origin.Origins`."""
        here = self._at(address, path)
        unknown = [one for one in (here if isinstance(here, list) else [here]) if isinstance(one, Unknown)]
        pieces = [one for text in unknown for one in (unknowns_in(text.parts) if isinstance(text, Text) else [text])]
        targets = {one.origin.lone for one in pieces}
        if len(unknown) != parts or len(pieces) != parts or len(targets) != 1:
            return None
        return pieces[0].origin

    def _at(self, address: Address, path: tuple[str | int, ...]) -> Any:
        instance = self._instances.get(address)
        here: Any = instance.tree().values if instance is not None else None
        for step in path:
            if isinstance(here, Encoded):
                here = here.value
            if isinstance(here, dict):
                here = here.get(str(step))
            elif isinstance(here, list) and isinstance(step, int) and step < len(here):
                here = here[step]
            else:
                return None
        return here


def _origin_of(value: Any) -> Origin:
    """Of a value that is known but for some parts: where those come from."""
    parts = [one.origin for one in unknowns_in(value)]
    closed = all(one.closed for one in parts)
    return unknown_of(value).origin._replace(closed=closed, constant=not parts)


def _no_prior_state() -> PriorState:
    return {}


def _given(
    directory: Path, var_files: Sequence[Path], source: ModuleSource, tree: Tree
) -> tuple[dict[str, Any], list[str]]:
    """Values of root variables, from the files Terraform reads by itself and those that are named."""
    values: dict[str, Any] = {}
    problems: list[str] = []
    for file in (*variable_files(directory), *var_files):
        syntax = parse_files([file], None)[file].syntax
        named = file in var_files
        if syntax.problems and named:
            raise UsageError(f"{file} is no file of variables: {syntax.problems[0].message}")
        problems += [f"{tree.shown(file)}:{line}: {message}" for line, message in syntax.problems]
        scope = Scope(ModuleInstance(_nothing(directory, tree), read_module(directory, ()), (), {}, {}, False, ()))
        for attribute in syntax.body.attributes:
            if attribute.name in source.variables:
                values[attribute.name] = try_evaluate(attribute.expression, scope)
    return values, problems


def _nothing(directory: Path, tree: Tree) -> Shared:
    """Variables' values refer to nothing."""
    return Shared(directory, _NO_SCHEMA, tree.module, {}, {}, tree.top)


class _NoSchema:
    def paths(self, resource_type: str) -> Mapping[str, Any]:
        return {}

    def left_to_provider(self, resource_type: str, path: str) -> bool:
        return False


_NO_SCHEMA = _NoSchema()
