"""The PostgreSQL extractor: exact, bounded, in one snapshot, for schemas that nobody here made up."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from orchestration.contracts.drift import find_drift
from orchestration.contracts.extraction import Connection, JsonPage, Page, Window
from orchestration.contracts.model import Additions, Column, Contract, Deletes
from orchestration.contracts.types import parse_type
from orchestration.failures import (
    AuthenticationFailed,
    ConnectionFailed,
    ContractViolated,
    SchemaDrift,
    SettingsError,
    StrataError,
)
from source_systems.product import session
from source_systems.product.extract import PostgresExtractor, connect

NOW = datetime.now(UTC)
NOON = datetime.fromisoformat("2024-02-29 12:00")
EVERYTHING = Window(None, NOW)
Execute = Callable[..., None]
MONEY = st.decimals(-(10**13), 10**13, places=2)
ANY_NUMERIC = st.decimals(-(10**14), 10**14) | st.sampled_from([*map(Decimal, ("NaN", "Infinity", "-Infinity"))])


def contract(name: str = "t", /, *, physical_name: str = "", **types: str) -> Contract:
    """A contract of columns by name; the first is the key, ``updated_at`` is the cursor."""
    columns = tuple(Column(column, column, parse_type(kind)) for column, kind in types.items())
    return Contract(
        source="product", entity=name, version="1", description="", owner="me", physical_name=physical_name or name,
        columns=columns, key=(columns[0].name,), cursor="updated_at" if "updated_at" in types else None,
        deletes=Deletes.SWEEP, soft_delete_column=None, sweep_every=timedelta(hours=1), overlap=timedelta(minutes=15),
        reject_threshold=0.1, shrink_threshold=0.2, freshness=timedelta(hours=26), additions=Additions.LOAD,
        tenant_column=None,
    )  # fmt: skip


def connection(url: str, **more: str) -> Connection:
    return Connection(
        "acme", "product", settings={key: SecretStr(value) for key, value in {"url": url, **more}.items()}
    )


def read(url: str, entity: Contract, window: Window = EVERYTHING, **more: str) -> tuple[pa.Table, list[dict[str, str]]]:
    with connect(connection(url, **more)) as extractor:
        return sorted_out(list(extractor.extract(entity, window)), entity)


def sorted_out(pages: list[Page], entity: Contract) -> tuple[pa.Table, list[dict[str, str]]]:
    """The typed rows, and the rows that came as text."""
    batches = [page for page in pages if isinstance(page, pa.RecordBatch)]
    misfits = [row for page in pages if isinstance(page, JsonPage) for row in json.loads(page.body)]
    return pa.Table.from_batches(batches, batches[0].schema if batches else entity.arrow_schema), misfits


@pytest.fixture
def execute(postgres: str) -> Execute:
    def execute(*statements: str, values: list[Any] | None = None) -> None:
        with psycopg.connect(postgres) as server:
            for statement in statements:
                server.execute(statement, values)  # type: ignore[arg-type]

    return execute


def test_every_type_arrives_as_the_contract_says(postgres: str, execute: Execute) -> None:
    execute(
        "CREATE TYPE mood AS ENUM ('glad')",
        "CREATE DOMAIN cents AS numeric(9,2)",
        "CREATE DOMAIN price AS cents CHECK (VALUE > 0)",
        """CREATE TABLE t (id int8, s int2, i int4, small numeric(5,2), money numeric(18,2), long numeric(30,6),
           d float8, f float4, b bool, day date, naive timestamp, zoned timestamptz, words text, short varchar(5),
           u uuid, j json, jb jsonb, e mood, a int[], bin bytea, p price)""",
        """INSERT INTO t VALUES (1, -7, 8, 1.20, -9999999999999999.99, 123456789012345678901234.000001, 0.1, 0.5, true,
           '2024-02-29', '2024-02-29 12:00', '2024-02-29 12:00:00.123456+02', 'Ünï', 'abc',
           'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{"a":  1}', '{"b": 1.50}', 'glad', '{1,2}', '\\xCAFE', 1.25)""",
        "INSERT INTO t (id) VALUES (2)",
    )
    table, misfits = read(
        postgres,
        contract(id="bigint", s="smallint", i="integer", small="decimal(5,2)", money="decimal(18,2)",
                 long="decimal(30,6)", d="double", f="double", b="boolean", day="date", naive="timestamp",
                 zoned="timestamp", words="text", short="text(5)", u="uuid", j="json", jb="json", e="text", a="text",
                 bin="text", p="decimal(9,2)"),
    )  # fmt: skip
    assert not misfits
    full, empty = table.to_pylist()
    assert list(full.values()) == [
        1, -7, 8, Decimal("1.20"), Decimal("-9999999999999999.99"), Decimal("123456789012345678901234.000001"),
        0.1, 0.5, True, date(2024, 2, 29), NOON, NOON - timedelta(hours=2) + timedelta(microseconds=123456),
        "Ünï", "abc", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", '{"a":  1}', '{"b": 1.50}', "glad", "{1,2}", "cafe",
        Decimal("1.25"),
    ]  # fmt: skip
    assert set(list(empty.values())[1:]) == {None}
    assert table.schema.field("zoned").type == pa.timestamp("us")


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.one_of(MONEY, MONEY, ANY_NUMERIC, st.none()), min_size=1))
def test_an_unbounded_numeric_is_exact_or_a_misfit(postgres: str, execute: Execute, amounts: list[Decimal]) -> None:
    execute("DROP TABLE IF EXISTS t", "CREATE TABLE t (id int8, amount numeric)")
    with psycopg.connect(postgres) as server, server.cursor() as cursor:
        cursor.executemany("INSERT INTO t VALUES (%s, %s)", list(enumerate(amounts)))
    table, misfits = read(postgres, contract(id="bigint", amount="decimal(14,2)"))
    typed = {row["id"]: row["amount"] for row in table.to_pylist()}
    told = {int(row["id"]): row["amount"] for row in misfits}
    for number, amount in enumerate(amounts):
        exact = amount is None or (amount.is_finite() and abs(amount) < 10**12 and amount == round(amount, 2))
        assert (number in typed) == exact
        assert (number in told) != exact
        if exact:
            assert typed[number] == amount
        else:
            assert Decimal(told[number]).compare_total(amount) == 0 or Decimal(told[number]) == amount


def test_values_that_no_type_holds_come_as_text_and_spare_the_other_rows(postgres: str, execute: Execute) -> None:
    execute(
        "CREATE TABLE t (id int8, money numeric(18,2), day date, moment timestamptz, wide numeric(30,4), note text)",
        "INSERT INTO t VALUES (1, 1.10, '2024-01-01', '2024-01-01 00:00+00', 1, 'good')",
        "INSERT INTO t VALUES (2, 'NaN', '2024-01-01', '2024-01-01 00:00+00', 1, 'not a number')",
        "INSERT INTO t VALUES (3, 1.10, 'infinity', '2024-01-01 00:00+00', 1, 'no end')",
        "INSERT INTO t VALUES (4, 1.10, '0044-03-15 BC', '2024-01-01 00:00+00', 1, 'Caesar')",
        "INSERT INTO t VALUES (5, 1.10, '2024-01-01', '-infinity', 1, 'no beginning')",
        "INSERT INTO t VALUES (6, 1.10, '2024-01-01', '20240-01-01', 'NaN', NULL)",
        "INSERT INTO t VALUES (7, NULL, NULL, NULL, NULL, NULL)",
    )
    entity = contract(
        id="bigint", money="decimal(18,2)", day="date", moment="timestamp", wide="decimal(30,4)", note="text"
    )
    table, misfits = read(postgres, entity)
    assert table.column("id").to_pylist() == [1, 7]
    assert [(row["id"], row["money"], row["day"], row["moment"], row["wide"]) for row in misfits] == [
        ("2", "NaN", "2024-01-01", "2024-01-01 00:00:00", "1.0000"),
        ("3", "1.10", "infinity", "2024-01-01 00:00:00", "1.0000"),
        ("4", "1.10", "0044-03-15 BC", "2024-01-01 00:00:00", "1.0000"),
        ("5", "1.10", "2024-01-01", "-infinity", "1.0000"),
        ("6", "1.10", "2024-01-01", "20240-01-01 00:00:00", "NaN"),
    ]
    assert misfits[4]["note"] is None


def test_names_may_be_odd_and_reserved(postgres: str, execute: Execute) -> None:
    execute(
        'CREATE SCHEMA "Sales.EU; --"',
        'CREATE TABLE "Sales.EU; --"."order" ("select" int8, "a ""quoted"" one" text, "Größe" numeric(4,1), "r" text)',
        """INSERT INTO "Sales.EU; --"."order" VALUES (1, 'x', 2.5, 'y'), (2, 'x', 'NaN', 'z')""",
    )
    entity = contract(physical_name='"Sales.EU; --"."order"', id="bigint")
    entity = replace(
        entity,
        columns=(
            Column("id", "select", parse_type("bigint")),
            Column("quoted", 'a "quoted" one', parse_type("text")),
            Column("size", "Größe", parse_type("decimal(4,1)")),
            Column("r", "r", parse_type("text")),
        ),
    )
    table, misfits = read(postgres, entity)
    assert table.to_pylist() == [{"id": 1, "quoted": "x", "size": Decimal("2.5"), "r": "y"}]
    assert misfits == [{"select": "2", 'a "quoted" one': "x", "Größe": "NaN", "r": "z"}]


def test_a_schema_may_stand_in_the_contract_or_in_the_connection(postgres: str, execute: Execute) -> None:
    execute("CREATE SCHEMA billing", "CREATE TABLE billing.t (id int8)", "INSERT INTO billing.t VALUES (5)")
    assert read(postgres, contract(physical_name="billing.t", id="bigint"))[0].num_rows == 1
    assert read(postgres, contract(id="bigint"), schema="billing")[0].num_rows == 1
    with pytest.raises(SchemaDrift, match=r"no table public\.t"):
        read(postgres, contract(id="bigint"))
    with pytest.raises(ContractViolated, match=r"a\.b\.c"):
        read(postgres, contract(physical_name="a.b.c", id="bigint"))


def test_a_shared_database_gives_each_tenant_its_own_rows(postgres: str, execute: Execute) -> None:
    execute(
        "CREATE TABLE t (id int8, owner text)",
        "INSERT INTO t VALUES (1, 'acme'), (2, 'globex'), (3, 'acme'), (4, '42')",
    )
    entity = replace(contract(id="bigint"), tenant_column="owner")
    assert read(postgres, entity)[0].column("id").to_pylist() == [1, 3]
    assert read(postgres, entity, tenant_value="42")[0].column("id").to_pylist() == [4]
    with connect(connection(postgres)) as extractor:
        assert extractor.count(entity) == 2
        assert pa.Table.from_batches(extractor.keys(entity)).to_pydict() == {"id": [1, 3]}
    with pytest.raises(SchemaDrift, match="tenant column"):
        read(postgres, replace(entity, tenant_column="company"))


@pytest.mark.parametrize("kind", ["timestamptz", "timestamp"])
def test_a_delta_begins_with_the_very_moment(postgres: str, execute: Execute, kind: str) -> None:
    execute(
        f"CREATE TABLE t (id int8, updated_at {kind})",
        "INSERT INTO t VALUES (1, '2024-05-01 09:59:59.999999'), (2, '2024-05-01 10:00'), (3, '2024-05-02')",
    )
    entity = contract(id="bigint", updated_at="timestamp")
    since = datetime.fromisoformat("2024-05-01T12:00:00+02:00")
    assert read(postgres, entity, Window(since, NOW))[0].column("id").to_pylist() == [2, 3]
    assert read(postgres, entity)[0].num_rows == 3


def test_a_load_sees_one_snapshot(postgres: str, execute: Execute, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "BATCH_BYTES", 1000)
    execute("CREATE TABLE t (id int8)", "INSERT INTO t SELECT * FROM generate_series(1, 50000)")
    with connect(connection(postgres)) as extractor:
        pages = extractor.extract(contract(id="bigint"), EVERYTHING)
        first = next(pages)
        execute("DELETE FROM t WHERE id > 10")
        assert isinstance(first, pa.RecordBatch)
        rest = sum(page.num_rows for page in pages if isinstance(page, pa.RecordBatch))
        assert first.num_rows + rest == 50000
        assert extractor.count(contract(id="bigint")) == 10


def test_a_load_that_is_given_up_leaves_the_session_usable(
    postgres: str, execute: Execute, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "BATCH_BYTES", 1000)
    execute("CREATE TABLE t (id int8)", "INSERT INTO t SELECT * FROM generate_series(1, 500000)")
    with connect(connection(postgres)) as extractor:
        pages = extractor.extract(contract(id="bigint"), EVERYTHING)
        next(pages)
        pages.close()  # type: ignore[attr-defined]
        assert extractor.count(contract(id="bigint")) == 500000


def test_drift_is_seen_and_an_added_column_is_loaded(postgres: str, execute: Execute) -> None:
    execute("CREATE TABLE t (id int8, amount numeric, vip bool)", "INSERT INTO t VALUES (1, 2.50, true)")
    entity = contract(id="bigint", amount="decimal(18,2)")
    with connect(connection(postgres)) as extractor:
        drift = find_drift(entity, extractor.describe(entity))
        assert [column.name for column in drift.added] == ["vip"]
        (page,) = extractor.extract(entity.with_added(drift.added), EVERYTHING)
    assert isinstance(page, pa.RecordBatch)
    assert page.to_pylist() == [{"id": 1, "amount": Decimal("2.50"), "vip": True}]


def test_describe_says_types_in_the_contracts_grammar(postgres: str, execute: Execute) -> None:
    execute(
        "CREATE DOMAIN cents AS numeric(9,2)",
        """CREATE TABLE t (a int2, b numeric(18,2), c numeric, d varchar(7), e cents, f timestamptz, g inet,
           h numeric(3,-2), gone text, i char(3))""",
        "ALTER TABLE t DROP COLUMN gone",
    )
    with connect(connection(postgres)) as extractor:
        described = extractor.describe(contract(a="smallint", c="decimal(20,4)"))
    assert {name: str(kind) for name, kind in described.items()} == {
        "a": "smallint", "b": "decimal(18,2)", "c": "decimal(20,4)", "d": "text(7)", "e": "decimal(9,2)",
        "f": "timestamp", "g": "text", "h": "text", "i": "text(3)",
    }  # fmt: skip


def test_a_column_that_is_gone_or_retyped_is_named(postgres: str, execute: Execute) -> None:
    execute("CREATE TABLE t (id int8, amount text)")
    with pytest.raises(SchemaDrift, match="'country'"):
        read(postgres, contract(id="bigint", country="text"))
    with pytest.raises(SchemaDrift, match=r"'amount' is text in the source now, the contract says decimal\(18,2\)"):
        read(postgres, contract(id="bigint", amount="decimal(18,2)"))


def test_keys_that_no_type_holds_are_left_out_of_a_sweep(postgres: str, execute: Execute) -> None:
    execute("CREATE TABLE t (id numeric)", "INSERT INTO t VALUES (1), ('NaN'), (2.5)")
    with connect(connection(postgres)) as extractor:
        assert pa.Table.from_batches(extractor.keys(contract(id="bigint"))).to_pydict() == {"id": [1]}


def test_doctor_learns_of_a_missing_permission(postgres: str, execute: Execute) -> None:
    execute(
        "DROP ROLE IF EXISTS reader", "CREATE ROLE reader LOGIN PASSWORD 'pw'",
        "CREATE TABLE invoice (id int8)", "CREATE TABLE payment (id int8)", "GRANT SELECT ON payment TO reader",
    )  # fmt: skip
    url = postgres.partition("@")[2]
    try:
        with connect(connection(f"postgresql://reader:pw@{url}")) as extractor:
            found = {check.name: check for check in extractor.checks()}
            with pytest.raises(AuthenticationFailed, match="permission denied"):
                list(extractor.extract(contract("invoice", id="bigint"), EVERYTHING))
        assert found["sign-in"].ok
        assert found["server version"].ok
        assert found["read payment"].ok
        assert not found["read invoice"].ok
        assert "GRANT SELECT" in found["read invoice"].remedy
        assert "no table" in found["read customer"].detail
    finally:
        execute("DROP OWNED BY reader", "DROP ROLE reader")


@pytest.mark.parametrize(
    ("spoil", "failure"),
    [
        (lambda url: url.replace("postgres:", "postgres:hush-"), AuthenticationFailed),
        (lambda url: url.replace("postgres:", "nobody_here:hush-"), AuthenticationFailed),
        (lambda url: url.rpartition("/")[0] + "/elsewhere", SettingsError),
        (lambda _: "postgresql://someone:hush-hush@127.0.0.1:1/x", ConnectionFailed),
        (lambda _: "postgresql://someone:hush-hush@no-such-host.invalid/x", ConnectionFailed),
        (lambda _: "postgresql://someone:hush-hush@127.0.0.1/x?colour=red", SettingsError),
        (lambda _: "hush-hush", SettingsError),
    ],
)
def test_a_failed_sign_in_is_told_without_its_secrets(
    postgres: str, spoil: Callable[[str], str], failure: type[StrataError]
) -> None:
    with pytest.raises(failure) as told:
        PostgresExtractor(connection(spoil(postgres)))
    assert "acme/product" in told.value.message
    assert told.value.remedy
    assert "hush" not in str(told.value)
    assert told.value.__cause__ is None
    assert told.value.__suppress_context__


def test_a_connection_that_breaks_off_may_be_tried_again(
    postgres: str, execute: Execute, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "BATCH_BYTES", 1000)
    execute("CREATE TABLE t (id int8, filler text)")
    execute("INSERT INTO t SELECT i, repeat('x', 500) FROM generate_series(1, 200000) i")
    entity = contract(id="bigint", filler="text")
    with connect(connection(postgres)) as extractor:
        pages = extractor.extract(entity, EVERYTHING)
        next(pages)
        execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'strata'")
        with pytest.raises(ConnectionFailed):
            list(pages)
        assert extractor.count(entity) == 200000
