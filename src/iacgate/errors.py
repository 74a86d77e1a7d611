"""The exceptions of iacgate, each with the exit code it ends with and a hint.

.. code-block:: text

    IacgateError            exit 4   anything we could not do, and therefore do not allow
    ├── InputError          exit 4   a plan (or other input) is unreadable, incomplete or too large
    │   └── NotAPlanError   exit 4   readable, but something else than a plan
    └── UsageError          exit 2   the caller's words or configuration are wrong
        └── PolicyError     exit 2   checks, policy sets or exceptions are wrong; carries every problem

Exit codes are those of ``docs/reference/exit-codes.md``. No message ever holds a value of the
input: values may be secret, and a message ends up in logs.
"""

from typing import NamedTuple

__all__ = ["IacgateError", "InputError", "NotAPlanError", "PolicyError", "Problem", "UsageError"]


class IacgateError(Exception):
    """Something went wrong, so nothing is allowed.

    ``exit_code`` is what the process ends with; ``hint`` is the next step for a person, or empty.
    """

    exit_code = 4

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class InputError(IacgateError):
    """The input cannot be read, is incomplete, contradicts itself or is too large."""


class NotAPlanError(InputError):
    """The input is readable but is not a plan; the hint names the command that makes one."""


class UsageError(IacgateError):
    """The command line or the configuration asks for something that cannot be done."""

    exit_code = 2


class Problem(NamedTuple):
    """One thing wrong in a file a person wrote. Lines and columns count from 1; 0 is "the file"."""

    file: str
    line: int
    column: int
    message: str
    warning: bool = False

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return f"{place}: {'warning: ' if self.warning else ''}{self.message}"


class PolicyError(UsageError):
    """Checks, policy sets or exceptions are wrong. ``problems`` lists all of them at once."""

    def __init__(self, message: str, problems: tuple[Problem, ...] = (), *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.problems = problems
