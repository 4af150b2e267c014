"""The row gate on CSV: what is broken in a file costs itself, and never becomes something else."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from landing_bench import MONEY, NOTES, batch, column, contract, csv, judge_pages

from orchestration.contracts.extraction import CsvPart, JsonPage, Page
from orchestration.failures import ConnectionFailed, SchemaDrift


def test_a_csv_row_costs_only_itself(tmp_path: Path) -> None:
    page = csv("price,id,at,unknown", "1.50,1,2026-01-01 10:00:00,x", "1.239,2,,", "3", "1,2,3,4,5", "2,3,,", rows=5)
    judged = judge_pages(tmp_path, MONEY, page)
    assert [row[0] for row in judged.good] == [1, 3]
    assert judged.reasons == [(2, "price", "scale"), (3, None, "column_count"), (4, None, "column_count")]
    assert judged.rejects[1].raw_row == '{"_line":"3"}'


def test_row_numbers_count_broken_lines_too(tmp_path: Path) -> None:
    lines = [f"{number},x" if number % 7 else str(number) for number in range(1, 60)]
    lines[29] = "30,1.239"
    judged = judge_pages(tmp_path, contract(column("price", "decimal(18,2)")), csv("id,price", *lines))
    assert [reject.row_number for reject in judged.rejects if reject.reason == "scale"] == [30]
    assert [r.row_number for r in judged.rejects if r.reason == "column_count"] == list(range(7, 60, 7))


def test_names_decide_where_a_csv_value_belongs(tmp_path: Path) -> None:
    swapped = judge_pages(tmp_path, NOTES, csv("state,id,note", "open,1,x"))
    assert swapped.good == [(1, "x", "open")]
    for header in ("id,note", "id,note,state,state"):
        with pytest.raises(SchemaDrift, match="'state'"):
            judge_pages(tmp_path, NOTES, csv(header, "1,x,open,open"))


def test_empty_csv_text_is_null_quoted_or_not(tmp_path: Path) -> None:
    judged = judge_pages(tmp_path, NOTES, csv("id,note,state", "1,,open", '2,"",open', '3,x,""'))
    assert [row[1] for row in judged.good] == [None, None]
    assert judged.reasons == [(3, "state", "null")]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_both_line_ends_are_read(tmp_path: Path, end: str) -> None:
    page = csv("id,note,state", '1,"two\nlines",open', "2,x,paid", end=end, rows=2)
    assert len(judge_pages(tmp_path, NOTES, page).good) == 2


def test_one_carriage_return_among_line_feeds_does_not_stop_the_load(tmp_path: Path) -> None:
    page = CsvPart(b"id,note,state\n1,x,open\r\n2,y,paid\n")
    assert judge_pages(tmp_path, NOTES, page).good == [(1, "x", "open"), (2, "y", "paid")]


def test_a_quote_that_is_never_closed_does_not_swallow_the_rest(tmp_path: Path) -> None:
    lines = [f'{number},"note {number}",open' for number in range(500)]
    lines[100] = '100,"never closed,open'
    lines[200] = '200,stray"quote,open'
    lines[300] = '300,"after"the quote,open'
    judged = judge_pages(tmp_path, NOTES, csv("id,note,state", *lines, rows=500))
    assert len(judged.good) == 497
    assert judged.reasons == [(101, None, "quote"), (201, None, "quote"), (301, None, "quote")]


PASTED = '1,"see:\n7,not a row,open\nend"{},open'


@pytest.mark.parametrize(
    "more",
    ["2,a\0b,open", "2,x,open\r", '2,stray"quote,open'],
    ids=["NUL byte elsewhere", "one carriage return", "stray quote elsewhere"],
)
@pytest.mark.parametrize("lines", [1, 3000])
def test_lines_within_quotes_are_never_rows_whatever_else_is_broken(tmp_path: Path, more: str, lines: int) -> None:
    record = PASTED.format("").replace("end", "end\n" * lines)
    judged = judge_pages(tmp_path, NOTES, csv("id,note,state", record, more, "3,z,open"))
    assert [row[0] for row in judged.good if row[0] != 2] == [1, 3]
    assert judged.gated.extracted == 3


def test_a_record_that_is_broken_behind_its_quotes_is_rejected_with_all_its_lines(tmp_path: Path) -> None:
    judged = judge_pages(tmp_path, NOTES, csv("id,note,state", PASTED.format(" x"), "2,y,open"))
    assert judged.good == [(2, "y", "open")]
    (reject,) = judged.rejects
    assert (reject.row_number, reject.reason) == (1, "quote")
    assert json.loads(reject.raw_row) == {"_line": PASTED.format(" x")}


def test_a_carriage_return_within_a_value_is_kept_quoted_neighbours_or_not(tmp_path: Path) -> None:
    judged = judge_pages(tmp_path, NOTES, csv("id,note,state", "1,a\rb,open", '2,c\rd,"open"', '3,"e\rf",open'))
    assert judged.good == [(1, "a\rb", "open"), (2, "c\rd", "open"), (3, "e\rf", "open")]


def test_a_long_value_is_read_beside_a_broken_row(tmp_path: Path) -> None:
    long = "x" * 300_000
    judged = judge_pages(tmp_path, NOTES, csv("id,note,state", f'1,"{long}",open', "2,a\0b,open"))
    assert judged.good == [(1, long, "open")]
    assert judged.reasons == [(2, "note", "nul_byte")]


@pytest.mark.parametrize("header", ["sep=,", "", '"id\nof it",note,state', "id\rnote"])
def test_a_header_that_lacks_a_column_is_shown(tmp_path: Path, header: str) -> None:
    shown = re.escape(header.split("\n", maxsplit=1)[0].encode("unicode_escape").decode())
    with pytest.raises(SchemaDrift, match=f"'id' is missing from the header, the first line: '{shown}'"):
        judge_pages(tmp_path, NOTES, csv(header, "1,x,open"))


@pytest.mark.parametrize("sent", [2, 4])
def test_fewer_or_more_rows_than_the_source_counted_are_a_failed_connection(tmp_path: Path, sent: int) -> None:
    with pytest.raises(ConnectionFailed, match=r"holds 3 records, the source counted"):
        judge_pages(tmp_path, NOTES, csv("id,note,state", "1,x,open", "2,x", "3,x,open", rows=sent))


def test_invalid_utf8_costs_its_row_and_names_its_column(tmp_path: Path) -> None:
    page = CsvPart(b"id,note,state\n1,caf\xe9,open\n2,caf\xc3\xa9,open\n", 2)
    judged = judge_pages(tmp_path, NOTES, page)
    assert judged.good == [(2, "café", "open")]
    assert (judged.rejects[0].key, judged.rejects[0].raw_value) == ('{"id":"1"}', r"caf\xe9")
    assert judged.reasons == [(1, "note", "invalid_utf8")]


def test_nul_bytes_are_told(tmp_path: Path) -> None:
    pages: list[Page] = [
        CsvPart(b"id,note,state\n1,a\x00b,open\n2,x,open\n"),
        JsonPage(b'[{"id":1,"note":"a\\u0000b","state":"open"},{"id":2,"note":"x","state":"open"}]'),
        batch(id=[1, 2], note=["a\x00b", "x"], state=["open", "open"]),
    ]
    for page in pages:
        judged = judge_pages(tmp_path, NOTES, page)
        assert judged.reasons == [(1, "note", "nul_byte")]
        assert [row[0] for row in judged.good] == [2]


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path: Path) -> None:
    assert judge_pages(tmp_path, NOTES, CsvPart(b"\xef\xbb\xbfid,note,state\n1,x,open\n")).good == [(1, "x", "open")]


def test_another_delimiter(tmp_path: Path) -> None:
    page = CsvPart(b"id;note;state\n1;a,b;open\n", 1, ";")
    assert judge_pages(tmp_path, NOTES, page).good == [(1, "a,b", "open")]
