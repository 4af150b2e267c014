"""What simulators apply: changes of rows, and the journal in which a life collects them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator
from datetime import timedelta
from typing import Any, Literal, NamedTuple, TypeAlias

System = Literal["product", "salesforce"]
Op = Literal["insert", "update", "delete", "soft_delete"]
Row: TypeAlias = dict[str, Any]
"""Values are int, Decimal, str, bool, date, datetime (UTC) or None; never float."""

_NOW = timedelta(0)
COMPOSITE_KEYS = {
    "usage_daily": ("customer_id", "product_id", "usage_date", "metric"),
    "exchange_rate": ("base_currency", "quote_currency", "rate_date"),
}
"""Keys of the tables that have no ``id``."""


class Change(NamedTuple):
    """One change of one row; ``row`` is always the whole row as it is afterwards (before, for ``delete``).

    Tables are the system's own (``customer``, ``Account``), columns too. Technical
    timestamps (created_at, updated_at; CreatedDate, LastModifiedDate, SystemModstamp)
    are *not* in the row: the simulator sets them to the real present minus ``age``.
    But for sales: the ``CreatedDate`` of leads, opportunities and their stages is what
    time in the pipeline is measured by, so the row has it, in the world's time.
    ``age`` is above zero for the initial state (up to some weeks) and for inserts
    that arrive late (up to 14 minutes).

    ``delete`` is gone for good (Salesforce: purged from the recycle bin);
    ``soft_delete`` has ``IsDeleted`` true. An initial ``insert`` may have it too.
    ``formula_only``: nothing but a formula field moved; timestamps must stay as they were.
    """

    system: System
    table: str
    op: Op
    row: Row
    age: timedelta = _NOW
    formula_only: bool = False


class Journal:
    """The rows of one life, and the changes since they were last taken (one a row at most)."""

    def __init__(self) -> None:
        """Begin with no rows."""
        self._tables: defaultdict[str, dict[Hashable, Row]] = defaultdict(dict)
        self._pending: dict[tuple[str, Hashable], Change] = {}

    def rows(self, table: str) -> list[Row]:
        """Return a table's rows that are alive, in the order they came."""
        return [row for row in self._tables[table].values() if not row.get("IsDeleted")]

    def deleted(self, table: str) -> list[Row]:
        """Return a table's soft-deleted rows."""
        return [row for row in self._tables[table].values() if row.get("IsDeleted")]

    def insert(self, table: str, row: Row, age: timedelta = _NOW) -> Row:
        """Add a row and return it; later updates change it in place."""
        key = _key(table, row)
        self._tables[table][key] = row
        self._pending[table, key] = Change(_system(table), table, "insert", row, age)
        return row

    def update(self, table: str, row: Row, **values: object) -> None:
        """Change columns of a row."""
        row.update(values)
        self._note(table, row, "update")

    def recalculate(self, table: str, row: Row, **values: object) -> None:
        """Change formula fields of a row, which moves none of its timestamps."""
        row.update(values)
        key = _key(table, row)
        if (table, key) not in self._pending:
            self._pending[table, key] = Change(_system(table), table, "update", row, formula_only=True)

    def soft_delete(self, table: str, row: Row) -> None:
        """Put a Salesforce row into the recycle bin."""
        row["IsDeleted"] = True
        self._note(table, row, "soft_delete")

    def delete(self, table: str, row: Row) -> None:
        """Remove a row for good; one that was never told of leaves no trace."""
        key = _key(table, row)
        del self._tables[table][key]
        before = self._pending.pop((table, key), None)
        if before is None or before.op != "insert":
            self._pending[table, key] = Change(_system(table), table, "delete", row)

    def take(self) -> Iterator[Change]:
        """Yield the changes since the last call; rows are copies."""
        pending, self._pending = self._pending, {}
        for change in pending.values():
            yield change._replace(row=dict(change.row))

    def _note(self, table: str, row: Row, op: Op) -> None:
        key = _key(table, row)
        before = self._pending.get((table, key))
        if before is None or before.op != "insert":
            self._pending[table, key] = Change(_system(table), table, op, row)


def _system(table: str) -> System:
    return "salesforce" if table[0].isupper() else "product"


def _key(table: str, row: Row) -> Hashable:
    key = COMPOSITE_KEYS.get(table)
    return tuple(row[name] for name in key) if key else str(row.get("Id") or row["id"])
