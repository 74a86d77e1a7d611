"""What was found in a directory that has not changed since: the report of ``iacgate check DIR``, kept whole.

A report is remembered under a digest of everything it follows from: the files (those of modules outside of the
directory too), the policy and its checks, the settings, the day and this program. It is kept only where it holds
nothing that would have to be hidden, and where nothing else was read (templates, policies in files of their own).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from iacgate import __version__
from iacgate.gate.judge import PolicySource, Settings
from iacgate.model.decision import Report
from iacgate.model.finding import (
    Change,
    Effect,
    Enforcement,
    Evidence,
    Location,
    Origin,
    Result,
    Subject,
    Verdict,
)
from iacgate.model.values import Marker
from iacgate.policy.policy_set import Policy

if TYPE_CHECKING:
    from iacgate.gate.inventory import Consulted

__all__ = ["Memory"]

_FORMAT = "2"
_MARKER = "\0marker"


_Row = tuple[
    str,
    Verdict,
    Change | None,
    Enforcement,
    Effect,
    Subject,
    tuple[Evidence, ...],
    str,
    str,
    str | None,
    str,
    Location | None,
    str,
    str,
    tuple[Origin, ...],
]
"""A result, with the id of its check in place of the check."""


class _Kept(msgspec.Struct):
    """A report as it is written: results apart from the rest."""

    outside: dict[str, str]
    """What it follows from outside of the directory: files with their digests, directories with their listings'."""
    report: Report
    results: list[_Row]


_encode = msgspec.msgpack.Encoder().encode
_decoder = msgspec.msgpack.Decoder(_Kept)


class Memory:
    """Reports of one directory under one policy and one set of settings."""

    def __init__(
        self,
        top: Path,
        policy: Policy,
        source: PolicySource,
        settings: Settings,
        cache: Path,
        inventory: Consulted | None = None,
    ) -> None:
        self._top = top
        self._source = source
        words = [_FORMAT, __version__, str(top), policy.info.digest, policy.today, settings.workspace or ""]
        words += [settings.organization, str(settings.include_passed), hashlib.sha256(settings.digest_key).hexdigest()]
        words += [f"{file}={_digest(file)}" for file in settings.var_files]
        if inventory is not None:  # its age enters the words of a report by the hour
            info = inventory.info
            words += [info.sha256, str(info.age_seconds // 3600), str(info.used), str(inventory.place)]
        words += [str(policy.inventory)]
        self._words = words
        self._cache = cache
        self._key = self._now()

    def _now(self) -> str:
        from iacgate.sources.hcl.files import digest_below

        return hashlib.sha256("\0".join([*self._words, digest_below(self._top)]).encode()).hexdigest()

    @property
    def _entry(self) -> Path:
        return self._cache / f"reports-{_FORMAT}" / self._key

    def recall(self) -> Report | None:
        """The report on the directory as it is; ``None``: it is not remembered."""
        try:
            if self._entry.stat().st_uid != os.geteuid():
                return None
            kept = _decoder.decode(self._entry.read_bytes())
            if any(_digest(Path(file)) != digest for file, digest in kept.outside.items()):
                return None
            catalogue = self._source.catalogue
            results = [
                Result._make(
                    (catalogue.info(catalogue.by_id[row[0]]), *row[1:6], tuple(map(_marked, row[6])), *row[7:])
                )
                for row in kept.results
            ]
        except (OSError, msgspec.MsgspecError, KeyError):
            return None
        return kept.report._replace(results=results)

    def remember(self, report: Report, outside: Iterable[Path]) -> None:
        """Keep a report. What changed meanwhile, or cannot be written, is not kept."""
        if self._now() != self._key:
            return
        rows = [(one.check.id, *one[1:6], tuple(map(_plain, one.evidence)), *one[7:]) for one in report.results]
        kept = (
            {str(file): _digest(file) for file in outside},
            report._replace(results=(), fixed=()),
            rows,
        )
        try:
            self._entry.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            temporary = self._entry.with_name(f"{self._entry.name}.{os.getpid()}")
            temporary.write_bytes(_encode(dict(zip(_Kept.__struct_fields__, kept, strict=True))))
            temporary.replace(self._entry)
        except (OSError, TypeError, ValueError):
            pass  # no memory, no harm


def _plain(evidence: Evidence) -> Evidence:
    actual = evidence.actual
    return evidence._replace(actual={_MARKER: actual.name}) if isinstance(actual, Marker) else evidence


def _marked(evidence: Evidence) -> Evidence:
    actual = evidence.actual
    return evidence._replace(actual=Marker[actual[_MARKER]]) if type(actual) is dict and _MARKER in actual else evidence


def _digest(path: Path) -> str:
    """Of a file its bytes', of a directory its names'; empty where there is nothing."""
    try:
        data = "\0".join(sorted(one.name for one in path.iterdir())).encode() if path.is_dir() else path.read_bytes()
    except OSError:
        return ""
    return hashlib.sha256(data).hexdigest()
