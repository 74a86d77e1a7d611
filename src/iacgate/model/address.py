"""Addresses of resources, as Terraform writes them: parsed, taken apart, printed back exactly.

The grammar is that of Terraform's "resource address reference". Instance keys keep the text they
came in, because Terraform versions quote differently and an address is an identity: what is
printed must be what was read.
"""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["Address", "AddressError", "ModuleStep", "key_value", "parse_address", "quote_key"]

_NAME = r"[^\W\d][\w-]*"
_INDEX = r'\[(?:-?\d+|"(?:[^"\\]|\\.)*")\]'
_MODULE = re.compile(rf"module\.({_NAME})((?:{_INDEX})?)\.", re.DOTALL)
_RESOURCE = re.compile(rf"(data\.|ephemeral\.)?({_NAME})\.({_NAME})((?:{_INDEX})?)", re.DOTALL)
_MODES = {"": "managed", "data.": "data", "ephemeral.": "ephemeral"}
_PREFIXES = {mode: prefix for prefix, mode in _MODES.items()}
_ESCAPE = re.compile(r"\\(U[0-9a-fA-F]{8}|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|.)|\$\$\{|%%\{", re.DOTALL)
_QUOTED = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_SIMPLE_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}


class AddressError(ValueError):
    """The text is not a resource address."""


class ModuleStep(NamedTuple):
    """One module call on the way to a resource; ``key`` is its instance key as written, or empty."""

    name: str
    key: str = ""

    def __str__(self) -> str:
        return f"module.{self.name}{self.key}"


class Address(NamedTuple):
    """A resource instance's address. ``key`` is the instance key as written, or empty."""

    modules: tuple[ModuleStep, ...]
    mode: str
    """``managed``, ``data`` or ``ephemeral``."""
    type: str
    name: str
    key: str = ""

    def __str__(self) -> str:
        steps = [str(step) for step in self.modules]
        return ".".join([*steps, f"{_PREFIXES[self.mode]}{self.type}.{self.name}{self.key}"])

    @property
    def module(self) -> str:
        """The module instance's address, empty for the root module."""
        return ".".join(str(step) for step in self.modules)

    @property
    def module_names(self) -> tuple[str, ...]:
        """The module calls' names without instance keys: where the configuration stands."""
        return tuple(step.name for step in self.modules)


def parse_address(text: str) -> Address:
    """Take an address apart. ``str`` of the result is ``text`` again.

    Raises ``AddressError`` when ``text`` is not the address of a resource.
    """
    modules: list[ModuleStep] = []
    at = 0
    while step := _MODULE.match(text, at):
        modules.append(ModuleStep(step[1], step[2]))
        at = step.end()
    resource = _RESOURCE.fullmatch(text, at)
    if resource is None or resource[2] == "module":
        raise AddressError("not a resource address")
    return Address(tuple(modules), _MODES[resource[1] or ""], resource[2], resource[3], resource[4])


def key_value(key: str) -> str | int | None:
    """The value of a key such as ``["a.b"]`` or ``[0]`` stands for; ``None`` for no key."""
    if not key:
        return None
    inner = key[1:-1]
    return _ESCAPE.sub(_unescape, inner[1:-1]) if inner.startswith('"') else int(inner)


def quote_key(key: str | int) -> str:
    """A key as current Terraform writes it: HCL quoting, ``${`` and ``%{`` doubled, what cannot be printed escaped."""
    if isinstance(key, int):
        return f"[{key}]"
    out = "".join(_QUOTED.get(char) or (char if char.isprintable() else _escaped(char)) for char in key)
    return '["' + out.replace("${", "$${").replace("%{", "%%{") + '"]'


def _escaped(char: str) -> str:
    return f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}"


def _unescape(match: re.Match[str]) -> str:
    code = match[1]
    if code is None:
        return match[0][1:]
    if len(code) > 1:
        return chr(int(code[1:], 16))
    return _SIMPLE_ESCAPES.get(code, code)
