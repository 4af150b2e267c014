"""Reads a script's file: its encoding, its line ends, its batches and its comment header.

Analysts save from many tools: UTF-8 with or without a byte order mark, UTF-16
from Management Studio, Windows-1252 from older ones. ``GO`` is not T-SQL but the
client's batch separator, so it goes here, before anything parses the text.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

_GO = re.compile(r"^[ \t]*GO(?:[ \t]+\d+)?[ \t]*;?[ \t]*(?:--.*)?$", re.IGNORECASE)
_HEADER = re.compile(r"\A\s*(?:/\*(?P<block>.*?)\*/|(?P<lines>(?:[ \t]*--[^\n]*\n?)+))", re.DOTALL)
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


@dataclass(frozen=True)
class Header:
    """The comment that opens a script; a field that is not written is empty."""

    title: str = ""
    owner: str = ""
    description: str = ""


@dataclass(frozen=True)
class Script:
    """One script; in ``text`` each ``GO`` line is replaced by ``;``, so that line numbers hold."""

    path: Path
    text: str
    header: Header
    go_lines: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return self.path.stem

    def place(self, offset: int) -> tuple[int, int]:
        """Return line and column, from 1, of a character of the text."""
        return self.text.count("\n", 0, offset) + 1, offset - self.text.rfind("\n", 0, offset)

    def batch(self, line: int) -> int:
        """Return the number of the batch that a line (from 1) is in, from 0."""
        return sum(go < line for go in self.go_lines)


def find_scripts(folder: Path) -> list[Path]:
    """Find every script below a folder, in the order of their paths."""
    return sorted(path for path in folder.rglob("*.sql") if not path.name.startswith((".", "_")))


def read_script(path: Path) -> Script:
    """Read one script's file."""
    lines = decode(path.read_bytes()).replace("\r\n", "\n").replace("\r", "\n").split("\n")
    go_lines = tuple(number for number, line in enumerate(lines, 1) if _GO.match(line))
    text = "\n".join(";" if number in go_lines else line for number, line in enumerate(lines, 1))
    return Script(path, text, read_header(text), go_lines)


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
    for raw in comment.split("\n"):
        line = raw.strip().lstrip("-*").strip()
        if field := written.match(line):
            current = fields.setdefault(field[1].lower(), [])
            line = field[2]
        current.append(line)
    return {name: " ".join(filter(None, lines)) for name, lines in fields.items()}
