"""Rows are counted for what Dagster shows; a load or a build is done without that, too."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from orchestration.definitions.row_counts import row_counts
from orchestration.warehouse.duckdb import writers_lock
from orchestration.warehouse.lock import held

from .conftest import Toy

ITEM = ("bronze_toy", "item")


def test_all_tables_are_counted_and_one_without_rows_is_zero(loaded: Toy) -> None:
    assert row_counts(loaded.runtime, [ITEM]) == {ITEM: 3}
    assert row_counts(loaded.runtime, [ITEM], "_tenant_id = 'globex'") == {ITEM: 1}
    assert row_counts(loaded.runtime, [ITEM], "false") == {ITEM: 0}
    assert row_counts(loaded.runtime, []) == {}


def test_a_warehouse_that_others_keep_is_no_reason_to_fail(loaded: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRATA_LOCK_WAIT_SECONDS", "0.2")
    with ThreadPoolExecutor(1) as pool, held(writers_lock(loaded.runtime.settings), "test", 0):
        assert pool.submit(row_counts, loaded.runtime, [ITEM]).result() == {}
    assert row_counts(loaded.runtime, [ITEM]) == {ITEM: 3}
