"""The product database: PostgreSQL, read as Arrow through COPY.

Why the cursor can be trusted: ``updated_at`` is set by the database's own clock in
every table. It is the moment the *transaction began*, so a long one shows its rows
late; the contracts' overlap covers fifteen minutes of that, the daily load the rest.
Deletions leave no trace in the tables: they are found by a sweep of the keys. Every
read is one snapshot (REPEATABLE READ, READ ONLY), so a load never sees half a
transaction. Nothing here belongs to the simulated schema: any PostgreSQL will do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, closing
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa

from orchestration import names
from orchestration.contracts.extraction import Check, Connection, Extractor, JsonPage, Page, Window
from orchestration.contracts.model import Contract
from orchestration.contracts.reader import read_contracts
from orchestration.contracts.types import ColumnType
from orchestration.failures import SchemaDrift, StrataError
from source_systems.product.catalog import SourceColumn, contract_types, read_columns, table_of
from source_systems.product.columns import Selected, select_columns
from source_systems.product.session import Session

_MISFIT = "row that fits no column"
"""Name of the select item that holds a misfit's whole row as text; no bronze column can be called so."""
_PAGE_BYTES = 1024 * 1024
_OLDEST_SERVER = 120000


def connect(connection: Connection) -> AbstractContextManager[PostgresExtractor]:
    """Sign in to one tenant's database; leaving the block ends the session."""
    return closing(PostgresExtractor(connection))


class PostgresExtractor(Extractor):
    """A session with one PostgreSQL database."""

    def __init__(self, connection: Connection) -> None:
        """Sign in.

        Raises:
            AuthenticationFailed, ConnectionFailed, SettingsError: it did not work, and why.
        """
        self._connection = connection
        self._session = Session(connection.get("url"), connection.label)
        self._described: dict[names.Table, dict[str, SourceColumn]] = {}

    def close(self) -> None:
        """End the session."""
        self._session.close()

    def extract(self, contract: Contract, window: Window) -> Iterator[Page]:
        """Yield the rows at or after ``window.since`` as Arrow; rows that it cannot hold exactly come last, as JSON."""
        source = self._columns(contract)
        selected = select_columns(contract, contract.columns, source)
        conditions = [*self._of_tenant(contract, source), *_since(contract, window, source)]
        misfits = _Misfits()
        for batch in self._session.stream(
            self._select(contract, [*map(_item, selected), _misfit(selected)], conditions)
        ):
            typed, rows = _finish(batch, selected), batch.column(len(selected))
            if rows.null_count == len(rows):
                yield typed
                continue
            if rows.null_count:
                yield typed.filter(rows.is_null())
            yield from misfits.add(rows)
        yield from misfits.take()

    def describe(self, contract: Contract) -> Mapping[str, ColumnType]:
        """Return the table's columns by name, in the contract's types.

        Raises:
            SchemaDrift: there is no such table.
        """
        self._described.pop(self._table(contract), None)
        return contract_types(contract, self._columns(contract))

    def count(self, contract: Contract) -> int:
        """Return the number of rows that this tenant has in the table."""
        conditions = self._of_tenant(contract, self._columns(contract) if contract.tenant_column else {})
        (batch,) = self._session.stream(self._select(contract, ["count(*) AS rows"], conditions))
        return int(batch.column(0)[0].as_py())

    def keys(self, contract: Contract) -> Iterator[pa.RecordBatch]:
        """Yield the key columns of all rows; keys that no contract type can hold are not among them."""
        source = self._columns(contract)
        selected = select_columns(contract, contract.key_columns, source)
        readable = [f"({item.misfit}) IS NOT TRUE" for item in selected if item.misfit]
        query = self._select(contract, [*map(_item, selected)], [*self._of_tenant(contract, source), *readable])
        for batch in self._session.stream(query):
            yield _finish(batch, selected)

    def checks(self) -> list[Check]:
        """Say whether the server is recent enough, and whether each contract's table can be read."""
        (server,) = self._session.rows("SELECT current_setting('server_version_num')::int AS number")
        recent = server["number"] >= _OLDEST_SERVER
        remedy = "" if recent else "Upgrade the server to PostgreSQL 12 or later."
        version = Check("server version", recent, f"PostgreSQL {server['number'] // 10000}", remedy)
        contracts = read_contracts(Path(__file__).parent / "contracts", self._connection.source)
        return [Check("sign-in", ok=True, detail="signed in"), version, *map(self._readable, contracts.values())]

    def _readable(self, contract: Contract) -> Check:
        table = self._table(contract)
        try:
            self._columns(contract)
            relation = names.literal(names.qualified(table))
            (answer,) = self._session.rows(f"SELECT has_table_privilege({relation}, 'SELECT') AS granted")
        except StrataError as error:
            return Check(f"read {contract.entity}", ok=False, detail=error.message, remedy=error.remedy)
        remedy = "" if answer["granted"] else f"GRANT SELECT ON {names.qualified(table)} TO the connection's user."
        return Check(f"read {contract.entity}", bool(answer["granted"]), ".".join(table), remedy)

    def _table(self, contract: Contract) -> names.Table:
        return table_of(contract, self._connection.get("schema", "public"))

    def _columns(self, contract: Contract) -> dict[str, SourceColumn]:
        """Return a table's columns as they were last described: what is read fits what was compared."""
        table = self._table(contract)
        if table not in self._described:
            self._described[table] = read_columns(self._session, contract, table)
        return self._described[table]

    def _of_tenant(self, contract: Contract, source: Mapping[str, SourceColumn]) -> list[str]:
        """Return the condition that leaves other tenants of a shared table out."""
        if not contract.tenant_column:
            return []
        if contract.tenant_column not in source:
            message = f"{contract.source}/{contract.entity}: the tenant column {contract.tenant_column!r} is gone."
            raise SchemaDrift(message, "Correct tenantColumn in the contract: nothing is read without it.")
        value = self._connection.get("tenant_value", self._connection.tenant)
        return [f"{names.quote(contract.tenant_column)} = {names.literal(value)}"]

    def _select(self, contract: Contract, items: list[str], conditions: list[str]) -> str:
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        return f"SELECT {', '.join(items)} FROM {names.qualified(self._table(contract))}{where}"


class _Misfits:
    """Gathers rows as JSON text into pages of about a megabyte."""

    def __init__(self) -> None:
        self._rows: list[bytes] = []
        self._bytes = 0

    def add(self, rows: pa.Array) -> Iterator[JsonPage]:
        """Take the rows that are not null; yield a page when there is enough for one."""
        texts = [text.encode() for text in rows.drop_null().to_pylist()]
        self._rows += texts
        self._bytes += sum(map(len, texts))
        if self._bytes >= _PAGE_BYTES:
            yield from self.take()

    def take(self) -> Iterator[JsonPage]:
        """Yield what is left."""
        if self._rows:
            yield JsonPage(b"[" + b",\n".join(self._rows) + b"]")
        self._rows, self._bytes = [], 0


def _item(selected: Selected) -> str:
    return selected.sql


def _misfit(selected: list[Selected]) -> str:
    """Write the select item that is NULL for a row that fits, and otherwise the row as a JSON object of texts."""
    conditions = " OR ".join(f"({item.misfit})" for item in selected if item.misfit)
    if not conditions:
        return f"NULL::text AS {names.quote(_MISFIT)}"
    members = ", ".join(f"{item.text} AS {names.quote(item.column.source_name)}" for item in selected)
    name = names.quote(_MISFIT)
    return f"CASE WHEN {conditions} THEN (SELECT to_json({name}) FROM (SELECT {members}) {name})::text END AS {name}"


def _since(contract: Contract, window: Window, source: Mapping[str, SourceColumn]) -> list[str]:
    if window.since is None or contract.cursor is None:
        return []
    column = contract.column(contract.cursor).source_name
    zoned = source[column].type == "timestamptz"
    return [f"{names.quote(column)} >= {_moment(window.since, zoned=zoned)}"]


def _moment(instant: datetime, *, zoned: bool) -> str:
    """Write an instant for comparison; columns without a zone hold UTC."""
    text = instant.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ")
    return f"TIMESTAMPTZ '{text}+00'" if zoned else f"TIMESTAMP '{text}'"


def _finish(batch: pa.RecordBatch, selected: list[Selected]) -> pa.RecordBatch:
    arrays = [item.finish(batch.column(place)) for place, item in enumerate(selected)]
    return pa.RecordBatch.from_arrays(arrays, names=[item.column.name for item in selected])
