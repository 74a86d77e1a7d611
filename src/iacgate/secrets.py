"""Sensitive values of a plan: gathered, so that no rendered text ever holds one.

Evidence is an allow-list and structurally masked before anything is rendered; what is here is the
net below that. A hit means that a mask was missing, so hits are counted and reported as our bug.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib.parse import quote, quote_plus

from iacgate.model.configuration import Module
from iacgate.model.decision import Report
from iacgate.model.finding import CheckInfo
from iacgate.model.plan import Plan

__all__ = ["finder", "known_secrets", "scrub", "worth_hiding"]

_SHORTEST = 8
_FEW = 32
MASK = b"***"
_PROVIDER_SECRET = re.compile(
    r"secret|token|password|passphrase|private|credential|access_key|api_key|client_key|auth", re.IGNORECASE
)


def known_secrets(plan: Plan) -> frozenset[str]:
    """Every value of 8 characters or more that the plan or its configuration marks as sensitive."""
    found: set[str] = set()
    configuration = plan.configuration
    if configuration is not None:
        root = configuration.get("root_module", {})
        for name, variable in root.get("variables", {}).items():
            if variable.get("sensitive") or variable.get("ephemeral"):
                found.update(_texts(plan.variables.get(name)))
                found.update(_texts(variable.get("default")))
        for provider in configuration.get("provider_config", {}).values():
            found.update(_provider_secrets(provider.get("expressions")))
        found.update(_sensitive_defaults(root))
    for change in (*plan.resource_changes, *plan.resource_drift):
        if change.marks_sensitive:
            values = plan.values(change)
            found.update(_marked(values.after, values.after_sensitive))
            found.update(_marked(values.before, values.before_sensitive))
    return frozenset(text for text in found if len(text) >= _SHORTEST)


def _sensitive_defaults(module: Module) -> Iterator[str]:
    for call in module.get("module_calls", {}).values():
        inner = call.get("module", {})
        for name, variable in inner.get("variables", {}).items():
            if variable.get("sensitive"):
                yield from _texts(variable.get("default"))
                expression = call.get("expressions", {}).get(name)
                if isinstance(expression, dict):
                    yield from _texts(expression.get("constant_value"))
        yield from _sensitive_defaults(inner)


def _provider_secrets(expressions: Any, name: str = "") -> Iterator[str]:
    if isinstance(expressions, list):
        for item in expressions:
            yield from _provider_secrets(item, name)
    elif isinstance(expressions, dict):
        if "constant_value" in expressions:
            if _PROVIDER_SECRET.search(name):
                yield from _texts(expressions["constant_value"])
            return
        for key, value in expressions.items():
            yield from _provider_secrets(value, key)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
        yield from (line for line in value.splitlines() if line != value)
    elif isinstance(value, bool):
        return
    elif isinstance(value, int | float):
        yield str(value)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            del key
            yield from _texts(item)


def _marked(value: Any, mask: Any) -> Iterator[str]:
    if mask is True:
        yield from _texts(value)
    elif isinstance(mask, dict) and isinstance(value, dict):
        for key, part in mask.items():
            yield from _marked(value.get(key), part)
    elif isinstance(mask, list) and isinstance(value, list):
        for item, part in zip(value, mask, strict=False):
            yield from _marked(item, part)


def worth_hiding(secrets: frozenset[str], report: Report) -> frozenset[str]:
    """Without what the checks' own words say: a "secret" that is ``0.0.0.0/0`` is no news, hiding it would be."""
    if not secrets:
        return secrets
    results = (*report.results, *report.fixed)
    words = {text for result in results if not result.check.foreign for text in _own_words(result.check)}
    words.update(evidence.expected for result in results for evidence in result.evidence)
    said = "\n".join(words)
    return frozenset(secret for secret in secrets if secret not in said)


def _own_words(check: CheckInfo) -> tuple[str, ...]:
    return (check.id, check.title, check.message, check.rationale, check.remediation, *check.aliases)


def spellings(secret: str) -> Iterable[bytes]:
    """A secret as outputs may spell it: plain, JSON, URL, XML, and base64 at each of its three alignments."""
    data = secret.encode(errors="surrogatepass")
    yield data
    yield json.dumps(secret)[1:-1].encode()
    yield json.dumps(secret, ensure_ascii=False)[1:-1].encode(errors="surrogatepass")
    for call in (quote, quote_plus):
        yield call(secret, safe="", errors="replace").encode()
        yield call(secret, errors="replace").encode()
    yield json.dumps(json.dumps(secret)[1:-1])[1:-1].encode()
    text = secret.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    for quotes in (
        {},
        {34: "&quot;"},
        {34: "&quot;", 39: "&#x27;"},
        {34: "&quot;", 39: "&apos;"},
        {34: "&#34;", 39: "&#39;"},
    ):
        yield text.translate(quotes).encode(errors="surrogatepass")
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for lead in range(3):
            padded = encode(b"\0" * lead + data)
            start = (0, 2, 3)[lead]
            end = len(padded) - (0, 3, 2)[(len(data) + lead) % 3]
            if end - start >= _SHORTEST:
                yield padded[start : end - (1 if (len(data) + lead) % 3 else 0)]


def scrub(text: bytes, secrets: frozenset[str]) -> tuple[bytes, int]:
    """The text without any secret, and how many there were. More than none is a bug in a mask."""
    hits = 0
    if len(secrets) > _FEW and not finder(secrets)(text):
        return text, 0
    for secret in sorted(secrets, key=len, reverse=True):
        for spelling in dict.fromkeys(spellings(secret)):
            number = text.count(spelling)
            if number:
                hits += number
                text = text.replace(spelling, MASK)
    return text, hits


def finder(secrets: frozenset[str]) -> Callable[[bytes], bool]:
    """A function that says whether some spelling of a secret stands in a text.

    It goes over the text once, however many secrets there are, and says yes when they are too many for that.
    """
    if not secrets:
        return lambda text: False
    import re2

    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.max_mem = 1 << 29
    options.never_capture = True
    options.log_errors = False
    wanted = sorted({one for secret in secrets for one in spellings(secret)})  # so that they share their beginnings
    try:
        pattern = re2.compile(b"|".join(map(re2.escape, wanted)), options)
    except re2.error:
        return lambda text: True
    return lambda text: pattern.search(text) is not None
