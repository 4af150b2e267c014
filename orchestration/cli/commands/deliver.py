"""``strata deliver``: the worker, until Ctrl-C, or once."""

from __future__ import annotations

import asyncio
import signal
from dataclasses import asdict
from typing import Annotated

import typer
import uvloop

from orchestration.cli.console import print_json, say
from orchestration.delivery.summary import Summary
from orchestration.delivery.upkeep import gather_all, tidy_up
from orchestration.delivery.worker import CONCURRENCY
from orchestration.delivery.worker import deliver as work
from orchestration.gauges import NAMES, read_gauges
from orchestration.metering import serve
from orchestration.runtime import Runtime, open_runtime

app = typer.Typer()


@app.command()
def deliver(
    once: Annotated[bool, typer.Option("--once", help="Send what is due now, and end.")] = False,
    concurrency: Annotated[
        int, typer.Option(min=1, max=10_000, help="Deliveries that this worker has at once.")
    ] = CONCURRENCY,
    metrics_port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Answer Prometheus there, with what this worker counts too.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was done as JSON.")] = False,
) -> None:
    """Take in what was published, and send what is due; start it as often as you like, on any machine.

    Ctrl-C ends what is under way first; a second one ends at once.
    """
    runtime = open_runtime()
    if not (once or as_json):
        say("Delivering; Ctrl-C ends it.")
    if metrics_port is not None:
        _serve_metrics(runtime, metrics_port, quiet=as_json)
    summary = uvloop.run(_until_stopped(runtime, concurrency, once=once))
    if as_json:
        print_json(asdict(summary))
    else:
        say(f"{summary.text[:1].upper()}{summary.text[1:]}.")


async def _until_stopped(runtime: Runtime, concurrency: int, *, once: bool) -> Summary:
    """Work until a signal or, ``once``, until nothing is due; a signal lets end what is under way."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()

    def end(number: int) -> None:
        stop.set()
        loop.remove_signal_handler(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end, number)
    if once:
        await asyncio.to_thread(gather_all, runtime)
    summary = await work(runtime, until_idle=once, stop=stop, concurrency=concurrency)
    if once:
        await asyncio.to_thread(tidy_up, runtime)
    return summary


def _serve_metrics(runtime: Runtime, port: int, *, quiet: bool) -> None:
    taken = serve(runtime.settings, "127.0.0.1", port, NAMES, lambda: read_gauges(runtime))
    if not quiet:
        say(f"Metrics are at http://127.0.0.1:{taken}/metrics.")
