"""Reads a script's file: its encoding, its line ends and its comment header.

Analysts save from many tools: UTF-8 with or without a byte order mark, UTF-16
from Management Studio, Windows-1252 from older ones. The text stays as it was written,
line ends too: on a T-SQL server it runs as it is.
"""

from __future__ import annotations

import codecs
import re
from bisect import bisect_right
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

FOLDER = "financial"
"""Where the scripts of financial gold lie below the folder of all scripts."""
CHECKS = ".checks.sql"
"""How the file ends that holds the checks of the script beside it."""
_LINE_END = re.compile(r"\r\n|\r|\n")
_HEADER = re.compile(r"\A\s*(?:/\*(?P<block>.*?)\*/|(?P<lines>(?:[ \t]*--[^\r\n]*(?:\r\n|\r|\n)?)+))", re.DOTALL)
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


@dataclass(frozen=True)
class Header:
    """The comment that opens a script; a field that is not written is empty."""

    title: str = ""
    owner: str = ""
    description: str = ""


@dataclass(frozen=True)
class Script:
    """One script; ``text`` is what its file says, with its own line ends."""

    path: Path
    text: str
    header: Header

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return self.path.stem

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0, *(end.end() for end in _LINE_END.finditer(self.text))]

    def place(self, offset: int) -> tuple[int, int]:
        """Return line and column, from 1, of a character of the text."""
        line = bisect_right(self._line_starts, offset)
        return line, offset - self._line_starts[line - 1] + 1

    def line_start(self, line: int) -> int:
        """Return the offset of a line's first character; the text's end for the line behind the last."""
        return self._line_starts[line - 1] if line <= len(self._line_starts) else len(self.text)


def as_written_here(path: Path) -> str:
    """Return a path from the current folder on where it lies below it."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def find_scripts(folder: Path) -> list[Path]:
    """Find every script below a folder, in the order of their paths; what checks a script is none."""
    found = (path for path in folder.rglob("*.sql") if not path.name.startswith((".", "_")))
    return sorted(path for path in found if not is_checks(path))


def is_checks(path: Path) -> bool:
    """Say whether a file holds the checks of the script beside it."""
    return path.name.endswith(CHECKS)


def read_script(path: Path) -> Script:
    """Read one script's file."""
    text = decode(path.read_bytes())
    return Script(path, text, read_header(text))


def decode(content: bytes) -> str:
    """Decode a script by its byte order mark, else as UTF-16 (every other byte zero), UTF-8 or Windows-1252."""
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return content.decode(encoding)
    if content[1:2] == b"\0":
        return content.decode("utf-16-le")
    if content[:1] == b"\0":
        return content.decode("utf-16-be")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def read_header(text: str) -> Header:
    """Read title, owner and description from the first comment."""
    return Header(**read_fields(text, ("title", "owner", "description")))


def read_fields(text: str, names: Collection[str]) -> dict[str, str]:
    """Read ``name: value`` lines from the first comment; a line that names no field continues the last one."""
    written = re.compile(rf"^({'|'.join(names)})\s*:\s*(.*)$", re.IGNORECASE)
    match = _HEADER.match(text)
    comment = (match["block"] or match["lines"]) if match else ""
    fields: dict[str, list[str]] = {}
    current: list[str] = []
    for raw in _LINE_END.split(comment):
        line = raw.strip().lstrip("-*").strip()
        if field := written.match(line):
            current = fields.setdefault(field[1].lower(), [])
            line = field[2]
        current.append(line)
    return {name: " ".join(filter(None, lines)) for name, lines in fields.items()}
