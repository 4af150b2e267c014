"""A real PostgreSQL with a schema that the simulation did not make, loaded by the same engine by setting variables."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from orchestration.bronze.ledger import LoadResult
from orchestration.bronze.load import load_source
from orchestration.contracts.source import Mode
from orchestration.runtime import Runtime, open_runtime
from orchestration.settings import PROJECT, load_settings

CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: erp-order-line
version: 1.0.0
status: active
team: {name: erp}
schema:
  - name: order_line
    physicalName: '"ERP"."Order Line"'
    customProperties:
      - {property: cursor, value: changed}
      - {property: deletes, value: sweep}
      - {property: sweepEvery, value: 0s}
      - {property: rejectThreshold, value: 0.9}
    properties:
      - {name: order_no, physicalName: Order No, physicalType: text, primaryKey: true, primaryKeyPosition: 1}
      - {name: line, physicalName: Line, physicalType: smallint, primaryKey: true, primaryKeyPosition: 2}
      - {name: amount, physicalName: Amount, physicalType: 'decimal(12,2)'}
      - {name: due, physicalName: Due, physicalType: date}
      - {name: changed, physicalName: Changed, physicalType: timestamp, required: true}
"""
TABLE = """
CREATE SCHEMA "ERP";
CREATE TABLE "ERP"."Order Line" (
  "Order No" text, "Line" int2, "Amount" numeric, "Due" date, "Changed" timestamptz DEFAULT now(),
  PRIMARY KEY ("Order No", "Line")
)
"""


@pytest.fixture
def erp(postgres: str) -> Callable[..., None]:
    def run(sql: str, *values: Any) -> None:
        with psycopg.connect(postgres) as connection:
            connection.execute(sql, values or None)  # type: ignore[arg-type]

    run(TABLE)
    return run


@pytest.fixture
def runtime(tmp_path: Path, postgres: str, monkeypatch: pytest.MonkeyPatch) -> Runtime:
    sources = tmp_path / "sources"
    (sources / "product" / "contracts").mkdir(parents=True)
    shutil.copy(PROJECT / "source_systems" / "product" / "source.yaml", sources / "product")
    (sources / "product" / "contracts" / "order_line.yaml").write_text(CONTRACT)
    monkeypatch.setenv("STRATA_PRODUCT__URL", postgres)
    settings = load_settings(home=tmp_path / "home", sources_dir=sources, tenants_file=tmp_path / "no-tenants.yaml")
    return open_runtime(settings)


def load(runtime: Runtime, mode: Mode) -> LoadResult:
    """Load, and return what the load itself did; a sweep may have followed."""
    result, *_ = load_source(runtime, runtime.sources["product"], mode, who="test")
    return result


def query(runtime: Runtime, sql: str) -> list[tuple[Any, ...]]:
    with runtime.warehouse.session("look") as session:
        return session.execute(sql)


ALIVE = "SELECT order_no, line, amount, due::text FROM bronze_product.order_line WHERE _deleted_at IS NULL ORDER BY ALL"


def test_it_is_loaded_kept_up_to_date_and_its_deletions_are_caught(erp: Callable[..., None], runtime: Runtime) -> None:
    erp("""INSERT INTO "ERP"."Order Line" VALUES ('Ä', 1, 10.10, '2024-01-31'), ('Ä', 2, NULL, NULL)""")
    erp("""INSERT INTO "ERP"."Order Line" SELECT 'many', i, i / 8.0 FROM generate_series(8, 80, 8) i""")
    first = load(runtime, "init")
    assert (first.status, first.inserted, first.rejected) == ("loaded", 12, 0)
    erp("""INSERT INTO "ERP"."Order Line" VALUES ('C', 1, 99999999.99)""")
    erp("""UPDATE "ERP"."Order Line" SET "Amount" = 10.11, "Changed" = now() WHERE "Order No" = 'Ä' AND "Line" = 1""")
    erp("""DELETE FROM "ERP"."Order Line" WHERE "Line" = 80""")
    load(runtime, "hourly")
    assert query(runtime, "SELECT sum(inserted), sum(updated), sum(deleted) FROM strata.load_ledger") == [(13, 1, 1)]
    assert query(runtime, ALIVE) == [
        ("C", 1, Decimal("99999999.99"), None),
        *(("many", i, Decimal(i) / 8, None) for i in range(8, 80, 8)),
        ("Ä", 1, Decimal("10.11"), "2024-01-31"),
        ("Ä", 2, None, None),
    ]


def test_what_fits_no_column_is_quarantined_with_its_raw_value(erp: Callable[..., None], runtime: Runtime) -> None:
    erp(
        """INSERT INTO "ERP"."Order Line" ("Order No", "Line", "Amount", "Due") VALUES
           ('good', 1, 1.50, '2024-01-31'), ('nan', 1, 'NaN', NULL), ('inf', 1, 'Infinity', NULL),
           ('scale', 1, 1.505, NULL), ('large', 1, 10000000000, NULL), ('never', 1, 1, 'infinity'),
           ('caesar', 1, 1, '0044-03-15 BC')"""
    )
    result = load(runtime, "daily")
    assert (result.status, result.inserted, result.rejected) == ("loaded", 1, 6)
    assert query(runtime, ALIVE) == [("good", 1, Decimal("1.50"), "2024-01-31")]
    quarantined = query(runtime, "SELECT column_name, raw_value FROM strata.quarantine ORDER BY ALL")
    assert sorted(quarantined) == [
        ("amount", "1.505"), ("amount", "10000000000"), ("amount", "Infinity"), ("amount", "NaN"),
        ("due", "0044-03-15 BC"), ("due", "infinity"),
    ]  # fmt: skip


def test_a_misfit_keeps_the_old_version_of_its_row(erp: Callable[..., None], runtime: Runtime) -> None:
    erp("""INSERT INTO "ERP"."Order Line" VALUES ('A', 1, 10.10), ('A', 2, 20.20)""")
    load(runtime, "daily")
    erp("""UPDATE "ERP"."Order Line" SET "Amount" = 'NaN', "Changed" = now() WHERE "Line" = 2""")
    for mode in ("hourly", "daily"):
        assert load(runtime, mode).rejected == 1
        assert query(runtime, ALIVE) == [("A", 1, Decimal("10.10"), None), ("A", 2, Decimal("20.20"), None)]
