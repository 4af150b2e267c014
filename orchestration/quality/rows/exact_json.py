"""Exact records of an NDJSON part: numbers keep the digits they came with."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from orchestration.contracts.model import Column
from orchestration.failures import ContractViolated
from orchestration.landing.lines import RECORD_BYTES
from orchestration.landing.lone_surrogates import hide_lone_surrogates
from orchestration.quality.rows.exact import ExactRecord, as_shown, open_lines
from orchestration.quality.rows.judgement import Reason

_RECORD = msgspec.json.Decoder(dict[str, msgspec.Raw])
_TEXT = msgspec.json.Decoder(str)


def json_records(path: Path, key: str, columns: Sequence[Column], *, json_as_text: bool) -> Iterator[ExactRecord]:
    """Yield the records of a part.

    Raises:
        ContractViolated: a record has a member of the contract twice.
    """
    named = {column.source_name: json.dumps(column.source_name, ensure_ascii=False).encode() for column in columns}
    with open_lines(path) as lines:
        for number, line in enumerate(lines, start=1):
            repeated = [name for name, quoted in named.items() if line.count(quoted) > 1]
            twice = _members_twice(line, repeated) if repeated and line.startswith(b"{") else []
            if twice:
                raise member_twice(key, number, twice[0])
            if len(line) > RECORD_BYTES:
                yield ExactRecord(fault=Reason.LINE_TOO_LONG, raw=as_shown(line[:1000]))
            else:
                yield _record(line, columns, json_as_text=json_as_text)


def member_twice(key: str, number: int, member: str) -> ContractViolated:
    """Return the error of a record whose value cannot be told."""
    message = f"{key}: record {number} has the member {member!r} twice, and nobody can tell which of the two counts."
    return ContractViolated(message, "Ask the source's owner to send it once, or let extract.py decide.")


def _members_twice(line: bytes, suspects: Sequence[str]) -> list[str]:
    """Return those names that an object has twice, and not only somewhere within a value."""
    found: Counter[str] = Counter()

    def count(pairs: list[tuple[str, object]]) -> None:
        found.clear()  # the outermost object is the last
        found.update(name for name, _ in pairs)

    json.loads(line.decode("utf-8", "replace"), object_pairs_hook=count, strict=False)
    return [name for name in suspects if found[name] > 1]


def _record(line: bytes, columns: Sequence[Column], *, json_as_text: bool) -> ExactRecord:
    if not line.startswith(b"{"):
        return ExactRecord(fault=Reason.NOT_AN_OBJECT, raw=as_shown(line.rstrip()))
    hidden = None
    try:
        members = _RECORD.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        hidden = hide_lone_surrogates(line)
        try:
            members = _RECORD.decode(hidden.content if hidden else line)
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
            record.fault, record.column = fault, column.name
            record.raw = as_shown(hidden.shown(raw) if hidden else raw)
    return record


def _text(raw: bytes, column: Column, *, json_as_text: bool) -> tuple[Reason | None, str | None]:
    if raw == b"null":
        return None, None
    kind = column.type.kind
    if raw.startswith(b'"') and (kind != "json" or json_as_text):
        return None, _TEXT.decode(raw)
    return (Reason.NOT_TEXT if kind == "text" else None), raw.decode()
