"""A folder for scripts, and a small warehouse with two tenants whose ids are the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import duckdb
import pytest

from orchestration.scripts import check_script, read_script
from orchestration.scripts.build import build_table

HEADER = "/* title: Test\n   owner: finance\n   description: A test. */\n"


@pytest.fixture
def write_script(tmp_path: Path) -> Callable[..., Path]:
    """Write a script below a folder of its own; returns its path."""

    def write(body: str | bytes, name: str = "result", *, header: str = HEADER) -> Path:
        path = tmp_path / "financial" / f"{name}.sql"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(body if isinstance(body, bytes) else (header + body).encode())
        return path

    return write


@pytest.fixture
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    """Silver and bronze tables of the tenants acme and globex."""
    with duckdb.connect() as con:
        con.execute("CREATE SCHEMA silver; CREATE SCHEMA bronze_product; CREATE SCHEMA strata")
        con.execute(
            "CREATE TABLE silver.sale (_tenant_id VARCHAR, id INTEGER, customer VARCHAR, sold_on DATE, "
            "quantity INTEGER, amount DECIMAL(18,2), is_paid BOOLEAN)"
        )
        con.execute(
            "INSERT INTO silver.sale VALUES "
            "('acme', 1, 'Ada', '2026-01-31', 7, 10.00, true), ('acme', 2, 'ADA', '2026-02-01', 2, 20.50, false), "
            "('acme', 3, 'Bob', '2026-03-01', -7, 2.01, NULL), ('globex', 1, 'Eve', '2026-01-15', 5, 999.99, true)"
        )
        con.execute(
            "CREATE TABLE bronze_product.rate (_tenant_id VARCHAR, _deleted_at TIMESTAMP, code VARCHAR, "
            "rate DECIMAL(18,8))"
        )
        con.execute(
            "INSERT INTO bronze_product.rate VALUES ('acme', NULL, 'USD', 0.9), ('acme', now()::TIMESTAMP, 'GBP', 1.2)"
        )
        yield con


@pytest.fixture
def value_of(warehouse: duckdb.DuckDBPyConnection, write_script: Callable[..., Path]) -> Callable[[str], object]:
    """Return what one T-SQL expression gives for acme, through a script of its own."""

    def evaluate(expression: str, source: str = "FROM silver.sale AS s WHERE s.id = 1") -> object:
        text = f"DECLARE @as_of date;\nSELECT {expression} AS answer INTO finance.answer {source};"
        checked = check_script(read_script(write_script(text, "answer")))
        build_table(warehouse, checked, "acme", date(2026, 11, 20))
        rows = warehouse.execute("SELECT answer FROM finance.answer").fetchall()
        return rows[0][0] if len(rows) == 1 else [row[0] for row in rows]

    return evaluate
