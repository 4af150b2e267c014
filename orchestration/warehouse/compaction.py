"""Writes the embedded warehouse anew without what was deleted from it.

DuckDB marks deleted rows and reuses their blocks some day; until then their bytes can be
read in the file. Where something has to be gone, all that is left is copied to a new file,
which takes the old one's place by rename: killed at any moment, one whole file is there.
"""

from __future__ import annotations

import duckdb

from orchestration.names import literal
from orchestration.settings import Settings
from orchestration.warehouse.duckdb import connection_settings
from orchestration.warehouse.protocol import Warehouse
from orchestration.warehouse.scratch import discard_abandoned


def compact(warehouse: Warehouse, settings: Settings) -> int:
    """Copy what lives into a new file, and return by how many bytes the warehouse shrank.

    Needs as much free disk as the warehouse is big. Call it outside a session: it holds the writer's lock.
    Rows that killed loads left in scratch files go as well, of a server's loads too.
    """
    discard_abandoned(settings.scratch_dir)
    if not warehouse.is_embedded:
        return 0  # a server reuses its pages by itself
    path = settings.warehouse_file
    with warehouse.exclusive("write the warehouse anew"):
        if not path.exists():
            return 0
        draft = path.with_suffix(".compact")
        for leftover in (draft, draft.with_suffix(".compact.wal")):
            leftover.unlink(missing_ok=True)
        before = path.stat().st_size
        with duckdb.connect(path, config=connection_settings(settings)) as con:
            con.execute("CHECKPOINT")
            con.execute(f"ATTACH {literal(str(draft))} AS compact")
            con.execute(f"COPY FROM DATABASE {path.stem} TO compact")
            con.execute("DETACH compact")
        draft.replace(path)
        return before - path.stat().st_size
