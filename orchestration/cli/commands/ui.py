"""``strata ui``: Dagster with every code location of workspace.yaml, and simulators, until Ctrl-C."""

from __future__ import annotations

from typing import Annotated

import typer

from orchestration.cli.console import say
from orchestration.cli.dagster_ui import serve_dagster, stop_on_signals
from orchestration.cli.exit_codes import ExitCode
from orchestration.failures import StrataError
from orchestration.runtime import Runtime, open_runtime

app = typer.Typer()


@app.command()
def ui(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on 127.0.0.1.")] = 3000,
) -> None:
    """Open Dagster on 127.0.0.1 with simulators running; Ctrl-C ends everything."""
    runtime = open_runtime()
    stop_on_signals()
    try:
        _start_simulators(runtime)
        say(f"Dagster starts on http://127.0.0.1:{port} (about 20 s); Ctrl-C ends it.")
        code = serve_dagster(runtime.settings, port)
    except KeyboardInterrupt:
        code = ExitCode.OK
    raise typer.Exit(code)


def _start_simulators(runtime: Runtime) -> None:
    """Start what simulated connections need, for the life of this process; a broken one leaves the others running."""
    for source in runtime.sources:
        try:
            simulated = [connection.label for connection in runtime.connections(source) if connection.simulated]
        except StrataError as error:
            say(f"{source}: no simulator: {error}", style="red")
        else:
            if simulated:
                say(f"simulator of {source} serves {', '.join(simulated)}")
