"""A way of loading that stores anything else than what landed is undone and told, and the next one is taken."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as limits
from hypothesis import strategies as st

from orchestration.failures import StrataError
from orchestration.settings import Settings
from orchestration.warehouse import open_warehouse
from orchestration.warehouse.ddl import TableShape
from orchestration.warehouse.sqlserver import paths
from orchestration.warehouse.sqlserver.paths import ArrayBinding, OpenJson, Rows
from orchestration.warehouse.sqlserver.quoting import there
from orchestration.warehouse.sqlserver.session import SqlServerSession

pytestmark = pytest.mark.sqlserver
COLUMNS = {"id": "BIGINT", "note": "VARCHAR", "amount": "DECIMAL(18,2)", "moment": "TIMESTAMP"}
ROWS = """
SELECT i AS id, 'Zürich ' || i AS note, CAST(i * 1.37 AS DECIMAL(18,2)) AS amount,
    TIMESTAMP '2026-01-01 00:00:00.123456' + to_seconds(i) AS moment FROM range(500) AS r(i)"""
TABLE = ("plain", "landed")
WAYS = [
    pytest.param(OpenJson(), marks=pytest.mark.proves("Load path: OPENJSON")),
    pytest.param(ArrayBinding(), marks=pytest.mark.proves("Load path: array parameters")),
]


@pytest.fixture(scope="module")
def session(
    tmp_path_factory: pytest.TempPathFactory, new_tsql_database: Callable[[], str]
) -> Iterator[SqlServerSession]:
    home = tmp_path_factory.mktemp("proven")
    settings = Settings(home=home, warehouse="sqlserver", sqlserver_connection=new_tsql_database(), _env_file=None)
    with open_warehouse(settings).session("proofs") as opened:
        opened.execute("CREATE SCHEMA plain")
        yield opened


@contextmanager
def table(session: SqlServerSession, columns: dict[str, str], name: tuple[str, str] = TABLE) -> Iterator[None]:
    session.ddl.run(session, session.ddl.create_table(name, TableShape(columns)))
    try:
        yield
    finally:
        session.run(f"DROP TABLE {there(name)}")


@dataclass
class Planted:
    """OPENJSON, of rows that something has happened to."""

    query: str
    name: str = "planted"

    def load(self, cursor: Any, rows: Rows, place: str) -> None:
        OpenJson().load(cursor, replace(rows, relation=f"({self.query.format(rows.relation)})"), place)


FAULTS = {
    "rows that are dropped": ("SELECT * FROM {} WHERE id <> 77", "500 rows landed, 499 stored"),
    "rows that come twice": (
        "SELECT * FROM {0} UNION ALL SELECT * FROM {0} WHERE id = 3",
        "500 rows landed, 501 stored",
    ),
    "fractions of seconds": (
        "SELECT * REPLACE (date_trunc('second', moment) AS moment) FROM {}",
        "other values of moment stored",
    ),
    "a cent": (
        "SELECT * REPLACE (amount + CASE id WHEN 9 THEN 0.01 ELSE 0 END AS amount) FROM {}",
        "other values of amount",
    ),
    "signs in the middle": (
        "SELECT * REPLACE (replace(note, 'ür', 'ru') AS note) FROM {}",
        "other values of note stored",
    ),
    "values of other rows": ("SELECT * REPLACE (499 - id AS id) FROM {}", "values stored in other rows"),
}


@pytest.mark.parametrize(("query", "told"), FAULTS.values(), ids=FAULTS)
def test_what_was_stored_wrongly_is_undone_and_loaded_by_the_next_way(
    session: SqlServerSession, caplog: pytest.LogCaptureFixture, query: str, told: str
) -> None:
    session.paths = (Planted(query), ArrayBinding())
    with table(session, COLUMNS), caplog.at_level(logging.WARNING):
        assert session.append(TABLE, f"({ROWS})") == 500
        assert session.execute("SELECT count(*), sum(amount), max(note) FROM plain.landed") == session.local(
            f"SELECT count(*), sum(amount), max(note) FROM ({ROWS})"
        )
    assert f"plain.landed: planted: {told}" in caplog.text


def test_when_every_way_is_wrong_nothing_is_written(session: SqlServerSession) -> None:
    session.paths = (Planted("SELECT * FROM {} WHERE id > 0"), Planted("SELECT * FROM {} WHERE id > 1", "another"))
    with table(session, COLUMNS):
        told = r"plain.landed: no way of loading stored what landed \(planted: 500 rows landed, 499"
        with pytest.raises(StrataError, match=told):
            session.append(TABLE, f"({ROWS})")
        assert session.execute("SELECT count(*) FROM plain.landed") == [(0,)]


def test_json_that_a_way_breaks_is_loaded_by_the_next_one(
    session: SqlServerSession, caplog: pytest.LogCaptureFixture
) -> None:
    session.paths = (Planted("""SELECT replace(raw::VARCHAR, '"', '\\"') AS raw FROM {}"""), ArrayBinding())
    with table(session, {"raw": "JSON"}), caplog.at_level(logging.WARNING):
        assert session.append(TABLE, """(SELECT '{"id": "a"}'::JSON AS raw)""") == 1
        assert session.execute("SELECT raw FROM plain.landed") == [('{"id": "a"}',)]
    assert "planted: other values of raw stored" in caplog.text


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_all_batches_arrive(session: SqlServerSession, monkeypatch: pytest.MonkeyPatch, way: paths.Path) -> None:
    monkeypatch.setattr(paths, "BATCH_ROWS", 70)
    monkeypatch.setattr(paths, "_ARRAY_ROWS", 70)
    session.paths = (way,)
    with table(session, COLUMNS):
        assert session.append(TABLE, f"({ROWS})") == 500


SIGNS = st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="]", max_codepoint=0x2FFF)
NAMES = st.text(SIGNS, min_size=1, max_size=60)


@limits(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(NAMES.filter(lambda name: name.strip() == name), min_size=1, max_size=4, unique_by=str.casefold))
def test_every_name_is_only_a_name(session: SqlServerSession, found: list[str]) -> None:
    check_names(session, found)


@pytest.mark.parametrize(
    "name", ["order by", "select", 'a"b', "it's", "a[b]c]]d", "a;b--c", "x" * 128, "größe", "a.b", "a?b"]
)
def test_odd_names_are_only_names(session: SqlServerSession, name: str) -> None:
    if "]" in name and session.capabilities.is_babelfish:
        pytest.skip("Babelfish does not read ]] within brackets")
    check_names(session, [name])


def check_names(session: SqlServerSession, found: list[str]) -> None:
    session.paths = ()
    columns = {"id": "BIGINT", **dict.fromkeys((f"{name}_" if name == "id" else name for name in found), "VARCHAR")}
    place = ("plain", found[0])
    quoted = [name.replace('"', '""') for name in columns]
    listed = ", ".join(f"'v' || i AS \"{name}\"" for name in quoted[1:])
    with table(session, columns, place):
        assert session.append(place, f"(SELECT i AS id, {listed} FROM range(3) AS r(i))") == 3
        name, last = place[1].replace('"', '""'), quoted[-1]
        assert session.execute(f'SELECT "{last}" FROM plain."{name}" WHERE id = ?', [2]) == [("v2",)]


def test_memory_does_not_grow_with_the_rows(session: SqlServerSession) -> None:
    """Rows are taken from DuckDB in batches: a result that is not read yet takes none."""
    with duckdb.connect() as con:
        rows = Rows(con, "range(50_000_000) AS r(i)", {"i": "BIGINT"})
        assert len(next(rows.texts())) == paths.BATCH_ROWS
        assert len(next(rows.values())) == 5_000
