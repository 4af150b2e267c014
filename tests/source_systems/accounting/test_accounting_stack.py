"""DATEV's Buchungsstapel: read by position, exactly, and without a guess."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from accounting_inbox import Inbox, line
from hypothesis import given
from hypothesis import strategies as st

from orchestration.failures import SchemaDrift
from source_systems.accounting.simulator.writing import TITLES
from source_systems.accounting.stack import document_date

DAYS = st.dates(date(1990, 1, 1), date(2090, 12, 31))


def test_a_line_is_read_with_its_date_its_points_and_its_zeros(inbox: Inbox) -> None:
    inbox.drop("EXTF_1.csv", [line(amount="1234,50", account="400", posted_on="301", posting_text='"Büro; ""neu"""')])
    (row,) = inbox.rows()
    assert (row["amount"], row["account"], row["contra_account"]) == ("1234.50", "0400", "8400")
    assert (row["posted_on"], row["posting_text"], row["currency"]) == ("2026-01-03", 'Büro; "neu"', "EUR")
    assert (row["chart"], row["file_name"], row["row_number"]) == ("SKR03", "EXTF_1.csv", "3")
    assert row["batch"] == "1001/1 20260101-20260131 Januar"
    assert row["is_reversal"] == "false"


def test_all_that_was_sent_lands_beside_what_was_made_of_it(inbox: Inbox) -> None:
    inbox.drop("EXTF_1.csv", [line(amount="1234,50")])
    (row,) = inbox.rows()
    assert [row[f"{title} ({place})"] for place, title in enumerate(TITLES, 1)] == line(amount="1234,50").split(";")


@given(st.data())
def test_a_day_of_the_period_gets_back_its_year(data: st.DataObject) -> None:
    day = data.draw(DAYS)
    since = day - timedelta(days=data.draw(st.integers(0, 180)))
    until = day + timedelta(days=data.draw(st.integers(0, 180)))
    assert document_date(f"{day:%d%m}", (since, until)) == day.isoformat()
    assert document_date(f"{day:%d%m}".lstrip("0"), (since, until)) == day.isoformat()


@pytest.mark.parametrize("text", ["0102", "3199", "", "12", "heute"])
def test_what_is_no_day_of_the_period_is_no_date(text: str) -> None:
    assert "no day" in document_date(text, (date(2026, 1, 1), date(2026, 1, 31)))


def test_a_day_that_two_years_of_the_period_have_is_not_guessed() -> None:
    assert "no day" in document_date("1501", (date(2025, 1, 1), date(2026, 12, 31)))


@pytest.mark.parametrize("amount", ["12.34", "1.234,50", "-5,00", "12,345", "1e3"])
def test_an_amount_that_datev_would_not_write_stays_as_it_is_and_is_no_number(inbox: Inbox, amount: str) -> None:
    inbox.drop("EXTF_1.csv", [line(amount=amount)])
    (row,) = inbox.rows()
    with pytest.raises(ValueError, match=r"could not convert"):
        float(row["amount"])


def test_of_a_stack_the_newest_export_counts_whatever_the_files_are_called(inbox: Inbox) -> None:
    inbox.drop("EXTF_a.csv", [line(amount="2,00")], exported="20260202080000000")
    inbox.drop("EXTF_b.csv", [line(amount="1,00"), line()], exported="20260201080000000")
    inbox.drop("EXTF_c.csv", [line(amount="3,00")], name="Lohn")
    inbox.drop("EXTF_d.csv", [line(amount="4,00", posted_on="0102")], period=("20260201", "20260228"))
    assert sorted(row["amount"] for row in inbox.rows()) == ["2.00", "3.00", "4.00"]


def test_a_copy_of_a_file_counts_once_and_two_that_differ_are_not_chosen_between(inbox: Inbox) -> None:
    first = inbox.drop("EXTF_a.csv", [line()])
    (inbox.folder / "EXTF_a (1).csv").write_bytes(first.read_bytes())
    assert len(inbox.rows()) == 1
    inbox.drop("EXTF_b.csv", [line(amount="5,00")])
    with pytest.raises(SchemaDrift, match=r"EXTF_b\.csv: it and EXTF_a.*differ"):
        inbox.rows()


@pytest.mark.parametrize(
    ("encoding", "what"), [("utf-8", "UTF-8 without a byte order mark"), ("utf-16", "UTF-16"), ("cp850", "no letter")]
)
def test_a_file_in_another_encoding_is_refused_by_name(inbox: Inbox, encoding: str, what: str) -> None:
    inbox.drop("EXTF_1.csv", [line(posting_text="Büro ì")], encoding=encoding)
    with pytest.raises(SchemaDrift, match=rf"EXTF_1\.csv: .*{what}"):
        inbox.rows()


def test_utf_8_with_its_mark_is_read(inbox: Inbox) -> None:
    inbox.drop("EXTF_1.csv", [line(posting_text="Büro")], encoding="utf-8-sig")
    assert inbox.rows()[0]["posting_text"] == "Büro"


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b"", "no header"),
        (b"year,month\r\n2026,1\r\n", "no header"),
        (b'"EXTF";700;16;"Debitoren";5\r\n', "no header"),
        (b'"EXTF";700;21;"Buchungsstapel";13;20260101000000000;;;;;1;1;20260101;4;;\r\n', "no period"),
        (b'"EXTF";700;21;"Buchungsstapel";13;;;;;;1;1;20260101;4;20260101;20260131\r\n', "when it was exported"),
        (b'"EXTF";700;21;"B";13;20260101000000000;;;;;1;1;20260101;x;20260101;20260131\r\n', "length of accounts"),
    ],
)
def test_a_file_that_is_no_stack_is_refused_by_name(inbox: Inbox, body: bytes, what: str) -> None:
    (inbox.folder / "EXTF_1.csv").write_bytes(body)
    with pytest.raises(SchemaDrift, match=rf"EXTF_1\.csv: .*{what}"):
        inbox.columns()


def test_older_versions_of_the_format_lack_columns_that_newer_ones_have(inbox: Inbox) -> None:
    path = inbox.drop("EXTF_1.csv", [line()])
    header, *lines = path.read_bytes().decode("cp1252").split("\r\n")
    shorter = [";".join(part.split(";")[:117]) for part in lines if part]
    path.write_bytes("\r\n".join([header, *shorter, ""]).encode("cp1252"))
    assert "is_reversal" in inbox.columns()
    assert inbox.rows()[0]["is_reversal"] == "false"
