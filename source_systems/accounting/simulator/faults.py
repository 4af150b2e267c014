"""What goes wrong with files: ``python -m source_systems.accounting.simulator.faults FAULT FOLDER``.

A fault is done to the newest stack of the folder, as somebody at the other end might.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path


def missing_column(newest: Path) -> None:
    """Leave a column out that postings are made of (Gegenkonto)."""
    lines = newest.read_bytes().decode("cp1252").split("\r\n")
    cut = [lines[0], *(";".join(_without(line.split(";"), 7)) for line in lines[1:] if line)]
    newest.write_bytes(("\r\n".join(cut) + "\r\n").encode("cp1252"))


def wrong_encoding(newest: Path) -> None:
    """Save it in UTF-8, without the mark that says so."""
    newest.write_bytes(newest.read_bytes().decode("cp1252").encode())


def half_written(newest: Path) -> None:
    """Be in the middle of writing the next export."""
    body = newest.read_bytes()
    newest.with_name("EXTF_Buchungsstapel_next.csv.part").write_bytes(body[: len(body) // 2])


def cut_off(newest: Path) -> None:
    """Break off in the middle of the last line, and rename it nevertheless."""
    newest.write_bytes(newest.read_bytes()[:-80])


def duplicate(newest: Path) -> None:
    """Drop the same file a second time, under another name."""
    newest.with_name(f"{newest.stem} (1).csv").write_bytes(newest.read_bytes())


def bad_row(newest: Path) -> None:
    """Let the first line have an amount with a point and a date that is none."""
    head, titles, line, *rest = newest.read_bytes().decode("cp1252").split("\r\n")
    fields = line.split(";")
    fields[0], fields[9] = "12.34", "3199"
    newest.write_bytes("\r\n".join([head, titles, ";".join(fields), *rest]).encode("cp1252"))


FAULTS: dict[str, Callable[[Path], None]] = {
    fault.__name__: fault for fault in (missing_column, wrong_encoding, half_written, cut_off, duplicate, bad_row)
}


def do(fault: str, folder: Path) -> Path:
    """Do a fault to the newest stack of a folder, and return that file."""
    newest = max(folder.glob("EXTF_*.csv"))
    FAULTS[fault](newest)
    return newest


def _without(fields: list[str], place: int) -> list[str]:
    return fields[:place] + fields[place + 1 :]


if __name__ == "__main__":
    do(sys.argv[1], Path(sys.argv[2]))
