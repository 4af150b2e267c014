"""Received text as compressed parts: NDJSON of many pages, or CSV parts as they came."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from orchestration.landing.manifest import Form
from orchestration.landing.pages import Lines

PART_BYTES = 64 * 1024 * 1024


class TextPart:
    """One compressed text file being written."""

    def __init__(self, path: Path, form: Form, *, regular: bool, delimiter: str = "") -> None:
        """Open the file; ``regular`` holds for all that is written to it."""
        self.form, self.regular, self.delimiter = form, regular, delimiter
        self.rows: int | None = 0
        self._size = 0
        self._sink = pa.OSFile(str(path), "wb")
        self._stream = pa.CompressedOutputStream(self._sink, "zstd")

    def takes(self, lines: Lines) -> bool:
        """Say whether lines belong into this part: a CSV part has a header of its own and stays alone."""
        return self.form == "ndjson" and self.regular == lines.regular and self._size < PART_BYTES

    def write(self, lines: Lines) -> None:
        """Append lines."""
        self._stream.write(lines.content)
        self._size += len(lines.content)
        self.rows = None if self.rows is None or lines.rows is None else self.rows + lines.rows

    def close(self) -> None:
        """Finish the compressed frame."""
        self._stream.close()
        self._sink.close()

    def abandon(self) -> None:
        """Close the file; its content does not matter any more."""
        self.close()
