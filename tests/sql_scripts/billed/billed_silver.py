"""Silver tables that revenue, receivables and the statement read: rows as mappings; what is left out is NULL."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from financial_close import Office, Row

TABLES = (
    "eur_rate_monthly", "mrr_movements", "invoice_valuation", "billing_event", "billings_monthly", "revenue_schedule",
    "revenue_recognition_monthly", "deferred_revenue_monthly", "unbilled_revenue", "receivable_event",
    "receivables_ageing", "dso_monthly",
)  # fmt: skip
STATEMENT_TABLES = ("pl_position", "pl_account", "pl_actual_vs_budget")
_KEY, _MONEY = "varchar(40)", "decimal(18,2)"

REVENUE = Office(
    TABLES,
    {
        "subscription_change": {
            "subscription_change_key": _KEY, "subscription_key": _KEY, "customer_key": _KEY, "product_key": _KEY,
            "change_type": "varchar(20)", "currency": "varchar(3)", "mrr_after": _MONEY, "effective_on": "date",
            "created_at": "{stamp}",
        },
        "exchange_rate": {
            "base_currency": "varchar(3)", "quote_currency": "varchar(3)", "rate_date": "date",
            "exchange_rate": "decimal(18,8)",
        },
        "invoice": {
            "invoice_key": _KEY, "customer_key": _KEY, "subscription_key": _KEY, "invoice_number": _KEY,
            "invoice_status": "varchar(20)", "currency": "varchar(3)", "net_amount": _MONEY, "tax_amount": _MONEY,
            "gross_amount": _MONEY, "issued_on": "date", "due_on": "date", "voided_at": "{stamp}",
        },
        "invoice_line": {
            "invoice_line_key": _KEY, "invoice_key": _KEY, "customer_key": _KEY, "subscription_key": _KEY,
            "product_key": _KEY, "line_type": "varchar(20)", "net_amount": _MONEY, "tax_amount": _MONEY,
            "service_from": "date", "service_to": "date",
        },
        "credit_note": {
            "credit_note_key": _KEY, "invoice_key": _KEY, "invoice_line_key": _KEY, "currency": "varchar(3)",
            "net_amount": _MONEY, "tax_amount": _MONEY, "gross_amount": _MONEY, "issued_on": "date",
            "service_from": "date", "service_to": "date",
        },
        "payment": {
            "payment_key": _KEY, "invoice_key": _KEY, "currency": "varchar(3)", "amount": _MONEY, "paid_on": "date",
        },
    },
)  # fmt: skip
"""Billing, revenue and receivables."""

STATEMENT = Office(
    STATEMENT_TABLES,
    {
        "gl_account": {
            "chart": "varchar(10)", "account": "varchar(9)", "account_name": "varchar(100)",
            "pl_position": "varchar(40)", "account_sign": "int",
        },
        "gl_posting": {
            "posting_key": _KEY, "entry": "varchar(20)", "chart": "varchar(10)", "account": "varchar(9)",
            "cost_center": "varchar(36)", "currency": "varchar(3)", "amount": _MONEY, "posted_on": "date",
            "posting_month": "date", "is_personal_account": "{flag}",
        },
        "gl_budget": {
            "budget_month": "date", "cost_center": "varchar(36)", "account": "varchar(9)", "amount": _MONEY,
        },
        "cost_center": {"cost_center": "varchar(36)", "cost_center_name": "varchar(100)"},
    },
)  # fmt: skip
"""The profit and loss statement."""
TAX = Decimal("0.19")


def day(text: str | date) -> date:
    return text if isinstance(text, date) else date.fromisoformat(text)


def cents(amount: Decimal) -> Decimal:
    """Round to cents, halves away from nothing."""
    return amount.quantize(Decimal("0.01"), ROUND_HALF_UP)


def change(subscription: str, kind: str, effective_on: str | date, mrr: str | Decimal, currency: str = "EUR") -> Row:
    """Return an amendment of a subscription, whose customer and product are named after it."""
    return {
        "subscription_change_key": f"{subscription}-{effective_on}-{kind}",
        "subscription_key": subscription,
        "customer_key": f"customer of {subscription}",
        "product_key": "press",
        "change_type": kind,
        "currency": currency,
        "mrr_after": Decimal(mrr),
        "effective_on": day(effective_on),
        "created_at": day(effective_on),
    }


def rate(currency: str, on: str | date, value: str | Decimal) -> Row:
    """Return what one unit of a currency is worth in EUR."""
    return {"base_currency": currency, "quote_currency": "EUR", "rate_date": day(on), "exchange_rate": Decimal(value)}


def invoice(
    key: str,
    subscription: str,
    issued_on: str | date,
    lines: list[Row],
    *,
    currency: str = "EUR",
    voided_on: str | date | None = None,
) -> tuple[Row, list[Row]]:
    """Return an invoice, due after 30 days, and its lines, which know nothing of it yet."""
    net = sum((line["net_amount"] for line in lines), Decimal(0))
    tax = sum((line["tax_amount"] for line in lines), Decimal(0))
    owner = {"invoice_key": key, "customer_key": f"customer of {subscription}", "subscription_key": subscription}
    head = {
        **owner,
        "invoice_number": key,
        "invoice_status": "void" if voided_on else "open",
        "currency": currency,
        "net_amount": net,
        "tax_amount": tax,
        "gross_amount": net + tax,
        "issued_on": day(issued_on),
        "due_on": day(issued_on) + timedelta(days=30),
        "voided_at": datetime.combine(day(voided_on), datetime.min.time()) if voided_on else None,
    }
    return head, [{**line, **owner, "product_key": "press"} for line in lines]


def line(key: str, net: str | Decimal, since: str | date, until: str | date, kind: str = "subscription") -> Row:
    """Return a line for the service from a day up to another, exclusive, with 19 % tax."""
    return {
        "invoice_line_key": key,
        "line_type": kind,
        "net_amount": Decimal(net),
        "tax_amount": cents(Decimal(net) * TAX),
        "service_from": day(since),
        "service_to": day(until),
    }


def credit(
    key: str,
    of: tuple[str, str],
    issued_on: str | date,
    net: str | Decimal,
    period: tuple[str | date, str | date],
    *,
    currency: str = "EUR",
) -> Row:
    """Return a credit note of a line: (invoice, line)."""
    amount, tax = Decimal(net), cents(Decimal(net) * TAX)
    return {
        "credit_note_key": key,
        "invoice_key": of[0],
        "invoice_line_key": of[1],
        "currency": currency,
        "net_amount": amount,
        "tax_amount": tax,
        "gross_amount": amount + tax,
        "issued_on": day(issued_on),
        "service_from": day(period[0]),
        "service_to": day(period[1]),
    }


def payment(key: str, of: str, paid_on: str | date, amount: str | Decimal, currency: str = "EUR") -> Row:
    return {
        "payment_key": key, "invoice_key": of, "currency": currency, "amount": Decimal(amount), "paid_on": day(paid_on),
    }  # fmt: skip
