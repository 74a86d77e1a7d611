"""``iacgate checks coverage``: what of a benchmark, or of another tool's rules, is asked here, and what is not."""

from collections import Counter
from pathlib import Path

import click

from iacgate.cli.interface import write_out
from iacgate.errors import UsageError
from iacgate.policy.catalogue import Catalogue, load_directories, load_packaged, packaged_root

__all__ = ["coverage"]

STATUSES = ("covered", "left-out", "open")


@click.command("coverage")
@click.option("--framework", metavar="NAME", help="A benchmark, such as cis-aws-3.0.")
@click.option("--tool", metavar="NAME", help="Another tool: checkov, trivy or kics.")
@click.option("--only", type=click.Choice(STATUSES), help="Only the controls or rules of this status.")
@click.option(
    "--dir",
    "directories",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Your own checks too; repeatable.",
)
@click.option(
    "--format",
    "format_name",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Format of the list.",
)
def coverage(
    framework: str | None, tool: str | None, only: str | None, directories: tuple[Path, ...], format_name: str
) -> None:
    """Which controls of a benchmark, or rules of another tool, the checks cover.

    Each is covered by checks, left out with the reason, or open. Without --framework and --tool: a line for each
    benchmark and tool.
    """
    # Imported here: it reads YAML, which no other listing does.
    from iacgate.policy.coverage import framework_coverage, frameworks, tool_coverage, tools

    if framework and tool:
        raise UsageError("give --framework or --tool, not both")
    catalogue: Catalogue = load_directories(directories) if directories else load_packaged()
    infos = [catalogue.info(number) for number in range(len(catalogue.heads))]
    root = packaged_root()
    names = [(framework_coverage, framework)] if framework else [(tool_coverage, tool)] if tool else [
        *((framework_coverage, name) for name in frameworks(root)),
        *((tool_coverage, name) for name in tools(root)),
    ]  # fmt: skip
    found = [cover(root, name or "", infos) for cover, name in names]
    if format_name == "json":
        import msgspec

        documents = [
            {
                "name": one.name,
                "title": one.title,
                "summary": {status: sum(row.status == status for row in one.rows) for status in STATUSES},
                "stray": [{"named_by": who, "id": what} for who, what in one.stray],
                "rows": [
                    {**row._asdict(), "status": row.status} for row in one.rows if only is None or row.status == only
                ],
            }
            for one in found
        ]
        write_out(msgspec.json.encode(documents if len(names) > 1 else documents[0]) + b"\n")
        return
    for one in found:
        counts = Counter(row.status for row in one.rows)
        if framework or tool:
            width = max((len(row.id) for row in one.rows), default=0)
            for row in one.rows:
                if only is None or row.status == only:
                    answer = ", ".join(row.checks) or row.reason
                    click.echo(f"{row.id:<{width}}  {row.status:<8}  {row.about}: {answer}")
            for who, what in one.stray if only is None else ():
                click.echo(f"{what:<{width}}  there is no such one, and {who} names it")
        summary = ", ".join(f"{counts[status]} {status.replace('-', ' ')}" for status in STATUSES)
        click.echo(f"{one.name:<18}  {one.title}: {len(one.rows)}, {summary}")
