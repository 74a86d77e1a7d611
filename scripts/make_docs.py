#!/usr/bin/env python3
"""Write the generated pages of docs/reference: the command line, the index of checks, the formats' JSON Schemas.

    python scripts/make_docs.py            write what has changed
    python scripts/make_docs.py --check    write nothing; exit 1 and name the files that are stale

The command-line page is made from the click commands themselves, so it says what ``--help`` says.
"""

import argparse
import json
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import click

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))  # the commands of this checkout, not of an installation

from iacgate.cli.main import main  # noqa: E402
from iacgate.policy.catalogue import lint_files, read_check_files  # noqa: E402
from iacgate.policy.json_schema import check_schema, policy_schema  # noqa: E402
from iacgate.reports.check_pages import index  # noqa: E402
from iacgate.sources.inventory_schema import inventory_schema  # noqa: E402

REFERENCE = ROOT / "docs" / "reference"

CLI_HEAD = """\
<!-- Written by scripts/make_docs.py from the commands themselves; change it there. -->

# The command line

`iacgate COMMAND --help` prints the same. What the exit codes mean is in [exit-codes.md](exit-codes.md), what the
environment variables do in [configuration.md](configuration.md). Results go to standard output, everything else to
standard error.
"""


CHECKS_HEAD = "<!-- Written by scripts/make_docs.py from the checks themselves; change them in checks/. -->\n"
CHECKS_NOTE = (
    "`iacgate checks docs --output DIR` writes a page about each; the links here lead to the checks as they are."
)


def documents() -> dict[Path, str]:
    """Every generated page with what it should hold."""
    return {
        REFERENCE / "cli.md": cli_page(),
        REFERENCE / "checks.md": checks_page(),
        REFERENCE / "check.schema.json": _json(check_schema()),
        REFERENCE / "policy.schema.json": _json(policy_schema()),
        REFERENCE / "inventory.schema.json": _json(inventory_schema()),
    }


def commands(command: click.Command = main, *names: str) -> Iterator[tuple[str, click.Command]]:
    """Each command below one, itself first, with its whole name: ``iacgate checks list``."""
    yield " ".join(("iacgate", *names)), command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            if below is not None and not below.hidden:
                yield from commands(below, *names, name)


def options(command: click.Command) -> list[click.Option]:
    """The options of a command that people see, without ``--help``."""
    shown = (one for one in command.params if isinstance(one, click.Option) and not one.hidden)
    return [one for one in shown if "--help" not in one.opts]


def checks_page() -> str:
    """The index of the check library."""
    root = ROOT / "checks"
    checks, _, _ = lint_files(root, read_check_files(root))
    return index(checks, lambda check: f"../../checks/{check['file']}", CHECKS_HEAD, CHECKS_NOTE)


def cli_page() -> str:
    """The page on the command line."""
    found = list(commands())
    contents = "".join(f"- [`{name}`](#{name.replace(' ', '-')}): {_summary(command)}\n" for name, command in found[1:])
    return "\n".join([CLI_HEAD, contents, *(_section(name, command) for name, command in found)])


def _section(name: str, command: click.Command) -> str:
    context = click.Context(command, info_name=name)
    usage = " ".join([name, *command.collect_usage_pieces(context)])
    parts = [f"## {name}\n", f"```text\n{usage}\n```\n", _prose(command.help or "")]
    rows = [_row(option) for option in options(command)]
    if rows:
        parts.append("| option | | default | variable |\n|---|---|---|---|\n" + "\n".join(rows) + "\n")
    return "\n".join(parts)


def _row(option: click.Option) -> str:
    value = "" if option.is_flag else f" {_metavar(option)}"
    words = ", ".join(f"`{_cell(flag + (value if flag.startswith('--') else ''))}`" for flag in option.opts)
    text, _, default = (option.help or "").partition("[default: ")
    if not default and option.show_default and isinstance(option.default, str | int):
        default = str(option.default)
    default = f"`{default.strip(' ]')}`" if default else ""
    variable = f"`{option.envvar}`" if option.envvar else ""
    return f"| {words} | {_cell(text.strip())} | {default} | {variable} |"


def _metavar(option: click.Option) -> str:
    """As click words it; not by click, whose versions differ."""
    if option.metavar:
        return option.metavar
    return (
        "|".join(map(str, option.type.choices)) if isinstance(option.type, click.Choice) else option.type.name.upper()
    )


def _prose(text: str) -> str:
    """Help text as Markdown. A paragraph that click is asked not to wrap becomes a block of text."""
    paragraphs = [textwrap.dedent(part) for part in text.split("\n\n")]
    return "\n\n".join(_block(part) if part.startswith("\b") else part.strip() for part in paragraphs) + "\n"


def _block(text: str) -> str:
    return f"```text\n{textwrap.dedent(text.removeprefix(chr(8)).lstrip(chr(10))).rstrip()}\n```"


def _summary(command: click.Command) -> str:
    return (command.help or "").strip().partition("\n")[0]


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _json(schema: object) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def write(*, check: bool) -> int:
    """Write the stale pages, or only name them; the exit code."""
    stale = [path for path, text in documents().items() if not path.exists() or path.read_text("utf-8") != text]
    for path in stale:
        if not check:
            path.write_text(documents()[path], "utf-8")
        print(f"{'stale' if check else 'wrote'}: {path.relative_to(ROOT)}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a page is stale")
    sys.exit(write(check=parser.parse_args().check))
