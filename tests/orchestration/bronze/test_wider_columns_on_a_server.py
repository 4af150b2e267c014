"""Columns of a server's table get wider where a contract asks for it, keys included, without a row written anew."""

from __future__ import annotations

from dataclasses import replace

import pytest
from bench import Bench
from shop_source import CONTRACT, column

from orchestration.contracts.model import Contract
from orchestration.warehouse import apply

pytestmark = pytest.mark.sqlserver


@pytest.fixture
def warehouse() -> str:
    return "sqlserver"


def shaped(key: str, status: str) -> Contract:
    _, _, *others = CONTRACT.columns
    return replace(CONTRACT, columns=(column("id", key, required=True), column("status", status), *others))


def test_a_longer_text_is_altered_by_any_load_and_rows_stay_as_they_are(bench: Bench) -> None:
    bench.contract(columns=shaped("bigint", "text(8)").columns)
    bench.shop().put(1, "open")
    first = bench.one()
    bench.contract(columns=shaped("bigint", "text(40)").columns)
    bench.shop().put(2, "a status of more than eight signs")
    result = bench.one()
    assert (result.inserted, result.unchanged, result.updated) == (1, 1, 0), result.message
    assert bench.bronze("id, _load_id")[0] == (1, first.load_id)


def test_a_keys_index_gives_way_to_its_wider_column(bench: Bench) -> None:
    wider = shaped("text(20)", "text(4)")
    with bench.runtime.warehouse.session("plan") as session:
        apply.apply(session, [shaped("text(8)", "text(4)")])
        (change,) = apply.plan(session, [wider])
        assert "ALTER COLUMN [id] nvarchar(20) COLLATE Latin1_General_BIN2 NOT NULL" in change.sql
        apply.apply(session, [wider])
        assert not apply.plan(session, [wider])
        indexes = (
            "SELECT COUNT(*) FROM sys.indexes WHERE object_id = OBJECT_ID('bronze_shop.invoice') AND is_unique = 1"
        )
        assert session.run(indexes) == [(1,)]
