"""A folder for scripts, and a small warehouse with two tenants whose ids are the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import duckdb
import pytest

from orchestration.scripts import read_script
from orchestration.scripts.execution import Turn, run_program
from orchestration.scripts.outline import outline
from orchestration.scripts.program import Program, compile_script
from orchestration.scripts.scope import visible

DAY = date(2026, 11, 20)
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
        con.execute("CREATE SCHEMA silver; CREATE SCHEMA bronze_product; CREATE SCHEMA finance_work")
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
def compiled(warehouse: duckdb.DuckDBPyConnection) -> Callable[[Path], Program]:
    """Compile a script against the warehouse's tables."""

    def program(path: Path) -> Program:
        script = read_script(path)
        return compile_script(script, visible(warehouse, outline(script).reads))

    return program


@pytest.fixture
def run(warehouse: duckdb.DuckDBPyConnection, compiled: Callable[[Path], Program]) -> Callable[..., list[object]]:
    """Run a script for a tenant; returns the rows of its first table, which is gone afterwards."""

    def rows(path: Path, tenant: str = "acme") -> list[object]:
        program = compiled(path)
        tables = run_program(warehouse, program, Turn(tenant, DAY))
        found = warehouse.execute(f'FROM finance_work."{next(iter(tables))[1]}"').fetchall()
        warehouse.execute("DROP SCHEMA finance_work CASCADE; CREATE SCHEMA finance_work")
        return found

    return rows


@pytest.fixture
def value_of(run: Callable[..., list[tuple[object]]], write_script: Callable[..., Path]) -> Callable[[str], object]:
    """Return what one T-SQL expression gives for acme, through a script of its own."""

    def evaluate(expression: str, source: str = "FROM silver.sale AS s WHERE s.id = 1") -> object:
        text = f"DECLARE @as_of date;\nSELECT {expression} AS answer INTO finance.answer {source};"
        rows = run(write_script(text, "answer"))
        return rows[0][0] if len(rows) == 1 else [row[0] for row in rows]

    return evaluate
