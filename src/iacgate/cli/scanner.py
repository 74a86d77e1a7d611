"""``iacgate scanner``: for pipelines that run other scanners beside the gate."""

import click

from iacgate.cli.receipt import receipt

__all__ = ["scanner"]


@click.group()
def scanner() -> None:
    """Other scanners beside the gate."""


scanner.add_command(receipt)
