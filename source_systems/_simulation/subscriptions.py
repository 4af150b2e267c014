"""A customer's half in the product database: users, subscriptions with their amendments, licences, contracts."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from source_systems._simulation import billing
from source_systems._simulation.change import Row
from source_systems._simulation.ids import uuid_of

if TYPE_CHECKING:
    from source_systems._simulation.life import Life

_NOTHING = Decimal("0.00")
_PERIODS = ("monthly", "monthly", "quarterly", "yearly")
_CENT = Decimal("0.01")


def found(life: Life) -> None:
    """Make the customer with its first users and a subscription on trial."""
    knows_account = life.match in ("both", "salesforce_id")
    life.journal.insert(
        "customer",
        {
            "id": life.number + 1,
            "external_ref": life.reference,
            "salesforce_account_id": life.account_id if knows_account else None,
            "name": life.name,
            "domain": life.domain,
            "country": life.country,
            "status": "trial",
            "currency": life.currency,
        },
        life.late(),
    )
    for _ in range(life.chance.randrange(2, 6)):
        _hire(life)
    _subscribe(life)


def step(life: Life) -> None:
    """Let time pass: trials end, quantities change, subscriptions pause, resume and end, users come and go."""
    for row in life.journal.rows("subscription"):
        if row["status"] == "trial" and (life.today - row["started_on"]).days >= 14:
            _activate(life, row)
        elif row["status"] == "active":
            _amend(life, row)
        elif row["status"] == "paused" and life.happens(0.5):
            _resume(life, row)
    for row in life.journal.rows("license"):
        if row["status"] == "active" and row["valid_until"] <= life.today:
            life.journal.update("license", row, valid_until=row["valid_until"] + timedelta(days=365))
    for row in life.journal.rows("Contract"):
        if row["Status"] == "Activated" and row["EndDate"] <= life.today:
            _renew(life, row)
    customer = life.journal.rows("customer")[0]
    if customer["status"] == "active" and life.happens(0.04):
        _subscribe(life)
    _step_status(life, customer)
    _step_users(life)


def _step_status(life: Life, customer: Row) -> None:
    subscriptions = life.journal.rows("subscription")
    if all(row["status"] == "cancelled" for row in subscriptions):
        status = "closed"
    elif any(row["status"] == "overdue" for row in life.journal.rows("invoice")):
        status = "suspended"
    else:
        status = "trial" if all(row["status"] == "trial" for row in subscriptions) else "active"
    if status != customer["status"]:
        life.journal.update("customer", customer, status=status)


def _step_users(life: Life) -> None:
    users = life.journal.rows("app_user")
    if life.happens(0.2):
        _hire(life)
    if len(users) > 2 and life.happens(0.15):
        life.journal.delete("app_user", users[0])
        users = users[1:]
    for user in users:
        if life.happens(0.5):
            noon = datetime.combine(life.today, time(9, life.chance.randrange(60)), UTC)
            life.journal.update("app_user", user, last_seen_at=noon)


def _hire(life: Life) -> None:
    first, last = life.person()
    life.insert(
        "app_user",
        customer_id=life.number + 1,
        email=f"{first}.{last}@{life.domain}".lower().replace("'", ""),
        full_name=f"{first} {last}",
        role=life.chance.choice(("admin", "member", "member", "viewer")),
        is_active=True,
        last_seen_at=None,
    )


def _subscribe(life: Life) -> None:
    product = life.chance.choice(life.company.products)
    quantity = life.chance.randrange(2, 80)
    discount = Decimal(life.chance.randrange(800, 1001)).scaleb(-3)
    row = life.insert(
        "subscription",
        customer_id=life.number + 1,
        product_id=product["id"],
        contract_number=f"{life.next_id('contract_number'):08d}",
        status="trial",
        started_on=life.today,
        ended_on=None,
        billing_period=life.chance.choice(_PERIODS),
        quantity=quantity,
        unit_price=(product["list_price"] * discount).quantize(Decimal("0.0001")),
        currency=life.currency,
        mrr=_NOTHING,
    )
    _license(life, row)
    if life.has_account:
        _contract(life, row)


def _license(life: Life, subscription: Row) -> None:
    life.insert(
        "license",
        subscription_id=subscription["id"],
        customer_id=subscription["customer_id"],
        product_id=subscription["product_id"],
        license_key=uuid_of(life.company.seed, "license", subscription["id"]).upper(),
        seats=subscription["quantity"],
        status="active",
        valid_from=life.today,
        valid_until=life.today + timedelta(days=life.chance.randrange(365, 1100)),
    )


def _contract(life: Life, subscription: Row) -> None:
    life.insert_salesforce(
        "Contract",
        AccountId=life.account_id,
        ContractNumber=subscription["contract_number"],
        Status="Draft",
        StartDate=life.today,
        EndDate=life.today + timedelta(days=365),
        ContractTerm=12,
        OwnerId=life.chance.choice(life.company.owners),
    )


def _renew(life: Life, contract: Row) -> None:
    """Prolong a contract by a year, as nobody gave notice."""
    end, term = contract["EndDate"] + timedelta(days=365), contract["ContractTerm"] + 12
    life.journal.update("Contract", contract, EndDate=end, ContractTerm=term)


def _activate(life: Life, row: Row) -> None:
    life.journal.update("subscription", row, status="active", mrr=_mrr(row))
    _tell(life, row, "new", 0, _NOTHING)
    _mark_contract(life, row, "Activated")


def _amend(life: Life, row: Row) -> None:
    """Let at most one thing happen to a running subscription; churn is rare."""
    if life.happens(0.05):
        _change_quantity(life, row, life.chance.randrange(1, 20), "upgrade")
    elif row["quantity"] > 4 and life.happens(0.03):
        _change_quantity(life, row, -life.chance.randrange(1, row["quantity"] // 2), "downgrade")
    elif life.happens(0.02):
        _end_revenue(life, row, "pause", status="paused")
        _mark_license(life, row, "suspended")
    elif life.happens(0.015):
        _end_revenue(life, row, "cancel", status="cancelled", ended_on=life.today)
        _mark_license(life, row, "expired")
        _mark_contract(life, row, "Terminated")


def _change_quantity(life: Life, row: Row, difference: int, change: str) -> None:
    quantity, mrr = row["quantity"], row["mrr"]
    life.journal.update("subscription", row, quantity=quantity + difference)
    life.journal.update("subscription", row, mrr=_mrr(row))
    _tell(life, row, change, quantity, mrr)
    for item in _licenses(life, row):
        life.journal.update("license", item, seats=row["quantity"])


def _end_revenue(life: Life, row: Row, change: str, **values: object) -> None:
    mrr = row["mrr"]
    life.journal.update("subscription", row, mrr=_NOTHING, **values)
    _tell(life, row, change, row["quantity"], mrr)


def _resume(life: Life, row: Row) -> None:
    life.journal.update("subscription", row, status="active", mrr=_mrr(row))
    _tell(life, row, "resume", row["quantity"], _NOTHING)
    _mark_license(life, row, "active")


def _tell(life: Life, row: Row, change: str, quantity_before: int, mrr_before: Decimal) -> None:
    life.insert(
        "subscription_change",
        subscription_id=row["id"],
        change_type=change,
        effective_on=life.today,
        quantity_before=quantity_before,
        quantity_after=row["quantity"],
        mrr_before=mrr_before,
        mrr_after=row["mrr"],
    )
    billing.amend(life, row, quantity_before, mrr_before)


def _mark_license(life: Life, subscription: Row, status: str) -> None:
    for row in _licenses(life, subscription):
        life.journal.update("license", row, status=status)


def _licenses(life: Life, subscription: Row) -> list[Row]:
    return [row for row in life.journal.rows("license") if row["subscription_id"] == subscription["id"]]


def _mark_contract(life: Life, subscription: Row, status: str) -> None:
    for row in life.journal.rows("Contract"):
        if row["ContractNumber"] == subscription["contract_number"]:
            life.journal.update("Contract", row, Status=status)


def _mrr(row: Row) -> Decimal:
    mrr: Decimal = (row["quantity"] * row["unit_price"]).quantize(_CENT)
    return mrr
