"""Which rows of a published version a registration gets: its tenant's, its columns, and those its conditions meet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import duckdb

from orchestration.access.comparison import conditions, parse_comparison
from orchestration.delivery.failures import DeliveryFailed, DeliveryFailure
from orchestration.delivery.queue.claimed import Claimed
from orchestration.delivery.registration import Registration
from orchestration.names import TENANT, Table, quote
from orchestration.parquet_files import parquet_relation
from orchestration.publication.holding import version_path
from orchestration.publication.row_changes import CHANGE, Rows, changed_rows, shape
from orchestration.settings import Settings


@dataclass(frozen=True)
class Selection:
    """Rows to send: ``sql`` takes ``values``, ``columns`` are names and types, ``about`` says what they are."""

    sql: str
    values: tuple[object, ...]
    columns: Mapping[str, str]
    rows: int
    about: dict[str, Any]


@dataclass(frozen=True)
class Selector:
    """Selects for one delivery of a table, by a connection of its own."""

    con: duckdb.DuckDBPyConnection
    settings: Settings
    registration: Registration
    claimed: Claimed

    @property
    def table(self) -> Table:
        """The table that the delivery is about."""
        schema, _, name = self.claimed.subject.partition(".")
        return schema, name

    @property
    def key(self) -> tuple[str, ...]:
        """What tells the tenant's rows apart; empty when nothing does."""
        return tuple(name for name in self.claimed.events[-1].data.get("key", ()) if name != TENANT)

    def select(self) -> Selection | None:
        """Return the rows that the registration's payload asks for; ``None`` when nothing differs.

        Raises:
            DeliveryFailed: the version is gone, or has not what the registration names.
            Unanswerable: a condition does not fit the table.
        """
        new = self._rows(self._newest())
        if self.registration.payload == "changes":
            return self._changes(new)
        return self._snapshot(new)

    def _changes(self, new: Rows) -> Selection | None:
        columns, old = self._columns(new, with_key=True), self._before(new)
        found = changed_rows(self.con, new, old, list(columns), self._usable_key(new))
        if not found.counts:
            return None
        counts = found.counts
        about = self._about() | {
            "complete": old is None,
            "inserted": counts.inserted,
            "updated": counts.updated,
            "deleted": counts.deleted,
        }
        rows = counts.inserted + counts.updated + counts.deleted
        return Selection(found.sql, found.values, {CHANGE: "VARCHAR", **columns}, rows, about)

    def _snapshot(self, new: Rows) -> Selection | None:
        columns = self._columns(new, with_key=False)
        # Without conditions on rows and columns, whoever made the delivery has seen that something differs.
        is_filtered = bool(self.registration.where or self.registration.columns)
        old = self._before(new) if is_filtered else None
        if old and not changed_rows(self.con, new, old, list(columns), self._usable_key(new)).counts:
            return None
        (rows,) = self.con.execute(f"SELECT count(*) FROM {new.sql}", new.values).fetchall()[0]
        order = f" ORDER BY {', '.join(map(quote, key))}" if (key := self._usable_key(new)) else ""
        sql = f"SELECT {', '.join(map(quote, columns))} FROM {new.sql}{order}"
        return Selection(sql, new.values, columns, int(rows), self._about() | {"row_count": int(rows)})

    def _about(self) -> dict[str, Any]:
        return about_version(self.claimed) | {"key": list(self.key)}

    def _columns(self, rows: Rows, *, with_key: bool) -> dict[str, str]:
        """Return the columns that are sent: never the platform's own, and with changes always the key."""
        known = {name: kind for name, kind in rows.columns.items() if not name.startswith("_")}
        chosen = self.registration.columns or tuple(known)
        if gone := [name for name in chosen if name not in known]:
            message = f"{self.claimed.subject} has no column {', '.join(gone)} any more."
            remedy = f"Change it: strata registration change {self.registration.label} --column …"
            raise DeliveryFailed(DeliveryFailure.PAYLOAD, message, remedy)
        wanted = {*chosen, *(self.key if with_key else ())}
        return {name: kind for name, kind in known.items() if name in wanted}

    def _usable_key(self, rows: Rows) -> tuple[str, ...]:
        return self.key if all(name in rows.columns for name in self.key) else ()

    def _newest(self) -> Rows:
        version = self.claimed.to_version
        rows = self._version(version) if version is not None else None
        if rows is None:
            message = f"{self.claimed.subject} version {version} is not there any more."
            raise DeliveryFailed(DeliveryFailure.PAYLOAD, message, "A later delivery brings what changed since.")
        if TENANT not in rows.columns:
            message = f"{self.claimed.subject} does not tell tenants apart, so none of its rows can be sent."
            raise DeliveryFailed(DeliveryFailure.PAYLOAD, message)
        return rows

    def _before(self, new: Rows) -> Rows | None:
        """Return what the registration has; ``None`` when that cannot be compared, and everything has to be sent."""
        version = self.claimed.from_version
        old = self._version(version) if version is not None else None
        needed = {TENANT, *self._usable_key(new), *(parse_comparison(text).column for text in self.registration.where)}
        return self._rows(old) if old and needed <= set(old.columns) else None

    def _version(self, version: int) -> Rows | None:
        path = version_path(self.settings, self.table, version)
        if path is None:
            return None
        relation = parquet_relation(path)
        return Rows(relation, shape(self.con, relation))

    def _rows(self, version: Rows) -> Rows:
        where = [parse_comparison(text) for text in self.registration.where]
        known = {name: kind for name, kind in version.columns.items() if not name.startswith("_")}
        found = list(conditions(where, known))
        sql = " AND ".join([f"{quote(TENANT)} = ?", *(condition.sql for condition in found)])
        values = [self.registration.tenant, *(value for condition in found for value in condition.values)]
        return replace(version, sql=f"(SELECT * FROM {version.sql} WHERE {sql})", values=tuple(values))


def about_version(claimed: Claimed) -> dict[str, Any]:
    """Return what every delivery about a table says of its version."""
    known = {"table": claimed.subject, "version": claimed.to_version, "previous_version": claimed.from_version}
    return known | {"publications": claimed.event_count} if claimed.event_count > 1 else known
