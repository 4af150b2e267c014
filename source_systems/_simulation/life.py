"""One customer's life: how it came, and one step of it at a time."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from source_systems._simulation import billing, crm, settlement, subscriptions, usage
from source_systems._simulation.change import Journal, Row
from source_systems._simulation.charges import Billed
from source_systems._simulation.company import Company
from source_systems._simulation.ids import salesforce_id, uuid_of
from source_systems._simulation.vocabulary import (
    COMPANY_FIRST,
    COMPANY_SECOND,
    COUNTRIES,
    FIRST_NAMES,
    LAST_NAMES,
)

_ROOM = 10_000
"""Rows of one table that one life may have: ids of different lives never meet."""
_MATCHES = ("both",) * 6 + ("salesforce_id", "reference", "domain", "domain") + ("no account", "prospect")


class Life:
    """One customer of one tenant, with all its rows in both systems.

    ``match`` says how its two halves can be joined: by both references, by one of
    them, by domain alone; ``no account`` and ``prospect`` have one half only.
    """

    def __init__(self, company: Company, number: int, today: date) -> None:
        """Let the customer come into being on a day."""
        self.company, self.number, self.today, self.since = company, number, today, today
        self.chance = company.random("life", number)
        self.journal = Journal()
        self.billed: dict[int, Billed] = {}
        self._counters: dict[str, int] = {}
        self.match = _MATCHES[self.chance.randrange(len(_MATCHES))]
        self.country = self.chance.choice(tuple(COUNTRIES))
        self.city, self.currency, self.tax_percent = COUNTRIES[self.country]
        words = self.chance.choice(COMPANY_FIRST), self.chance.choice(COMPANY_SECOND)
        self.name = f"{words[0]} {words[1]} {number + 1}"
        self.domain = f"{words[0]}-{words[1]}-{number + 1}.example".lower()
        self.reference = uuid_of(company.seed, "customer", number)
        if self.has_customer:
            subscriptions.found(self)
        if self.has_account:
            crm.found(self)

    @property
    def has_account(self) -> bool:
        """Whether Salesforce knows it."""
        return self.match != "no account"

    @property
    def has_customer(self) -> bool:
        """Whether the product database knows it."""
        return self.match != "prospect"

    @property
    def account_id(self) -> str:
        """The id of its account in Salesforce."""
        return salesforce_id("Account", self.number + 1)

    def live(self, until: date) -> None:
        """Take one step: everything that happens after the last step, up to and including a day."""
        self.since, self.today = self.today, until
        if self.has_customer:
            usage.step(self)
            billing.issue(self)
            subscriptions.step(self)
            settlement.step(self)
        if self.has_account:
            crm.step(self)

    def next_id(self, table: str) -> int:
        """Return a number that no other row of this table gets."""
        self._counters[table] = count = self._counters.get(table, 0) + 1
        return self.number * _ROOM + count

    def happens(self, per_month: float) -> bool:
        """Say whether something that happens so often in a month happens in this step."""
        days = (self.today - self.since).days
        return self.chance.random() < min(0.9, per_month * days / 30)

    def moment(self) -> datetime:
        """Return a time in office hours of a day after the last step, up to the day."""
        days = max(0, (self.today - self.since).days - 1)
        day = self.today - timedelta(days=self.chance.randrange(days + 1))
        return datetime.combine(day, time(8 + self.chance.randrange(9), self.chance.randrange(60)), UTC)

    def late(self) -> timedelta:
        """Return how late a row arrives: mostly not at all, at times up to 14 minutes."""
        return timedelta(seconds=self.chance.randrange(60, 14 * 60) if self.chance.random() < 0.2 else 0)

    def person(self) -> tuple[str, str]:
        """Return a first and a last name."""
        return self.chance.choice(FIRST_NAMES), self.chance.choice(LAST_NAMES)

    def insert(self, table: str, **values: object) -> Row:
        """Add a row of the product database under a new id."""
        return self.journal.insert(table, {"id": self.next_id(table), **values}, self.late())

    def insert_salesforce(self, table: str, **values: object) -> Row:
        """Add a row of Salesforce under a new id."""
        key = salesforce_id(table, self.next_id(table))
        return self.journal.insert(table, {"Id": key, "IsDeleted": False, **values}, self.late())
