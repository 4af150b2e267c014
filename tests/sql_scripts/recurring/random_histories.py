"""Random histories of contracts: amended, paused, cancelled, dated back, reactivated, in several currencies."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

from hypothesis import strategies as st
from silver_rows import Row, Silver, change, rate

FIRST_DAY = date(2024, 11, 1)
AS_OF = date(2026, 2, 17)
_DAYS = 560
"""Histories reach beyond the day of the close: what takes effect later, and what is recorded later."""
_SUBSCRIPTIONS = 14
_CUSTOMERS = 7
_CURRENCIES = ("EUR", "USD", "GBP")
_STAGES = ("Prospecting", "Qualification", "Proposal", "Negotiation", "Legal", "Closed Won", "Closed Lost")
_SEGMENTS = ("small", "enterprise", None)

_days = st.integers(0, _DAYS).map(lambda number: FIRST_DAY + timedelta(days=number))
_worths = st.sampled_from(["0.00"] * 4 + ["0.01", "10.00", "250.50", "3003.33", "99999.99"]).map(Decimal)


@st.composite
def _change(draw: st.DrawFn) -> Row:
    """An amendment; one in some is recorded up to 60 days before or after its day."""
    subscription = draw(st.integers(0, _SUBSCRIPTIONS - 1))
    day = draw(_days)
    recorded = day + timedelta(days=draw(st.sampled_from([0, 0, 0, -60, 3, 60])))
    line = f"c{subscription % _CUSTOMERS}", f"p{subscription % 2}", _CURRENCIES[subscription // 2 % 3]
    return change(f"s{subscription}", line, day, draw(_worths), recorded_on=recorded)


@st.composite
def _rates(draw: st.DrawFn) -> list[Row]:
    days = {FIRST_DAY, *draw(st.lists(_days, max_size=12))}
    values = st.integers(50_000_000, 150_000_000).map(lambda units: Decimal(units).scaleb(-8))
    return [rate(currency, day, draw(values)) for currency in _CURRENCIES[1:] for day in sorted(days)]


@st.composite
def _customer(draw: st.DrawFn, number: int) -> Row:
    return {"customer_key": f"c{number}", "segment": draw(st.sampled_from(_SEGMENTS))}


@st.composite
def _contract(draw: st.DrawFn, number: int) -> Row:
    """What is signed for a subscription; some are drafts, some have no partner."""
    starts_on = draw(_days)
    return {
        "contract_key": f"k{number}",
        "contract_number": str(number),
        "customer_key": f"c{number % _CUSTOMERS}",
        "subscription_key": f"s{number}",
        "contract_status": draw(st.sampled_from(["Activated", "Activated", "Terminated", "Draft", None])),
        "match_rule": draw(st.sampled_from(["contract_number", "contract_number", "unmatched"])),
        "starts_on": starts_on,
        "ends_on": starts_on + timedelta(days=draw(st.sampled_from([90, 365, 730]))),
    }


def _subscription(number: int, changes: Sequence[Row]) -> Row:
    own = [row for row in changes if row["subscription_key"] == f"s{number}"]
    days = [day for row in own if isinstance(day := row["effective_on"], date)]
    return {
        "subscription_key": f"s{number}",
        "customer_key": f"c{number % _CUSTOMERS}",
        "started_on": min(days, default=FIRST_DAY) - timedelta(days=14),
        "ended_on": max(days) if own and own[-1]["mrr_after"] == 0 else None,
    }


@st.composite
def _opportunity(draw: st.DrawFn, number: int) -> list[Row]:
    """The stages of a deal in any order, as people click."""
    day, rows = draw(_days), list[Row]()
    for step in range(1, draw(st.integers(1, 6)) + 1):
        rows.append(
            {
                "opportunity_key": f"o{number}",
                "customer_key": f"c{number % _CUSTOMERS}",
                "stage_number": step,
                "stage_name": draw(st.sampled_from(_STAGES)),
                "entered_on": day,
            }
        )
        day += timedelta(days=draw(st.integers(0, 40)))
    return rows


@st.composite
def _lead(draw: st.DrawFn, number: int) -> Row:
    created_on, is_converted = draw(_days), draw(st.booleans())
    return {
        "lead_key": f"l{number}",
        "opportunity_key": f"o{number}" if is_converted else None,
        "segment": draw(st.sampled_from(_SEGMENTS)),
        "lead_status": "Qualified" if is_converted else draw(st.sampled_from(["Open", "Unqualified"])),
        "is_converted": is_converted,
        "created_on": created_on,
        "converted_on": created_on + timedelta(days=draw(st.integers(-1, 60))) if is_converted else None,
    }


@st.composite
def histories(draw: st.DrawFn) -> Silver:
    """One company's silver tables."""
    changes = [draw(_change()) for _ in range(draw(st.integers(0, 70)))]
    deals = range(draw(st.integers(0, 5)))
    return {
        "subscription_change": changes,
        "exchange_rate": draw(_rates()),
        "customer": [draw(_customer(number)) for number in range(_CUSTOMERS)],
        "subscription": [_subscription(number, changes) for number in range(_SUBSCRIPTIONS)],
        "contract": [draw(_contract(number)) for number in range(_SUBSCRIPTIONS)],
        "lead": [draw(_lead(number)) for number in deals],
        "opportunity_history": [row for number in deals for row in draw(_opportunity(number))],
    }
