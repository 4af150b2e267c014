"""What a merge writes on SQL Server: keys that go or are marked by one statement, new rows by a proven load."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from orchestration import names
from orchestration.contracts.model import Contract
from orchestration.names import literal
from orchestration.warehouse.sqlserver.keys import matched
from orchestration.warehouse.sqlserver.quoting import bracketed, there
from orchestration.warehouse.sqlserver.session import SqlServerSession

_KEYS_A_STATEMENT = 20_000


@dataclass(frozen=True)
class ServerMerge:
    """Writes of one session, within its transaction."""

    session: SqlServerSession

    def fill(self, contract: Contract, query: str, own: Sequence[object], load_id: object) -> int:
        """Load what a query of the session gives straight into the table, which has no row of this connection."""
        values = zip((names.TENANT, names.CONNECTION, names.LOAD_ID), (*own, load_id), strict=True)
        mine = " AND ".join(f"{bracketed(name)} = {_text(value)}" for name, value in values)
        return self.session.append(contract.table, f"({query})", condition=mine)

    def add(self, contract: Contract, query: str) -> int:
        """Load new and changed rows beside the table, and move them: the cost does not grow with the table."""
        return self.session.append(contract.table, f"({query})")

    def remove(self, contract: Contract, own: Sequence[object], keys: str) -> None:
        """Delete rows by the keys that a query of the session gives."""
        for batch in self._batches(contract, keys):
            self.session.run(f"DELETE t {_joined(contract)}", batch, *own)

    def bury(self, contract: Contract, own: Sequence[object], keys: str, marks: Sequence[object]) -> None:
        """Make tombstones of rows; ``marks`` are when they were loaded and deleted."""
        changed = f"{bracketed(names.LOADED_AT)} = ?, {bracketed(names.DELETED_AT)} = ?"
        for batch in self._batches(contract, keys):
            self.session.run(f"UPDATE t SET {changed} {_joined(contract)}", *marks, batch, *own)

    def _batches(self, contract: Contract, keys: str) -> Iterator[str]:
        """Yield keys as JSON arrays of arrays."""
        listed = ", ".join(f"CAST({names.quote(name)} AS VARCHAR)" for name in contract.key)
        found = self.session.con.execute(f"SELECT CAST(json_array({listed}) AS VARCHAR) FROM ({keys})")
        while rows := found.fetchmany(_KEYS_A_STATEMENT):
            yield "[" + ",".join(text for (text,) in rows) + "]"


def _text(value: object) -> str:
    return f"N{literal(str(value))}"


def _joined(contract: Contract) -> str:
    """Join the table with the keys of a JSON text, of one tenant's connection; parameters in that order."""
    keys, same = matched("t", [(column.name, column.type.duckdb) for column in contract.key_columns])
    own = f"t.{bracketed(names.TENANT)} = ? AND t.{bracketed(names.CONNECTION)} = ?"
    return f"FROM {there(contract.table)} t JOIN {keys} ON {same} WHERE {own}"
