"""``iacgate policy replay``: what a change of policy would block, before it does."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from iacgate.cli.interface import write_file, write_out
from iacgate.config import load_config
from iacgate.errors import InputError, UsageError
from iacgate.gate.judge import PolicySource, Settings, load_policy
from iacgate.sources.json_text import DEFAULT_MAX_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from iacgate.gate.replay import PlanReplay

__all__ = ["replay_command"]


@click.command("replay")
@click.option(
    "--plans",
    "directory",
    required=True,
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Plans as `terraform show -json` writes them; every *.json below it.",
)
@click.option(
    "--policy-set",
    "current_file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="The policy as it is.  [default: the configured one, else baseline]",
)
@click.option(
    "--proposed",
    "proposed_file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="A policy bundle instead of it, or one check in the place of the one that has its id.",
)
@click.option(
    "--as-of",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    help="Judge by the proposed policy as on this date: what `enforce_from` says begins.",
)
@click.option("--workspace", metavar="NAME", help="The workspace that all plans belong to.")
@click.option(
    "--workspaces-from-path", is_flag=True, help="A plan's folder below DIR, or else its name, is its workspace."
)
@click.option(
    "--owner-tag",
    default="owner",
    show_default=True,
    metavar="KEY",
    help="The tag or label that says whose a resource is.",
)
@click.option("--jobs", type=click.IntRange(min=1), metavar="N", help="Processes.  [default: one a processor]")
@click.option(
    "--format",
    "format_name",
    type=click.Choice(["terminal", "json", "markdown"]),
    default="terminal",
    show_default=True,
    help="Format of the result.",
)
@click.option("--output", type=click.Path(path_type=Path), metavar="FILE", help="Write that to a file instead.")
@click.option("--exit-code", is_flag=True, help="End with 1 when a plan that is allowed would not be any more.")
@click.option(
    "--config",
    "config_file",
    type=click.Path(path_type=Path),
    envvar="IACGATE_CONFIG",
    metavar="FILE",
    help="Configuration of the gate.",
)
def replay_command(
    directory: Path,
    current_file: Path | None,
    proposed_file: Path | None,
    as_of: object,
    workspace: str | None,
    workspaces_from_path: bool,
    owner_tag: str,
    jobs: int | None,
    format_name: str,
    output: Path | None,
    exit_code: bool,
    config_file: Path | None,
) -> int:
    """Judge many plans by the policy as it is and as it is proposed, and say what comes out otherwise.

    Which outcomes would flip, by which checks, on which resources, and whose they are. Ends with 4 when no plan
    could be judged.
    """
    # Imported here: nobody else replays.
    from iacgate.gate.replay import find_plans, gather, replay
    from iacgate.reports.replay import FORMATS

    if proposed_file is None and as_of is None:
        raise UsageError("nothing is proposed", hint="--proposed names a policy bundle or a check, --as-of a date")
    if workspace and workspaces_from_path:
        raise UsageError("--workspace and --workspaces-from-path say the same thing differently")
    config = load_config(config_file)
    current_file = current_file or config.policy_set
    current = load_policy(current_file)
    settings = Settings(
        organization=config.organization,
        workspace=workspace or config.workspace,
        max_input_bytes=config.max_input_bytes or DEFAULT_MAX_BYTES,
        digest_key=config.digest_key,
    )
    replays = replay(
        directory,
        current,
        _proposed(current, current_file, proposed_file),
        settings,
        workspaces_from_path=workspaces_from_path,
        owner_tag=owner_tag,
        today=f"{as_of:%Y-%m-%d}" if as_of is not None else None,
        jobs=jobs or os.cpu_count() or 1,
    )
    found = gather(_counted(replays, len(find_plans(directory))))
    text = FORMATS[format_name](found).encode()
    if output is None:
        write_out(text)
    else:
        write_file(output, text)
    if len(found.unreadable) == found.plans:
        raise InputError(f"no plan in {directory} could be judged")
    return 1 if exit_code and found.newly_blocked else 0


def _proposed(current: PolicySource, current_file: Path | None, file: Path | None) -> PolicySource:
    from iacgate.gate.replay import with_check
    from iacgate.policy.own_files import read_own_files

    if file is None:
        return current
    return load_policy(file) if read_own_files(file).bundles else with_check(current, file, current_file)


def _counted(replays: Iterator[PlanReplay], plans: int) -> Iterator[PlanReplay]:
    """The same, with a bar for a person who waits."""
    if not sys.stderr.isatty():
        yield from replays
        return
    with click.progressbar(replays, length=plans, label="plans", file=sys.stderr) as bar:
        yield from bar
