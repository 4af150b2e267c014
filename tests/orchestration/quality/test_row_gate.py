"""The row gate on whole loads: each way in which a fast prototype was silently wrong is a test."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from landing_bench import MONEY, NOTES, Judged, batch, column, connection, contract, csv, judge, judge_pages, land

from orchestration.contracts.extraction import JsonPage, Page
from orchestration.failures import ContractViolated, SchemaDrift
from orchestration.landing.folder import FolderStore
from orchestration.landing.writer import LandingWriter
from orchestration.quality.gate import gate, key_json_expression


def records(*rows: object) -> JsonPage:
    return JsonPage(json.dumps({"records": rows}).encode(), "records")


# Parquet


def test_clean_parquet_is_a_view_that_copies_nothing(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    manifest = land(store, NOTES, batch(id=[1, 2], note=["a", None], state=["open", "paid"]))
    with connection() as con, gate(con, NOTES, manifest, store) as gated:
        assert (gated.extracted, gated.rejected) == (2, 0)
        assert con.execute("SELECT count(*) FROM duckdb_tables() WHERE estimated_size > 0").fetchall() == [(0,)]
        assert con.execute("DESCRIBE good").fetchall()[0][:2] == ("id", "BIGINT")


def test_typed_values_are_never_rounded_cut_or_wrapped(tmp_path: Path) -> None:
    wide = contract(
        column("price", "decimal(5,2)"), column("n", "smallint"), column("day", "date"), column("ratio", "double")
    )
    page = batch(
        id=[1, 2, 3, 4, 5, 6],
        price=pa.array([Decimal(v) for v in ("1.230", "1.239", "1000.000", "1", "1", "1")], pa.decimal128(20, 3)),
        n=pa.array([1, 1, 1, 70000, 1, 1]),
        day=pa.array([datetime(2026, 1, 1)] * 4 + [datetime(2026, 1, 1, 5)] + [None], pa.timestamp("us")),  # noqa: DTZ001
        ratio=[0.5, 0.5, 0.5, 0.5, 0.5, float("nan")],
    )
    judged = judge_pages(tmp_path, wide, page)
    assert judged.reasons == [
        (2, "price", "scale"),
        (3, "price", "overflow"),
        (4, "n", "overflow"),
        (5, "day", "time_in_date"),
        (6, "ratio", "not_finite"),
    ]
    assert [row[0] for row in judged.good] == [1]
    assert judged.rejects[0].raw_value == "1.239"


@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Berlin"])
@pytest.mark.parametrize("kind", ["timestamp", "date"])
def test_nanoseconds_cost_their_own_row_and_not_its_neighbours(tmp_path: Path, zone: str | None, kind: str) -> None:
    midnight = 1_789_948_800_000_000_000
    instants = pa.array([midnight, midnight + 1, None], pa.int64()).cast(pa.timestamp("ns", zone))
    judged = judge_pages(tmp_path, contract(column("at", kind)), batch(id=[1, 2, 3], at=instants))
    assert [(key, at and f"{at:%Y-%m-%d %H:%M}") for key, at in judged.good] == [(1, "2026-09-21 00:00"), (3, None)]
    assert judged.reasons == [(2, "at", "precision")]


def test_a_text_is_too_long_by_its_characters_whatever_the_footer_says_of_its_bytes(tmp_path: Path) -> None:
    judged = judge_pages(
        tmp_path, contract(column("note", "text(3)")), batch(id=[1, 2, 3, 4], note=["äöü", "abcd", "a\0", None])
    )
    assert judged.reasons == [(2, "note", "too_long"), (3, "note", "nul_byte")]


def test_infinite_and_five_digit_dates_are_impossible(tmp_path: Path) -> None:
    dated = contract(column("day", "date"))
    days = pa.array([0, 6_000_000, 2**31 - 1], pa.int32()).cast(pa.date32())
    assert judge_pages(tmp_path, dated, batch(id=[1, 2, 3], day=days)).reasons == [
        (2, "day", "impossible_date"),
        (3, "day", "impossible_date"),
    ]


def test_numbers_that_a_driver_hands_over_as_text_stay_exact(tmp_path: Path) -> None:
    long = contract(column("price", "decimal(38,10)"))
    price = "1234567890123456789012345678.0123456789"
    judged = judge_pages(tmp_path, long, batch(id=[1, 2], price=[price, "NaN"]))
    assert judged.good == [(1, Decimal(price))]
    assert judged.reasons == [(2, "price", "not_a_number")]


def test_batches_of_different_forms_are_judged_together(tmp_path: Path) -> None:
    narrow = batch(id=pa.array([1], pa.int64()), note=["a"], state=["open"])
    wide = batch(id=pa.array([2], pa.decimal128(20, 0)), note=["b"], state=["gone"])
    judged = judge_pages(tmp_path, NOTES, narrow, wide)
    assert [row[0] for row in judged.good] == [1]
    assert judged.rejects[0].file.endswith("rows-00001.parquet")
    assert judged.rejects[0].key == '{"id":"2"}'


@pytest.mark.parametrize("page", [batch(id=[1], note=["x"]), batch(id=["x"], note=["x"], state=pa.array([[1]]))])
def test_a_column_that_is_gone_or_never_fits_is_drift_and_is_named(tmp_path: Path, page: pa.RecordBatch) -> None:
    with pytest.raises(SchemaDrift, match="state"):
        judge_pages(tmp_path, NOTES, page)


def test_a_column_that_the_contract_did_not_know_when_a_load_landed_is_null(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    grown = contract(*NOTES.columns[1:], column("later", "date"))
    for page in (batch(id=[1], note=["x"], state=["open"]), csv("id,note,state", "1,x,open")):
        assert judge(store, grown, land(store, NOTES, page)).good == [(1, "x", "open", None)]


# JSON


def test_json_members_may_be_absent_unknown_or_nested(tmp_path: Path) -> None:
    nested = contract(column("tags", "json", source="Tags"), column("name", "text", source="Name"))
    page = records(
        {"id": 1, "attributes": {"type": "x"}, "Tags": {"a": [1, None]}, "Name": ""},
        {"id": 2, "Tags": "text"},
        {"id": 3},
    )
    judged = judge_pages(tmp_path, nested, page)
    assert judged.good == [(1, '{"a":[1,null]}', ""), (2, '"text"', None), (3, None, None)]


def test_a_json_number_is_no_text_and_a_text_is_no_boolean(tmp_path: Path) -> None:
    mixed = contract(column("name", "text"), column("flag", "boolean"))
    page = records(
        {"id": 1, "name": 5}, {"id": 2, "flag": "yes"}, {"id": 3, "flag": True, "name": "x"}, {"id": 4, "name": {}}
    )
    judged = judge_pages(tmp_path, mixed, page)
    assert judged.reasons == [(1, "name", "not_text"), (2, "flag", "not_a_boolean"), (4, "name", "not_text")]
    assert judged.good == [(3, "x", True)]


def test_money_with_eighteen_digits_survives_json(tmp_path: Path) -> None:
    page = JsonPage(b'[{"id":1,"price":1234567890123456.78},{"id":2,"price":0.1},{"id":3,"price":9007199254740993}]')
    judged = judge_pages(tmp_path, MONEY, page)
    assert [row[1] for row in judged.good] == [
        Decimal("1234567890123456.78"),
        Decimal("0.10"),
        Decimal("9007199254740993.00"),
    ]


def test_timestamps_with_any_offset_become_utc(tmp_path: Path) -> None:
    texts = ["2026-11-21T10:00:00.000+0000", "2026-11-21T10:00:00Z", "2026-11-21T12:00:00+02:00", "2026-11-21 10:00:00"]
    judged = judge_pages(tmp_path, MONEY, records(*({"id": n, "at": at} for n, at in enumerate(texts))))
    assert {row[2] for row in judged.good} == {datetime(2026, 11, 21, 10)}  # noqa: DTZ001
    assert judged.gated.max_cursor == datetime(2026, 11, 21, 10)  # noqa: DTZ001


def test_the_watermark_counts_rejects_whose_cursor_is_readable(tmp_path: Path) -> None:
    page = records(
        {"id": 1, "at": "2026-01-01T00:00:00Z"},
        {"id": 2, "at": "2026-01-02T00:00:00Z", "price": "x"},
        {"id": 3, "at": "soon"},
    )
    judged = judge_pages(tmp_path, MONEY, page)
    assert judged.gated.max_cursor == datetime(2026, 1, 2)  # noqa: DTZ001
    assert [reject.cursor for reject in judged.rejects] == [datetime(2026, 1, 2), None]  # noqa: DTZ001


def test_irregular_pages_leave_the_regular_ones_on_the_fast_way(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    pages = [records({"id": 1, "price": 1.5}), JsonPage(b'[{"id":2,"price":123456789012345.12}]'), records({"id": 3})]
    manifest = land(store, MONEY, *pages)
    assert [part.regular for part in manifest.parts] == [True, False, True]
    assert [row[1] for row in judge(store, MONEY, manifest).good] == [
        Decimal("1.50"),
        Decimal("123456789012345.12"),
        None,
    ]


@pytest.mark.parametrize("member", ["", "records"])
def test_half_of_an_emoji_costs_its_own_row_alone_and_is_shown_as_it_was_sent(tmp_path: Path, member: str) -> None:
    array = rb"""[{"id":1,"note":"whole \ud83d\ude00","state":"open"},{"id":2,"note":"cut \ud83d","state":"open"},
        {"id":3,"note":"\\ud83d is no escape","state":"open"},{"id":4,"note":"\uDE00\ud83d","state":"open"}]"""
    page = JsonPage(b'{"records":%s}' % array if member else array, member)
    judged = judge_pages(tmp_path, NOTES, page)
    assert judged.good == [(1, "whole \U0001f600", "open"), (3, "\\ud83d is no escape", "open")]
    assert judged.reasons == [(2, "note", "invalid_utf8"), (4, "note", "invalid_utf8")]
    assert [reject.raw_value for reject in judged.rejects] == [r'"cut \ud83d"', r'"\uDE00\ud83d"']
    assert [reject.key for reject in judged.rejects] == ['{"id":"2"}', '{"id":"4"}']


def test_half_of_an_emoji_in_a_name_or_a_nested_value_costs_its_own_row(tmp_path: Path) -> None:
    nested = contract(column("tags", "json"))
    page = JsonPage(
        rb'[{"id":1,"tags":{"a":"\ud83d"}},{"id":2,"\ud83d":1},{"id":3,"tags":["x"]},{"id":4,"more":"\ud83d"}]'
    )
    judged = judge_pages(tmp_path, nested, page)
    assert judged.good == [(3, '["x"]'), (4, None)]
    assert judged.reasons == [(1, "tags", "invalid_utf8"), (2, None, "invalid_utf8")]


def test_a_record_that_is_no_object_costs_only_itself(tmp_path: Path) -> None:
    page = JsonPage(b'[{"id":1,"note":"x","state":"open"},null,5,"note",[{"note":1,"note":2}],{"id":2,"state":"paid"}]')
    judged = judge_pages(tmp_path, NOTES, page)
    assert judged.good == [(1, "x", "open"), (2, None, "paid")]
    assert judged.reasons == [(number, None, "not_an_object") for number in (2, 3, 4, 5)]
    assert [reject.raw_row for reject in judged.rejects][:2] == ['{"_line":"null"}', '{"_line":"5"}']


@pytest.mark.parametrize("number", [b"1", b"123456789012345678"], ids=["fast", "exact"])
def test_a_member_that_stands_twice_in_a_record_is_named(tmp_path: Path, number: bytes) -> None:
    page = JsonPage(b'[{"id":1,"note":"a"},{"id":%s,"note":"b","state":"open","note":"c"}]' % number)
    with pytest.raises(ContractViolated, match=r"rows-00000.ndjson.zst: record 2 has the member 'note' twice"):
        judge_pages(tmp_path, NOTES, page)


@pytest.mark.parametrize("number", [b"1", b"123456789012345678"], ids=["fast", "exact"])
def test_a_name_that_stands_again_elsewhere_in_a_record_is_not_twice(tmp_path: Path, number: bytes) -> None:
    page = JsonPage(b'[{"id":%s,"note":"note","state":"open","more":{"note":"c","note":1},"x":1,"x":2}]' % number)
    assert judge_pages(tmp_path, NOTES, page).good == [(int(number), "note", "open")]


# What holds for all


def test_a_rejects_raw_row_can_be_mended_and_replayed(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    full = contract(
        column("price", "decimal(38,10)"), column("at", "timestamp"), column("tags", "json"), column("flag", "boolean"),
        column("state", "text", allowed=("open",)),
    )  # fmt: skip
    page = JsonPage(
        b'[{"id":1,"price":1234567890123456789012345678.0123456789,"at":"2026-01-01T00:00:00Z",'
        b'"tags":{"a":1.10},"flag":true,"state":"shut"}]'
    )
    (reject,) = judge(store, full, land(store, full, page)).rejects
    mended = json.dumps([json.loads(reject.raw_row) | {"state": "open"}]).encode()
    judged = judge(store, full, land(store, full, JsonPage(mended), mode="replay"))
    assert judged.good[0][1] == Decimal("1234567890123456789012345678.0123456789")
    assert json.loads(str(judged.good[0][3])) == {"a": 1.10}


def test_a_rejects_key_is_what_the_engine_computes_for_good_rows(tmp_path: Path) -> None:
    rated = contract(
        column("rate", "decimal(18,4)"), column("day", "date"), column("note", "text"), key=("rate", "day")
    )
    pages: list[Page] = [
        csv("id,rate,day,note", "1,1.5,2026-01-01,ok", "x,1.5,2026-01-01,bad", "2,y,2026-01-01,bad"),
        records(
            {"id": 1, "rate": 1.5, "day": "2026-01-01"},
            {"id": "x", "rate": "15e-1", "day": "2026-01-01"},
            {"id": 3, "rate": "y"},
        ),
    ]
    for page in pages:
        store = FolderStore(tmp_path)
        manifest = land(store, rated, page)
        with connection() as con, gate(con, rated, manifest, store):
            good = con.execute(f"SELECT {key_json_expression(rated.key_columns)} FROM good").fetchall()
            bad = con.execute("SELECT key FROM rejects ORDER BY row_number").fetchall()
        assert good == [('{"rate":"1.5000","day":"2026-01-01"}',)]
        assert bad == [*good, (None,)]


@pytest.mark.parametrize(
    "page",
    [
        batch(id=[1], note=["sent"], state=["open"]),
        csv("id,note,state", "1,sent,open"),
        csv("id,note,state", '1,sent,"open"\r'),
        records({"id": 1, "note": "sent", "state": "open"}),
    ],
    ids=["arrow", "csv", "irregular csv", "json"],
)
def test_a_folder_named_like_a_column_and_a_value_is_no_value(tmp_path: Path, page: Page) -> None:
    home = tmp_path / "note=folder"
    store = FolderStore(home / "landing")
    manifest = land(store, NOTES, page)
    spill = {"temp_directory": str(home / "duckdb")}
    with duckdb.connect(config=spill) as con, gate(con, NOTES, manifest, store) as gated:
        assert con.execute(f"FROM {gated.good}").fetchall() == [(1, "sent", "open")]


def test_lengths_count_characters_not_bytes(tmp_path: Path) -> None:
    short = contract(column("name", "text(4)"))
    for page in (csv("id,name", "1,çàéè", "2,abcde"), records({"id": 1, "name": "çàéè"}, {"id": 2, "name": "abcde"})):
        assert judge_pages(tmp_path, short, page).reasons == [(2, "name", "too_long")]


def test_keys_of_a_sweep_and_of_a_feed_are_typed(tmp_path: Path) -> None:
    from landing_bench import CONNECTION, NOW

    from orchestration.contracts.extraction import Window

    store = FolderStore(tmp_path)
    with LandingWriter(store, NOTES, CONNECTION, mode="delta", window=Window(NOW, NOW)) as writer:
        writer.write_present(batch(id=pa.array([1, 2], pa.int32())))
        writer.write_deleted(batch(id=["7"]))
        manifest = writer.commit(deletes_until=NOW)
    with connection() as con, gate(con, NOTES, manifest, store) as gated:
        assert con.execute(f"FROM {gated.present_keys} ORDER BY id").fetchall() == [(1,), (2,)]
        assert con.execute(f"FROM {gated.deleted_keys}").fetchall() == [(7,)]
        assert con.execute(f"FROM {gated.good}").fetchall() == []


def test_a_landed_key_that_is_no_key_stops_the_load(tmp_path: Path) -> None:
    from landing_bench import CONNECTION, NOW

    from orchestration.contracts.extraction import Window

    store = FolderStore(tmp_path)
    with LandingWriter(store, NOTES, CONNECTION, mode="delta", window=Window(NOW, NOW)) as writer:
        writer.write_deleted(batch(id=["seven"]))
        manifest = writer.commit()
    with (
        connection() as con,
        pytest.raises(ContractViolated, match="1 landed keys"),
        gate(con, NOTES, manifest, store),
    ):
        pass


def test_the_gate_can_run_again_and_within_the_callers_transaction(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    manifest = land(store, NOTES, csv("id,note,state", "1,x,open", "2,x"))
    with connection() as con:
        with gate(con, NOTES, manifest, store) as first:
            pass
        con.begin()
        con.execute("CREATE TABLE mine AS SELECT 1")
        with gate(con, NOTES, manifest, store) as second:
            pass
        con.commit()
        assert con.execute("SELECT count(*) FROM mine").fetchall() == [(1,)]
    assert first == second


def test_a_gate_that_fails_in_the_callers_transaction_gives_the_memory_back(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    manifest = land(store, NOTES, records({"id": 1, "note": "x", "state": "open"}))
    store.local_path(manifest.parts[0].key).write_bytes(b"no zstd")
    limit = "SELECT current_setting('memory_limit')"
    with duckdb.connect(config={"memory_limit": "256MiB"}) as con:
        before = con.execute(limit).fetchall()
        con.begin()
        with pytest.raises(duckdb.Error), gate(con, NOTES, manifest, store):
            pass
        con.rollback()
        assert con.execute(limit).fetchall() == before


def test_many_parts_add_up(tmp_path: Path) -> None:
    pages = [
        csv("id,note,state", *(f"{part * 100 + n},x,{'open' if n else 'x'}" for n in range(100))) for part in range(7)
    ]
    judged: Judged = judge_pages(tmp_path, NOTES, *pages)
    assert (judged.gated.extracted, judged.gated.rejected) == (700, 7)
    assert len({reject.file for reject in judged.rejects}) == 7
