"""MERGE, UPDATE and DELETE on random tables do what a few lines of Python say they do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestration.failures import ScriptRefused
from orchestration.scripts.execution import Turn, run_program
from orchestration.scripts.program import compile_script
from orchestration.scripts.source import Header, Script

Row = tuple[int, int | None]
KEY, VALUE = st.integers(1, 4), st.none() | st.integers(0, 3)
TABLE = st.lists(st.tuples(KEY, VALUE), max_size=5)
OFTEN = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
MERGE = """
MERGE finance.t AS t USING #s AS s ON s.k = t.k
WHEN MATCHED AND s.v > 1 THEN UPDATE SET v = s.v
WHEN MATCHED AND t.v = 0 THEN DELETE
WHEN NOT MATCHED AND s.v IS NOT NULL THEN INSERT (k, v) VALUES (s.k, s.v)
WHEN NOT MATCHED BY SOURCE AND t.v IS NULL THEN UPDATE SET v = 9
WHEN NOT MATCHED BY SOURCE AND t.v = 2 THEN DELETE;
"""


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        yield opened


def changed(con: duckdb.DuckDBPyConnection, target: list[Row], source: list[Row], change: str) -> Counter[Row]:
    """Run a change of finance.t (k, v) by #s (k, v); returns the rows of finance.t."""
    text = "CREATE TABLE finance.t (k int, v int)\nCREATE TABLE #s (k int, v int)\n"
    for name, rows in (("finance.t", target), ("#s", source)):
        for k, v in rows:
            text += f"INSERT INTO {name} VALUES ({k}, {'NULL' if v is None else v})\n"
    script = Script(Path("change.sql"), text + change, Header("Change", "tests", "One change."))
    con.execute("DROP SCHEMA IF EXISTS finance_work CASCADE; CREATE SCHEMA finance_work")
    run_program(con, compile_script(script, {}), Turn("acme", date(2026, 1, 1)))
    return Counter(con.execute("FROM finance_work.t").fetchall())


def merged(target: list[Row], source: list[Row]) -> Counter[Row] | None:
    """Return what MERGE leaves; None where it would change a row twice."""
    left: list[Row] = []
    for k, v in target:
        pairs = [s for s in source if s[0] == k]
        acts = [s for s in pairs if (s[1] or 0) > 1 or v == 0]
        if len(acts) > 1:
            return None
        if acts:
            left += [(k, acts[0][1])] if (acts[0][1] or 0) > 1 else []
        elif pairs:
            left.append((k, v))
        elif v is None:
            left.append((k, 9))
        elif v != 2:
            left.append((k, v))
    known = {k for k, _ in target}
    return Counter([*left, *(s for s in source if s[0] not in known and s[1] is not None)])


@OFTEN
@given(TABLE, TABLE)
def test_merge(con: duckdb.DuckDBPyConnection, target: list[Row], source: list[Row]) -> None:
    expected = merged(target, source)
    if expected is None:
        with pytest.raises(ScriptRefused, match="more than once"):
            changed(con, target, source, MERGE)
    else:
        assert changed(con, target, source, MERGE) == expected


@OFTEN
@given(TABLE, TABLE)
def test_update_from(con: duckdb.DuckDBPyConnection, target: list[Row], source: list[Row]) -> None:
    change = "UPDATE t SET v = s.v FROM finance.t AS t LEFT JOIN #s AS s ON s.k = t.k WHERE t.k > 1"
    matches = {k: {v for other, v in source if other == k} for k, _ in target if k > 1}
    if any(len(values) > 1 for values in matches.values()):
        with pytest.raises(ScriptRefused, match="left to chance"):
            changed(con, target, source, change)
        return
    values = {k: next(iter(found), None) for k, found in matches.items()}
    assert changed(con, target, source, change) == Counter((k, values.get(k, v)) for k, v in target)


@OFTEN
@given(TABLE, TABLE)
def test_delete_from(con: duckdb.DuckDBPyConnection, target: list[Row], source: list[Row]) -> None:
    change = "DELETE t FROM finance.t AS t INNER JOIN #s AS s ON s.k = t.k AND s.v <> t.v"
    gone = {(k, v) for k, v in target for o, w in source if o == k and None not in (v, w) and v != w}
    assert changed(con, target, source, change) == Counter(row for row in target if row not in gone)
