"""Moves the restored state into place and the present one aside: renames alone, each of which may be the last.

A note in the home says what is under way; with it, a restore that was killed goes on
where it stopped, and nobody else writes meanwhile. Published tables are changed one by
one, version first and pointer second, so that a reader finds every version it is shown.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec

from orchestration.backup.staging import staging_folder
from orchestration.decoding import decodable
from orchestration.landing.folder import flush
from orchestration.publication.files import link_or_copy
from orchestration.publication.pointer import MOVING
from orchestration.settings import Settings
from orchestration.warehouse.restoring import restore_mark


@decodable
class Swap(msgspec.Struct, frozen=True, kw_only=True):
    """What is under way. ``aside`` is the folder below the home that the present state goes to.

    ``tables`` are those (``schema/table``) that the backup has published. ``younger`` are the folders
    in landing that the restored ledger does not know; they go aside where landing is below the home.
    """

    backup_id: str
    aside: str
    tables: tuple[str, ...]
    younger: tuple[str, ...] = ()
    younger_aside: bool = False


def begin(settings: Settings, swap: Swap) -> None:
    """Leave the note, on the disk: from here on the restore only goes forward."""
    # Its draft lies with what is staged: a home that a killed restore leaves must still pass for empty.
    draft = staging_folder(settings) / "note"
    draft.write_bytes(msgspec.json.encode(swap))
    flush(draft)
    draft.replace(restore_mark(settings))
    flush(settings.home)


def under_way(settings: Settings) -> Swap | None:
    """Return the swap that a killed restore left behind, if any."""
    try:
        return msgspec.json.decode(restore_mark(settings).read_bytes(), type=Swap)
    except FileNotFoundError:
        return None


def complete(settings: Settings, swap: Swap) -> None:
    """Do what is still to be done of a swap, and take the note away."""
    _Swapping(settings.home, staging_folder(settings), settings.home / swap.aside, swap).run()
    restore_mark(settings).unlink()
    flush(settings.home)
    shutil.rmtree(staging_folder(settings), ignore_errors=True)


class _Swapping:
    def __init__(self, home: Path, staged: Path, aside: Path, swap: Swap) -> None:
        self._home, self._staged, self._aside, self._swap = home, staged, aside, swap

    def run(self) -> None:
        for name in self._swap.younger if self._swap.younger_aside else ():
            self._put_aside(f"landing/{name}")
        self._published()
        # Each with all its files: an old log beside a new database would be replayed into it.
        for name in ("control", "secrets", "warehouse"):
            if (self._staged / name).exists():
                self._put_aside(name)
                (self._staged / name).rename(self._home / name)
        world = "simulation/world.json"
        if (self._staged / world).exists() and not (self._home / world).exists():
            (self._home / world).parent.mkdir(exist_ok=True)
            (self._staged / world).rename(self._home / world)
        for folder in (self._home / "published", self._home):
            if folder.exists():
                flush(folder)

    def _put_aside(self, name: str) -> None:
        present = self._home / name
        if present.exists():
            place = self._aside / name
            place.parent.mkdir(parents=True, exist_ok=True)
            present.rename(next(free for free in _names(place) if not free.exists()))

    def _published(self) -> None:
        """Versions before pointers; versions that the backup lacks stay for readers who are in them."""
        present, staged = self._home / "published", self._staged / "published"
        self._keep_published(present)
        for path in sorted(staged.rglob("*"), key=lambda path: path.suffix != ".parquet"):
            if path.is_file():
                target = present / path.relative_to(staged)
                target.parent.mkdir(parents=True, exist_ok=True)
                path.replace(target)
        for pointer in present.glob("*/*/current.json"):
            if pointer.parent.relative_to(present).as_posix() not in self._swap.tables:
                pointer.unlink()
        # It would name versions of what was here before.
        (present / MOVING).unlink(missing_ok=True)

    def _keep_published(self, present: Path) -> None:
        """Give everything published a second name; under its own name a version may be published anew."""
        kept, unfinished = self._aside / "published", self._aside / "published.part"
        if kept.exists() or not present.exists():
            return
        for path in present.rglob("*"):
            if path.is_file():
                link_or_copy(path, unfinished / path.relative_to(present))
        if unfinished.exists():
            unfinished.rename(kept)


def _names(place: Path) -> Iterator[Path]:
    yield place
    number = 2
    while True:
        yield place.with_name(f"{place.name}.{number}")
        number += 1
