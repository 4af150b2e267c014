"""Closes belong to their tenant: they go with it, come along with its export, and are in every backup."""

from __future__ import annotations

import shutil
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from close_house import DAY, NEXT, CloseHouse

from orchestration.backup.restore import restore
from orchestration.backup.take import back_up
from orchestration.scripts.close.ledger import list_closes
from orchestration.tenancy.export import export_tenant
from orchestration.tenancy.removal import remove_tenant


def test_a_removed_tenants_closes_are_gone_and_the_others_stay(house: CloseHouse) -> None:
    house.close()
    house.close(NEXT)
    house.sql("CREATE SCHEMA finance_work")
    house.sql("CREATE TABLE finance_work.total AS SELECT 2.50 AS total, 'left by a killed close' AS note")
    remove_tenant(house.runtime, "acme")
    assert {row[0] for row in house.history("total")} == {"globex"}
    assert house.shown("total") == house.published("total") == [("globex", "7.00", "1")]
    for table in ("close_log", "close_table", "finance_close"):
        assert house.sql(f"SELECT DISTINCT tenant_id FROM strata.{table}") == [("globex",)]
    assert house.sql("SELECT count(*) FROM duckdb_schemas() WHERE schema_name = 'finance_work'") == [(0,)]


def test_an_export_has_every_close_of_its_tenant_alone(house: CloseHouse, tmp_path: Path) -> None:
    house.close()
    house.close(NEXT)
    export_tenant(house.runtime, "acme", tmp_path / "export")
    with duckdb.connect() as con:
        kept = con.execute(f"SELECT * FROM '{tmp_path}/export/finance_history/total.parquet' ORDER BY _as_of")
        assert [row[:2] for row in kept.fetchall()] == [("acme", DAY), ("acme", NEXT)]
    assert (tmp_path / "export" / "finance" / "total.parquet").exists()
    assert len((tmp_path / "export" / "platform" / "close_log.ndjson").read_text().splitlines()) == 2


def test_a_backup_keeps_closes_and_what_readers_see_of_them(house: CloseHouse, tmp_path: Path) -> None:
    house.close()
    house.sell("acme", "1.00")
    house.close(NEXT)
    before = house.history("total"), house.shown("doubled"), house.published("doubled")
    taken = back_up(house.settings, tmp_path / "backups").path
    shutil.rmtree(house.settings.home)
    restore(house.settings, taken)
    again = CloseHouse(house.folder)
    assert (again.history("total"), again.shown("doubled"), again.published("doubled")) == before
    assert {item.status for item in again.close(NEXT).values()} == {"already closed"}


@pytest.fixture
def old(house: CloseHouse) -> CloseHouse:
    """Three closes of each tenant, all of them older than the retention."""
    for number in range(3):
        house.sell("acme", "1.00")
        house.close(DAY + timedelta(days=number))
    house.remove("a_twice")
    house.sql("UPDATE strata.close_log SET finished_at = finished_at - INTERVAL 401 DAY")
    return house


def test_closes_are_forgotten_after_the_retention_but_for_the_one_that_readers_see(old: CloseHouse) -> None:
    old.close(DAY + timedelta(days=9), "acme")
    assert old.history("total", "_tenant_id, _as_of") == [("acme", "2026-11-29"), ("globex", "2026-11-22")]
    assert old.history("doubled", "_tenant_id, _as_of") == [("globex", "2026-11-22")]
    assert old.shown("total")[1] == ("globex", "7.00", "1")
    with old.runtime.warehouse.session("look") as session:
        assert len(list_closes(session)) == 7
        assert session.execute("SELECT count(*) FROM strata.close_log WHERE forgotten_at IS NOT NULL") == [(5,)]


def test_a_table_without_a_close_that_is_kept_is_gone(old: CloseHouse) -> None:
    old.close(DAY + timedelta(days=9))
    assert old.sql("SELECT table_name FROM duckdb_tables() WHERE schema_name = 'finance_history'") == [("total",)]
    assert isinstance(old.sql("SELECT max(finished_at) FROM strata.close_log")[0][0], datetime)
