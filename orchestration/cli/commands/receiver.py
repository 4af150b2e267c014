"""``strata receiver``: an endpoint on this machine that verifies and shows what arrives."""

from __future__ import annotations

import asyncio
import json
import signal
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from orchestration.cli.arrivals import document, keep, tell
from orchestration.cli.console import results, say
from orchestration.control.secrets import require_reference, resolve
from orchestration.delivery.receiver.inbox import Arrival, Inbox
from orchestration.delivery.receiver.rehearsal import Rehearsal
from orchestration.delivery.receiver.server import Show, receiving
from orchestration.failures import SettingsError

app = typer.Typer()


@app.command()
def receiver(
    key: Annotated[
        str | None,
        typer.Option(help="Where the keys are, one a line: file:key.txt or env:NAME. Read for each message."),
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = 0,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    out: Annotated[Path | None, typer.Option(help="Keep each message's body as a file in this folder.")] = None,
    status: Annotated[int, typer.Option(min=200, max=599, help="Answer with this, to rehearse failures.")] = 204,
    times: Annotated[int | None, typer.Option(min=1, help="Answer so to the first messages alone.")] = None,
    delay: Annotated[float, typer.Option(min=0, help="Answer so many seconds late.")] = 0.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document a line for each message.")] = False,
) -> None:
    """Take webhooks, check signature and repetition, and show them, until Ctrl-C."""
    if key:
        require_reference(key)
    if out and not out.is_dir():
        raise typer.BadParameter(f"There is no folder {out}.", param_hint="--out")
    seen: Counter[str] = Counter()

    def show(arrival: Arrival, answered: int) -> None:
        seen[arrival.verdict] += 1
        file = keep(arrival, out) if out and answered < 300 else None
        if as_json:
            results.out(json.dumps(document(arrival, answered, file), ensure_ascii=False))
        else:
            tell(arrival, answered, file)

    inbox = Inbox(lambda: _keys(key))
    asyncio.run(_serve(inbox, Rehearsal(status, times, delay), show, host, port, as_json=as_json))
    if not as_json:
        counted = ", ".join(f"{number:,} {verdict}" for verdict, number in sorted(seen.items()))
        say(f"Received: {counted or 'nothing'}.")


async def _serve(inbox: Inbox, rehearsal: Rehearsal, show: Show, host: str, port: int, *, as_json: bool) -> None:
    over = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, over.set)
    async with receiving(inbox, rehearsal, show, host, port) as url:
        if as_json:
            results.out(json.dumps({"listening": url}))
        else:
            say(f"Listening on {url}; Ctrl-C ends it.")
        await over.wait()


def _keys(reference: str | None) -> list[str]:
    """Return the keys, none while there are none: a registration makes one, and tries the endpoint before."""
    if reference is None:
        return []
    try:
        return resolve(reference).get_secret_value().split()
    except SettingsError:
        return []
