"""What becomes of invoices: paid, overdue, void, credited; money given back for what was paid already."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING

from source_systems._simulation.change import Row
from source_systems._simulation.charges import cents, part_from
from source_systems._simulation.vocabulary import CREDIT_REASONS

if TYPE_CHECKING:
    from source_systems._simulation.life import Life

_METHODS = ("card", "transfer", "transfer", "direct_debit")
_REASONS = {"paused": "Pause", "cancelled": "Termination"}
_NOTHING = Decimal("0.00")


def step(life: Life) -> None:
    """Let the customer pay, or not; a bank refuses a payment now and then."""
    settled = _settled(life)
    for invoice in life.journal.rows("invoice"):
        if invoice["status"] in ("open", "overdue"):
            _settle(life, invoice, settled[invoice["id"]])
    if life.happens(0.03):
        _bounce(life)


def give_back(life: Life, subscription: Row, share: Decimal) -> None:
    """Credit a share of everything that is invoiced for a subscription from today on."""
    void = {row["id"] for row in life.journal.rows("invoice") if row["status"] == "void"}
    reason = _REASONS.get(subscription["status"], "Downgrade")
    for line in life.journal.rows("invoice_line"):
        is_open = line["service_to"] > life.today and line["invoice_id"] not in void
        if is_open and line["subscription_id"] == subscription["id"]:
            left = part_from(life.today, line["net_amount"], line["service_from"], line["service_to"])
            for note in _credits(life, line):
                left -= part_from(life.today, note["net_amount"], note["service_from"], note["service_to"])
            _credit(life, line, cents(left * share), max(life.today, line["service_from"]), reason)


def _settled(life: Life) -> defaultdict[int, Decimal]:
    """Return what was paid and credited of each invoice."""
    settled: defaultdict[int, Decimal] = defaultdict(lambda: _NOTHING)
    for table in ("payment", "credit_note"):
        for row in life.journal.rows(table):
            settled[row["invoice_id"]] += row["amount"]
    return settled


def _settle(life: Life, invoice: Row, settled: Decimal) -> None:
    owed = invoice["gross_amount"] - settled
    if not owed:
        life.journal.update("invoice", invoice, status="paid")
    elif not settled and life.happens(0.015):
        moment = datetime.combine(life.today, time(16, life.chance.randrange(60)), UTC)
        life.journal.update("invoice", invoice, status="void", voided_at=moment)
    elif (life.today - invoice["issued_on"]).days > 4 and life.happens(1.1):
        _pay(life, invoice, owed)
    elif invoice["status"] == "open" and life.today > invoice["due_on"]:
        life.journal.update("invoice", invoice, status="overdue")


def _pay(life: Life, invoice: Row, owed: Decimal) -> None:
    """Pay what is open, at times in two parts; a paid invoice now and then gets a credit note for all its lines."""
    first = cents(owed / 3) if life.chance.random() < 0.1 else owed
    for amount in (first, owed - first):
        if amount:
            _transfer(life, invoice, amount, life.chance.choice(_METHODS))
    life.journal.update("invoice", invoice, status="paid")
    if life.chance.random() < 0.04:
        share, reason = Decimal(life.chance.choice((10, 25, 100))) / 100, life.chance.choice(CREDIT_REASONS)
        for line in life.journal.rows("invoice_line"):
            if line["invoice_id"] == invoice["id"] and not _credits(life, line):
                _credit(life, line, cents(line["net_amount"] * share), line["service_from"], reason)


def _transfer(life: Life, invoice: Row, amount: Decimal, method: str) -> None:
    life.insert(
        "payment",
        invoice_id=invoice["id"],
        paid_on=life.today,
        amount=amount,
        currency=invoice["currency"],
        method=method,
    )


def _bounce(life: Life) -> None:
    """Take back the last payment, which the bank refused: its row is gone for good, the invoice is open again."""
    payments = life.journal.rows("payment")
    if payments and payments[-1]["amount"] > 0:
        life.journal.delete("payment", payments[-1])
        life.journal.update("invoice", _invoice(life, payments[-1]), status="open")


def _credit(life: Life, line: Row, net: Decimal, since: date, reason: str) -> None:
    """Take a part of an invoice line back; what was paid already is given back too."""
    if net <= 0:
        return
    before = _credits(life, line)
    is_last = net == line["net_amount"] - sum(row["net_amount"] for row in before)
    rest = line["tax_amount"] - sum(row["tax_amount"] for row in before)
    tax = rest if is_last else cents(net * life.tax_percent / 100)
    invoice = _invoice(life, line)
    life.insert(
        "credit_note",
        invoice_id=invoice["id"],
        invoice_line_id=line["id"],
        number=f"CN-{life.next_id('credit_number'):08d}",
        issued_on=life.today,
        net_amount=net,
        tax_amount=tax,
        amount=net + tax,
        currency=invoice["currency"],
        reason=reason,
        service_from=since,
        service_to=line["service_to"],
    )
    if invoice["status"] == "paid":
        _transfer(life, invoice, -net - tax, "transfer")


def _credits(life: Life, line: Row) -> list[Row]:
    return [row for row in life.journal.rows("credit_note") if row["invoice_line_id"] == line["id"]]


def _invoice(life: Life, child: Row) -> Row:
    return next(row for row in life.journal.rows("invoice") if row["id"] == child["invoice_id"])
