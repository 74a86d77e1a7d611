"""Pages about checks: why, what is asked, how to fix, before and after; and an index of them. Markdown.

Made from checks in the normal form of ``policy.catalogue.lint_files``. Pages are for GitHub, GitLab and
whatever else reads CommonMark with tables: no front matter, no HTML but one comment, by which a page of
ours is known again.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from iacgate.model.finding import Family, Severity, Tier
from iacgate.policy.narrate import outline
from iacgate.reports.wording import count

__all__ = ["MARK", "index", "page", "page_name"]

MARK = "<!-- Written by `iacgate checks docs`. -->\n"
"""The first line of every page."""

_MEANS_MORE = re.compile(r"[\\*<>\[\]|]|(?<!\w)_|_(?!\w)")
_Check = Mapping[str, Any]


def page_name(check: _Check) -> str:
    """Where a check's page stands, below the index: ``aws/s3/aws-s3-bucket-versioning.md``."""
    cloud, service = _shelf(check)
    return "/".join(filter(None, (cloud, service, f"{check['id']}.md")))


def index(checks: Sequence[_Check], link: Callable[[_Check], str], mark: str = MARK, note: str = "") -> str:
    """All checks by cloud and service; ``link`` says where a check's page is, ``note`` what to know of them."""
    shelves: dict[str, dict[str, list[_Check]]] = {}
    for check in sorted(checks, key=lambda one: (*_shelf(one), one["id"])):
        cloud, service = _shelf(check)
        shelves.setdefault(cloud, {}).setdefault(service, []).append(check)
    lines = [f"{mark}\n# Checks\n", f"{count(len(checks), 'check')}. {note}".rstrip() + "\n", *_families(checks)]
    for cloud, services in shelves.items():
        lines.append(f"## {cloud}\n")
        for service, found in services.items():
            if service:
                lines.append(f"### {service}\n")
            lines.append("| check | holds when all is well | severity | family | tier |\n|---|---|---|---|---|")
            lines += [_row(check, link(check)) for check in found]
            lines.append("")
    return "\n".join(lines).rstrip("\n") + "\n"


def page(check: _Check) -> str:
    """Everything about one check."""
    parts = [f"{MARK}\n# {_text(check['title'])}", *_body(check)]
    return "\n\n".join(parts) + "\n"


def _row(check: _Check, target: str) -> str:
    cells = (f"[{check['id']}]({target})", _text(check["title"]), check["severity"], check["family"], check["tier"])
    return f"| {' | '.join(cells)} |"


def _families(checks: Sequence[_Check]) -> Iterator[str]:
    """How many there are of each family, by severity."""
    yield "| family | " + " | ".join(Severity) + " | strict, of these |\n|---|" + "---|" * (len(Severity) + 1)
    for family in Family:
        of_family = [check for check in checks if check["family"] == family]
        numbers = [sum(check["severity"] == severity for check in of_family) for severity in Severity]
        numbers.append(sum(check["tier"] == Tier.STRICT for check in of_family))
        yield f"| {family} | " + " | ".join(map(str, numbers)) + " |"
    yield ""


def _body(check: _Check) -> Iterator[str]:
    if check["deprecated"]:
        yield f"**Deprecated**: {_text(check['deprecated'])}"
    yield _facts(check)
    yield f"## Why\n\n{_text(check['rationale'])}"
    yield f"## What it asks\n\n{_asked(check)}"
    yield f"## How to fix\n\n{_text(check['remediation'])}"
    yield from _edits(check)
    for title, label in (("Before", "fail"), ("After", "pass")):
        texts = check["examples"].get(label)
        if texts:
            yield f"## {title}\n\n{_fenced(texts[0])}"
    if check["controls"]:
        rows = "\n".join(f"| {benchmark} | {', '.join(ids)} |" for benchmark, ids in check["controls"].items())
        yield f"## Controls\n\n| benchmark | controls |\n|---|---|\n{rows}"
    if check["aliases"]:
        yield f"## In other tools\n\n{', '.join(f'`{alias}`' for alias in check['aliases'])}"


def _edits(check: _Check) -> Iterator[str]:
    """What ``iacgate fix`` writes, by resource type."""
    rows = []
    for case in check["cases"]:
        fix = case.get("fix") or {"set": [], "add": [], "note": ""}
        written = [f"sets `{'.'.join(steps)}` to `{json.dumps(value)}`" for steps, value in fix["set"]]
        written += [f"adds `{json.dumps(value)}` to `{'.'.join(steps)}`" for steps, value in fix["add"]]
        if written:
            kinds = ", ".join(f"`{kind}`" for kind in case["types"])
            rows.append(f"- In {kinds} it {', '.join(written)}. {_text(fix['note'])}".rstrip())
    if rows:
        yield "`iacgate fix` makes the edit where judging again agrees:\n\n" + "\n".join(rows)


def _facts(check: _Check) -> str:
    types = dict.fromkeys(kind for case in check["cases"] for kind in case["types"])
    looks = ", ".join(f"`{kind}`" for kind in types) if check["subject"] == "resource" else "the account"
    rows = {
        "id": f"`{check['id']}`",
        "severity": check["severity"],
        "family": check["family"],
        "tier": check["tier"],
        "looks at": looks,
        "says": _text(check["message"]),
    }
    return "| | |\n|---|---|\n" + "\n".join(f"| {key} | {value} |" for key, value in rows.items())


def _asked(check: _Check) -> str:
    """The condition of each case in words, as nested lists."""
    parts = []
    for case in check["cases"]:
        kinds = ", ".join(f"`{kind}`" for kind in case["types"])
        if len(check["cases"]) > 1:
            parts.append(f"Of {kinds}:" if kinds else "Of the account:")
        if case.get("when"):
            parts.append("Only where\n\n" + _listed(case["when"]) + "\n\nit asks that")
        parts.append(_listed(case["condition"]))
    text = "\n\n".join(parts)
    if "(absent: " in text:
        text += "\n\n*absent* is what leaving the attribute out means."
    return text


def _listed(tree: dict[str, Any]) -> str:
    return "\n".join(f"{'  ' * part.depth}- {_text(part.text)}" for part in outline(tree, inside=True))


def _text(text: str) -> str:
    """Prose of an author, in which only backticks mean anything, on one line."""
    parts = " ".join(text.split()).split("`")
    if len(parts) % 2 == 0:
        parts = ["`".join(parts)]
    return "".join(f"`{part}`" if odd % 2 else _MEANS_MORE.sub(r"\\\g<0>", part) for odd, part in enumerate(parts))


def _fenced(text: str) -> str:
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}hcl\n{text.strip(chr(10))}\n{fence}"


def _shelf(check: _Check) -> tuple[str, str]:
    """Cloud and service: the folders of the library; of a file that lies in none, by its first resource type."""
    folders = check["file"].split("/")[:-1]
    if len(folders) >= 2:
        return folders[0], folders[1]
    types: Iterable[str] = (kind for case in check["cases"] for kind in case["types"])
    words = next(iter(types), "account").split("_")
    return words[0], words[1] if len(words) > 1 else ""
