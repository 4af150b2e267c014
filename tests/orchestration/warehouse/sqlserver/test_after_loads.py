"""What a load leaves to do on the server once its rows are stored."""

from __future__ import annotations

from dataclasses import replace

import pytest

from orchestration.warehouse.sqlserver.capabilities import Capabilities
from orchestration.warehouse.sqlserver.loading import after_load

TABLE = ("bronze_shop", "a ] name")
SERVER = Capabilities(
    "SQL Server", "Developer", "16.0.4135.4", 3, "strata", "Latin1_General_100_CI_AS_SC",
    reads_snapshots=True, compatibility=160,
)  # fmt: skip


@pytest.mark.proves("Statistics after large loads")
def test_statistics_follow_a_large_load_and_no_small_one() -> None:
    assert after_load(TABLE, 100_000, SERVER) == ["UPDATE STATISTICS [bronze_shop].[a ]] name]"]
    assert after_load(TABLE, 99_999, SERVER) == []


def test_a_server_that_keeps_them_by_itself_alone_is_left_to_it() -> None:
    assert after_load(TABLE, 10_000_000, replace(SERVER, babelfish="4.4.0")) == []
