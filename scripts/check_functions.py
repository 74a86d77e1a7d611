"""Compare Terraform's expressions and built-in functions with ours, one by one.

The table is ``tests/unit/sources/hcl/functions.jsonl``: an expression a line, and what Terraform made of it, in JSON as
``jsonencode`` writes it. To add one, append ``{"expression": "upper(1)"}`` and record it; Terraform 1.11 must be on
the path, nothing is downloaded::

    python scripts/check_functions.py            # does Terraform still say what is recorded, and do we?
    python scripts/check_functions.py --record   # write down what Terraform says

Where ours may differ, the line says so: ``ours`` is what we make of it (``unknown`` is always sound, ``error`` is not)
and ``because`` is the reason.
"""

import argparse
import base64
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))  # runs from a checkout without an installation

from iacgate.sources.hcl.expressions import Scope, evaluate  # noqa: E402
from iacgate.sources.hcl.functions.encoding import json_text  # noqa: E402
from iacgate.sources.hcl.functions.signature import FileContext  # noqa: E402
from iacgate.sources.hcl.functions.table import functions  # noqa: E402
from iacgate.sources.hcl.instances import ModuleInstance  # noqa: E402
from iacgate.sources.hcl.module import read_module  # noqa: E402
from iacgate.sources.hcl.parse import parse_hcl  # noqa: E402
from iacgate.sources.hcl.shared import Shared  # noqa: E402
from iacgate.sources.hcl.syntax import Expression  # noqa: E402
from iacgate.sources.hcl.values import EvaluationError, SetValue, holds_unknown, unknown_of  # noqa: E402

TABLE = ROOT / "tests/unit/sources/hcl/functions.jsonl"
FILES = {
    "a.txt": b"hello\n",
    "binary": b"\xff\x00",
    "deep/b.json": b"{}",
    "deep/er/c.json": b"[1]",
    "deep/d-1.txt": b"",
    "greeting.tftpl": b"Hi ${name}, ${n + 0}.\n",
}
"""The directory in which the expressions are evaluated."""
ERROR, UNKNOWN = "error", "unknown"


def main(arguments: list[str] | None = None) -> int:
    """Compare, and record if asked for; 1 when something differs that is not explained."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--record", action="store_true", help="write Terraform's results into the table")
    options = parser.parse_args(arguments)
    rows = read_table()
    with tempfile.TemporaryDirectory() as directory:
        make_files(Path(directory))
        theirs = ask_terraform([row["expression"] for row in rows], Path(directory))
        ours = [evaluated(row["expression"], Path(directory)) for row in rows]
    differing = explained = 0
    for row, their, our in zip(rows, theirs, ours, strict=True):
        if not options.record and recorded(row) != their:
            print(f"no longer what is recorded: {row['expression']}\n  Terraform: {their}")
        row["result"], row["set"] = their
        if their == our:
            row.pop("ours", None), row.pop("because", None)
        elif row.get("ours") == our[0] and row.get("because"):
            explained += 1
        else:
            differing += 1
            print(f"differs: {row['expression']}\n  Terraform: {their}\n  ours:      {our}")
    if options.record:
        lines = (
            json.dumps({key: one for key, one in row.items() if one is not False}, ensure_ascii=False) for row in rows
        )
        TABLE.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(
        f"{len(rows)} expressions: {len(rows) - differing - explained} agree,"
        f" {explained} differ as explained, {differing} differ"
    )
    return 1 if differing else 0


def read_table() -> list[dict[str, Any]]:
    """The rows of the table."""
    return [json.loads(line) for line in TABLE.read_text(encoding="utf-8").splitlines()]


def recorded(row: dict[str, Any]) -> tuple[str, bool]:
    """What Terraform made of a row's expression: JSON text or ``error`` or ``unknown``; whether it is a set."""
    return row.get("result", ""), row.get("set", False)


def make_files(directory: Path) -> None:
    """The files that the expressions refer to."""
    for name, content in FILES.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_bytes(content)


def ask_terraform(expressions: list[str], directory: Path) -> list[tuple[str, bool]]:
    """Terraform's results, all in one run of its console, which prints the last thing it was asked for."""
    lines = ["locals {"]
    for at, one in enumerate(expressions):
        lines.append(f'e{at} = try(jsonencode([nonsensitive({one})]), "{ERROR}")')
        lines.append(f"s{at} = can(setunion({one})) && !can(concat({one}))")
    results = ", ".join(f"base64encode(jsonencode([local.e{at}, local.s{at}]))" for at in range(len(expressions)))
    (directory / "main.tf").write_text("\n".join([*lines, f"all = [{results}]", "}"]), encoding="utf-8")
    console = subprocess.run(
        ["terraform", "console"],
        input="local.all\n",
        capture_output=True,
        text=True,
        cwd=directory,
        timeout=300,
        env={**os.environ, "TF_CLI_CONFIG_FILE": os.devnull, "CHECKPOINT_DISABLE": "1"},
        check=False,
    )
    (directory / "main.tf").unlink()
    printed = [line.strip().rstrip(",") for line in console.stdout.splitlines()[1:-1]]
    if len(printed) != len(expressions):
        raise SystemExit(f"terraform console failed: {console.stderr}")
    return [_decoded(line) for line in printed]


def _decoded(line: str) -> tuple[str, bool]:
    if not line.startswith('"'):
        return UNKNOWN, False
    result, is_set = json.loads(base64.b64decode(json.loads(line)))
    return result, is_set


def evaluated(expression: str, directory: Path) -> tuple[str, bool]:
    """Our result, in the same form."""
    try:
        value = value_of(parse(expression), context_of(directory))
        return (UNKNOWN, False) if holds_unknown(value) else (json_text([value]), isinstance(value, SetValue))
    except EvaluationError:
        return ERROR, False


def parse(expression: str) -> Expression:
    """The syntax of one expression."""
    syntax = parse_hcl(f"x = {expression}\n")
    if syntax.problems:
        raise SystemExit(f"not HCL: {expression}: {syntax.problems}")
    return syntax.body.attributes[0].expression


def context_of(directory: Path) -> FileContext:
    """Where the functions stand that read files."""

    def render(template: str, variables: dict[str, Any]) -> Any:
        return value_of(parse(f"<<-END\n{template}END"), context_of(directory), variables)

    return FileContext(directory, directory, render)


def value_of(expression: Expression, context: FileContext, names: dict[str, Any] | None = None) -> Any:
    """What an expression comes to in an empty module. Raises ``EvaluationError``."""
    shared = Shared(context.directory, NoSchema(), lambda _: None, {}, functions(), context.root)
    module = ModuleInstance(shared, read_module(context.directory, ()), (), {}, {}, False, ())
    return evaluate(expression, Scope(module, None, names or {}))


class NoSchema:
    """No provider is known."""

    def paths(self, resource_type: str) -> Mapping[str, Any]:
        """None."""
        return {}

    def left_to_provider(self, resource_type: str, path: str) -> bool:
        """Never."""
        return False


def call(name: str, arguments: list[Any], context: FileContext) -> Any:
    """Call a function as an evaluator does."""
    one = functions()[name]
    if not one.accepts_unknown and holds_unknown(arguments):
        return unknown_of(*arguments)
    return one.call(arguments, context)


if __name__ == "__main__":
    raise SystemExit(main())
