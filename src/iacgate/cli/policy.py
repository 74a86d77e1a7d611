"""``iacgate policy``: for people who write checks and policy sets."""

from collections.abc import Sequence
from pathlib import Path

import click

from iacgate.cli.interface import write_file, write_out
from iacgate.cli.replay import replay_command
from iacgate.errors import PolicyError, Problem
from iacgate.policy.own_files import OwnFiles, lint, read_own_files
from iacgate.reports.wording import count

__all__ = ["policy"]

_path = click.argument("path", type=click.Path(path_type=Path), metavar="DIR|FILE")
_schema = click.option(
    "--schema",
    "schema_file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="`terraform providers schema -json`, for resource types that iacgate does not know. A type in no schema is "
    "an error then.",
)
_strict = click.option("--strict", is_flag=True, help="Warnings are errors.")


@click.group()
def policy() -> None:
    """For people who write checks and policy sets."""


@policy.command("lint")
@_path
@_schema
@_strict
def lint_command(path: Path, schema_file: Path | None, *, strict: bool) -> None:
    """Hold your checks and policy bundles against their format: all problems at once."""
    own = read_own_files(path)
    problems = lint(own, schema_file)
    for problem in problems:
        click.echo(str(problem))
    _refuse(path, problems, strict=strict)
    warned = f", {count(len(problems), 'warning')}" if problems else ""
    click.echo(f"{path}: {_what(own)}, no problems{warned}", err=True)


@policy.command("test")
@_path
@_schema
@click.option("--check", "only", multiple=True, metavar="ID", help="Only the examples of this check; repeatable.")
@click.option(
    "--format",
    "format_name",
    type=click.Choice(["terminal", "json", "junit"]),
    default="terminal",
    show_default=True,
    help="Format of the result.",
)
@click.option("--output", type=click.Path(path_type=Path), metavar="FILE", help="Write that to a file instead.")
@_strict
def test_command(
    path: Path,
    schema_file: Path | None,
    only: tuple[str, ...],
    format_name: str,
    output: Path | None,
    *,
    strict: bool,
) -> None:
    """Run the examples of your checks, and say which came out otherwise, and what no example shows.

    Ends with 2 when an example did.
    """
    # Imported here: only this command needs HCL.
    from iacgate.testing.example_run import run_examples
    from iacgate.testing.run_report import FORMATS, otherwise, summary_line

    own = read_own_files(path)
    if not own.checks:
        raise PolicyError(f"{path} brings no checks of its own", hint="there is nothing that could be tested")
    problems = lint(own, schema_file)
    _refuse(path, problems, listed=True)
    runs = list(run_examples(own.checks, schema_file, only))
    data = FORMATS[format_name](runs, problems)
    if output is None:
        write_out(data)
    else:
        write_file(output, data)
    if output is not None or format_name != "terminal":
        click.echo(summary_line(runs, problems), err=True)
    wrong = otherwise(runs)
    if wrong:
        raise PolicyError(f"{count(wrong, 'example')} in {path} came out otherwise")
    warned = len(problems) + sum(len(run.warnings) for run in runs)
    if strict and warned:
        raise PolicyError(f"{count(warned, 'warning')} in {path}")


policy.add_command(replay_command)


def _refuse(path: Path, problems: Sequence[Problem], *, strict: bool = False, listed: bool = False) -> None:
    """End here when something is wrong. ``listed`` says what, for those who have not printed it."""
    errors = [problem for problem in problems if strict or not problem.warning]
    if errors:
        message = f"{count(len(errors), 'problem')} in {path}"
        raise PolicyError(message, tuple(problems) if listed else ())


def _what(own: OwnFiles) -> str:
    checks = sum(len(one.files) for one in own.checks)
    bundles = len(own.bundles)
    parts = [count(checks, "check")] if checks or not bundles else []
    return " and ".join(parts + ([count(bundles, "policy bundle")] if bundles else []))
