"""Columns that had values and come without a single one: most likely the source stopped to send them.

A reply in JSON that lacks a member does not say whether its value is null or the member is gone. Where ``describe()``
cannot know either, its loss shows only here. It is told and not refused: a table of few rows may well be empty there.
"""

from __future__ import annotations

from collections.abc import Sequence

from orchestration.bronze import statements
from orchestration.bronze.merge import Incoming
from orchestration.landing.manifest import Manifest
from orchestration.warehouse.protocol import Session

_FIRST_ROWS = 10_000


def emptied_columns(session: Session, incoming: Incoming, manifest: Manifest) -> str:
    """Return a sentence for the ledger; empty where nothing is amiss. Call it before the merge.

    Only snapshots of texts are looked at: of a database ``describe()`` tells, and to read all its columns once more
    would cost what the gate does.
    """
    gated, optional = incoming.gated, [column.name for column in incoming.contract.columns if not column.required]
    texts = any(part.format != "parquet" for part in manifest.of_role("rows"))
    if incoming.kind != "snapshot" or not texts or not optional or gated.extracted == gated.rejected:
        return ""
    # Few columns are empty in the first rows; only these are read whole.
    first = f"(SELECT * FROM {gated.good} LIMIT {_FIRST_ROWS})"
    empty = _without_values(session, _without_values(session, optional, first), gated.good)
    if not empty:
        return ""
    known = session.execute(statements.count_values(incoming.contract, empty), incoming.own)[0]
    emptied = ", ".join(name for name, count in zip(empty, known, strict=True) if count)
    return emptied and f"No row has a value any more in: {emptied}. Ask the source's owner whether that was meant."


def _without_values(session: Session, columns: Sequence[str], rows: str) -> list[str]:
    if not columns:
        return []
    found = session.con.execute(f"SELECT {statements.counts(columns)} FROM {rows}").fetchall()[0]
    return [name for name, count in zip(columns, found, strict=True) if not count]
