"""``strata backfill``: bronze as it was at a moment, from landing alone."""

from __future__ import annotations

import getpass
from dataclasses import asdict
from typing import Annotated

import typer

from orchestration.bronze.backfill import Backfill
from orchestration.bronze.backfill import backfill as rebuild
from orchestration.cli.choices import source_named
from orchestration.cli.console import moment, parse_moment, print_json, print_table, say
from orchestration.runtime import open_runtime

app = typer.Typer()


@app.command()
def backfill(
    source: Annotated[str, typer.Argument(help="Source system, as `strata sources` lists it.")],
    until: Annotated[str, typer.Option(help="ISO 8601; in STRATA_TIMEZONE when it names no zone: 2026-11-20T18:00.")],
    entity: Annotated[list[str] | None, typer.Option(help="Only this entity; may be given several times.")] = None,
    tenant: Annotated[list[str] | None, typer.Option(help="Only this tenant; may be given several times.")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Bring bronze itself back to that moment.")] = False,
    reason: Annotated[str, typer.Option(help="Why; kept in the ledger.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Rebuild bronze as it was, into bronze_<source>_asof, or in place; the source is not asked."""
    runtime = open_runtime()
    zone = runtime.settings.timezone
    try:
        instant = parse_moment(until, zone)
    except ValueError:
        raise typer.BadParameter(
            f"{until!r} is no timestamp. Example: 2026-11-20T18:00.", param_hint="--until"
        ) from None
    done = rebuild(
        runtime,
        source_named(runtime, source, entity),
        instant,
        replace_bronze=replace,
        entities=entity,
        tenants=tenant,
        who=f"cli/{getpass.getuser()}",
        reason=reason or None,
    )
    if as_json:
        print_json({"until": instant, **asdict(done)})
    else:
        _show(done, source, moment(instant, zone), replaced=replace)


def _show(done: Backfill, source: str, when: str, *, replaced: bool) -> None:
    columns = ("table", "tenant", "loads", "rows", "inserted", "updated", "deleted")
    rows = [
        (
            ".".join(item.table),
            item.place.tenant if item.place.connection == "main" else f"{item.place.tenant}/{item.place.connection}",
            item.loads,
            item.rows,
            *((item.result.inserted, item.result.updated, item.result.deleted) if item.result else ("", "", "")),
        )
        for item in done.tables
    ]
    print_table(columns, rows, numbers=columns[2:])
    if not rows:
        say(f"{source} has never been loaded; there is nothing to rebuild.")
    elif not replaced:
        say(f"As of {when}, beside today's tables, which are untouched.")
    else:
        say(f"Bronze is as of {when}; the next load reads on from there.")
        built = ", ".join(".".join(table) for table in done.downstream)
        say(f"Built from it and still as before: {built}. The next build takes it in." if built else "")
