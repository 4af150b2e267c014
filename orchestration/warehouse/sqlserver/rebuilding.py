"""Makes a table anew beside the old one, and lets it take its place: for changes that no ALTER can make.

Rows are copied while readers go on with the old table. Only the swap locks it: a transaction of a few statements,
which waits for who still reads for a moment, gives way to others behind it, and is tried again. What hangs on the
table (views, grants, indexes, constraints, triggers, the policy) is made again within it, so that nobody meets a gap.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING

import stamina

from orchestration import names
from orchestration.names import Table, literal
from orchestration.warehouse.protocol import Interrupted
from orchestration.warehouse.sqlserver import attached, dependents, parts, security
from orchestration.warehouse.sqlserver.dependents import Index
from orchestration.warehouse.sqlserver.quoting import bracketed, there

if TYPE_CHECKING:
    from orchestration.warehouse.sqlserver.session import SqlServerSession

GO = ";\nGO\n"
_BEGIN, _COMMIT = "BEGIN TRANSACTION", "COMMIT TRANSACTION"
_PATIENCE = 2_000
"""Milliseconds that a swap waits for readers; those that come meanwhile wait behind it."""
_COPY, _OLD = "strata_rebuilt_", "strata_replaced_"
_LEFT = """
SELECT s.name, t.name FROM sys.tables t JOIN sys.schemas s ON s.schema_id = t.schema_id
WHERE t.name LIKE 'strata[_]rebuilt[_]%' OR t.name LIKE 'strata[_]bulk[_]%'"""


@dataclass(frozen=True)
class Rebuild:
    """A table's new form: the statements that make it under another name, and its indexes.

    ``values`` are the columns that the old one has, each with what it becomes; ``by`` the column by which the new
    one is kept in parts, and ``left`` the scheme of the old one's that it does not need.
    """

    table: Table
    create: str
    values: Mapping[str, str]
    own: Sequence[Index]
    by: str = ""
    left: str = ""

    def script(self, session: SqlServerSession) -> str:
        """Return it in T-SQL, in batches."""
        batches = [*_removal(session, beside(self.table)), self.create, self._copy()]
        return GO.join([*batches, *self._swap(session)])

    def obstacles(self, session: SqlServerSession) -> list[str]:
        """Name what the table carries and could not be brought along."""
        run, can = session.run, session.capabilities
        carried = attached.attached(run, can, self.table)
        unique = [item.columns for item in self._indexes(session) if item.is_unique and not item.condition]
        found = attached.obstacles(run, can, self.table, carried, unique)
        found += [f"trigger {text.split()[2]}" for text in carried.triggers if GO in text]
        apart = [item for item in self._indexes(session) if item.is_whole and (item.kind or can.is_babelfish)]
        return [*found, *(f"unique index {item.name} without {self.by}" for item in apart)]

    def _copy(self) -> str:
        listed = ", ".join(map(bracketed, self.values))
        values = ", ".join(self.values.values())
        return f"INSERT INTO {there(beside(self.table))} ({listed}) SELECT {values} FROM {there(self.table)}"

    def _swap(self, session: SqlServerSession) -> Iterator[str]:
        table, can = self.table, session.capabilities
        indexes = self._indexes(session)
        # A constraint's name is its schema's, as the old table's is until it has gone.
        early = [item for item in indexes if can.keeps_index_names and not item.constraint]
        yield from (item.create(beside(table)) for item in early)
        views = dependents.views(session.run, can, table)
        carried = attached.attached(session.run, can, table)
        yield f"SET LOCK_TIMEOUT {_PATIENCE}"
        yield _BEGIN
        if can.security_policies:
            yield security.drop_policy(table)
        if can.is_babelfish:  # its views stay with the table that they were made of, whatever it is called
            yield from (f"DROP VIEW {there(view)}" for view, _ in reversed(views))
        yield from (item.drop() for item in carried.pointing_at(table))
        yield _renamed(table, _named(_OLD, table))
        yield _renamed(beside(table), table[1])
        yield f"DROP TABLE {there((table[0], _named(_OLD, table)))}"
        if self.left:
            yield parts.drop(self.left)
        yield from (item.create(table) for item in indexes if item not in early)
        yield from (text if can.is_babelfish else dependents.refresh(view) for view, text in views)
        yield from dependents.grants(session.run, can, table)
        if can.security_policies and security.is_protected(table[0]):
            yield security.create_policy(table, names.TENANT)
        yield from carried.restored()
        yield _COMMIT
        yield "SET LOCK_TIMEOUT -1"

    def _indexes(self, session: SqlServerSession) -> list[Index]:
        """Return the table's own, and those that others have made and that do not stand in its way.

        One by which rows are ordered comes first: it would make the others anew.
        """
        mine, whole = tuple(item.name for item in self.own), session.capabilities.keeps_index_names
        found = dependents.indexes(session.run, self.table)
        others = [item for item in found if not (item.name in mine if whole else item.name.startswith(mine))]
        if self.by:
            narrow = session.capabilities.is_babelfish
            own = [item.within(self.by) if item.is_whole and narrow else item for item in self.own]
            others = [replace(item, is_whole=item.is_unique and self.by not in item.columns) for item in others]
        else:
            own = list(self.own)
        return sorted([*own, *others], key=lambda item: not item.kind.startswith("CLUSTERED"))


def beside(table: Table) -> Table:
    """Return the name under which a table is made anew."""
    return table[0], _named(_COPY, table)


def _named(prefix: str, table: Table) -> str:
    plain = f"{prefix}{table[1]}"
    return plain if len(plain) <= 110 else f"{plain[:93]}_{sha256(plain.encode()).hexdigest()[:16]}"


def _renamed(table: Table, name: str) -> str:
    return f"EXEC sp_rename N{literal(there(table))}, N{literal(name)}, N'OBJECT'"


def run(session: SqlServerSession, script: str) -> None:
    """Run a script's batches; its transaction again when a reader, or the server, has stopped it.

    Within a transaction it is tried once: what stops it undoes all of that transaction, which its owner may begin anew.

    Raises:
        Interrupted: it was stopped every time; the old table stands.
    """
    batches, attempts = script.split(GO), 1 if session.is_writing else 20
    first, last = batches.index(_BEGIN), batches.index(_COMMIT)
    with ExitStack() as at_end:
        for batch in batches[:first]:
            session.run(batch)
        for batch in batches[last + 1 :]:
            at_end.callback(session.run, batch)
        for attempt in stamina.retry_context(
            on=Interrupted, attempts=attempts, timeout=120, wait_initial=0.1, wait_max=3
        ):
            with attempt, session.transaction():
                for batch in batches[first + 1 : last]:
                    session.run(batch)


def is_script(statement: str) -> bool:
    """Say whether a statement is one of these."""
    return GO in statement


def leftovers(session: SqlServerSession) -> Iterator[tuple[Table, str, str]]:
    """Yield what takes away tables of loads and rebuilds that were killed; call it as the only writer."""
    for schema, name in session.run(_LEFT):
        table = (str(schema), str(name))
        yield table, f"drop {'.'.join(table)}, which a killed process has left", "; ".join(_removal(session, table))


def _removal(session: SqlServerSession, table: Table) -> list[str]:
    policy = [security.drop_policy(table)] if session.capabilities.security_policies else []
    return [*policy, f"DROP TABLE IF EXISTS {there(table)}"]
