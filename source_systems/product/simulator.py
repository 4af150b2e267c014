"""The product database's stand-in: a real PostgreSQL with one database for each tenant of the simulated company.

Its tables come from the contracts. The extractor signs in as a reader who may
SELECT and nothing else. How far a database is in the world's time stands in the
database itself (``simulation.world``) and moves in the day's transaction.
"""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import islice
from pathlib import Path

import psycopg
from psycopg import sql

from orchestration.contracts.model import Column, Contract
from orchestration.contracts.reader import read_contracts
from orchestration.failures import SettingsError
from source_systems._simulation import COMPOSITE_KEYS, Change, World
from source_systems._simulation.postgres import PostgresServer

READER = "strata_reader"
_AT_ONCE = 20_000
"""Changes that are held to be written table by table."""
_TYPES = {"timestamp": "timestamptz", "double": "double precision"}

Address = Mapping[str, str]
_Connection = psycopg.Connection[tuple[object, ...]]


def start(folder: Path) -> dict[str, str]:
    """Start the server, give the reader a new password, and return the address."""
    server = PostgresServer(folder)
    server.start()
    password = secrets.token_urlsafe(24)
    with psycopg.connect(server.url(), autocommit=True) as connection:
        known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [READER]).fetchone()
        statement = "ALTER ROLE {} PASSWORD {}" if known else "CREATE ROLE {} LOGIN PASSWORD {}"
        connection.execute(sql.SQL(statement).format(sql.Identifier(READER), password))
    return {"folder": str(folder), "port": str(server.port), "reader_password": password}


def is_running(address: Address) -> bool:
    """Say whether the server at this address answers, and is still the same."""
    server = PostgresServer(Path(address["folder"]))
    return server.is_running() and str(server.port) == address["port"]


def stop(address: Address) -> None:
    """Stop the server and wait until it is gone."""
    PostgresServer(Path(address["folder"])).stop()


def settings_for(address: Address, place: str) -> dict[str, str]:
    """Return the reader's settings for one tenant's database."""
    password, port = address["reader_password"], address["port"]
    return {"url": f"postgresql://{READER}:{password}@127.0.0.1:{port}/{_database(place)}", "schema": "public"}


def bring_to(address: Address, place: str, day: int, *, seed: int, size: int) -> None:
    """Make the tenant's database if there is none, then apply the days that it lacks, each in one transaction."""
    server = PostgresServer(Path(address["folder"]))
    with psycopg.connect(server.url(), autocommit=True) as admin:
        if not admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [_database(place)]).fetchone():
            admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(_database(place))))
    world = World(place, seed, size)
    with psycopg.connect(server.url(_database(place))) as connection:
        reached = _reached(connection, place, seed, size)
        if reached is None:
            _found(connection, world, seed, size)
        for number in range((reached or 0) + 1, day + 1):
            with connection.transaction():
                _apply(connection, world.day(number, "product"))
                connection.execute("UPDATE simulation.world SET day = %s", [number])


def has_data(address: Address, place: str) -> bool:
    """Say whether the tenant has a database."""
    server = PostgresServer(Path(address["folder"]))
    with psycopg.connect(server.url(), autocommit=True) as admin:
        found = admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [_database(place)]).fetchone()
    return found is not None


def remove(address: Address, place: str) -> None:
    """Drop the tenant's database, ending sessions in it."""
    server = PostgresServer(Path(address["folder"]))
    with psycopg.connect(server.url(), autocommit=True) as admin:
        admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(_database(place))))


def _database(place: str) -> str:
    return f"product_{place}"


def _reached(connection: _Connection, place: str, seed: int, size: int) -> int | None:
    """Return the day that the database is at, ``None`` when it is empty."""
    if connection.execute("SELECT to_regclass('simulation.world')").fetchone() == (None,):
        return None
    ((day, *plan),) = connection.execute("SELECT day, seed, size FROM simulation.world").fetchall()
    if plan != [seed, size]:
        raise SettingsError(
            f"{place}/product: the simulated world was made with STRATA_WORLD_SEED={plan[0]} and "
            f"STRATA_WORLD_SIZE={plan[1]}, not {seed} and {size}.",
            "Keep these settings, or use a new STRATA_HOME.",
        )
    return int(str(day))


def _found(connection: _Connection, world: World, seed: int, size: int) -> None:
    """Make tables and first state in one transaction: an interrupted one leaves nothing."""
    contracts = read_contracts(Path(__file__).parent / "contracts", "product").values()
    with connection.transaction():
        connection.execute("CREATE SCHEMA simulation")
        connection.execute("CREATE TABLE simulation.world (day int, seed bigint, size bigint)")
        connection.execute("INSERT INTO simulation.world VALUES (0, %s, %s)", [seed, size])
        for contract in contracts:
            connection.execute(_table(contract))
        _apply(connection, world.initial("product"))
        for contract in contracts:
            connection.execute(_index(contract))
        connection.execute(sql.SQL("GRANT SELECT ON ALL TABLES IN SCHEMA public TO {}").format(sql.Identifier(READER)))


def _table(contract: Contract) -> sql.Composed:
    columns = [
        sql.SQL("{} {} {}").format(
            sql.Identifier(column.name), _type(column), sql.SQL("NOT NULL" if column.required else "NULL")
        )
        for column in contract.columns
    ]
    key = sql.SQL("PRIMARY KEY ({})").format(sql.SQL(", ").join(map(sql.Identifier, contract.key)))
    body = sql.SQL(", ").join([*columns, key])
    return sql.SQL("CREATE TABLE {} ({})").format(sql.Identifier(contract.entity), body)


def _index(contract: Contract) -> sql.Composed:
    return sql.SQL("CREATE INDEX ON {} ({})").format(
        sql.Identifier(contract.entity), sql.Identifier(contract.cursor or contract.key[0])
    )


def _type(column: Column) -> sql.Composable:
    """Write a column's type for PostgreSQL."""
    kind = column.type
    if kind.kind == "decimal":
        return sql.SQL("numeric({}, {})").format(kind.precision, kind.scale)
    if kind.length:
        return sql.SQL("varchar({})").format(kind.length)
    return sql.SQL(_TYPES.get(kind.kind, kind.kind))


def _apply(connection: _Connection, changes: Iterable[Change]) -> None:
    """Write changes in bundles, table by table; technical timestamps are the transaction's moment minus the age."""
    ((now,),) = connection.execute("SELECT now()").fetchall()
    if not isinstance(now, datetime):
        raise TypeError
    for bundle in _bundles(iter(changes)):
        inserts: dict[str, list[Change]] = defaultdict(list)
        with connection.pipeline():
            for change in bundle:
                if change.op == "insert":
                    inserts[change.table].append(change)
                else:
                    _change(connection, change, now)
        for table, rows in inserts.items():
            _insert(connection, table, rows, now)


def _bundles(changes: Iterator[Change]) -> Iterator[list[Change]]:
    while bundle := list(islice(changes, _AT_ONCE)):
        yield bundle


def _insert(connection: _Connection, table: str, changes: list[Change], now: datetime) -> None:
    columns = [*changes[0].row, "created_at", "updated_at"]
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with connection.cursor().copy(statement) as copy:
        for change in changes:
            moment = now - change.age
            copy.write_row((*change.row.values(), moment, moment))


def _change(connection: _Connection, change: Change, now: datetime) -> None:
    table, row = sql.Identifier(change.table), change.row
    key = COMPOSITE_KEYS.get(change.table, ("id",))
    match = sql.SQL(" AND ").join(sql.SQL("{} = {}").format(sql.Identifier(name), row[name]) for name in key)
    if change.op == "delete":
        connection.execute(sql.SQL("DELETE FROM {} WHERE {}").format(table, match))
        return
    values = row | {"updated_at": now}
    assignments = sql.SQL(", ").join(
        sql.SQL("{} = {}").format(sql.Identifier(name), value) for name, value in values.items()
    )
    connection.execute(sql.SQL("UPDATE {} SET {} WHERE {}").format(table, assignments, match))
