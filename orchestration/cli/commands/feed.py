"""``strata feed``: read what a registration's feed holds, from a position on."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from typing import Annotated, Any

import typer

from orchestration.access.caller import caller
from orchestration.cli.console import print_json, print_table, say
from orchestration.cli.delivery_place import place
from orchestration.delivery.feed import MOST_READ, Entry, FeedPage, read_feed
from orchestration.runtime import open_runtime

app = typer.Typer(no_args_is_help=True)
_PAUSE_SECONDS = 1.0


@app.callback()
def _feed() -> None:
    """Read feeds: a consumer remembers the position it has read, and asks for what follows."""


@app.command()
def read(
    name: Annotated[str, typer.Argument(metavar="TENANT/NAME", help="Such as acme/bi-usage.")],
    after: Annotated[int, typer.Option(min=0, help="The last position that was read already.")] = 0,
    limit: Annotated[int, typer.Option(min=1, max=MOST_READ, help="At most so many entries.")] = 100,
    follow: Annotated[bool, typer.Option("--follow", help="Go on waiting for more; prints a JSON line each.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Read a feed, as operator or as the holder of the key in STRATA_KEY (scope read)."""
    named = place(name)
    runtime = open_runtime()

    def page(position: int) -> FeedPage:
        # Who asks is looked at each time: a key that is revoked ends a reading that goes on.
        return read_feed(runtime, caller(runtime), named, position, limit)

    found = page(after)
    while follow:
        for entry in found.entries:
            say(json.dumps(_shown(entry), ensure_ascii=False))
        if not found.entries:
            time.sleep(_PAUSE_SECONDS)
        found = page(found.after)
    if as_json:
        entries = [_shown(entry) for entry in found.entries]
        print_json({"entries": entries, "after": found.after, "latest": found.latest})
        return
    _print(found)


def _print(found: FeedPage) -> None:
    if not found.entries:
        say(f"Nothing after position {found.after}; the newest is {found.latest}.")
        return
    rows = [
        (entry.position, f"{entry.added_at:%Y-%m-%d %H:%M:%S}", _member(entry, "type"), _member(entry, "subject"))
        for entry in found.entries
    ]
    print_table(("position", "added", "type", "subject"), rows, numbers=("position",))
    if found.after < found.latest:
        say(f"There are more, up to {found.latest}: --after {found.after}")


def _shown(entry: Entry) -> dict[str, Any]:
    return {**asdict(entry), "added_at": entry.added_at.isoformat()}


def _member(entry: Entry, name: str) -> str:
    last = entry.event[-1] if isinstance(entry.event, list) else entry.event
    return str(last.get(name, ""))
