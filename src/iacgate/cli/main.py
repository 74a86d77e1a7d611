"""The command ``iacgate``: a thin group whose commands are imported when they are called.

Whatever happens, the process ends with a code of ``docs/reference/exit-codes.md``. An exception
that nobody foresaw would end Python with 1, which reads as "deny"; here it becomes 4, "error".
"""

import gc
import importlib
import os
import sys
from pathlib import Path
from typing import Any, NoReturn

import click

from iacgate import __version__
from iacgate.cli.interface import say, say_error
from iacgate.errors import IacgateError

__all__ = ["main", "run"]

_COMMANDS = {
    "check": ("iacgate.cli.check:check", "Judge plans: allow, review, deny or error."),
    "explain": ("iacgate.cli.explain:explain", "Say why a finding or the outcome is what it is."),
    "fix": ("iacgate.cli.fix:fix", "Edit HCL so that failing checks pass."),
    "checks": ("iacgate.cli.checks:checks", "List and show the checks."),
    "policy": ("iacgate.cli.policy:policy", "Work on your own checks and policy sets."),
    "inventory": ("iacgate.cli.inventory:inventory", "What exists beside a plan: make an index of it."),
    "scanner": ("iacgate.cli.scanner:scanner", "Other scanners beside the gate."),
    "doctor": ("iacgate.cli.doctor:doctor", "Say what is installed and whether it works together."),
    "pre-commit": ("iacgate.cli.pre_commit:pre_commit", "Judge the root modules that files belong to."),
    "init": ("iacgate.cli.init:init_command", "Write a pipeline step, or a hook for pre-commit."),
}


class _LazyGroup(click.Group):
    """Commands by name; their modules are imported when one is called, not to list them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, _, name = _COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="iacgate", message="%(prog)s %(version)s")
def main() -> None:
    """Decide, before anything is provisioned, whether a change to infrastructure may go ahead.

    \b
    Exit codes: 0 allow, 1 deny, 2 wrong use or configuration, 3 review,
    4 error (nothing is allowed), 130 interrupted.
    """  # noqa: D301 - click's mark, not a backslash


def run() -> NoReturn:
    """The entry point of the installed command."""
    _open_closed_streams()
    gc.disable()  # decoding a large plan makes millions of objects and no cycles
    code = _run()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        pass  # whoever reads had enough; the code says what was decided
    except (OSError, ValueError):
        code = code or 4
    os._exit(code)  # tearing down what a large plan left behind takes longer than judging it


def _open_closed_streams() -> None:
    """A caller may have closed our streams (``>&-``): Python then has none, and writing would crash."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode))  # noqa: SIM115 - it stays open


def _run() -> int:
    try:
        result: Any = main(standalone_mode=False)
        return result if isinstance(result, int) else 0
    except click.exceptions.Exit as request:
        return request.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        say_error("interrupted")
        return 130
    except BrokenPipeError:
        return 4
    except IacgateError as error:
        say(error)
        return error.exit_code
    except (RecursionError, MemoryError):
        say_error("the input is nested too deeply or is too large")
        return 4
    except Exception as error:
        place = _place(error)
        say_error(f"internal error, and so nothing is allowed: {type(error).__name__} at {place}")
        say_error("please report it; set IACGATE_DEBUG=1 to see where it happened")
        if os.environ.get("IACGATE_DEBUG") == "1":
            import traceback

            traceback.print_tb(error.__traceback__)  # frames only: the message may hold values
        return 4


def _place(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return "an unknown place"
    return f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
