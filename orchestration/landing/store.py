"""Where landed files live: two operations matter, put-if-absent and open.

DuckDB and pyarrow write and read local files. A store therefore hands out a local
draft to write to, takes it over whole when it is finished, and gives a local path
to read a landed file from; for a folder these are the files themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from orchestration.landing.folder import FolderStore
from orchestration.settings import Settings


class LandingStore(Protocol):
    """Immutable files by key (``tenant/source/connection/entity/load/file``)."""

    def draft(self, key: str) -> Path:
        """Return the local path to write a file to before :meth:`land` takes it over."""

    def land(self, key: str) -> None:
        """Take over a finished draft whole.

        Raises:
            Busy: there is such a file already.
        """

    def put(self, key: str, content: bytes) -> None:
        """Store a small file whole, unless there is one: then :class:`Busy`."""

    def make(self, prefix: str) -> None:
        """Make the folder of a prefix, where there are folders without files."""

    def replace(self, key: str, content: bytes) -> None:
        """Give a small file new content in one step; only what has to be forgotten is a reason to."""

    def read(self, key: str) -> bytes:
        """Return a small file's content; ``FileNotFoundError`` when there is none."""

    def local_path(self, key: str) -> Path:
        """Return a local path with a landed file's content, fetching it where needed."""

    def keys(self, prefix: str) -> Iterator[str]:
        """Yield the keys below a prefix (a folder, with its slash), sorted; drafts are no keys."""

    def folders(self, prefix: str, after: str = "") -> list[str]:
        """Return the names of the folders directly below a prefix, sorted, from the first one after ``after``.

        A folder that holds only drafts counts.
        """

    def delete(self, key: str) -> None:
        """Delete a file; nothing happens when it is gone already."""

    def clear(self, prefix: str) -> None:
        """Delete everything below a prefix, drafts and local copies too."""

    def release(self, prefix: str) -> None:
        """Drop local copies of what lies below a prefix; a folder has none."""


def open_landing(settings: Settings) -> LandingStore:
    """Return the store that ``STRATA_LANDING_URL`` names; a folder under the home when it is empty.

    Raises:
        SettingsError: the address is of no known form.
    """
    url = settings.landing_url
    if not url:
        return FolderStore(settings.home / "landing")
    if url.startswith("file://"):
        return FolderStore(Path(unquote(urlsplit(url).path)))
    # Its library takes a while to import, and most installations land in a folder.
    from orchestration.landing.objects import open_object_store  # noqa: PLC0415

    return open_object_store(url, settings.scratch_dir / "landing")
