"""The fast way of a regular CSV part comes to what the exact way does, record by record: same rows, same rejects."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from landing_bench import Judged, column, contract, judge, land

from orchestration.contracts.extraction import CsvPart
from orchestration.contracts.model import Contract
from orchestration.landing.folder import FolderStore
from orchestration.quality.rows import certain_rows

MEBIBYTE = 1024 * 1024
THOROUGH = 300 if os.environ.get("STRATA_NIGHTLY") == "1" else 3

NUMBERS = """0 7 -7 +5 007 22.0 22.7 1.230 1.239 1. .5 -.5 . - -- 1e3 1E-2 1e0005 1e400 0x10 0X1f 1_000 1,5
    inf -Infinity NaN 999.99 1000 32767 32768 -32769 2147483648 9223372036854775807 9223372036854775808 99999999999 -0
    12345678901234567890123456789012345678 123456789012345678901234567890123456789 ٣ 1\u00a0 true"""
TIMES = """2026-01-01 2024-02-29 2026-02-29 2026-1-2 0000-01-01 0001-01-01 9999-12-31 10000-01-01 20260101 2026/01/01
    2026-01-01T10 2026-01-01T10Z 2026-01-01T10:00 2026-01-01T10:00Z 2026-01-01T10:00:00 2026-01-01T10:00:00.1
    2026-01-01T10:00:00.123456 2026-01-01T10:00:00.1234560 2026-01-01T10:00:00.1234567 2026-01-01T10:00:00.
    2026-01-01T10:00:00Z 2026-01-01T10:00:00.000+0000 2026-01-01T10:00:00+00:00 2026-01-01T10:00:00+02:00
    2026-01-01T10:00:00+16:00 2026-01-01T24:00:00 2026-01-01T23:59:60 2026-01-01t10:00:00 2026-01-01Z
    9999-12-31T23:59:59-05:00 0001-01-01T00:00:00+05:00 0000-12-31T10:00:00Z 0000-12-31T10:00:00.000+0000
    2026-02-30T10:00:00.000+0000 2026-01-01T24:00:00.000+0000 2026-01-01t10:00:00.000+0000"""
WORDS = """true false TRUE t 1 null NULL NA epoch infinity open shut
    f1d34a5e-7c11-4f0e-9a51-0123456789ab F1D34A5E-7C11-4F0E-9A51-0123456789AB f1d34a5e7c114f0e9a510123456789ab
    {"a":1} [1,] NaN ééé éééé"""
SPACED = [
    " 7",
    "7 ",
    " ",
    "2026-01-01 10:00:00",
    "2026-01-01 10:00:00 Z",
    " 2026-01-01",
    "true ",
    "two\nlines",
    'a "b"',
]
TEXTS = [*NUMBERS.split(), *TIMES.split(), *WORDS.split(), *SPACED, ""]
COLUMNS = {
    kind: column("value", kind)
    for kind in ("smallint", "integer", "bigint", "decimal(5,2)", "decimal(18,0)", "decimal(38,10)", "decimal(38,38)",
                 "double", "boolean", "date", "timestamp", "text(3)", "uuid", "json")
} | {
    "allowed text": column("value", "text", required=True, allowed=("open", "7")),
    "allowed number": column("value", "integer", allowed=("7", "007", "22.0")),
    "allowed amount": column("value", "decimal(5,2)", allowed=("7.00", "22.0")),
    "required": column("value", "date", required=True),
}  # fmt: skip


def part(texts: list[str], *lines: str) -> CsvPart:
    quoted = [f'{number},"{text.replace(chr(34), chr(34) * 2)}"' for number, text in enumerate(texts)]
    return CsvPart("\n".join(["id,value", *quoted, *lines]).encode())


def both_ways(promised: Contract, page: CsvPart) -> Judged:
    """Judge a part in both ways, the fast one with its rows in memory and in a file; return their one outcome."""
    with tempfile.TemporaryDirectory() as folder:
        store = FolderStore(Path(folder))
        manifest = land(store, promised, page)
        assert manifest.parts[0].regular
        fast = judge(store, promised, manifest)
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(certain_rows, "HELD_BYTES", 0)
            in_a_file = judge(store, promised, manifest)
        parts = tuple(msgspec.structs.replace(landed, regular=False) for landed in manifest.parts)
        exact = judge(store, promised, msgspec.structs.replace(manifest, parts=parts))
    assert (fast.good, fast.rejects, fast.gated) == (exact.good, exact.rejects, exact.gated)
    assert (in_a_file.good, in_a_file.rejects, in_a_file.gated) == (fast.good, fast.rejects, fast.gated)
    return fast


@pytest.mark.parametrize("name", COLUMNS)
def test_every_odd_form_of_a_value_is_decided_as_the_exact_way_does(name: str) -> None:
    judged = both_ways(contract(COLUMNS[name]), part(TEXTS))
    assert judged.good
    assert judged.rejects


@pytest.mark.parametrize("name", COLUMNS)
@settings(max_examples=THOROUGH, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    common=st.sampled_from(TEXTS),
    odd=st.dictionaries(st.integers(0, 2999), st.sampled_from(TEXTS) | st.text("0123456789.-+eETZ: ", max_size=30)),
)
def test_a_few_odd_values_among_many_equal_ones(name: str, common: str, odd: dict[int, str]) -> None:
    both_ways(contract(COLUMNS[name]), part([odd.get(number, common) for number in range(3000)]))


@pytest.mark.parametrize("zone", ["", "Z", "+0000", "+00:00", "+02:00"])
def test_timestamps_of_one_zone_and_a_few_of_another(zone: str) -> None:
    texts = [f"2026-01-01T10:{number % 60:02d}:00{zone}" for number in range(200)]
    texts[3], texts[50], texts[99] = "2026-01-01T10:00:00Z", "2026-01-01T10:00:00+05:30", "2026-01-01 10:00:00"
    assert len(both_ways(contract(COLUMNS["timestamp"], cursor="value"), part(texts)).good) == 200


def test_lines_that_are_no_records_are_told_with_their_own_number() -> None:
    lines = [f"{n},{n}" if n % 7 else str(n) if n % 2 else f'{n},"a, b",' for n in range(100, 200)]
    lines[20], lines[50] = "", "150,x"
    judged = both_ways(contract(COLUMNS["integer"]), part(["1"] * 100, *lines))
    assert (149, "value", "not_a_number") in [(r.row_number - 1, r.column_name, r.reason) for r in judged.rejects]


def test_records_longer_than_the_readers_blocks_cost_nothing_else() -> None:
    long, too_long = "x" * (5 * MEBIBYTE), "x" * (9 * MEBIBYTE)
    lines = ["90,short", "91", f"92,{long}", "93,short", "94", f"95,{too_long}", "96,short", "97,a,b"]
    judged = both_ways(contract(column("value", "text")), part(["a"] * 90, *lines))
    assert len(judged.good) == 94
    assert [(row, reason) for row, _, reason in judged.reasons] == [
        (92, "column_count"), (95, "column_count"), (96, "line_too_long"), (98, "column_count"),
    ]  # fmt: skip


def test_a_part_without_one_whole_record() -> None:
    judged = both_ways(contract(column("value", "text")), CsvPart(b"id,value\n1\n\n2,b,c\n"))
    assert judged.reasons == [(1, None, "column_count"), (2, None, "column_count")]
    assert both_ways(contract(column("value", "text")), CsvPart(b"id,value\n\n\n")).gated.extracted == 0


def test_one_csv_value_may_be_two_columns() -> None:
    twice = contract(column("first", "text", source="value"), column("second", "integer", source="value"))
    assert both_ways(twice, part(["7"])).good == [(0, "7", 7)]
