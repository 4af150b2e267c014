"""The folder: which of its files are meant, whether they are complete, and what characters they are written in.

A file that is still being written is no ``.csv`` yet: it has another ending (``.part``, ``.tmp``) and is left alone
until it is renamed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from orchestration.contracts.model import Contract
from orchestration.failures import ConnectionFailed, SchemaDrift

_BOM = b"\xef\xbb\xbf"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class ReceivedFile:
    """One file of the folder, read anew each time it is asked for; messages name it without its folder."""

    path: Path

    @property
    def name(self) -> str:
        """The file's own name."""
        return self.path.name

    @property
    def body(self) -> bytes:
        """The file's bytes.

        Raises:
            ConnectionFailed: it cannot be read, or is gone.
        """
        try:
            return self.path.read_bytes()
        except OSError as error:
            raise ConnectionFailed(f"The file {self.path} cannot be read: {error.strerror}.", "Try again.") from None

    def drift(self, what: str, remedy: str) -> SchemaDrift:
        """Return the error that says what is wrong with this file."""
        return SchemaDrift(f"{self.name}: {what}", remedy)

    def utf8(self) -> str:
        """Return the text of a file that has to be UTF-8.

        Raises:
            SchemaDrift: it is not.
        """
        return self._as_utf8(self.body)

    def _as_utf8(self, body: bytes) -> str:
        try:
            return body.removeprefix(_BOM).decode("utf-8")
        except UnicodeDecodeError as error:
            raise self.drift(
                f"byte {error.start + 1} is no UTF-8.", "Save the file as CSV UTF-8 and drop it again."
            ) from None

    def cp1252(self) -> str:
        """Return the text of a file in CP1252, or in UTF-8 with a byte order mark: what DATEV's format allows.

        Raises:
            SchemaDrift: it is in neither. Both are told apart by evidence, never by what looks likelier: text that
                is UTF-8 without its mark would be read as CP1252 with wrong letters.
        """
        remedy = "Export it again in CP1252 (ANSI), or in UTF-8 with a byte order mark."
        body = self.body
        if body.startswith(_UTF_16):
            raise self.drift("it is written in UTF-16.", remedy)
        if body.startswith(_BOM):
            return self._as_utf8(body)
        if not body.isascii() and _is_utf8(body):
            raise self.drift("it is written in UTF-8 without a byte order mark.", remedy)
        try:
            return body.decode("cp1252")
        except UnicodeDecodeError as error:
            raise self.drift(f"byte {error.start + 1} is no letter of CP1252.", remedy) from None


def files_of(folder: Path, contract: Contract) -> list[ReceivedFile]:
    """Return an entity's files by name: those that begin with its ``physicalName`` and end in ``.csv``.

    Raises:
        ConnectionFailed: the folder cannot be read.
    """
    start = contract.physical_name.lower()
    try:
        found = [path for path in folder.iterdir() if path.suffix.lower() == ".csv"]
    except OSError as error:
        message = f"The folder {folder} cannot be read: {error.strerror}."
        raise ConnectionFailed(message, "Check the setting 'folder', and that the share is there.") from None
    return [ReceivedFile(path) for path in sorted(found) if path.name.lower().startswith(start)]


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
