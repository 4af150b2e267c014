"""The simulated company: one story for all systems, told the same way every time."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from source_systems._simulation import COMPOSITE_KEYS, Change, World, date_of
from source_systems._simulation.ids import checksum, salesforce_id

DAYS = 25
State = dict[str, dict[Any, dict[str, Any]]]


def key_of(change: Change) -> Any:
    if "Id" in change.row:
        return change.row["Id"]
    return tuple(change.row[name] for name in COMPOSITE_KEYS.get(change.table, ("id",)))


def play(world: World, days: int) -> State:
    state: State = defaultdict(dict)
    for number in range(days + 1):
        for change in world.day(number) if number else world.initial():
            rows, key = state[change.table], key_of(change)
            assert (key in rows) == (change.op != "insert"), (number, change)
            if change.op == "delete":
                del rows[key]
            else:
                rows[key] = change.row
    return state


@pytest.fixture(scope="module")
def played() -> State:
    return play(World("acme", 7, 80), DAYS)


def test_the_same_seed_tells_the_same_story() -> None:
    assert list(World("acme", 7, 30).initial()) == list(World("acme", 7, 30).initial())
    assert list(World("acme", 7, 30).day(9)) == list(World("acme", 7, 30).day(9))
    assert list(World("acme", 7, 30).initial()) != list(World("acme", 8, 30).initial())


def test_one_system_hears_its_own_changes_alone() -> None:
    world = World("acme", 7, 30)
    everything = [*world.initial(), *world.day(1)]
    for system in ("product", "salesforce"):
        alone = [*world.initial(system), *world.day(1, system)]
        assert alone == [change for change in everything if change.system == system]


def test_tenants_share_ids_but_no_content() -> None:
    acme, globex = (
        {(change.table, key_of(change)): change.row for change in World(tenant, 7, 40).initial()}
        for tenant in ("acme", "globex")
    )
    shared = [place for place in acme.keys() & globex.keys() if place[0] in ("customer", "Account", "invoice")]
    assert len(shared) > 60
    assert all(acme[place] != globex[place] for place in shared)


def test_every_change_follows_from_the_state_before(played: State) -> None:
    assert len(played["customer"]) > 70  # play() itself checks that each change fits


def test_no_row_changes_twice_in_a_day() -> None:
    world = World("acme", 7, 80)
    for number in range(1, DAYS):
        places = [(change.table, key_of(change)) for change in world.day(number)]
        assert len(places) == len(set(places))


def test_all_kinds_of_change_happen() -> None:
    changes = [change for number in range(1, DAYS) for change in World("acme", 7, 80).day(number)]
    kinds = {(change.system, change.op) for change in changes}
    assert {(system, op) for system in ("product", "salesforce") for op in ("insert", "update", "delete")} < kinds
    assert ("salesforce", "soft_delete") in kinds
    assert any(change.formula_only for change in changes)
    late = [change for change in changes if change.age]
    assert late
    assert all(change.op == "insert" and change.age < timedelta(minutes=15) for change in late)
    assert {row["change_type"] for row in play(World("acme", 7, 80), 0)["subscription_change"].values()} == {
        "new", "upgrade", "downgrade", "pause", "resume", "cancel",
    }  # fmt: skip


def test_keys_match_across_systems_by_reference_by_domain_or_not_at_all(played: State) -> None:
    accounts = played["Account"].values()
    by_reference = {row["Customer_Ref__c"] for row in accounts} - {None}
    by_domain = {row["Website"].removeprefix("https://www.").rstrip("/") for row in accounts}
    found = defaultdict(int)
    for row in played["customer"].values():
        if row["salesforce_account_id"]:
            assert row["salesforce_account_id"] in played["Account"]
        keys = (bool(row["salesforce_account_id"]), row["external_ref"] in by_reference, row["domain"] in by_domain)
        found[keys] += 1
    assert set(found) == {
        (True, True, True), (True, False, True), (False, True, True), (False, False, True), (False, False, False),
    }  # fmt: skip
    assert found[True, True, True] > len(played["customer"]) / 2 - 10


def test_money_adds_up(played: State) -> None:
    for row in played["invoice"].values():
        assert row["gross_amount"] == row["net_amount"] + row["tax_amount"]
    revenue: dict[int, Decimal] = defaultdict(Decimal)
    for row in played["subscription_change"].values():
        revenue[row["subscription_id"]] += row["mrr_after"] - row["mrr_before"]
    assert all(revenue[row["id"]] == row["mrr"] for row in played["subscription"].values())
    paid: dict[int, Decimal] = defaultdict(Decimal)
    for row in played["payment"].values():
        paid[row["invoice_id"]] += row["amount"]
    for row in played["invoice"].values():
        if row["status"] == "paid":
            assert paid[row["id"]] == row["gross_amount"]


def test_children_have_parents(played: State) -> None:
    for child, column, parent in (
        ("app_user", "customer_id", "customer"),
        ("invoice", "subscription_id", "subscription"),
        ("payment", "invoice_id", "invoice"),
        ("credit_note", "invoice_id", "invoice"),
    ):
        known = {row["id"] for row in played[parent].values()}
        assert {row[column] for row in played[child].values()} <= known
    history = {row["OpportunityId"] for row in played["OpportunityHistory"].values()}
    assert set(played["Opportunity"]) <= history


def test_no_value_is_a_float(played: State) -> None:
    assert not any(
        isinstance(value, float) for rows in played.values() for row in rows.values() for value in row.values()
    )


def test_business_days_leave_weekends_out() -> None:
    days = [date_of(number) for number in range(15)]
    assert all(day.weekday() < 5 for day in days)
    assert all(0 < (later - earlier).days <= 3 for earlier, later in pairwise(days))


def test_salesforce_ids_carry_the_checksum_that_salesforce_computes() -> None:
    assert checksum("001D000000IqhSL") == "IAZ"
    ids = {salesforce_id("Account", number) for number in range(5000)}
    assert len({key.lower() for key in ids}) == 5000  # the suffix keeps ids apart where case is ignored
