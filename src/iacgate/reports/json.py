"""``iacgate/report/v1``: the report other tools parse (``docs/reference/report-json.md``). One object on one line.

Keys are only ever added. In evidence ``actual`` is the value as JSON; where there is none to show
it is null and ``state`` says why: ``absent``, ``unknown`` or ``sensitive``.

Large plans give tens of thousands of results, so what repeats (a check's metadata with one set of
verdict words, a resource) is encoded once and the pieces are written one after another.
"""

from collections.abc import Iterable
from io import BytesIO
from typing import Any

import msgspec

from iacgate.model.decision import Coverage, InputInfo, Report, Summary
from iacgate.model.finding import CheckInfo, Effect, Evidence, Location, Result, Subject
from iacgate.model.scan import Scan
from iacgate.model.values import Marker
from iacgate.reports.interface import RenderOptions
from iacgate.reports.text import encode_json
from iacgate.reports.wording import shown

__all__ = ["SCHEMA", "render"]

SCHEMA = "iacgate/report/v1"


def render(report: Report, options: RenderOptions) -> bytes:
    """The report as one JSON object and a line end; several of them make JSON Lines."""
    fragments = _Fragments()
    out = BytesIO()
    out.write(encode_json(_head(report))[:-1])
    out.write(b',"results":[')
    fragments.write(out, shown(report, options))
    out.write(b'],"fixed":[')
    fragments.write(out, report.fixed)
    out.write(b'],"notes":' + encode_json(report.notes))
    out.write(b',"scans":' + encode_json([_scan(scan) for scan in report.scans]) + b"}\n")
    return out.getvalue()


def _head(report: Report) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "tool": {"name": "iacgate", "version": report.tool_version},
        "input": _input(report.input),
        "policy": report.policy._asdict(),
        "decision": report.decision._asdict()
        | {"side_effects": [effect._asdict() for effect in report.decision.side_effects]},
        "coverage": _coverage(report.coverage),
        "summary": _summary(report.summary),
    }


def _input(info: InputInfo) -> dict[str, Any]:
    return info._asdict() | {"inventory": info.inventory._asdict() if info.inventory else None}


def _scan(scan: Scan) -> dict[str, Any]:
    return scan.receipt._asdict() | {
        "source": scan.source,
        "findings": len(scan.findings),
        "images": len(scan.images),
        "problem": scan.problem,
    }


def _coverage(coverage: Coverage) -> dict[str, Any]:
    return coverage._asdict() | {"not_applicable_reasons": dict(coverage.not_applicable_reasons)}


def _summary(summary: Summary) -> dict[str, int]:
    counts = summary._asdict()
    return {"pass": counts.pop("passed"), **counts}


class _Fragments:
    """Encoded pieces that repeat. Keyed by identity: the report keeps every object alive meanwhile."""

    def __init__(self) -> None:
        self._remediations: dict[int, msgspec.Raw] = {}
        self._heads: dict[tuple[int, tuple[str | None, ...]], bytes] = {}
        self._subject: Subject | None = None
        self._resource = b""

    def write(self, out: BytesIO, results: Iterable[Result]) -> None:
        """Write results with commas between them."""
        comma = b""
        for result in results:
            out.write(comma)
            out.write(self._head(result))
            if result.subject is not self._subject:
                self._subject = result.subject
                self._resource = _resource(result.subject)
            out.write(self._resource)
            out.write(self._tail(result))
            comma = b","

    def _head(self, result: Result) -> bytes:
        check, subject = result.check, result.subject
        words = (result.verdict, result.change, result.enforcement, result.effect, result.policy_rule, subject.kind)
        head = self._heads.get((id(check), words))
        if head is None:
            head = self._heads[id(check), words] = _constant_part(result, check)
        return head

    def _tail(self, result: Result) -> bytes:
        check, location = result.check, result.location
        remediation = self._remediations.get(id(check))
        if remediation is None:
            remediation = self._remediations[id(check)] = msgspec.Raw(encode_json(check.remediation))
        tail = {
            "evidence": [_evidence(evidence) for evidence in result.evidence],
            "location": None if location is None else _location(location),
            "message": result.message,
            "remediation": remediation,
            "fingerprint": result.fingerprint,
            "fingerprint_after_move": result.fingerprint_after_move,
            "evidence_digest": result.evidence_digest,
            "exception": result.exception,
            "sources": result.sources,
        }
        if result.origins:
            tail["origins"] = [origin._asdict() for origin in result.origins]
        return b"," + encode_json(tail)[1:]


def _constant_part(result: Result, check: CheckInfo) -> bytes:
    words = {
        "check": check.id,
        "aliases": check.aliases,
        "verdict": result.verdict,
        "change": result.change,
        "waived": result.effect is Effect.EXCEPTED,
        "family": check.family,
        "severity": check.severity,
        "enforcement": result.enforcement,
        "effect": result.effect,
        "policy_rule": result.policy_rule,
        "subject": result.subject.kind,
    }
    return encode_json(words)[:-1] + b',"resource":'


def _resource(subject: Subject) -> bytes:
    shaped = {"address": subject.address, "type": subject.type, "module": subject.module, "actions": subject.actions}
    return encode_json({**shaped, "root": subject.root} if subject.root else shaped)


def _location(location: Location) -> dict[str, Any]:
    shaped: dict[str, Any] = {"file": location.file, "line": location.line, "end_line": location.end_line}
    if location.callers:
        shaped["callers"] = [_location(caller) for caller in location.callers]
    return shaped


def _evidence(evidence: Evidence) -> dict[str, Any]:
    path, actual, expected, address, chain, needs, alternative, source = evidence
    shaped: dict[str, Any] = {"path": path, "actual": actual, "expected": expected}
    if isinstance(actual, Marker):
        shaped["actual"] = None
        shaped["state"] = _state(actual)
    if address:
        shaped["address"] = address
    if chain:
        shaped["chain"] = chain
    if needs:
        shaped["needs"] = needs
    if alternative:
        shaped["alternative"] = True
    if source:
        shaped["source"] = source
    return shaped


def _state(marker: Marker) -> str:
    match marker:
        case Marker.ABSENT:
            return "absent"
        case Marker.UNKNOWN:
            return "unknown"
        case Marker.SENSITIVE:
            return "sensitive"
