"""``strata metrics``: the installation's gauges for Prometheus, until Ctrl-C."""

from __future__ import annotations

import threading
from typing import Annotated

import typer

from orchestration.cli.console import print_json, say
from orchestration.gauges import NAMES, read_gauges
from orchestration.metering import serve
from orchestration.runtime import open_runtime

app = typer.Typer()


@app.command()
def metrics(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = 9464,
    host: Annotated[str, typer.Option(help="Address to answer on.")] = "127.0.0.1",
    as_json: Annotated[bool, typer.Option("--json", help="Print the metrics once as JSON instead.")] = False,
) -> None:
    """Answer Prometheus at /metrics until Ctrl-C."""
    runtime = open_runtime()
    if as_json:
        print_json([{"name": name, "labels": labels, "value": value} for name, labels, value in read_gauges(runtime)])
        return
    taken = serve(runtime.settings, host, port, NAMES, lambda: read_gauges(runtime))
    say(f"Metrics are at http://{host}:{taken}/metrics; Ctrl-C ends it.")
    threading.Event().wait()
