"""python-hcl2, found and made ready: its grammar, without the parts of its bookkeeping that we do not need.

checkov's ``bc-python-hcl2`` installs the same import package, so what answers to ``hcl2`` may be
something else: then the error says so (``iacgate doctor`` says more).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from iacgate.errors import IacgateError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lark import Lark, Token

__all__ = ["hcl2_package", "hcl2_parser"]

_NAME = r"[^\W\d][\w-]*"
_SPACES = r"[\t\v\f\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]*"
"""Around the closing mark of a heredoc: what Go's ``bytes.TrimSpace`` takes away, but never a line's end."""
_HEREDOC = r"(?P<{group}>{name})\r?\n(?:(?:.|\n)*?\n)??{spaces}(?P={group}){spaces}\n"
_TERMINALS = {
    "NAME": f"{_NAME}(?:::{_NAME})*",
    "HEREDOC_TEMPLATE": "<<" + _HEREDOC.format(group="heredoc", name=_NAME, spaces=_SPACES),
    "HEREDOC_TEMPLATE_TRIM": "<<-" + _HEREDOC.format(group="heredoc_trim", name=_NAME, spaces=_SPACES),
    # python-hcl2's run on to the next `}`, over the end of the quotes and over whole attributes
    "ESCAPED_INTERPOLATION": r"\$\$\{",
    "ESCAPED_DIRECTIVE": r"%%\{",
    "INT_LITERAL": r"[0-9]+",
    "FLOAT_LITERAL": r"[0-9]+(?:\.[0-9]+(?:[eE][+-]?[0-9]+)?|[eE][+-]?[0-9]+)",
    "FULL_SPLAT_START": r"\[[ \t\r\n]*\*[ \t\r\n]*\]",
    "ATTR_SPLAT": r"\.[ \t]*\*",
    "INTERP_START": r"\$\{~?",
    "RBRACE": r"~?\}",
    "NOT": r"!(?!=)(?:\s*!(?!=))*",
}
"""Where python-hcl2's grammar is narrower than Terraform's, or reads something else."""


def hcl2_parser() -> Lark:
    """python-hcl2's parser. Raises ``IacgateError`` when python-hcl2 is not what answers to ``hcl2``."""
    try:
        from hcl2.parser import parser
        from hcl2.postlexer import PostLexer  # noqa: F401 - bc-python-hcl2 has none
    except ImportError:
        raise _not_python_hcl2() from None
    return _lean(parser(), NewLines())


class NewLines:
    """Takes away the ends of lines that mean nothing to HCL.

    Those are the ones within parentheses, brackets, templates and ``for`` expressions, and comments between ``/*`` and
    ``*/`` anywhere (HCL native syntax specification, "Expressions").
    """

    always_accept = ("NL_OR_COMMENT",)

    def process(self, stream: Iterator[Token]) -> Iterator[Token]:
        """See Lark's ``PostLex``."""
        free: list[bool] = []
        before = ""
        for token in stream:
            kind = token.type
            if kind == "NL_OR_COMMENT":
                if not (free and free[-1]) and not token.startswith("/*"):
                    yield token
                continue
            if kind in ("LPAR", "LSQB", "INTERP_START", "DIRECTIVE_START"):
                free.append(True)
            elif kind == "LBRACE":
                free.append(False)
            elif kind == "FOR" and before == "LBRACE":
                free[-1] = True
            elif kind in ("RPAR", "RSQB", "RBRACE") and free:
                free.pop()
            before = kind
            yield token


def hcl2_package() -> Any:
    """The package ``hcl2`` itself. Raises ``IacgateError`` when it is not python-hcl2's."""
    try:
        import hcl2
    except ImportError:
        raise _not_python_hcl2() from None
    if not hasattr(hcl2, "parses_to_tree"):  # bc-python-hcl2 has `loads`, too
        raise _not_python_hcl2()
    return hcl2


def _not_python_hcl2() -> IacgateError:
    return IacgateError(
        "HCL cannot be read: the installed package `hcl2` is not python-hcl2 8",
        hint="`iacgate doctor` says what overwrites it; install iacgate in an environment of its own",
    )


def _lean(whole: Lark, postlexer: object) -> Lark:
    """The same grammar with the terminals above, and without positions on trees, which take half the time.

    Lark serialises its parsers (that is how python-hcl2 caches its own), and what is serialised can be changed. A Lark
    that can no longer do so is refused: python-hcl2's own terminals read whole attributes as text. Raises
    ``IacgateError``.
    """
    from lark import Lark
    from lark.grammar import Rule
    from lark.lexer import TerminalDef
    from lark.utils import get_regexp_width

    load = getattr(Lark, "_load_from_dict", None)
    if load is None:
        raise IacgateError(
            "HCL cannot be read: the installed lark cannot load a parser that was changed",
            hint="install the version of lark that iacgate was tested with",
        )
    data, memo = whole.memo_serialize([TerminalDef, Rule])
    for entry in memo.values():
        if entry.get("name") in _TERMINALS and "pattern" in entry:
            entry["pattern"] = {
                "value": _TERMINALS[entry["name"]],
                "flags": entry["pattern"]["flags"],
                "_width": list(get_regexp_width(_TERMINALS[entry["name"]])),
                "raw": None,
                "__type__": "PatternRE",
            }
    lean: Lark = load(data, memo, postlex=postlexer, propagate_positions=False)
    return lean
