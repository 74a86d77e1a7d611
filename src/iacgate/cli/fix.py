"""``iacgate fix``: the smallest edits of HCL after which failing checks pass."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from iacgate.cli.check import bundle_options
from iacgate.cli.interface import write_out
from iacgate.config import load_config
from iacgate.errors import UsageError
from iacgate.gate.fix_write import write_changes
from iacgate.gate.fixes import FixPlan, find_fixes
from iacgate.gate.judge import Settings, load_policy
from iacgate.model.finding import Result
from iacgate.reports.fixes import FORMATS, render
from iacgate.reports.text import clean
from iacgate.reports.wording import count

__all__ = ["fix"]

_SHOWN = 2000
"""Characters of a line that a terminal gets."""


@click.command()
@click.argument("directory", metavar="DIR")
@click.option("--write", is_flag=True, help="Change the files. Without it they are only shown.")
@click.option(
    "--format",
    "format_name",
    type=click.Choice(FORMATS),
    default="patch",
    show_default=True,
    help="Format on standard output: a patch, the body of a review on GitHub, of threads on GitLab, or JSON.",
)
@click.option("--check", "checks", multiple=True, metavar="ID", help="Only findings of this check; repeatable.")
@click.option(
    "--address", "addresses", multiple=True, metavar="ADDRESS", help="Only findings on this resource; repeatable."
)
@click.option(
    "--plan",
    "plan_file",
    metavar="FILE",
    help="Only findings of this plan (terraform show -json); DIR is the root module behind it.",
)
@bundle_options
def fix(
    directory: str,
    format_name: str,
    checks: tuple[str, ...],
    addresses: tuple[str, ...],
    plan_file: str | None,
    policy_file: Path | None,
    config_file: Path | None,
    workspace: str | None,
    var_files: tuple[Path, ...],
    *,
    write: bool,
) -> None:
    """Print the smallest edits of the HCL in DIR after which failing checks pass, or make them.

    An edit is offered where the check says what to write, and judging again shows that the finding passes
    and nothing else changes for the worse. What is not offered is listed on standard error, with the reason.
    """
    if not Path(directory).is_dir():
        raise UsageError(f"{directory} is not a directory", hint="give the directory of a root module: iacgate fix DIR")
    config = load_config(config_file)
    settings = Settings(
        organization=config.organization,
        workspace=workspace or config.workspace,
        kind="hcl",
        digest_key=config.digest_key,
        var_files=var_files,
    )
    source = load_policy(policy_file or config.policy_set)
    infos = map(source.catalogue.info, range(len(source.catalogue)))
    known = {name: info.id for info in infos for name in (info.id, *info.aliases)}
    for one in checks:
        if one not in known:
            raise UsageError(f"there is no check `{one}`", hint="`iacgate checks list` shows them")
    ids = {known[one] for one in checks}

    def wanted(result: Result) -> bool:
        return (not ids or result.check.id in ids) and (not addresses or result.subject.address in addresses)

    plan = find_fixes(directory, source, settings, wanted, plan_file)
    if write:
        write_changes(plan.changes, Path(directory))
    else:
        data = render(format_name, plan, directory)
        if sys.stdout.isatty():  # nobody applies this, and a file's control characters are not for a terminal
            lines = data.decode().expandtabs().split("\n")
            data = "\n".join(clean(line, _SHOWN) for line in lines).encode()
        write_out(data)
    for line in _summary(plan, write=write):
        click.echo(clean(line, 500), err=True)


def _summary(plan: FixPlan, *, write: bool) -> list[str]:
    lines = []
    for one in plan.fixes:
        note = f"; {one.note}" if one.note else ""
        lines.append(f"{'fixed' if write else 'fix'}: {_named(one.result)}{note}")
    lines += [f"{'fixed' if write else 'fix'} with it: {_named(one)}" for one in plan.also]
    lines += [f"not fixed: {_named(one.result)}: {one.why}" for one in plan.declined]
    files = f" in {count(len(plan.changes), 'file')}" if plan.changes else ""
    fixed = len(plan.fixes) + len(plan.also)
    done = "fixed" if write else "can be fixed"
    return [*lines, f"{count(fixed, 'finding')} {done}{files}, {len(plan.declined)} not"]


def _named(result: Result) -> str:
    root = f"{result.subject.root}: " if result.subject.root else ""
    return f"{root}{result.check.id} on {result.subject.address}"
