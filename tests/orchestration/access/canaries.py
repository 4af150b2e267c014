"""What belongs to one tenant and must never be seen with another: words to look for, and where to look.

A tenant's name, title, rows, addresses and error texts all hold its word; no path of a test does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

WORDS = {"amberfox": "bluewhale", "bluewhale": "amberfox"}
"""Each tenant, which is its own word, and the other's."""

_VOLATILE = (
    (re.compile(r"datetime\.datetime\([^)]*(?:\([^)]*\)[^)]*)*\)"), "TIME"),
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)?"), "TIME"),
    (re.compile(r"\d{8}T\d{6}\.\d+Z-[0-9a-f]{8}"), "LOAD"),
    # When a key was used is written down once a minute, at a moment of its own.
    (re.compile(r"last_used_at=(?:TIME|None)"), "USED"),
    (re.compile(r"strata_[0-9a-f]{16}(?:\.[\w-]{43})?"), "KEY"),
    (re.compile(r"\b[0-9a-f]{16}\b"), "ID"),
    (re.compile(r"\b[0-9a-f]{32}\b"), "ID"),
)


def foreign_words(text: str, tenant: str) -> list[str]:
    """Return the places in a text where the other tenant's word stands."""
    lowered = text.lower()
    return [text[max(found.start() - 60, 0) : found.end() + 60] for found in re.finditer(WORDS[tenant], lowered)]


def steady(text: str) -> str:
    """Return the text without what differs from run to run: times and random ids."""
    for pattern, word in _VOLATILE:
        text = pattern.sub(word, text)
    return text


def text_of(result: object) -> str:
    """Return everything that a result says, rows and types included."""
    if isinstance(result, pa.Table):
        return f"{result.schema}\n{result.to_pylist()}"
    return repr(result)


class Files:
    """The files of a tenant's own folders, each read once, whatever its format."""

    def __init__(self) -> None:
        self._seen: dict[Path, tuple[int, int]] = {}

    def fresh(self, folders: Iterable[Path]) -> Iterator[tuple[Path, str]]:
        """Yield files that are new or changed, with their names and contents as text."""
        for folder in folders:
            for path in sorted(item for item in folder.rglob("*") if item.is_file()):
                stat = path.stat()
                mark = (stat.st_mtime_ns, stat.st_size)
                if self._seen.get(path) != mark:
                    self._seen[path] = mark
                    yield path, f"{path.relative_to(folder)}\n{_content(path)}"


def _content(path: Path) -> str:
    if path.suffix == ".parquet":
        file = pq.ParquetFile(path)
        return f"{file.metadata.metadata}\n{_statistics(file)}\n{file.read().to_pylist()}"
    if path.suffix == ".zst":
        with pa.input_stream(str(path), compression="zstd") as stream:
            return stream.read().decode("utf-8", "replace")
    return path.read_bytes().decode("utf-8", "replace")


def _statistics(file: pq.ParquetFile) -> str:
    """Return the smallest and largest values that a file keeps beside its rows."""
    groups = [file.metadata.row_group(number) for number in range(file.metadata.num_row_groups)]
    return str([group.column(place).to_dict() for group in groups for place in range(group.num_columns)])
