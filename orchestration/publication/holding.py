"""Holds versions that deliveries still need: a second name of the file, which retention does not know.

``held/v000012.parquet`` beside the table's versions is a hard link, or a copy where the file system
has none. Who holds, and what for, is the business of ``orchestration.delivery.outbox.held``;
publication only looks at how far deliveries have read, so that it deletes nothing they have not seen.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from orchestration import names
from orchestration.names import Table
from orchestration.publication.files import link_or_copy, replace_file
from orchestration.publication.pointer import table_folder
from orchestration.settings import Settings

HELD = "held"


def version_file(version: int) -> str:
    """Return the name of a version's file."""
    return f"v{version:06d}.parquet"


def version_path(settings: Settings, table: Table, version: int) -> Path | None:
    """Return where a version lies, among the kept ones or the held ones; ``None`` when it is gone."""
    folder, name = table_folder(settings, table), version_file(version)
    return next((path for path in (folder / name, folder / HELD / name) if path.exists()), None)


def hold(settings: Settings, table: Table, version: int) -> bool:
    """Give a version its second name, and make it young again if it has one; say whether the version is there.

    A second name that stands for another file (its rows were erased since, or a backup restored) is given anew.
    """
    folder, name = table_folder(settings, table), version_file(version)
    source, target = folder / name, folder / HELD / name
    try:
        if not source.exists() or (target.exists() and target.samefile(source)):
            os.utime(target)
        else:
            draft = target.with_suffix(f".{os.getpid()}.part")
            link_or_copy(source, draft)
            draft.replace(target)
    except FileNotFoundError:
        return False
    return True


def held_files(settings: Settings) -> list[Path]:
    """Return the second names there are, sorted."""
    return sorted(settings.published_dir.glob(f"*/*/{HELD}/v*.parquet"))


def held_version(path: Path) -> tuple[Table, int]:
    """Return the table and the version of a second name."""
    folder = path.parent.parent
    return (folder.parent.name, folder.name), int(path.stem.removeprefix("v"))


def mark_read(settings: Settings, seq: int | None) -> None:
    """Note how far deliveries have read the publication log; ``None``: there are none to make."""
    path = _mark(settings)
    if seq is None:
        path.unlink(missing_ok=True)
    elif read_up_to(settings) != seq:
        replace_file(path, msgspec.json.encode(seq))


def read_up_to(settings: Settings) -> int | None:
    """Return how far deliveries have read the log; ``None`` when nobody is delivered to."""
    try:
        return msgspec.json.decode(_mark(settings).read_bytes(), type=int)
    except FileNotFoundError:
        return None


def _mark(settings: Settings) -> Path:
    return settings.published_dir / names.PLATFORM / "read_by_deliveries.json"
