"""A small warehouse whose bronze is filled from the simulated company, and dbt run upon it as the platform runs it."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from pydantic import SecretStr

from orchestration import names
from orchestration.contracts.extraction import Connection, CsvPart, Window
from orchestration.contracts.model import Contract
from orchestration.contracts.source import find_sources
from orchestration.settings import PROJECT
from orchestration.warehouse.ddl import bronze_columns
from source_systems._simulation import Change
from source_systems.accounting import simulator as accounting
from source_systems.accounting.extract import connect

DBT_PROJECT = PROJECT / "dbt_project"
FIRST_LOAD = datetime(2026, 3, 2, 6, tzinfo=UTC)
TENANTS = ("acme", "globex")
SALTS = f"{names.PLATFORM}.tenant_salt"
STAMPS = ("created_at", "updated_at", "CreatedDate", "LastModifiedDate", "SystemModstamp")


def salt_of(tenant: str) -> str:
    """Return a tenant's salt in these tests."""
    return hashlib.sha256(tenant.encode()).hexdigest()


class Bronze:
    """Bronze tables in a DuckDB file, kept as loads keep them: current rows, tombstones, `_loaded_at` of changes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.contracts = {
            (source.name, contract.physical_name.rpartition(".")[2]): contract
            for source in find_sources(PROJECT / "source_systems").values()
            for contract in source.contracts.values()
        }
        with duckdb.connect(str(path)) as con:
            for schema in {contract.table[0] for contract in self.contracts.values()}:
                con.execute(f"CREATE SCHEMA {schema}")
            for contract in self.contracts.values():
                columns = ", ".join(f'"{name}" {kind}' for name, kind in bronze_columns(contract).items())
                con.execute(f"CREATE TABLE {names.qualified(contract.table)} ({columns})")
            con.execute(f"CREATE SCHEMA {names.PLATFORM}")
            con.execute(f"CREATE TABLE {SALTS} (tenant_id VARCHAR PRIMARY KEY, salt VARCHAR)")
            con.executemany(f"INSERT INTO {SALTS} VALUES (?, ?)", [(name, salt_of(name)) for name in TENANTS])

    def load(self, tenant: str, changes: Iterable[Change], at: datetime) -> None:
        """Apply changes as one load of each entity: the last version of a key counts."""
        rows: dict[str, dict[tuple[Any, ...], dict[str, Any]]] = {}
        for change in changes:
            contract = self.contracts[change.system, change.table]
            row = self._row(contract, change, tenant, at)
            rows.setdefault(f"{change.system}.{change.table}", {})[tuple(row[name] for name in contract.key)] = row
        with duckdb.connect(str(self.path)) as con:
            for place, found in rows.items():
                system, table = place.split(".")
                self._write(con, self.contracts[system, table], list(found.values()))

    def load_files(self, tenant: str, day: int, at: datetime, folder: Path) -> None:
        """Load the accounting's files as a full load does: what is gone from them is a tombstone."""
        address = accounting.start(folder)
        accounting.bring_to(address, tenant, day, seed=7, size=12)
        settings = {name: SecretStr(value) for name, value in accounting.settings_for(address, tenant).items()}
        with connect(Connection(tenant, "accounting", settings=settings)) as extractor:
            for contract in self.contracts.values():
                if contract.source == "accounting":
                    pages = [
                        page for page in extractor.extract(contract, Window(None, at)) if isinstance(page, CsvPart)
                    ]
                    self._reconcile(contract, pages, tenant, at)

    def execute(self, sql: str) -> list[tuple[Any, ...]]:
        """Run one statement in the file."""
        with duckdb.connect(str(self.path)) as con:
            return con.execute(sql).fetchall()

    def _row(self, contract: Contract, change: Change, tenant: str, at: datetime) -> dict[str, Any]:
        moment = (at - change.age - timedelta(minutes=5)).replace(tzinfo=None)
        values = dict.fromkeys(STAMPS, moment) | change.row
        gone = change.op in ("delete", "soft_delete") or bool(change.row.get("IsDeleted"))
        loaded = at.replace(tzinfo=None)
        platform = {names.LOADED_AT: loaded, names.DELETED_AT: loaded if gone else None, names.LOAD_ID: f"{at:%H%M%S}"}
        own = {column.name: values[column.source_name] for column in contract.columns}
        return {names.TENANT: tenant, names.CONNECTION: "main"} | own | platform

    def _reconcile(self, contract: Contract, pages: list[CsvPart], tenant: str, at: datetime) -> None:
        texts = [row for page in pages for row in csv.DictReader(io.StringIO(page.body.decode(), newline=""))]
        own = {
            column.name: pa.array([row[column.source_name] or None for row in texts]).cast(column.type.arrow)
            for column in contract.columns
        }
        moment = at.replace(tzinfo=None)
        platform = {names.LOAD_ID: f"{at:%H%M%S}", names.LOADED_AT: moment, names.DELETED_AT: None}
        place = {names.TENANT: tenant, names.CONNECTION: "main"}
        table = names.qualified(contract.table)
        with duckdb.connect(str(self.path)) as con:
            self._write(con, contract, [place | row | platform for row in pa.table(own).to_pylist()])
            con.execute(
                f"UPDATE {table} SET {names.DELETED_AT} = ?, {names.LOADED_AT} = ? "
                f"WHERE {names.TENANT} = ? AND {names.LOADED_AT} < ? AND {names.DELETED_AT} IS NULL",
                [moment, moment, tenant, moment],
            )

    def _write(self, con: duckdb.DuckDBPyConnection, contract: Contract, rows: list[dict[str, Any]]) -> None:
        table, keys = names.qualified(contract.table), ", ".join((*names.PLATFORM_KEY, *contract.key))
        schema = con.sql(f"SELECT * FROM {table} LIMIT 0").to_arrow_table().schema
        con.register("incoming", pa.Table.from_pylist(rows, schema=schema))
        con.execute(f"DELETE FROM {table} WHERE ({keys}) IN (SELECT ({keys}) FROM incoming)")
        con.execute(f"INSERT INTO {table} SELECT * FROM incoming")
        con.unregister("incoming")


def first_target(bronze: Bronze) -> Path:
    """Return where the SQL of the first build is kept: later builds of incremental models are others."""
    return bronze.path.parent / "first_target"


@dataclass(frozen=True)
class Dbt:
    """dbt as its own process, with its own target folder."""

    scratch: Path

    def run(self, *arguments: str, warehouse: Path, **environment: str) -> None:
        """Run one command and fail with dbt's own words."""
        target = self.scratch / "target"
        # Every warehouse under one name: when the profile changes, dbt parses the whole project anew.
        place = self.scratch / "warehouse.duckdb"
        place.unlink(missing_ok=True)
        if warehouse.exists():
            place.hardlink_to(warehouse)  # not symbolic: DuckDB would call the database by the other end's name
        command = [
            str(Path(sys.executable).with_name("dbt")), *arguments, "--project-dir", ".", "--profiles-dir", ".",
            "--target-path", str(target), "--log-path", str(self.scratch / "logs"),
        ]  # fmt: skip
        done = subprocess.run(
            command,
            cwd=DBT_PROJECT,
            env=os.environ | {"STRATA_WAREHOUSE_FILE": str(place), "NO_COLOR": "1"} | environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
        )
        assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]

    def build(self, warehouse: Path, *layers: str, without: str = "unit_test") -> None:
        """Build layers in one invocation, as the platform does; ``without`` names what is not run of them."""
        selection = ("--select", *(f"tag:{layer}" for layer in layers))
        self.run("build", *selection, warehouse=warehouse, DBT_EXCLUDE_RESOURCE_TYPES=without)

    @property
    def manifest(self) -> dict[str, Any]:
        """The manifest of the last command."""
        document: dict[str, Any] = json.loads((self.scratch / "target" / "manifest.json").read_text())
        return document
