"""Received bytes of JSON before they land: a reply is split into its records.

Records keep the bytes they came with. What is learnt on the way, while the bytes are at
hand, is whether a fast reader will get every value right (``Part.regular``).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import cache

import msgspec

from orchestration.contracts.extraction import JsonPage
from orchestration.failures import ConnectionFailed
from orchestration.landing.lines import BOM, RECORD_BYTES, Lines, is_utf8, matches
from orchestration.landing.lone_surrogates import hide_lone_surrogates

# DuckDB reads JSON numbers as doubles: more than 15 digits, or a huge exponent, would come out wrong.
_LONG = r"\s*-?(?:[0-9.]{17}|[0-9.]+[eE][-+]?[0-9]{3})"
_SPACED = bytes.maketrans(b"\n\r", b"  ")


def split_json(page: JsonPage, *, nested: bool) -> Lines:
    """Turn a reply into one line for each record, with the record's own bytes.

    ``nested``: whole values of records are kept as JSON, so that numbers in arrays count too.

    Raises:
        ConnectionFailed: the reply is cut short, malformed, or lacks its member of records.
    """
    records, sound = _records(page)
    lines: list[bytes] = [*records, b""] if records else []
    if page.body.find(b"\n") not in (-1, len(page.body) - 1):
        # Between tokens a line break is mere white space; inside strings JSON forbids it.
        lines = [bytes(line).translate(_SPACED) for line in lines]
    content = b"\n".join(lines)
    others = bool(records) and (content[:1] != b"{" or matches(content, r"\n[^{]"))
    if others and not any(bytes(record).startswith(b"{") for record in records):
        raise ConnectionFailed("The source sent a JSON page whose records are no objects.", _REMEDY)
    short = not matches(content, ":" + _LONG) and not (nested and matches(content, r"[\[,]" + _LONG))
    small = max(map(len, records), default=0) <= RECORD_BYTES
    regular = sound and not others and short and small and is_utf8(content) and not matches(content, r"\\u0000")
    return Lines(content, len(records), regular)


_REMEDY = "Try again; if it stays, compare the reply with the source's API."


def _records(page: JsonPage) -> tuple[Sequence[bytes], bool]:
    """Return the records' own bytes, and whether strict readers take them: lone surrogates they do not."""
    body = page.body.removeprefix(BOM)
    try:
        return _decoded(body, page.records), True
    except RecursionError:
        message = "The source sent a JSON page with a record that is nested deeper than can be read."
        raise ConnectionFailed(message, "Ask the source for fewer levels, or let extract.py cut them.") from None
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        hidden = hide_lone_surrogates(body)
        with suppress(msgspec.DecodeError, msgspec.ValidationError):
            if hidden:
                return [hidden.shown(bytes(record)) for record in _decoded(hidden.content, page.records)], False
        what = f"page whose member {page.records!r}" if page.records else "page that"
        raise ConnectionFailed(f"The source sent a JSON {what} cannot be read ({error}).", _REMEDY) from None


def _decoded(body: bytes, member: str) -> list[msgspec.Raw]:
    return _member(member).decode(body).records if member else _ARRAY.decode(body)


class _Page(msgspec.Struct):
    records: list[msgspec.Raw]


_ARRAY = msgspec.json.Decoder(list[msgspec.Raw])


@cache
def _member(name: str) -> msgspec.json.Decoder[_Page]:
    renamed = msgspec.defstruct("Renamed", [("records", list[msgspec.Raw])], bases=(_Page,), rename={"records": name})
    return msgspec.json.Decoder(renamed)
