"""Sends a script to a T-SQL server, batch by batch, and finds the statement that the server refuses.

Neither ODBC driver tells the line that a server names with an error. So a script that fails runs once more, in a
transaction that is undone, and each statement notes its place before.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any

from orchestration.failures import ScriptRefused
from orchestration.scripts.source import Script
from orchestration.scripts.splitting import tokenize
from orchestration.scripts.tsql import PLACE, Batch, Placing, as_written, noted

_WORD = re.compile(r"\w+")
_REMEDY = "Correct the statement, or the data that it meets."


@dataclass(frozen=True)
class Sending:
    """One script for one server; ``cursor`` is a cursor of either driver."""

    script: Script
    placing: Placing
    as_of: date
    cursor: Any

    def send(self) -> None:
        """Run the script; the driver's own errors come as they are."""
        for batch in as_written(self.script, self.placing, self.as_of):
            self._run(batch)

    def _run(self, batch: Batch) -> None:
        """Run one batch to its last statement: a later one's error is told by its own result alone."""
        self.cursor.execute(batch.text)
        while self.cursor.nextset():
            pass

    def drop_temporary(self) -> None:
        """Drop the script's #tables: they would live as long as the connection, which other scripts have too."""
        tokens = tokenize(self.script.text)
        names = {token.text[1:] or after.text for token, after in pairwise(tokens) if token.text.startswith("#")}
        for name in sorted(names):
            self.cursor.execute(f"DROP TABLE IF EXISTS [#{name.replace(']', ']]')}]")

    def refusal(self, said: str, undo: Callable[[], None]) -> ScriptRefused:
        """Return what the server said, with the place of the statement.

        The script runs again to that end, so call it where nothing of it is left; ``undo`` takes it back.
        """
        line, column = self._place_refused(undo)
        word = _WORD.match(self.script.text, self.script.line_start(line) + column - 1)
        what = f" {word[0].upper()}:" if word else ""
        return ScriptRefused(f"{self.script.path}:{line}:{column}:{what} the server says: {said}", _REMEDY)

    def _place_refused(self, undo: Callable[[], None]) -> tuple[int, int]:
        """Return where the statement begins that fails; of a batch that is refused as a whole, its first line."""
        try:
            for batch in as_written(self.script, self.placing, self.as_of, is_marked=True):
                self.cursor.execute(noted(batch.first_line, 1))
                self._run(batch)
        except Exception:  # noqa: BLE001 - what is said is known; only where is asked
            undo()
            with suppress(Exception):
                self.cursor.execute(f"SELECT CAST(SESSION_CONTEXT(N'{PLACE}') AS nvarchar(40))")
                line, _, column = str(self.cursor.fetchall()[0][0]).partition(":")
                return int(line), int(column)
        undo()
        return 1, 1
