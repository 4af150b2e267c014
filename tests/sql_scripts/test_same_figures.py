"""The financial scripts give the same figures, to the cent, on DuckDB and on a T-SQL server.

The simulated company's rows after a week that ends a month, for each tenant: what a script sees is copied to the
server, where the analysts' own text runs. Every table's columns, rows and values are compared.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import duckdb
import pytest
from built_warehouse import FIRST_LOAD, TENANTS, Bronze, Dbt
from two_closes import Built, Tables, closed_on_duckdb, closed_on_server, differences, retyped

from orchestration.quality.personal import personal_columns
from orchestration.scripts.close.plan import read_plan
from orchestration.scripts.execution import Turn
from orchestration.settings import PROJECT
from source_systems._simulation import World
from source_systems._simulation.business_days import date_of

DAYS = 5
CLOSED_BY_HAND = {
    ("finance", "sold"): Built(
        {"customer": "nvarchar(max)", "day": "date", "amount": "decimal(18,2)", "is_paid": "bit"},
        [("Ada", date(2026, 1, 31), Decimal("10.50"), True), ("Bob", date(2026, 2, 1), None, None)],
    )
}


@pytest.fixture(scope="module")
def warehouse(new_tsql_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Bronze:
    """Silver of both tenants after some days; skipped where no server is named, before anything is built."""
    bronze = Bronze(tmp_path_factory.mktemp("figures") / "warehouse.duckdb")
    for tenant in TENANTS:
        world = World(tenant, 7, 12)
        bronze.load(tenant, world.initial(), FIRST_LOAD)
        for day in range(1, DAYS + 1):
            bronze.load(tenant, world.day(day), FIRST_LOAD + timedelta(days=day))
        bronze.load_files(tenant, DAYS, FIRST_LOAD + timedelta(days=DAYS), bronze.path.parent / "accounting")
    Dbt(tmp_path_factory.mktemp("dbt")).build(bronze.path, "silver")
    return bronze


@pytest.fixture(scope="module", params=TENANTS)
def closes(
    request: pytest.FixtureRequest, warehouse: Bronze, new_tsql_database: Callable[[], str]
) -> tuple[Tables, Tables]:
    """One tenant's close on DuckDB, and on the server."""
    plan = read_plan(PROJECT / "sql_scripts" / "financial")
    turn, personal = Turn(request.param, date_of(DAYS)), personal_columns(warehouse.contracts.values())
    with duckdb.connect(str(warehouse.path)) as con:
        ours = closed_on_duckdb(con, plan, turn, personal)
        return ours, closed_on_server(new_tsql_database(), con, plan, turn, personal)


@pytest.mark.sqlserver
@pytest.mark.proves("Analysts' scripts and the close")
@pytest.mark.timeout(900)
def test_every_table_has_the_same_columns_rows_and_values(closes: tuple[Tables, Tables]) -> None:
    ours, theirs = closes
    assert len(ours) > 20
    assert not [table for table, built in ours.items() if not built.rows], "a table without rows proves nothing"
    assert differences(ours, theirs) == []


@pytest.mark.sqlserver
@pytest.mark.timeout(900)
def test_every_column_has_the_type_that_the_translation_says(closes: tuple[Tables, Tables]) -> None:
    assert retyped(*closes) == []


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([("Ada", date(2026, 1, 31), Decimal("10.5000"), 1), ("Bob", date(2026, 2, 1), None, None)], []),
        ([("Ada", date(2026, 1, 31), Decimal("10.51"), 1), ("Bob", date(2026, 2, 1), Decimal(0), None)], ["amount"]),
        ([("Ada", date(2026, 1, 30), Decimal("10.50"), 0), ("Bob", date(2026, 2, 1), None, None)], ["day", "is_paid"]),
        ([("ada", date(2026, 1, 31), Decimal("10.50"), 1), ("Bob", date(2026, 2, 1), None, None)], ["only one has"]),
        ([("Ada", date(2026, 1, 31), Decimal("10.50"), 1)], ["2 rows on DuckDB, 1 on the server", "only one has"]),
    ],
)
def test_what_differs_is_told_by_table_column_and_key(rows: list[tuple[object, ...]], told: list[str]) -> None:
    ((table, built),) = CLOSED_BY_HAND.items()
    found = differences(CLOSED_BY_HAND, {table: replace(built, rows=rows[::-1])})
    assert len(found) == len(told)
    for line, words in zip(found, told, strict=True):
        assert line.startswith("sold")
        assert words in line


def test_a_column_that_one_lacks_is_told() -> None:
    ((table, built),) = CLOSED_BY_HAND.items()
    lacking = {table: Built(dict(list(built.columns.items())[:3]), [row[:3] for row in built.rows])}
    assert "columns" in differences(CLOSED_BY_HAND, lacking)[0]
    assert retyped(CLOSED_BY_HAND, lacking) == ["sold.is_paid: bit by translation, None on the server"]
