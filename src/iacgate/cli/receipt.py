"""``iacgate scanner receipt``: what shows, beside a scanner's results, that it looked."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path

import click

from iacgate.cli.interface import write_out
from iacgate.errors import UsageError
from iacgate.model.scan import Receipt

__all__ = ["receipt"]


@click.command()
@click.argument("results", metavar="RESULTS")
@click.option("--tool", required=True, metavar="NAME", help="The scanner, as its results name it: trivy, kics.")
@click.option("--version", "tool_version", default="", metavar="VERSION", help="Its version.")
@click.option("--rules", type=click.IntRange(min=0), metavar="N", help="How many rules it had loaded.")
@click.option("--commit", default="", envvar="IACGATE_COMMIT", metavar="SHA", help="The commit that it looked at.")
@click.option(
    "--input",
    "input_file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="The file that it looked at (a plan): its digest goes in.",
)
def receipt(
    results: str, tool: str, tool_version: str, rules: int | None, commit: str, input_file: Path | None
) -> None:
    """Write a receipt for RESULTS, the file that a scanner has just written, to standard output.

    Call it only where the scanner ended well, in the step that ran it: the receipt says that it did, at this time.
    """
    from iacgate.gate.scan_files import read_results
    from iacgate.scanners.receipt import read_receipt, tool_name, utc_time, write_receipt

    data = read_results(results)
    if not data.strip():
        raise UsageError(f"{results} is empty: the scanner wrote no results", hint="did it end well?")
    digest = hashlib.sha256(input_file.read_bytes()).hexdigest() if input_file else ""
    made = utc_time(datetime.now(UTC).isoformat())
    written = write_receipt(
        Receipt(tool_name(tool), tool_version, rules, commit.lower(), made, digest), hashlib.sha256(data).hexdigest()
    )
    read_receipt(json.loads(written), "the receipt")  # what cannot be read back is not written
    write_out(written)
