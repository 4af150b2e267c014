"""What a warehouse has done, as its own tables tell: loads, builds, closes, and what decides over what they give."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from orchestration import names
from orchestration.bronze import ledger
from orchestration.bronze.ledger import LoadResult
from orchestration.failures import SettingsError
from orchestration.quality.salts import read_salts
from orchestration.scripts.close.ledger import CLOSED, LoggedClose, list_closes
from orchestration.settings import Settings
from orchestration.warehouse import apply, open_warehouse
from orchestration.warehouse.clock import aware
from orchestration.warehouse.platform import PLATFORM_TABLES, platform_table
from orchestration.warehouse.protocol import Session

DECISIONS = ("erasure", "quarantine")
"""What people decided over rows, which no landing tells: these tables are taken over as they are."""
ALL = 1_000_000
"""More closes than there are: one a tenant and day."""


@dataclass(frozen=True)
class Record:
    """What was done, each oldest first: finished loads, when each good build began, good closes.

    ``decisions`` are rows of the platform's tables, by the table's name.
    """

    loads: tuple[LoadResult, ...]
    builds: tuple[datetime, ...]
    closes: tuple[LoggedClose, ...]
    salts: Mapping[str, str]
    decisions: Mapping[str, pa.Table]


def read_record(settings: Settings) -> Record:
    """Read the record of the warehouse that these settings name.

    Raises:
        SettingsError: there is none.
        Busy: somebody writes to it for too long.
    """
    warehouse = open_warehouse(settings)
    if warehouse.is_embedded and not settings.warehouse_file.exists():
        raise SettingsError(f"{settings.home} has no DuckDB warehouse.", "Name the STRATA_HOME of one that was loaded.")
    with warehouse.reading("a replay elsewhere") as session:
        if not apply.is_current(session):
            raise SettingsError("The platform's tables there are another program's.", "There: strata warehouse apply.")
        return Record(
            tuple(ledger.all_loads(session)),
            tuple(_builds(session)),
            tuple(close for close in reversed(list_closes(session, limit=ALL)) if close.status == CLOSED),
            read_salts(session),
            {name: _rows(session, name) for name in DECISIONS},
        )


def write_decisions(session: Session, record: Record) -> None:
    """Make this warehouse's decisions those of the record."""
    for name, rows in record.decisions.items():
        with session.transaction():
            session.execute(f"DELETE FROM {platform_table(name)}")
            session.con.register("decided", rows)
            session.execute(f"INSERT INTO {platform_table(name)} BY NAME SELECT * FROM decided")
            session.con.unregister("decided")


def _builds(session: Session) -> list[datetime]:
    sql = f"SELECT started_at FROM {platform_table('build_log')} WHERE kind = ? AND status = ? ORDER BY started_at"
    return [aware(moment) for (moment,) in session.execute(sql, ["warehouse", "succeeded"])]


def _rows(session: Session, name: str) -> pa.Table:
    columns = ", ".join(map(names.quote, PLATFORM_TABLES[name]))
    with session.working_copy((names.PLATFORM, name)):
        return session.con.sql(f"SELECT {columns} FROM {platform_table(name)}").to_arrow_table()
