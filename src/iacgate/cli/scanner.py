"""``iacgate scanner``: other scanners beside the gate, run by it or by the pipeline."""

from __future__ import annotations

from pathlib import Path

import click

from iacgate.cli.interface import write_out
from iacgate.cli.receipt import receipt
from iacgate.scanners.environment import SCANNERS, inspect, install

__all__ = ["scanner"]

_directory = click.option(
    "--directory",
    type=click.Path(path_type=Path),
    envvar="IACGATE_SCANNERS",
    metavar="DIR",
    help="Where scanners are installed.  [default: iacgate/scanners in the user's data directory]",
)


@click.group()
def scanner() -> None:
    """Other scanners beside the gate."""


scanner.add_command(receipt)


@scanner.command("install")
@click.argument("name", type=click.Choice(SCANNERS), metavar="NAME")
@_directory
@click.option("--index-url", metavar="URL", help="Package index; that of pip's own configuration when left out.")
def install_scanner(name: str, directory: Path | None, index_url: str | None) -> None:
    """Install a scanner into an environment of its own: `checkov`.

    Exact versions, each file with its digest, stand in a list that comes with iacgate. What is
    whole and up to date stays as it is.
    """
    click.echo(f"Installing {name}: this may take a minute", err=True)
    found, made = install(name, directory and directory.absolute(), index_url)
    click.echo(f"{name} {found.version} {'is installed' if made else 'was installed before'} in {found.directory}")


@scanner.command("list")
@_directory
@click.option(
    "--format",
    "format_name",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Format of the list.",
)
def list_scanners(directory: Path | None, format_name: str) -> None:
    """Which scanners there are, whether they are installed, in which version and where."""
    found = [inspect(name, directory and directory.absolute()) for name in SCANNERS]
    if format_name == "json":
        import msgspec

        rows = [
            {
                "name": one.scanner,
                "state": one.state,
                "version": one.version,
                "lock_sha256": one.lock_digest,
                "directory": str(one.directory),
                "problem": one.problem,
            }
            for one in found
        ]
        write_out(msgspec.json.encode(rows) + b"\n")
        return
    for one in found:
        why = f": {one.problem}" if one.problem else ""
        click.echo(f"{one.scanner}  {one.version or '-'}  {one.state}{why}  {one.directory}")
