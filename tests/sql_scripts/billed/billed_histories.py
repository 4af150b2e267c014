"""Random histories of billing: amended, paused, dated back, cancelled, resumed, credited in parts, void, half paid."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from billed_silver import change, credit, invoice, line, payment, rate
from financial_close import Row, Silver
from hypothesis import strategies as st

FIRST_DAY = date(2025, 1, 1)
AS_OF = date(2026, 2, 17)
_DAYS = 480
"""Histories reach beyond the day of the close."""
_SUBSCRIPTIONS = 8
_CURRENCIES = ("EUR", "USD", "GBP")
_KINDS = ("new", "upgrade", "downgrade", "pause", "resume", "cancel")

_days = st.integers(0, _DAYS).map(lambda number: FIRST_DAY + timedelta(days=number))
_amounts = st.sampled_from(["0.01", "0.02", "1.00", "10.00", "99.99", "100.00", "1234.57", "99999.99"]).map(Decimal)
_lengths = st.sampled_from([0, 1, 7, 28, 31, 89, 90, 365, 730])
_shifts = st.sampled_from([0, 0, 0, -40, -3, 1, 15, 31, 100])


def _currency(subscription: int) -> str:
    return _CURRENCIES[subscription % 3]


@st.composite
def _change(draw: st.DrawFn) -> Row:
    number, kind = draw(st.integers(0, _SUBSCRIPTIONS - 1)), draw(st.sampled_from(_KINDS))
    worth = Decimal(0) if kind in ("pause", "cancel") else draw(_amounts)
    return change(f"s{number}", kind, draw(_days), worth, _currency(number))


@st.composite
def _rates(draw: st.DrawFn) -> list[Row]:
    days = {FIRST_DAY, *draw(st.lists(_days, max_size=8))}
    values = st.integers(50_000_000, 150_000_000).map(lambda units: Decimal(units).scaleb(-8))
    return [rate(currency, each, draw(values)) for currency in _CURRENCIES[1:] for each in sorted(days)]


@st.composite
def _invoice(draw: st.DrawFn, number: int) -> tuple[Row, list[Row]]:
    """An invoice of up to three lines, for service before or after it; one in some becomes void."""
    subscription, issued_on = draw(st.integers(0, _SUBSCRIPTIONS - 1)), draw(_days)
    lines = []
    for part in range(draw(st.integers(1, 3))):
        since = issued_on + timedelta(days=draw(_shifts))
        kind = draw(st.sampled_from(["subscription", "proration", "usage"]))
        until = since + timedelta(days=draw(_lengths))
        lines.append(line(f"l{number}-{part}", draw(_amounts), since, until, kind))
    voided_on = issued_on + timedelta(days=draw(st.sampled_from([-2, 0, 3, 200]))) if draw(st.booleans()) else None
    currency = _currency(subscription)
    return invoice(
        f"i{number}", f"s{subscription}", issued_on, lines, currency=currency,
        voided_on=voided_on if draw(st.booleans()) else None,
    )  # fmt: skip


@st.composite
def _credits(draw: st.DrawFn, head: Row, row: Row) -> list[Row]:
    """Credit notes of a line, together no more than the line: for its rest, for all of it, before it, long after it."""
    found: list[Row] = []
    left = row["net_amount"]
    for number in range(draw(st.sampled_from([0, 0, 1, 1, 2, 3]))):
        share = draw(st.sampled_from(["0.1", "0.25", "0.5", "0.3333", "1"]))
        net = (left * Decimal(share)).quantize(Decimal("0.01"))
        since = row["service_from"] + timedelta(days=draw(st.sampled_from([0, 0, 5, 30, 180])))
        issued_on = head["issued_on"] + timedelta(days=draw(st.sampled_from([0, 1, 20, 90, 400])))
        if net:
            key, place = f"c-{row['invoice_line_key']}-{number}", (head["invoice_key"], row["invoice_line_key"])
            period = since, row["service_to"]
            found.append(credit(key, place, issued_on, net, period, currency=head["currency"]))
        left -= net
    return found


@st.composite
def _payments(draw: st.DrawFn, head: Row) -> list[Row]:
    """What is paid of an invoice: nothing, parts, all of it, too much; some of it is given back."""
    found = []
    for number in range(draw(st.integers(0, 3))):
        share = Decimal(draw(st.sampled_from(["0.3", "0.5", "1", "-0.2", "1.5"])))
        amount = (head["gross_amount"] * share).quantize(Decimal("0.01"))
        paid_on = head["issued_on"] + timedelta(days=draw(st.integers(-5, 120)))
        key = f"p-{head['invoice_key']}-{number}"
        found.append(payment(key, head["invoice_key"], paid_on, amount, head["currency"]))
    return found


@st.composite
def histories(draw: st.DrawFn) -> Silver:
    """One company's silver tables."""
    invoices = [draw(_invoice(number)) for number in range(draw(st.integers(0, 14)))]
    changes = {row["subscription_change_key"]: row for row in draw(st.lists(_change(), max_size=25))}
    return {
        "exchange_rate": draw(_rates()),
        "subscription_change": list(changes.values()),
        "invoice": [head for head, _ in invoices],
        "invoice_line": [row for _, lines in invoices for row in lines],
        "credit_note": [note for head, lines in invoices for row in lines for note in draw(_credits(head, row))],
        "payment": [row for head, _ in invoices for row in draw(_payments(head))],
    }
