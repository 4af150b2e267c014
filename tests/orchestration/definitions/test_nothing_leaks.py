"""Planted names, passwords and tokens are looked for in everything that a full run leaves behind or prints.

They may be found in landing, in bronze and in the raw rows of quarantine, and nowhere else: not in any other
table, published file, manifest, log, run record, alert, listing or status. The salts are looked for too.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import dagster as dg
import duckdb
import pytest
from sqlalchemy import select

from orchestration import names
from orchestration.cli import main
from orchestration.contracts.dbt_sources import write_sources
from orchestration.contracts.source import read_source
from orchestration.control import open_control, tables
from orchestration.definitions import source_definitions
from orchestration.definitions.transform.location import warehouse_definitions
from orchestration.settings import PROJECT, load_settings

PLANTED = "zyxplanted"
PASSWORD, TOKEN = f"pw-{PLANTED}-4711", f"hook-{PLANTED}-42"
NAME = f"Quimby {PLANTED.title()}"
LONG = f"Far too long a name {PLANTED} " * 4
PEOPLE = [
    {"handle": f"{PLANTED}{number}", "name": NAME, "email": f"{PLANTED}.{number}@example.com", "born": "1990-01-31"}
    for number in range(30)
]
REJECTED = [
    {**PEOPLE[0], "handle": f"{PLANTED}-long", "name": LONG},
    {**PEOPLE[0], "handle": f"{PLANTED}-born", "born": f"{PLANTED} in May"},
    {**PEOPLE[0], "handle": None, "email": f"{PLANTED}.none@example.com"},
    {**PEOPLE[0], "handle": f"{PLANTED}-when", "updated_at": "noon"},
]
RAW = {("strata", "quarantine"): ("key", "raw_value", "raw_row")}
"""What holds of a rejected row what was sent."""

COMMANDS = (
    ("status",), ("status", "--json"), ("sources",), ("quarantine", "list", "--all"), ("quarantine", "list", "--json"),
    ("doctor",), ("control", "audit"), ("control", "status"), ("sql", "check"),
)  # fmt: skip
CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: toy-person
name: Toy person
version: 1.0.0
status: active
team: {name: toy-makers}
schema:
  - name: person
    physicalName: person
    description: Somebody.
    customProperties:
      - {property: cursor, value: updated_at}
      - {property: rejectThreshold, value: 0.3}
      - {property: shrinkThreshold, value: 1.0}
    properties:
      - {name: handle, physicalType: text, primaryKey: true, required: true, classification: pii, description: Key.}
      - {name: name, physicalType: text(60), classification: pii, description: Name.}
      - name: email
        physicalType: text
        classification: pii
        customProperties: [{property: pii, value: mask}]
        description: Address.
      - {name: born, physicalType: date, classification: pii, description: Birthday.}
      - {name: updated_at, physicalType: timestamp, required: true, description: The cursor.}
"""
MODEL = """
select
    source._tenant_id,
    {{ personal(source('bronze_toy', 'person'), 'handle') }} as handle,
    {{ personal(source('bronze_toy', 'person'), 'name') }} as name,
    {{ personal(source('bronze_toy', 'person'), 'email') }} as email,
    {{ personal(source('bronze_toy', 'person'), 'born') }} as born
from {{ source('bronze_toy', 'person') }} as source
where source._deleted_at is null
"""
MODELS = """
  - name: person
    data_tests: [{key: {arguments: {columns: [_tenant_id, handle]}}}]
  - name: known_person
    data_tests: [{key: {arguments: {columns: [_tenant_id, handle]}}}]
"""
# Reads bronze itself, as a careless rule would: its sample shows the rows that break it.
RULE = """
  silver.person:
    owner: toy-makers
    rules:
      - rule: nobody_is_called_so
        description: A name that nobody has.
        sql: >-
          select _tenant_id, handle, name, email, born from bronze_toy.person
          where name like 'Gate%' and _deleted_at is null
"""
EXTRACT = """
from contextlib import nullcontext
from pathlib import Path

from orchestration.contracts.extraction import CsvPart, Extractor, JsonPage
from orchestration.failures import AuthenticationFailed


def connect(connection):
    folder, password = Path(connection.get("folder")), connection.get("password")
    kind = (folder / "defect").read_text().strip() if (folder / "defect").exists() else ""
    if kind == "driver":
        raise OSError(f"cannot reach db://reader:{password}@db.example.com/x?password={password}")
    if kind == "server":
        raise AuthenticationFailed(f'The server says: no entry for "reader", password="{password}".', "Give a new one.")
    return nullcontext(_Files(folder))


class _Files(Extractor):
    def __init__(self, folder):
        self._folder = folder

    def extract(self, contract, window):
        path = self._folder / f"{contract.physical_name}.json"
        yield JsonPage(path.read_bytes() if path.exists() else b"[]")

    def describe(self, contract):
        return {column.source_name: column.type for column in contract.columns}
"""


class Sink:
    """An alert receiver that refuses the first message."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        sink = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                sink.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(500 if len(sink.bodies) == 1 else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Keep the test's output quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}/{TOKEN}?token={TOKEN}"


@pytest.fixture
def sink() -> Iterator[Sink]:
    sink = Sink()
    thread = Thread(target=sink.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield sink
    sink.server.shutdown()
    sink.server.server_close()


class House:
    """The toy platform with people in it, its runs recorded in files as Dagster does."""

    def __init__(self, toy: Any, instance: dg.DagsterInstance) -> None:
        self.toy, self.instance = toy, instance
        self.home = Path(load_settings().home)
        self._lay_out()

    def _lay_out(self) -> None:
        source, dbt = self.toy.folder / "source_systems" / "toy", self.toy.folder / "dbt_project"
        (source / "contracts" / "person.yaml").write_text(CONTRACT)
        (source / "extract.py").write_text(EXTRACT)
        secret = "  - {name: password, description: Of the reader, secret: true}\nschedule:"
        _replace(source / "source.yaml", "schedule:", secret)
        for name in ("personal.sql", "engine.sql"):
            shutil.copy(PROJECT / "dbt_project" / "macros" / name, dbt / "macros" / name)
        schemas = dbt / "macros" / "schemas.sql"  # its first line is in engine.sql too
        schemas.write_text("".join(schemas.read_text().splitlines(keepends=True)[1:]))
        (dbt / "models" / "silver" / "person.sql").write_text(MODEL)
        (dbt / "models" / "gold" / "known_person.sql").write_text("select * from {{ ref('person') }}")
        (dbt / "models" / "models.yml").open("a").write(MODELS)
        (dbt / "expectations" / "silver.yaml").open("a").write(RULE)
        write_sources(read_source(source), dbt)
        self.write([], tenant="globex")

    def load(self, mode: str = "daily") -> bool:
        job = source_definitions("toy").resolve_job_def(f"toy_{mode}")
        ops = {"load_toy": {"config": {"mode": mode}}}
        return bool(job.execute_in_process({"ops": ops}, instance=self.instance, raise_on_error=False).success)

    def build(self, job: str = "warehouse_build") -> bool:
        resolved = warehouse_definitions().resolve_job_def(job)
        return bool(resolved.execute_in_process(instance=self.instance, raise_on_error=False).success)

    def write(self, people: Sequence[Mapping[str, Any]], tenant: str = "acme") -> None:
        folder = self.toy.folder / "data" / tenant
        rows = [{"updated_at": "2026-01-01T00:00:00", **person} for person in people]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "person.json").write_text(json.dumps(rows), encoding="utf-8")

    def break_connection(self, kind: str) -> None:
        (self.toy.folder / "data" / "acme" / "defect").write_text(kind, encoding="utf-8")

    def salts(self) -> list[str]:
        with open_control(load_settings()).reading() as connection:
            return [str(salt) for (salt,) in connection.execute(select(tables.salt.c.salt))]


def _replace(path: Path, before: str, after: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(before) == 1
    path.write_text(text.replace(before, after), encoding="utf-8")


@pytest.fixture
def house(toy: Any, sink: Sink, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    monkeypatch.setenv("STRATA_ALERT_WEBHOOK_URL", sink.url)
    for tenant in ("ACME", "GLOBEX"):
        monkeypatch.setenv(f"STRATA_TOY__{tenant}__PASSWORD", PASSWORD)
    folder = Path(load_settings().home) / "dagster"
    folder.mkdir(parents=True)
    with dg.DagsterInstance.local_temp(str(folder)) as instance:
        yield House(toy, instance)


def live_a_day(house: House) -> None:
    """Load with rejects, close a gate, break loads in three ways, mend everything, build and publish."""
    house.write([*PEOPLE, *REJECTED, {**PEOPLE[0], "handle": f"{PLANTED}-gate", "name": f"Gate {PLANTED}"}])
    assert house.load()
    assert not house.build()
    house.write([*PEOPLE[:3], *REJECTED])
    assert not house.load()
    for kind in ("driver", "server"):
        house.break_connection(kind)
        assert not house.load("hourly")
    house.break_connection("")
    house.write(PEOPLE)  # a rejected row without a readable key would keep every deletion back
    assert house.load()
    assert house.build()
    house.build("financial_daily")


def ask_every_command() -> None:
    """Print what the command line shows to somebody without a permission."""
    for command in COMMANDS:
        with pytest.raises(SystemExit):
            main(command)


def found_in_tables(home: Path, wanted: Sequence[str]) -> set[str]:
    """Return the columns of the warehouse, bronze and raw rejects left out, in which a wanted text stands."""
    places = set()
    with duckdb.connect(str(home / "warehouse" / "warehouse.duckdb"), read_only=True) as con:
        for schema, table, column in con.execute(
            "SELECT schema_name, table_name, column_name FROM duckdb_columns() WHERE NOT internal"
        ).fetchall():
            if schema.startswith("bronze_") or column in RAW.get((schema, table), ()):
                continue
            text = f'lower(CAST("{column}" AS VARCHAR))'
            hits = " OR ".join(f"contains({text}, {names.literal(one)})" for one in wanted)
            if con.execute(f'SELECT count(*) FROM "{schema}"."{table}" WHERE {hits}').fetchall() != [(0,)]:
                places.add(f"{schema}.{table}.{column}")
    return places


def found_in_files(home: Path, wanted: Sequence[str]) -> set[str]:
    """Return the files of a home, landing and the warehouse left out, in which a wanted text stands."""
    kept = {home / "landing", home / "warehouse"}
    paths = [path for path in home.rglob("*") if path.is_file() and not kept & set(path.parents)]
    return {f"{path.relative_to(home)}: {one}" for path in paths for one in _hits(_content(path), wanted)}


def _hits(content: bytes, wanted: Sequence[str]) -> set[str]:
    content = content.lower()
    return {one for one in wanted if any(one.encode(form) in content for form in ("utf-8", "utf-16-le"))}


def _content(path: Path) -> bytes:
    """Return a file's bytes; of what is compressed inside also the plain text."""
    content = path.read_bytes()
    if content[:4] == b"PAR1":
        content += repr(duckdb.sql(f"SELECT * FROM read_parquet('{path}')").fetchall()).encode()
    if content[:15] == b"SQLite format 3":
        content += b"\n".join(_cells(path))
    return content


def _cells(path: Path) -> Iterator[bytes]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as con:
        for (table,) in con.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            for row in con.execute(f'SELECT * FROM "{table}"'):
                yield from (_plain(cell) for cell in row if cell is not None)


def _plain(cell: object) -> bytes:
    content = cell if isinstance(cell, bytes) else str(cell).encode()
    with contextlib.suppress(zlib.error):
        return zlib.decompress(content)
    return content


@pytest.mark.timeout(600)  # two builds and seven runs; about 40 CPU seconds
def test_planted_values_stay_in_landing_bronze_and_raw_rejects(
    house: House, sink: Sink, capfd: pytest.CaptureFixture[str]
) -> None:
    live_a_day(house)
    ask_every_command()
    printed = "".join(capfd.readouterr()).lower()
    salts = house.salts()
    assert len(salts) == 2

    with duckdb.connect(str(house.home / "warehouse" / "warehouse.duckdb"), read_only=True) as con:
        assert con.execute("SELECT count(*) FROM gold.known_person WHERE email = '***@example.com'").fetchall() == [
            (0,)
        ]
        assert con.execute("SELECT count(DISTINCT handle) FROM gold.known_person").fetchall() == [(30,)]
        assert con.execute(
            f"SELECT count(*) > 0 FROM strata.quarantine WHERE raw_row ILIKE '%{PLANTED}%'"
        ).fetchall() == [(True,)]
        assert con.execute("SELECT count(*) FROM strata.alert").fetchall() > [(3,)]
    assert len(sink.bodies) > 3
    assert (house.home / "published" / "gold" / "known_person").exists()

    assert found_in_tables(house.home, [PLANTED]) == set()
    assert found_in_tables(house.home, salts) == {"strata.tenant_salt.salt"}
    assert found_in_files(house.home, [PLANTED]) == set()
    assert {place.split(":")[0].removesuffix("-wal") for place in found_in_files(house.home, salts)} <= {
        "control/control.db"
    }
    assert [line for line in printed.splitlines() if any(text in line for text in [PLANTED, *salts])] == []
    assert not [body for body in sink.bodies if PLANTED.encode() in body.lower()]
