"""Financial gold as of a day that was closed: a tenant's own, with the columns that it had."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from house import CLOSED, GOLD, House

from orchestration.access import Question
from orchestration.access.comparison import parse_comparison
from orchestration.access.refusals import NotFound

FIRST, SECOND = date(2026, 11, 29), date(2026, 11, 30)


@pytest.fixture
def closed(house: House) -> House:
    """Two days of acme's are closed, one of globex's."""
    house.publish()
    assert [item.faults for item in house.close("acme", FIRST).tenants] == [[]]
    house.put("acme", 9, amount=Decimal("50.00"))
    house.load("acme")
    house.publish()
    house.close("acme", SECOND)
    house.close("globex", SECOND)
    return house


def bills(house: House, tenant: str, day: date) -> list[int]:
    return [row["bills"] for row in house.access(tenant).read(CLOSED, Question(), day).to_pylist()]


def test_a_day_is_read_as_it_was_closed(closed: House) -> None:
    assert (bills(closed, "acme", FIRST), bills(closed, "acme", SECOND)) == ([3], [4])
    assert closed.access("acme").read(CLOSED).to_pylist()[0]["bills"] == 4


def test_a_day_that_was_closed_again_is_read_as_it_was_closed_last(closed: House) -> None:
    closed.close("acme", FIRST)
    assert bills(closed, "acme", FIRST) == [4]


def test_questions_are_answered_of_a_closed_day_too(closed: House) -> None:
    question = Question(columns=["total"], where=[parse_comparison("bills>=4")])
    assert closed.access("acme").read(CLOSED, question, FIRST).to_pylist() == []
    assert len(closed.access("acme").read(CLOSED, question, SECOND).to_pylist()) == 1


def test_nobody_reads_anothers_day(closed: House) -> None:
    assert {row["_tenant_id"] for row in closed.access("globex").read(CLOSED, Question(), SECOND).to_pylist()} == {
        "globex"
    }
    with pytest.raises(NotFound, match=r"no close as of 2026-11-29 .*There are: 2026-11-30"):
        bills(closed, "globex", FIRST)


def test_only_finance_is_kept_by_day(closed: House) -> None:
    with pytest.raises(NotFound, match="not closed"):
        closed.access("acme").read(GOLD, Question(), FIRST)
    with pytest.raises(NotFound, match=r"There is no table finance\.nothing"):
        closed.access("acme").read(("finance", "nothing"), Question(), FIRST)
