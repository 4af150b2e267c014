"""A company of three customers, small enough to be computed by hand."""

from __future__ import annotations

from datetime import date

from silver_rows import Silver, change, rate

AS_OF = date(2026, 3, 15)
ONE, TWO, THREE = "customer 1", "customer 2", "customer 3"

S1 = (ONE, "press", "EUR")
S2 = (ONE, "support", "EUR")
S3 = (TWO, "press", "USD")
S4 = (THREE, "support", "EUR")


def _day(text: str) -> date:
    return date.fromisoformat(text)


SILVER: Silver = {
    "exchange_rate": [
        rate("USD", "2025-01-01", "0.90"),  # January, February and March 2025
        rate("USD", "2025-04-30", "0.95"),  # April and May 2025
        rate("USD", "2025-06-15", "0.80"),  # June 2025 to February 2026
        rate("USD", "2026-03-01", "0.85"),  # March 2026
        rate("USD", "2026-03-16", "9.99"),  # not known on 15 March
    ],
    "customer": [
        {"customer_key": ONE, "segment": "small"},
        {"customer_key": TWO, "segment": "enterprise"},
        {"customer_key": THREE, "segment": "small"},
    ],
    "subscription_change": [
        change("s1", S1, "2025-01-10", "100.00", kind="new"),
        change("s1", S1, "2025-02-20", "175.00"),  # a slip of the pen, put right an hour later
        change("s1", S1, "2025-02-20", "150.00", recorded_on="2025-02-21"),
        change("s1", S1, "2026-01-31", "120.00", kind="downgrade", recorded_on="2026-03-01"),  # dated back
        change("s1", S1, "2026-05-01", "130.00", recorded_on="2026-03-10"),  # signed, not in force
        change("s2", S2, "2025-03-05", "40.00", kind="new"),
        change("s2", S2, "2025-06-30", "0.00", kind="cancel"),
        change("s3", S3, "2025-01-15", "200.00", kind="new"),
        change("s3", S3, "2025-04-10", "0.00", kind="pause"),
        change("s3", S3, "2025-06-01", "200.00", kind="resume"),
        change("s3", S3, "2026-04-01", "0.00", kind="cancel", recorded_on="2026-03-20"),  # not known on 15 March
        change("s4", S4, "2025-03-20", "10.00", kind="new"),
        change("s4", S4, "2026-03-01", "0.00", kind="cancel"),
    ],
    "subscription": [
        {"subscription_key": "s1", "customer_key": ONE, "started_on": _day("2024-12-27")},
        {"subscription_key": "s2", "customer_key": ONE, "started_on": _day("2025-02-19"),
         "ended_on": _day("2025-06-30")},
        {"subscription_key": "s3", "customer_key": TWO, "started_on": _day("2025-01-01")},
        {"subscription_key": "s4", "customer_key": THREE, "started_on": _day("2025-03-06"),
         "ended_on": _day("2026-03-01")},
    ],
    "contract": [
        {"contract_key": "k1", "contract_number": "1", "customer_key": ONE, "subscription_key": "s1",
         "contract_status": "Activated", "match_rule": "contract_number", "starts_on": _day("2024-12-27"),
         "ends_on": _day("2026-06-30")},
        {"contract_key": "s2", "contract_number": "2", "customer_key": ONE, "subscription_key": "s2",
         "match_rule": "unmatched", "starts_on": _day("2025-02-19"), "ends_on": _day("2025-06-30")},
        {"contract_key": "k3", "contract_number": "3", "customer_key": TWO, "subscription_key": "s3",
         "contract_status": "Terminated", "match_rule": "contract_number", "starts_on": _day("2025-01-01"),
         "ends_on": _day("2026-05-31")},
    ],
    "lead": [
        {"lead_key": "l1", "customer_key": ONE, "opportunity_key": "o1", "segment": "small",
         "lead_status": "Qualified", "is_converted": True, "created_on": _day("2025-01-02"),
         "converted_on": _day("2025-01-05")},
        {"lead_key": "l2", "segment": "small", "lead_status": "Unqualified", "is_converted": False,
         "created_on": _day("2025-01-20")},
        {"lead_key": "l3", "segment": "small", "lead_status": "Open", "is_converted": False,
         "created_on": _day("2025-01-25")},
    ],
    "opportunity_history": [
        {"opportunity_key": key, "customer_key": customer, "stage_number": step, "stage_name": stage,
         "entered_on": _day(day)}
        for key, customer, step, stage, day in (
            ("o1", ONE, 1, "Prospecting", "2025-01-05"),
            ("o1", ONE, 2, "Qualification", "2025-01-12"),
            ("o1", ONE, 3, "Proposal", "2025-01-20"),
            ("o1", ONE, 4, "Closed Won", "2025-02-01"),  # without negotiation
            ("o2", TWO, 1, "Prospecting", "2025-01-10"),
            ("o2", TWO, 2, "Negotiation", "2025-01-30"),
            ("o2", TWO, 3, "Qualification", "2025-02-05"),  # fallen back
            ("o2", TWO, 4, "Closed Lost", "2025-02-20"),
            ("o2", TWO, 5, "Negotiation", "2026-03-20"),  # not known on 15 March
        )
    ],
}  # fmt: skip
