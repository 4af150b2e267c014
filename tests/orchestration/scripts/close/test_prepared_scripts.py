"""A close translates a script once for its text and the columns that it reads."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import pytest

from orchestration.names import FINANCE, FINANCE_WORK
from orchestration.scripts import types
from orchestration.scripts.cache import Cache
from orchestration.scripts.close import executing
from orchestration.scripts.close.executing import Prepared, Preparing
from orchestration.scripts.embedded import EmbeddedEngine
from orchestration.scripts.execution import Turn, run_translated
from orchestration.scripts.source import Header, Script
from orchestration.warehouse.duckdb import DuckDBSession

SOLD = "DECLARE @as_of date; SELECT s.id, s.amount / 3 AS third, @as_of AS day INTO finance.sold FROM silver.sale AS s"
TURN = Turn("acme", date(2026, 1, 31))


@pytest.fixture
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as con:
        con.execute("CREATE SCHEMA silver; CREATE SCHEMA finance_work")
        con.execute("CREATE TABLE silver.sale AS SELECT 'acme' AS _tenant_id, 1 AS id, 5.00::DECIMAL(18, 2) AS amount")
        yield con


def prepared(con: duckdb.DuckDBPyConnection, folder: Path, text: str = SOLD) -> Prepared:
    """Prepare a script as a close of its own does."""
    script = Script(Path("sold.sql"), text, Header("Sold", "finance", "A test."))
    engine = EmbeddedEngine(DuckDBSession(con), {}, FINANCE_WORK)
    return Preparing(engine, Cache(folder / "translated.sqlite")).prepared(script, {})


def test_the_next_close_takes_what_an_earlier_one_translated(
    warehouse: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = prepared(warehouse, tmp_path)
    for name in ("compile_outline", "outline"):
        monkeypatch.setattr(executing, name, None)
    again = prepared(warehouse, tmp_path)
    assert again.translated == first.translated
    assert again.lineage[FINANCE, "sold"]["third"] == [(("silver", "sale"), "amount")]
    assert run_translated(warehouse, again.translated, TURN) == {(FINANCE, "sold"): 1}
    built = warehouse.execute(f"SELECT id, third::VARCHAR, day FROM {FINANCE_WORK}.sold").fetchall()
    assert built == [(1, "1.666666", date(2026, 1, 31))]


def test_a_changed_column_or_text_is_translated_anew(warehouse: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    def third(text: str = SOLD) -> types.SqlType:
        return prepared(warehouse, tmp_path, text).translated.writes[FINANCE, "sold"]["third"]

    assert third() == types.decimal(22, 6)
    warehouse.execute("ALTER TABLE silver.sale ALTER amount TYPE INTEGER")
    assert third() == types.INT
    assert third(SOLD.replace("/ 3", "/ 3.0")) == types.decimal(17, 6)
