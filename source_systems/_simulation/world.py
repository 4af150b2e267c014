"""One tenant's world: its first state, and what each business day changes.

A customer is looked at every :data:`PERIOD` business days. Its life is replayed
from its beginning up to that day, and only the last step is told: no state is
kept between days, and a day costs what its customers cost, not the company.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from source_systems._simulation.business_days import HISTORY, START, date_of
from source_systems._simulation.change import Change, System
from source_systems._simulation.company import Company
from source_systems._simulation.life import Life

PERIOD = 5
_MONTH = timedelta(days=30)


class World:
    """The company of one tenant; ``size`` is how many customers it has on the first day."""

    def __init__(self, tenant: str, seed: int, size: int) -> None:
        """Make the company; customers are made when they are asked for."""
        self.company = Company(tenant, seed, size)
        self._arrivals = max(1, size // 200)

    def initial(self, system: System | None = None) -> Iterator[Change]:
        """Yield the inserts of the first day, of one system or of both, parents before children."""
        return _only(system, self._initial())

    def day(self, number: int, system: System | None = None) -> Iterator[Change]:
        """Yield the changes of business day ``number`` (from 1); no row is changed twice in a day."""
        return _only(system, self._day(number))

    def _initial(self) -> Iterator[Change]:
        yield from self.company.initial(START)
        for number in range(self.company.size):
            life = self._past(number)
            age = timedelta(minutes=self.company.random("age", number).randrange(60, 20 * 24 * 60))
            yield from (change._replace(age=age) for change in life.journal.take())

    def _day(self, number: int) -> Iterator[Change]:
        today = date_of(number)
        yield from self.company.day(number, date_of(number - 1), today)
        known = self._known(number)
        for customer in range(-number % PERIOD, known, PERIOD):
            yield from self._step(customer, number)
        for customer in range(known, known + self._arrivals):
            yield from Life(self.company, customer, today).journal.take()

    def _past(self, customer: int) -> Life:
        """Live through a customer's years before the first day, month by month."""
        chance = self.company.random("founded", customer)
        today = START - timedelta(days=chance.randrange(10, HISTORY.days - 40))
        life = Life(self.company, customer, today)
        while today < START:
            today = min(today + _MONTH, START)
            life.live(today)
        return life

    def lives(self, number: int) -> Iterator[Life]:
        """Yield every customer as it stands at the end of business day ``number``, with all its rows."""
        for customer in range(self._known(number + 1)):
            life, coming = self._until(customer, number)
            for day in coming:
                life.live(date_of(day))
            yield life

    def _step(self, customer: int, number: int) -> Iterator[Change]:
        """Replay one customer up to the day, and yield the day's changes alone."""
        life, coming = self._until(customer, number - 1)
        for day in coming:
            life.live(date_of(day))
        for _ in life.journal.take():
            pass
        life.live(date_of(number))
        return life.journal.take()

    def _until(self, customer: int, number: int) -> tuple[Life, range]:
        """Return a customer on its first day here, and the business days on which it takes steps up to one."""
        arrived = self._arrival(customer)
        life = Life(self.company, customer, date_of(arrived)) if arrived else self._past(customer)
        first = arrived + 1 + (-customer - arrived - 1) % PERIOD
        return life, range(first, number + 1, PERIOD)

    def _known(self, number: int) -> int:
        """Return how many customers there are before business day ``number``."""
        return self.company.size + self._arrivals * (number - 1)

    def _arrival(self, customer: int) -> int:
        """Return the business day on which a customer came; 0 for those of the first day."""
        beyond = customer - self.company.size
        return beyond // self._arrivals + 1 if beyond >= 0 else 0


def _only(system: System | None, changes: Iterator[Change]) -> Iterator[Change]:
    return changes if system is None else (change for change in changes if change.system == system)
