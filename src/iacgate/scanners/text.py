"""Text of another scanner, made fit for a report: printable, short, and without what looks like a credential.

A message may quote what the scanner found. The plan's known secrets are taken out of every report
(``iacgate.secrets``); a scanner of files knows others, so what reads like one is cut here.
"""

import re

__all__ = ["MESSAGE_LIMIT", "NAME_LIMIT", "plain"]

MESSAGE_LIMIT = 500
"""Characters of a message."""
NAME_LIMIT = 200
"""Characters of a rule's id, of a title or of a version."""

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|.)?", re.DOTALL)  # ECMA-48
_NAMED = re.compile(
    r"""(?ix) (?P<name> (?:passwo?r?d|passphrase|secret|token|api_?key|access_?key|private_?key|credential)[\w.-]{0,40}+
    ["'`]? \s?(?:=>|:=|[:=]|\bis\ set\ to\b)\s? ) (?:"[^"]*" | '[^']*' | `[^`]*` | [^\s,;]{6,})"""
)
_SHAPED = re.compile(
    r"-----BEGIN[^-]*PRIVATE\ KEY-----.*?(?:-----END[^-]*-----|$)"
    r"|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"
    r"|\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"
    r"|\b(?:gh[oprsu]|glpat|xox[abprs]|sk_live|rk_live)[_-][\w-]{10,}"
    r"|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)",
    re.DOTALL,
)
_WHOLE = 20_000


def plain(text: str, limit: int = MESSAGE_LIMIT) -> str:
    """One line of at most ``limit`` characters, every one printable, credentials replaced by ``***``."""
    text = text[:_WHOLE]
    if not text.isprintable():
        text = _ESCAPES.sub("", text)
        text = _SHAPED.sub("***", text)  # before the lines of a key become one
        text = "".join([one if one.isprintable() else " " for one in text])
    text = " ".join(_SHAPED.sub("***", text).split())
    if "=" in text or ":" in text or " set to " in text:
        text = _NAMED.sub(r"\g<name>***", text)
    return text if len(text) <= limit else text[: limit - 1] + "…"
