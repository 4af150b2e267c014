"""The list of what a backup holds, written last: a folder without it is no backup.

It carries its own checksum, so that a changed byte of the list is found as one of a file is.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from pathlib import Path

import msgspec

from orchestration.decoding import decodable
from orchestration.failures import StrataError

MANIFEST = "manifest.json"
FORM = 1
"""The layout of a backup; a program restores the layouts up to its own."""
_NO_DIGEST = "0" * 64


class BackedUpFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file of the backup; ``path`` is relative to it, and the same as below the home."""

    path: str
    bytes: int
    sha256: str


class LandingList(msgspec.Struct, frozen=True, kw_only=True):
    """The ledgered loads whose manifests are listed, their files, and whether these are in the backup.

    ``gone`` counts ledgered loads whose landing had been removed already, by retention or by hand.
    """

    loads: int
    files: int
    bytes: int
    gone: int
    included: bool


class Versions(msgspec.Struct, frozen=True, kw_only=True):
    """What wrote the backup: program, DuckDB, columns of the platform's tables, and the control plane's revision."""

    program: str
    duckdb: str
    platform: dict[str, list[str]]
    control: str | None


@decodable
class BackupManifest(msgspec.Struct, frozen=True, kw_only=True):
    """A whole backup. Times are UTC; ``ledger_seq`` is the last load in it.

    ``taken_at`` is the one moment that all of it shows; ``held_seconds`` is how long writers waited.
    ``secrets`` names the secret files that the home had, ``left_out`` says what has to be backed up by other means.
    """

    backup_id: str
    taken_at: datetime
    home: str
    ledger_seq: int
    held_seconds: float
    versions: Versions
    files: tuple[BackedUpFile, ...]
    landing: LandingList
    secrets: tuple[str, ...] = ()
    secrets_included: bool = False
    left_out: tuple[str, ...] = ()
    form: int = FORM
    sha256: str = _NO_DIGEST

    @property
    def size(self) -> int:
        """The bytes of all files."""
        return sum(file.bytes for file in self.files)

    def encode(self) -> bytes:
        """Write it as JSON that people can read, with its own checksum."""
        blank = msgspec.structs.replace(self, sha256=_NO_DIGEST)
        content = msgspec.json.format(msgspec.json.encode(blank), indent=2)
        digest = hashlib.sha256(content).hexdigest()
        return content.replace(_NO_DIGEST.encode(), digest.encode())


def read_backup(folder: Path) -> BackupManifest:
    """Read a backup's list.

    Raises:
        StrataError: the folder is no whole backup, its list was changed, or a newer program wrote it.
    """
    path = folder / MANIFEST
    try:
        content = path.read_bytes()
    except OSError:
        raise StrataError(f"{folder} is no whole backup: it has no {MANIFEST}.", _remedy(folder)) from None
    try:
        form = msgspec.json.decode(content, type=_Form).form
        if form > FORM:
            raise StrataError(f"{path} is of form {form}, this program knows {FORM}.", "Install a newer program.")
        manifest = msgspec.json.decode(content, type=BackupManifest)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise _damaged(path) from None
    blank = content.replace(manifest.sha256.encode(), _NO_DIGEST.encode())
    if hashlib.sha256(blank).hexdigest() != manifest.sha256:
        raise _damaged(path)
    return manifest


@decodable
class _Form(msgspec.Struct):
    form: int


def _damaged(path: Path) -> StrataError:
    return StrataError(f"{path} was changed since it was written.", "Nothing was touched. Use another backup.")


def _remedy(folder: Path) -> str:
    """A person who named the folder of all backups is told those there are."""
    inside = sorted(path.parent.name for path in folder.glob(f"*/{MANIFEST}")) if folder.is_dir() else []
    return f"It holds backups: {', '.join(inside[-5:])}. Name one." if inside else "Name a backup's own folder."
