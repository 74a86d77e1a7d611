"""Follow an unknown value through the configuration to what will produce it.

A plan's configuration says of each argument either its constant or which objects it refers to, not
the expression itself. What can be concluded from that, and what cannot, is in ``docs/adr/0003``:
a lone reference stands for its value; anything beside it (a conditional, a default) makes it open.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from iacgate.model.address import key_value
from iacgate.model.origin import Origin, Target

if TYPE_CHECKING:
    from collections.abc import Mapping

    from iacgate.model.address import Address
    from iacgate.model.configuration import ConfigResource, Configuration, Module, ModuleCall

    Step = tuple[str, str | None]

__all__ = ["References"]

_MAX_STEPS = 64
_MODULE = re.compile(r"module\.[\w-]+")
_ORDERED = {
    ("data", "aws_iam_policy_document", ("statement",)),
    ("managed", "aws_launch_template", ("network_interfaces",)),
    ("managed", "azurerm_lb", ("frontend_ip_configuration",)),
    ("managed", "azurerm_network_interface", ("ip_configuration",)),
    ("managed", "google_compute_instance", ("network_interface",)),
    ("managed", "google_compute_instance_template", ("network_interface",)),
}
"""Blocks that are a list. Others may be a set, which comes in no certain order."""
_META = ("each.key", "count.index", "path.", "terraform.", "self")


class _Caller(NamedTuple):
    """The block that an expression stands in: what ``each`` and ``count`` speak of there."""

    block: Any
    key: str | None


_NOBODY = _Caller(None, None)
_OPEN = object()


class References:
    """The configuration's expressions, indexed on first demand."""

    def __init__(self, configuration: Configuration, variables: Mapping[str, Any]) -> None:
        self._root = configuration.get("root_module", {})
        self._inputs = variables
        """Root variables' values."""
        self._resources: dict[tuple[tuple[str, ...], str, str, str], ConfigResource] = {}
        self._modules: dict[tuple[str, ...], Module] = {}
        self._calls: dict[tuple[str, ...], ModuleCall] = {}
        self._index((), self._root)

    def _index(self, names: tuple[str, ...], module: Module) -> None:
        self._modules[names] = module
        for resource in module.get("resources", ()):
            key = (names, resource.get("mode", "managed"), resource.get("type", ""), resource.get("name", ""))
            self._resources[key] = resource
        for name, call in module.get("module_calls", {}).items():
            self._calls[*names, name] = call
            self._index((*names, name), call.get("module", {}))

    def block(self, address: Address) -> ConfigResource | None:
        """The resource block behind an address; ``None`` when the configuration has none (any more)."""
        return self._resources.get((address.module_names, address.mode, address.type, address.name))

    def find(
        self, address: Address, path: tuple[str | int, ...], values: dict[str, Any]
    ) -> Origin | Literal[False] | None:
        """Where the value of one argument comes from (:class:`iacgate.model.origin.Origins`)."""
        expression = self._expression(address, path, values)
        if not isinstance(expression, dict):
            return expression
        modules: tuple[Step, ...] = tuple((step.name, step.key) for step in address.modules)
        origin = self._origin(modules, expression, _Caller(self.block(address), address.key or None), 0)
        return origin._replace(null=not origin.targets and self._is_null(address, expression))

    def document(self, address: Address, path: tuple[str | int, ...]) -> tuple[Any, Any] | None:
        """A plan does not show what is encoded into an argument."""
        return None

    def parts_of(
        self, address: Address, path: tuple[str | int, ...], values: dict[str, Any], parts: int
    ) -> Origin | None:
        """See :class:`iacgate.model.origin.Origins`."""
        expression = self._expression(address, path, values)
        if not isinstance(expression, dict) or "references" not in expression:
            return None
        references = expression["references"]
        # Named as often as there are elements: each names it once, so none chooses by it (`a == "x" ? "*" : a`).
        if any(references.count(one) != parts for one in references):
            return None
        modules: tuple[Step, ...] = tuple((step.name, step.key) for step in address.modules)
        once = {"references": list(dict.fromkeys(references))}
        return self._origin(modules, once, _Caller(self.block(address), address.key or None), 0)

    def _expression(
        self, address: Address, path: tuple[str | int, ...], values: dict[str, Any]
    ) -> dict[str, Any] | Literal[False] | None:
        """The expression of one argument. ``False``: the author left it out. ``None``: it cannot be told.

        Blocks that ``dynamic`` writes leave no trace in a plan's configuration; ``values`` tells whether
        there are more blocks than the configuration shows.
        """
        block = self.block(address)
        if block is None:
            return None
        here: Any = block.get("expressions", {})
        value: Any = values
        for depth, step in enumerate(path):
            if isinstance(here, list):
                if not isinstance(value, list) or len(value) != len(here) or not isinstance(step, int):
                    return None
                ordered = (address.mode, address.type, path[:depth]) in _ORDERED
                here, value = (
                    here[step] if ordered else _block_of(here, step),
                    value[step] if step < len(value) else None,
                )
                continue
            if not isinstance(here, dict):
                return None
            if "references" in here or "constant_value" in here:
                return here
            if step not in here:
                # Left out by the author. When there is something below it all the same, `dynamic` wrote it.
                return False if depth == len(path) - 1 else None
            here, value = here[step], value.get(step) if isinstance(value, dict) else None
        # An empty expression is a literal null or a function of nothing, such as `timestamp`: it cannot be told.
        return here if isinstance(here, dict) and ("references" in here or "constant_value" in here) else None

    def _is_null(self, address: Address, expression: dict[str, Any]) -> bool:
        """The argument is handed a null through variables: it is as if the author had left it out.

        An expression that is unknown although it refers to nothing unknown is null or made by a function such as
        ``timestamp``; only where all that it refers to is known to be null is it taken as null.
        """
        if "references" not in expression:
            # Written as "" or [] and unknown all the same: the provider takes it as not set.
            return "constant_value" in expression and expression["constant_value"] in (None, "", [], {})
        modules: tuple[Step, ...] = tuple((step.name, step.key) for step in address.modules)
        caller = _Caller(self.block(address), address.key or None)
        references = [one for one in _longest(expression["references"]) if one not in ("each.key", "count.index")]
        return bool(references) and all(self._constant(modules, one, caller, 0) is None for one in references)

    def _constant(self, modules: tuple[Step, ...], reference: str, caller: _Caller, depth: int) -> Any:
        """The value of a variable or of ``each.value`` where that is constant; ``_OPEN`` where it is not."""
        parts = _split(reference)
        path = parts[2:]
        value: Any = _OPEN
        if depth > _MAX_STEPS or len(parts) < 2:
            return _OPEN
        if parts[0] == "var":
            value = self._constant_of_variable(modules, parts[1], depth)
        elif parts[:2] == ["each", "value"] and caller.key and caller.block:
            many = self._constant_of(modules, caller.block.get("for_each_expression"), _NOBODY, depth)
            value = many.get(key_value(caller.key), _OPEN) if isinstance(many, dict) else _OPEN
        for name in path:
            if value is _OPEN or value is None:
                break
            value = value.get(name) if isinstance(value, dict) else _OPEN
        return value

    def _constant_of_variable(self, modules: tuple[Step, ...], part: str, depth: int) -> Any:
        name, index = _name_and_index(part)
        if index:
            return _OPEN
        names = tuple(step for step, _ in modules)
        declared = self._modules.get(names, {}).get("variables", {}).get(name, {})
        if not modules:
            return self._inputs.get(name, declared.get("default", _OPEN))
        call = self._calls.get(names, {})
        if name not in call.get("expressions", {}):
            return declared.get("default", _OPEN)
        value = self._constant_of(modules[:-1], call["expressions"][name], _Caller(call, modules[-1][1]), depth)
        return declared.get("default") if value is None and declared.get("nullable") is False else value

    def _constant_of(self, modules: tuple[Step, ...], expression: Any, caller: _Caller, depth: int) -> Any:
        if not isinstance(expression, dict):
            return _OPEN
        if "constant_value" in expression:
            return expression["constant_value"]
        references = _longest(expression.get("references", []))
        return self._constant(modules, references[0], caller, depth + 1) if len(references) == 1 else _OPEN

    def _origin(self, modules: tuple[Step, ...], expression: dict[str, Any], caller: _Caller, depth: int) -> Origin:
        if "references" not in expression:
            return Origin((), True, None, (), constant=True)
        references = _longest(expression["references"])
        repeated = len(references) == 1 and expression["references"].count(references[0]) > 1
        if depth > _MAX_STEPS:
            return Origin((), False, None, tuple(references))
        targets: list[Target] = []
        chain: list[str] = []
        closed, constant = True, False
        key: str | None = None
        picks = any(reference.startswith(("each.", "count.")) for reference in references)
        for reference in references:
            if reference.startswith(_META):
                picked = reference in ("each.key", "count.index")
                key = caller.key if picked else key
                closed = closed and picked
                chain.append(reference)
                continue
            found = self._follow(modules, reference, caller, depth)
            if picks and not reference.startswith("each.") and any(one.attribute or one.key for one in found.targets):
                # `a.b[each.key].c` is listed as `a.b`: where the attribute is listed, the key does something else
                closed = False
            targets += [target for target in found.targets if target not in targets]
            closed = closed and found.closed
            if found.key is not None:
                closed = closed and key in (None, found.key)  # two blocks choose: too clever to be told
                key = found.key
            constant = constant or found.constant
            chain += [reference, *found.chain]
        if constant and targets:  # a constant beside a reference: a condition, a default, a join
            closed = False
        if repeated:  # `a.b == "x" ? null : a.b`: it decides on itself
            closed = False
        return Origin(tuple(targets), closed, key, tuple(dict.fromkeys(chain)), constant and not targets)

    def _follow(self, modules: tuple[Step, ...], reference: str, caller: _Caller, depth: int) -> Origin:
        parts = _split(reference)
        names = tuple(name for name, _ in modules)
        head = parts[0]
        if head == "var" and len(parts) > 1:
            return self._variable(modules, names, parts, depth)
        if head == "module" and len(parts) > 2:
            call, index = _name_and_index(parts[1])
            output = self._modules.get((*names, call), {}).get("outputs", {}).get(_name_and_index(parts[2])[0])
            if output is None:
                return Origin((), False, None, ())
            inside = (*modules, (call, index or None))
            inner = self._origin(inside, output.get("expression", {}), _NOBODY, depth + 1)
            return _part_of(inner, parts[3:])
        if head == "each" and len(parts) > 1 and parts[1] == "value":
            return self._each_value(modules, parts[2:], caller, depth)
        if head in ("local", "each", "count", "module", "var"):
            return Origin((), False, None, ())
        mode = "managed"
        if head in ("data", "ephemeral"):
            mode, parts = head, parts[1:]
        if len(parts) < 2:
            return Origin((), False, None, ())
        name, index = _name_and_index(parts[1])
        target = Target(modules, mode, parts[0], name, index or None, ".".join(parts[2:]))
        return Origin((target,), True, None, ())

    def _each_value(self, modules: tuple[Step, ...], path: list[str], caller: _Caller, depth: int) -> Origin:
        expression = (caller.block or {}).get("for_each_expression")
        if not isinstance(expression, dict):
            return Origin((), False, caller.key, ())
        references = _longest(expression.get("references", []))
        if len(references) == 1 and path and caller.key and _MODULE.fullmatch(references[0]):
            # for_each = module.a: the value is that instance of the module, with its outputs
            reference = f"{references[0]}{caller.key}.{'.'.join(path)}"
            found = self._follow(modules, reference, _NOBODY, depth + 1)
            return found._replace(chain=(reference, *found.chain))
        found = self._origin(modules, expression, _NOBODY, depth + 1)
        if not found.targets:  # for_each over what is known: it only picks
            return Origin((), found.closed, None, found.chain)
        lone = found.lone
        if lone is not None and not lone.attribute and lone.key is None:  # for_each = aws_x.y: its instances
            return Origin((lone._replace(attribute=".".join(path)),), True, caller.key, found.chain)
        # A map or an object made of attributes of resources: the value is one of them.
        attributes = all(target.attribute for target in found.targets)
        return Origin(found.targets, found.closed and attributes, None, found.chain)

    def _variable(self, modules: tuple[Step, ...], names: tuple[str, ...], parts: list[str], depth: int) -> Origin:
        name = _name_and_index(parts[1])[0]
        if not names:
            known = name in self._inputs or "default" in self._root.get("variables", {}).get(name, {})
            return Origin((), known, None, (), constant=known)
        call = self._calls.get(names)
        if call is None:
            return Origin((), False, None, ())
        expression = call.get("expressions", {}).get(name)
        if not isinstance(expression, dict) or not ("references" in expression or "constant_value" in expression):
            return Origin((), True, None, (), constant=True)
        inner = self._origin(modules[:-1], expression, _Caller(call, modules[-1][1]), depth + 1)
        return _part_of(inner, parts[2:])


def _part_of(whole: Origin, path: list[str]) -> Origin:
    """The origin of a part of an object. Where several references made the object, it could be any of them."""
    if not path:
        return whole
    targets = tuple(
        target if target.attribute else target._replace(attribute=".".join(path)) for target in whole.targets
    )
    return whole._replace(targets=targets, closed=whole.closed and len(targets) <= 1)


def _block_of(blocks: list[dict[str, Any]], position: int) -> dict[str, Any] | None:
    """The configuration of one of several nested blocks.

    Sets come in no certain order, so where blocks differ the answer is what holds for any of them:
    references are pooled and stay open.
    """
    if position >= len(blocks):
        return None
    if all(block == blocks[0] for block in blocks):
        return blocks[0]
    out: dict[str, Any] = {}
    for key in {key for block in blocks for key in block}:
        entries = [block.get(key) for block in blocks]
        if all(entry == entries[0] for entry in entries):
            out[key] = entries[0]
        else:
            pooled = [ref for entry in entries if isinstance(entry, dict) for ref in entry.get("references", ())]
            out[key] = {"references": [*pooled, "local.several_blocks"]}
    return out


def _longest(references: list[str]) -> list[str]:
    """Terraform lists ``a.b.c`` and then ``a.b``; keep what is no prefix of another, in order, once."""
    out: list[str] = []
    for reference in references:
        if any(_extends(other, reference) for other in references if other != reference) or reference in out:
            continue
        out.append(reference)
    return out


def _extends(longer: str, shorter: str) -> bool:
    return longer.startswith(shorter) and longer[len(shorter)] in ".["


def _split(reference: str) -> list[str]:
    """Split at dots outside of brackets."""
    parts, depth, quoted, start, at = [], 0, False, 0, 0
    while at < len(reference):
        char = reference[at]
        if quoted:
            if char == "\\":
                at += 1
            elif char == '"':
                quoted = False
        elif char == '"':
            quoted = True
        elif char == "[":
            depth += 1
        elif char == "]":
            depth -= 1
        elif char == "." and not depth:
            parts.append(reference[start:at])
            start = at + 1
        at += 1
    return [*parts, reference[start:]]


def _name_and_index(part: str) -> tuple[str, str]:
    name, bracket, rest = part.partition("[")
    return name, bracket + rest
