"""What stands in one HCL file: blocks and attributes with their places, expressions as plain lists.

An expression is a list whose first element says what it is; it holds nothing but lists, text, numbers,
booleans and null, so that it can be kept in a cache as it is:

=================================================  ==============================================================
``["value", v]``                                   a literal
``["template", parts]``                            text with interpolations; evaluates to text
``["list", items]``                                ``[a, b]``
``["object", [[key, value], …]]``                  ``{a = b}``
``["name", text]``                                 the root of a reference, or a ``for`` variable
``["attr", e, name]``, ``["index", e, key]``       ``e.name``, ``e[key]``
``["splat", e, steps]``                            ``e[*].a[0]``; steps as above without ``e``
``["call", name, args, expand]``                   ``name(args...)``
``["chain", first, [[operator, operand], …]]``     binary operators of one precedence, left to right
``["not", e]``, ``["minus", e]``                   unary operators
``["if", condition, then, otherwise]``             a conditional, in an expression or a template
``["for", key, name, in, body, condition]``        ``[for key, name in in : body if condition]``
``["map", key, name, in, [k, v], grouped, if]``    ``{for key, name in in : k => v... if condition}``
``["join", key, name, in, parts]``                 ``%{for key, name in in}parts%{endfor}``
``["invalid"]``                                    what could not be read; a problem of the file says why
=================================================  ==============================================================

Native syntax: https://github.com/hashicorp/hcl/blob/main/hclsyntax/spec.md
"""

from __future__ import annotations

from typing import Any, NamedTuple

__all__ = ["MAX_BYTES", "Attribute", "Block", "Body", "Expression", "FileSyntax", "SyntaxProblem"]

Expression = list[Any]

MAX_BYTES = 8 * 1024 * 1024
"""Larger files are refused."""


class Attribute(NamedTuple):
    """``name = expression``. ``start`` and ``end`` are the expression's characters in the text, counted from 0."""

    name: str
    expression: Expression
    line: int
    end_line: int
    start: int
    end: int


class Block(NamedTuple):
    """``type "label" { … }``. ``start`` is where it begins; ``open`` and ``close`` are its braces."""

    type: str
    labels: list[str]
    body: Body
    line: int
    end_line: int
    start: int
    open: int
    close: int


class Body(NamedTuple):
    """What stands between braces, or in a file."""

    attributes: list[Attribute]
    blocks: list[Block]

    def attribute(self, name: str) -> Attribute | None:
        """The attribute of that name."""
        return next((one for one in self.attributes if one.name == name), None)

    def blocks_of(self, kind: str) -> list[Block]:
        """The blocks of that type, in order."""
        return [one for one in self.blocks if one.type == kind]


class SyntaxProblem(NamedTuple):
    """Why a file, or a part of it, is not HCL. Line 0 is the file as a whole."""

    line: int
    message: str


class FileSyntax(NamedTuple):
    """One file."""

    body: Body
    problems: list[SyntaxProblem]
    requests: list[tuple[int, str]]
    """Comments that speak to iacgate (``#iacgate:waive …``), by line: requests, never obeyed."""
