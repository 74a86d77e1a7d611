"""``iacgate checks``: what the gate looks for."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from iacgate.cli.coverage import coverage
from iacgate.cli.interface import render_options, write_file, write_out
from iacgate.errors import UsageError
from iacgate.model.finding import CheckInfo, Family, Severity, Tier
from iacgate.policy.catalogue import (
    Catalogue,
    lint_files,
    load_directories,
    load_packaged,
    packaged_root,
    read_check_files,
)

__all__ = ["checks"]

SHOWN_TYPES = 30
CLOUDS = {"aws": "aws", "azurerm": "azure", "google": "google"}
_directory = click.option(
    "--dir",
    "directories",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Your own checks too; repeatable.",
)


@click.group()
def checks() -> None:
    """What the gate looks for."""


def _load(directories: tuple[Path, ...]) -> Catalogue:
    return load_directories(directories) if directories else load_packaged()


@checks.command("list")
@_directory
@click.option(
    "--format",
    "format_name",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Format of the list.",
)
@click.option(
    "--family", type=click.Choice([one.value for one in Family]), multiple=True, help="Only of this family; repeatable."
)
@click.option(
    "--severity",
    type=click.Choice([one.value for one in Severity]),
    multiple=True,
    help="Only of this severity; repeatable.",
)
@click.option(
    "--tier", type=click.Choice([one.value for one in Tier]), multiple=True, help="Only of this tier; repeatable."
)
@click.option("--type", "resource_type", metavar="TYPE", help="Only checks that look at this resource type.")
@click.option("--count", is_flag=True, help="Only how many there are, by cloud, family and tier.")
def list_checks(
    directories: tuple[Path, ...],
    format_name: str,
    family: tuple[str, ...],
    severity: tuple[str, ...],
    tier: tuple[str, ...],
    resource_type: str | None,
    *,
    count: bool,
) -> None:
    """All checks, or those of a family, severity, tier or resource type."""
    catalogue = _load(directories)
    chosen = [
        catalogue.info(number)
        for number, head in enumerate(catalogue.heads)
        if (not family or head.family in family)
        and (not severity or head.severity in severity)
        and (not tier or head.tier in tier)
        and (not resource_type or resource_type in head.resource_types)
    ]
    chosen.sort(key=lambda info: info.id)
    if count:
        for line in _counts(chosen):
            click.echo(line)
        return
    if format_name == "json":
        import msgspec

        write_out(
            msgspec.json.encode(
                [
                    {
                        "id": info.id,
                        "title": info.title,
                        "family": info.family,
                        "severity": info.severity,
                        "tier": info.tier,
                        "clouds": clouds_of(info),
                        "resource_types": info.resource_types,
                        "aliases": info.aliases,
                        "controls": info.controls,
                    }
                    for info in chosen
                ]
            )
            + b"\n"
        )
        return
    rows = [
        (info.id, str(info.severity), info.title + (" (strict)" if info.tier is Tier.STRICT else "")) for info in chosen
    ]
    if render_options(include_passed=False).colour:
        _draw(rows)
    else:
        width = max((len(row[0]) for row in rows), default=0)
        for name, level, title in rows:
            click.echo(f"{name:<{width}}  {level:<8}  {title}")
    click.echo(f"{len(chosen)} checks", err=True)


def clouds_of(info: CheckInfo) -> list[str]:
    """The clouds that a check is about; none of one that is about modules, code or images alone."""
    prefixes = {kind.partition("_")[0] for kind in info.resource_types} | {info.id.partition("-")[0]}
    return sorted({CLOUDS[prefix] for prefix in prefixes if prefix in CLOUDS} | ({"azure"} & prefixes))


def _counts(chosen: Sequence[CheckInfo]) -> Iterator[str]:
    clouds = [("+".join(clouds_of(info)) or "any", str(info.family), str(info.tier)) for info in chosen]
    width = max((len(cloud) for cloud, _, _ in clouds), default=0)
    for (cloud, family, tier), number in sorted(Counter(clouds).items()):
        yield f"{cloud:<{width}}  {family:<15}  {tier:<8}  {number:>4}"
    yield f"{len(chosen)} checks"


def _draw(rows: list[tuple[str, str, str]]) -> None:
    """A table for a person at a terminal."""
    # Imported here: only who looks at a table pays for drawing one.
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="bold")
    table.add_column("check", no_wrap=True, min_width=max((len(row[0]) for row in rows), default=0))
    table.add_column("severity")
    table.add_column("title")
    colours = {"critical": "red", "high": "red", "medium": "yellow"}
    for name, severity, title in rows:
        table.add_row(Text(name), Text(severity, colours.get(severity, "")), Text(title))
    Console().print(table)


@checks.command("show")
@click.argument("check_id", metavar="ID")
@_directory
def show_check(check_id: str, directories: tuple[Path, ...]) -> None:
    """One check: why, how to fix, what it is called elsewhere, and its condition. ID may be an alias."""
    catalogue = _load(directories)
    number = catalogue.by_id.get(check_id)
    if number is None:
        number = next((n for n, head in enumerate(catalogue.heads) if check_id in head.aliases), None)
    if number is None:
        raise UsageError(f"there is no check `{check_id}`", hint=_suggest(check_id, catalogue))
    info = catalogue.info(number)
    click.echo(f"{info.id}\n{info.title}\n")
    click.echo(f"family    {info.family}\nseverity  {info.severity}\ntier      {info.tier}")
    more = len(info.resource_types) - SHOWN_TYPES
    types = ", ".join(info.resource_types[:SHOWN_TYPES]) + (f" and {more} more" if more > 0 else "")
    click.echo(f"looks at  {types or info.subject}")
    for name, parameter in catalogue.heads[number].parameters.items():
        default = "" if parameter.default is None else f" (default: {parameter.default})"
        click.echo(f"\nParameter `{name}`{default}\n  {parameter.about.strip()}")
    if info.deprecated:
        click.echo(f"deprecated: {info.deprecated}")
    click.echo(f"\nWhy\n  {info.rationale}\n\nHow to fix\n  {info.remediation}")
    if info.aliases:
        click.echo(f"\nElsewhere\n  {', '.join(info.aliases)}")
    for benchmark, controls in info.controls.items():
        click.echo(f"  {benchmark}: {', '.join(controls)}")
    for root in (packaged_root(), *directories):
        path = root / info.file
        if path.is_file() and path.stem == info.id:
            click.echo(f"\n{info.file}\n")
            for line in path.read_text("utf-8").splitlines():
                if line.startswith("examples:"):
                    break
                click.echo(f"  {line}")
            break


checks.add_command(coverage)


@checks.command("docs")
@_directory
@click.option("--only-own", is_flag=True, help="Only those of --dir, not what comes with iacgate.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Write README.md and a page a check into it. Without it the index is printed.",
)
def docs(directories: tuple[Path, ...], output: Path | None, *, only_own: bool) -> None:
    """Pages about checks in Markdown: why, what is asked, how to fix, before and after, controls.

    Pages of checks that are no more are removed from DIR; files that this command did not write stay.
    """
    # Imported here: no other command shows pages.
    from iacgate.reports.check_pages import index, page, page_name
    from iacgate.reports.wording import count

    if only_own and not directories:
        raise UsageError("--only-own needs your own checks", hint="name them with --dir")
    found = _written(directories if only_own else (packaged_root(), *directories))
    listed = index(found, page_name)
    if output is None:
        write_out(listed.encode())
        return
    pages = {"README.md": listed, **{page_name(check): page(check) for check in found}}
    removed = _write_pages(output, pages)
    gone = f", {count(removed, 'page')} removed" if removed else ""
    click.echo(f"{output}: {count(len(found), 'check')}{gone}", err=True)


def _written(roots: tuple[Path, ...]) -> list[dict[str, Any]]:
    """Checks in normal form, examples and all. Raises ``PolicyError`` with every problem."""
    load_directories(root for root in roots if root != packaged_root())  # an id stands once
    checks: list[dict[str, Any]] = []
    for root in roots:
        checks += lint_files(root, read_check_files(root))[0]
    return checks


def _write_pages(directory: Path, pages: dict[str, str]) -> int:
    """Write pages, and remove ours that are none of them any more; how many those were."""
    from iacgate.reports.check_pages import MARK

    stale = [
        path
        for path in sorted(directory.rglob("*.md"))
        if path.relative_to(directory).as_posix() not in pages and path.read_bytes().startswith(MARK.encode())
    ]
    try:
        for name, text in pages.items():
            (directory / name).parent.mkdir(parents=True, exist_ok=True)
            write_file(directory / name, text.encode())
        for path in stale:
            path.unlink()
    except OSError as error:
        raise UsageError(f"{error.filename} cannot be written: {(error.strerror or 'failed').lower()}") from None
    return len(stale)


def _suggest(check_id: str, catalogue: Catalogue) -> str:
    from difflib import get_close_matches

    close = get_close_matches(check_id, [head.id for head in catalogue.heads], n=1)
    return f"did you mean {close[0]}?" if close else "`iacgate checks list` shows them"
