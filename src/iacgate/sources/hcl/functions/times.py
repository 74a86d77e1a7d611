"""Functions of points in time, written as RFC 3339 says, with a capital ``T`` and ``Z``."""

from __future__ import annotations

import calendar
import re
from datetime import UTC, datetime, timedelta, timezone
from fractions import Fraction
from typing import NamedTuple

from iacgate.sources.hcl.conversion import UntoldError
from iacgate.sources.hcl.functions.signature import Function, function, never_known, text
from iacgate.sources.hcl.values import EvaluationError

__all__ = ["table", "timestamp"]

_STAMP = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(\.[0-9]+)?(?:Z|([+-])([0-9]{2}):([0-9]{2}))"
)
_DURATION = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)")
_UNITS = {
    "ns": Fraction(1, 10**9),
    "us": Fraction(1, 10**6),
    "µs": Fraction(1, 10**6),
    "μs": Fraction(1, 10**6),
    "ms": Fraction(1, 1000),
    "s": Fraction(1),
    "m": Fraction(60),
    "h": Fraction(3600),
}
_TOKEN = re.compile(
    r"(?P<doubled>'')|'(?:[^']|'')+'|(?P<quote>')|(?P<letters>(?P<letter>[A-Za-z])(?P=letter)*)|[^'A-Za-z]+", re.DOTALL
)
_MONTHS = calendar.month_name  # in English: this program sets no locale
_DAYS = calendar.day_name
_APPLY = "only an apply tells"
_FAR = "years before 1 and after 9999 are not computed with"


def table() -> dict[str, Function]:
    """The functions of this subject."""
    return {
        "formatdate": function(_format, text, text),
        "plantimestamp": never_known(_APPLY),
        "timeadd": function(_add, text, text),
        "timecmp": function(_compare, text, text),
        "timestamp": never_known(_APPLY),
    }


class _Stamp(NamedTuple):
    """A point in time: its whole second, with the offset it was written with, and the rest."""

    second: datetime
    fraction: Fraction


def _read(stamp: str) -> _Stamp:
    found = _STAMP.fullmatch(stamp)
    if found is None or len(stamp) > 100:
        raise EvaluationError("not a timestamp in RFC 3339 format")
    if found[1] == "0000":
        raise UntoldError(_FAR)
    zone = UTC
    try:
        if found[8]:
            if int(found[9]) > 23 or int(found[10]) > 59:
                raise ValueError
            offset = timedelta(hours=int(found[9]), minutes=int(found[10]))
            zone = timezone(-offset if found[8] == "-" else offset)
        second = datetime(*(int(one) for one in found.groups()[:6]), tzinfo=zone)  # type: ignore[misc,arg-type]
    except ValueError:
        raise EvaluationError("not a timestamp in RFC 3339 format") from None
    return _Stamp(second, Fraction(f"0{found[7]}") if found[7] else Fraction(0))


def timestamp(second: datetime) -> str:
    """A point in time in RFC 3339 format, to the second."""
    return second.strftime(f"{second.year:04d}-%m-%dT%H:%M:%S") + _offset(second, colon=":", utc="Z")


def _offset(second: datetime, *, colon: str, utc: str = "") -> str:
    minutes = round((second.utcoffset() or timedelta(0)).total_seconds()) // 60
    if utc and not minutes:
        return utc
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}{colon}{abs(minutes) % 60:02d}"


def _add(stamp: str, duration: str) -> str:
    seconds = _seconds(duration)
    at = _read(stamp)
    total = at.fraction + seconds
    try:
        return timestamp(at.second + timedelta(seconds=total.numerator // total.denominator))
    except OverflowError:
        raise UntoldError(_FAR) from None


def _seconds(duration: str) -> Fraction:
    """A duration as Go reads it: ``1h30m``, ``-1.5h``, ``0``."""
    rest = duration[1:] if duration[:1] in ("+", "-") else duration
    parts = list(_DURATION.finditer(rest))
    if rest != "0" and (not parts or len(rest) > 1000 or "".join(part[0] for part in parts) != rest):
        raise EvaluationError("not a duration such as 1h30m")
    seconds = sum(
        ((Fraction(part[1]) if part[1][-1] != "." else Fraction(part[1][:-1])) * _UNITS[part[2]] for part in parts),
        start=Fraction(0),
    )
    if abs(seconds) * 10**9 >= 2**63:
        raise EvaluationError("the duration is longer than 292 years")
    nanoseconds = int(seconds * 10**9)
    return Fraction(-nanoseconds if duration.startswith("-") else nanoseconds, 10**9)


def _compare(first: str, second: str) -> int:
    one, other = _read(first), _read(second)
    return (one > other) - (one < other)


def _format(layout: str, stamp: str) -> str:
    at = _read(stamp).second
    words = _words(at)
    out = []
    for found in _TOKEN.finditer(layout):
        letters = found["letters"]
        if found["quote"] or (letters and letters not in words):
            raise EvaluationError("the format of the date is not one that Terraform knows")
        if letters:
            out.append(words[letters])
        elif found[0].startswith("'"):
            out.append("'" if found["doubled"] else found[0][1:-1].replace("''", "'"))
        else:
            out.append(found[0])
    return "".join(out)


def _words(at: datetime) -> dict[str, str]:
    """What each sequence of letters in a format stands for."""
    month, day = _MONTHS[at.month], _DAYS[at.weekday()]
    half = "AM" if at.hour < 12 else "PM"
    numbers = {"M": at.month, "D": at.day, "h": at.hour, "H": (at.hour + 11) % 12 + 1, "m": at.minute, "s": at.second}
    return {
        **{letter: str(value) for letter, value in numbers.items()},
        **{letter * 2: f"{value:02d}" for letter, value in numbers.items()},
        "YYYY": f"{at.year:04d}",
        "YY": f"{at.year % 100:02d}",
        "MMMM": month,
        "MMM": month[:3],
        "EEEE": day,
        "EEE": day[:3],
        "AA": half,
        "aa": half.lower(),
        "ZZZZZ": _offset(at, colon=":"),
        "ZZZZ": _offset(at, colon=""),
        "ZZZ": _offset(at, colon="", utc="UTC"),
        "Z": _offset(at, colon=":", utc="Z"),
    }
