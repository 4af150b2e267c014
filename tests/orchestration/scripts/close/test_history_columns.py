"""A script's columns change from close to close: old closes stay readable, and nothing is rounded away."""

from __future__ import annotations

from close_house import DAY, NEXT, CloseHouse

AMOUNT = "SELECT CAST(s.amount AS {}) AS amount INTO finance.amount FROM silver.sale AS s;"


def test_a_column_that_comes_later_is_null_in_older_closes_and_one_that_goes_stays_there(house: CloseHouse) -> None:
    house.write("c", "SELECT s.id, s.customer INTO finance.c FROM silver.sale AS s;")
    house.close()
    house.write("c", "SELECT s.id, s.amount INTO finance.c FROM silver.sale AS s;")
    house.close(NEXT, "acme")
    assert house.history("c", "_tenant_id, _as_of, id, customer, amount") == [
        ("acme", "2026-11-20", "1", "Ada", "None"),
        ("acme", "2026-11-21", "1", "None", "2.50"),
        ("globex", "2026-11-20", "1", "Eve", "None"),
    ]
    assert [row[0] for row in house.sql("DESCRIBE finance.c")] == ["_tenant_id", "id", "amount"]
    assert house.published("c") == [("acme", "1", "2.50"), ("globex", "1", "None")]


def test_a_column_is_retyped_when_every_kept_value_converts_unchanged(house: CloseHouse) -> None:
    for number, (day, kind) in enumerate(((DAY, "decimal(18, 2)"), (NEXT, "decimal(38, 4)"))):
        house.write("c", AMOUNT.format(kind))
        assert {item.status for item in house.close(day).values()} == {"closed"}, number
    assert house.history("amount", "_tenant_id, _as_of, amount")[0] == ("acme", "2026-11-20", "2.5000")


def test_a_column_that_would_be_rounded_fails_the_close_and_says_what_to_do(house: CloseHouse) -> None:
    house.write("c", AMOUNT.format("decimal(18, 2)"))
    house.close()
    house.write("c", AMOUNT.format("int"))
    closed = house.close(NEXT)
    assert {name: item.status for name, item in closed.items()} == {"acme": "failed", "globex": "failed"}
    assert "finance.amount: column amount is INTEGER now, and 1 values" in closed["acme"].fault
    assert "another name" in closed["acme"].fault
    assert house.published("amount") == [("acme", "2.50"), ("globex", "7.00")]
    assert house.sql("SELECT status FROM strata.close_log ORDER BY started_at DESC LIMIT 1") == [("failed",)]


def test_columns_are_the_same_in_upper_and_lower_case(house: CloseHouse) -> None:
    house.write("c", AMOUNT.format("decimal(18, 2)"))
    house.close()
    house.write("c", AMOUNT.format("decimal(18, 2)").replace("AS amount", "AS Amount"))
    assert {item.status for item in house.close(NEXT).values()} == {"closed"}
    assert len(house.sql("DESCRIBE finance_history.amount")) == 4
