"""Invoices, payments and credit notes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from source_systems._simulation.change import Row
from source_systems._simulation.vocabulary import CREDIT_REASONS

if TYPE_CHECKING:
    from source_systems._simulation.life import Life

_MONTHS = {"monthly": 1, "quarterly": 3, "yearly": 12}
_CENT = Decimal("0.01")
_METHODS = ("card", "transfer", "transfer", "direct_debit")


def step(life: Life) -> None:
    """Issue what is due in this step, then let the customer pay, or not."""
    for month in _month_starts(life.since, life.today):
        for subscription in life.journal.rows("subscription"):
            if subscription["mrr"] and _is_due(subscription, month):
                _invoice(life, subscription, month)
    for invoice in life.journal.rows("invoice"):
        if invoice["status"] in ("open", "overdue"):
            _settle(life, invoice)
    if life.happens(0.03):
        _bounce(life)


def _month_starts(since: date, until: date) -> Iterator[date]:
    """Yield every first of a month after one day, up to and including another."""
    month = since.replace(day=1)
    while (month := (month + timedelta(days=32)).replace(day=1)) <= until:
        yield month


def _is_due(subscription: Row, month: date) -> bool:
    months = (month.year - subscription["started_on"].year) * 12 + month.month - subscription["started_on"].month
    return bool(months % _MONTHS[subscription["billing_period"]] == 0)


def _invoice(life: Life, subscription: Row, month: date) -> None:
    net = subscription["mrr"] * _MONTHS[subscription["billing_period"]]
    tax = (net * life.tax_percent / 100).quantize(_CENT)
    number = life.next_id("invoice_number")
    life.insert(
        "invoice",
        customer_id=subscription["customer_id"],
        subscription_id=subscription["id"],
        number=f"INV-{month:%Y%m}-{number:08d}",
        issued_on=month,
        due_on=month + timedelta(days=30),
        status="open",
        currency=subscription["currency"],
        net_amount=net,
        tax_amount=tax,
        gross_amount=net + tax,
        voided_at=None,
    )


def _settle(life: Life, invoice: Row) -> None:
    if life.happens(0.015):
        moment = datetime.combine(life.today, time(16, life.chance.randrange(60)), UTC)
        life.journal.update("invoice", invoice, status="void", voided_at=moment)
    elif (life.today - invoice["issued_on"]).days > 4 and life.happens(1.1):
        _pay(life, invoice)
    elif invoice["status"] == "open" and life.today > invoice["due_on"]:
        life.journal.update("invoice", invoice, status="overdue")


def _pay(life: Life, invoice: Row) -> None:
    """Pay what is open, at times in two parts; a paid invoice now and then gets a credit note."""
    before = [row["amount"] for row in life.journal.rows("payment") if row["invoice_id"] == invoice["id"]]
    owed = invoice["gross_amount"] - sum(before)
    first = (owed / 3).quantize(_CENT) if life.chance.random() < 0.1 else owed
    for amount in (first, owed - first):
        if amount:
            life.insert(
                "payment",
                invoice_id=invoice["id"],
                paid_on=life.today,
                amount=amount,
                currency=invoice["currency"],
                method=life.chance.choice(_METHODS),
            )
    life.journal.update("invoice", invoice, status="paid")
    if life.chance.random() < 0.04:
        _credit(life, invoice)


def _bounce(life: Life) -> None:
    """Take back the last payment, which the bank refused: its row is gone for good, the invoice is open again."""
    payments = life.journal.rows("payment")
    for invoice in life.journal.rows("invoice"):
        if payments and invoice["id"] == payments[-1]["invoice_id"]:
            life.journal.delete("payment", payments[-1])
            life.journal.update("invoice", invoice, status="open")


def _credit(life: Life, invoice: Row) -> None:
    share = Decimal(life.chance.choice((10, 25, 100)))
    life.insert(
        "credit_note",
        invoice_id=invoice["id"],
        number=f"CN-{life.next_id('credit_number'):08d}",
        issued_on=life.today,
        amount=(invoice["gross_amount"] * share / 100).quantize(_CENT),
        currency=invoice["currency"],
        reason=life.chance.choice(CREDIT_REASONS),
    )
