"""Received bytes before they land: a JSON reply is split into its records, a CSV part is looked over.

Records keep the bytes they came with. What is learnt on the way, while the bytes are at
hand, is whether a fast reader will get every value right (``Part.regular``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from orchestration.contracts.extraction import CsvPart, JsonPage
from orchestration.contracts.model import Contract
from orchestration.failures import ConnectionFailed, ContractViolated
from orchestration.landing.csv_header import parse_header

_RECORD_BYTES = 8 * 1024 * 1024
# DuckDB reads JSON numbers as doubles: more than 15 digits, or a huge exponent, would come out wrong.
_LONG = r"\s*-?(?:[0-9.]{17}|[0-9.]+[eE][-+]?[0-9]{3})"
_SPACED = bytes.maketrans(b"\n\r", b"  ")
_BOM = b"\xef\xbb\xbf"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class Lines:
    """Text of whole lines with its number of records; ``rows`` is ``None`` when nobody counted them."""

    content: bytes
    rows: int | None
    regular: bool


def split_json(page: JsonPage, *, nested: bool) -> Lines:
    """Turn a reply into one line for each record, with the record's own bytes.

    ``nested``: whole values of records are kept as JSON, so that numbers in arrays count too.

    Raises:
        ConnectionFailed: the reply is cut short, malformed, or lacks its member of records.
    """
    records = _records(page)
    lines: list[bytes] = [*records, b""] if records else []
    if page.body.find(b"\n") not in (-1, len(page.body) - 1):
        # Between tokens a line break is mere white space; inside strings JSON forbids it.
        lines = [bytes(line).translate(_SPACED) for line in lines]
    content = b"\n".join(lines)
    if records and (content[:1] != b"{" or _matches(content, r"\n[^{]")):
        raise ConnectionFailed("The source sent a JSON page with a record that is no object.", _REMEDY)
    short = not _matches(content, ":" + _LONG) and not (nested and _matches(content, r"[\[,]" + _LONG))
    small = max(map(len, records), default=0) <= _RECORD_BYTES
    regular = short and small and _is_utf8(content) and not _matches(content, r"\\u0000")
    return Lines(content, len(records), regular)


def look_over_csv(part: CsvPart, contract: Contract) -> Lines:
    """Say whether quotes, line ends and encoding of a CSV part are such that no reader can take them amiss.

    ``content`` lacks the byte order mark, and is empty when there is no line below the header.

    Raises:
        ConnectionFailed: there are no lines although the source counted rows.
        ContractViolated: the part is in UTF-16.
        SchemaDrift: there is one line, and it is not the header.
    """
    if part.body.startswith(_UTF_16):
        message = f"{contract.source}/{contract.entity}: extract.py handed over a CSV part in UTF-16."
        raise ContractViolated(message, "Hand it over in UTF-8: body.decode('utf-16').encode().")
    body = part.body.removeprefix(_BOM)
    if body.find(b"\n") in (-1, len(body) - 1):
        if part.rows:
            raise ConnectionFailed(f"The source counted {part.rows} rows and sent a CSV part without any.", _REMEDY)
        if part.rows is None:  # an error's text, or a file that was cut short, is no proof that there are no rows
            place = f"{contract.source}/{contract.entity}: a CSV part without rows"
            parse_header(body, part.delimiter).positions(contract.columns, (), place)
        return Lines(b"", 0, regular=True)
    plain = b'"' not in body and b"\r" not in body
    well_formed = plain or _matches(body, _well_formed(part.delimiter, body))
    regular = well_formed and _is_utf8(body) and b"\0" not in body
    return Lines(body, part.rows, regular)


_REMEDY = "Try again; if it stays, compare the reply with the source's API."


def _records(page: JsonPage) -> list[msgspec.Raw]:
    try:
        body = page.body.removeprefix(_BOM)
        if not page.records:
            return _ARRAY.decode(body)
        return list(_member(page.records).decode(body).records)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        what = f"page whose member {page.records!r}" if page.records else "page that"
        raise ConnectionFailed(f"The source sent a JSON {what} cannot be read ({error}).", _REMEDY) from None


class _Page(msgspec.Struct):
    records: list[msgspec.Raw]


_ARRAY = msgspec.json.Decoder(list[msgspec.Raw])


@cache
def _member(name: str) -> msgspec.json.Decoder[_Page]:
    renamed = msgspec.defstruct("Renamed", [("records", list[msgspec.Raw])], bases=(_Page,), rename={"records": name})
    return msgspec.json.Decoder(renamed)


def _well_formed(delimiter: str, body: bytes) -> str:
    """Return the grammar of RFC 4180 with the line end that the first line has."""
    line_end = r"\r\n" if body[: body.index(b"\n") + 1].endswith(b"\r\n") else r"\n"
    d = re.escape(delimiter)
    field = rf'(?:[^{d}"\r\n]*|"(?:[^"]|"")*")'
    line = rf"{field}(?:{d}{field})*"
    return rf"\A(?:{line}{line_end})*(?:{line})?\z"


def _matches(content: bytes, pattern: str) -> bool:
    """Search bytes for an RE2 pattern: one pass at about a nanosecond a byte, where ``re`` takes several."""
    return bool(pc.match_substring_regex(_as_array(content, pa.large_binary()), pattern)[0].as_py())


def _is_utf8(content: bytes) -> bool:
    try:
        _as_array(content, pa.large_string()).validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _as_array(content: bytes, kind: pa.DataType) -> pa.Array:
    """Wrap bytes as an array of one value, without copying them."""
    offsets = pa.py_buffer((0).to_bytes(8, "little") + len(content).to_bytes(8, "little"))
    return pa.Array.from_buffers(kind, 1, [None, offsets, pa.py_buffer(content)])
