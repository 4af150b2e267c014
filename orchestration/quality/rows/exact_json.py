"""Exact records of an NDJSON part: numbers keep the digits they came with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from orchestration.contracts.model import Column
from orchestration.quality.rows.exact import RECORD_BYTES, ExactRecord, as_shown, open_lines
from orchestration.quality.rows.judgement import Reason

_RECORD = msgspec.json.Decoder(dict[str, msgspec.Raw])
_TEXT = msgspec.json.Decoder(str)


def json_records(path: Path, columns: Sequence[Column], *, json_as_text: bool) -> Iterator[ExactRecord]:
    """Yield the records of a part."""
    with open_lines(path) as lines:
        for line in lines:
            if len(line) > RECORD_BYTES:
                yield ExactRecord(fault=Reason.LINE_TOO_LONG, raw=as_shown(line[:1000]))
            else:
                yield _record(line, columns, json_as_text=json_as_text)


def _record(line: bytes, columns: Sequence[Column], *, json_as_text: bool) -> ExactRecord:
    try:
        members = _RECORD.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):  # a name that is no UTF-8
        return ExactRecord(fault=Reason.INVALID_UTF8, raw=as_shown(line.rstrip()))
    record = ExactRecord()
    for column in columns:
        raw = bytes(members.get(column.source_name, b"null"))
        try:
            fault, text = _text(raw, column, json_as_text=json_as_text)
        except (msgspec.DecodeError, UnicodeDecodeError):
            fault, text = Reason.INVALID_UTF8, None
        record.texts[column.name] = text
        if fault and not record.fault:
            record.fault, record.column, record.raw = fault, column.name, as_shown(raw)
    return record


def _text(raw: bytes, column: Column, *, json_as_text: bool) -> tuple[Reason | None, str | None]:
    if raw == b"null":
        return None, None
    kind = column.type.kind
    if raw.startswith(b'"') and (kind != "json" or json_as_text):
        return None, _TEXT.decode(raw)
    return (Reason.NOT_TEXT if kind == "text" else None), raw.decode()
