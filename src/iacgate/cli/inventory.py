"""``iacgate inventory``: what exists in the clouds, for checks whose answer no plan holds."""

from __future__ import annotations

from pathlib import Path

import click

from iacgate.cli.interface import write_file
from iacgate.errors import UsageError
from iacgate.reports.wording import count
from iacgate.sources.json_text import DEFAULT_MAX_BYTES

__all__ = ["inventory"]


@click.group()
def inventory() -> None:
    """What exists in the clouds, for checks whose answer no plan holds."""


@inventory.command("index")
@click.argument("inventories", nargs=-1, required=True, metavar="INVENTORY...")
@click.option("--output", required=True, type=click.Path(path_type=Path), metavar="FILE", help="Where the index goes.")
@click.option(
    "--policy-set",
    "policy_file",
    type=click.Path(path_type=Path),
    envvar="IACGATE_POLICY_SET",
    metavar="FILE",
    help="Policy bundle whose own checks the index is for, too.",
)
@click.option(
    "--max-input-bytes",
    type=click.IntRange(min=1),
    envvar="IACGATE_MAX_INPUT_BYTES",
    metavar="N",
    help=f"Refuse larger inputs.  [default: {DEFAULT_MAX_BYTES}]",
)
def index_command(
    inventories: tuple[str, ...], output: Path, policy_file: Path | None, max_input_bytes: int | None
) -> None:
    """Make a posture index of inventories, for `--inventory` of `iacgate check`.

    It holds what checks ask of resources that a plan does not show, and nothing that the providers mark sensitive.
    """
    if str(output.resolve()) in {str(Path(one).resolve()) for one in inventories if one != "-"}:
        raise UsageError(f"the index would overwrite the inventory {output}")
    # Imported here: the group's help needs none of it.
    from iacgate.gate.judge import load_policy
    from iacgate.gate.posture_index import make_index
    from iacgate.policy.provider_schema import load
    from iacgate.sources.input_file import read_input
    from iacgate.sources.inventory_json import read_inventory

    limit = max_input_bytes or DEFAULT_MAX_BYTES
    read = [read_inventory(read_input(one, limit), one) for one in inventories]
    made = make_index(read, load_policy(policy_file).catalogue, load())
    write_file(output, made.data)
    kept = f"{made.resources} of {count(made.given, 'resource')} ({count(made.types, 'type')})"
    newer = f"; {count(made.replaced, 'scope')} left out, there is a newer one" if made.replaced else ""
    click.echo(f"{output}: {kept} in {count(made.scopes, 'scope')}, {len(made.data) / 1024:.0f} KiB{newer}", err=True)
