"""A CSV part may be a file, read by and by: it lands as its bytes would, whatever its size."""

from __future__ import annotations

import gzip
import io
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from landing_bench import column, contract, judge_pages, land

from orchestration.contracts.extraction import CsvPart, JsonPage
from orchestration.failures import ConnectionFailed, ContractViolated, SchemaDrift
from orchestration.landing import csv_pages
from orchestration.landing.folder import FolderStore
from orchestration.landing.manifest import Part

HEADER = b"id,note\n"
ORDERS = contract(column("note", "text"))
PIECES = [b'"', b",", b"\n", b"\r\n", b"\r", b"a", b"7", b'"a\nb"', b"\xc3\xa9", b"\xff", b"\0"]
THOROUGH = 2000 if os.environ.get("STRATA_NIGHTLY") == "1" else 150
LAND_A_BIG_FILE = """
import resource, sys
from datetime import UTC, datetime
from pathlib import Path
from landing_bench import column, contract, land
from orchestration.contracts.extraction import CsvPart
from orchestration.landing.folder import FolderStore

ORDERS = contract(column("note", "text"))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with open(sys.argv[1], "rb") as file:
    (part,) = land(FolderStore(Path(sys.argv[2])), ORDERS, CsvPart(file)).parts
print(part.regular, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def landed(*pages: CsvPart, chunk_bytes: int = 1024 * 1024) -> list[tuple[bytes, Part]]:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patched:
        patched.setattr(csv_pages, "_CHUNK_BYTES", chunk_bytes)
        store = FolderStore(Path(folder))
        return [(store.local_path(part.key).read_bytes(), part) for part in land(store, ORDERS, *pages).parts]


@settings(max_examples=THOROUGH, deadline=None)
@given(
    start=st.sampled_from([HEADER, b"id,note\r\n", b'"id","note"\n', b"\xef\xbb\xbfid,note\n"]),
    body=st.lists(
        st.sampled_from([b'"', b",", b"\n", b"\r\n", b"\r", b"a", b"7", b'"a\nb"', b"\xc3\xa9", b"\xff", b"\0"])
    ),
    chunk_bytes=st.integers(1, 40),
)
@example(start=HEADER, body=[b"1", b",", b'"a\nb"', b"\n"], chunk_bytes=11)
def test_a_file_lands_as_its_bytes_do(start: bytes, body: list[bytes], chunk_bytes: int) -> None:
    whole = start + b"1,x\n" + b"".join(body)
    ((_, as_bytes),) = landed(CsvPart(whole, rows=3))
    ((_, as_file),) = landed(CsvPart(io.BytesIO(whole), rows=3), chunk_bytes=chunk_bytes)
    assert as_file.sha256 == as_bytes.sha256
    assert (as_file.rows, as_file.regular) == (as_bytes.rows, as_bytes.regular)


def test_files_of_one_load_stay_parts_of_their_own() -> None:
    files = [CsvPart(io.BytesIO(HEADER + b"%d,x\n" % number * 50)) for number in range(3)]
    assert [part.rows for _, part in landed(*files, chunk_bytes=16)] == [None, None, None]


def test_a_record_that_never_ends_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_pages, "RECORD_BYTES", 100)
    ((_, part),) = landed(CsvPart(io.BytesIO(HEADER + b'1,"never closed\n' + b"2,x\n" * 1000)), chunk_bytes=16)
    assert not part.regular


def test_a_quote_astray_before_many_quoted_lines_is_looked_for_in_one_go() -> None:
    """Counting all quotes again for each line would take minutes here."""
    body = HEADER + b'1,5" pipe\n' + b'2,"quoted"\n' * 700_000
    ((_, part),) = landed(CsvPart(io.BytesIO(body)))
    assert not part.regular


def test_a_compressed_file_can_be_handed_over(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv.gz"
    path.write_bytes(gzip.compress(HEADER + b"1,x\n2,y\n"))
    with gzip.open(path, "rb") as file:
        ((_, part),) = landed(CsvPart(file))
    ((_, as_bytes),) = landed(CsvPart(HEADER + b"1,x\n2,y\n"))
    assert part.sha256 == as_bytes.sha256


def test_a_compressed_file_that_was_cut_off_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv.gz"
    path.write_bytes(gzip.compress(HEADER + os.urandom(400_000).hex().encode())[:200_000])
    store = FolderStore(tmp_path / "landing")
    with gzip.open(path, "rb") as file, pytest.raises(ConnectionFailed, match=r"/.* could not be read to its end"):
        land(store, ORDERS, CsvPart(file))
    assert not [found for found in (tmp_path / "landing").rglob("*") if found.is_file()]


def test_a_pipe_is_read_to_its_end() -> None:
    reading, writing = os.pipe()
    whole = HEADER + b"".join(b"%d,note %d\n" % (number, number) for number in range(50_000))

    def write() -> None:
        with os.fdopen(writing, "wb") as file:
            file.write(whole)

    writer = threading.Thread(target=write)
    writer.start()
    with os.fdopen(reading, "rb", buffering=0) as file:
        ((_, part),) = landed(CsvPart(file))
    writer.join()
    ((_, as_bytes),) = landed(CsvPart(whole))
    assert part.rows is None
    assert part.regular == as_bytes.regular


@pytest.mark.parametrize("content", [b"", b"503 Service Unavailable", b"id,no"])
def test_a_file_without_rows_and_header_is_no_proof_that_there_are_none(content: bytes) -> None:
    with pytest.raises(SchemaDrift, match="without rows"):
        landed(CsvPart(io.BytesIO(content)), chunk_bytes=4)


def test_a_file_with_its_header_alone_is() -> None:
    assert landed(CsvPart(io.BytesIO(HEADER)), chunk_bytes=4) == []


def test_errors_name_the_file_as_the_source_does(tmp_path: Path) -> None:
    path = tmp_path / "orders 7.csv"
    path.write_bytes(b"id\n")
    with path.open("rb") as file, pytest.raises(SchemaDrift, match=r"/\w+: orders 7\.csv: a CSV part without rows"):
        landed(CsvPart(file))
    with pytest.raises(ConnectionFailed, match=r": orders\.csv: a CSV part could not be read"):
        landed(CsvPart(Broken(), name="orders.csv"))
    path.write_bytes(b"id\n1\n")
    with (
        path.open("rb") as file,
        pytest.raises(SchemaDrift, match=r"rows-00000\.csv\.zst \(orders 7\.csv\): column 'note'"),
    ):
        judge_pages(tmp_path, ORDERS, CsvPart(file))


class Broken:
    """A file on a disk that is gone."""

    def read(self, _size: int, /) -> bytes:
        raise OSError("Stale file handle")


def test_text_instead_of_bytes_is_told() -> None:
    with pytest.raises(ContractViolated, match=r".*/.*: .* gives str, not bytes.*mode 'rb'"):
        landed(CsvPart(io.StringIO("id,note\n1,x\n")))  # type: ignore[arg-type]
    with pytest.raises(ContractViolated, match="a CSV part whose body is str, not bytes"):
        CsvPart("id,note\n1,x\n")  # type: ignore[arg-type]
    with pytest.raises(ContractViolated, match="a JSON page whose body is dict, not bytes"):
        JsonPage({"id": 1})  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [b"some text", b'"some ""quoted"" text\nof two lines"'])
def test_a_big_file_takes_little_memory(tmp_path: Path, value: bytes) -> None:
    lines = b"".join(b"%d,%s\n" % (number, value) for number in range(40_000))
    with (tmp_path / "big.csv").open("wb") as file:
        file.write(HEADER)
        for _ in range(200_000_000 // len(lines)):
            file.write(lines)
    command = [sys.executable, "-c", LAND_A_BIG_FILE, str(tmp_path / "big.csv"), str(tmp_path / "landing")]
    path = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    told = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | {"PYTHONPATH": path})
    regular, megabytes = told.stdout.split()
    assert regular == "True"
    assert int(megabytes) < 60
