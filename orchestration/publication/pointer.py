"""The pointer to a table's newest version: one small file, moved by rename after the version's commit.

Versions are immutable, so a reader that has followed the pointer can finish whatever
is published meanwhile.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import msgspec

from orchestration.failures import StrataError
from orchestration.names import Table
from orchestration.publication.files import replace_file
from orchestration.settings import Settings


class Pointer(msgspec.Struct, frozen=True, kw_only=True):
    """The newest version of a table; ``path`` is relative to the published folder."""

    version: int
    path: str
    rows: int
    published_at: datetime
    build_id: str


def table_folder(settings: Settings, table: Table) -> Path:
    """Return the folder of a table's versions."""
    return settings.published_dir / table[0] / table[1]


def pointer_path(settings: Settings, table: Table) -> Path:
    """Return where a table's pointer lies."""
    return table_folder(settings, table) / "current.json"


def published_tables(settings: Settings) -> list[Table]:
    """Return the tables that have a published version, sorted."""
    return sorted(
        (path.parent.parent.name, path.parent.name) for path in settings.published_dir.glob("*/*/current.json")
    )


def read_pointer(settings: Settings, table: Table) -> Pointer | None:
    """Return a table's pointer; ``None`` when it was never published."""
    try:
        return msgspec.json.decode(pointer_path(settings, table).read_bytes(), type=Pointer)
    except FileNotFoundError:
        return None
    except msgspec.DecodeError as error:
        message = f"{pointer_path(settings, table)} cannot be read: {error}."
        raise StrataError(message, "The next publication mends it from the log.") from None


def move_pointer(settings: Settings, table: Table, pointer: Pointer) -> None:
    """Let readers see a version."""
    replace_file(pointer_path(settings, table), msgspec.json.encode(pointer))
