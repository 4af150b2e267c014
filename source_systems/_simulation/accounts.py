"""The accounts that the simulated company books on, in both of DATEV's usual charts, and its cost centres."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple


class Account(NamedTuple):
    """One account; ``sign`` is -1 where a credit raises the figure that reports show.

    ``automatic_key``: posting on it taxes the amount by that key. ``collects_key``: the tax of that key,
    ``tax_percent`` of the net amount, is collected here.
    """

    skr03: str
    skr04: str
    name: str
    position: str = ""
    sign: int = 1
    automatic_key: str = ""
    collects_key: str = ""
    tax_percent: Decimal | None = None

    def number(self, chart: str) -> str:
        """Return its number in a chart."""
        return self.skr03 if chart == "SKR03" else self.skr04


_FULL = Decimal(19)
OUTPUT_TAX, INPUT_TAX, UNTAXED = "3", "9", "40"
"""Tax keys: output and input tax of 19 %, and an account's automatic tax switched off."""

RECEIVABLES = Account("1400", "1200", "Forderungen aus Lieferungen und Leistungen")
BANK = Account("1200", "1800", "Bank")
DOMESTIC = Account("8400", "4400", "Erlöse 19 % USt", "revenue", -1, automatic_key=OUTPUT_TAX)
EUROPEAN = Account("8320", "4320", "Erlöse aus im anderen EU-Land steuerpflichtigen Leistungen", "revenue", -1)
OVERSEAS = Account("8338", "4338", "Erlöse aus im Drittland steuerbaren Leistungen", "revenue", -1)
TAX_DUE = Account("1776", "3806", "Umsatzsteuer 19 %", sign=-1, collects_key=OUTPUT_TAX, tax_percent=_FULL)
TAX_ABROAD = Account("1767", "3817", "Umsatzsteuer in anderen Ländern", sign=-1)
TAX_PAID = Account("1576", "1406", "Abziehbare Vorsteuer 19 %", collects_key=INPUT_TAX, tax_percent=_FULL)
SALARIES = Account("4120", "6020", "Gehälter", "personnel")
SOCIAL = Account("4130", "6110", "Gesetzliche soziale Aufwendungen", "personnel")
RENT = Account("4210", "6310", "Miete (unbewegliche Wirtschaftsgüter)", "premises")
HOSTING = Account("4806", "6495", "Wartungskosten für Hard- und Software", "cost_of_revenue")
MARKETING = Account("4600", "6600", "Werbekosten", "marketing")
TRAVEL = Account("4660", "6650", "Reisekosten Arbeitnehmer", "travel")
RATE_LOSS = Account("2150", "6880", "Aufwendungen aus der Währungsumrechnung", "exchange_differences", -1)
RATE_GAIN = Account("2660", "4840", "Erträge aus der Währungsumrechnung", "exchange_differences", -1)
ACCOUNTS = (
    RECEIVABLES, BANK, DOMESTIC, EUROPEAN, OVERSEAS, TAX_DUE, TAX_ABROAD, TAX_PAID, SALARIES, SOCIAL, RENT, HOSTING,
    MARKETING, TRAVEL, RATE_LOSS, RATE_GAIN,
)  # fmt: skip

REVENUE_BY_COUNTRY = {"DE": DOMESTIC, "FR": EUROPEAN, "AT": EUROPEAN, "US": OVERSEAS, "GB": OVERSEAS, "CH": OVERSEAS}
ENGINEERING, SALES, CAMPAIGNS, SUCCESS, ADMINISTRATION = "100", "200", "300", "400", "900"
COST_CENTERS = {
    ENGINEERING: "Produktentwicklung",
    SALES: "Vertrieb",
    CAMPAIGNS: "Marketing",
    SUCCESS: "Kundenbetreuung",
    ADMINISTRATION: "Verwaltung",
}


def chart_of(tenant: str) -> str:
    """Return the chart of accounts that a tenant books in."""
    return "SKR04" if tenant.startswith("globex") else "SKR03"
