"""The words that names of people, companies and products are made of."""

from __future__ import annotations

from decimal import Decimal

FIRST_NAMES = (
    "Amara", "Björn", "Chloé", "Dmitri", "Elif", "Fatou", "Grace", "Hiro", "Ines", "Jürgen",
    "Katarzyna", "Liam", "Mei", "Nadia", "Oskar", "Priya", "Quentin", "Rosa", "Søren", "Tariq",
)  # fmt: skip
LAST_NAMES = (
    "Ahmed", "Brandt", "Castillo", "Dubois", "Eriksson", "Fischer", "García", "Haddad", "Ivanova", "Jensen",
    "Kowalski", "Lindqvist", "Müller", "Nakamura", "O'Brien", "Petrov", "Quispe", "Rossi", "Šimić", "Tanaka",
)  # fmt: skip
COMPANY_FIRST = (
    "Alpine", "Baltic", "Cobalt", "Delta", "Ember", "Fjord", "Granite", "Harbor", "Iron", "Juniper",
    "Kestrel", "Lumen", "Meridian", "Nordic", "Onyx", "Pacific", "Quartz", "Rhein", "Summit", "Titan",
)  # fmt: skip
COMPANY_SECOND = (
    "Automation", "Bearings", "Castings", "Dynamics", "Electric", "Foundry", "Gears", "Hydraulics",
    "Instruments", "Logistics", "Machining", "Optics", "Plastics", "Robotics", "Sensors", "Tooling",
)  # fmt: skip
INDUSTRIES = ("Manufacturing", "Automotive", "Chemicals", "Energy", "Logistics", "Electronics", "Machinery")
LEAD_SOURCES = ("Web", "Trade Show", "Partner", "Referral", "Phone Inquiry")
TITLES = ("Plant Manager", "Head of Procurement", "CFO", "Automation Engineer", "IT Director", "Maintenance Lead")
CREDIT_REASONS = ("Service outage", "Billing error", "Goodwill", "Returned hardware")

COUNTRIES = {
    "DE": ("Stuttgart", "EUR", 19),
    "FR": ("Lyon", "EUR", 20),
    "AT": ("Linz", "EUR", 20),
    "US": ("Detroit", "USD", 0),
    "GB": ("Sheffield", "GBP", 20),
    "CH": ("Zürich", "CHF", 8),
}
"""Country: (city, currency, tax in percent)."""

EURO_RATES = {"USD": 92_000_000, "GBP": 117_000_000, "CHF": 104_000_000}
"""What one unit is worth in euros, in units of 1e-8."""

PRODUCTS = (
    # sku, name, family, price per unit and month in 1/100
    ("CTRL-100", "Line Controller", "Control", 4_900),
    ("CTRL-200", "Line Controller Pro", "Control", 9_900),
    ("EDGE-010", "Edge Gateway", "Connectivity", 1_900),
    ("EDGE-020", "Edge Gateway Rugged", "Connectivity", 2_950),
    ("VIS-300", "Vision Inspect", "Quality", 14_900),
    ("PRED-400", "Predictive Maintenance", "Analytics", 7_450),
    ("MES-500", "Shopfloor Suite", "Execution", 19_900),
    ("TWIN-600", "Digital Twin", "Analytics", 24_900),
    ("SUP-1", "Support Standard", "Services", 990),
    ("SUP-2", "Support Premium", "Services", 2_490),
)
METRICS = {
    "Control": ("active_users", "machine_hours"),
    "Connectivity": ("active_users", "gigabytes"),
    "Quality": ("active_users", "images"),
    "Analytics": ("active_users", "api_calls"),
    "Execution": ("active_users", "work_orders"),
    "Services": ("active_users",),
}
METERED = {"gigabytes": Decimal("0.0200"), "api_calls": Decimal("0.0150")}
"""Metrics that are invoiced by use, with the price of one unit in the customer's currency."""
