"""A company of ten subscriptions, each of which shows one rule, small enough to be done by hand."""

from __future__ import annotations

from datetime import date

from billed_silver import change, credit, invoice, line, payment, rate
from financial_close import Row, Silver

AS_OF = date(2026, 3, 15)

_INVOICES: list[tuple[Row, list[Row]]] = [
    # s1: a year at 1.00 a day, from March on half of it.
    invoice("i1", "s1", "2026-01-01", [line("l1", "365.00", "2026-01-01", "2027-01-01")]),
    # s2: 90 days for 100.00 USD, 90.00 EUR.
    invoice("i2", "s2", "2026-01-15", [line("l2", "100.00", "2026-01-15", "2026-04-15")], currency="USD"),
    # s3: what was used in January, invoiced in February.
    invoice("i3", "s3", "2026-02-01", [line("l3", "50.00", "2026-01-01", "2026-02-01", "usage")]),
    # s4: a year at 2.00 a day, cancelled on 1 February; of 606.00 not earned 400.00 are credited.
    invoice("i4", "s4", "2025-12-01", [line("l4", "730.00", "2025-12-01", "2026-12-01")]),
    # s5: 31 days at 1.00, made void on 5 February.
    invoice("i5", "s5", "2026-01-10", [line("l5", "31.00", "2026-01-10", "2026-02-10")], voided_on="2026-02-05"),
    # s6: 90 days at 1.00, cancelled from 15 February on, which nobody knew before the credit note of 10 March.
    invoice("i6", "s6", "2026-01-01", [line("l6", "90.00", "2026-01-01", "2026-04-01")]),
    # s8: March at 2.00 a day. It is void, but was not on the day.
    invoice("i8", "s8", "2026-03-01", [line("l8", "62.00", "2026-03-01", "2026-04-01")], voided_on="2026-03-20"),
    # s9: November at 1.00 a day; 10.00 of it are credited in January.
    invoice("i9", "s9", "2025-11-01", [line("l9", "30.00", "2025-11-01", "2025-12-01")]),
    # Not known on the day.
    invoice("i10", "s9", "2026-03-16", [line("l10", "99.00", "2026-03-16", "2026-04-16")]),
]

SILVER: Silver = {
    "exchange_rate": [
        rate("USD", "2025-12-31", "0.90"),  # good for 15 January
        rate("USD", "2026-02-10", "0.80"),
        rate("USD", "2026-03-10", "0.85"),  # good for 15 March
        rate("USD", "2026-03-16", "9.99"),  # not known on 15 March
    ],
    "subscription_change": [
        change("s1", "new", "2026-01-01", "30.42"),
        change("s1", "downgrade", "2026-03-01", "15.21"),
        change("s2", "new", "2026-01-15", "33.33", "USD"),
        change("s4", "new", "2025-12-01", "60.83"),
        change("s4", "cancel", "2026-02-01", "0.00"),
        change("s6", "new", "2026-01-01", "30.00"),
        change("s6", "cancel", "2026-02-15", "0.00"),
        change("s7", "new", "2026-03-06", "31.00"),  # without an invoice
        change("s8", "new", "2026-03-01", "62.00"),
        change("s8", "upgrade", "2026-03-11", "93.00"),  # after the invoice
        change("s10", "new", "2026-03-13", "31.00", "USD"),  # without an invoice
    ],
    "invoice": [head for head, _ in _INVOICES],
    "invoice_line": [row for _, lines in _INVOICES for row in lines],
    "credit_note": [
        credit("c1", ("i1", "l1"), "2026-03-01", "153.00", ("2026-03-01", "2027-01-01")),
        credit("c4", ("i4", "l4"), "2026-02-01", "400.00", ("2026-02-01", "2026-12-01")),
        credit("c6", ("i6", "l6"), "2026-03-10", "45.00", ("2026-02-15", "2026-04-01")),
        credit("c9", ("i9", "l9"), "2026-01-05", "10.00", ("2025-11-01", "2025-12-01")),
        credit("c8", ("i8", "l8"), "2026-03-18", "62.00", ("2026-03-01", "2026-04-01")),  # not known on the day
    ],
    "payment": [
        payment("p1", "i1", "2026-01-20", "434.35"),
        payment("p2", "i2", "2026-02-20", "19.00", "USD"),
        payment("p3", "i3", "2026-02-10", "59.50"),
        payment("p4", "i4", "2026-03-16", "392.70"),  # not known on the day
    ],
}
