"""A customer's half in Salesforce: account, contacts, leads, opportunities with stage history, contracts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from source_systems._simulation.change import Row
from source_systems._simulation.vocabulary import INDUSTRIES, LEAD_SOURCES, TITLES

if TYPE_CHECKING:
    from source_systems._simulation.life import Life

STAGES = ("Prospecting", "Qualification", "Proposal", "Negotiation")
_PROBABILITY = {
    "Prospecting": 10, "Qualification": 25, "Proposal": 50, "Negotiation": 80, "Closed Won": 100, "Closed Lost": 0,
}  # fmt: skip


def found(life: Life) -> None:
    """Make the account with its first contacts, and the opportunity it began with."""
    owner = life.chance.choice(life.company.owners)
    knows_reference = life.match in ("both", "reference")
    life.journal.insert(
        "Account",
        {
            "Id": life.account_id,
            "IsDeleted": False,
            "Name": life.name,
            "Type": "Customer - Direct" if life.has_customer else "Prospect",
            "Industry": life.chance.choice(INDUSTRIES),
            "Website": f"https://www.{life.domain}/",
            "BillingCountry": life.country,
            "BillingCity": life.city,
            "Phone": f"+49 711 {life.chance.randrange(100_000, 999_999)}",
            "AnnualRevenue": Decimal(life.chance.randrange(10**7, 10**11)).scaleb(-2),
            "NumberOfEmployees": life.chance.randrange(8, 9000),
            "OwnerId": owner,
            "ParentId": None,
            "Customer_Ref__c": life.reference if knows_reference else None,
            "Health_Score__c": _health(life),
        },
        life.late(),
    )
    for _ in range(life.chance.randrange(1, 4)):
        _contact(life)
    _open_opportunity(life, "New Business", life.moment())


def step(life: Life) -> None:
    """Let sales people work: opportunities move, contacts and leads come and go, formulas drift."""
    for opportunity in life.journal.rows("Opportunity"):
        if not opportunity["IsClosed"] and life.happens(1.2):
            _move_on(life, opportunity)
    if life.happens(0.06):
        _open_opportunity(life, _kind(life), life.moment())
    _step_people(life)
    account = life.journal.rows("Account")[0]
    if life.happens(0.1):
        life.journal.update("Account", account, NumberOfEmployees=account["NumberOfEmployees"] + 5)
    if life.happens(0.8):
        life.journal.recalculate("Account", account, Health_Score__c=_health(life))
    _step_recycle_bin(life)


def _step_people(life: Life) -> None:
    if life.happens(0.15):
        _contact(life)
    for lead in life.journal.rows("Lead"):
        if lead["Status"] == "Open" and life.happens(0.3):
            _convert(life, lead)
        elif lead["Status"] == "Open" and life.happens(0.15):
            life.journal.update("Lead", lead, Status="Unqualified")
    if life.happens(0.25):
        _lead(life)
    contacts = life.journal.rows("Contact")
    if contacts and life.happens(0.1):
        life.journal.update("Contact", life.chance.choice(contacts), Title=life.chance.choice(TITLES))


def _step_recycle_bin(life: Life) -> None:
    """Purge what lay in the recycle bin, then put something new into it: never both to one row in one step."""
    for table in ("Lead", "Contact", "Opportunity"):
        for row in life.journal.deleted(table):
            if life.happens(0.6):
                _with_history(life, table, row, life.journal.delete)
        rows = life.journal.rows(table)
        if len(rows) > 1 and life.happens(0.08):
            _with_history(life, table, rows[0], life.journal.soft_delete)


def _with_history(life: Life, table: str, row: Row, remove: Callable[[str, Row], None]) -> None:
    """Remove a row, and an opportunity's stage history with it, as Salesforce does."""
    if table == "Opportunity":
        stages = [*life.journal.rows("OpportunityHistory"), *life.journal.deleted("OpportunityHistory")]
        for stage in stages:
            if stage["OpportunityId"] == row["Id"]:
                remove("OpportunityHistory", stage)
    remove(table, row)


def _contact(life: Life) -> None:
    first, last = life.person()
    life.insert_salesforce(
        "Contact",
        AccountId=life.account_id,
        FirstName=first,
        LastName=last,
        Email=f"{first}.{last}@{life.domain}".lower().replace("'", ""),
        Phone=f"+49 711 {life.chance.randrange(100_000, 999_999)}",
        Title=life.chance.choice(TITLES),
        OwnerId=life.chance.choice(life.company.owners),
    )


def _lead(life: Life) -> None:
    first, last = life.person()
    life.insert_salesforce(
        "Lead",
        FirstName=first,
        LastName=last,
        Email=f"{first}.{last}@{life.domain}".lower().replace("'", ""),
        Company=life.name,
        Country=life.country,
        NumberOfEmployees=life.journal.rows("Account")[0]["NumberOfEmployees"],
        Status="Open",
        LeadSource=life.chance.choice(LEAD_SOURCES),
        IsConverted=False,
        ConvertedAccountId=None,
        ConvertedOpportunityId=None,
        ConvertedDate=None,
        OwnerId=life.chance.choice(life.company.owners),
        CreatedDate=life.moment(),
    )


def _convert(life: Life, lead: Row) -> None:
    """Turn a lead into an opportunity of its account."""
    moment = life.moment()
    life.journal.update(
        "Lead",
        lead,
        Status="Qualified",
        IsConverted=True,
        ConvertedAccountId=life.account_id,
        ConvertedOpportunityId=_open_opportunity(life, _kind(life), moment)["Id"],
        ConvertedDate=moment.date(),
    )


def _kind(life: Life) -> str:
    return "Existing Business" if life.has_customer else "New Business"


def _open_opportunity(life: Life, kind: str, moment: datetime) -> Row:
    row = life.insert_salesforce(
        "Opportunity",
        AccountId=life.account_id,
        Name=f"{life.name} / {life.chance.choice(life.company.products)['family']}",
        StageName=STAGES[0],
        Amount=Decimal(life.chance.randrange(50_000, 25_000_000)).scaleb(-2),
        CurrencyIsoCode=life.currency,
        Probability=Decimal(_PROBABILITY[STAGES[0]]),
        CloseDate=life.today + timedelta(days=life.chance.randrange(20, 120)),
        Type=kind,
        IsClosed=False,
        IsWon=False,
        OwnerId=life.chance.choice(life.company.owners),
        CreatedDate=moment,
    )
    _remember(life, row, moment)
    return row


def _move_on(life: Life, row: Row) -> None:
    """Move an opportunity to its next stage; the last one is won or lost, and prospects never win."""
    place = STAGES.index(row["StageName"]) + 1
    won = life.has_customer and life.chance.random() < 0.6
    stage = STAGES[place] if place < len(STAGES) else "Closed Won" if won else "Closed Lost"
    closed, moment = stage.startswith("Closed"), life.moment()
    values = {"StageName": stage, "Probability": Decimal(_PROBABILITY[stage]), "IsClosed": closed}
    if closed:
        values |= {"CloseDate": moment.date(), "IsWon": stage == "Closed Won"}
    elif life.chance.random() < 0.3:
        values["Amount"] = row["Amount"] + Decimal(life.chance.randrange(-40_000, 90_000)).scaleb(-2)
    life.journal.update("Opportunity", row, **values)
    _remember(life, row, moment)


def _remember(life: Life, opportunity: Row, moment: datetime) -> None:
    copied = {name: opportunity[name] for name in ("StageName", "Amount", "Probability", "CloseDate")}
    life.insert_salesforce(
        "OpportunityHistory",
        OpportunityId=opportunity["Id"],
        **copied,
        CreatedById=opportunity["OwnerId"],
        CreatedDate=moment,
    )


def _health(life: Life) -> Decimal:
    return Decimal(life.chance.randrange(0, 10_001)).scaleb(-2)
