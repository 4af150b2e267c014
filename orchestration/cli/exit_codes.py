"""What the exit code of ``strata`` tells a script.

The table in docs/operator/command-line.md is checked against this.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

from orchestration.failures import FailureClass, StrataError


class ExitCode(IntEnum):
    """The exit codes; 2 is Typer's own for a wrong command line, 130 means Ctrl-C."""

    OK = 0
    FAILED = 1
    USAGE = 2
    SETTINGS = 3
    BUSY = 4
    HELD = 5
    SOURCE = 6
    DATA = 7
    PARTIAL = 8


INTERRUPTED = 130
"""After Ctrl-C, as shells have it: 128 and the signal's number."""

_BY_CLASS = {
    FailureClass.SETTINGS: ExitCode.SETTINGS,
    FailureClass.BUSY: ExitCode.BUSY,
    FailureClass.SHRINK: ExitCode.HELD,
    FailureClass.CONNECTION: ExitCode.SOURCE,
    FailureClass.AUTHENTICATION: ExitCode.SOURCE,
    FailureClass.RATE_LIMIT: ExitCode.SOURCE,
    FailureClass.SCHEMA_DRIFT: ExitCode.DATA,
    FailureClass.CONTRACT: ExitCode.DATA,
    FailureClass.QUALITY: ExitCode.DATA,
}


def exit_code_of(error: StrataError) -> ExitCode:
    """Return the exit code of one failure."""
    return exit_code_of_class(error.failure_class)


def exit_code_of_class(failure_class: FailureClass | str) -> ExitCode:
    """Return the exit code of a class of failure, given as the ledger spells it."""
    return _BY_CLASS.get(FailureClass(failure_class), ExitCode.FAILED)


def together(codes: Iterable[ExitCode]) -> ExitCode:
    """Return one code for many outcomes: failures win over what is held or left out; of several kinds are FAILED."""
    seen = set(codes) - {ExitCode.OK}
    failures = seen - {ExitCode.HELD, ExitCode.PARTIAL}
    if len(failures) > 1:
        return ExitCode.FAILED
    return failures.pop() if failures else min(seen, default=ExitCode.OK)
