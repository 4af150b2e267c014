"""Keeps what checks found by the digest of what they looked at, so that a script is parsed once for each of its texts.

The digest has the script's text, the columns of what it reads, and this code; what is kept is JSON in a SQLite file,
which several processes may use at once. A file that is no such cache, or cannot be written, is no error: everything
is looked at again.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path

from orchestration.scripts.facts import Document

_KEPT_DAYS = 30
_TABLE = "CREATE TABLE IF NOT EXISTS found (digest TEXT PRIMARY KEY, document TEXT NOT NULL, used INTEGER NOT NULL)"


@dataclass(frozen=True)
class Cache:
    """One file; without a path nothing is kept."""

    path: Path | None = None

    def get(self, digests: Iterable[str]) -> dict[str, Document]:
        """Return what is kept of these digests."""
        wanted = json.dumps(list(digests))
        if self.path is None or not self.path.exists():
            return {}
        try:
            with closing(self._open(self.path)) as con:
                sql = "SELECT digest, document FROM found WHERE digest IN (SELECT value FROM json_each(?))"
                return {digest: json.loads(document) for digest, document in con.execute(sql, [wanted])}
        except (sqlite3.Error, ValueError):
            return {}

    def keep(self, found: Mapping[str, Document]) -> None:
        """Keep what was found, and forget what is older than a month."""
        if self.path is None or not found:
            return
        today = int(time.time() // 86400)
        rows = [(digest, json.dumps(document, separators=(",", ":")), today) for digest, document in found.items()]
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with closing(self._open(self.path)) as con, con:
                con.execute(_TABLE)
                con.executemany("INSERT OR REPLACE INTO found VALUES (?, ?, ?)", rows)
                con.execute("DELETE FROM found WHERE used < ?", [today - _KEPT_DAYS])
        except (sqlite3.Error, OSError):
            return

    @staticmethod
    def _open(path: Path) -> sqlite3.Connection:
        return sqlite3.connect(path, timeout=1)


def digest(*parts: object) -> str:
    """Return the digest of some values together with the code that judges them."""
    text = json.dumps([code_version(), *parts], separators=(",", ":"), default=str)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=20).hexdigest()


@cache
def code_version() -> str:
    """Return the digest of the code that reads scripts, sqlglot's version included."""
    found = hashlib.blake2b(version("sqlglot").encode(), digest_size=20)
    for path in sorted(Path(__file__).resolve().parent.parent.rglob("*.py")):
        found.update(path.read_bytes())
    return found.hexdigest()
