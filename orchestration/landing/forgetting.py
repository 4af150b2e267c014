"""Landed loads without the rows of somebody who has to be forgotten: the one reason to rewrite what is immutable.

What stays keeps its bytes: lines of text as they came, Parquet values in their types. New
parts get new names and a new manifest takes the old one's place in one step, so that at every
moment a whole load can be read; what a crash leaves, the next call removes.
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.arrow_values import truth_array
from orchestration.contracts.model import Column
from orchestration.landing.lines import Lines
from orchestration.landing.manifest import MANIFEST, Manifest, Part
from orchestration.landing.parquet import ParquetPart
from orchestration.landing.store import LandingStore
from orchestration.landing.text import TextPart

Row = Mapping[str, object]
"""A landed row's values by bronze name, as they came; of a line that cannot be read, its text under ``''``."""
IsForgotten = Callable[[Row], bool]

_BATCH_ROWS = 20_000


def rows_of(store: LandingStore, manifest: Manifest, columns: Sequence[str]) -> Iterator[Row]:
    """Yield the named columns of every row and key of a load."""
    for part in manifest.parts:
        wanted = [column for column in manifest.columns if column.name in columns]
        for piece in _pieces(store.local_path(part.key), part, wanted):
            yield from piece.rows


def forget(store: LandingStore, manifest: Manifest, columns: Sequence[str], is_forgotten: IsForgotten) -> Manifest:
    """Rewrite a load without the forgotten rows and keys; return its manifest, the same one when there were none.

    ``columns`` are the bronze names that ``is_forgotten`` looks at.
    """
    wanted = [column for column in manifest.columns if column.name in columns]
    parts: list[Part] = []
    for part in manifest.parts:
        kept = _without(store, part, wanted, is_forgotten)
        # A sweep that lists no key any more is still a sweep; rows that are all gone are no part.
        parts += [kept] if kept.rows != 0 or kept.role != "rows" else []
    changed = msgspec.structs.replace(manifest, parts=tuple(parts))
    if changed != manifest:
        store.replace(manifest.key, changed.encode())
    _remove_others(store, changed)
    return changed


def _without(store: LandingStore, part: Part, wanted: Sequence[Column], is_forgotten: IsForgotten) -> Part:
    path = store.local_path(part.key)
    if not any(is_forgotten(row) for piece in _pieces(path, part, wanted) for row in piece.rows):
        return part
    key = _next_name(part.key)
    store.delete(key)  # a crash may have left it
    draft = store.draft(key)
    rows = _write(draft, path, part, wanted, is_forgotten)
    with draft.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    size = draft.stat().st_size
    store.land(key)
    counted = None if part.rows is None and rows else rows
    return msgspec.structs.replace(part, key=key, rows=counted, bytes=size, sha256=digest)


def _next_name(key: str) -> str:
    """Return the next name of a part: ``rows-00000.parquet``, ``rows-00000-r1.parquet``, ``rows-00000-r2.parquet``."""
    folder, _, name = key.rpartition("/")
    stem, dot, suffix = name.partition(".")
    found = re.fullmatch(r"(.+)-r(\d+)", stem)
    base, number = (found[1], int(found[2])) if found else (stem, 0)
    return f"{folder}/{base}-r{number + 1}{dot}{suffix}"


def _remove_others(store: LandingStore, manifest: Manifest) -> None:
    """Remove the old parts, and new ones that a killed call wrote: only what the manifest names is the load."""
    known = {part.key for part in manifest.parts} | {manifest.key}
    for key in list(store.keys(manifest.key.removesuffix(MANIFEST))):
        if key not in known:
            store.delete(key)


@dataclass(frozen=True)
class _Piece:
    """Some rows of a part, with what they are in the file: a batch, or a line each."""

    rows: Sequence[Row]
    batch: pa.RecordBatch | None = None
    lines: Sequence[bytes] = ()


def _write(draft: Path, path: Path, part: Part, wanted: Sequence[Column], is_forgotten: IsForgotten) -> int:
    writer = _writer(draft, path, part)
    try:
        for piece in _pieces(path, part, wanted):
            stays = [not is_forgotten(row) for row in piece.rows]
            if isinstance(writer, ParquetPart):
                writer.write(piece.batch.filter(truth_array(stays)))  # type: ignore[union-attr]
            else:
                kept = [line for line, stay in zip(piece.lines, stays, strict=True) if stay]
                writer.write(Lines(b"".join(kept), len(kept), part.regular))
    finally:
        writer.close()
    return writer.rows or 0


def _writer(draft: Path, path: Path, part: Part) -> ParquetPart | TextPart:
    if part.format == "parquet":
        return ParquetPart(draft, pq.read_schema(path))
    writer = TextPart(draft, part.format, delimiter=part.delimiter)
    if part.format == "csv":
        header, _names = _header(path, part)
        writer.write(Lines(header, 0, part.regular))
    return writer


def _pieces(path: Path, part: Part, wanted: Sequence[Column]) -> Iterator[_Piece]:
    if part.format == "parquet":
        return _parquet(path, wanted)
    return _json(path, wanted) if part.format == "ndjson" else _csv(path, part, wanted)


def _parquet(path: Path, wanted: Sequence[Column]) -> Iterator[_Piece]:
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(_BATCH_ROWS):
            present = [column.name for column in wanted if column.name in batch.schema.names]
            rows: list[Row] = batch.select(present).to_pylist() if present else [{}] * batch.num_rows
            yield _Piece(rows, batch=batch)


def _json(path: Path, wanted: Sequence[Column]) -> Iterator[_Piece]:
    decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])
    for lines in _bundles(_lines(path)):
        yield _Piece([_json_row(decoder, line, wanted) for line in lines], lines=lines)


def _json_row(decoder: msgspec.json.Decoder[dict[str, msgspec.Raw]], line: bytes, wanted: Sequence[Column]) -> Row:
    try:
        members = decoder.decode(line)
        return {c.name: msgspec.json.decode(members[c.source_name]) for c in wanted if c.source_name in members}
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {"": line.decode("utf-8", "replace")}


def _csv(path: Path, part: Part, wanted: Sequence[Column]) -> Iterator[_Piece]:
    _, names = _header(path, part)
    positions = {column.name: names.index(column.source_name) for column in wanted if column.source_name in names}
    records = _csv_records(_lines(path), part.delimiter, len(names))
    next(records)
    for lines in _bundles(records):
        yield _Piece([_csv_row(line, part.delimiter, len(names), positions) for line in lines], lines=lines)


def _header(path: Path, part: Part) -> tuple[bytes, list[str]]:
    """Return the header's bytes and names; a name may stand in quotes."""
    first = next(_lines(path))
    return first, next(csv.reader([first.decode("utf-8", "replace")], delimiter=part.delimiter))


def _csv_row(line: bytes, delimiter: str, width: int, positions: Mapping[str, int]) -> Row:
    text = line.decode("utf-8", "replace")
    fields = _fields(text, delimiter)
    if len(fields) != width:
        return {"": text}
    return {name: fields[position] for name, position in positions.items()}


def _csv_records(lines: Iterator[bytes], delimiter: str, width: int) -> Iterator[bytes]:
    """Yield records with their line ends; one may span lines when its quotes say so and its fields are complete."""
    pending: list[bytes] = []
    for line in lines:
        pending.append(line)
        whole = b"".join(pending)
        if whole.count(b'"') % 2 == 0:
            one = len(pending) == 1 or len(_fields(whole.decode("utf-8", "replace"), delimiter)) == width
            yield from [whole] if one else pending
            pending = []
    yield from pending


def _fields(text: str, delimiter: str) -> list[str]:
    return next(csv.reader([text], delimiter=delimiter), [])


def _lines(path: Path) -> Iterator[bytes]:
    """Yield the lines of a compressed text with their ends; the last one gets one where it has none."""
    with pa.input_stream(str(path), compression="zstd") as stream:
        rest = b""
        while block := stream.read(1024 * 1024):
            *lines, rest = (rest + block).split(b"\n")
            yield from (line + b"\n" for line in lines)
        if rest:
            yield rest + b"\n"


def _bundles(lines: Iterator[bytes]) -> Iterator[list[bytes]]:
    bundle: list[bytes] = []
    for line in lines:
        bundle.append(line)
        if len(bundle) == _BATCH_ROWS:
            yield bundle
            bundle = []
    if bundle:
        yield bundle
