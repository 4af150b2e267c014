"""Landed loads are rewritten without some rows: all others stay to the letter, and the load is whole."""

from __future__ import annotations

import csv
import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from landing_bench import batch, column, contract, judge, land

from orchestration.contracts.extraction import CsvPart, JsonPage, Page
from orchestration.landing import forgetting
from orchestration.landing.folder import FolderStore
from orchestration.landing.forgetting import Row, forget, rows_of
from orchestration.landing.history import read_manifest, verify

ORDERS = contract(column("note", "text", source="Note"))
CSV = b'id,Note\r\n1,plain\r\n2,"two\r\nlines, and ""quotes"""\r\n3,gone\r\n4,"also,gone"\r\n'
JSON = b'[{"id":1,"Note":"plain","more":1.50},{"id":2,"Note":"\\u00e9"},{"id":3,"Note":"gone"},{"id":4,"Note":null}]'
PAGES: dict[str, Page] = {
    "parquet": batch(id=[1, 2, 3, 4], note=["plain", "other", "gone", None]),
    "ndjson": JsonPage(JSON),
    "csv": CsvPart(CSV, rows=4),
}


def is_third_or_fourth(row: Row) -> bool:
    return str(row.get("id")) in {"3", "4"}


def ids(store: FolderStore, load_id: str, place: object) -> list[str]:
    manifest = read_manifest(store, place, load_id)  # type: ignore[arg-type]
    return [str(row["id"]) for row in rows_of(store, manifest, ["id"])]


@pytest.mark.parametrize("form", PAGES)
def test_the_forgotten_rows_are_gone_and_the_load_is_whole(store: FolderStore, form: str) -> None:
    manifest = land(store, ORDERS, PAGES[form])
    before = judge(store, ORDERS, manifest).good
    changed = forget(store, manifest, ["id"], is_third_or_fourth)
    verify(store, changed)
    assert read_manifest(store, manifest.place, manifest.load_id) == changed
    assert judge(store, ORDERS, changed).good == before[:2]
    assert [part.rows for part in changed.parts] == [2]
    assert {part.key for part in changed.parts} | {changed.key} == set(store.keys(""))
    content = b"".join(store.local_path(key).read_bytes() for key in store.keys(""))
    assert b"gone" not in content


@pytest.mark.parametrize("form", PAGES)
def test_a_load_without_such_rows_is_not_touched(store: FolderStore, form: str) -> None:
    manifest = land(store, ORDERS, PAGES[form])
    times = {key: store.local_path(key).stat().st_mtime_ns for key in store.keys("")}
    assert forget(store, manifest, ["id"], lambda _: False) == manifest
    assert {key: store.local_path(key).stat().st_mtime_ns for key in store.keys("")} == times


def test_text_that_stays_keeps_its_bytes(store: FolderStore) -> None:
    manifest = land(store, ORDERS, PAGES["csv"])
    changed = forget(store, manifest, ["id"], is_third_or_fourth)
    with pa.input_stream(str(store.local_path(changed.parts[0].key)), compression="zstd") as stream:
        assert stream.read() == CSV[: CSV.index(b"3,gone")]


def test_parquet_that_stays_keeps_its_types(store: FolderStore) -> None:
    manifest = land(store, ORDERS, PAGES["parquet"])
    schema = pq.read_schema(store.local_path(manifest.parts[0].key))
    changed = forget(store, manifest, ["id"], is_third_or_fourth)
    assert pq.read_schema(store.local_path(changed.parts[0].key)) == schema


def test_a_second_person_is_forgotten_from_what_the_first_left(store: FolderStore) -> None:
    manifest = land(store, ORDERS, PAGES["ndjson"])
    first = forget(store, manifest, ["id"], lambda row: row["id"] == 3)
    second = forget(store, first, ["id"], lambda row: row["id"] == 1)
    assert ids(store, manifest.load_id, manifest.place) == ["2", "4"]
    assert len(list(store.keys(""))) == 2
    verify(store, second)


def test_a_load_of_nobody_else_keeps_its_manifest(store: FolderStore) -> None:
    manifest = land(store, ORDERS, PAGES["parquet"])
    changed = forget(store, manifest, ["id"], lambda _: True)
    assert changed.parts == ()
    assert read_manifest(store, manifest.place, manifest.load_id) == changed


def test_killed_before_its_manifest_it_is_the_old_load_and_finishes_later(
    store: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = land(store, ORDERS, PAGES["csv"])
    with monkeypatch.context() as patch:
        patch.setattr(FolderStore, "replace", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            forget(store, manifest, ["id"], is_third_or_fourth)
    verify(store, read_manifest(store, manifest.place, manifest.load_id))
    forget(store, manifest, ["id"], is_third_or_fourth)
    assert ids(store, manifest.load_id, manifest.place) == ["1", "2"]
    assert len(list(store.keys(""))) == 2


def test_a_line_that_cannot_be_taken_apart_is_shown_as_its_text(store: FolderStore) -> None:
    manifest = land(store, ORDERS, CsvPart(b"id,Note\n1,a\n2,b,anna@example.com\n"))
    changed = forget(store, manifest, ["id"], lambda row: "anna@example.com" in str(row.get("", "")))
    assert ids(store, changed.load_id, changed.place) == ["1"]


texts = st.text(st.sampled_from('ab,"\n\r ;é'), max_size=6)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 5), texts), min_size=1, max_size=8), st.sampled_from(["csv", "json"]))
def test_any_well_formed_text_loses_those_rows_alone(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int, str]], form: str
) -> None:
    store = FolderStore(tmp_path_factory.mktemp("forget"))
    if form == "csv":
        written = io.StringIO()
        csv.writer(written, quoting=csv.QUOTE_ALL).writerows([("id", "Note"), *rows])
        page: Page = CsvPart(written.getvalue().encode())
    else:
        page = JsonPage(json.dumps([{"id": key, "Note": note} for key, note in rows]).encode())
    changed = forget(store, land(store, ORDERS, page), ["id"], lambda row: str(row["id"]) == "3")
    kept = [(str(row["id"]), row["note"]) for row in rows_of(store, changed, ["id", "note"])]
    assert kept == [(str(key), note) for key, note in rows if key != 3]
    assert forgetting.MANIFEST in "".join(store.keys(""))
