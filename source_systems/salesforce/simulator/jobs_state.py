"""A Bulk API 2.0 query job and its results, which are kept in a file until the job is deleted."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Job:
    """A job; ``ends`` are the places in the file where each record ends, behind the header line."""

    id: str
    operation: str
    query: str
    sobject: str
    version: str
    file: Path
    delimiter: str
    line_end: str
    created: str
    header: bytes = b""
    state: str = "UploadComplete"
    error: str = ""
    ends: array[int] = field(default_factory=lambda: array("Q"))

    def part(self, first: int, most: int) -> tuple[bytes, int]:
        """Return a CSV of up to ``most`` records from the ``first``, and how many it holds."""
        last = min(first + most, len(self.ends))
        start = self.ends[first - 1] if first else len(self.header)
        stop = self.ends[last - 1] if last > first else start
        with self.file.open("rb") as results:
            results.seek(start)
            return self.header + results.read(stop - start), max(last - first, 0)
