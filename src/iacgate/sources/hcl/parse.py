"""Text in HCL's native syntax into :mod:`iacgate.sources.hcl.syntax`, by python-hcl2's parse tree.

Terraform's parser is the judge of what is HCL. Where python-hcl2's grammar is narrower and it can be
helped (byte order marks, identifiers beyond ASCII) it is; where not, the problem names the line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from lark.exceptions import LarkError

from iacgate.sources.hcl.syntax import MAX_BYTES, Attribute, Block, Body, Expression, FileSyntax, SyntaxProblem
from iacgate.sources.hcl.template import Part, assemble, heredoc_parts, unescape

if TYPE_CHECKING:
    from lark import Lark

__all__ = ["parse_expression", "parse_hcl", "warm_up"]

_MAX_DEPTH = 120
_BRACKETS = re.compile(r"[(\[{]")
_REQUEST = re.compile(r"(?:#|//|/\*)\s*(iacgate:[^\n]{0,200})")
_OPENING = {"LBRACE": "{", "LPAR": "(", "LSQB": "[", "INTERP_START": "${", "DIRECTIVE_START": "%{", "DBLQUOTE": '"'}
_PLAIN = {"NULL": None, "TRUE": True, "FALSE": False}


class _TooDeepError(Exception):
    """Nested beyond what a person writes; ``args[0]`` is the line."""


def parse_hcl(text: str) -> FileSyntax:
    """Parse a file. What is wrong with it stands in ``problems``; then its body is empty or lacks that part."""
    text = text.removeprefix("\ufeff")
    if not text.endswith("\n"):
        text += "\n"
    if problem := _too_large(text):
        return FileSyntax(Body([], []), [problem], [])
    try:
        tree: Any = _parser().parse(text)
        problems: list[SyntaxProblem] = []
        body = _Reader(problems).body(tree.children[0])
    except LarkError as error:
        return FileSyntax(Body([], []), [_explain(error)], [])
    except _TooDeepError as error:
        return FileSyntax(Body([], []), [_deep(error.args[0])], [])
    except RecursionError:
        return FileSyntax(Body([], []), [_deep(0)], [])
    requests = [(text.count("\n", 0, found.start()) + 1, found[1].strip()) for found in _REQUEST.finditer(text)]
    return FileSyntax(body, problems, requests)


def warm_up() -> None:
    """Build the parser now, so that processes forked from this one have it."""
    _parser()


def _deep(line: int) -> SyntaxProblem:
    return SyntaxProblem(line, f"it is nested more than {_MAX_DEPTH} levels deep")


def _too_large(text: str) -> SyntaxProblem | None:
    """What cannot be parsed in reasonable time is refused before the parser sees it."""
    if len(text) > MAX_BYTES:
        return SyntaxProblem(0, f"it is larger than {MAX_BYTES // 2**20} MiB")
    if _BRACKETS.search(text) is None:
        return None
    depth = 0
    for number, line in enumerate(text.splitlines(), 1):
        if len(line) > _MAX_DEPTH or depth > _MAX_DEPTH:
            for char in line:
                if char in "([{":
                    depth += 1
                    if depth > 20 * _MAX_DEPTH:
                        return _deep(number)
                elif char in ")]}":
                    depth -= 1
        else:
            depth += line.count("{") + line.count("(") + line.count("[")
            depth -= line.count("}") + line.count(")") + line.count("]")
    return None


@lru_cache(maxsize=1)
def _parser() -> Lark:
    """python-hcl2's parser without its own bookkeeping of positions (tokens know theirs), and with Unicode names."""
    from iacgate.sources.hcl.library import hcl2_parser

    return hcl2_parser()


def _explain(error: Any) -> SyntaxProblem:
    """A syntax error in words, without the input's own."""
    line = getattr(error, "line", 0) or 0
    token = getattr(error, "token", None)
    if token is not None and token.type == "$END":
        stack = getattr(getattr(error, "interactive_parser", None), "parser_state", None)
        open_ones = [one for one in getattr(stack, "value_stack", ()) if getattr(one, "type", "") in _OPENING]
        if open_ones:
            last = open_ones[-1]
            return SyntaxProblem(last.line, f"`{_OPENING[last.type]}` is never closed")
        return SyntaxProblem(0, "it ends too early")
    if token is not None:
        text = str(token).strip()
        what = f"`{text}`" if text and len(text) < 4 and not text.isalnum() else _TOKENS.get(token.type, "this")
        return SyntaxProblem(max(line, 0), f"{what} is not expected here (column {token.column})")
    return SyntaxProblem(max(line, 0), f"not valid HCL (column {getattr(error, 'column', 0)})")


_TOKENS = {
    "NAME": "a name",
    "INT_LITERAL": "a number",
    "FLOAT_LITERAL": "a number",
    "NL_OR_COMMENT": "the end of the line",
    "STRING_CHARS": "text",
    "DBLQUOTE": "a quote",
    "HEREDOC_TEMPLATE": "a heredoc",
    "HEREDOC_TEMPLATE_TRIM": "a heredoc",
}


class _Reader:
    """Turns the parse tree into syntax. ``depth`` guards against trees that are deeper than anybody writes."""

    def __init__(self, problems: list[SyntaxProblem]) -> None:
        self.problems = problems
        self.depth = 0

    def body(self, tree: Any) -> Body:
        attributes: dict[str, Attribute] = {}
        blocks: list[Block] = []
        for child in tree.children:
            if child.data == "attribute":
                one = self._attribute(child)
                if one.name in attributes:
                    self.problems.append(
                        SyntaxProblem(
                            one.line, f"an attribute stands twice (first in line {attributes[one.name].line})"
                        )
                    )
                else:
                    attributes[one.name] = one
            elif child.data == "block":
                blocks.append(self._block(child))
        return Body(list(attributes.values()), blocks)

    def _attribute(self, tree: Any) -> Attribute:
        name, value = tree.children[0], tree.children[2]
        first, last = _first(value), _last(value)
        try:
            expression = self.expression(value)
        except (ValueError, LarkError):  # in a heredoc, whose templates are parsed here
            self.problems.append(SyntaxProblem(first.line, "a template in it is not valid"))
            expression = ["invalid"]
        return Attribute(
            str(_first(name)),
            expression,
            _first(name).line,
            last.end_line - (1 if str(last).endswith("\n") else 0),
            first.start_pos,
            last.end_pos,
        )

    def _block(self, tree: Any) -> Block:
        self._enter(tree)
        head = _first(tree.children[0])
        labels = []
        opening: Any = None
        body: Any = None
        for child in tree.children[1:]:
            if getattr(child, "type", "") == "LBRACE":
                opening = child
            elif getattr(child, "data", "") == "body":
                body = child
            elif opening is None and child.data != "new_line_or_comment":
                labels.append(_label(child))
        closing = tree.children[-1]
        block = Block(
            str(head),
            labels,
            self.body(body),
            head.line,
            closing.end_line,
            head.start_pos,
            opening.start_pos,
            closing.start_pos,
        )
        self.depth -= 1
        return block

    def _enter(self, tree: Any) -> None:
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise _TooDeepError(_first(tree).line)

    def expression(self, tree: Any) -> Expression:
        self._enter(tree)
        made = self._expression(tree)
        self.depth -= 1
        return made

    def _expression(self, tree: Any) -> Expression:
        data = tree.data
        if data == "expr_term":
            inner = [child for child in tree.children if _matters(child)]
            if getattr(inner[0], "type", "") == "LPAR":
                return self.expression(inner[1])
            return self._term(inner[0])
        if data == "binary_op":
            return self._chain(tree)
        if data == "unary_op":
            operand = self.expression(tree.children[1])
            if tree.children[0].type == "NOT":
                for _ in range(str(tree.children[0]).count("!")):
                    operand = ["not", operand]
                return operand
            number: Any = operand[1] if operand[0] == "value" else None
            return ["value", -number] if type(number) in (int, float) else ["minus", operand]
        if data == "conditional":
            parts = [self.expression(child) for child in tree.children if _is_expression(child)]
            return ["if", *parts]
        return self._term(tree)

    def _chain(self, tree: Any) -> Expression:
        """``a && b && c`` is a tree that leans to the left; as a list it needs no depth."""
        terms: list[list[Any]] = []
        while getattr(tree, "data", "") == "binary_op":
            left, term = [child for child in tree.children if _matters(child)]
            operator = str(_first(term.children[0])).split("\n")[-1].strip()
            terms.append([operator, self.expression(term.children[-1])])
            tree = left
        return ["chain", self.expression(tree), terms[::-1]]

    def _term(self, tree: Any) -> Expression:
        match tree.data:
            case "identifier" | "keyword":
                return ["name", str(tree.children[0])]
            case "literal_value":
                return ["value", _PLAIN[tree.children[0].type]]
            case "int_lit":
                return _integer(str(tree.children[0]))
            case "float_lit":
                return ["value", _number(str(tree.children[0]))]
            case "string":
                return assemble(list(self._parts(tree)))
            case "heredoc_template" | "heredoc_template_trim":
                return assemble(heredoc_parts(str(tree.children[0]), parse_expression))
            case "template_string":
                return ["value", unescape(str(tree.children[0])[2:-2])]
            case "tuple":
                return ["list", [self.expression(child) for child in tree.children if _is_expression(child)]]
            case "object":
                elements = [child for child in tree.children if getattr(child, "data", "") == "object_elem"]
                return ["object", [self._element(one) for one in elements]]
            case "function_call":
                return self._call(tree)
            case "get_attr_expr_term":
                return ["attr", self.expression(tree.children[0]), str(_first(tree.children[1].children[1]))]
            case "index_expr_term":
                return ["index", self.expression(tree.children[0]), self._key(tree.children[1])]
            case "attr_splat_expr_term":
                return self._splat(tree, full=False)
            case "full_splat_expr_term":
                return self._splat(tree, full=True)
            case "for_tuple_expr":
                key, name, collection = self._intro(tree)
                rest = [child for child in tree.children if _is_expression(child)]
                return ["for", key, name, collection, self.expression(rest[0]), self._condition(tree)]
            case "for_object_expr":
                key, name, collection = self._intro(tree)
                rest = [child for child in tree.children if _is_expression(child)]
                pair = [self.expression(rest[0]), self.expression(rest[1])]
                grouped = any(getattr(child, "type", "") == "ELLIPSIS" for child in tree.children)
                return ["map", key, name, collection, pair, grouped, self._condition(tree)]
            case _:
                return self.expression(tree)

    def _parts(self, tree: Any) -> Iterator[Part]:
        for part in tree.children[1:-1]:
            inner = part.children[0]
            data = getattr(inner, "data", "")
            if not data:
                yield unescape(str(inner))
            elif data == "interpolation":
                opening, held, closing = inner.children
                yield ["expression", self.expression(held), opening.endswith("~"), closing.startswith("~")]
            else:
                yield self._directive(inner)

    def _directive(self, tree: Any) -> Part:
        tokens = [child for child in tree.children if getattr(child, "type", "")]
        left = len(tokens) > 1 and tokens[1].type == "STRIP_MARKER"
        right = tokens[-1].startswith("~")
        expressions = [child for child in tree.children if _is_expression(child)]
        match tree.data:
            case "template_if_start":
                return ["if", self.expression(expressions[0]), left, right]
            case "template_for_start":
                names = [
                    str(child.children[0]) for child in tree.children if getattr(child, "data", "") == "identifier"
                ]
                collection = self.expression(next(one for one in expressions if one.data != "identifier"))
                key, name = (names[0], names[1]) if len(names) > 1 else (None, names[0])
                return ["for", [key, name, collection], left, right]
            case _:
                return [tree.data.removeprefix("template_"), None, left, right]

    def _element(self, tree: Any) -> list[Expression]:
        key_tree = tree.children[0].children[0]
        term = key_tree.children[0] if getattr(key_tree, "data", "") == "expr_term" else key_tree
        kind = getattr(term, "data", "")
        if kind in ("identifier", "keyword"):
            key: Expression = ["value", str(term.children[0])]
        elif kind == "literal_value":
            key = ["value", str(term.children[0])]
        else:
            key = self.expression(key_tree)
        return [key, self.expression(tree.children[2])]

    def _call(self, tree: Any) -> Expression:
        names = _identifiers(tree)
        arguments = next((child for child in tree.children if getattr(child, "data", "") == "arguments"), None)
        children = arguments.children if arguments is not None else ()
        expand = any(getattr(child, "type", "") == "ELLIPSIS" for child in children)
        return ["call", "::".join(names), [self.expression(one) for one in children if _is_expression(one)], expand]

    def _key(self, tree: Any) -> Expression:
        if tree.data == "short_index":
            return ["value", int(tree.children[1])]
        return self.expression(next(child for child in tree.children if _is_expression(child)))

    def _splat(self, tree: Any, *, full: bool) -> Expression:
        """``a[*].b[0]``; of ``a.*.b[0]`` the index belongs to the whole, as HCL's specification says."""
        steps: list[Expression] = []
        outside: list[Expression] = []
        for child in tree.children[1].children[1:]:
            if child.data == "get_attr":
                step: Expression = ["attr", str(_first(child.children[1]))]
            else:
                step = ["index", self._key(child)]
            inside = not outside and (full or child.data in ("get_attr", "short_index"))
            (steps if inside else outside).append(step)
        base = self.expression(tree.children[0])
        if tree.children[0].data == "full_splat_expr_term" or _lone(tree.children[0]) == "full_splat_expr_term":
            made: Expression = ["splat", base[1], [*base[2], ["splat", steps]]]  # `a[*].b[*].c` nests
        else:
            made = ["splat", base, steps]
        for kind, argument in outside:
            made = [kind, made, argument]
        return made

    def _intro(self, tree: Any) -> tuple[str | None, str, Expression]:
        intro = next(child for child in tree.children if getattr(child, "data", "") == "for_intro")
        names = []
        collection: Any = None
        for child in intro.children:
            if getattr(child, "data", "") == "identifier" and collection is None:
                names.append(str(child.children[0]))
            elif _is_expression(child):
                collection = child
        key, name = (names[0], names[1]) if len(names) > 1 else (None, names[0])
        return key, name, self.expression(collection)

    def _condition(self, tree: Any) -> Expression | None:
        found = next((child for child in tree.children if getattr(child, "data", "") == "for_cond"), None)
        return (
            self.expression(next(one for one in found.children if _is_expression(one))) if found is not None else None
        )


_NO_EXPRESSIONS = frozenset({"new_line_or_comment", "for_intro", "for_cond", "binary_operator", "identifier"})


def _is_expression(child: Any) -> bool:
    data = getattr(child, "data", "")
    return bool(data) and data not in _NO_EXPRESSIONS


def _identifiers(tree: Any) -> list[str]:
    return [str(child.children[0]) for child in tree.children if getattr(child, "data", "") == "identifier"]


def _matters(child: Any) -> bool:
    return getattr(child, "data", "") != "new_line_or_comment"


def _first(tree: Any) -> Any:
    while hasattr(tree, "children"):
        tree = next(child for child in tree.children if _matters(child))
    return tree


def _last(tree: Any) -> Any:
    while hasattr(tree, "children"):
        tree = next(child for child in reversed(tree.children) if _matters(child) and _has_token(child))
    return tree


def _has_token(tree: Any) -> bool:
    return not hasattr(tree, "children") or any(_matters(child) and _has_token(child) for child in tree.children)


def _lone(tree: Any) -> str:
    """What an ``expr_term`` without parentheses holds."""
    return getattr(tree.children[0], "data", "") if tree.data == "expr_term" and len(tree.children) == 1 else ""


def _label(tree: Any) -> str:
    if tree.data == "string":
        return "".join(unescape(str(part.children[0])) for part in tree.children[1:-1])
    return str(_first(tree))


def _integer(text: str) -> Expression:
    """Beyond 64 bits the cache cannot hold it as a number."""
    return ["value", int(text)] if len(text) < 19 else ["call", "tonumber", [["value", text]], False]


def _number(text: str) -> int | float:
    value = float(text)
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


def parse_expression(text: str) -> Expression:
    """One expression that stands in a template. Raises ``LarkError`` or ``ValueError``."""
    tree: Any = _parser().parse(f"x = (\n{text}\n)\n")
    attribute = next(child for child in tree.children[0].children if child.data == "attribute")
    return _Reader([]).expression(attribute.children[2])
