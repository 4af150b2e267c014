"""What a merge writes on SQL Server: keys that go or are marked by one statement, new rows by a proven load."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from orchestration import names
from orchestration.contracts.model import Contract
from orchestration.names import literal
from orchestration.warehouse.sqlserver.catalog import bracketed, there
from orchestration.warehouse.sqlserver.rendering import Rendered
from orchestration.warehouse.sqlserver.session import SqlServerSession
from orchestration.warehouse.sqlserver.types import as_key, key_type

_KEYS_A_STATEMENT = 20_000


@dataclass(frozen=True)
class ServerMerge:
    """Writes of one session, within its transaction."""

    session: SqlServerSession

    def add(self, contract: Contract, query: str, load_id: object) -> int:
        """Load what a query of the session gives straight into the table; its load id tells it from all the rest."""
        mine = f"{bracketed(names.LOAD_ID)} = {literal(str(load_id))}"
        return self.session.append(contract.table, f"({query})", condition=mine)

    def remove(self, contract: Contract, own: Sequence[object], keys: str) -> None:
        """Delete rows by the keys that a query of the session gives."""
        for batch in self._batches(contract, keys):
            self._run(f"DELETE t {_joined(contract)}", batch, own)

    def bury(self, contract: Contract, own: Sequence[object], keys: str, marks: Sequence[object]) -> None:
        """Make tombstones of rows; ``marks`` are when they were loaded and deleted."""
        changed = f"{bracketed(names.LOADED_AT)} = ?, {bracketed(names.DELETED_AT)} = ?"
        for batch in self._batches(contract, keys):
            self._run(f"UPDATE t SET {changed} {_joined(contract)}", *marks, batch, own)

    def _run(self, statement: str, *values: object) -> None:
        *first, own = values
        assert isinstance(own, Sequence)
        flat = [*first, *own]
        self.session.remote_rows(Rendered(statement, tuple(range(len(flat)))), flat)

    def _batches(self, contract: Contract, keys: str) -> Iterator[str]:
        """Yield keys as JSON arrays of arrays."""
        listed = ", ".join(f"CAST({names.quote(name)} AS VARCHAR)" for name in contract.key)
        found = self.session.con.execute(f"SELECT CAST(json_array({listed}) AS VARCHAR) FROM ({keys})")
        while rows := found.fetchmany(_KEYS_A_STATEMENT):
            yield "[" + ",".join(text for (text,) in rows) + "]"


def _joined(contract: Contract) -> str:
    """Join the table with the keys of a JSON text, of one tenant's connection; parameters in that order."""
    shape = ", ".join(
        f"[k{number}] {key_type(column.type.duckdb)} '$[{number}]'"
        for number, column in enumerate(contract.key_columns)
    )
    same = " AND ".join(
        f"t.{bracketed(column.name)} = {as_key(f'j.[k{number}]', column.type.duckdb)}"
        for number, column in enumerate(contract.key_columns)
    )
    own = f"t.{bracketed(names.TENANT)} = ? AND t.{bracketed(names.CONNECTION)} = ?"
    return f"FROM {there(contract.table)} t JOIN OPENJSON(?) WITH ({shape}) j ON {same} WHERE {own}"
