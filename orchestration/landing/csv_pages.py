"""A received CSV part before it lands: its bytes stay as they came, and are looked over.

What is learnt while they are at hand is whether a fast reader will get every value right
(``Part.regular``). A file is read by and by, so that it may be greater than the memory.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from orchestration.contracts.extraction import ByteFile, CsvPart
from orchestration.contracts.model import Contract
from orchestration.failures import ConnectionFailed, ContractViolated
from orchestration.landing.csv_header import parse_header
from orchestration.landing.lines import BOM, RECORD_BYTES, Lines, is_utf8, matches

_CHUNK_BYTES = 1024 * 1024
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_REMEDY = "Try again; if it stays, compare the reply with the source's API."


def csv_lines(part: CsvPart, contract: Contract) -> Iterator[Lines]:
    """Yield a part's content without its byte order mark, in pieces that end with a record; nothing if it has no rows.

    A piece says of itself whether quotes, line ends and encoding are such that no reader can take them amiss.
    The first has the source's count of all rows.

    Raises:
        ConnectionFailed: there are no lines although the source counted rows, or the file cannot be read to its end.
        ContractViolated: the part is in UTF-16, or its file gives text instead of bytes.
        SchemaDrift: there is one line, and it is not the header.
    """
    place = f"{contract.source}/{contract.entity}{part.title and f': {part.title}'}"
    chunks = iter([part.body]) if isinstance(part.body, bytes) else _read(part.body, place)
    start = _start(chunks)
    if start.startswith(_UTF_16):
        message = f"{place}: extract.py handed over a CSV part in UTF-16."
        raise ContractViolated(message, "Hand it over in UTF-8: body.decode('utf-16').encode().")
    start = start.removeprefix(BOM)
    if _is_one_line(start) and len(start) < RECORD_BYTES:
        _require_no_rows(part, start, contract, place)
        return
    rows, line_end = part.rows, _line_end(start)
    for piece in _pieces(start, chunks):
        yield Lines(piece, rows, _is_regular(piece, part.delimiter, line_end))
        rows = rows and 0


def _read(file: ByteFile, place: str) -> Iterator[bytes]:
    while True:
        try:
            chunk: object = file.read(_CHUNK_BYTES)
        except (OSError, EOFError) as error:
            raise ConnectionFailed(f"{place}: a CSV part could not be read to its end ({error}).", _REMEDY) from error
        if not isinstance(chunk, bytes):
            message = f"{place}: extract.py handed over a CSV part whose file gives {type(chunk).__name__}, not bytes."
            raise ContractViolated(message, "Open the file with mode 'rb'.")
        if not chunk:
            return
        yield chunk


def _start(chunks: Iterator[bytes]) -> bytes:
    """Return as much as it takes to see whether there is a line below the header."""
    start = next(chunks, b"")
    while _is_one_line(start) and len(start) < RECORD_BYTES:
        more = next(chunks, b"")
        if not more:
            break
        start += more
    return start


def _is_one_line(start: bytes) -> bool:
    return start.find(b"\n") in (-1, len(start) - 1)


def _require_no_rows(part: CsvPart, body: bytes, contract: Contract, place: str) -> None:
    if part.rows:
        raise ConnectionFailed(f"The source counted {part.rows} rows and sent a CSV part without any.", _REMEDY)
    if part.rows is None:  # an error's text, or a file that was cut short, is no proof that there are no rows
        parse_header(body, part.delimiter).positions(contract.columns, (), f"{place}: a CSV part without rows")


def _pieces(start: bytes, chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield what was read as pieces of whole records, and what is left."""
    pending = start
    for chunk in chunks:
        end = _records_end(pending)
        if end or len(pending) > RECORD_BYTES:
            end = end or len(pending)
            yield pending[:end]
            pending = pending[end:]
        pending += chunk
    if pending:
        yield pending


def _records_end(piece: bytes) -> int:
    """Return the end of the last line after which all quotes are closed, if they are in order; 0 if there is none."""
    end = piece.rfind(b"\n") + 1
    quotes = piece.count(b'"', 0, end) if b'"' in piece else 0  # counting none takes longer than to find none
    while quotes % 2:
        after, opening = end, piece.rfind(b'"', 0, end)
        end = piece.rfind(b"\n", 0, opening) + 1
        quotes -= piece.count(b'"', end, after)
    return end


def _is_regular(piece: bytes, delimiter: str, line_end: str) -> bool:
    plain = b'"' not in piece and b"\r" not in piece and line_end == r"\n"
    well_formed = plain or matches(piece, _well_formed(delimiter, line_end))
    return well_formed and is_utf8(piece) and b"\0" not in piece


def _line_end(start: bytes) -> str:
    return r"\r\n" if start[: start.find(b"\n") + 1].endswith(b"\r\n") else r"\n"


def _well_formed(delimiter: str, line_end: str) -> str:
    """Return the grammar of RFC 4180 with the line end that the first line has."""
    d = re.escape(delimiter)
    field = rf'(?:[^{d}"\r\n]*|"(?:[^"]|"")*")'
    line = rf"{field}(?:{d}{field})*"
    return rf"\A(?:{line}{line_end})*(?:{line})?\z"
