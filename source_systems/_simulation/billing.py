"""Invoices: what subscriptions cost in advance, what their amendments change, and what was used.

A subscription is invoiced on the first of a month up to its next renewal. What an amendment adds in a
period that is already invoiced comes as a part of its own with the next invoice; what it takes away is
credited the same day, line by line. Metered use is invoiced the month after.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from source_systems._simulation import settlement
from source_systems._simulation.change import Row
from source_systems._simulation.charges import Billed, Charge, cents, month_after, worth
from source_systems._simulation.vocabulary import METERED

if TYPE_CHECKING:
    from source_systems._simulation.life import Life

_MONTHS = {"monthly": 1, "quarterly": 3, "yearly": 12}


def issue(life: Life) -> None:
    """Invoice what fell due after the last step, up to the day."""
    month = month_after(life.since)
    while month <= life.today:
        metered = _metered(life, month)
        for subscription in life.journal.rows("subscription"):
            if billed := life.billed.get(subscription["id"]):
                charges = [*billed.take(), *_due(life, subscription, billed, month)]
                charges += metered.pop(subscription["product_id"], []) if subscription["mrr"] else []
                _invoice(life, subscription, month, charges)
        month = month_after(month)


def amend(life: Life, subscription: Row, quantity_before: int, mrr_before: Decimal) -> None:
    """Take in that a subscription is worth something else from today on."""
    billed = life.billed.setdefault(subscription["id"], Billed(life.today))
    more = subscription["mrr"] - mrr_before
    if mrr_before and billed.until < life.today:
        held = quantity_before, mrr_before
        billed.pending.append(_period(life, subscription, held, billed.until, life.today))
    elif mrr_before and more > 0 and billed.until > life.today:
        units = subscription["quantity"] - quantity_before
        net = worth(more, life.today, billed.until)
        text = f"{units} more: {_product(life, subscription)}"
        price = subscription["unit_price"]
        billed.pending.append(Charge("proration", text, Decimal(units), price, net, life.today, billed.until))
    if more < 0:
        _invoice(life, subscription, life.today, billed.take())
        settlement.give_back(life, subscription, -more / mrr_before)
    if not (mrr_before and subscription["mrr"]) or billed.until < life.today:
        billed.until = life.today


def _due(life: Life, subscription: Row, billed: Billed, month: date) -> Iterator[Charge]:
    """Yield the subscription's next period, and the days before it that no invoice holds yet."""
    held = subscription["quantity"], subscription["mrr"]
    if not subscription["mrr"] or billed.until > month:
        return
    if billed.until < month:
        yield _period(life, subscription, held, billed.until, month)
    billed.until = _renewal(subscription, month)
    yield _period(life, subscription, held, month, billed.until, line_type="subscription")


def _period(
    life: Life,
    subscription: Row,
    held: tuple[int, Decimal],
    since: date,
    until: date,
    *,
    line_type: str = "proration",
) -> Charge:
    """Return what a period costs with so many units, worth so much a month."""
    (units, mrr), text, price = held, _product(life, subscription), subscription["unit_price"]
    return Charge(line_type, text, Decimal(units), price, worth(mrr, since, until), since, until)


def _renewal(subscription: Row, month: date) -> date:
    """Return the first of a month after another in which the subscription's next period begins."""
    started, period = subscription["started_on"], _MONTHS[subscription["billing_period"]]
    following = month_after(month)
    while ((following.year - started.year) * 12 + following.month - started.month) % period:
        following = month_after(following)
    return following


def _metered(life: Life, month: date) -> dict[int, list[Charge]]:
    """Return what was reported of metered use in the month before, by product."""
    before = (month - timedelta(days=1)).replace(day=1)
    used: dict[tuple[int, str], Decimal] = {}
    for row in life.journal.rows("usage_daily"):
        if row["metric"] in METERED and before <= row["usage_date"] < month:
            place = row["product_id"], row["metric"]
            used[place] = used.get(place, Decimal(0)) + row["quantity"]
    charges: dict[int, list[Charge]] = {}
    for (product_id, metric), quantity in used.items():
        price = METERED[metric]
        if net := cents(quantity * price):
            text = metric.replace("_", " ").capitalize()
            charges.setdefault(product_id, []).append(Charge("usage", text, quantity, price, net, before, month))
    return charges


def _invoice(life: Life, subscription: Row, day: date, charges: Iterable[Charge]) -> None:
    """Issue an invoice of some charges, if there are any."""
    lines = [(charge, cents(charge.net * life.tax_percent / 100)) for charge in charges]
    if not lines:
        return
    net, tax = sum(charge.net for charge, _ in lines), sum(tax for _, tax in lines)
    invoice = life.insert(
        "invoice",
        customer_id=subscription["customer_id"],
        subscription_id=subscription["id"],
        number=f"INV-{day:%Y%m}-{life.next_id('invoice_number'):08d}",
        issued_on=day,
        due_on=day + timedelta(days=30),
        status="open",
        currency=subscription["currency"],
        net_amount=net,
        tax_amount=tax,
        gross_amount=net + tax,
        voided_at=None,
    )
    for charge, tax in lines:
        life.insert(
            "invoice_line",
            invoice_id=invoice["id"],
            subscription_id=subscription["id"],
            product_id=subscription["product_id"],
            line_type=charge.line_type,
            description=charge.description,
            quantity=charge.quantity,
            unit_price=charge.unit_price,
            net_amount=charge.net,
            tax_amount=tax,
            service_from=charge.since,
            service_to=charge.until,
        )


def _product(life: Life, subscription: Row) -> str:
    return str(life.company.products[subscription["product_id"] - 1]["name"])
