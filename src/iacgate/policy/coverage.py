"""How much of a benchmark, or of another tool's rules, the checks cover; nothing is left unsaid.

A control or rule is *covered* when a check names it (``controls``, ``aliases``), *left out* when a file
says why (``checks/frameworks/*.yaml``, ``checks/not-adopted.yaml``), and *open* when neither is so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import yaml

from iacgate.errors import PolicyError, UsageError
from iacgate.model.finding import CheckInfo, Family
from iacgate.policy.yaml_nodes import Source, did_you_mean, read_yaml

__all__ = ["Coverage", "Row", "framework_coverage", "frameworks", "tool_coverage", "tools"]

FRAMEWORKS, TOOLS, NOT_ADOPTED = "frameworks", "tools", "not-adopted.yaml"


class Row(NamedTuple):
    """One control of a benchmark, or one rule of a tool."""

    id: str
    about: str
    """What it asks, in few words; of a rule what it looks at, or its long name."""
    family: str
    """Of a control within our families; else empty."""
    checks: tuple[str, ...]
    reason: str
    """Why no check asks it."""

    @property
    def status(self) -> str:
        """``covered``, ``left-out`` or ``open``."""
        return "covered" if self.checks else "left-out" if self.reason else "open"


class Coverage(NamedTuple):
    """All of one benchmark or tool."""

    name: str
    title: str
    rows: tuple[Row, ...]
    stray: tuple[tuple[str, str], ...]
    """What a check or ``not-adopted.yaml`` names that the benchmark or tool does not have: who names it, and what."""


def frameworks(root: Path) -> list[str]:
    """The benchmarks that are described below the library's directory."""
    return sorted(file.stem for file in (root / FRAMEWORKS).glob("*.yaml"))


def tools(root: Path) -> list[str]:
    """The tools whose rules are listed below the library's directory."""
    return sorted(file.stem for file in (root / TOOLS).glob("*.yaml"))


def framework_coverage(root: Path, name: str, infos: Iterable[CheckInfo]) -> Coverage:
    """How the checks cover a benchmark. Raises ``UsageError`` for one that is not known."""
    source, entries = _read(root, FRAMEWORKS, name, frameworks(root))
    asked: dict[str, list[str]] = {}
    for info in infos:
        for control in info.controls.get(name, ()):
            asked.setdefault(control, []).append(info.id)
    rows = []
    for control, (_, node) in source.mapping(entries["controls"][1], "`controls`").items():
        spec = source.mapping(node, "a control")
        source.only(spec, ("about", "family", "outside"), where=" in a control")
        about, family, outside = (source.text(spec[key][1], f"`{key}`") if key in spec else "" for key in
                                  ("about", "family", "outside"))  # fmt: skip
        if (family in [*Family]) == bool(outside):
            source.problem(node, "a control has one of our families, or says with `outside` why it is in none of ours")
        rows.append(Row(control, about, family, tuple(asked.pop(control, ())), outside))
    _refuse(source)
    stray = tuple((check, control) for control, checks in asked.items() for check in checks)
    return Coverage(name, source.text(entries["title"][1], "`title`"), tuple(rows), stray)


def tool_coverage(root: Path, name: str, infos: Iterable[CheckInfo]) -> Coverage:
    """How the checks cover a tool's rules. Raises ``UsageError`` for a tool that is not known."""
    source, entries = _read(root, TOOLS, name, tools(root))
    reasons = _not_adopted(root).get(name, {})
    asked: dict[str, list[str]] = {}
    for info in infos:
        for alias in info.aliases:
            asked.setdefault(alias, []).append(info.id)
    rules = {
        rule: source.text(node, "a rule") for rule, (_, node) in source.mapping(entries["rules"][1], "`rules`").items()
    }
    _refuse(source)
    rows = tuple(
        Row(rule, about, "", tuple(asked.get(rule, ())), reasons.get(rule, "")) for rule, about in rules.items()
    )
    stray = tuple((NOT_ADOPTED, rule) for rule in reasons if rule not in rules)
    return Coverage(name, source.text(entries["title"][1], "`title`"), rows, stray)


def _not_adopted(root: Path) -> Mapping[str, Mapping[str, str]]:
    source = Source(f"{root / NOT_ADOPTED}")
    node = read_yaml((root / NOT_ADOPTED).read_bytes(), source)
    found = {
        tool: {
            rule: source.text(reason, "a reason") for rule, (_, reason) in source.mapping(rules, f"`{tool}`").items()
        }
        for tool, (_, rules) in (source.mapping(node, "the file") if node else {}).items()
    }
    _refuse(source)
    return found


def _read(
    root: Path, folder: str, name: str, known: list[str]
) -> tuple[Source, dict[str, tuple[yaml.Node, yaml.Node]]]:
    if name not in known:
        message = f"the {folder.removesuffix('s')} `{name}` is not known{did_you_mean(name, known)}"
        raise UsageError(message, hint=f"there are {', '.join(known)}")
    file = root / folder / f"{name}.yaml"
    source = Source(str(file))
    node = read_yaml(file.read_bytes(), source)
    entries = source.mapping(node, "the file") if node else {}
    for key in ("title", "controls" if folder == FRAMEWORKS else "rules"):
        if key not in entries:
            source.problem(node, f"`{key}` is missing")
    _refuse(source)
    return source, entries


def _refuse(source: Source) -> None:
    if source.problems:
        raise PolicyError(f"{source.file} cannot be used", tuple(source.problems))
