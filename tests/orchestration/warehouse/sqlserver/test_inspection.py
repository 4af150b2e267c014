"""What ``strata doctor`` finds on a server, and the statement that mends it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from orchestration.settings import Settings
from orchestration.warehouse import apply
from orchestration.warehouse.sqlserver import inspection, protection
from orchestration.warehouse.sqlserver.capabilities import COLLATION, Capabilities
from orchestration.warehouse.sqlserver.warehouse import SqlServerWarehouse

pytestmark = pytest.mark.proves("Doctor: what is missing, and the statement that mends it")

SERVER = Capabilities(
    "SQL Server", "Developer", "16.0.4135.4", 3, "strata dw", COLLATION, reads_snapshots=True, compatibility=160
)


def test_a_database_whose_readers_wait_is_mended_by_one_statement() -> None:
    check = inspection.snapshots(replace(SERVER, reads_snapshots=False))
    assert not check.ok
    assert check.remedy == "ALTER DATABASE [strata dw] SET READ_COMMITTED_SNAPSHOT ON WITH ROLLBACK IMMEDIATE;"
    assert inspection.snapshots(SERVER).ok


def test_another_collation_is_mended_by_what_its_server_allows() -> None:
    other = replace(SERVER, collation="SQL_Latin1_General_CP1_CI_AS")
    assert inspection.collation(SERVER).ok
    assert "ALTER DATABASE [strata dw] COLLATE" in inspection.collation(other).remedy
    assert "CREATE DATABASE" in inspection.collation(replace(other, engine=5)).remedy


def test_a_server_that_is_too_old_is_told() -> None:
    assert inspection.version(SERVER).ok
    assert not inspection.version(replace(SERVER, version="12.0.6024.0")).ok


@pytest.mark.sqlserver
def test_a_new_database_lacks_what_apply_makes(new_tsql_database: Callable[[], str], tmp_path: Path) -> None:
    place = new_tsql_database()
    warehouse = SqlServerWarehouse(Settings(home=tmp_path, sqlserver_connection=place, _env_file=None))
    with warehouse.session("doctor") as session:
        before = {check.name: check for check in session.inspect()}
        assert before["warehouse"].ok
        assert before["warehouse: tenants' rows"].remedy == "strata warehouse apply"
        apply.apply(session)
        after = {check.name: check for check in session.inspect()}
        rows = after["warehouse: tenants' rows"]
        assert rows.ok
        if not session.capabilities.security_policies:
            assert rows.detail == protection.NONE, "what a server lacks is said"
