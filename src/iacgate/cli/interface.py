"""What all commands share: how they speak, write reports and find out about the terminal."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from iacgate.errors import IacgateError, PolicyError
from iacgate.model.decision import Report
from iacgate.reports.formats import load
from iacgate.reports.interface import RenderOptions
from iacgate.reports.text import clean

__all__ = ["render_options", "say", "say_error", "say_leak", "write_file", "write_out", "write_report"]


def say_error(text: str) -> None:
    """One sentence on standard error."""
    click.echo(f"iacgate: error: {clean(text)}", err=True)


def say_leak() -> None:
    """A mask was missing: the output is clean all the same, and the bug is ours."""
    say_error("a sensitive value had to be taken out of the output; this is a bug in iacgate, please report it")


def say(error: IacgateError) -> None:
    """An exception of ours: what happened, where, and what to do next."""
    say_error(error.message)
    if isinstance(error, PolicyError):
        for problem in error.problems:
            click.echo(f"  {clean(str(problem))}", err=True)
    if error.hint:
        click.echo(f"  {clean(error.hint)}", err=True)


def render_options(*, include_passed: bool) -> RenderOptions:
    """Width and colour of the terminal, if there is one (NO_COLOR, FORCE_COLOR and TERM are honoured)."""
    tty = sys.stdout.isatty()
    colour = (
        (tty or bool(os.environ.get("FORCE_COLOR")))
        and not os.environ.get("NO_COLOR")
        and os.environ.get("TERM") != "dumb"
    )
    width = min(120, max(60, shutil.get_terminal_size((100, 24)).columns)) if tty else 100
    return RenderOptions(width, colour, include_passed)


def write_report(
    name: str, target: str | None, reports: Sequence[Report], options: RenderOptions, secrets: frozenset[str]
) -> int:
    """Render to a file or standard output. Returns how many secrets had to be taken out: a bug when not 0."""
    if target is not None:
        options = options._replace(colour=False)
    data = load(name).render_all(reports, options)
    hits = 0
    if secrets:
        from iacgate.secrets import scrub

        data, hits = scrub(data, secrets)
    if target is None or target == "-":
        write_out(data)
    else:
        write_file(Path(target), data, append=name == "github-summary")
    return hits


def write_out(data: bytes) -> None:
    """Bytes to standard output; a reader that went away changes nothing."""
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except OSError as error:
        if not isinstance(error, BrokenPipeError):
            raise IacgateError(f"standard output cannot be written: {(error.strerror or 'failed').lower()}") from None
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def write_file(path: Path, data: bytes, *, append: bool = False) -> None:
    """A report to a file: whole or not at all, except where there is something to append to or no regular file."""
    try:
        if append or (path.exists() and not path.is_file()):
            with path.open("ab" if append else "wb") as file:
                file.write(data)
            return
        temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        try:
            temporary.write_bytes(data)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise IacgateError(f"the report {path} cannot be written: {(error.strerror or 'failed').lower()}") from None
