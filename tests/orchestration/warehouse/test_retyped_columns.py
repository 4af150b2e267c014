"""A column takes a new type when every value in it stays what it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from shop_tables import contract_of

from orchestration.contracts.model import Contract
from orchestration.failures import ContractViolated
from orchestration.warehouse.apply import apply, plan
from orchestration.warehouse.protocol import Session

Make = Callable[[str], Contract]


@pytest.fixture
def contract(tmp_path: Path) -> Make:
    """Make the contract of a table with the one column ``value``."""
    return lambda kind: contract_of(tmp_path, {"value": kind})


def hold(session: Session, contract: Contract, values: tuple[str, ...]) -> None:
    """Make the contract's table with these values."""
    apply(session, [contract])
    for key, value in enumerate(values):
        row = ["acme", "main", key, value]
        session.execute("INSERT INTO bronze_shop.sale (_tenant_id, _connection, id, value) VALUES (?, ?, ?, ?)", row)


REFUSED = [
    (("decimal(18,4)", "decimal(18,2)"), ("10.5000", "0.1234", "0.0050"), "2 of 3 values"),
    (("decimal(18,2)", "bigint"), ("10.00", "10.40"), "1 of 2 values"),
    (("timestamp", "date"), ("2026-01-01 00:00:00", "2026-01-01 10:00:00"), "1 of 2 values"),
    (("text", "decimal(18,2)"), ("10.5", "10.505", "ten"), "2 of 3 values"),
    (("text", "bigint"), ("10", "1.5"), "1 of 2 values"),
    (("bigint", "smallint"), ("7", "70000"), "1 of 2 values"),
]


@pytest.mark.parametrize(("kinds", "values", "found"), REFUSED)
def test_values_that_would_change_are_counted_and_the_column_stays(
    session: Session, contract: Make, kinds: tuple[str, str], values: tuple[str, ...], found: str
) -> None:
    hold(session, contract(kinds[0]), values)
    held = session.execute("SELECT value FROM bronze_shop.sale ORDER BY ALL")
    with pytest.raises(ContractViolated) as caught:
        apply(session, [contract(kinds[1])])
    assert found in caught.value.message
    assert session.execute("SELECT value FROM bronze_shop.sale ORDER BY ALL") == held
    shown = caught.value.remedy.split("To find them: ")[1]
    look = session.execute if session.is_embedded else session.run
    assert f"{len(look(shown))} of" in found


FITTING = [
    (("decimal(18,4)", "decimal(18,2)"), ("10.5000", "0.1200")),
    (("decimal(18,2)", "decimal(20,4)"), ("10.55",)),
    (("text", "decimal(18,2)"), ("10.5", "10.50", "-3")),
    (("text", "timestamp"), ("2026-01-01", "2026-01-01 10:00:00")),
    (("text", "bigint"), ("010", "9223372036854775807")),
    (("bigint", "text"), ("12",)),
]


@pytest.mark.parametrize(("kinds", "values"), FITTING)
def test_values_that_stay_what_they_are_let_the_column_change(
    session: Session, contract: Make, kinds: tuple[str, str], values: tuple[str, ...]
) -> None:
    hold(session, contract(kinds[0]), values)
    (change,) = [change for change in plan(session, [contract(kinds[1])]) if change.retypes]
    assert change.refusal is None
    apply(session, [contract(kinds[1])])
    assert session.execute("SELECT count(value) FROM bronze_shop.sale") == [(len(values),)]
