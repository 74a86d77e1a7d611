"""The words and the order that all report formats share, so that none says it differently.

Nothing here decides what blocks: order and headings follow ``Result.effect``. All text that comes
from outside has been through ``clean`` when it leaves this module, except titles and remediations,
which each format escapes in its own way.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, assert_never

from iacgate.model.decision import Decision, Outcome, Report, Summary
from iacgate.model.finding import CheckInfo, Effect, Evidence, Result, Severity, Verdict
from iacgate.model.scan import Scan
from iacgate.model.values import Marker
from iacgate.reports.interface import RenderOptions
from iacgate.reports.text import ADDRESS_LIMIT, clean, value_text

__all__ = [
    "FINGERPRINT_LENGTH",
    "Group",
    "Section",
    "blocks",
    "by_weight",
    "count",
    "coverage_line",
    "effect_words",
    "evidence_lines",
    "group_by_check",
    "headline",
    "input_line",
    "inventory_lines",
    "origins_words",
    "place",
    "place_and_line",
    "policy_line",
    "reasons",
    "scan_lines",
    "sections",
    "shown",
    "shown_in_one_list",
    "side_effect_lines",
    "status_words",
]

FINGERPRINT_LENGTH = 12
"""Characters of a fingerprint that are printed for people; ``iacgate explain`` takes them."""
EVIDENCE_LIMIT = 6
"""Pieces of evidence of one result that are printed for people."""


class Group(NamedTuple):
    """The results of one check in one section."""

    check: CheckInfo
    results: list[Result]


class Section(NamedTuple):
    """The results with one effect, grouped by check, the worst check first."""

    effect: Effect
    title: str
    groups: list[Group]

    @property
    def size(self) -> int:
        """How many results the section holds."""
        return sum(len(group.results) for group in self.groups)


def headline(report: Report) -> str:
    """What the plan does to the posture: ``introduces 2, fixes 5, leaves 31``."""
    summary = report.summary
    parts = _changes(summary)
    if summary.unknown:
        parts += f"; {summary.unknown} unknown"
    if summary.waived:
        parts += f"; {summary.waived} released by exception"
    if summary.error:
        parts += f"; {count(summary.error, 'check error')}"
    if parts:
        return parts.removeprefix("; ")
    if report.decision.outcome is Outcome.ERROR:
        return "the input was not judged"
    return "nothing in the scope of any check" if report.coverage.scope == "none" else "no findings"


def _changes(summary: Summary) -> str:
    counted = {
        "introduces": summary.introduced,
        "worsens": summary.worsened,
        "fixes": summary.fixed,
        "leaves": summary.pre_existing,
    }
    parts = [f"{verb} {number}" for verb, number in counted.items() if number]
    if parts and not summary.introduced and not summary.worsened:
        parts.insert(0, "introduces nothing")
    return ", ".join(parts)


def reasons(decision: Decision, limit: int = 10) -> list[str]:
    """The reasons for the decision, one line each."""
    lines = [clean(reason) for reason in decision.reasons[:limit]]
    if len(decision.reasons) > limit:
        lines.append(f"… and {count(len(decision.reasons) - limit, 'more reason')}")
    return lines


def shown(report: Report, options: RenderOptions) -> Iterable[Result]:
    """The results to list: passes only when asked for."""
    if options.include_passed:
        return report.results
    quiet = (Verdict.PASS, Verdict.NOT_APPLICABLE)
    return (result for result in report.results if result.verdict not in quiet or result.effect is not Effect.NONE)


def shown_in_one_list(report: Report, options: RenderOptions) -> Iterable[Result]:
    """``shown``, and with the passes what the plan fixes, for formats that have no place of its own for it."""
    yield from shown(report, options)
    if options.include_passed:
        listed = {result.fingerprint for result in report.results}
        yield from (result for result in report.fixed if result.fingerprint not in listed)


def sections(results: Iterable[Result]) -> list[Section]:
    """Results by effect, the weightiest effect first; inside by check, the most severe first."""
    by_effect: dict[Effect, list[Result]] = {}
    for result in results:
        by_effect.setdefault(result.effect, []).append(result)
    return [
        Section(effect, effect_words(effect), group_by_check(by_effect[effect]))
        for effect in sorted(by_effect, key=_effect_rank)
    ]


def group_by_check(results: Iterable[Result]) -> list[Group]:
    """One group a check, the most severe first, else in the order of the plan."""
    groups: dict[str, Group] = {}
    for result in results:
        groups.setdefault(result.check.id, Group(result.check, [])).results.append(result)
    return sorted(groups.values(), key=lambda group: _severity_rank(group.check.severity))


def by_weight(results: Iterable[Result]) -> list[Result]:
    """The results that matter most first: by effect, then severity, then the order of the plan."""
    return sorted(results, key=lambda result: (_effect_rank(result.effect), _severity_rank(result.check.severity)))


def blocks(effect: Effect) -> bool:
    """Whether results with this effect keep the change from going ahead by themselves."""
    return _effect_rank(effect) <= _effect_rank(Effect.REVIEW)


def effect_words(effect: Effect) -> str:
    """What an effect means, as a heading."""
    match effect:
        case Effect.DENY:
            return "Blocking"
        case Effect.ERROR:
            return "Could not be judged"
        case Effect.REVIEW:
            return "Needs review"
        case Effect.WOULD_BLOCK:
            return "Would block once enforced"
        case Effect.OBLIGATION:
            return "To be answered after apply"
        case Effect.NOTE:
            return "Notes, not blocking"
        case Effect.EXCEPTED:
            return "Released by an exception"
        case Effect.NONE:
            return "Passed"
        case _:
            assert_never(effect)


def status_words(result: Result) -> str:
    """Verdict and change where they say more than the section does: ``unknown, introduced``."""
    words = [] if result.verdict in (Verdict.FAIL, Verdict.PASS) else [result.verdict.value]
    if result.change is not None:
        words.append(result.change.value)
    if result.exception and result.effect is Effect.EXCEPTED:
        words.append(f"exception {clean(result.exception)}")
    if result.origins:
        words.append(f"by {origins_words(result)}")
    return ", ".join(words)


def origins_words(result: Result) -> str:
    """Who reports it and what it is called there: ``iacgate and trivy (AVD-AWS-0107)``."""
    rules: dict[str, list[str]] = {}
    for origin in result.origins:
        known = rules.setdefault(clean(origin.tool, ADDRESS_LIMIT), [])
        if origin.tool != "iacgate" and origin.rule not in known and result.check.id != f"{origin.tool}:{origin.rule}":
            known.append(origin.rule)
    named = [f"{tool} ({clean(', '.join(names), ADDRESS_LIMIT)})" if names else tool for tool, names in rules.items()]
    return " and ".join([", ".join(named[:-1]), named[-1]] if len(named) > 1 else named)


def scan_lines(report: Report) -> list[str]:
    """One line a scan: whose, from where, and what shows that it looked; or why it is no evidence."""
    return [_scan_line(scan) for scan in report.scans]


def _scan_line(scan: Scan) -> str:
    receipt = scan.receipt
    images = sum(len(image.vulnerabilities) for image in scan.images)
    parts = [
        f"{count(len(scan.images), 'image')}, {images} {'vulnerability' if images == 1 else 'vulnerabilities'}"
        if scan.images
        else count(len(scan.findings), "finding")
    ]
    parts += [f"{receipt.rules} rules"] if receipt.rules is not None else []
    parts += [f"commit {receipt.commit[:FINGERPRINT_LENGTH]}"] if receipt.commit else []
    parts += [receipt.time] if receipt.time else []
    parts += [f"NO EVIDENCE: {scan.problem}"] if scan.problem else []
    who = " ".join(filter(None, (receipt.tool, receipt.version)))
    return clean(f"Scan by {who} ({scan.source}): {', '.join(parts)}")


def side_effect_lines(report: Report) -> list[str]:
    """What the policy asks for beside the decision, counted by kind."""
    kinds = Counter(effect.kind for effect in report.decision.side_effects)
    words = {"ticket": "a ticket", "notify": "a notification"}
    return [
        clean(f"the policy asks for {words.get(kind, kind)} for {count(number, 'finding')}")
        for kind, number in kinds.items()
    ]


def _as_it_is(text: str) -> str:
    return text


def evidence_lines(
    result: Result, code: Callable[[str], str] = _as_it_is, prose: Callable[[str], str] = _as_it_is
) -> list[str]:
    """What a verdict stands on, a line or two a piece; the message where there is no evidence.

    ``code`` marks up names and values, ``prose`` other text from outside.
    """
    lines = []
    if result.verdict is Verdict.ERROR or not result.evidence:
        lines.append(prose(clean(result.message)))
    alternatives = 0
    for evidence in result.evidence[:EVIDENCE_LIMIT]:
        expected = f", expected: {prose(clean(evidence.expected))}" if evidence.expected else ""
        expected += f" ({prose(clean(evidence.source))})" if evidence.source else ""
        lines.append(("or " if evidence.alternative and alternatives else "") + _found(evidence, code) + expected)
        alternatives += evidence.alternative
        if evidence.chain:
            lines.append("through " + code(clean(" -> ".join(evidence.chain))))
        if evidence.needs:
            lines.append("to know it: " + prose(clean(evidence.needs)))
    if len(result.evidence) > EVIDENCE_LIMIT:
        lines.append(f"… and {len(result.evidence) - EVIDENCE_LIMIT} more (see --format json)")
    if result.exception and result.effect is not Effect.EXCEPTED:
        lines.append("exception: " + prose(clean(result.exception)))
    return lines


def _found(evidence: Evidence, code: Callable[[str], str]) -> str:
    what = clean(".".join(filter(None, (evidence.address, evidence.path))), ADDRESS_LIMIT)
    name = code(what) if what else ""
    match evidence.actual:
        case Marker.ABSENT:
            return f"{name} is not set" if name else "there is none"
        case Marker.UNKNOWN:
            return f"{name} is known after apply" if name else "not known before apply"
        case Marker.SENSITIVE:
            return f"{name or 'the value'} is sensitive and not shown"
        case value:
            return f"{name} is {code(value_text(value))}" if name else f"found {code(value_text(value))}"


def place(result: Result) -> str:
    """The file with the source directory before it, or empty where none is known. Not cleaned: formats escape it."""
    if result.location is None:
        return ""
    base = result.location.base
    return f"{base.rstrip('/')}/{result.location.file}" if base else result.location.file


def place_and_line(result: Result) -> str:
    """``main.tf:12``, or empty where no place is known. Not cleaned: formats escape it."""
    file = place(result)
    return f"{file}:{result.location.line}" if file and result.location is not None else ""


def input_line(report: Report) -> str:
    """What was judged: path, kind and workspace."""
    workspace = f", workspace {report.input.workspace}" if report.input.workspace is not None else ""
    return clean(f"{report.input.path} ({report.input.kind}){workspace}", ADDRESS_LIMIT)


def inventory_lines(report: Report) -> list[str]:
    """Which inventory answered, of what, and how old it is; nothing where none was given."""
    found = report.input.inventory
    if found is None:
        return []
    hours = found.age_seconds // 3600
    age = "less than an hour" if hours < 1 else count(hours, "hour") if hours < 48 else count(hours // 24, "day")
    parts = [f"{age} old", count(len(found.scopes), "scope"), "complete" if found.complete else "with holes"]
    parts += [] if found.used else ["NOT USED: older than the policy takes"]
    return [clean(f"Inventory {found.path} ({', '.join(parts)})", ADDRESS_LIMIT)]


def coverage_line(report: Report) -> str:
    """Where every resource went: ``30 resources: 27 evaluated, 3 not applicable (2 no-op, 1 read)``."""
    coverage = report.coverage
    parts = [f"{coverage.evaluated} evaluated"]
    if coverage.not_applicable:
        why = ", ".join(f"{number} {clean(reason)}" for reason, number in coverage.not_applicable_reasons.items())
        parts.append(f"{coverage.not_applicable} not applicable" + (f" ({why})" if why else ""))
    line = f"{count(coverage.resources, 'resource')}: {', '.join(parts)}; {count(coverage.checks_loaded, 'check')}"
    if coverage.not_asked:
        line += f", {coverage.not_asked} not asked"
    return f"{line}; scope {clean(coverage.scope)}"


def policy_line(report: Report) -> str:
    """By which policy: name, version and short digest; whether it can be trusted."""
    policy = report.policy
    name = " ".join(filter(None, (policy.name, policy.version)))
    digest = policy.digest.removeprefix("sha256:")[:FINGERPRINT_LENGTH]
    trust = "Policy" if policy.trusted else "Untrusted policy"
    return clean(f"{trust} {name} ({digest})" if digest else f"{trust} {name}", ADDRESS_LIMIT)


def count(number: int, noun: str) -> str:
    """A number and its noun: ``1 check``, ``3 checks``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


_EFFECTS: Sequence[Effect] = (
    Effect.DENY,
    Effect.ERROR,
    Effect.REVIEW,
    Effect.WOULD_BLOCK,
    Effect.OBLIGATION,
    Effect.NOTE,
    Effect.EXCEPTED,
    Effect.NONE,
)


def _effect_rank(effect: Effect) -> int:
    return _EFFECTS.index(effect)


def _severity_rank(severity: Severity) -> int:
    match severity:
        case Severity.CRITICAL:
            return 0
        case Severity.HIGH:
            return 1
        case Severity.MEDIUM:
            return 2
        case Severity.LOW:
            return 3
        case _:
            assert_never(severity)
