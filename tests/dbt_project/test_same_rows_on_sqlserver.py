"""Silver and gold on a T-SQL server hold the rows that DuckDB builds from the same bronze, at first and days later."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from orchestration import names
from orchestration.definitions.transform.dbt_environment import dbt_environment
from orchestration.definitions.transform.lineage import table_keys
from orchestration.definitions.transform.project import DbtProject, dbt_executable, read_project
from orchestration.quality.salts import SALTS
from orchestration.settings import Settings
from orchestration.warehouse import open_warehouse
from orchestration.warehouse.ddl import KEY_MARK, TableShape
from orchestration.warehouse.sqlserver.comparing import Compared, Side, compare

pytestmark = [pytest.mark.sqlserver, pytest.mark.timeout(900)]
Bronze = Any  # the one of conftest.py


@pytest.fixture(scope="module")
def settings(
    new_tsql_database: Callable[[], str], server_macros: Path, tmp_path_factory: pytest.TempPathFactory
) -> Settings:
    home, connection = tmp_path_factory.mktemp("home"), SecretStr(new_tsql_database())
    return Settings(home=home, warehouse="sqlserver", sqlserver_connection=connection, dbt_macros=server_macros)


@pytest.fixture(scope="module")
def project(settings: Settings, first_day: Bronze) -> DbtProject:
    """The project, built on the server from the bronze that DuckDB's warehouse has."""
    with attached(settings, first_day) as session:
        for schema in sorted({contract.table[0] for contract in first_day.contracts.values()} | {names.PLATFORM}):
            session.ddl.run(session, session.ddl.create_schema(schema))
        salts = TableShape({"tenant_id": f"VARCHAR{KEY_MARK}", "salt": "VARCHAR"})
        shapes = {contract.table: session.ddl.bronze_shape(contract) for contract in first_day.contracts.values()}
        for table, shape in (shapes | {SALTS: salts}).items():
            session.ddl.run(session, session.ddl.create_table(table, shape))
            session.append(table, f"built.{names.qualified(table)}")
    project = read_project(settings)
    assert project.folder is not None, project.fault
    build(settings, project)
    return project


@pytest.fixture(scope="module")
def project_later(project: DbtProject, settings: Settings, later: Bronze) -> DbtProject:
    """The same project some business days later: models that grow, grow by the same days as on DuckDB."""
    with attached(settings, later) as session:
        for contract in later.contracts.values():
            with session.transaction():
                session.run(f"DELETE FROM [{contract.table[0]}].[{contract.table[1]}]")
                session.append(contract.table, f"built.{names.qualified(contract.table)}")
    said = build(settings, project)
    assert "falling back to rename-swap" not in said, "readers would wait for a swap"
    return project


def build(settings: Settings, project: DbtProject) -> str:
    done = subprocess.run(
        [dbt_executable(), "build", "--profiles-dir", ".", "--select", "tag:silver", "tag:gold"],
        cwd=project.folder, env=dbt_environment(settings), capture_output=True, text=True, check=False, timeout=500,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-6000:]
    return done.stdout


@contextmanager
def attached(settings: Settings, bronze: Bronze) -> Iterator[Any]:
    with open_warehouse(settings).session("a test") as session:
        session.con.execute(f"ATTACH '{bronze.path}' AS built (READ_ONLY)")
        yield session


def compared(session: Any, table: names.Table, key: tuple[str, ...]) -> Compared:
    place = f"built.{names.qualified(table)}"
    columns = {row[0]: row[1] for row in session.con.execute(f"DESCRIBE SELECT * FROM {place}").fetchall()}
    with session.working_copy(table):
        sides = Side(place, columns), Side(names.qualified(table), session.columns(table))
        return compare(session.con, table, sides, key)


@pytest.mark.proves("dbt: the build, its tests and contracts")
@pytest.mark.proves("Comparison with DuckDB, row for row")
def test_every_table_of_silver_and_gold_holds_the_same_rows(
    project: DbtProject, settings: Settings, first_day: Bronze
) -> None:
    keys = table_keys(project)
    with attached(settings, first_day) as session:
        found = [compared(session, table, key) for table, key in keys.items()]
    assert len(found) > 40
    assert sum(one.left_rows for one in found) > 1000
    assert [one for one in found if not one.is_same] == []


@pytest.mark.proves("Comparison with DuckDB, row for row")
def test_the_same_rows_days_later_and_the_same_histories(
    project_later: DbtProject, settings: Settings, later: Bronze
) -> None:
    keys = table_keys(project_later)
    with attached(settings, later) as session:
        found = {table: compared(session, table, key) for table, key in keys.items()}
        ended = {
            name: session.execute(f"SELECT count(*) FROM silver.{name} WHERE valid_to IS NOT NULL")[0][0]
            for name in ("customer_history", "contract_history")
        }
    assert [one for one in found.values() if not one.is_same] == []
    assert min(ended.values()) > 0, "no version has ended: one build alone would have done"


def test_a_row_that_is_another_on_the_server_is_found(
    project_later: DbtProject, settings: Settings, later: Bronze
) -> None:
    table = ("gold", "license_usage")
    with attached(settings, later) as session:
        place = names.qualified(table)
        ((customer,),) = session.execute(f"SELECT min(customer_key) FROM {place}")
        session.execute(f"UPDATE {place} SET customer_name = 'Another' WHERE customer_key = ?", [customer])
        found = compared(session, table, table_keys(project_later)[table])
    assert {item.column for item in found.differences} == {"customer_name"}
    assert {item.right for item in found.differences} == {"Another"}
    assert all(customer in item.key for item in found.differences)
