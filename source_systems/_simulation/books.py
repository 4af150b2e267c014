"""The company's books: every invoice, credit note and payment posted, and what it spends.

A posting is a pair of accounts, as DATEV has it. Amounts are gross where the account taxes by itself.
Receivables are kept in euros; what rates moved until a customer paid is an exchange difference.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from source_systems._simulation.accounts import (
    BANK,
    DOMESTIC,
    INPUT_TAX,
    RATE_GAIN,
    RATE_LOSS,
    RECEIVABLES,
    REVENUE_BY_COUNTRY,
    SALES,
    SUCCESS,
    TAX_ABROAD,
    TAX_DUE,
    UNTAXED,
    Account,
)
from source_systems._simulation.business_days import date_of
from source_systems._simulation.change import Row
from source_systems._simulation.charges import cents
from source_systems._simulation.costs import costs
from source_systems._simulation.life import Life
from source_systems._simulation.world import World

_FULL = Decimal(119)
_ONE = Decimal(1)


class Posting(NamedTuple):
    """Debit one account, credit the other; ``amount`` is above zero in ``currency``, ``euros`` is what it was worth.

    ``reversal`` takes a posting back on its own sides (DATEV's Generalumkehr).
    """

    day: date
    document: str
    debit: Account
    credit: Account
    amount: Decimal
    currency: str
    rate: Decimal
    euros: Decimal
    tax_key: str
    text: str
    cost_center: str
    reversal: bool = False


def postings(world: World, number: int) -> list[Posting]:
    """Return all postings up to business day ``number``, in the order of their days and documents."""
    until = date_of(number)
    found = [posting for life in world.lives(number) for posting in _Customer(world, life).postings()]
    found += _costs(world, until)
    return sorted(found, key=lambda posting: (posting.day, posting.document, posting.credit, posting.text))


def _costs(world: World, until: date) -> Iterator[Posting]:
    for number, (spending, day, net) in enumerate(costs(world.company, until)):
        gross = cents(net * _FULL / 100) if spending.is_taxed else net
        key = INPUT_TAX if spending.is_taxed else ""
        document = f"ER-{day:%Y%m}-{number:05d}"
        text = f"{spending.text} {day:%m/%Y}"
        yield Posting(
            day, document, spending.account, BANK, gross, "EUR", _ONE, gross, key, text, spending.cost_center
        )  # fmt: skip


class _Customer:
    """One customer's postings; ``open`` is what each invoice still comes to, in its currency and in euros."""

    def __init__(self, world: World, life: Life) -> None:
        self._company, self._life = world.company, life
        self._revenue = REVENUE_BY_COUNTRY[life.country]
        self._open: dict[int, tuple[Decimal, Decimal]] = {}

    def postings(self) -> Iterator[Posting]:
        """Yield them invoice by invoice."""
        journal = self._life.journal
        lines = {row["id"]: row for row in journal.rows("invoice_line")}
        notes, payments = journal.rows("credit_note"), journal.rows("payment")
        for invoice in journal.rows("invoice"):
            number = invoice["id"]
            own = [row for row in lines.values() if row["invoice_id"] == number]
            yield from self._invoiced(invoice, own)
            events = [row for row in (*notes, *payments) if row["invoice_id"] == number]
            for event in sorted(events, key=lambda row: row.get("issued_on") or row["paid_on"]):
                if "paid_on" in event:
                    yield from self._paid(invoice, event)
                else:
                    yield from self._credited(invoice, event, lines[event["invoice_line_id"]])

    def _invoiced(self, invoice: Row, lines: list[Row]) -> Iterator[Posting]:
        rate = self._rate(invoice["currency"], invoice["issued_on"])
        made = [posting for line in lines for posting in self._sale(invoice, line, rate, line)]
        yield from made
        self._open[invoice["id"]] = (invoice["gross_amount"], sum((posting.euros for posting in made), Decimal(0)))
        if invoice["status"] == "void":
            day = invoice["voided_at"].date()
            for posting in made:
                yield posting._replace(day=day, text=f"Storno {posting.text}"[:60], reversal=True)

    def _sale(self, invoice: Row, amounts: Row, rate: Decimal, line: Row) -> Iterator[Posting]:
        """Post net and tax of a line: together where the account knows the tax, and gets it right to the cent."""
        net, tax = amounts["net_amount"], amounts["tax_amount"]
        text = f"{line['description']} {self._life.name}"[:60]
        family = self._company.products[line["product_id"] - 1]["family"]
        center = SUCCESS if family == "Services" else SALES
        domestic = self._revenue is DOMESTIC
        parts = [(self._revenue, net, UNTAXED if domestic else ""), (TAX_DUE if domestic else TAX_ABROAD, tax, "")]
        if domestic and cents((net + tax) * 19 / _FULL) == tax:
            parts = [(self._revenue, net + tax, "")]
        for account, amount, key in parts:
            if amount:
                yield Posting(
                    invoice["issued_on"], invoice["number"], RECEIVABLES, account, amount, invoice["currency"], rate,
                    cents(amount * rate), key, text, center,
                )  # fmt: skip

    def _credited(self, invoice: Row, note: Row, line: Row) -> Iterator[Posting]:
        rate = self._rate(invoice["currency"], invoice["issued_on"])
        made = []
        for posting in self._sale(invoice, note, rate, line):
            text, day = f"{note['number']} {note['reason']}", note["issued_on"]
            made.append(posting._replace(day=day, text=text, debit=posting.credit, credit=posting.debit))
        yield from made
        cleared = sum((posting.euros for posting in made), Decimal(0))
        yield from self._clear(invoice, note["issued_on"], note["amount"], cleared, cleared)

    def _paid(self, invoice: Row, payment: Row) -> Iterator[Posting]:
        amount, day = payment["amount"], payment["paid_on"]
        rate = self._rate(invoice["currency"], day)
        worth, back = cents(abs(amount) * rate), amount < 0
        debit, credit = (RECEIVABLES, BANK) if back else (BANK, RECEIVABLES)
        text = f"{'Erstattung' if back else 'Zahlung'} {self._life.name}"
        yield Posting(
            day, invoice["number"], debit, credit, abs(amount), invoice["currency"], rate, worth, "", text, ""
        )  # fmt: skip
        standing, euros = self._open[invoice["id"]]
        cleared = cents(euros * amount / standing) if standing else Decimal(0)
        yield from self._clear(invoice, day, amount, cleared, -worth if back else worth)

    def _clear(self, invoice: Row, day: date, amount: Decimal, cleared: Decimal, worth: Decimal) -> Iterator[Posting]:
        """Lower what is open; what came in euros and was not receivable, or the other way, is a difference of rates."""
        standing, euros = self._open[invoice["id"]]
        standing, euros = standing - amount, euros - cleared
        difference = worth - cleared
        if not standing:
            difference, euros = difference - euros, Decimal(0)
        self._open[invoice["id"]] = standing, euros
        if difference:
            gain = difference > 0
            debit, credit = (RECEIVABLES, RATE_GAIN) if gain else (RATE_LOSS, RECEIVABLES)
            text = f"Kursdifferenz {self._life.name}"
            size = abs(difference)
            yield Posting(day, invoice["number"], debit, credit, size, "EUR", _ONE, size, "", text, SALES)

    def _rate(self, currency: str, day: date) -> Decimal:
        return _ONE if currency == "EUR" else self._company.rates(day)[currency]
