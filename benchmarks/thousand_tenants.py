"""An hourly run over a thousand tenants in which nothing changed: all entities of the product database.

The tenants share one PostgreSQL database, told apart by a tenant column, and each has a few rows in every
table, the newest of which lies within the overlap and is read again by every run. The figure is the whole
process, from Python's start on; the server's own time is told beside it. The limit is 60 CPU seconds.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections import Counter
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cached_property
from pathlib import Path

import psycopg
from measurement import contest, figure, report
from prepared import FOLDER
from pydantic import SecretStr

from orchestration.bronze import standing
from orchestration.bronze.ledger import LEDGER
from orchestration.bronze.load import load_source
from orchestration.contracts.extraction import Connection, Extractor
from orchestration.contracts.model import Column, Contract
from orchestration.contracts.source import SourceSystem, read_source
from orchestration.contracts.types import parse_type
from orchestration.landing.store import open_landing
from orchestration.names import literal, qualified, quote
from orchestration.runtime import Runtime
from orchestration.settings import PROJECT, Settings
from orchestration.tenants import Tenant
from orchestration.warehouse import open_warehouse
from source_systems._simulation.postgres import PostgresServer
from source_systems.product.extract import connect

NAME = "Idle hourly run of 1,000 tenants"
LIMIT_CPU_SECONDS = 60
ROWS = 5
TENANT = Column(name="tenant", source_name="tenant", type=parse_type("text(40)"), required=True)


@dataclass(frozen=True)
class SharedProduct(SourceSystem):
    """The product database as one for all tenants: its contracts, with a column that says whose a row is."""

    original: SourceSystem = field(kw_only=True)

    @cached_property
    def contracts(self) -> dict[str, Contract]:
        """The contracts with the tenant column."""
        return {name: _shared(contract) for name, contract in self.original.contracts.items()}

    def connect(self, connection: Connection) -> AbstractContextManager[Extractor]:
        """Open the product database's own extractor."""
        return connect(connection)


def _shared(contract: Contract) -> Contract:
    return replace(contract, columns=(TENANT, *contract.columns), tenant_column=TENANT.name, sweep_every=timedelta(0))


def shared_product() -> SharedProduct:
    """Return the source system."""
    original = read_source(PROJECT / "source_systems" / "product")
    return SharedProduct(original.name, original.folder, original.description, original=original)


def installation(home: Path, url: str, tenants: int, source: SourceSystem) -> Runtime:
    """Return an installation whose tenants all have the same database."""
    settings = Settings(home=home, _env_file=None)  # type: ignore[call-arg]
    named = [_name(number) for number in range(1, tenants + 1)]
    registry = {
        name: Tenant(name, name, (Connection(name, source.name, settings={"url": SecretStr(url)}),)) for name in named
    }
    return Runtime(settings, {source.name: source}, registry, open_warehouse(settings), open_landing(settings))


def fill(url: str, source: SourceSystem, tenants: int) -> None:
    """Make the tables with a few rows of each tenant."""
    with psycopg.connect(url, autocommit=True) as db:
        for contract in source.contracts.values():
            table = quote(contract.entity)
            columns = ", ".join(f"{quote(column.name)} {_type(column)}" for column in contract.columns)
            listed = ", ".join(_value(contract, column) for column in contract.columns)
            db.execute(f"DROP TABLE IF EXISTS {table}")
            db.execute(f"CREATE TABLE {table} ({columns})")
            numbers = f"generate_series(1, {tenants}) t, generate_series(1, {ROWS}) n"
            db.execute(f"INSERT INTO {table} SELECT {listed} FROM {numbers}")
            db.execute(f"CREATE INDEX ON {table} (tenant, {quote(contract.cursor or contract.key[0])})")
        db.execute("VACUUM ANALYZE")


def _type(column: Column) -> str:
    kind = column.type
    if kind.kind == "decimal":
        return f"numeric({kind.precision}, {kind.scale})"
    if kind.length:
        return f"varchar({kind.length})"
    return {"timestamp": "timestamptz", "double": "double precision"}.get(kind.kind, kind.kind)


def _value(contract: Contract, column: Column) -> str:
    """Write a value that fits; the rows of a tenant are a day apart."""
    if column == TENANT:
        return "'tenant_' || lpad(t::text, 5, '0')"
    if column.allowed:
        return literal(column.allowed[0])
    if column.name == contract.cursor:
        return f"now() - ({ROWS} - n) * interval '1 day'"
    text = f"left((100 + n)::text, {column.type.length or 40})"
    values = {
        "text": text,
        "uuid": "md5(n::text)::uuid",
        "date": "current_date - n",
        "timestamp": "now() - interval '9 days'",
        "boolean": "true",
    }
    return values.get(column.type.kind, "n")


def hourly(home: Path, url: str, tenants: int) -> None:
    """Run once, and refuse to be measured if anything but nothing happened."""
    results = load_source(installation(home, url, tenants, source := shared_product()), source, "hourly", who="bench")
    done = Counter((result.status, bool(result.changed)) for result in results)
    if done != {("loaded", False): tenants * len(source.contracts)}:
        message = f"the run was not idle: {done}; {next((r.message for r in results if r.message), '')}"
        raise RuntimeError(message)


def main() -> None:
    """Load everything once, then run again and again; both are kept for the next time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tenants", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    folder = chosen.folder / f"tenants-{chosen.tenants}"
    home = folder / "home"
    if chosen.url:
        hourly(home, chosen.url, chosen.tenants)
        return
    server = PostgresServer(folder / "postgres")
    server.start()
    try:
        prepare(folder, server.url(), chosen.tenants)
        before = _server_cpu(folder)
        command = [sys.executable, __file__, "--tenants", str(chosen.tenants), "--folder", str(chosen.folder)]
        runs = contest({"strata": [*command, "--url", server.url()]}, chosen.rounds)["strata"]
        served = (_server_cpu(folder) - before) / (chosen.rounds + (chosen.rounds > 1))
    finally:
        server.stop()
    loads = chosen.tenants * len(shared_product().contracts)
    note = (
        f"asked: {LIMIT_CPU_SECONDS} CPU s for 1,000 tenants; {loads:,} loads; PostgreSQL took {served:.0f} CPU s more"
    )
    report([replace(figure(NAME, "strata", loads * ROWS, runs), note=note)], chosen.out)


def prepare(folder: Path, url: str, tenants: int) -> None:
    """Fill the database and load it whole, unless an earlier call did.

    One tenant is loaded; what that wrote is copied for the others, whose rows differ in the tenant alone.
    """
    ready = folder / "ready"
    if ready.exists():
        return
    shutil.rmtree(folder / "home", ignore_errors=True)
    source = shared_product()
    fill(url, source, tenants)
    runtime = installation(folder / "home", url, tenants, source)
    results = load_source(runtime, source, "daily", tenants=[_name(1)], who="bench")
    if faults := {result.message for result in results if result.status != "loaded"}:
        raise RuntimeError(next(iter(faults)))
    with runtime.warehouse.session("copy the first tenant") as session, session.transaction():
        others = f"range(2, {tenants} + 1) r(t)"
        name = "'tenant_' || lpad(t::VARCHAR, 5, '0')"
        for contract in source.contracts.values():
            table = qualified(contract.table)
            changes = f"{name} AS _tenant_id, {name} AS tenant"
            session.execute(f"INSERT INTO {table} SELECT b.* REPLACE ({changes}) FROM {table} b, {others}")
        changes = f"{name} AS tenant_id, load_id || '-' || t AS load_id, seq + 1000 * (t - 1) AS seq"
        session.execute(f"INSERT INTO {LEDGER} SELECT l.* REPLACE ({changes}) FROM {LEDGER} l, {others}")
        standing.rebuild(session)
    ready.touch()


def _name(number: int) -> str:
    return f"tenant_{number:05d}"


def _server_cpu(folder: Path) -> float:
    """Return what the server and its ended sessions took so far; 0 where the system does not tell."""
    pid = (folder / "postgres" / "data" / "postmaster.pid").read_text().splitlines()[0]
    try:
        fields = Path("/proc", pid, "stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return 0.0
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
