"""Which expressions hold something that must not be shown: it is followed from where it is marked to where it is used.

Marked are variables and outputs (``sensitive = true``), attributes that a provider calls sensitive, and what
``sensitive()`` returns. A mark covers everything an expression makes of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from iacgate.sources.hcl.syntax import Body, Expression
from iacgate.sources.hcl.values import EvaluationError

if TYPE_CHECKING:
    from iacgate.sources.hcl.instances import ModuleInstance

__all__ = ["holds_secret"]


def holds_secret(expression: Expression, module: ModuleInstance) -> bool:
    """Something in it is marked, here or where it comes from."""
    if expression[0] == "value":
        return False
    known = module.shared.mentions
    found = known.get(id(expression))  # the module's source keeps the expression alive
    if found is None:
        found = known[id(expression)] = list(_mentions(expression))
    return any(_marked(kind, name, part, module) for kind, name, part in found)


def _mentions(expression: Any) -> Iterator[tuple[str, str, str]]:
    """What an expression refers to: (``var``, name, ""), (``module``, name, output), (type, name, attribute), …."""
    stack = [expression]
    while stack:
        node = stack.pop()
        if not isinstance(node, list) or not node:
            continue
        if node[0] == "value":
            continue
        if node[0] == "call":
            if node[1] == "nonsensitive":
                continue
            if node[1] == "sensitive":
                yield "sensitive", "", ""
        if node[0] in ("attr", "splat"):
            names = _names(node)
            if len(names) > 1:
                yield names[0], names[1], names[2] if len(names) > 2 else ""
        stack.extend(node)


def _names(node: Any) -> list[str]:
    """``a.b[0].c`` and ``a.b[*].c`` -> a, b, c; indices left out."""
    out: list[str] = []
    while isinstance(node, list) and len(node) == 3 and node[0] in ("attr", "index", "splat"):
        if node[0] == "attr":
            out.append(node[2])
        elif node[0] == "splat":
            out += reversed(list(_step_names(node[2])))
        node = node[1]
    if isinstance(node, list) and node and node[0] == "name":
        return [node[1], *reversed(out)]
    return []


def _step_names(steps: Any) -> Iterator[str]:
    for kind, argument in steps:
        if kind == "attr":
            yield argument
        elif kind == "splat":
            yield from _step_names(argument)


def _marked(kind: str, name: str, part: str, module: ModuleInstance) -> bool:
    if kind == "sensitive":
        return True
    key = (kind, name, part)
    if key not in module.marks:
        module.marks[key] = False  # a circle adds nothing
        module.marks[key] = _look(kind, name, part, module)
    return module.marks[key]


def _look(kind: str, name: str, part: str, module: ModuleInstance) -> bool:
    if kind == "var":
        declared = module.source.variables.get(name)
        if declared is not None and _is_true(declared.body, "sensitive"):
            return True
        given = module.input_expression(name)
        return given is not None and holds_secret(given[0], given[1].module)
    if kind == "local":
        attribute = module.source.locals.get(name)
        return attribute is not None and holds_secret(attribute.expression, module)
    if kind == "module":
        return _output(name, part, module)
    placed = module.source.resources.get(("managed", kind, name))
    if placed is None:
        return False
    known = module.shared.children(kind, "").get(part)
    if known is not None and known.sensitive:
        return True
    written = placed.body.attribute(part)
    return written is not None and holds_secret(written.expression, module)


def _output(name: str, part: str, module: ModuleInstance) -> bool:
    try:
        called = module.called(name)
    except EvaluationError:
        return False
    child = next(iter(called[1].values()), None) if called else None
    placed = child.source.outputs.get(part) if child else None
    if child is None or placed is None:
        return False
    value = placed.body.attribute("value")
    return _is_true(placed.body, "sensitive") or (value is not None and holds_secret(value.expression, child))


def _is_true(body: Body, name: str) -> bool:
    attribute = body.attribute(name)
    return attribute is not None and attribute.expression == ["value", True]
