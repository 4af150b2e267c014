"""Received text as compressed parts: NDJSON of many pages, or CSV parts as they came."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from orchestration.landing.lines import Lines
from orchestration.landing.manifest import Form

PART_BYTES = 64 * 1024 * 1024
_FRAME_BYTES = 1024 * 1024
_ZSTD = pa.Codec("zstd")


class TextPart:
    """One compressed text file being written."""

    def __init__(self, path: Path, form: Form, *, delimiter: str = "", name: str = "") -> None:
        """Open the file; it is ``regular`` as long as all is that is written to it."""
        self.form, self.regular, self.delimiter, self.name = form, True, delimiter, name
        self.rows: int | None = 0
        self._size = 0
        self._sink = pa.OSFile(str(path), "wb")
        self._pending: list[bytes] = []
        self._pending_bytes = 0

    def takes(self, lines: Lines) -> bool:
        """Say whether lines belong into this part: a CSV part has a header of its own and stays alone."""
        return self.form == "ndjson" and self.regular == lines.regular and self._size < PART_BYTES

    def write(self, lines: Lines) -> None:
        """Append lines; a frame is written when enough is pending."""
        self.regular = self.regular and lines.regular
        self._pending.append(lines.content)
        self._pending_bytes += len(lines.content)
        if self._pending_bytes >= _FRAME_BYTES:
            self._write_frame()
        self._size += len(lines.content)
        self.rows = None if self.rows is None or lines.rows is None else self.rows + lines.rows

    def close(self) -> None:
        """Write what is pending."""
        self._write_frame()
        self._sink.close()

    def abandon(self) -> None:
        """Let go of the file, unfinished."""
        self._pending.clear()
        self._sink.close()

    def _write_frame(self) -> None:
        """Compress what is at hand, in frames that need little memory: measured, a stream takes a tenth more time."""
        content = memoryview(b"".join(self._pending))
        for start in range(0, len(content), _FRAME_BYTES):
            self._sink.write(_ZSTD.compress(content[start : start + _FRAME_BYTES]))
        self._pending.clear()
        self._pending_bytes = 0
