"""Hold a plan's configuration to the shape of "expressions" in Terraform's "JSON Output Format".

The types of :mod:`iacgate.model.configuration` end at expressions, which nest as blocks do. Whoever
follows references may rely on what is said here; anything else is refused before.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from iacgate.errors import InputError
from iacgate.model.configuration import Configuration, Module

__all__ = ["refuse_odd_expressions"]


def refuse_odd_expressions(configuration: Configuration, where: str) -> None:
    """Raise ``InputError`` when an expression is none: a constant, references, or blocks of expressions."""
    for module in _modules(configuration.get("root_module", {})):
        for block in (*module.get("resources", ()), *module.get("module_calls", {}).values()):
            single = (block.get("count_expression", {}), block.get("for_each_expression", {}))
            if not all(map(_is_expression, (*block.get("expressions", {}).values(), *single))):
                raise InputError(f"{where}: an expression of {block.get('address') or 'a module call'} is malformed")
        if not all(_is_expression(output.get("expression", {})) for output in module.get("outputs", {}).values()):
            raise InputError(f"{where}: an output's expression is malformed")


def _modules(root: Module) -> Iterator[Module]:
    modules = [root]
    while modules:
        module = modules.pop()
        yield module
        modules.extend(call.get("module", {}) for call in module.get("module_calls", {}).values())


def _is_expression(value: Any) -> bool:
    if type(value) is dict:
        return _is_leaf(value) or all(map(_is_expression, value.values()))
    return type(value) is list and all(type(block) is dict and _is_expression(block) for block in value)


def _is_leaf(expression: Mapping[str, Any]) -> bool:
    if "references" not in expression:
        return "constant_value" in expression
    references = expression["references"]
    return type(references) is list and {str}.issuperset(map(type, references))
