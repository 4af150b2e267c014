"""A table in parts of a month each: the statements, and that loads and rebuilds treat it like any other."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shop_tables import contract_of, fill, retyped

from orchestration.contracts.model import Contract
from orchestration.failures import ContractViolated
from orchestration.warehouse import apply
from orchestration.warehouse.ddl import DuckDBDdl, TableShape
from orchestration.warehouse.sqlserver import parts
from orchestration.warehouse.sqlserver.ddl import SqlServerDdl
from orchestration.warehouse.sqlserver.dependents import keys
from orchestration.warehouse.sqlserver.session import SqlServerSession

TABLE = ("bronze_shop", "sale")
SHAPE = TableShape({"id": "BIGINT", "day": "DATE"}, ("id",), partition_by="day")
NAME = "bronze_shop.sale.day.date"
DAY = date(2026, 11, 22)
COLUMNS = {"day": "date", "note": "text"}
proves = pytest.mark.proves("Tables in parts: function, scheme, rebuild")
proves_more = pytest.mark.proves("Tables in parts: one index over all of them, further months split off")


@proves
def test_a_new_tables_parts_reach_from_five_years_back_to_a_year_ahead() -> None:
    months = parts.months_around(DAY)
    assert (months[0], months[-1], len(months)) == (date(2021, 11, 1), date(2027, 11, 1), 73)


@proves
@given(st.dates(date(1900, 1, 1), date(9000, 1, 1)))
def test_months_follow_each_other_without_a_gap(day: date) -> None:
    months = parts.months_from(day, 30)
    assert months[0] == day.replace(day=1)
    distances = {(after - before).days for before, after in pairwise(months)}
    assert distances <= {28, 29, 30, 31}
    assert {month.day for month in months} == {1}


@proves
@given(st.integers(-40, 12))
def test_months_are_added_once_less_than_half_a_year_is_left(ahead: int) -> None:
    around = parts.months_around(DAY)
    last = around[60 + ahead]
    coming = parts.months_to_come(last, DAY)
    assert coming == ([] if ahead > 6 else around[61 + ahead :])


@proves
def test_function_and_scheme_are_made_where_they_are_not_there() -> None:
    found = parts.parts_of(TABLE, SHAPE)
    function, scheme = found.create([date(2026, 1, 1), date(2026, 2, 1)])
    assert function == (
        f"IF NOT EXISTS (SELECT 1 FROM sys.partition_functions WHERE name = N'{NAME}') "
        f"CREATE PARTITION FUNCTION [{NAME}] (date) AS RANGE RIGHT FOR VALUES ('2026-01-01', '2026-02-01')"
    )
    assert scheme == (
        f"IF NOT EXISTS (SELECT 1 FROM sys.partition_schemes WHERE name = N'{NAME}') "
        f"CREATE PARTITION SCHEME [{NAME}] AS PARTITION [{NAME}] ALL TO ([PRIMARY])"
    )
    assert found.split([date(2026, 3, 1)]) == (
        f"ALTER PARTITION SCHEME [{NAME}] NEXT USED [PRIMARY]; "
        f"ALTER PARTITION FUNCTION [{NAME}]() SPLIT RANGE ('2026-03-01')"
    )


@proves_more
def test_an_index_over_all_parts_keeps_keys_unique() -> None:
    made = SqlServerDdl().create_table(TABLE, SHAPE)
    heap, index = made.split("; ")[-2:]
    assert heap.endswith(f"([id] bigint NOT NULL, [day] date) ON [{NAME}]([day])")
    assert index == "CREATE UNIQUE INDEX [ux_sale] ON [bronze_shop].[sale] ([id]) ON [PRIMARY]"
    assert parts.within_parts(made).endswith("ON [bronze_shop].[sale] ([id], [day])")


@proves
def test_names_of_128_characters_stay_within_it_and_apart() -> None:
    found = {parts.parts_of(("s" * 128, name * 128), SHAPE).name for name in "ab"}
    assert (len(found), {len(name) for name in found}) == (2, {128})


@pytest.fixture
def contract(tmp_path: Path) -> Contract:
    return contract_of(tmp_path, COLUMNS, partition_by="day")


def test_the_column_must_be_a_date_of_the_contract(tmp_path: Path) -> None:
    with pytest.raises(ContractViolated, match="partitionBy: 'note' must be a date or a timestamp"):
        contract_of(tmp_path, COLUMNS, partition_by="note")


def test_duckdb_takes_the_property_and_makes_the_same_table(contract: Contract) -> None:
    shapes = [DuckDBDdl().bronze_shape(item) for item in (contract, replace(contract, partition_by=None))]
    assert shapes[0] == shapes[1]


@proves_more
def test_apply_splits_months_to_come_off_the_last_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "today", lambda: DAY)
    functions = [(NAME, date(2026, 12, 1)), ("another", date(1990, 1, 1))]
    server = SimpleNamespace(capabilities=SimpleNamespace(is_babelfish=False), run=lambda _: functions)
    ((table, description, sql),) = SqlServerDdl().ahead(server, {TABLE: SHAPE, ("a", "b"): TableShape({})})
    assert (table, description) == (TABLE, "split months to 2027-11 off the last part of bronze_shop.sale")
    assert sql.count("SPLIT RANGE") == 11


on_server = pytest.mark.parametrize("warehouse", ["sqlserver"], indirect=True)


def filled(session: SqlServerSession, contract: Contract) -> list[tuple]:
    apply.apply(session, [contract])
    day = "CASE WHEN id % 10 > 0 THEN DATE '2000-01-01' + CAST(id * 20 AS INTEGER) END"
    fill(session, 600, day=day, note="'n' || id")
    return rows(session)


def rows(session: SqlServerSession) -> list[tuple]:
    return session.run("SELECT id, day, note FROM bronze_shop.sale ORDER BY id")


@pytest.mark.sqlserver
@on_server
@proves
def test_a_table_goes_into_parts_and_out_again_with_all_its_rows(session: SqlServerSession, contract: Contract) -> None:
    plain = replace(contract, partition_by=None)
    before = filled(session, plain)
    (change,) = apply.plan(session, [contract])
    assert change.description == "rebuild bronze_shop.sale: into parts by the months of day"
    assert apply.ensure(session, [contract]) == [], "a load goes on without"
    apply.apply(session, [contract])
    assert (apply.plan(session, [contract]), rows(session)) == ([], before)
    assert parts.scheme_of(session.run, TABLE) == NAME
    apply.apply(session, [plain])
    assert (apply.plan(session, [plain]), rows(session)) == ([], before)
    assert parts.last_months(session.run) == {}


@pytest.mark.sqlserver
@on_server
@proves
def test_a_table_in_parts_gets_another_key_and_another_type(session: SqlServerSession, contract: Contract) -> None:
    before = filled(session, contract)
    changed = replace(retyped(contract, "day", kind="timestamp"), key=("id", "note"))
    apply.apply(session, [changed])
    assert apply.plan(session, [changed]) == []
    assert [(number, moment and moment.date(), note) for number, moment, note in rows(session)] == before
    assert list(parts.last_months(session.run)) == ["bronze_shop.sale.day.datetime2(6)"]
    (index,) = keys(session.run, [TABLE])[TABLE].values()
    assert index[:4] == ["_tenant_id", "_connection", "id", "note"]
