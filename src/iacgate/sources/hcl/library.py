"""python-hcl2, found and made ready: its grammar, without the parts of its bookkeeping that we do not need.

checkov's ``bc-python-hcl2`` installs the same import package, so what answers to ``hcl2`` may be
something else: then the error says so (``iacgate doctor`` says more).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from iacgate.errors import IacgateError

if TYPE_CHECKING:
    from lark import Lark

__all__ = ["hcl2_package", "hcl2_parser"]

_NAME = r"[^\W\d][\w-]*"


def hcl2_parser() -> Lark:
    """python-hcl2's parser. Raises ``IacgateError`` when python-hcl2 is not what answers to ``hcl2``."""
    try:
        from hcl2.parser import parser
        from hcl2.postlexer import PostLexer
    except ImportError:
        raise _not_python_hcl2() from None
    return _lean(parser(), PostLexer())


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
    """The same grammar with names beyond ASCII, and without positions on trees, which take half the time.

    Lark serialises its parsers (that is how python-hcl2 caches its own) and lets these two be set when it
    loads one. A Lark that can no longer do so costs time and Unicode names, nothing else.
    """
    from lark import Lark
    from lark.grammar import Rule
    from lark.lexer import TerminalDef

    load = getattr(Lark, "_load_from_dict", None)
    if load is None:
        return whole
    data, memo = whole.memo_serialize([TerminalDef, Rule])
    for entry in memo.values():
        if entry.get("name") == "NAME" and "pattern" in entry:
            entry["pattern"] = {**entry["pattern"], "value": _NAME}
    lean: Lark = load(data, memo, postlex=postlexer, propagate_positions=False)
    return lean
