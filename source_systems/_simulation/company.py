"""What a tenant has once: its product catalogue, its sales people and its exchange rates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from random import Random

from source_systems._simulation.business_days import HISTORY
from source_systems._simulation.change import Change, Row
from source_systems._simulation.ids import salesforce_id
from source_systems._simulation.vocabulary import EURO_RATES, FIRST_NAMES, LAST_NAMES, PRODUCTS


@dataclass
class Company:
    """One tenant of the world; ``today`` is filled in by the world that owns it."""

    tenant: str
    seed: int
    size: int
    products: list[Row] = field(init=False)
    owners: list[str] = field(init=False)

    def __post_init__(self) -> None:
        """Make the catalogue and the sales people."""
        self.products = [_product(number, self.random("product", number)) for number in range(len(PRODUCTS))]
        self.owners = [salesforce_id("User", number + 1) for number in range(5 + self.size // 100)]

    def random(self, *place: object) -> Random:
        """Return the stream of chance that belongs to one place of this tenant."""
        return Random("/".join(map(str, (self.seed, self.tenant, *place))))  # noqa: S311 - a story, no secret

    def initial(self, start: date) -> Iterator[Change]:
        """Yield the rows of the first day."""
        age = timedelta(days=21)
        for row in self.products:
            yield Change("product", "product", "insert", dict(row), age)
            yield Change("salesforce", "Product2", "insert", _product2(row), age)
        for number in range(len(self.owners)):
            yield Change("salesforce", "User", "insert", self._user(number), age)
        day = start - HISTORY
        while day <= start:
            yield from (change._replace(age=age) for change in self._rates(day))
            day += timedelta(days=1)

    def day(self, number: int, previous: date, today: date) -> Iterator[Change]:
        """Yield what happens to the company itself on business day ``number``, weekends before it included."""
        for days in range((today - previous).days):
            yield from self._rates(previous + timedelta(days=days + 1))
        if number % 5 == 0:
            yield from self._price_change(number)
        if number % 20 == 7:
            row = self._user(number % len(self.owners), is_active=False)
            yield Change("salesforce", "User", "update", row)

    def rates(self, day: date) -> dict[str, Decimal]:
        """Return what one unit of each currency is worth in euros on a day."""
        chance = self.random("rate", day)
        return {
            currency: Decimal(euros + chance.randrange(-2_000_000, 2_000_000)).scaleb(-8)
            for currency, euros in EURO_RATES.items()
        }

    def _price_change(self, number: int) -> Iterator[Change]:
        index = (number // 5) % len(self.products)
        raises = (number // 5 - 1) // len(self.products) + 1
        row = dict(self.products[index])
        row["list_price"] += Decimal("1.50") * raises
        yield Change("product", "product", "update", row)

    def _rates(self, day: date) -> Iterator[Change]:
        for currency, rate in self.rates(day).items():
            row = {"base_currency": currency, "quote_currency": "EUR", "rate_date": day, "rate": rate}
            yield Change("product", "exchange_rate", "insert", row)

    def _user(self, number: int, *, is_active: bool = True) -> Row:
        chance = self.random("user", number)
        first, last = chance.choice(FIRST_NAMES), chance.choice(LAST_NAMES)
        address = f"{first}.{last}.{number}@{self.tenant}.example".lower().replace("'", "")
        return {
            "Id": self.owners[number],
            "IsDeleted": False,
            "Username": address,
            "Name": f"{first} {last}",
            "Email": address,
            "IsActive": is_active,
            "UserRoleId": f"00E5f000000000{number % 3}EAA",
        }


def _product(number: int, chance: Random) -> Row:
    sku, name, family, cents = PRODUCTS[number]
    return {
        "id": number + 1,
        "sku": sku,
        "name": name,
        "family": family,
        "list_price": Decimal(cents + chance.randrange(0, 500, 5)).scaleb(-2),
        "currency": "EUR",
        "is_active": True,
    }


def _product2(row: Row) -> Row:
    return {
        "Id": salesforce_id("Product2", row["id"]),
        "IsDeleted": False,
        "Name": row["name"],
        "ProductCode": row["sku"],
        "Family": row["family"],
        "IsActive": row["is_active"],
    }
