"""Whether tables are what contracts ask for is seen in one look at all, and each is judged by its own columns."""

from __future__ import annotations

from pathlib import Path

import pytest
from shop_tables import contract_of

from orchestration import names
from orchestration.contracts.model import Contract
from orchestration.warehouse import apply
from orchestration.warehouse.protocol import Session


@pytest.fixture
def contracts(tmp_path: Path) -> list[Contract]:
    """Two tables that have the same columns."""
    return [contract_of(tmp_path, {"total": "decimal(18,2)"}, entity=entity) for entity in ("invoice", "refund")]


@pytest.fixture
def current(session: Session, contracts: list[Contract]) -> list[Contract]:
    """Bring the warehouse up to them."""
    apply.ensure(session, contracts)
    assert apply.is_current(session, contracts)
    return contracts


def test_a_table_that_is_missing_is_noticed(session: Session, contracts: list[Contract]) -> None:
    apply.ensure(session, contracts[:1])
    assert apply.is_current(session, contracts[:1])
    assert not apply.is_current(session, contracts)


@pytest.mark.parametrize("damage", ["dropped", "of another type"])
@pytest.mark.parametrize("number", [0, 1])
def test_a_column_counts_for_its_own_table_alone(
    session: Session, current: list[Contract], number: int, damage: str
) -> None:
    table = current[number].table
    if damage == "dropped":
        session.execute(f"ALTER TABLE {names.qualified(table)} DROP COLUMN total")
    else:
        session.ddl.run(session, session.ddl.retype(table, "total", "VARCHAR"))
    assert not apply.is_current(session, current)
    assert [apply.fits(session, contract) for contract in current] == [number == 1, number == 0]


def test_columns_beyond_the_contract_do_no_harm(session: Session, current: list[Contract]) -> None:
    for contract in current:
        session.ddl.run(session, session.ddl.add_column(contract.table, "no longer wanted", "VARCHAR"))
    assert apply.is_current(session, current)
