"""An export's folder: every file is listed with its rows and checksum in a manifest that is written last."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import msgspec

from orchestration.failures import SettingsError

MANIFEST = "manifest.json"


class ExportedFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file: its path in the export, how many rows it has (``None``: it is no table) and its SHA-256."""

    path: str
    rows: int | None
    bytes: int
    sha256: str


class ExportManifest(msgspec.Struct, frozen=True, kw_only=True):
    """What an export holds; a folder without it is an export that never ended."""

    format: int = 1
    tenant: str
    title: str
    exported_at: datetime
    files: tuple[ExportedFile, ...]


class Archive:
    """A folder being filled."""

    def __init__(self, folder: Path) -> None:
        """Make the folder, for its owner's eyes alone.

        Raises:
            SettingsError: there is something in it already.
        """
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise SettingsError(f"{folder} is not empty.", "Name a folder that is empty or not there yet.")
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder = folder
        self._files: list[ExportedFile] = []

    def place(self, path: str) -> Path:
        """Return where a file goes; call :meth:`add` when it is there."""
        target = self._folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        return target

    def add(self, path: str, rows: int | None = None) -> None:
        """List a file that was written."""
        target = self._folder / path
        with target.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        self._files.append(ExportedFile(path=path, rows=rows, bytes=target.stat().st_size, sha256=digest))

    def copy(self, path: str, source: Path, rows: int | None = None) -> None:
        """Copy a file as it is."""
        shutil.copyfile(source, self.place(path))
        self.add(path, rows)

    def write_lines(self, path: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """Write rows as NDJSON: times in ISO 8601, exact numbers as text."""
        count = 0
        with self.place(path).open("w", encoding="utf-8") as file:
            for row in rows:
                file.write(json.dumps(row, default=_plain, ensure_ascii=False) + "\n")
                count += 1
        self.add(path, count)

    def write_document(self, path: str, document: Mapping[str, Any]) -> None:
        """Write one JSON document."""
        self.place(path).write_text(json.dumps(document, default=_plain, ensure_ascii=False, indent=2) + "\n", "utf-8")
        self.add(path)

    def close(self, tenant: str, title: str) -> ExportManifest:
        """Write the manifest, which says that everything before it is whole."""
        manifest = ExportManifest(
            tenant=tenant, title=title, exported_at=datetime.now(UTC), files=tuple(sorted(self._files, key=_path))
        )
        content = msgspec.json.format(msgspec.json.encode(manifest), indent=2)
        draft = self._folder / f".{MANIFEST}"
        draft.write_bytes(content)
        draft.rename(self._folder / MANIFEST)
        return manifest


def _path(file: ExportedFile) -> str:
    return file.path


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)
