"""``.tf.json`` into the same syntax as native files (https://developer.hashicorp.com/terraform/language/syntax/json).

Which properties are blocks and which are arguments only a schema tells; here just Terraform's own
blocks are, and the rest stays attributes: whoever knows the schema takes them apart.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from iacgate.sources.hcl.parse import parse_expression
from iacgate.sources.hcl.syntax import MAX_BYTES, Attribute, Block, Body, Expression, FileSyntax, SyntaxProblem
from iacgate.sources.hcl.template import assemble, template_parts

__all__ = ["parse_json", "parse_json_values"]

_LABELS = {"resource": 2, "data": 2, "ephemeral": 2, "module": 1, "variable": 1, "output": 1, "provider": 1, "check": 1}
_NO_LABELS = ("terraform", "locals", "moved", "removed", "import")
_INNER = {"dynamic": 1, "provisioner": 1, "lifecycle": 0, "connection": 0, "content": 0, "validation": 0}
_INNER |= {"required_providers": 0, "backend": 1, "cloud": 0, "precondition": 0, "postcondition": 0}
_LITERAL = {("variable", "default"), ("variable", "description"), ("module", "source"), ("module", "version")}
_EXPRESSIONS = frozenset({"depends_on", "provider", "providers", "ignore_changes", "type", "replace_triggered_by"})
_SPACE = re.compile(r"[ \t\r\n]*")
_MAX_DEPTH = 100


class _Object(NamedTuple):
    """An object with the line of each of its keys."""

    entries: dict[str, tuple[int, Any]]
    line: int
    end_line: int


class _Reader:
    """JSON with the lines its keys stand in; a key that stands twice is a problem."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.problems: list[SyntaxProblem] = []
        self._scalar = json.JSONDecoder(parse_constant=_refuse).raw_decode
        self._lines = [found.start() for found in re.finditer("\n", text)]

    def line(self, at: int) -> int:
        from bisect import bisect_left

        return bisect_left(self._lines, at) + 1

    def value(self, at: int, depth: int = 0) -> tuple[Any, int]:
        if depth > _MAX_DEPTH:
            raise ValueError("too deep")
        at = self._skip(at)
        opening = self.text[at : at + 1]
        if opening == "{":
            return self._object(at, depth)
        if opening == "[":
            return self._list(at, depth)
        return self._scalar(self.text, at)

    def _skip(self, at: int) -> int:
        found = _SPACE.match(self.text, at)
        return found.end() if found else at

    def _object(self, at: int, depth: int) -> tuple[_Object, int]:
        line = self.line(at)
        entries: dict[str, tuple[int, Any]] = {}
        at = self._skip(at + 1)
        while self.text[at : at + 1] != "}":
            if entries:
                at = self._expect(at, ",")
            if self.text[at : at + 1] != '"':
                raise json.JSONDecodeError("a key is expected", self.text, at)
            start = at
            key, at = self._scalar(self.text, at)
            value, at = self.value(self._expect(at, ":"), depth + 1)
            if key in entries:
                self.problems.append(SyntaxProblem(self.line(start), "a key stands twice"))
            entries[key] = (self.line(start), value)
            at = self._skip(at)
        return _Object(entries, line, self.line(at)), at + 1

    def _list(self, at: int, depth: int) -> tuple[list[Any], int]:
        items: list[Any] = []
        at = self._skip(at + 1)
        while self.text[at : at + 1] != "]":
            if items:
                at = self._expect(at, ",")
            value, at = self.value(at, depth + 1)
            items.append(value)
            at = self._skip(at)
        return items, at + 1

    def _expect(self, at: int, sign: str) -> int:
        at = self._skip(at)
        if self.text[at : at + 1] != sign:
            raise json.JSONDecodeError("a sign is missing", self.text, at)
        return self._skip(at + 1)


def _refuse(_: str) -> Any:
    raise ValueError("NaN and Infinity are no JSON")


def parse_json(text: str) -> FileSyntax:
    """Parse a ``.tf.json`` file. What is wrong with it stands in ``problems``."""
    top, problems = _read(text)
    blocks: list[Block] = []
    for kind, (line, value) in top.entries.items():
        if kind in _LABELS or kind in _NO_LABELS:
            blocks += _blocks(kind, _LABELS.get(kind, 0), [], value, problems)
        elif kind != "//":
            problems.append(SyntaxProblem(line, "no block that Terraform knows"))
    return FileSyntax(Body([], blocks), problems, [])


def parse_json_values(text: str) -> FileSyntax:
    """Parse a ``.tfvars.json`` file: an object of plain values."""
    top, problems = _read(text)
    values = [Attribute(name, _literal(value), line, line, 0, 0) for name, (line, value) in top.entries.items()]
    return FileSyntax(Body(values, []), problems, [])


def _read(text: str) -> tuple[_Object, list[SyntaxProblem]]:
    text = text.removeprefix("\ufeff")
    nothing = _Object({}, 1, 1)
    if len(text) > MAX_BYTES:
        return nothing, [SyntaxProblem(0, f"it is larger than {MAX_BYTES // 2**20} MiB")]
    reader = _Reader(text)
    try:
        top, at = reader.value(0)
        if text[at:].strip():
            raise json.JSONDecodeError("more follows", text, at)
    except json.JSONDecodeError as error:
        return nothing, [SyntaxProblem(error.lineno, f"not valid JSON (column {error.colno})")]
    except (ValueError, RecursionError):
        return nothing, [SyntaxProblem(0, "not valid JSON, or nested too deeply")]
    if not isinstance(top, _Object):
        return nothing, [SyntaxProblem(1, "not an object")]
    return top, reader.problems


def _blocks(kind: str, depth: int, labels: list[str], value: Any, problems: list[SyntaxProblem]) -> Iterator[Block]:
    for one in value if isinstance(value, list) else [value]:
        if not isinstance(one, _Object):
            problems.append(SyntaxProblem(0, f"`{kind}` is no object"))
        elif depth:
            for label, (_, inner) in one.entries.items():
                if label != "//":
                    yield from _blocks(kind, depth - 1, [*labels, label], inner, problems)
        else:
            yield Block(kind, labels, _body(kind, one, problems), one.line, one.end_line, 0, 0, 0)


def _body(kind: str, value: _Object, problems: list[SyntaxProblem]) -> Body:
    body = Body([], [])
    for name, (line, inner) in value.entries.items():
        if name == "//":
            continue
        if name in _INNER and kind not in ("variable", "locals", "output") and isinstance(inner, _Object | list):
            body.blocks.extend(_blocks(name, _INNER[name], [], inner, problems))
            continue
        convert: Callable[[Any], Expression] = _template
        if (kind, name) in _LITERAL:
            convert = _literal
        elif name in _EXPRESSIONS:
            convert = _plain_expression
        try:
            expression = convert(inner)
        except Exception:  # lark's and ours: whatever it is, it is no template
            problems.append(SyntaxProblem(line, "a template in it is not valid"))
            expression = ["invalid"]
        body.attributes.append(Attribute(name, expression, line, line, 0, 0))
    return body


def _literal(value: Any) -> Expression:
    return ["value", value] if not isinstance(value, _Object | list) else _container(value, _literal)


def _template(value: Any) -> Expression:
    if isinstance(value, str):
        return assemble(list(template_parts(value, parse_expression)))
    return ["value", value] if not isinstance(value, _Object | list) else _container(value, _template)


def _plain_expression(value: Any) -> Expression:
    if isinstance(value, str) and not value.startswith("${"):
        return parse_expression(value)
    return _template(value) if not isinstance(value, _Object | list) else _container(value, _plain_expression)


def _container(value: Any, convert: Callable[[Any], Expression]) -> Expression:
    if isinstance(value, list):
        return ["list", [convert(item) for item in value]]
    return ["object", [[_template(key), convert(inner)] for key, (_, inner) in value.entries.items() if key != "//"]]
