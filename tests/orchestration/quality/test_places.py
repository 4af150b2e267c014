"""Where good rows lie in landing: found again for those that contradict each other, whatever form they came in."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from landing_bench import column, connection, contract, csv, land

from orchestration.contracts.extraction import CsvPart, JsonPage, Page
from orchestration.contracts.model import Contract
from orchestration.landing.folder import FolderStore
from orchestration.landing.manifest import Mode
from orchestration.quality.gate import gate
from orchestration.quality.rows import csv_texts

PRICES = contract(column("price", "decimal(18,2)"), column("note", "text"))
Row = tuple[int, str, str]


def as_csv(rows: Sequence[Row]) -> Page:
    return csv("note,id,price", *(f"{note},{key},{price}" for key, price, note in rows))


def as_broken_csv(rows: Sequence[Row]) -> Page:
    """A stray quote in the last line makes readers take the whole part record by record."""
    return CsvPart(as_csv(rows).body + b'stray"quote,0,1.00\n')


def as_json(rows: Sequence[Row]) -> Page:
    return JsonPage(json.dumps([{"id": key, "price": price, "note": note} for key, price, note in rows]).encode())


def as_odd_json(rows: Sequence[Row]) -> Page:
    """A number of twenty digits, which a fast reader would round."""
    return JsonPage(b'[{"id": 0, "price": 12345678901234567890}, ' + as_json(rows).body[1:])


def as_batch(rows: Sequence[Row]) -> Page:
    keys, prices, notes = zip(*rows, strict=True)
    return pa.record_batch({"id": pa.array(keys, pa.int64()), "price": list(prices), "note": list(notes)})


FORMS = {form.__name__: form for form in (as_csv, as_broken_csv, as_json, as_odd_json, as_batch)}


def places(
    folder: Path, promised: Contract, *pages: Page, keys: str = "good", mode: Mode = "full"
) -> list[tuple[int, int, str]]:
    """Return part, row and id of the good rows with these keys."""
    store = FolderStore(folder / "landing")
    manifest = land(store, promised, *pages, mode=mode)
    with connection() as con, gate(con, promised, manifest, store) as gated:
        found = con.execute(f"SELECT file, row_number, id FROM {gated.places.find(keys)} ORDER BY ALL").fetchall()
    files = [part.key for part in manifest.of_role("rows")]
    return [(files.index(file), number, key) for file, number, key in found]


@pytest.mark.parametrize("form", FORMS)
@settings(deadline=None, max_examples=30)
@given(broken=st.lists(st.booleans(), min_size=1, max_size=40))
def test_every_good_row_is_found_where_it_stands(form: str, broken: list[bool]) -> None:
    rows = [(number, "1.239" if bad else "1.50", "x") for number, bad in enumerate(broken, start=1)]
    first = 2 if form == "as_odd_json" else 1
    with TemporaryDirectory() as folder:
        found = places(Path(folder), PRICES, FORMS[form](rows))
    expected = [(0, key - 1 + first, key) for key, price, _ in rows if price == "1.50"]
    assert [place for place in found if place[2]] == expected


@pytest.mark.parametrize("form", FORMS)
def test_only_rows_of_the_keys_that_are_asked_for_are_found(form: str, tmp_path: Path) -> None:
    rows = [(7, "1.00", "a"), (8, "1.00", "b"), (7, "2.00", "c")]
    first = 2 if form == "as_odd_json" else 1
    assert places(tmp_path, PRICES, FORMS[form](rows), keys="(SELECT 7 AS id)") == [(0, first, 7), (0, first + 2, 7)]


def test_parts_are_told_apart_and_lines_that_are_no_rows_counted(tmp_path: Path) -> None:
    pages = csv("id,price,note", "1,1.00,a", "2", "3,1.00,c"), csv("id,price,note", "1,2.00,a")
    assert places(tmp_path, PRICES, *pages) == [(0, 1, 1), (0, 3, 3), (1, 1, 1)]


def test_a_key_of_several_columns_and_odd_spelling_is_found(tmp_path: Path) -> None:
    promised = contract(column("line", "integer"), key=("id", "line"))
    page = csv("id,line", "1,1", "01,2.0", "1,3")
    assert places(tmp_path, promised, page, keys="(SELECT 1 AS id, 2 AS line)") == [(0, 2, 1)]


def test_a_part_with_a_record_longer_than_the_readers_blocks_is_searched_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_texts, "_BLOCK_BYTES", 64)
    rows = [(number, "1.00", "x" * (300 if number == 5 else 1)) for number in range(1, 10)]
    assert places(tmp_path, PRICES, as_csv(rows)) == [(0, number, number) for number in range(1, 10)]


def test_mended_rows_of_a_replay_are_found(tmp_path: Path) -> None:
    page = as_json([(1, "1.00", "a"), (1, "2.00", "b")])
    assert places(tmp_path, PRICES, page, mode="replay") == [(0, 1, 1), (0, 2, 1)]
