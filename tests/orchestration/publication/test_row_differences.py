"""The rows that differ between two versions: applied to the old one, they make the new one, whatever the two are."""

from __future__ import annotations

from collections import Counter
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.publication.differences import Differences
from orchestration.publication.row_changes import Rows, changed_rows, reshaped, shape, tenant_changes

COLUMNS = ("_tenant_id", "id", "note", "amount")
_TENANTS, _IDS = st.sampled_from(["acme", "globex"]), st.none() | st.integers(0, 5)
_CONTENT = st.tuples(st.none() | st.sampled_from(["a", "b", "é", ""]), st.none() | st.integers(0, 3))
KEYED = st.dictionaries(st.tuples(_TENANTS, _IDS), _CONTENT, max_size=12)
LOOSE = st.lists(st.tuples(_TENANTS, _IDS, _CONTENT), max_size=12)
Row = tuple[Any, ...]


def put(con: duckdb.DuckDBPyConnection, name: str, rows: list[Row]) -> Rows:
    con.execute(
        f"CREATE OR REPLACE TABLE {name} (_tenant_id VARCHAR, id INTEGER, note VARCHAR, amount DECIMAL(9,2), "
        "unseen INTEGER)"
    )
    if rows:
        con.executemany(f"INSERT INTO {name} VALUES (?, ?, ?, ?, random() * 1000)", rows)
    return Rows(name, shape(con, name))


@pytest.fixture(scope="module")
def con() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(":memory:", config={"threads": 1})


@settings(max_examples=60, deadline=None)
@given(old=KEYED, new=KEYED)
def test_changes_by_key_make_the_new_version_of_the_old_one(
    con: duckdb.DuckDBPyConnection, old: dict[Row, Row], new: dict[Row, Row]
) -> None:
    before, after = ([(*key, *content) for key, content in rows.items()] for rows in (old, new))
    one, two = put(con, "old", before), put(con, "new", after)
    found = changed_rows(con, two, one, COLUMNS, COLUMNS[:2])
    made = {row[:2]: row[2:] for row in before}
    kinds: Counter[str] = Counter()
    for kind, *row in con.execute(found.sql, found.values).fetchall():
        kinds[kind] += 1
        key, content = tuple(row[:2]), tuple(row[2:])
        assert (key in made) == (kind != "insert")
        if kind == "delete":
            assert made.pop(key) == content
        else:
            assert made.get(key) != content
            made[key] = content
    assert made == {row[:2]: row[2:] for row in after}
    assert found.counts == Differences(kinds["insert"], kinds["update"], kinds["delete"])
    assert tenant_counts(con, COLUMNS[:2]) == _by_tenant(con, found)


@settings(max_examples=60, deadline=None)
@given(old=LOOSE, new=LOOSE)
def test_changes_by_content_make_the_new_version_of_the_old_one(
    con: duckdb.DuckDBPyConnection, old: list[Row], new: list[Row]
) -> None:
    before, after = ([(tenant, number, *content) for tenant, number, content in rows] for rows in (old, new))
    one, two = put(con, "old", before), put(con, "new", after)
    found = changed_rows(con, two, one, COLUMNS, ())
    made = Counter(before)
    for kind, *row in con.execute(found.sql, found.values).fetchall():
        assert kind in {"insert", "delete"}
        made[tuple(row)] += 1 if kind == "insert" else -1
    assert +made == Counter(after)
    assert min(made.values(), default=0) >= 0
    assert tenant_counts(con, ()) == _by_tenant(con, found)


def tenant_counts(con: duckdb.DuckDBPyConnection, key: tuple[str, ...]) -> dict[str, Differences]:
    return tenant_changes(con, "new", "old", COLUMNS, key)


def _by_tenant(con: duckdb.DuckDBPyConnection, found: Any) -> dict[str, Differences]:
    sql = f"SELECT _tenant_id, _change, count(*) FROM ({found.sql}) GROUP BY ALL"
    counts: dict[str, dict[str, int]] = {}
    for tenant, kind, rows in con.execute(sql, found.values).fetchall():
        counts.setdefault(tenant, {})[kind] = rows
    return {
        tenant: Differences(kinds.get("insert", 0), kinds.get("update", 0), kinds.get("delete", 0))
        for tenant, kinds in counts.items()
    }


def test_changes_come_in_the_order_of_their_key(con: duckdb.DuckDBPyConnection) -> None:
    one = put(con, "old", [("acme", number, "a", 1) for number in range(0, 3000, 2)])
    two = put(con, "new", [("acme", number, "b", 1) for number in range(0, 3000, 3)])
    found = changed_rows(con, two, one, ("id", "note"), ("id",))
    rows = [number for _, number, _ in con.execute(found.sql, found.values).fetchall()]
    assert len(rows) == 2000
    assert rows == sorted(rows)


def test_the_first_version_is_all_new(con: duckdb.DuckDBPyConnection) -> None:
    two = put(con, "new", [("acme", 2, "a", 1), ("acme", 1, "a", 1), ("globex", 1, "a", 1)])
    found = changed_rows(con, two, None, ("id",), ("id",))
    assert found.counts == Differences(3, 0, 0)
    assert tenant_changes(con, "new", None, (), ("_tenant_id", "id")) == {
        "acme": Differences(2, 0, 0),
        "globex": Differences(1, 0, 0),
    }


def test_an_older_version_is_read_in_the_newer_ones_shape(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("CREATE OR REPLACE TABLE former AS SELECT 1 AS id, '7' AS amount, 'x' AS gone")
    rows = reshaped(Rows("former", shape(con, "former")), {"id": "BIGINT", "amount": "DECIMAL(9,2)", "city": "VARCHAR"})
    assert str(con.execute(f"SELECT * FROM {rows.sql}").fetchall()) == "[(1, Decimal('7.00'), None)]"
    con.execute("CREATE OR REPLACE TABLE latter AS SELECT 1::BIGINT AS id, 7.00::DECIMAL(9,2) AS amount, NULL AS city")
    found = changed_rows(
        con,
        Rows("latter", shape(con, "latter")),
        Rows("former", shape(con, "former")),
        ("id", "amount", "city"),
        ("id",),
    )
    assert not found.counts
