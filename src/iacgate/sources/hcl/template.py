"""Templates: text with ``${…}`` and ``%{…}`` in it, in quotes or as a heredoc, into expressions.

https://github.com/hashicorp/hcl/blob/main/hclsyntax/spec.md#templates
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from iacgate.sources.hcl.syntax import Expression

__all__ = ["Part", "assemble", "heredoc_parts", "strip", "template_parts", "unescape"]

Part = str | list[Any]
"""Literal text, or ``[kind, what, strip left, strip right]`` with kind expression, if, else, endif, for, endfor."""

_ESCAPE = re.compile(r"\\(?:U([0-9a-fA-F]{8})|u([0-9a-fA-F]{4})|(.))|\$\$\{|%%\{", re.DOTALL)
_PLAIN = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}
_OPEN = re.compile(r"\$\$\{|%%\{|\$\{|%\{")
_LINES = re.compile(r"[^\n]*\n|[^\n]+")
"""HCL's scanner ends a literal with its line (but not in quotes): a ``~`` reaches no further."""
_INSIDE = re.compile(
    r'"|\{|\}|#[^\n]*|//[^\n]*|/\*.*?\*/|<<-?([^\W\d][\w-]*)\r?\n.*?^[ \t]*\1[ \t]*$', re.DOTALL | re.MULTILINE
)
_QUOTED = re.compile(r'(?:[^"\\$%]|\\.|\$(?!\{)|%(?!\{))*', re.DOTALL)
_DIRECTIVE = re.compile(r"\s*(if|else|endif|for|endfor)\b(.*)", re.DOTALL)
_FOR = re.compile(r"\s*([^\W\d][\w-]*)\s*(?:,\s*([^\W\d][\w-]*)\s*)?\bin\b(.*)", re.DOTALL)


def unescape(text: str) -> str:
    """The characters that a quoted literal stands for."""
    return _ESCAPE.sub(_one, text) if "\\" in text or "{" in text else text


def _one(found: re.Match[str]) -> str:
    code = found[1] or found[2]
    if code:
        number = int(code, 16)
        return chr(number) if number < 0x110000 else "\ufffd"
    if found[3] is None:
        return found[0][1:]
    return _PLAIN.get(found[3], found[0])


def heredoc_parts(text: str, parse: Callable[[str], Expression]) -> list[Part]:
    """The parts of ``<<MARK`` (or ``<<-MARK``, which takes common indentation away) with its marks around it."""
    head, _, rest = text.partition("\n")
    lines = rest.rstrip("\r\n").split("\n")[:-1]
    parts = strip(list(template_parts("".join(f"{line}\n" for line in lines), parse)))
    return _dedent(parts) if head.startswith("<<-") else parts


def _dedent(parts: list[Part]) -> list[Part]:
    """Without common indentation, as HCL's ``flushHeredocTemplateParts`` does it (after ``~``, line by line)."""
    margin: int | None = None
    adjust, begins = [], True
    for index, part in enumerate(parts):
        text = part if isinstance(part, str) else None
        if begins:
            begins = False
            if text is None or text.strip() or not text.endswith("\n"):
                spaces = len(text) - len(text.lstrip()) if text is not None else 0
                margin = spaces if margin is None else min(margin, spaces)
                if text is not None:
                    adjust.append(index)
        if text is not None and text.endswith("\n"):
            begins = True
    out = list(parts)
    for index in adjust:
        out[index] = str(parts[index])[margin or 0 :]
    return out


def template_parts(text: str, parse: Callable[[str], Expression]) -> Iterator[Part]:
    """The parts of a template without backslash escapes: a heredoc's, or a file's for ``templatefile``.

    Raises what ``parse`` raises, and ``ValueError`` when a part is never closed.
    """
    at = 0
    while found := _OPEN.search(text, at):
        if found.start() > at:
            yield from _LINES.findall(text[at : found.start()])
        if len(found[0]) == 3:
            yield found[0][1:]
            at = found.end()
            continue
        end = _end(text, found.end())
        inner = text[found.end() : end]
        left, right = inner.startswith("~"), inner.endswith("~")
        inner = inner[1 if left else 0 : -1 if right else None]
        yield ["expression", parse(inner), left, right] if found[0] == "${" else _directive(inner, left, right, parse)
        at = end + 1
    yield from _LINES.findall(text[at:])


def _end(text: str, at: int) -> int:
    """Where the brace that was opened before ``at`` is closed, quoted text and its own templates stepped over."""
    depth = 1
    while found := _INSIDE.search(text, at):
        at = found.end()
        if found[0] == '"':
            at = _end_of_quote(text, at)
        elif found[0] in ("{", "}"):
            depth += 1 if found[0] == "{" else -1
            if not depth:
                return found.start()
    raise ValueError("a template is never closed")


def _end_of_quote(text: str, at: int) -> int:
    while True:
        quoted = _QUOTED.match(text, at)
        at = quoted.end() if quoted else at
        if text.startswith('"', at):
            return at + 1
        if at >= len(text):
            raise ValueError("a template is never closed")
        at = _end(text, at + 2) + 1


def _directive(inner: str, left: bool, right: bool, parse: Callable[[str], Expression]) -> Part:
    found = _DIRECTIVE.fullmatch(inner)
    if found is None:
        raise ValueError("not a template directive")
    kind, rest = found[1], found[2]
    if kind == "if":
        return ["if", parse(rest), left, right]
    if kind == "for":
        names = _FOR.fullmatch(rest)
        if names is None:
            raise ValueError("not a template directive")
        key, name = (names[1], names[2]) if names[2] else (None, names[1])
        return ["for", [key, name, parse(names[3])], left, right]
    return [kind, None, left, right]


def assemble(parts: list[Part]) -> Expression:
    """One expression of a template's parts. A lone interpolation is its expression, whatever its type."""
    stripped: list[Part] = []
    for part in strip(parts):
        if isinstance(part, str) and stripped and isinstance(stripped[-1], str):
            stripped[-1] += part
        elif part != "":
            stripped.append(part)
    made, at = _sequence(stripped, 0)
    if at < len(stripped):
        raise ValueError("a template directive stands alone")
    if not made:
        return ["value", ""]
    if len(made) == 1 and len(stripped) == 1:
        return made[0]
    return ["template", made]


def strip(parts: list[Part]) -> list[Part]:
    """Take white space away where a ``~`` says so."""
    out = list(parts)
    for index, part in enumerate(parts):
        if isinstance(part, str):
            continue
        before, after = (out[index - 1] if index else None), (out[index + 1] if index + 1 < len(out) else None)
        if part[2] and isinstance(before, str):
            out[index - 1] = before.rstrip()
        if part[3] and isinstance(after, str):
            out[index + 1] = after.lstrip()
        out[index] = [part[0], part[1], False, False]
    return out


def _sequence(parts: list[Part], at: int) -> tuple[list[Expression], int]:
    """Parts up to an ``else``, ``endif`` or ``endfor`` that is not ours."""
    out: list[Expression] = []
    while at < len(parts):
        part = parts[at]
        if isinstance(part, str):
            out.append(["value", part])
            at += 1
            continue
        match part[0]:
            case "expression":
                out.append(part[1])
                at += 1
            case "if":
                then, at = _sequence(parts, at + 1)
                otherwise: list[Expression] = []
                if _kind(parts, at) == "else":
                    otherwise, at = _sequence(parts, at + 1)
                at = _expect(parts, at, "endif")
                out.append(["if", part[1], ["template", then], ["template", otherwise]])
            case "for":
                body, at = _sequence(parts, at + 1)
                at = _expect(parts, at, "endfor")
                out.append(["join", *part[1], body])
            case _:
                return out, at
    return out, at


def _kind(parts: list[Part], at: int) -> str:
    part = parts[at] if at < len(parts) else ""
    return "" if isinstance(part, str) else str(part[0])


def _expect(parts: list[Part], at: int, kind: str) -> int:
    if _kind(parts, at) != kind:
        raise ValueError(f"a template lacks its `{kind}`")
    return at + 1
