"""For values of every type the gate's outcome is that of a plain Python reading of the rules, as CSV and as JSON."""

from __future__ import annotations

import json
import os
import re
import tempfile
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from landing_bench import column, contract, judge_pages

from orchestration.contracts.extraction import CsvPart, JsonPage
from orchestration.contracts.types import ColumnType, parse_type

NUMBER = r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d{1,3})?"
CLOCK = r"(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,12})?)?"
ZONE = r"(?: ?Z| ?[-+](?:0\d|1[0-5])(?::?[0-5]\d)?)?"
RANGES = {"smallint": 15, "integer": 31, "bigint": 63}

digits = st.text("0123456789", max_size=40)
numbers = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["", "-", "+", " "]),
    st.one_of(digits, st.integers(0, 10**19).map(str)),
    st.one_of(st.just(""), digits.map(".{}".format), st.just(".00"), st.just(".239")),
    st.one_of(
        st.just(""),
        st.builds("{}{}{}".format, st.sampled_from("eE"), st.sampled_from(["", "-", "+"]), st.integers(0, 45)),
    ),
)
ODD_NUMBERS = "nan NaN inf -Infinity 1_000 0x10 1,5 1e e5 . - + 1e400 1e-400 0e999 t TRUE true false 1 0"
ODD_TIMES = """infinity epoch today null 12:00 2026-1-2 20240-01-01 0000-01-01 2026-02-30 2024-02-29
    2026-01-01T00:00:60Z 9999-12-31T23:59:59-05:00 0001-01-01T00:00:00+05 0000-12-31T10:00:00.000+0000
    2026-02-30T10:00:00.000+0000 2026-01-01T24:00:00.000+0000 2026-01-01T10:00:00.999+0000"""
ODD_SPACED = (
    "2026-01-01 24:00:00",
    "10000-01-01 00:00:00",
    "0001-01-01 (BC) 00:00:00",
    "2026-01-02 Europe/Berlin",
    " 2026-01-02",
)
odd = st.sampled_from([*ODD_NUMBERS.split(), *ODD_TIMES.split(), *ODD_SPACED, "\x00", "é" * 10])
days = st.dates(date(1, 1, 1), date(9999, 12, 31)).map(date.isoformat)
clocks = st.builds("{:02d}:{:02d}".format, st.integers(0, 25), st.integers(0, 61))
seconds = st.one_of(st.just(""), st.integers(0, 61).map(":{:02d}".format))
fractions = st.one_of(st.just(""), st.text("0123456789", min_size=1, max_size=9).map(".{}".format))
zones = st.one_of(
    st.sampled_from(["", "Z", " Z", "+00", "+0000", "+00:00", "-00:00", "+05:30", "-0800", "+15", "+99", "z", "UTC"])
)
moments = st.builds("{}{}{}{}{}{}".format, days, st.sampled_from("T  t"), clocks, seconds, fractions, zones)
uuids = st.one_of(
    st.uuids().map(str), st.uuids().map(lambda value: str(value).upper()), st.uuids().map(lambda v: v.hex)
)
free = st.text(st.characters(exclude_categories=["Cs"]), max_size=14)
jsons = st.recursive(st.none() | st.booleans() | st.integers() | free, lambda inner: st.lists(inner, max_size=3)).map(
    json.dumps
)
values = st.one_of(numbers, odd, days, moments, free, uuids, jsons)

KINDS = ["smallint", "integer", "bigint", "decimal(5,2)", "decimal(18,2)", "decimal(18,0)", "decimal(38,10)",
         "decimal(38,38)",
         "double", "boolean", "date", "timestamp", "text", "text(5)", "uuid", "json"]  # fmt: skip
THOROUGH = 1000 if os.environ.get("STRATA_NIGHTLY") == "1" else 4
MANY = 60
"""Values of an example, at least: landing and judging a load takes longer than a hundred values do."""


def outcome(kind: ColumnType, text: str) -> object:  # noqa: PLR0911
    """Return the typed value of a text, or ``!reason``."""
    match kind.kind:
        case "decimal" | "smallint" | "integer" | "bigint":
            return _number(kind, text)
        case "double":
            if not re.fullmatch(NUMBER, text, re.ASCII):
                return "!not_a_number"
            return float(text) if abs(float(text)) != float("inf") else "!not_finite"
        case "boolean":
            return {"true": True, "false": False}.get(text, "!not_a_boolean")
        case "date":
            return _date(text)
        case "timestamp":
            return _timestamp(text)
        case "uuid":
            shape = r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
            return text.lower() if re.fullmatch(shape, text) else "!not_a_uuid"
        case "json":
            return text if _is_json(text) else "!not_json"
        case _:
            if "\0" in text:
                return "!nul_byte"
            return "!too_long" if kind.length and len(text) > kind.length else text


def _number(kind: ColumnType, text: str) -> object:
    if not re.fullmatch(NUMBER, text, re.ASCII):
        return "!not_a_number"
    value = Decimal(text)
    _, figures, exponent = value.as_tuple()
    used = -int(exponent) - (len(figures) - len("".join(map(str, figures)).rstrip("0")))
    if value and used > kind.scale:
        return "!scale" if kind.kind == "decimal" else "!not_an_integer"
    if kind.kind == "decimal":
        return value if value.copy_abs() < Decimal(10) ** (kind.precision - kind.scale) else "!overflow"
    bound = 2 ** RANGES[kind.kind]
    return int(value) if -bound <= value < bound else "!overflow"


def _date(text: str) -> object:
    if re.fullmatch(r"\d{4}-\d\d-\d\d[T ].*", text, re.ASCII):
        return "!time_in_date"
    if not re.fullmatch(r"\d{4,}-\d\d-\d\d", text, re.ASCII):
        return "!not_a_date"
    try:
        return date.fromisoformat(text)
    except ValueError:
        return "!impossible_date"


def _timestamp(text: str) -> object:
    shape = re.fullmatch(rf"(\d{{4}}-\d\d-\d\d)(?:[T ]({CLOCK})({ZONE}))?", text, re.ASCII)
    if not shape:
        return "!not_a_timestamp"
    day, clock, zone = shape[1], shape[2] or "00:00", (shape[3] or "").strip()
    clock, _, fraction = clock.partition(".")
    if fraction[6:].strip("0"):
        return "!precision"
    try:
        local = datetime.fromisoformat(f"{day} {clock}").replace(microsecond=int(fraction[:6].ljust(6, "0") or 0))
        return local - _offset(zone)
    except (ValueError, OverflowError):
        return "!impossible_date"


def _offset(zone: str) -> timedelta:
    if zone in ("", "Z"):
        return timedelta()
    plain = zone[1:].replace(":", "").ljust(4, "0")
    return (-1 if zone[0] == "-" else 1) * timedelta(hours=int(plain[:2]), minutes=int(plain[2:]))


def _is_json(text: str) -> bool:
    try:
        json.loads(text, parse_constant=lambda name: json.loads(f"no {name}"))
    except (ValueError, RecursionError):
        return False
    return True


def csv_part(texts: list[str]) -> CsvPart:
    lines = ["id,value", *(f'{number},"{text.replace(chr(34), chr(34) * 2)}"' for number, text in enumerate(texts))]
    return CsvPart("\n".join(lines).encode(), rows=len(texts))


def json_page(texts: list[str]) -> JsonPage:
    return JsonPage(json.dumps([{"id": number, "value": text} for number, text in enumerate(texts)]).encode())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("page_of", [csv_part, json_page])
@settings(
    max_examples=THOROUGH,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(texts=st.lists(values, min_size=MANY, max_size=300))
def test_a_text_becomes_what_the_rules_say(kind: str, page_of: object, texts: list[str]) -> None:
    mode = "full" if page_of is csv_part else "replay"
    expected = {number: outcome(parse_type(kind), text) for number, text in enumerate(texts)}
    if page_of is csv_part:
        expected |= {number: None for number, text in enumerate(texts) if not text}
    assert _judged(kind, page_of(texts), mode) == expected  # type: ignore[operator]


json_numbers = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["", "-"]),
    st.integers(0, 10**30).map(str),
    st.one_of(st.just(""), st.text("0123456789", min_size=1, max_size=20).map(".{}".format)),
    st.one_of(
        st.just(""),
        st.builds("{}{}{}".format, st.sampled_from("eE"), st.sampled_from(["", "-", "+"]), st.integers(0, 320)),
    ),
)
short_numbers = st.one_of(
    st.builds("{}.{}".format, st.integers(-(10**9), 10**9), st.integers(0, 9999)),
    st.integers(-(10**15), 10**15).map(str),
)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if not kind.startswith(("json", "uuid"))])
@settings(max_examples=THOROUGH, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(numbers=st.one_of(st.lists(kind, min_size=MANY, max_size=300) for kind in (short_numbers, json_numbers)))
def test_a_json_number_keeps_every_digit(kind: str, numbers: list[str]) -> None:
    records = ",".join(f'{{"id":{number},"value":{token}}}' for number, token in enumerate(numbers))
    wanted = parse_type(kind)
    expected = {
        number: "!not_text" if wanted.kind == "text" else outcome(wanted, token) for number, token in enumerate(numbers)
    }
    assert _judged(kind, JsonPage(f"[{records}]".encode()), "full") == expected


def _judged(kind: str, page: CsvPart | JsonPage, mode: object) -> dict[int, object]:
    """Return the typed value or ``!reason`` by id."""
    with tempfile.TemporaryDirectory() as folder:
        judged = judge_pages(Path(folder), contract(column("value", kind)), page, mode=mode)  # type: ignore[arg-type]
    assert judged.gated.extracted == len(judged.good) + len(judged.rejects)
    assert all(reject.row_number == int(json.loads(reject.raw_row)["id"]) + 1 for reject in judged.rejects)
    found: dict[int, object] = {int(str(row[0])): row[1] for row in judged.good}
    return found | {int(json.loads(reject.key or "{}")["id"]): f"!{reject.reason}" for reject in judged.rejects}


def test_the_reference_itself_knows_the_known_cases() -> None:
    assert outcome(parse_type("decimal(5,2)"), "8.6e3") == "!overflow"
    assert outcome(parse_type("decimal(18,2)"), "1.239") == "!scale"
    assert outcome(parse_type("bigint"), "22.7") == "!not_an_integer"
    assert outcome(parse_type("timestamp"), "2026-11-21T10:00:00.000+0200") == datetime(2026, 11, 21, 8)  # noqa: DTZ001
    assert datetime.now(UTC)
