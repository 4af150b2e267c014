"""What a load leaves behind in landing: all of it or nothing, with the bytes as they were sent."""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from landing_bench import CONNECTION, NOW, batch, column, contract, judge, land

from orchestration.contracts.extraction import Connection, CsvPart, JsonPage, Window
from orchestration.failures import Busy, ConnectionFailed, ContractViolated, SchemaDrift, SettingsError, StrataError
from orchestration.landing import parquet, text
from orchestration.landing.folder import FolderStore
from orchestration.landing.history import verify
from orchestration.landing.manifest import Place, decode_manifest, load_time, new_load_id
from orchestration.landing.plain_texts import TextsSeen, longest_texts
from orchestration.landing.store import open_landing
from orchestration.landing.writer import LandingWriter
from orchestration.settings import Settings

ORDERS = contract(column("note", "text"))


def content(store: FolderStore, key: str) -> bytes:
    with pa.input_stream(str(store.local_path(key)), compression="zstd") as stream:
        return bytes(stream.read())


def test_a_committed_load_has_its_parts_and_a_manifest_that_reads_back(store: FolderStore) -> None:
    manifest = land(store, ORDERS, batch(id=[1, 2], note=["a", None]), load_id="20261121T120000.000000Z-00000001")
    assert manifest.place.prefix == "acme/shop/main/order/"
    assert sorted(store.keys("")) == [manifest.key, manifest.parts[0].key]
    assert decode_manifest(store.read(manifest.key)) == manifest
    assert manifest.columns == ORDERS.columns
    verify(store, manifest)


def test_a_load_that_found_nothing_leaves_nothing(store: FolderStore, tmp_path: Path) -> None:
    manifest = land(store, ORDERS, batch(id=pa.array([], pa.int64()), note=pa.array([], pa.string())), JsonPage(b"[]"))
    assert manifest.parts == ()
    assert not list(tmp_path.rglob("*.*"))


def test_a_load_that_fails_leaves_nothing(store: FolderStore, tmp_path: Path) -> None:
    with pytest.raises(ConnectionFailed):
        land(store, ORDERS, JsonPage(b'[{"id":1}]'), JsonPage(b'[{"id":2},{"i'))
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_load_that_fails_after_many_rows_leaves_nothing_and_fails_of_nothing_else(
    store: FolderStore, tmp_path: Path
) -> None:
    """Pytest fails here when the file's writer, thrown away, meets a file that is closed."""
    many = pa.record_batch({"id": pa.array(range(parquet._GROUP_ROWS))})
    with pytest.raises(ConnectionFailed):
        land(store, ORDERS, many, JsonPage(b'[{"id":2},{"i'))
    gc.collect()
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_two_loads_of_one_id_cannot_both_land(store: FolderStore) -> None:
    land(store, ORDERS, batch(id=[1], note=["first"]), load_id="x")
    with pytest.raises(Busy):
        land(store, ORDERS, batch(id=[1], note=["second"]), load_id="x")


@pytest.mark.parametrize(
    "page",
    [
        JsonPage(b'{"records":[{"id":1},{"id":', "records"),
        JsonPage(b'{"done":true}', "records"),
        JsonPage(b'{"records":null}', "records"),
        JsonPage(b'{"records":[1,2]}', "records"),
        JsonPage(b'[{"id":' + b"[" * 100_000 + b"]" * 100_000 + b"}]"),
        JsonPage(b"<html>Bad Gateway</html>", "records"),
        JsonPage(b"", "records"),
        CsvPart(b"id,note\n", rows=3),
        CsvPart(b"", rows=1),
    ],
)
def test_a_broken_page_is_a_failed_connection(store: FolderStore, page: JsonPage | CsvPart) -> None:
    with pytest.raises(ConnectionFailed):
        land(store, ORDERS, page)


@pytest.mark.parametrize(
    "body", [b"", b"503 Service Unavailable", b"id,no", b"id,note\r1,x\r2,y\r", b"\xef\xbb\xbfid\n"]
)
def test_what_has_no_rows_and_no_header_either_is_no_proof_that_there_are_none(store: FolderStore, body: bytes) -> None:
    with pytest.raises(SchemaDrift, match=r"shop/order: a CSV part without rows: column '(id|note)' is missing"):
        land(store, ORDERS, CsvPart(b"id,note\n1,x\n"), CsvPart(body))


@pytest.mark.parametrize("part", [CsvPart(b"id,note\n"), CsvPart(b"note,id"), CsvPart(b"", rows=0)])
def test_a_header_alone_or_a_count_of_none_is(store: FolderStore, part: CsvPart) -> None:
    assert land(store, ORDERS, part).parts == ()


def test_utf_16_is_told(store: FolderStore) -> None:
    with pytest.raises(ContractViolated, match="UTF-16"):
        land(store, ORDERS, CsvPart("id,note\n1,x\n".encode("utf-16")))


@pytest.mark.parametrize("delimiter", ["", "||", "§", '"', "\n"])
def test_a_delimiter_that_is_none_is_told(delimiter: str) -> None:
    with pytest.raises(ContractViolated, match="delimiter"):
        CsvPart(b"id,note\n", delimiter=delimiter)


def test_a_load_does_not_mix_two_forms_of_text(store: FolderStore) -> None:
    with pytest.raises(ContractViolated, match="mixes ndjson and csv"):
        land(store, ORDERS, JsonPage(b'[{"id":1}]'), CsvPart(b"id,note\n1,x\n"))


members = st.dictionaries(st.text(max_size=5), st.none() | st.booleans() | st.integers() | st.text(), max_size=4)


@settings(max_examples=40, deadline=None)
@given(records=st.lists(members, min_size=1, max_size=8), spaced=st.booleans(), member=st.sampled_from(["", "records"]))
def test_every_json_record_lands_with_its_own_bytes(
    records: list[dict[str, object]], spaced: bool, member: str
) -> None:
    texts = [json.dumps(record, separators=(", ", ": ") if spaced else None) for record in records]
    array = f"[{' , '.join(texts)}]"
    page = JsonPage((f'{{"done": true, "records": {array}}}' if member else array).encode(), member)
    with tempfile.TemporaryDirectory() as folder:
        store = FolderStore(Path(folder))
        (part,) = land(store, ORDERS, page).parts
        assert content(store, part.key).decode().splitlines() == texts
        assert part.rows == len(records)


def test_line_breaks_between_the_tokens_of_a_record_become_spaces(store: FolderStore) -> None:
    (part,) = land(store, ORDERS, JsonPage(b'[{\n"id": 1,\r\n"note": "a\\nb"}, {"id": 2}]')).parts
    assert content(store, part.key) == b'{ "id": 1,  "note": "a\\nb"}\n{"id": 2}\n'


@settings(max_examples=40, deadline=None)
@given(body=st.binary(max_size=300))
def test_a_csv_part_lands_byte_by_byte(body: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = FolderStore(Path(folder))
        (part,) = land(store, ORDERS, CsvPart(b"id,note\n1,x\n" + body)).parts
        assert content(store, part.key) == b"id,note\n1,x\n" + body
        verify(store, decode_manifest(store.read(next(key for key in store.keys("") if key.endswith(".json")))))


def test_two_columns_of_one_name_are_told(store: FolderStore) -> None:
    twice = pa.record_batch([pa.array([1]), pa.array([2])], names=["id", "id"])
    with pytest.raises(ContractViolated, match=r"shop/order.* a batch with two columns 'id'"):
        land(store, ORDERS, twice)


def test_parts_roll_at_a_handy_size(store: FolderStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "PART_BYTES", 1000)
    monkeypatch.setattr(parquet, "PART_BYTES", 1000)
    monkeypatch.setattr(parquet, "_GROUP_ROWS", 100)
    pages = [JsonPage(json.dumps([{"id": n, "note": "x" * 400}]).encode()) for n in range(10)]
    assert [part.rows for part in land(store, ORDERS, *pages).parts] == [3, 3, 3, 1]
    batches = [batch(id=range(n, n + 100), note=[os.urandom(8).hex() for _ in range(100)]) for n in range(3)]
    assert [part.rows for part in land(store, ORDERS, *batches).parts] == [100, 100, 100]


def test_pages_of_one_part_come_back_in_order_whatever_they_were_compressed_with(store: FolderStore) -> None:
    numbers = range(40_000)
    records = [[{"id": n, "note": "x" * 300} for n in numbers[start : start + 10_000]] for start in numbers[::10_000]]
    manifest = land(store, ORDERS, *(JsonPage(json.dumps(page).encode()) for page in records))
    (part,) = manifest.parts
    assert [json.loads(line)["id"] for line in content(store, part.key).splitlines()] == [*numbers]
    assert sorted(row[0] for row in judge(store, ORDERS, manifest).good) == [*numbers]


def test_memory_stays_bounded_while_parquet_streams(store: FolderStore) -> None:
    def pages() -> Iterator[pa.RecordBatch]:
        for start in range(0, 3_000_000, 50_000):
            yield batch(id=pa.array(range(start, start + 50_000)), note=pa.array(["n" * 40] * 50_000))

    before = pa.total_allocated_bytes()
    with LandingWriter(store, ORDERS, CONNECTION, mode="full", window=Window(None, NOW)) as writer:
        peak = 0
        for page in pages():
            writer.write(page)
            peak = max(peak, pa.total_allocated_bytes() - before)
        writer.commit()
    assert peak < 60_000_000


def test_types_widen_only_where_nothing_is_lost(store: FolderStore) -> None:
    wide = contract(
        column("note", "text"), column("at", "timestamp"), column("price", "decimal(18,2)"), column("n", "smallint")
    )
    nanoseconds = pa.array([1], pa.timestamp("ns"))
    page = batch(
        id=pa.array([1], pa.int32()),
        note=pa.array(["x"], pa.large_string()).dictionary_encode(),
        at=nanoseconds,
        price=pa.array([Decimal("1.239")], pa.decimal128(20, 3)),
        n=pa.array([70000], pa.int32()),
    )
    (part,) = land(store, wide, page).parts
    schema = pq.read_schema(store.local_path(part.key))
    kinds = [pa.int64(), pa.string(), pa.timestamp("ns"), pa.decimal128(20, 3), pa.int32()]
    assert schema.types == kinds


def test_decimals_are_stored_as_integers_and_come_back_exact(store: FolderStore) -> None:
    priced = contract(column("price", "decimal(18,2)"))
    scaled = pa.array([12345678901234567, -1, None])
    price = pa.Array.from_buffers(pa.decimal64(18, 2), 3, scaled.buffers())
    (part,) = land(store, priced, batch(id=[1, 2, 3], price=price)).parts
    path = store.local_path(part.key)
    assert pq.ParquetFile(path).schema.column(1).physical_type == "INT64"
    assert pq.read_table(path).column("price").to_pylist() == [Decimal("123456789012345.67"), Decimal("-0.01"), None]


def test_a_manifest_holds_no_secret(store: FolderStore) -> None:
    from pydantic import SecretStr

    connection = Connection("acme", "shop", settings={"password": SecretStr("hunter2")})
    with LandingWriter(store, ORDERS, connection, mode="full", window=Window(None, NOW)) as writer:
        writer.write(batch(id=[1], note=["x"]))
        assert b"hunter2" not in writer.commit().encode()


def test_load_ids_sort_by_time_and_tell_it() -> None:
    times = [datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, 0, 0, 0, 1, tzinfo=UTC), NOW]
    ids = [new_load_id(at) for at in times]
    assert ids == sorted(ids)
    assert [load_time(load_id) for load_id in ids] == times


def test_a_changed_or_lost_part_is_named_before_it_is_read_again(store: FolderStore) -> None:
    manifest = land(store, ORDERS, batch(id=[1], note=["x"]))
    path = store.local_path(manifest.parts[0].key)
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with pytest.raises(StrataError, match="differs from what landed"):
        verify(store, manifest)
    path.unlink()
    with pytest.raises(StrataError, match="is gone"):
        verify(store, manifest)


def test_a_killed_writer_leaves_no_manifest(tmp_path: Path) -> None:
    script = f"""
import os, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from landing_bench import *
writer = LandingWriter(FolderStore(Path({str(tmp_path)!r})), contract(column("note", "text")), CONNECTION,
                       mode="full", window=Window(None, NOW))
for start in range(0, 400_000, 50_000):
    writer.write(batch(id=pa.array(range(start, start + 50_000)), note=pa.array(["n" * 40] * 50_000)))
os.kill(os.getpid(), 9)
"""
    killed = subprocess.run([sys.executable, "-c", script], check=False)
    assert killed.returncode == -signal.SIGKILL
    store = FolderStore(tmp_path)
    assert list(store.keys("")) == []
    assert len(store.folders(Place.of(CONNECTION, ORDERS).prefix)) == 1


def test_the_store_follows_the_setting(tmp_path: Path) -> None:
    def opened(url: str) -> object:
        return open_landing(Settings(home=tmp_path / "home", landing_url=url, _env_file=None))

    opened("").put("a/b", b"x")  # type: ignore[attr-defined]
    assert (tmp_path / "home" / "landing" / "a" / "b").read_bytes() == b"x"
    opened(f"file://{tmp_path}/else where").put("a/b", b"y")  # type: ignore[attr-defined]
    assert (tmp_path / "else where" / "a" / "b").read_bytes() == b"y"
    for wrong in ("az://account", "abfss://account.dfs.core.windows.net/prefix", "ftp://host/folder", "landing"):
        with pytest.raises(SettingsError, match="STRATA_LANDING_URL"):
            opened(wrong)


def test_a_parts_footer_says_how_long_its_plain_texts_are(store: FolderStore) -> None:
    two = contract(column("note", "text"), column("tail", "text"))
    whole = batch(id=[1, 2, 3, 4], note=["ä\0", "ab", None, "äöü"], tail=["x", "", None, "\0"])
    manifest = land(store, two, whole.slice(1, 3))
    assert longest_texts([store.local_path(part.key) for part in manifest.parts]) == {"note": 6}


def test_what_not_every_footer_says_is_not_known(tmp_path: Path) -> None:
    table = pa.table({"note": ["a"]})
    pq.write_table(table, tmp_path / "foreign.parquet")
    part = parquet.ParquetPart(tmp_path / "ours.parquet", table.schema)
    part.write(table.to_batches()[0])
    part.close()
    assert longest_texts([tmp_path / "ours.parquet"]) == {"note": 1}
    assert longest_texts([tmp_path / "ours.parquet", tmp_path / "foreign.parquet"]) == {}
    assert longest_texts([]) == {}


@settings(deadline=None, max_examples=50)
@given(st.lists(st.none() | st.text("aä\0ö", max_size=4), max_size=12), st.integers(0, 5))
def test_the_footers_longest_text_is_the_longest_text(texts: list[str | None], first: int) -> None:
    seen = TextsSeen()
    seen.see(pa.table({"t": pa.chunked_array([pa.array(texts, pa.string())[first:]], pa.string())}))
    kept = [text for text in texts[first:] if text is not None]
    wanted = {} if any("\0" in text for text in kept) else {"t": max((len(text.encode()) for text in kept), default=0)}
    assert json.loads(*seen.footer().values()) == wanted
