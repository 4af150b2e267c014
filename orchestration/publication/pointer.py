"""The pointer to a table's newest version: one small file, moved by rename after the version's commit.

Versions are immutable, so a reader that has followed the pointer can finish whatever
is published meanwhile. Pointers of one publication move together: while they do, a note says
what they were before, and readers keep to that. Whoever is killed in between leaves the note, so
that they go on with the old ones until the next writer has moved the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import msgspec

from orchestration.decoding import decodable
from orchestration.failures import StrataError
from orchestration.names import PLATFORM, Table
from orchestration.publication.files import replace_file
from orchestration.settings import Settings

MOVING = Path(PLATFORM) / "moving.json"
"""The note's place below the published folder."""


@decodable
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
    before = _read_moving(settings).before
    return [table for table in _with_pointers(settings) if before.get(".".join(table), table) is not None]


def read_pointers(settings: Settings) -> dict[Table, Pointer]:
    """Return the pointers of all published tables as of one moment, sorted by table."""
    while True:
        moving = _read_moving(settings)
        found = {table: _pointer(settings, table, moving) for table in _with_pointers(settings)}
        if _read_moving(settings).turn == moving.turn:
            return {table: pointer for table, pointer in found.items() if pointer}


def read_pointer(settings: Settings, table: Table) -> Pointer | None:
    """Return a table's pointer; ``None`` when it was never published."""
    return _pointer(settings, table, _read_moving(settings))


def move_pointers(settings: Settings, pointers: Mapping[Table, Pointer]) -> None:
    """Let readers see versions, all of them at once; call it holding the writer's lock."""
    moving = _read_moving(settings)
    before = {".".join(table): _pointer(settings, table, moving) for table in pointers}
    _note(settings, _Moving(moving.turn + 1, {**moving.before, **before}))
    for table, pointer in pointers.items():
        replace_file(pointer_path(settings, table), msgspec.json.encode(pointer))
    _note(settings, _Moving(moving.turn + 2))


def move_pointer(settings: Settings, table: Table, pointer: Pointer) -> None:
    """Let readers see one version; as :func:`move_pointers`."""
    move_pointers(settings, {table: pointer})


@decodable
class _Moving(msgspec.Struct, frozen=True):
    """What moved pointers were before, by table, ``None`` where there was none; each change of the note is a turn."""

    turn: int = 0
    before: dict[str, Pointer | None] = {}


def _read_moving(settings: Settings) -> _Moving:
    try:
        return msgspec.json.decode((settings.published_dir / MOVING).read_bytes(), type=_Moving)
    except (FileNotFoundError, msgspec.DecodeError):
        return _Moving()


def _note(settings: Settings, moving: _Moving) -> None:
    replace_file(settings.published_dir / MOVING, msgspec.json.encode(moving))


def _with_pointers(settings: Settings) -> list[Table]:
    return sorted(
        (path.parent.parent.name, path.parent.name) for path in settings.published_dir.glob("*/*/current.json")
    )


def _pointer(settings: Settings, table: Table, moving: _Moving) -> Pointer | None:
    if (name := ".".join(table)) in moving.before:
        return moving.before[name]
    try:
        return msgspec.json.decode(pointer_path(settings, table).read_bytes(), type=Pointer)
    except FileNotFoundError:
        return None
    except msgspec.DecodeError as error:
        message = f"{pointer_path(settings, table)} cannot be read: {error}."
        raise StrataError(message, "The next publication mends it from the log.") from None
