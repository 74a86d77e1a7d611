"""What kind of secret a text holds, if any. detect-secrets knows the shapes of keys; names and texts are ours.

A false alarm costs trust, so every find is held against what merely looks like a secret: placeholders,
references, identifiers, hashes (``docs/adr/0016-secrets-in-code.md``). Nothing is sent anywhere:
detect-secrets' verification, which asks the services whether a key is valid, is never called.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from string import ascii_lowercase, digits
from typing import Any, NamedTuple

import msgspec

from iacgate.detector.hints import NAME, assignment_windows, decoded, names_password, names_token, shape_windows, texts

__all__ = ["Secret", "find_secrets"]

_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{24,}={0,2}")
_KEY_BODY = re.compile(
    r"PRIVATE KEY(?: BLOCK)?-----(?:\\r|\\n|\s)*"
    r"(?:[A-Za-z-]{1,30}: [^\n\\]{0,80}(?:\\n|\s)+){0,4}[A-Za-z0-9+/=]{24}"
)
_RUNS = (ascii_lowercase * 2 + digits * 4, digits * 4 + ascii_lowercase * 2, "qwertyuiopasdfghjklzxcvbnm")
_URL = re.compile(r"://[^/\s:@\"']{1,100}:([^/\s@\"']{3,200})@")
_MORE_SHAPES = {
    "Google API key": re.compile(r"AIza[\w-]{35}(?![\w-])"),
    "GitHub token": re.compile(r"github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}"),
    "Vault token": re.compile(r"hvs\.[\w-]{24,}"),
    "DigitalOcean token": re.compile(r"dop_v1_[0-9a-f]{64}"),
    "npm token": re.compile(r"npm_[A-Za-z0-9]{36}"),
}
_PLACEHOLDER = re.compile(
    r"example|placeholder|change[-_]?(?:me|it|this)|replace|dummy|redacted|todo|fixme|fake|sample|insert|"
    r"your[-_]|[-_]here$|not[-_]?(?:set|used|real)|none$|null$|unused|x{4}|\*{3}|\.{3}|"
    r"^(?:my|the|a|some|super|top)?[-_]?(?:secret|pass(?:word|wd|phrase)?|token|key|pwd|credentials?)s?$|"
    r"^(?:true|false|enabled|disabled|required|optional|string|sensitive|known after apply)$",
    re.IGNORECASE,
)
_REFERENCE = re.compile(
    r"[$%#]\{|\$\(|\$[A-Za-z_]|\{\{|^<|^%\w+%$|^@|^arn:|^(?:var|local|data|module|each|self|random_\w+)\.|"
    r"^/|^\./|^~|^[a-z][a-z0-9+.-]*://|^(?:ssm|vault|env|file|secretsmanager|awssm|op|sm|ref\+\w+):|"
    r"^(?:process|os)\.|^projects/|^vault\.|\(\w*\)?$",
    re.IGNORECASE,
)
_IDENTIFIER = re.compile(
    r"(?:ami|vpc|subnet|sg|i|vol|snap|eni|rtb|igw|acl|pl|lt|eipalloc|vpce|tgw|fs|key|mrk|alias|role|policy)[-/].*|"
    r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|"
    r"(?:sha(?:1|256|384|512)[-:]).*|ssh-\w+|\d{1,12}|"
    r"\d{4}-\d{2}-\d{2}.*|[\w-]+\.[\w-]+\.(?:com|net|org|io|internal|local)\b.*",
    re.IGNORECASE,
)

_WORDS = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|[a-z]+(?:[._/-][a-z]+)+")
"""A name of something, in a script or under a name such as ``secret``; as a password's whole value, a password."""


class Secret(NamedTuple):
    """One find. ``text`` is the secret itself: for a keyed digest, never for a report."""

    kind: str
    text: str


def find_secrets(name: str, text: str) -> list[Secret]:
    """The secrets in a text that goes by a name (of its attribute, variable or environment variable)."""
    found: list[Secret] = []
    for label, part in _parts(name, text):
        for secret in _in_text(label, part):
            # The surest come first; what holds one of them, or is a part of one, is the same secret.
            if not any(secret.text in known.text or known.text in secret.text for known in found):
                found.append(secret)
    return found


def _parts(name: str, text: str, depth: int = 0) -> Iterator[tuple[str, str]]:
    """The text, what is encoded in it, and the texts inside when it is JSON."""
    stripped = text.strip()
    if stripped[:1] in ("{", "[") and depth < 3:
        try:
            document = msgspec.json.decode(stripped.encode())
        except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
            document = None
        if isinstance(document, dict | list):
            for _, label, inner in texts(document, name):
                yield from _parts(label, inner, depth + 1)
            return
    yield name, text
    if depth < 3 and _BASE64.fullmatch(re.sub(r"\s", "", stripped)):
        unpacked = decoded(stripped)
        if unpacked:
            yield from _parts("", unpacked, depth + 1)


def _in_text(name: str, text: str) -> Iterator[Secret]:
    for window in shape_windows(text):
        yield from _shapes(window)
    named = _may_be_secret(name, text.strip(), given=True)
    if named:
        yield Secret("password" if names_password(name) else "key or token", text.strip())
    for window in assignment_windows(text):
        for match in _assignment().finditer(window):
            label, value = match["name"] or match["flag"], match["value"] or match["argument"]
            if _may_be_secret(label, value, given=False):
                yield Secret("password" if names_password(label) else "key or token", value)


@cache
def _assignment() -> Any:
    """A name and what is assigned to it: in a script, an environment file, YAML, JSON or a connection string."""
    import re2

    return re2.compile(
        rf"""(?i)(?P<name>[\w.$-]{{0,60}}?{NAME})\\*["']?\s*(?::=|=>|=|:)\s*\\*["']?(?P<value>[^\s"'\\,;&<>]{{6,200}})"""
        rf"""|-(?P<flag>[\w-]{{0,40}}?{NAME})[ =]\\*["']?(?P<argument>[^\s"'\\,;&<>-][^\s"'\\,;&<>]{{5,200}})"""
    )


def _shapes(text: str) -> Iterator[Secret]:
    """Keys that are known by their looks alone."""
    for kind, pattern in _MORE_SHAPES.items():
        for match in pattern.finditer(text):
            if not _placeholder(match[0]):
                yield Secret(kind, match[0])
    for kind, plugin in _plugins():
        if next(plugin.analyze_string(text), None) is None:
            continue
        for pattern in (_KEY_BODY,) if kind == "private key" else plugin.denylist:
            found = (_matched(match) for match in pattern.finditer(text))
            yield from (Secret(kind, secret) for secret in found if not _placeholder(secret))
    for match in _URL.finditer(text):
        if not _harmless(match[1]):
            yield Secret("password in a URL", match[1])


def _matched(match: re.Match[str]) -> str:
    """The secret in a match: the group that holds it, or all of it where a group is but a prefix."""
    return max((group for group in match.groups() if group and len(group) > 15), key=len, default=match[0])


@lru_cache(maxsize=4096)
def _may_be_secret(name: str, value: str, *, given: bool) -> bool:
    """Whether the value of a name is a secret: a password as people choose them, or a key as programs make them.

    ``given``: it is the whole value of an attribute, not a piece of some text, where prose has such names too.
    """
    if not 6 <= len(value) <= 512 or re.search(r"\s", value) or _harmless(value) or _sequential(value):
        return False
    if names_password(name):
        return given or (_mixed(value) and not _WORDS.fullmatch(value))
    return names_token(name) and _random(value) and not _WORDS.fullmatch(value)


def _harmless(value: str) -> bool:
    return bool(_placeholder(value) or _REFERENCE.search(value) or _IDENTIFIER.fullmatch(value))


def _placeholder(value: str) -> bool:
    """A stand-in: words such as ``changeme``, one character over and over."""
    return bool(_PLACEHOLDER.search(value)) or len(set(value)) < 4


def _sequential(value: str) -> bool:
    """A run such as ``abcdef…`` or ``987654…``."""
    return any(value.lower() in run or value.lower()[::-1] in run for run in _RUNS)


def _mixed(value: str) -> bool:
    """More than a word: letters with digits or signs."""
    return bool(re.search(r"[A-Za-z]", value)) and bool(re.search(r"[^A-Za-z_-]", value))


def _random(value: str) -> bool:
    """As programs make keys: 16 characters and more, digits among them, of high entropy."""
    if len(value) < 16 or not re.search(r"\d", value) or not re.search(r"[A-Za-z]", value):
        return False
    return float(_entropy().calculate_shannon_entropy(value)) >= (2.9 if re.fullmatch(r"[0-9a-fA-F]+", value) else 3.5)


@cache
def _entropy() -> Any:
    from detect_secrets.plugins.high_entropy_strings import Base64HighEntropyString

    return Base64HighEntropyString()


@cache
def _plugins() -> tuple[tuple[str, Any], ...]:
    """The shapes that detect-secrets knows and that hardly anything else has."""
    # Imported here: it loads an HTTP client, which takes longer than judging a small plan.
    from detect_secrets.plugins import (
        aws,
        azure_storage_key,
        github_token,
        gitlab_token,
        jwt,
        openai,
        private_key,
        pypi_token,
        sendgrid,
        slack,
        square_oauth,
        stripe,
    )

    return (
        ("AWS access key", aws.AWSKeyDetector()),
        ("Azure storage key", azure_storage_key.AzureStorageKeyDetector()),
        ("GitHub token", github_token.GitHubTokenDetector()),
        ("GitLab token", gitlab_token.GitLabTokenDetector()),
        ("JSON Web Token", jwt.JwtTokenDetector()),
        ("OpenAI key", openai.OpenAIDetector()),
        ("private key", private_key.PrivateKeyDetector()),
        ("PyPI token", pypi_token.PypiTokenDetector()),
        ("SendGrid key", sendgrid.SendGridDetector()),
        ("Slack token", slack.SlackDetector()),
        ("Square secret", square_oauth.SquareOAuthDetector()),
        ("Stripe key", stripe.StripeDetector()),
    )
