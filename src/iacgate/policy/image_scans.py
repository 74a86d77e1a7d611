"""What scans of container images show of an image, by the policy's rules (``docs/adr/0018``).

What another scan has found in the same image is in it, however old that scan is; that nothing is wrong takes one that
ran to its end and is no older than the rules allow.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from iacgate.model.finding import Severity
from iacgate.model.image import ImageReference
from iacgate.model.image_scan import ImageScan, Vulnerability
from iacgate.policy.image_file import DEFAULT_RULES
from iacgate.policy.subject import FAIL_TRUTH, PASS_TRUTH, UNKNOWN_TRUTH

__all__ = ["ImageRules", "ImageScans", "Seen", "TooOld", "image_rules"]

_SKEW = timedelta(minutes=5)
"""How far the clocks of two machines may differ."""
_DAY = 86_400


class ImageRules(NamedTuple):
    """What a policy asks of images."""

    max_age: int | None
    """Seconds that a scan may be old."""
    fix_within: Mapping[str, int | None]
    """Severity (or ``unknown``) -> seconds for which a vulnerability may be open; ``None``: for ever."""
    match_tags: bool
    unscanned_fails: bool
    undated_fails: bool


class TooOld(NamedTuple):
    """A vulnerability that is open for longer than the rules allow."""

    name: str
    """Its id and package: what tells it from others in the image."""
    what: str
    allowed: str


class Seen(NamedTuple):
    """What is known of one image."""

    truth: int
    too_old: tuple[TooOld, ...] = ()
    why: str = ""
    """Why it is not known to be good."""


def image_rules(tables: Sequence[Mapping[str, Any]]) -> ImageRules:
    """The rules of all policy sets that apply together: the stricter word wins."""
    tables = tables or (DEFAULT_RULES,)
    ages = [table["max_age"] for table in tables if table["max_age"] is not None]
    limits = {
        key: min((table["fix_within"][key] for table in tables), key=lambda one: float("inf") if one is None else one)
        for key in DEFAULT_RULES["fix_within"]
    }
    return ImageRules(
        min(ages, default=None),
        limits,
        all(table["match"] == "tag" for table in tables),
        any(table["unscanned"] == "fail" for table in tables),
        any(table["undated"] == "fail" for table in tables),
    )


class ImageScans:
    """Scans that were given, to be asked about images."""

    def __init__(self, scans: Iterable[ImageScan], rules: ImageRules, now: datetime) -> None:
        self._rules, self._now = rules, now
        self._by_name: dict[str, list[ImageScan]] = {}
        for scan in scans:
            for name in dict.fromkeys((*scan.digests, *(scan.tags if rules.match_tags else ()))):
                self._by_name.setdefault(name, []).append(scan)
        self._seen: dict[ImageReference, Seen] = {}

    def look_up(self, image: ImageReference) -> Seen:
        """What is known of an image: by its digest, or by its tag where it has no digest and the rules allow it."""
        if image not in self._seen:
            self._seen[image] = self._judge(image, self._by_name.get(image.digest or image.tagged, []))
        return self._seen[image]

    def _judge(self, image: ImageReference, scans: Sequence[ImageScan]) -> Seen:
        found = dict.fromkeys(one for scan in scans for one in scan.vulnerabilities)
        opened = [(one, self._open(one)) for one in found]
        too_old = [(one, age) for one, age in opened if self._is_too_old(one, age)]
        if too_old:
            too_old.sort(key=lambda pair: (_rank(pair[0].severity), -(pair[1] or 0), pair[0].id))
            return Seen(FAIL_TRUTH, tuple(self._describe(one, age) for one, age in too_old))
        problems = [self._problem(scan) for scan in scans]
        if not any(not problem for problem in problems):
            why = problems[0] if problems else self._not_scanned(image)
            return Seen(FAIL_TRUTH if self._rules.unscanned_fails else UNKNOWN_TRUTH, (), why)
        undated = sum(age is None and self._limit(one) is not None for one, age in opened)
        if undated:
            noun = "vulnerability" if undated == 1 else "vulnerabilities"
            return Seen(UNKNOWN_TRUTH, (), f"its scan does not say since when {undated} {noun} of it is known")
        return Seen(PASS_TRUTH)

    def _not_scanned(self, image: ImageReference) -> str:
        if not image.digest and not self._rules.match_tags:
            return "a tag can be moved, so no scan is sure to be of what it names: name the image by its digest"
        return "no scan of it was given (--import-image-scan)"

    def _problem(self, scan: ImageScan) -> str:
        if scan.problem:
            return f"its scan shows nothing: {scan.problem}"
        if not scan.time:
            return "its scan does not say when it was made" if self._rules.max_age is not None else ""
        made = datetime.fromisoformat(scan.time)
        if made > self._now + _SKEW:
            return "its scan says that it was made in the future"
        if self._rules.max_age is not None and self._now - made > timedelta(seconds=self._rules.max_age):
            return "its scan is older than the policy allows"
        return ""

    def _open(self, one: Vulnerability) -> int | None:
        """Seconds for which it is known; ``None``: nobody says, or a date in the future says nothing."""
        if not one.since:
            return None
        since = datetime.fromisoformat(one.since)
        return None if since > self._now + _SKEW else max(0, int((self._now - since).total_seconds()))

    def _limit(self, one: Vulnerability) -> int | None:
        return self._rules.fix_within[one.severity or "unknown"]

    def _is_too_old(self, one: Vulnerability, age: int | None) -> bool:
        limit = self._limit(one)
        if limit is None:
            return False
        if age is None:
            return limit == 0 or self._rules.undated_fails
        return limit == 0 or age > limit

    def _describe(self, one: Vulnerability, age: int | None) -> TooOld:
        package = f"{one.package} {one.version}".strip()
        fixed = f"fixed in {one.fixed}" if one.fixed else "no fix known"
        since = f"known since {one.since[:10]}" if age is not None else "the scan does not say since when"
        where = f" in {package}" if package else ""
        what = f"{one.id} ({one.severity or 'of unknown severity'}){where}, {since}, {fixed}"
        limit = self._limit(one) or 0
        allowed = f"fixed within {_days(limit)}" if limit else "not in the image"
        if age is not None and limit:
            allowed += f" (it is {_days(age)})"
        return TooOld(f"{one.id} {one.package}".strip(), what, allowed)


def _rank(severity: Severity | None) -> int:
    return list(Severity).index(severity) if severity else len(Severity)


def _days(seconds: int) -> str:
    days = seconds // _DAY
    return f"{days} day" if days == 1 else f"{days} days"
