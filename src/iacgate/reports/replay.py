"""A replay for people and for programs (``iacgate/replay/v1``)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from iacgate.gate.replay import PlanReplay, Replay, by_check, owners
from iacgate.reports.text import clean
from iacgate.reports.wording import count

__all__ = ["FORMATS"]

_SHOWN = 20


def _lines(replay: Replay, *, bullets: str) -> Iterator[str]:
    judged = replay.plans - len(replay.unreadable)
    moved = sum(one.plans for one in replay.outcomes if one.before is not one.after)
    yield f"{count(judged, 'plan')} judged by both policies: {moved} with another outcome"
    for one in replay.outcomes:
        if one.before is not one.after:
            yield f"{bullets}{one.before} -> {one.after}: {count(one.plans, 'plan')}"
    if replay.would_block_findings:
        yield (
            f"shadow mode: {count(replay.would_block_findings, 'finding')} in "
            f"{count(replay.would_block_plans, 'plan')} would block"
        )


def _effect(word: str) -> str:
    return word or "nothing"


def _terminal(replay: Replay) -> str:
    out = list(_lines(replay, bullets="  "))
    checks = by_check(replay.changed)
    if checks:
        out += ["", "checks that count otherwise"]
        out += [
            f"  {check}: {_effect(before)} -> {_effect(after)} on {count(number, 'resource')}"
            for check, before, after, number in checks[:_SHOWN]
        ]
        out += _more(len(checks))
        whose = owners(replay.changed)
        out += ["", "whose (owner tag, else workspace)"]
        out += [f"  {clean(who)}: {newly} newly in the way, {freed} freed" for who, newly, freed in whose[:_SHOWN]]
        out += _more(len(whose))
        out += ["", "plans"]
        for one in replay.changed[:_SHOWN]:
            out.append(f"  {clean(one.path)}: {one.before} -> {one.after}")
            out += [
                f"    {flip.check}  {clean(flip.address)}: {_effect(flip.before)} -> {_effect(flip.after)}"
                for flip in one.flips[:5]
            ]
            out += [f"    … and {len(one.flips) - 5} more"] if len(one.flips) > 5 else []
        out += _more(len(replay.changed))
    out += _unreadable(replay.unreadable, "  ")
    return "\n".join(out) + "\n"


def _markdown(replay: Replay) -> str:
    out = ["## What the proposed policy would change", "", *_lines(replay, bullets="- "), ""]
    checks = by_check(replay.changed)
    if checks:
        out += ["| check | before | after | resources |", "|---|---|---|---|"]
        out += [f"| `{row[0]}` | {_effect(row[1])} | {_effect(row[2])} | {row[3]} |" for row in checks[:_SHOWN]]
        out += ["", "| whose | newly in the way | freed |", "|---|---|---|"]
        out += [f"| {_cell(who)} | {newly} | {freed} |" for who, newly, freed in owners(replay.changed)[:_SHOWN]]
        out.append("")
    out += _unreadable(replay.unreadable, "- ")
    return "\n".join(out) + "\n"


def _cell(text: str) -> str:
    return clean(text).replace("\\", "\\\\").replace("|", "\\|").replace("`", "\\`").replace("<", "&lt;")


def _more(number: int) -> list[str]:
    return [f"  … and {number - _SHOWN} more"] if number > _SHOWN else []


def _unreadable(unreadable: tuple[PlanReplay, ...], bullets: str) -> list[str]:
    if not unreadable:
        return []
    lines = [f"{bullets}{clean(one.path)}: {clean(one.problem)}" for one in unreadable[:_SHOWN]]
    return ["", f"{count(len(unreadable), 'plan')} could not be judged", *lines, *_more(len(unreadable))]


def _json(replay: Replay) -> str:
    def plan(one: PlanReplay) -> dict[str, Any]:
        return {**one._asdict(), "flips": [flip._asdict() for flip in one.flips]}

    document = {
        "schema": "iacgate/replay/v1",
        "plans": replay.plans,
        "outcomes": [one._asdict() for one in replay.outcomes],
        "shadow": {"findings": replay.would_block_findings, "plans": replay.would_block_plans},
        "checks": [
            dict(zip(("check", "before", "after", "resources"), row, strict=True)) for row in by_check(replay.changed)
        ],
        "owners": [dict(zip(("owner", "newly", "freed"), row, strict=True)) for row in owners(replay.changed)],
        "changed": [plan(one) for one in replay.changed],
        "unreadable": [{"path": one.path, "problem": one.problem} for one in replay.unreadable],
    }
    return msgspec.json.encode(document).decode() + "\n"


FORMATS = {"terminal": _terminal, "json": _json, "markdown": _markdown}
