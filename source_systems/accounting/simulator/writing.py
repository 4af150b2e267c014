"""Writes files as accounting programs do: DATEV's Buchungsstapel, version 13, in CP1252; tables as CSV in UTF-8."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta

from source_systems._simulation.books import Posting
from source_systems._simulation.charges import month_after

_FIRST = (
    "Umsatz (ohne Soll/Haben-Kz)", "Soll/Haben-Kennzeichen", "WKZ Umsatz", "Kurs", "Basis-Umsatz", "WKZ Basis-Umsatz",
    "Konto", "Gegenkonto (ohne BU-Schlüssel)", "BU-Schlüssel", "Belegdatum", "Belegfeld 1", "Belegfeld 2", "Skonto",
    "Buchungstext", "Postensperre", "Diverse Adressnummer", "Geschäftspartnerbank", "Sachverhalt", "Zinssperre",
    "Beleglink",
)  # fmt: skip
_MIDDLE = (
    "KOST1 - Kostenstelle", "KOST2 - Kostenstelle", "Kost-Menge", "EU-Land u. UStID (Bestimmung)",
    "EU-Steuersatz (Bestimmung)", "Abw. Versteuerungsart", "Sachverhalt L+L", "Funktionsergänzung L+L",
    "BU 49 Hauptfunktionstyp", "BU 49 Hauptfunktionsnummer", "BU 49 Funktionsergänzung",
)  # fmt: skip
_LAST = (
    "Stück", "Gewicht", "Zahlweise", "Forderungsart", "Veranlagungsjahr", "Zugeordnete Fälligkeit", "Skontotyp",
    "Auftragsnummer", "Buchungstyp", "USt-Schlüssel (Anzahlungen)", "EU-Land (Anzahlungen)",
    "Sachverhalt L+L (Anzahlungen)", "EU-Steuersatz (Anzahlungen)", "Erlöskonto (Anzahlungen)", "Herkunft-Kz",
    "Buchungs GUID", "KOST-Datum", "SEPA-Mandatsreferenz", "Skontosperre", "Gesellschaftername", "Beteiligtennummer",
    "Identifikationsnummer", "Zeichnernummer", "Postensperre bis", "Bezeichnung SoBil-Sachverhalt",
    "Kennzeichen SoBil-Buchung", "Festschreibung", "Leistungsdatum", "Datum Zuord. Steuerperiode", "Fälligkeit",
    "Generalumkehr (GU)", "Steuersatz", "Land", "Abrechnungsreferenz", "BVV-Position", "EU-Land u. UStID (Ursprung)",
    "EU-Steuersatz (Ursprung)", "Abw. Skontokonto",
)  # fmt: skip
TITLES = (
    *_FIRST,
    *(f"Beleginfo - {part} {number}" for number in range(1, 9) for part in ("Art", "Inhalt")),
    *_MIDDLE,
    *(f"Zusatzinformation - {part} {number}" for number in range(1, 21) for part in ("Art", "Inhalt")),
    *_LAST,
)
"""The 125 columns of format version 13."""
_PLACE = {title: place for place, title in enumerate(TITLES)}


def encode_stack(postings: Sequence[Posting], chart: str, exported: datetime) -> bytes:
    """Write one month's stack; its postings share a month."""
    first = postings[0].day.replace(day=1)
    last = month_after(first) - timedelta(days=1)
    lines = [_header(first, last, chart, exported), ";".join(TITLES)]
    lines += [_line(posting, chart) for posting in postings]
    return ("\r\n".join(lines) + "\r\n").encode("cp1252", "replace")


def encode_table(names: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """Write a table with its line of names."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows([names, *rows])
    return text.getvalue().encode()


def _header(first: date, last: date, chart: str, exported: datetime) -> str:
    made = f"{exported:%Y%m%d%H%M%S}{exported.microsecond // 1000:03d}"
    title = _text(f"Buchungsstapel {first:%m/%Y}")
    fields = (
        '"EXTF"', "700", "21", '"Buchungsstapel"', "13", made, "", '"RE"', '""', '""', "1001", "1",
        f"{first.year}0101", "4", f"{first:%Y%m%d}", f"{last:%Y%m%d}", title, '""', "1", "0", "0", '"EUR"', "", '""',
        "", "", f'"{chart.removeprefix("SKR")}"', "", "", '""', '""',
    )  # fmt: skip
    return ";".join(fields)


def _line(posting: Posting, chart: str) -> str:
    """Write a posting with the account that is debited as Konto (S): the contra account is credited."""
    fields = [""] * len(TITLES)
    values = {
        "Umsatz (ohne Soll/Haben-Kz)": _number(posting.amount),
        "Soll/Haben-Kennzeichen": _text("S"),
        "WKZ Umsatz": _text(posting.currency),
        "Konto": posting.debit.number(chart),
        "Gegenkonto (ohne BU-Schlüssel)": posting.credit.number(chart),
        "BU-Schlüssel": _text(posting.tax_key),
        "Belegdatum": f"{posting.day:%d%m}",
        "Belegfeld 1": _text(posting.document),
        "Buchungstext": _text(posting.text[:60]),
        "KOST1 - Kostenstelle": _text(posting.cost_center),
        "Festschreibung": "0",
        "Generalumkehr (GU)": _text("1") if posting.reversal else "",
    }
    if posting.currency != "EUR":
        values["Kurs"] = f"{1 / posting.rate:.6f}".replace(".", ",")
        values["Basis-Umsatz"] = _number(posting.euros)
        values["WKZ Basis-Umsatz"] = _text("EUR")
    for title, value in values.items():
        fields[_PLACE[title]] = value
    return ";".join(fields)


def _number(amount: object) -> str:
    return f"{amount:.2f}".replace(".", ",")


def _text(text: str) -> str:
    doubled = text.replace('"', '""')
    return f'"{doubled}"'
