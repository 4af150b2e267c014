"""``strata simulation``: the made-up company behind simulated connections."""

from __future__ import annotations

from typing import Annotated

import typer

from orchestration import simulators
from orchestration.cli.console import print_json, say
from orchestration.contracts.extraction import Connection
from orchestration.runtime import open_runtime

app = typer.Typer(no_args_is_help=True)


@app.callback()
def simulation() -> None:
    """Serve the simulated company, or move it on by days."""


@app.command()
def serve() -> None:
    """Keep the simulators running until Ctrl-C, for as many commands as you like."""
    runtime = open_runtime()
    simulators.serve(runtime.settings, runtime.sources, _tell)


def _tell(connections: list[Connection]) -> None:
    """Say what is served; addresses hold passwords and stay in files that only their owner reads."""
    for connection in connections:
        say(f"serving {connection.label}")
    say("Ctrl-C ends it." if connections else "No connection is simulated; there is nothing to serve.")


@app.command()
def advance(
    days: Annotated[int, typer.Option(min=1, help="Business days.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Move the simulated company on: new customers, invoices, deletions, late changes."""
    runtime = open_runtime()
    day = simulators.advance(runtime.settings, runtime.sources, days)
    if as_json:
        print_json({"day": day})
    else:
        say(f"The simulated company is at business day {day}.")
