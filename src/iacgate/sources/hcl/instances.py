"""Modules and resources as they would be: every instance of every block, evaluated when it is asked for.

Nothing here runs Terraform: counts, keys, inputs, locals and outputs are followed as far as they are known.
Where the number of instances is not known, one stands for all and is *uncertain*: there may be none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from iacgate.model.address import Address, ModuleStep
from iacgate.model.origin import Origin
from iacgate.model.plan import ChangeValues
from iacgate.sources.hcl.body import BodyTree, body_tree
from iacgate.sources.hcl.expressions import Each, Scope, evaluate, try_evaluate
from iacgate.sources.hcl.functions.signature import FileContext
from iacgate.sources.hcl.module import ModuleSource, Placed
from iacgate.sources.hcl.multiplicity import Instances, instances_of
from iacgate.sources.hcl.reference_values import Many, Module, Resource
from iacgate.sources.hcl.secrecy import holds_secret
from iacgate.sources.hcl.shared import Shared
from iacgate.sources.hcl.syntax import Body, Expression
from iacgate.sources.hcl.types import ANY, Type, convert, parse_type
from iacgate.sources.hcl.values import EvaluationError, Unknown, holds_unknown, unknown_of

__all__ = ["ModuleInstance", "ResourceInstance"]

_MAX_MODULES = 40


class ResourceInstance:
    """One instance of a resource block."""

    def __init__(
        self, module: ModuleInstance, address: Address, placed: Placed, each: Each | None, uncertain: bool
    ) -> None:
        self.module = module
        self.address = address
        self.placed = placed
        self.uncertain = uncertain
        self._scope = Scope(module, each)
        self.planned: ChangeValues | None = None
        """Its values in the shape of a plan's, once they were asked for."""
        self._tree: BodyTree | None = None
        self._pending = False
        self._reference: Resource | None = None

    @property
    def reference(self) -> Resource:
        """What stands for it in expressions."""
        if self._reference is None:
            self._reference = Resource(self)
        return self._reference

    def tree(self) -> BodyTree:
        """Its attributes: what the author wrote, and what the provider is left to settle."""
        if self._tree is None:
            if self._pending:
                return BodyTree({}, {}, False)  # it refers to itself: Terraform would refuse it
            self._pending = True
            kind = self.address.type if self.address.mode == "managed" else f"{self.address.mode}.{self.address.type}"
            self._tree = body_tree(self.placed.body, self._scope, kind)
            self._pending = False
        return self._tree


class ModuleInstance:
    """One instance of a module: its source, and the values that its caller hands to it."""

    def __init__(
        self,
        shared: Shared,
        source: ModuleSource,
        steps: tuple[ModuleStep, ...],
        inputs: Mapping[str, tuple[Expression, Scope]],
        given: Mapping[str, Any],
        uncertain: bool,
        callers: tuple[Placed, ...],
    ) -> None:
        self.shared = shared
        self.source = source
        self.steps = steps
        self.uncertain = uncertain
        self.callers = callers
        """The module blocks on the way here, the root's first."""
        self._inputs = inputs
        self._given = given
        self.marks: dict[tuple[str, str, str], bool] = {}
        """What has been found out about what must not be shown (``secrecy``)."""
        self._values: dict[tuple[str, str], Any] = {}
        self._resources: dict[tuple[str, str, str], tuple[Instances, dict[str, ResourceInstance]]] = {}
        self._calls: dict[str, tuple[Instances, dict[str, ModuleInstance]] | None] = {}

    @property
    def address(self) -> str:
        """``module.a["x"].module.b``, empty for the root."""
        return ".".join(str(step) for step in self.steps)

    def variable(self, name: str) -> Any:
        """An input variable's value."""
        return self._once("var", name, self._variable)

    def local(self, name: str) -> Any:
        """A local value."""
        return self._once("local", name, self._local)

    def output(self, name: str) -> Any:
        """An output value."""
        return self._once("output", name, self._output)

    def _once(self, kind: str, name: str, make: Callable[[str], Any]) -> Any:
        """Each value once; what refers to itself is unknown (Terraform would refuse it)."""
        key = (kind, name)
        if key not in self._values:
            self._values[key] = Unknown(Origin(chain=(f"{kind}.{name}",), why="it refers to itself"))
            self._values[key] = make(name)
        return self._values[key]

    def _variable(self, name: str) -> Any:
        declared = self.source.variables.get(name)
        if declared is None:
            raise EvaluationError(f"there is no variable `{name}`")
        body = declared.body
        kind = body.attribute("type")
        wanted = parse_type(kind.expression) if kind else ANY
        value = self._given_value(name, body)
        nullable = body.attribute("nullable")
        default = body.attribute("default")
        if value is None and default is not None and nullable is not None and nullable.expression == ["value", False]:
            value = evaluate(default.expression, Scope(self))
        try:
            return self._convert(value, wanted)
        except EvaluationError as error:
            return Unknown(Origin(chain=(f"var.{name}",), why=f"its value is not of its type: {error}"))

    def input_expression(self, name: str) -> tuple[Expression, Scope] | None:
        """What the caller hands to a variable, and where that stands."""
        return self._inputs.get(name)

    def is_secret(self, expression: Expression) -> bool:
        """Something in it must not be shown."""
        return holds_secret(expression, self)

    def _convert(self, value: Any, wanted: Type) -> Any:
        return convert(value, wanted, lambda default: evaluate(default, Scope(self)))

    def _given_value(self, name: str, body: Body) -> Any:
        default = body.attribute("default")
        if self.steps:
            if name in self._inputs:
                expression, scope = self._inputs[name]
                return try_evaluate(expression, scope)
        elif name in self._given:
            return self._given[name]
        if default is not None:
            return try_evaluate(default.expression, Scope(self))
        return Unknown(Origin(chain=(f"var.{name}",), why=f"`var.{name}` has no value here; give one with --var-file"))

    def _local(self, name: str) -> Any:
        attribute = self.source.locals.get(name)
        if attribute is None:
            raise EvaluationError(f"there is no local value `{name}`")
        return try_evaluate(attribute.expression, Scope(self))

    def _output(self, name: str) -> Any:
        placed = self.source.outputs.get(name)
        value = placed.body.attribute("value") if placed else None
        if value is None:
            raise EvaluationError(f"the module has no output `{name}`")
        return try_evaluate(value.expression, Scope(self))

    def path_value(self, name: str) -> Any:
        """``path.module``, ``path.root`` and ``path.cwd``, relative as Terraform writes them."""
        import os

        if name == "module":
            relative = os.path.relpath(self.source.directory, self.shared.root)
            return "." if relative == "." else relative
        if name == "root":
            return "."
        return Unknown(Origin(chain=(f"path.{name}",)))

    def call_function(self, name: str, values: list[Any]) -> Any:
        """Call a function of Terraform's language. Raises ``EvaluationError``."""
        function = self.shared.functions.get(name)
        if function is None:
            return unknown_of(*values, why=f"the function `{name}` is only known to a provider")
        if not function.accepts_unknown and holds_unknown(values):
            return unknown_of(*values)
        self.shared.reads_files = self.shared.reads_files or name.startswith(("file", "templatefile"))
        context = FileContext(self.shared.root, self.shared.boundary, self._render)
        return function.call(values, context)

    def _render(self, text: str, variables: dict[str, Any]) -> Any:
        """A template file's text, for ``templatefile``."""
        from lark.exceptions import LarkError

        from iacgate.sources.hcl.parse import parse_expression
        from iacgate.sources.hcl.template import assemble, template_parts

        try:
            expression = assemble(list(template_parts(text, parse_expression)))
        except (LarkError, ValueError):
            raise EvaluationError("the template file is not valid") from None
        return evaluate(expression, Scope(self, None, dict(variables)))

    def resource(self, mode: str, kind: str, name: str) -> Any:
        """What a reference to a resource block stands for: one, a list, a map, or nobody knows how many."""
        if (mode, kind, name) not in self.source.resources:
            raise EvaluationError("there is no such resource in this module")
        found, instances = self.resource_instances(mode, kind, name)
        values = {key: one.reference for key, one in instances.items()}
        return _by_mode(found, values)

    def resource_instances(self, mode: str, kind: str, name: str) -> tuple[Instances, dict[str, ResourceInstance]]:
        """The instances of a resource block by key."""
        key = (mode, kind, name)
        if key not in self._resources:
            placed = self.source.resources[key]
            self._resources[key] = (Instances("unknown", {}), {})  # counting what one counts by
            found = instances_of(placed.body, Scope(self))
            uncertain = self.uncertain or found.mode == "unknown"
            self._resources[key] = (
                found,
                {
                    written: ResourceInstance(
                        self, Address(self.steps, mode, kind, name, written), placed, each, uncertain
                    )
                    for written, each in found.eaches.items()
                },
            )
        return self._resources[key]

    def call(self, name: str) -> Any:
        """What ``module.name`` stands for."""
        called = self.called(name)
        if called is None:
            return Unknown(Origin(chain=(f"module.{name}",), why=f"the source of `module.{name}` is not here"))
        found, instances = called
        return _by_mode(found, {key: Module(one) for key, one in instances.items()})

    def called(self, name: str) -> tuple[Instances, dict[str, ModuleInstance]] | None:
        """The instances of a module call; ``None``: its source is not here."""
        if name not in self.source.calls:
            raise EvaluationError(f"there is no module `{name}` here")
        if name not in self._calls:
            self._calls[name] = None
            self._calls[name] = self._call(name, self.source.calls[name])
        return self._calls[name]

    def _call(self, name: str, placed: Placed) -> tuple[Instances, dict[str, ModuleInstance]] | None:
        source = self._find_source(name, placed)
        if source is None:
            return None
        found = instances_of(placed.body, Scope(self))
        out = {}
        for key, each in found.eaches.items():
            scope = Scope(self, each)
            inputs = {one.name: (one.expression, scope) for one in placed.body.attributes}
            steps = (*self.steps, ModuleStep(name, key))
            uncertain = self.uncertain or found.mode == "unknown"
            callers = (*self.callers, placed)
            out[key] = ModuleInstance(self.shared, source, steps, inputs, {}, uncertain, callers)
        return found, out

    def _find_source(self, name: str, placed: Placed) -> ModuleSource | None:
        attribute = placed.body.attribute("source")
        text = attribute.expression[1] if attribute and attribute.expression[0] == "value" else None
        names = ".".join(step.name for step in (*self.steps, ModuleStep(name)))
        where = f"module.{names.replace('.', '.module.')}"
        if len(self.steps) >= _MAX_MODULES:
            self.shared.problems.append(f"{where}: modules are nested more than {_MAX_MODULES} deep")
            return None
        if not isinstance(text, str):
            self.shared.missing[where] = "its source is not a plain text"
            return None
        if placed.local_source:
            source = self.shared.load(self.source.directory / placed.local_source)
            if source is None:
                self.shared.missing[where] = "there is no such directory"
            return source
        directory = self.shared.installed.get(names)
        source = self.shared.load(directory) if directory is not None else None
        if source is None:
            self.shared.missing[where] = "it is not installed here"
        return source

    def everything(self) -> Iterator[ResourceInstance]:
        """All resource instances of this module and of those it calls."""
        for mode, kind, name in self.source.resources:
            yield from self.resource_instances(mode, kind, name)[1].values()
        for name in self.source.calls:
            called = self.called(name)
            for child in called[1].values() if called else ():
                yield from child.everything()


def _by_mode(found: Instances, values: Mapping[str, Unknown]) -> Any:
    if found.mode == "single":
        return values[""]
    if found.mode == "count":
        return list(values.values())
    if found.mode == "for_each":
        return {each.key: values[key] for key, each in found.eaches.items() if each is not None}
    return Many(values[""]) if values else Unknown()
