"""The contract of the table that the engine's benchmarks load, apart from what serves it: importing this is cheap."""

from __future__ import annotations

from datetime import timedelta

from orchestration.contracts.model import Additions, Column, Contract, Deletes
from orchestration.contracts.types import parse_type

STATUSES = ("open", "paid", "overdue", "void")

# name, contract type, expression over the row number n (the same in PostgreSQL and DuckDB)
COLUMNS = (
    ("id", "bigint", "n"),
    ("customer_id", "bigint", "n % 50021"),
    ("product_id", "integer", "(n % 997)::int"),
    ("quantity", "integer", "(1 + n % 40)::int"),
    ("discount", "smallint", "(n % 30)::smallint"),
    ("net_amount", "decimal(18,2)", "((n * 7919 % 10000000)::numeric(18,2) / 100)::numeric(18,2)"),
    ("tax_amount", "decimal(18,2)", "((n * 1511 % 1900000)::numeric(18,2) / 100)::numeric(18,2)"),
    ("gross_amount", "decimal(18,2)", "((n * 9430 % 11900000)::numeric(18,2) / 100)::numeric(18,2)"),
    ("rate", "decimal(12,6)", "((n % 2000003)::numeric(18,6) / 1000)::numeric(12,6)"),
    ("issued_on", "date", "DATE '2024-01-01' + (n % 700)::int"),
    ("due_on", "date", "DATE '2024-01-15' + (n % 700)::int"),
    ("paid_on", "date", "CASE WHEN n % 3 = 0 THEN DATE '2024-02-01' + (n % 600)::int END"),
    ("is_paid", "boolean", "n % 3 = 0"),
    ("status", "text(10)", "CASE n % 4 WHEN 0 THEN 'open' WHEN 1 THEN 'paid' WHEN 2 THEN 'overdue' ELSE 'void' END"),
    ("currency", "text(3)", "CASE WHEN n % 5 = 0 THEN 'CHF' ELSE 'EUR' END"),
    ("number", "text(20)", "'R-' || (100000000 + n)::text"),
    ("city", "text", "CASE n % 3 WHEN 0 THEN 'Zürich' WHEN 1 THEN 'Köln' ELSE 'Saint-Étienne' END"),
    ("note", "text", "CASE WHEN n % 7 = 0 THEN 'delivery ' || md5((n % 90001)::text) END"),
    ("created_at", "timestamp", "TIMESTAMP '2024-01-01 08:00:00' + n * INTERVAL '1 second'"),
    ("updated_at", "timestamp", "TIMESTAMP '2024-01-01 09:00:00' + n * INTERVAL '1 second'"),
)


def contract(physical_name: str = "public.sales", **changes: object) -> Contract:
    """Return the table's contract."""
    columns = tuple(
        Column(
            name=name,
            source_name=name,
            type=parse_type(kind),
            required=name == "id",
            allowed=STATUSES if name == "status" else (),
        )
        for name, kind, _ in COLUMNS
    )
    facts: dict[str, object] = {
        "source": "bench", "entity": "sales", "version": "1", "description": "", "owner": "bench",
        "physical_name": physical_name, "columns": columns, "key": ("id",), "cursor": "updated_at",
        "deletes": Deletes.DAILY, "soft_delete_column": None, "sweep_every": timedelta(hours=1),
        "overlap": timedelta(minutes=15), "reject_threshold": 0.1, "shrink_threshold": 0.2,
        "freshness": timedelta(days=1), "additions": Additions.LOAD, "tenant_column": None,
    }  # fmt: skip
    return Contract(**{**facts, **changes})  # type: ignore[arg-type]
