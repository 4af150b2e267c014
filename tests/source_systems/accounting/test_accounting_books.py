"""The simulated books: balanced, to the cent what was invoiced and paid, in both charts."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import pytest

from orchestration.failures import SettingsError
from source_systems._simulation.accounts import (
    ACCOUNTS,
    BANK,
    DOMESTIC,
    RECEIVABLES,
    TAX_DUE,
    Account,
    chart_of,
)
from source_systems._simulation.books import Posting, postings
from source_systems._simulation.business_days import date_of
from source_systems._simulation.charges import cents
from source_systems._simulation.costs import plan
from source_systems._simulation.world import World
from source_systems.accounting import simulator

DAY = 12
WORLD = World("acme", 7, 40)


@pytest.fixture(scope="module")
def booked() -> list[Posting]:
    return postings(WORLD, DAY)


def balances(found: list[Posting]) -> dict[Account, Decimal]:
    """Balance each account; tax is split off as DATEV does."""
    sums: dict[Account, Decimal] = defaultdict(Decimal)
    for posting in found:
        euros = -posting.euros if posting.reversal else posting.euros
        for account, amount in ((posting.debit, euros), (posting.credit, -euros)):
            tax = cents(amount * 19 / 119) if account is DOMESTIC and not posting.tax_key else Decimal(0)
            sums[account] += amount - tax
            sums[TAX_DUE] += tax
    return sums


def test_the_day_of_lives_is_the_day_of_changes() -> None:
    told = {}
    for number in range(DAY + 1):
        for change in WORLD.day(number, "product") if number else WORLD.initial("product"):
            key = change.table, change.row.get("id")
            if change.op == "delete":
                told.pop(key, None)
            elif change.table in ("invoice", "invoice_line", "payment", "credit_note"):
                told[key] = change.row
    standing = {
        (table, row["id"]): row
        for life in WORLD.lives(DAY)
        for table in ("invoice", "invoice_line", "payment", "credit_note")
        for row in life.journal.rows(table)
    }
    assert standing == told


def test_at_home_revenue_tax_receivables_and_bank_are_those_of_the_invoices_to_the_cent() -> None:
    world = World("acme", 7, 40)
    lives = [life for life in world.lives(DAY) if life.country == "DE"]
    numbers = {row["number"] for life in lives for row in life.journal.rows("invoice")}
    sums = balances([posting for posting in postings(world, DAY) if posting.document in numbers])
    net = tax = owed = paid = Decimal(0)
    for life in lives:
        live = {row["id"] for row in life.journal.rows("invoice") if row["status"] != "void"}
        for table, sign in (("invoice_line", 1), ("credit_note", -1)):
            for row in life.journal.rows(table):
                if row["invoice_id"] in live:
                    net, tax = net + sign * row["net_amount"], tax + sign * row["tax_amount"]
        paid += sum((row["amount"] for row in life.journal.rows("payment")), Decimal(0))
    owed = net + tax - paid
    assert net > 0
    assert (-sums[DOMESTIC], -sums[TAX_DUE], sums[BANK], sums[RECEIVABLES]) == (net, tax, paid, owed)


def test_receivables_of_settled_invoices_are_nothing_in_euros_whatever_the_rates_did(booked: list[Posting]) -> None:
    open_by_document: dict[str, Decimal] = defaultdict(Decimal)
    for posting in booked:
        euros = -posting.euros if posting.reversal else posting.euros
        open_by_document[posting.document] += euros * ((posting.debit is RECEIVABLES) - (posting.credit is RECEIVABLES))
    settled = {
        row["number"]
        for life in WORLD.lives(DAY)
        for row in life.journal.rows("invoice")
        if row["status"] in ("paid", "void")
    }
    assert len(settled) > 100
    assert {document: amount for document, amount in open_by_document.items() if document in settled and amount} == {}


def test_every_posting_has_an_amount_lies_in_the_past_and_fits_datevs_form(booked: list[Posting]) -> None:
    for posting in booked:
        assert posting.amount > 0
        assert posting.euros > 0
        assert posting.day <= date_of(DAY)
        assert len(posting.document) <= 36
        assert len(posting.text) <= 60


def test_both_charts_have_every_account_once() -> None:
    for chart in ("SKR03", "SKR04"):
        assert len({account.number(chart) for account in ACCOUNTS}) == len(ACCOUNTS)
    assert (chart_of("acme"), chart_of("globex")) == ("SKR03", "SKR04")


def test_the_plan_is_near_what_happens(booked: list[Posting]) -> None:
    spent: dict[str, Decimal] = defaultdict(Decimal)
    for posting in booked:
        if posting.day.year == 2025 and posting.debit.position in ("personnel", "premises", "marketing"):
            spent[posting.debit.position] += posting.euros * (100 if posting.tax_key else 119) / 119
    planned: dict[str, Decimal] = defaultdict(Decimal)
    for item in plan(WORLD.company, 2025):
        planned[item.account.position] += item.amount
    for position, amount in spent.items():
        assert abs(amount - planned[position]) < planned[position] / 5, position


def test_the_files_of_another_world_are_left_alone(tmp_path: Path) -> None:
    address = simulator.start(tmp_path)
    simulator.bring_to(address, "acme", 0, seed=7, size=10)
    with pytest.raises(SettingsError, match="size 10"):
        simulator.bring_to(address, "acme", 1, seed=7, size=11)
    assert simulator.has_data(address, "acme")
    simulator.remove(address, "acme")
    assert not simulator.has_data(address, "acme")
