"""A tenant's own SQL finds that tenant's rows, and no way out."""

from __future__ import annotations

import time
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from house import BRONZE, GOLD, House

from orchestration.access import Permission
from orchestration.access.refusals import NotFound, StrataError, Unanswerable
from orchestration.access.sealed import answer, sealed, tables_named
from orchestration.publication.published_reader import current_path

outside_table = pa.table({"word": ["a variable of this process"]})


def test_a_statement_sees_the_tenants_rows_alone(standing: House) -> None:
    counted = standing.access("acme").sql(
        "SELECT count(*) AS n, min(_tenant_id) AS t, max(_tenant_id) AS u FROM gold.bill"
    )
    assert counted.to_pylist() == [{"n": 3, "t": "acme", "u": "acme"}]


def test_several_tables_and_common_table_expressions_join(standing: House) -> None:
    statement = """
        WITH paid AS (FROM Gold.Bill WHERE id < 3)
        SELECT paid.id, raw.email FROM paid JOIN bronze_till.bill AS raw USING (id) ORDER BY 1"""
    assert standing.access("acme").sql(statement).to_pylist() == [
        {"id": 1, "email": "1@acme.example"},
        {"id": 2, "email": "2@acme.example"},
    ]
    with pytest.raises(NotFound):
        standing.access("acme", Permission.PII).sql(statement)


def test_a_limit_cuts_what_comes_back(standing: House) -> None:
    assert standing.access("acme").sql("SELECT id FROM gold.bill ORDER BY id DESC", limit=2).to_pylist() == [
        {"id": 3},
        {"id": 2},
    ]


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO gold.bill VALUES (1)",
        "SET threads = 1",
        "ATTACH 'x.db'",
        "COPY gold.bill TO 'x.csv'",
        "INSTALL httpfs",
        "PRAGMA database_list",
        "SELECT 1; SELECT 2",
        "CALL duckdb_settings()",
        "EXPLAIN SELECT 1",
        "CREATE TABLE x AS SELECT 1",
        "",
        "SELEKT 1",
        "(" * 3000,
    ],
)
def test_only_a_single_select_is_answered(standing: House, statement: str) -> None:
    with pytest.raises(Unanswerable):
        standing.access("acme").sql(statement)


_ESCAPES = (
    "SELECT * FROM read_parquet('{file}')",
    "SELECT * FROM '{file}'",
    'SELECT * FROM "{file}"',
    "SELECT * FROM parquet_scan(['{file}'])",
    "SELECT * FROM parquet_metadata('{file}')",
    "SELECT * FROM parquet_kv_metadata('{file}')",
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM read_blob('{home}/**')",
    "SELECT * FROM read_csv('{home}/published/strata/status.json')",
    "SELECT * FROM read_json_auto('{home}/published/strata/status.json')",
    "SELECT * FROM sniff_csv('/etc/passwd')",
    "SELECT * FROM glob('{home}/**')",
    "SELECT * FROM query('SELECT * FROM read_parquet(''{file}'')')",
    "SELECT * FROM query_table('{file}')",
    "WITH x AS MATERIALIZED (SELECT * FROM read_parquet('{file}')) SELECT * FROM x",
    "SELECT (SELECT count(*) FROM read_parquet('{file}'))",
    "SELECT getenv('HOME')",
    "SELECT * FROM outside_table",
    "SELECT * FROM statement",
    "SELECT * FROM memory.gold.shared",
    "SELECT * FROM warehouse.strata.load_ledger",
    "SELECT * FROM strata.load_ledger",
    "SELECT * FROM gold.shared",
    "SELECT * FROM duckdb_secrets()",
    "SELECT * FROM duckdb_extensions()",
    "SELECT * FROM sqlite_scan('{home}/control/control.db', 'tenant')",
    "SELECT * FROM postgres_query('x', 'y')",
    "SELECT * FROM read_duckdb('{home}/warehouse/warehouse.duckdb')",
    "SELECT * FROM which_secret('s3://x', 's3')",
    "SELECT * FROM read_text('https://example.com/')",
)


@pytest.mark.parametrize("escape", _ESCAPES)
def test_no_statement_reaches_outside(standing: House, escape: str) -> None:
    home = standing.runtime.settings.home
    statement = escape.format(file=current_path(standing.runtime.settings, GOLD), home=home)
    with pytest.raises(StrataError) as refusal:
        standing.access("acme").sql(statement)
    assert "globex" not in str(refusal.value)
    assert "root:" not in str(refusal.value)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM duckdb_settings()",
        "SELECT * FROM duckdb_tables()",
        "SELECT * FROM duckdb_columns()",
        "SELECT * FROM duckdb_databases()",
        "SELECT * FROM duckdb_views()",
        "SELECT * FROM duckdb_logs()",
        "SELECT * FROM duckdb_temporary_files()",
        "SELECT * FROM duckdb_external_file_cache()",
        "SELECT * FROM information_schema.tables",
        "SELECT * FROM pg_catalog.pg_class",
        "SELECT * FROM pragma_storage_info('gold.bill')",
        "SELECT *, (SELECT count(*) FROM gold.bill) FROM duckdb_tables()",
    ],
)
def test_the_catalogue_tells_nothing_of_others_or_of_the_place(standing: House, statement: str) -> None:
    try:
        found = str(standing.access("acme").sql(statement).to_pylist())
    except Unanswerable as refusal:
        found = str(refusal)
    for word in ("globex", str(standing.runtime.settings.home), str(Path.home())):
        assert word not in found


@pytest.mark.parametrize(
    "attempt",
    [
        "SET enable_external_access = true",
        "RESET enable_external_access",
        "SET lock_configuration = false",
        "PRAGMA enable_external_access",
        "SET python_enable_replacements = true",
        "SET allowed_directories = ['/']",
        "ATTACH '/tmp/other.duckdb' AS other",
        "COPY (SELECT 1) TO '/tmp/out.csv'",
        "COPY (SELECT 1) TO '/dev/stdout'",
        "EXPORT DATABASE '/tmp/out'",
        "IMPORT DATABASE '/tmp/out'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "LOAD '/tmp/x.duckdb_extension'",
        "CREATE SECRET (TYPE s3)",
        "CALL enable_logging(storage = 'file', storage_path = '/tmp/log')",
        "CREATE VIEW v AS SELECT * FROM read_text('/etc/passwd')",
        "CREATE MACRO m() AS TABLE SELECT * FROM read_text('/etc/passwd')",
    ],
)
def test_the_seal_holds_even_for_statements_that_the_parser_would_let_through(standing: House, attempt: str) -> None:
    """The parser is the first door; were it fooled, the database behind it refuses by itself."""
    with sealed(standing.runtime.settings, []) as con, pytest.raises(duckdb.Error):
        con.execute(attempt)


def test_a_statement_that_takes_too_long_is_interrupted(standing: House) -> None:
    endless = "SELECT count(*) FROM range(100000000) a, range(100000) b WHERE a.range * b.range % 7 = 3"
    started = time.monotonic()
    with sealed(standing.runtime.settings, []) as con, pytest.raises(Unanswerable, match="longer than"):
        answer(con, endless, seconds=0.2)
    assert time.monotonic() - started < 5


def test_errors_of_a_statement_are_about_the_tenants_own_rows(standing: House) -> None:
    with pytest.raises(Unanswerable, match="note of acme") as refusal:
        standing.access("acme").sql("SELECT CAST(note AS INTEGER) FROM gold.bill")
    assert "globex" not in str(refusal.value)


def test_the_tables_of_a_statement_are_found() -> None:
    statement = 'SELECT * FROM a.b JOIN (SELECT * FROM C."D") x ON x.i IN (SELECT i FROM e.f) UNION ALL FROM a.b'
    assert tables_named(statement) == [("a", "b"), ("c", "d"), ("e", "f")]
    assert tables_named("WITH t AS (SELECT 1) SELECT * FROM t, read_text('x')") == []


def test_bronze_in_a_statement_holds_no_tombstones(house: House) -> None:
    del house.source.bills["acme"][3]
    house.load("acme")
    found = house.access("acme").sql(f"SELECT count(*) AS n FROM {'.'.join(BRONZE)}")
    assert found.to_pylist() == [{"n": 2}]
