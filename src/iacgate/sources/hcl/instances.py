"""Modules and resources as they would be: every instance of every block, evaluated when it is asked for.

Nothing here runs Terraform: counts, keys, inputs, locals and outputs are followed as far as they are known.
Where the number of instances is not known, one stands for all and is *uncertain*: there may be none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from iacgate.errors import InputError
from iacgate.model.address import Address, ModuleStep, quote_key
from iacgate.model.origin import Origin, Target
from iacgate.model.plan import ChangeValues
from iacgate.sources.hcl.body import LEFT, BodyTree, body_tree
from iacgate.sources.hcl.conversion import UntoldError, as_set, to_number
from iacgate.sources.hcl.expressions import Each, Scope, evaluate, try_evaluate
from iacgate.sources.hcl.functions.signature import FileContext, Function
from iacgate.sources.hcl.module import ModuleSource, Placed
from iacgate.sources.hcl.secrecy import holds_secret
from iacgate.sources.hcl.syntax import Body, Expression
from iacgate.sources.hcl.types import ANY, Type, convert, parse_type
from iacgate.sources.hcl.values import EvaluationError, Unknown, holds_unknown, unknown_of

__all__ = ["ModuleInstance", "ResourceInstance", "ResourceSchema", "Shared"]

_HOW_MANY = "how many there are is not known"
_MAX_STEPS = 500_000
_MAX_INSTANCES = 10_000
_MAX_MODULES = 40


class AttributeType(Protocol):
    """What is asked of one attribute of a schema."""

    @property
    def type(self) -> str:
        """``string``, ``list(string)``, ``block``, …."""

    @property
    def nesting(self) -> str:
        """Of a block."""

    @property
    def optional(self) -> bool:
        """The author may set it."""

    @property
    def computed(self) -> bool:
        """The provider may."""

    @property
    def sensitive(self) -> bool:
        """It must not be shown."""


class ResourceSchema(Protocol):
    """What is asked of the providers' schemas; data sources go by ``data.TYPE``."""

    def paths(self, resource_type: str) -> Mapping[str, Any]:
        """Every path of a type, none for one that is not known."""

    def left_to_provider(self, resource_type: str, path: str) -> bool:
        """The author may leave it out, and the provider then settles it."""


class Shared:
    """What all instances of one root module have in common."""

    def __init__(
        self,
        root: Path,
        schema: ResourceSchema,
        load: Callable[[Path], ModuleSource | None],
        installed: Mapping[str, Path],
        functions: Mapping[str, Function],
        boundary: Path,
    ) -> None:
        self.root = root
        self.schema = schema
        self.load = load
        self.installed = installed
        self.functions = functions
        self.boundary = boundary
        """Files outside of this directory are not read by functions."""
        self.missing: dict[str, str] = {}
        """Module calls whose source is not here, and why."""
        self.problems: list[str] = []
        self.reads_files = False
        """A function was called that reads files."""
        self.mentions: dict[int, list[tuple[str, str, str]]] = {}
        """By identity of an expression: what it refers to (``secrecy``)."""
        self.left_out: dict[tuple[str, str], list[tuple[str, Any]]] = {}
        """By type and path: what a body has where its author wrote nothing (``body``)."""
        self._steps = 0
        self._children: dict[str, dict[str, dict[str, Any]]] = {}

    def take_step(self) -> None:
        """Count one step of evaluation. Raises ``InputError`` when there are too many."""
        self._steps += 1
        if self._steps > _MAX_STEPS:
            raise InputError(f"{self.root} takes more than {_MAX_STEPS} steps to evaluate: no configuration does")

    def children(self, kind: str, prefix: str) -> dict[str, Any]:
        """The attributes and blocks of a type right below a path (``""`` or ``ingress[].``)."""
        by_prefix = self._children.get(kind)
        if by_prefix is None:
            by_prefix = self._children[kind] = {}
            for path, attribute in self.schema.paths(kind).items():
                if path:
                    cut = path.rfind(".") + 1
                    by_prefix.setdefault(path[:cut], {})[path[cut:]] = attribute
        return by_prefix.get(prefix, {})


class Instances(NamedTuple):
    """What ``count`` or ``for_each`` of a block come to."""

    mode: str
    """``single``, ``count``, ``for_each``, or ``unknown``: how many is not known."""
    eaches: dict[str, Each | None]
    """By instance key as written in addresses."""


_SINGLE = Instances("single", {"": None})


def instances_of(body: Body, scope: Scope) -> Instances:
    """The instances of a resource or module block."""
    count, for_each = body.attribute("count"), body.attribute("for_each")
    if count is not None:
        value = try_evaluate(count.expression, scope)
        try:
            number = None if isinstance(value, Unknown) or value is None else to_number(value)
        except (EvaluationError, UntoldError):
            number = None
        if number is None:
            return Instances("unknown", {"": Each(None, None, unknown_of(value, why=_HOW_MANY))})
        if number > _MAX_INSTANCES:
            raise InputError(f"a block asks for more than {_MAX_INSTANCES} instances")
        return Instances("count", {f"[{index}]": Each(None, None, index) for index in range(max(0, int(number)))})
    if for_each is not None:
        value = try_evaluate(for_each.expression, scope)
        if isinstance(value, dict):
            if len(value) > _MAX_INSTANCES:
                raise InputError(f"a block asks for more than {_MAX_INSTANCES} instances")
            return Instances("for_each", {quote_key(key): Each(key, item, None) for key, item in value.items()})
        if isinstance(value, list) and not holds_unknown(value) and all(isinstance(item, str) for item in value):
            return Instances("for_each", {quote_key(item): Each(item, item, None) for item in as_set(value)})
        open_one = unknown_of(value, why=_HOW_MANY)
        return Instances("unknown", {"": Each(open_one, _each_value(value), None)})
    return _SINGLE


def _each_value(value: Any) -> Unknown:
    return unknown_of(value, why="what it goes through is not known")


class Resource(Unknown):
    """A resource instance as a value: an object whose attributes are looked up when they are named."""

    __slots__ = ("instance",)

    def __init__(self, instance: ResourceInstance) -> None:
        address = instance.address
        modules = tuple((step.name, step.key) for step in address.modules)
        key = None if instance.uncertain else address.key
        target = Target(modules, address.mode, address.type, address.name, key or None, "")
        block = str(address._replace(key=""))
        super().__init__(Origin((target,), closed=True, chain=(block if instance.uncertain else str(address),)))
        self.instance = instance

    @property
    def is_set(self) -> bool:
        """A resource is never null."""
        return True

    def attribute(self, name: str) -> Any:
        """A known value, what it comes from in turn, or this very attribute of this resource."""
        tree = self.instance.tree()
        value = tree.values.get(name, LEFT if not tree.known_type else None)
        return self._part(f".{name}") if value is LEFT else value

    def splat(self, steps: list[Any], scope: Any) -> Any:
        """A single resource counts as a list of one."""
        from iacgate.sources.hcl.expressions import _steps

        return [_steps(self, steps, scope)]


class Many(Unknown):
    """Instances of a block of which nobody knows how many there are."""

    __slots__ = ("one",)

    def __init__(self, one: Unknown) -> None:
        super().__init__(one.origin._replace(closed=False))
        self.one = one

    def element(self, key: Any) -> Any:
        """Which one it is does not matter: one stands for all."""
        return self.one

    def attribute(self, name: str) -> Any:
        """``a.b.c`` where ``a.b`` has instances is an error for Terraform; here it is one of them."""
        return self.one.attribute(name)

    def splat(self, steps: list[Any], scope: Any) -> Any:
        """As many as nobody knows, all alike."""
        from iacgate.sources.hcl.expressions import _steps

        made = _steps(self.one, steps, scope)
        return unknown_of(made, self, why=_HOW_MANY)


class Module(Unknown):
    """A module instance as a value: an object of its outputs."""

    __slots__ = ("instance",)

    def __init__(self, instance: ModuleInstance) -> None:
        super().__init__(Origin(chain=(instance.address,)))
        self.instance = instance

    @property
    def is_set(self) -> bool:
        """A module is never null."""
        return True

    def attribute(self, name: str) -> Any:
        """One of its outputs."""
        return self.instance.output(name)


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
