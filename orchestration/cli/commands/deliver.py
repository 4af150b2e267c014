"""``strata deliver``: the worker, until Ctrl-C, or once."""

from __future__ import annotations

import asyncio
import signal
from dataclasses import asdict
from typing import Annotated

import typer

from orchestration.cli.console import print_json, say
from orchestration.delivery.summary import Summary
from orchestration.delivery.worker import CONCURRENCY, deliver_due
from orchestration.delivery.worker import deliver as work
from orchestration.runtime import Runtime, open_runtime

app = typer.Typer()


@app.command()
def deliver(
    once: Annotated[bool, typer.Option("--once", help="Send what is due now, and end.")] = False,
    concurrency: Annotated[
        int, typer.Option(min=1, max=10_000, help="Deliveries that this worker has at once.")
    ] = CONCURRENCY,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was done as JSON.")] = False,
) -> None:
    """Take in what was published, and send what is due; start it as often as you like, on any machine.

    Ctrl-C ends what is under way first; a second one ends at once.
    """
    runtime = open_runtime()
    if not (once or as_json):
        say("Delivering; Ctrl-C ends it.")
    summary = deliver_due(runtime, concurrency) if once else asyncio.run(_until_stopped(runtime, concurrency))
    if as_json:
        print_json(asdict(summary))
    else:
        say(f"{summary.text[:1].upper()}{summary.text[1:]}.")


async def _until_stopped(runtime: Runtime, concurrency: int) -> Summary:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()

    def end(number: int) -> None:
        stop.set()
        loop.remove_signal_handler(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end, number)
    return await work(runtime, until_idle=False, stop=stop, concurrency=concurrency)
