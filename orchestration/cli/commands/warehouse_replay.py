"""``strata warehouse replay``: what another warehouse has done, done again in the one that is configured."""

from __future__ import annotations

from contextlib import redirect_stdout
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

import typer

from orchestration.cli.console import errors, print_json, say
from orchestration.failures import SettingsError, TransformFailed
from orchestration.replay.record import read_record
from orchestration.replay.replay import Replayed
from orchestration.replay.replay import replay as do_again
from orchestration.runtime import open_runtime


def replay(
    home: Annotated[Path, typer.Argument(help="STRATA_HOME of the other warehouse; nothing in it is changed.")],
    engine: Annotated[
        Literal["duckdb", "sqlserver"],
        typer.Option("--from", help="The other's engine; a server is the one that STRATA_SQLSERVER_… name."),
    ] = "duckdb",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Do again here, from landing, what another home's warehouse has done: each load, build and close, in order.

    No source is asked. An interrupted replay goes on when it is called again, and takes in what was done since.
    """
    from orchestration.definitions.main_job import jobs  # noqa: PLC0415 - brings Dagster along

    runtime = open_runtime()
    if engine == runtime.settings.warehouse == "sqlserver":
        raise SettingsError("One server cannot be replayed into itself.", "Set STRATA_WAREHOUSE=duckdb.")
    if home.resolve() == runtime.settings.home.resolve():
        raise SettingsError("That is this home: its readers would see the past.", "Set STRATA_HOME to a new folder.")
    record = read_record(runtime.settings.model_copy(update={"home": home.resolve(), "warehouse": engine}))
    log = runtime.settings.home / "replay.log"
    # dbt tells every model and test on standard output.
    with log.open("a", encoding="utf-8") as file, redirect_stdout(file), jobs(runtime.settings) as run:

        def build() -> None:
            result = run.build()
            if not result.ok:
                raise TransformFailed(
                    f"A build failed here: {result.fault}", f"Mend it and replay again. dbt's own words: {log}"
                )

        done = do_again(runtime, record, build, lambda what: errors.print(f"· {what}", markup=False, soft_wrap=True))
    if as_json:
        print_json(asdict(done))
    else:
        _show(done)


def _show(done: Replayed) -> None:
    for line in done.otherwise:
        say(line)
    say(f"{done.loads} loads, {done.builds} builds and {done.closes} closes are done again.", style="bold")
    if done.recorded:
        say(f"{done.recorded} loads are in the ledger alone: undone by a rebuild, or gone from landing or contracts.")
    if done.otherwise:
        say(f"{len(done.otherwise)} loads did something else than then: have contracts or rules changed since?")
    say("Next: strata compare duckdb sqlserver, with --home for the DuckDB side.")
