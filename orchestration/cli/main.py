"""The table of commands and what happens when one of them fails."""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup
from typer.exceptions import TyperException

from orchestration.cli.exit_codes import INTERRUPTED, ExitCode, exit_code_of
from orchestration.cli.flags import show_bare
from orchestration.failures import StrataError
from orchestration.full_disk import full_disk_told

COMMANDS = {
    "run": "Run a whole day: load every source, build, advance the simulated world, load and build again.",
    "ui": "Open Dagster with every code location, simulators running.",
    "load": "Load a source system into bronze.",
    "status": "Show how fresh each entity is, what was rejected and what is held.",
    "sources": "List source systems, their entities and who is connected to them.",
    "quarantine": "List, show and replay rejected rows.",
    "close": "Close a day of financial gold for every tenant, and list closes.",
    "backfill": "Rebuild bronze as it was at a moment, from landing, without asking the source.",
    "warehouse": "Create and change the warehouse's schemas, tables and views from contracts.",
    "compare": "Compare what two warehouses hold, row for row.",
    "backup": "Write a consistent backup of the installation, while it runs.",
    "restore": "Make the installation what it was when a backup was taken.",
    "tenant": "Take tenants on board, show, suspend, export and remove them.",
    "key": "Make, list, replace and end API keys.",
    "read": "Read one tenant's rows, as operator or with an API key.",
    "plan": "Quotas, features and schedules that tenants share.",
    "events": "List the events that can be registered for, with their schemas.",
    "consumer": "Add, list, change and remove those who get data delivered.",
    "registration": "Register a consumer for events of a tenant; list, test, change, pause and remove.",
    "deliver": "Send what is due: by webhook, SFTP, message bus or feed.",
    "deliveries": "List, show, replay and cancel deliveries.",
    "dead-letters": "List what failed for good, and send it again.",
    "feed": "Read a registration's feed from a position on.",
    "receiver": "Start an endpoint on this machine that verifies and shows what arrives.",
    "metrics": "Serve the platform's metrics for Prometheus.",
    "control": "Bring the control plane's schema up or back, check it, and read its audit trail.",
    "doctor": "Check settings, credentials, connections and versions, and say what to mend.",
    "new": "Start a new source system.",
    "simulation": "Serve the simulated company, or move it on by days.",
    "sql": "Check, try, compare and explain analysts' scripts, and show where their figures come from.",
    "generate": "Write the files that are generated from settings and contracts.",
}
"""Every command with its help; its module is ``orchestration.cli.commands.<name>``, with ``_`` for ``-``, and holds a
Typer ``app``."""


DEBUG, HELP = "--debug", "--help"


class _Deferred(TyperCommand):
    """Stands for a command whose module is imported only when it is called."""

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:  # noqa: ANN401 (Typer's own signature)
        module = import_module(f"orchestration.cli.commands.{str(self.name).replace('-', '_')}")
        wants_help = HELP in args
        context = show_bare(typer.main.get_command(module.app)).make_context(info_name, args, parent, **extra)
        if not wants_help and self.name != "doctor":  # which tells it among its findings
            from orchestration.cli.variables import warn_of_misspelt  # noqa: PLC0415 (settings, for who works)

            warn_of_misspelt()
        return context


class _Commands(TyperGroup):
    """The group of deferred commands."""

    def __init__(self, **attributes: Any) -> None:  # noqa: ANN401 (Typer's own signature)
        attributes["commands"] = {
            name: _Deferred(name=name, callback=None, help=text) for name, text in COMMANDS.items()
        }
        super().__init__(**attributes)

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 (Typer's own signature)
        """Run a command; a wrong command line is told without the prefix of the library that checks values."""
        try:
            return super().invoke(ctx)
        except TyperException as error:
            error.message = error.message.removeprefix("Value error, ")
            raise


app = typer.Typer(
    cls=_Commands,
    help="Strata: from source systems to published tables.",
    epilog="Exit codes and examples: docs/operator/command-line.md",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


@app.callback()
def _options(
    debug: Annotated[
        bool, typer.Option(DEBUG, help="With any command: show where in the code an error arose.")
    ] = False,
) -> None:
    """Name the option for the help; ``main`` takes it from anywhere in the command line."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run a command line (by default this process's) and end the process with its exit code."""
    try:
        try:
            _run(list(sys.argv[1:] if arguments is None else arguments))
        finally:
            sys.stdout.flush()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # Who reads has had enough (`strata … | head`); Python's own flush at the end must not fail on it again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(ExitCode.FAILED)


def _run(given: list[str]) -> NoReturn:
    as_json = "--json" in given
    try:
        # Only outside standalone mode does Typer leave it to us how a wrong command line is told.
        command = show_bare(typer.main.get_command(app))
        with full_disk_told():
            code = command([item for item in given if item != DEBUG], prog_name="strata", standalone_mode=not as_json)
    except TyperException as error:
        _print_json("usage", error.format_message(), "See --help.")
        sys.exit(error.exit_code)
    except StrataError as error:
        if DEBUG in given:
            traceback.print_exc()
        _tell(error, as_json=as_json)
        sys.exit(exit_code_of(error))
    sys.exit(code)


def _tell(error: StrataError, *, as_json: bool) -> None:
    """Say what is wrong and what to do: as JSON on standard output, or in words on standard error."""
    if as_json:
        _print_json(error.failure_class.value, error.message, error.remedy)
        return
    from orchestration.cli.console import tell  # noqa: PLC0415 (rich is loaded only when there is something to say)

    tell(error)


def _print_json(failure_class: str, message: str, remedy: str) -> None:
    document = {"class": failure_class, "message": message, "remedy": remedy}
    sys.stdout.write(json.dumps({"error": document}, ensure_ascii=False) + "\n")
