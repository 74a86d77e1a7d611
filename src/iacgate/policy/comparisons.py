"""Comparisons of one attribute's value: what each asks, in closures, and the words to say so.

Each entry of ``COMPARISONS`` makes, from the operand of a check, a test of a value. A test gets a
value as the provider's schema would convert it and says whether it holds; it raises ``ValueError``
when the value is not of a kind that the comparison speaks of.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

from iacgate.policy.networks import is_open_to_world, parse_port_ranges, parse_range

__all__ = ["COMPARISONS", "Comparison", "convert"]

Test = Callable[[Any], bool]
_QUICK_LENGTH, _QUICK_REPETITIONS = 200, 2
_VERSION = re.compile(r"[vV]?([0-9]{1,9}(?:\.[0-9]{1,9})*)(?![0-9])")
_NUMBER = re.compile(r"[+-]?[0-9]{1,400}(\.[0-9]{1,400})?([eE][+-]?[0-9]{1,4})?")


class Comparison(NamedTuple):
    """How one comparison is made, worded, and what its operand and the attribute must be."""

    make: Callable[[Any, bool], Test]
    """Operand and ``ignore_case`` -> test."""
    words: str
    """``equal to {}``; printed behind "should be"."""
    negated: str
    operand: str
    """``any``, ``list``, ``number``, ``string``, ``strings``, ``bool``, ``regex``, ``patterns``, ``cidrs``,
    ``ports``, ``version``, ``time``."""
    whole: bool = False
    """Takes lists, sets and maps as they are, not one scalar."""
    folds: bool = False
    """``ignore_case`` may stand beside it."""


def convert(value: Any, kind: str) -> Any:
    """The value as Terraform would convert it to the schema's type. Raises ``ValueError`` where it would refuse."""
    if kind == "bool":
        if isinstance(value, bool):
            return value
        if value in ("true", "1"):
            return True
        if value in ("false", "0"):
            return False
        raise ValueError("not a bool")
    if kind == "number":
        if isinstance(value, int | float) and not isinstance(value, bool):
            return value
        if isinstance(value, str) and _NUMBER.fullmatch(value):
            return float(value) if any(mark in value for mark in ".eE") else int(value)
        raise ValueError("not a number")
    if kind == "string":
        if isinstance(value, str):
            return value
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, int | float):
            return str(int(value) if isinstance(value, float) and value.is_integer() else value)
        raise ValueError("not a string")
    return value


def _fold(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _equals(expected: Any, fold: bool) -> Test:
    wanted = _fold(expected) if fold else expected
    # In Python True == 1; in Terraform it is not.
    if isinstance(wanted, bool):
        return lambda value: value is wanted
    if fold:
        return lambda value: _fold(value) == wanted
    return lambda value: value == wanted and not isinstance(value, bool)


def _member(expected: list[Any], fold: bool) -> Test:
    tests = [_equals(item, fold) for item in expected]
    return lambda value: any(test(value) for test in tests)


def _negate(make: Callable[[Any, bool], Test]) -> Callable[[Any, bool], Test]:
    def negated(operand: Any, fold: bool) -> Test:
        test = make(operand, fold)
        return lambda value: not test(value)

    return negated


def _number(relation: Callable[[Any, Any], bool]) -> Callable[[Any, bool], Test]:
    return lambda operand, _fold: lambda value: relation(convert(value, "number"), operand)


def _version(text: Any) -> tuple[int, ...]:
    """The numbers that a version begins with: of ``5.7.mysql_aurora.2.03.2`` 5 and 7."""
    match = _VERSION.match(str(text).strip())
    if match is None:
        raise ValueError("not a version")
    return tuple(int(part) for part in match[1].split("."))


def _versions(relation: Callable[[Any, Any], bool]) -> Callable[[Any, bool], Test]:
    def make(operand: Any, _fold: bool) -> Test:
        wanted = _version(operand)

        def test(value: Any) -> bool:
            got = _version(value)
            size = max(len(got), len(wanted))
            pad = (0,) * size
            return relation((got + pad)[:size], (wanted + pad)[:size])

        return test

    return make


def _regex(operand: str, _fold: bool) -> Test:
    """RE2 searches in linear time, and costs a seventh of a start to import.

    Where Python's own engine cannot run away and means the same, it searches: in a short text of printable ASCII, for a
    pattern of few repetitions.
    """

    @cache
    def quick() -> Callable[[str], object] | None:
        if "[:" in operand or len(re.findall(r"[*+]|,\}", operand)) > _QUICK_REPETITIONS:
            return None
        try:
            return re.compile(operand, re.ASCII).search
        except re.error:
            return None

    @cache
    def linear() -> Callable[[str], object]:
        import re2

        search: Callable[[str], object] = re2.compile(operand).search
        return search

    def test(value: Any) -> bool:
        text = convert(value, "string")
        short = len(text) <= _QUICK_LENGTH and text.isascii() and text.isprintable()
        return ((quick() if short else None) or linear())(text) is not None

    return test


def _affix(method: str) -> Callable[[Any, bool], Test]:
    def make(operand: Any, fold: bool) -> Test:
        affixes = tuple(_fold(item) if fold else item for item in (operand if isinstance(operand, list) else [operand]))
        call = operator.methodcaller(method, affixes)
        return lambda value: bool(call(_fold(convert(value, "string")) if fold else convert(value, "string")))

    return make


def _like(operand: str | list[str], fold: bool) -> Test:
    """Patterns in which ``*`` stands for anything and nothing else is special."""
    from fnmatch import fnmatchcase

    patterns = operand if isinstance(operand, list) else [operand]
    literal = [re.sub(r"[\[?]", r"[\g<0>]", _fold(one) if fold else one) for one in patterns]

    def test(value: Any) -> bool:
        text = convert(value, "string")
        return any(fnmatchcase(_fold(text) if fold else text, pattern) for pattern in literal)

    return test


def _contains(operand: Any, fold: bool) -> Test:
    test = _equals(operand, fold)

    def contains(value: Any) -> bool:
        if isinstance(value, str):
            return (str(operand).lower() in value.lower()) if fold else str(operand) in value
        if isinstance(value, list | dict):
            return any(test(item) for item in value)
        raise ValueError("not a list, map or string")

    return contains


def _items(value: Any) -> list[Any]:
    if isinstance(value, list):
        return value
    if isinstance(value, dict):
        return list(value)
    raise ValueError("not a list or map")


def _contains_all(operand: list[Any], fold: bool) -> Test:
    tests = [_equals(item, fold) for item in operand]
    return lambda value: all(any(test(item) for item in _items(value)) for test in tests)


def _contains_any(operand: list[Any], fold: bool) -> Test:
    tests = [_equals(item, fold) for item in operand]
    return lambda value: any(test(item) for item in _items(value) for test in tests)


def _subset(operand: list[Any], fold: bool) -> Test:
    member = _member(operand, fold)
    return lambda value: all(member(item) for item in _items(value))


def _within(operand: list[str], _fold: bool) -> Test:
    blocks = [parse_range(text) for text in operand]
    return lambda value: any(parse_range(convert(value, "string")).within(block) for block in blocks)


def _overlaps(operand: list[str], _fold: bool) -> Test:
    blocks = [parse_range(text) for text in operand]
    return lambda value: any(parse_range(convert(value, "string")).overlaps(block) for block in blocks)


def _includes_port(operand: list[int], _fold: bool) -> Test:
    return lambda value: any(low <= port <= high for low, high in parse_port_ranges(value) for port in operand)


def _world(operand: bool, _fold: bool) -> Test:
    return lambda value: is_open_to_world(convert(value, "string")) is operand


def parse_time(text: str) -> datetime:
    """An RFC 3339 time, a date, ``now``, ``now+30d`` or ``now-90d``. Raises ``ValueError``."""
    if text.startswith("now"):
        shift = text[3:]
        days = int(shift[:-1]) if shift.endswith("d") else 0 if not shift else int("x")
        return datetime.now(UTC) + timedelta(days=days)
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _time(relation: Callable[[Any, Any], bool]) -> Callable[[Any, bool], Test]:
    return lambda operand, _fold: lambda value: relation(parse_time(convert(value, "string")), parse_time(str(operand)))


COMPARISONS: dict[str, Comparison] = {
    "equals": Comparison(_equals, "equal to {}", "other than {}", "any", folds=True),
    "not_equals": Comparison(_negate(_equals), "other than {}", "equal to {}", "any", folds=True),
    "in": Comparison(_member, "one of {}", "none of {}", "list", folds=True),
    "not_in": Comparison(_negate(_member), "none of {}", "one of {}", "list", folds=True),
    "greater_than": Comparison(_number(operator.gt), "greater than {}", "at most {}", "number"),
    "at_least": Comparison(_number(operator.ge), "at least {}", "less than {}", "number"),
    "less_than": Comparison(_number(operator.lt), "less than {}", "at least {}", "number"),
    "at_most": Comparison(_number(operator.le), "at most {}", "greater than {}", "number"),
    "version_at_least": Comparison(_versions(operator.ge), "version {} or later", "a version before {}", "version"),
    "version_below": Comparison(_versions(operator.lt), "a version before {}", "version {} or later", "version"),
    "matches": Comparison(_regex, "matched by {}", "not matched by {}", "regex"),
    "not_matches": Comparison(_negate(_regex), "not matched by {}", "matched by {}", "regex"),
    "starts_with": Comparison(
        _affix("startswith"), "text that starts with {}", "text that does not start with {}", "strings", folds=True
    ),
    "ends_with": Comparison(
        _affix("endswith"), "text that ends with {}", "text that does not end with {}", "strings", folds=True
    ),
    "like": Comparison(_like, "text like {}", "text unlike {}", "patterns", folds=True),
    "not_like": Comparison(_negate(_like), "text unlike {}", "text like {}", "patterns", folds=True),
    "contains": Comparison(
        _contains, "something that contains {}", "something without {}", "any", whole=True, folds=True
    ),
    "contains_all": Comparison(
        _contains_all, "a list with all of {}", "a list without all of {}", "list", whole=True, folds=True
    ),
    "contains_any": Comparison(
        _contains_any, "a list with any of {}", "a list with none of {}", "list", whole=True, folds=True
    ),
    "subset_of": Comparison(
        _subset, "a list of nothing but {}", "a list with others than {}", "list", whole=True, folds=True
    ),
    "within_cidr": Comparison(_within, "a range inside {}", "a range outside {}", "cidrs"),
    "overlaps_cidr": Comparison(_overlaps, "a range that touches {}", "a range apart from {}", "cidrs"),
    "open_to_world": Comparison(
        _world, "a range open to the internet: {}", "a range open to the internet: not {}", "bool"
    ),
    "includes_port": Comparison(_includes_port, "ports that include one of {}", "ports without {}", "ports"),
    "before": Comparison(_time(operator.lt), "before {}", "not before {}", "time"),
    "after": Comparison(_time(operator.gt), "after {}", "not after {}", "time"),
}
