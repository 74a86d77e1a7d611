"""``iacgate doctor``: what is installed, and whether it works together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import click

from iacgate.cli.interface import write_out
from iacgate.doctor.diagnosis import Line, Status, exit_code
from iacgate.doctor.packages import look_at_hcl2, look_at_packages
from iacgate.doctor.surroundings import look_at_cache, look_at_policy, look_at_scanners, look_at_terraform
from iacgate.reports.text import clean

__all__ = ["doctor"]


@click.command()
@click.option(
    "--format",
    "format_name",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Format of the list.",
)
@click.option(
    "--config",
    "config_file",
    type=click.Path(path_type=Path),
    envvar="IACGATE_CONFIG",
    metavar="FILE",
    help="Look at this configuration, too.",
)
@click.option(
    "--policy-set",
    "policy_file",
    type=click.Path(path_type=Path),
    envvar="IACGATE_POLICY_SET",
    metavar="FILE",
    help="Look at this policy bundle, too.",
)
def doctor(format_name: str, config_file: Path | None, policy_file: Path | None) -> int:
    """Say what is installed and whether it works together.

    One line a thing: `ok`, `warn` or `fail`, and what mends it. Ends with 0 when all that is
    needed works, with 2 when only the configuration or the policy is wrong, else with 4.
    """
    lines = list(_look(config_file, policy_file))
    code = exit_code(lines)
    if format_name == "json":
        import msgspec

        shown = [
            {"subject": one.subject, "status": one.status, "text": one.text, "hint": one.hint or None} for one in lines
        ]
        write_out(msgspec.json.encode({"schema": "iacgate/doctor/v1", "exit_code": code, "lines": shown}) + b"\n")
        return code
    width = max(len(one.subject) for one in lines)
    for one in lines:
        click.echo(f"{one.status:<4}  {one.subject:<{width}}  {clean(one.text)}")
        if one.hint:
            click.echo(f"      {'':<{width}}  -> {clean(one.hint)}")
    return code


def _look(config_file: Path | None, policy_file: Path | None) -> Iterator[Line]:
    looks: tuple[tuple[str, Callable[[], Iterator[Line]]], ...] = (
        ("packages", look_at_packages),
        ("python-hcl2", look_at_hcl2),
        ("policy", lambda: look_at_policy(config_file, policy_file)),
        ("cache", look_at_cache),
        ("scanners", look_at_scanners),
        ("terraform", look_at_terraform),
    )
    for subject, look in looks:
        try:
            yield from look()
        except Exception as error:  # one thing that is broken beyond expectation hides no other
            yield Line(subject, Status.FAIL, f"cannot be looked at ({type(error).__name__})", "install iacgate again")
