"""Silver tables that recurring revenue and the bowtie read, by hand: rows as mappings, what is left out is NULL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

Row = Mapping[str, object]
Silver = Mapping[str, Sequence[Row]]

SHAPES: dict[str, dict[str, str]] = {
    "subscription_change": {
        "subscription_key": "varchar(40)", "customer_key": "varchar(40)",
        "product_key": "varchar(40)", "change_type": "varchar(20)", "currency": "varchar(3)",
        "mrr_after": "decimal(18,2)", "effective_on": "date", "created_at": "{stamp}",
    },
    "exchange_rate": {
        "base_currency": "varchar(3)", "quote_currency": "varchar(3)", "rate_date": "date",
        "exchange_rate": "decimal(18,8)",
    },
    "customer": {"customer_key": "varchar(40)", "segment": "varchar(20)"},
    "subscription": {
        "subscription_key": "varchar(40)", "customer_key": "varchar(40)", "started_on": "date", "ended_on": "date",
    },
    "contract": {
        "contract_key": "varchar(40)", "contract_number": "varchar(40)", "customer_key": "varchar(40)",
        "subscription_key": "varchar(40)", "contract_status": "varchar(20)", "match_rule": "varchar(20)",
        "starts_on": "date", "ends_on": "date",
    },
    "lead": {
        "lead_key": "varchar(40)", "customer_key": "varchar(40)", "opportunity_key": "varchar(40)",
        "segment": "varchar(20)", "lead_status": "varchar(20)", "is_converted": "{flag}", "created_on": "date",
        "converted_on": "date",
    },
    "opportunity_history": {
        "opportunity_key": "varchar(40)", "customer_key": "varchar(40)", "stage_number": "int",
        "stage_name": "varchar(40)", "entered_on": "date",
    },
}  # fmt: skip
"""The columns that the scripts read; ``{stamp}`` and ``{flag}`` are each engine's own types."""


def change(
    subscription: str,
    line: tuple[str, str, str],
    effective_on: str | date,
    mrr_after: str | Decimal,
    *,
    kind: str = "upgrade",
    recorded_on: str | date | None = None,
) -> Row:
    """Return one amendment of a subscription of a ``line``: customer, product, currency."""
    day = _day(effective_on)
    return {
        "subscription_key": subscription,
        "customer_key": line[0],
        "product_key": line[1],
        "change_type": kind,
        "currency": line[2],
        "mrr_after": Decimal(mrr_after),
        "effective_on": day,
        "created_at": _day(recorded_on or day),
    }


def rate(currency: str, day: str | date, value: str | Decimal) -> Row:
    """Return what one unit of a currency is worth in EUR."""
    return {
        "base_currency": currency,
        "quote_currency": "EUR",
        "rate_date": _day(day),
        "exchange_rate": Decimal(value),
    }


def _day(day: str | date) -> date:
    return day if isinstance(day, date) else date.fromisoformat(day)
