"""The condition ``holds_secret``: whether an attribute, or anything of a subject, holds a secret in the clear."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from iacgate.detector.hints import decoded, may_hold_secret, names_secret, texts
from iacgate.model.finding import Evidence
from iacgate.model.values import ABSENT, UNKNOWN
from iacgate.policy.lookup import fetch, make_evidence, path_text
from iacgate.policy.subject import FAIL_TRUTH, PASS_TRUTH, UNKNOWN_TRUTH, Linked, Node

if TYPE_CHECKING:
    from iacgate.policy.subject import Path, Subject

__all__ = ["compile_holds_secret"]

_SHORTEST, _SHORTEST_KEY = 6, 20


def compile_holds_secret(tree: dict[str, Any]) -> Node:
    """Whether there is a secret. What is marked sensitive is not in the clear; the path ``.`` is all there is."""
    steps = tuple(tree["path"])
    wanted: bool = tree["holds_secret"]
    truth_there, truth_not = (PASS_TRUTH, FAIL_TRUTH) if wanted else (FAIL_TRUTH, PASS_TRUTH)

    def judge(v: Any, u: Any, at: Path, s: Subject) -> int:
        value, _, place = fetch(v, u, at, steps, s) if steps else (v, None, at)
        if next(_finds(value, place, s), None) is not None:
            return truth_there
        open_ = value is UNKNOWN or (not at and not steps and getattr(s, "withheld", False))
        return UNKNOWN_TRUTH if open_ else truth_not

    def explain(v: Any, u: Any, at: Path, s: Subject, negated: bool, want: int, out: list[Evidence]) -> None:
        expected = "a secret" if wanted is not negated else "no secret in the clear"
        value, _, place = fetch(v, u, at, steps, s) if steps else (v, None, at)
        before = len(out)
        for path, kind, secret in _finds(value, place, s):
            out.append(Evidence(path_text(path), f"{kind}{_digest(secret, s)}", expected))
        if len(out) == before:
            whole = not steps and not at
            out.append(make_evidence(UNKNOWN if whole or value is UNKNOWN else ABSENT, place, expected, s, want))

    return Node(judge, explain, False)


def _finds(value: Any, at: Path, subject: Subject) -> Iterator[tuple[Path, str, str]]:
    """Secrets as (path, kind, secret)."""
    own = getattr(subject, "texts", None)
    if type(value) is Linked or value is ABSENT or value is UNKNOWN:
        return
    if own is not None and not at:
        found = own()
    else:
        name = next((step for step in reversed(at) if isinstance(step, str)), "")
        found = texts(value, name, at)
    for path, name, text in found:
        if len(text) < _SHORTEST or not _worth_asking(name, text):
            continue
        if own is None and subject.is_sensitive(path):
            continue
        # Imported here: only what looks like a secret pays for the detector.
        from iacgate.detector.finds import find_secrets

        for secret in find_secrets(name, text):
            yield path, secret.kind, secret.text


def _worth_asking(name: str, text: str) -> bool:
    """Most texts of a plan are neither long enough for a key nor assign anything."""
    says_something = len(text) >= _SHORTEST_KEY or "=" in text or ":" in text or " " in text
    if names_secret(name) or (says_something and may_hold_secret(text)):
        return True
    return _looks_encoded(text) and may_hold_secret(decoded(text))


def _looks_encoded(text: str) -> bool:
    return len(text) >= 24 and " " not in text[:24] and text[:24].replace("+", "a").replace("/", "a").isalnum()


def _digest(secret: str, subject: Subject) -> str:
    """A keyed digest tells one secret from another, and gives nothing away without the key."""
    key: bytes = subject.digest_key
    return f" ({blake2b(secret.encode(), key=key[:64], digest_size=4).hexdigest()})" if key else ""
