"""``iacgate policy``: for people who write checks and policy sets."""

from pathlib import Path

import click

from iacgate.errors import PolicyError, Problem, UsageError
from iacgate.policy.catalogue import lint_files, load_directories, read_check_files
from iacgate.policy.policy_file import read_policy
from iacgate.policy.policy_set import unknown_names
from iacgate.policy.yaml_nodes import Source

__all__ = ["policy"]


@click.group()
def policy() -> None:
    """For people who write checks and policy sets."""


@policy.command("lint")
@click.argument("path", type=click.Path(path_type=Path), metavar="DIR|FILE")
@click.option(
    "--schema",
    "schema_file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="`terraform providers schema -json`, for resource types that iacgate does not know.",
)
def lint(path: Path, schema_file: Path | None) -> None:
    """Hold your checks (a directory) or a policy bundle (a file) against their format: all problems at once."""
    problems, what = _lint_file(path) if path.is_file() else _lint_directory(path, schema_file)
    for problem in problems:
        click.echo(str(problem))
    errors = sum(not problem.warning for problem in problems)
    if errors:
        raise PolicyError(f"{errors} {'problem' if errors == 1 else 'problems'} in {path}")
    click.echo(f"{path}: {what}, no problems" + (f", {len(problems)} warnings" if problems else ""), err=True)


def _lint_file(path: Path) -> tuple[list[Problem], str]:
    source = Source(str(path))
    try:
        bundle = read_policy(path.read_bytes(), source)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {(error.strerror or 'unreadable').lower()}") from None
    problems = source.problems
    if bundle is not None:
        roots = [path.parent / directory for directory in bundle["checks"]]
        for root in roots:
            try:
                problems += _lint_directory(root, None)[0]
            except PolicyError as error:
                problems.append(Problem(str(path), 0, 0, error.message))
        if not any(not problem.warning for problem in problems):
            problems += unknown_names(bundle, load_directories(roots, bundle["parameters"]), str(path))
    return problems, "a policy bundle"


def _lint_directory(root: Path, schema_file: Path | None) -> tuple[list[Problem], str]:
    files = read_check_files(root)
    if not files:
        raise PolicyError(f"there are no checks in {root}", hint="a check is a file DIR/…/ID.yaml")
    checks, problems, _ = lint_files(root, files, schema_file)
    return problems, f"{len(checks)} {'check' if len(checks) == 1 else 'checks'}"
