"""Takes a person out of silver, gold, finance and their published versions.

A row whose own key names the person goes; in any other row the columns that do are emptied.
Views follow their tables. What the next build makes anew, it makes from a bronze without them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from orchestration import names
from orchestration.bronze.lineage import model_keys
from orchestration.names import Table
from orchestration.runtime import Runtime
from orchestration.tenancy import versions
from orchestration.tenancy.belongings import Found, tables
from orchestration.tenancy.erasing.traces import Traces
from orchestration.warehouse.protocol import Session

_LAYERS = (names.SILVER, names.GOLD, names.FINANCE)


@dataclass(frozen=True)
class Cut:
    """What to do with one table or version: conditions and columns as SQL, without its FROM."""

    tenant: str
    texts: Sequence[str]
    traces: Traces
    key: Sequence[str]

    @property
    def is_theirs(self) -> str:
        """The condition for rows that are the person: by the key, or by any column where no key is known."""
        key = [name for name in self.texts if name in self.key] if self.key else self.texts
        return self._any(key)

    @property
    def names_them(self) -> str:
        """The condition for rows that hold the person in any column."""
        return self._any(self.texts)

    @property
    def emptied(self) -> str:
        """The columns of a SELECT with the person's values emptied."""
        return ", ".join(
            f"CASE WHEN {self._of_tenant} AND {self._holds(name)} THEN NULL ELSE {names.quote(name)} END "
            f"AS {names.quote(name)}"
            for name in self.texts
        )

    @property
    def assignments(self) -> str:
        """The same for an UPDATE."""
        return ", ".join(
            f"{names.quote(name)} = CASE WHEN {self._holds(name)} THEN NULL ELSE {names.quote(name)} END"
            for name in self.texts
            if name not in self.key
        )

    @property
    def _of_tenant(self) -> str:
        return f"{names.quote(names.TENANT)} = {names.literal(self.tenant)}"

    def _any(self, columns: Sequence[str]) -> str:
        held = " OR ".join(self._holds(name) for name in columns) or "false"
        return f"{self._of_tenant} AND ({held})"

    def _holds(self, name: str) -> str:
        listed = ", ".join(map(names.literal, self.traces.all)) or "NULL"
        return f"coalesce(lower(trim({names.quote(name)})) IN ({listed}), false)"


def erase_from_versions(session: Session, runtime: Runtime, tenant: str, traces: Traces) -> Iterator[Found]:
    """Rewrite every published version that holds the person; the file's other rows stay as they are."""
    keys = model_keys(runtime.settings)
    for file in versions.version_files(session, runtime.settings):
        cut = Cut(tenant, _texts(file.columns), traces, keys.get(file.table, ()))
        if count := versions.count(session, file, cut.names_them) if cut.texts else 0:
            query = f"SELECT * REPLACE ({cut.emptied}) FROM {file.source} WHERE NOT ({cut.is_theirs})"
            versions.rewrite(session, runtime.settings, file, query)
            yield Found("published", f"{'.'.join(file.table)} {file.path.stem}", "rows", count)


def erase_from_tables(session: Session, runtime: Runtime, tenant: str, traces: Traces) -> Iterator[Found]:
    """Delete and empty what names the person in the tables after bronze; call it in a transaction."""
    keys = model_keys(runtime.settings)
    for relation in tables(session):
        if relation.table[0] in _LAYERS:
            cut = Cut(tenant, _texts(_columns(session, relation.table)), traces, keys.get(relation.table, ()))
            if cut.texts and (count := _erase_from_table(session, relation.table, cut)):
                yield Found("warehouse", relation.label, "rows", count)


def _erase_from_table(session: Session, table: Table, cut: Cut) -> int:
    place = names.qualified(table)
    (count,) = session.execute(f"SELECT count(*) FROM {place} WHERE {cut.names_them}")[0]
    if count:
        session.execute(f"DELETE FROM {place} WHERE {cut.is_theirs}")
        if cut.assignments:
            session.execute(f"UPDATE {place} SET {cut.assignments} WHERE {cut.names_them}")
    return int(count)


def _columns(session: Session, table: Table) -> dict[str, str]:
    return {row[0]: row[1] for row in session.execute(f"DESCRIBE {names.qualified(table)}")}


def _texts(columns: Mapping[str, str]) -> list[str]:
    return [name for name, kind in columns.items() if kind == "VARCHAR" and name != names.TENANT]
