"""Which versions of a provider may apply a configuration, for defaults that changed between versions.

Constraints are Terraform's ("Version Constraints": ``=``, ``!=``, ``>``, ``>=``, ``<``, ``<=``, ``~>``, joined by
commas). What several of them leave is one span of versions; a hole that ``!=`` makes does not narrow it, and neither
does what a pre-release label says: a wider span only makes an answer unknown, never wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from iacgate.policy.subject import UNKNOWN_TRUTH

__all__ = ["ANY_VERSION", "Span", "default_by_version", "parse_constraint", "span_of"]

_TERM = re.compile(r"(=|!=|>=?|<=?|~>)?\s*v?(\d{1,9}(?:\.\d{1,9}){0,2})(?:[-+][0-9A-Za-z.+-]+)?")


class Span(NamedTuple):
    """Versions from ``low``, included, up to ``high``, which is not; none without an end."""

    low: tuple[int, int, int] = (0, 0, 0)
    high: tuple[int, int, int] | None = None

    def within(self, other: Span) -> bool:
        """Every version of this span is in the other."""
        ends = other.high is None or (self.high is not None and self.high <= other.high)
        return other.low <= self.low and ends

    def narrowed(self, other: Span) -> Span:
        """The versions of both. Where there are none it is empty: ``high`` is not above ``low``."""
        ends = [high for high in (self.high, other.high) if high is not None]
        return Span(max(self.low, other.low), min(ends) if ends else None)

    @property
    def empty(self) -> bool:
        """No version is in it."""
        return self.high is not None and self.high <= self.low


ANY_VERSION = Span()


def parse_constraint(text: str) -> Span:
    """The span that a constraint leaves. Raises ``ValueError`` where it is none."""
    span = ANY_VERSION
    for term in text.split(","):
        match = _TERM.fullmatch(term.strip())
        if match is None:
            raise ValueError('a version constraint, such as ">= 5.0.0, < 6.0.0"')
        span = span.narrowed(_term(match[1] or "=", [int(part) for part in match[2].split(".")]))
    return span


def _term(operator: str, parts: Sequence[int]) -> Span:
    padded = (*parts, 0, 0)
    version = (padded[0], padded[1], padded[2])
    following = (version[0], version[1], version[2] + 1)
    match operator:
        case "=":
            return Span(version, following)
        case ">":
            return Span(following)
        case ">=":
            return Span(version)
        case "<":
            return Span(high=version)
        case "<=":
            return Span(high=following)
        case "~>" if len(parts) == 3:
            return Span(version, (version[0], version[1] + 1, 0))
        case "~>" if len(parts) == 2:
            return Span(version, (version[0] + 1, 0, 0))
        case "~>":
            return Span(version)
        case _:
            return ANY_VERSION


def span_of(constraints: Iterable[str]) -> Span:
    """The versions that meet all constraints; of what contradicts itself or cannot be read, any version."""
    span = ANY_VERSION
    for text in constraints:
        try:
            span = span.narrowed(parse_constraint(text))
        except ValueError:
            return ANY_VERSION
    return ANY_VERSION if span.empty else span


def default_by_version(rules: Sequence[tuple[int, str]], versions: Span) -> int:
    """What absence means: the truth of the rule that takes in all ``versions``; unknown where none does."""
    return next((truth for truth, text in rules if versions.within(parse_constraint(text))), UNKNOWN_TRUTH)
