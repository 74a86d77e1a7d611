"""``iacgate init``: write the pipeline step that puts the gate in front of Terraform, or the hook before a commit.

A further system is one template in ``templates/`` and one line in ``SYSTEMS``.
"""

import json
import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import NamedTuple

import click

from iacgate import __version__
from iacgate.errors import UsageError

__all__ = ["SYSTEMS", "init_command", "render", "write"]

_FILES = r"\.((tf|tofu)(\.json)?|tfvars(\.json)?)$"
"""What pre-commit gives to its hook, as a regular expression."""
_TEMPLATES = Path(__file__).parent / "templates"


class _Pipeline(NamedTuple):
    template: str
    path: str
    next_step: str


SYSTEMS: Mapping[str, _Pipeline] = MappingProxyType(
    {
        "github": _Pipeline(
            "github.yml.j2",
            ".github/workflows/iacgate.yml",
            "add the cloud sign-in where the file says so, commit it, and require the check 'iacgate' on your branch",
        ),
        "gitlab": _Pipeline(
            "gitlab.yml.j2",
            ".gitlab/iacgate.yml",
            "add the cloud sign-in where the file says so, and include it from .gitlab-ci.yml as its head shows",
        ),
        "pre-commit": _Pipeline(
            "pre-commit.yml.j2",
            ".pre-commit-config.yaml",
            "remove the second hook if you have no checks of your own, and run `pre-commit install`",
        ),
    }
)
"""CI systems, and pre-commit, by name."""


@click.command("init")
@click.argument("system", type=click.Choice(list(SYSTEMS)))
@click.option("--directory", default=".", show_default=True, help="Terraform root module, from the repository's root.")
@click.option(
    "--into",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=".",
    show_default=True,
    help="The repository to write into.",
)
@click.option("--force", is_flag=True, help="Overwrite what is there.")
@click.option("--print", "printed", is_flag=True, help="Print it instead, to be put into a file that is there.")
def init_command(system: str, directory: str, into: Path, force: bool, printed: bool) -> None:
    """Write a pipeline step that plans, judges the plan and reports; or a hook that judges before a commit."""
    files = render(system, directory=directory)
    if not (into / directory).is_dir():
        raise UsageError(f"there is no directory {directory!r} in {into}", hint="Name it with --directory.")
    if printed:
        click.echo("".join(files.values()), nl=False)
        return
    for path in write(files, into, force=force):
        click.echo(f"wrote {path}")
    click.echo(f"next: {SYSTEMS[system].next_step}", err=True)


def render(system: str, *, directory: str = ".", version: str = __version__) -> dict[str, str]:
    """The files for one CI system: path from the repository's root -> text.

    ``directory`` is the Terraform root module, relative to the repository; ``version`` is the
    release of iacgate that the pipeline installs. Raises :class:`~iacgate.errors.UsageError` for a
    directory that is not inside the repository or cannot be named in a pipeline.
    """
    # Imported here: no other command draws a template.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    pipeline = SYSTEMS[system]
    # Square brackets, because ${{ … }} belongs to GitHub.
    environment = Environment(  # noqa: S701  # YAML, not HTML; what is put in goes through `quoted`
        loader=FileSystemLoader(_TEMPLATES),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        block_start_string="[%",
        block_end_string="%]",
        variable_start_string="[[",
        variable_end_string="]]",
        comment_start_string="[#",
        comment_end_string="#]",
    )
    environment.filters["quoted"] = _quoted
    template = environment.get_template(pipeline.template)
    root = _root_module(directory)
    text = template.render(
        directory=root,
        version=version,
        path=pipeline.path,
        requirement=f"iacgate=={version}",
        files=("" if root == "." else f"^{re.escape(root)}/.*") + _FILES,
    )
    return {pipeline.path: text}


def write(files: Mapping[str, str], root: Path, *, force: bool = False) -> list[Path]:
    """Write all files below ``root``, or none: without ``force`` nothing that exists is touched.

    Raises :class:`~iacgate.errors.UsageError` when one exists or cannot be written.
    """
    targets = {root / path: text for path, text in files.items()}
    existing = [str(target) for target in targets if os.path.lexists(target)]
    if existing and not force:
        raise UsageError(
            f"already there: {', '.join(existing)}", hint="Overwrite it with --force, or --print what goes into it."
        )
    try:
        for target, text in targets.items():
            target.parent.mkdir(parents=True, exist_ok=True)
            _replace(target, text)
    except OSError as error:
        raise UsageError(f"cannot write {error.filename}: {error.strerror}") from error
    return list(targets)


def _replace(target: Path, text: str) -> None:
    """Write whole or not at all; a link is replaced, not followed."""
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=target.parent, delete=False) as file:
        file.write(text)
    temporary = Path(file.name)
    temporary.chmod(0o644)
    temporary.replace(target)


def _root_module(directory: str) -> str:
    """Normalise the root module's path; refuse what a pipeline could take for something else."""
    path = PurePosixPath(directory)
    if path.is_absolute() or ".." in path.parts:
        raise UsageError(
            f"{directory!r} does not lie inside the repository", hint="Name it from the repository's root."
        )
    # A dollar sign would be expanded by the CI system, before any shell sees it.
    if not directory.isprintable() or "$" in directory or directory.startswith("-"):
        raise UsageError(f"a pipeline cannot name the directory {directory!r}")
    return str(path)


def _quoted(text: str) -> str:
    """A YAML scalar in double quotes; JSON's strings are YAML's."""
    return json.dumps(text, ensure_ascii=False)
