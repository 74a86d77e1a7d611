"""``iacgate pre-commit``: what the hook of pre-commit runs, which is given the files that change."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from iacgate.cli.check import check
from iacgate.errors import UsageError
from iacgate.sources.root_modules import root_modules

__all__ = ["pre_commit"]


def _judge(files: Sequence[Path], **options: Any) -> Any:
    found = root_modules(files, Path.cwd())
    if not found:
        raise UsageError(
            f"there is no Terraform configuration around {files[0]}", hint="run it where the repository is"
        )
    here = Path.cwd().resolve()
    assert check.callback is not None
    return check.callback(tuple(str(one.relative_to(here)) for one in found), **options)


pre_commit = click.Command(
    "pre-commit",
    help="Judge the root modules that files belong to: what pre-commit runs, before a commit.\n\n"
    "FILE is configuration or variables. A module that others call is judged as they call it. "
    "Run it from the top of the repository. The options are those of `iacgate check`.",
    params=[
        click.Argument(
            ["files"],
            nargs=-1,
            required=True,
            metavar="FILE...",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
        ),
        *(one for one in check.params if isinstance(one, click.Option)),
    ],
    callback=_judge,
)
