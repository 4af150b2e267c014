"""Whether tables are what contracts ask for is seen in one look at all, and each is judged by its own columns."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestration import names
from orchestration.contracts.model import Contract
from orchestration.contracts.reader import read_contract
from orchestration.warehouse import apply
from orchestration.warehouse.protocol import Session

FORM = """
apiVersion: v3.1.0
kind: DataContract
id: shop.{0}
version: 1.0.0
status: active
team: {{name: sales}}
schema:
  - name: {0}
    properties:
      - {{name: id, physicalType: bigint, primaryKey: true}}
      - {{name: total, physicalType: "decimal(18,2)"}}
"""


@pytest.fixture
def contracts(tmp_path: Path) -> list[Contract]:
    """Two tables that have the same columns."""
    paths = [tmp_path / f"{entity}.yaml" for entity in ("invoice", "refund")]
    for path in paths:
        path.write_text(FORM.format(path.stem), encoding="utf-8")
    return [read_contract(path, "shop") for path in paths]


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
