"""Takes a person out of silver, gold, finance and their published versions.

A row whose own key names the person goes; in any other row their personal values are emptied.
Views follow their tables. What the next build makes anew, it makes from a bronze without them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
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
    """What to do with one table or version: conditions and columns as SQL; without a known ``key`` no row goes."""

    tenant: str
    texts: Sequence[str]
    traces: Traces
    key: Sequence[str]

    @property
    def is_theirs(self) -> str:
        """The condition for rows that are the person's own, by the table's key."""
        return self._any([name for name in self.texts if name in self.key], self.traces.all)

    @property
    def is_touched(self) -> str:
        """The condition for rows that go, or lose a value."""
        return f"({self.is_theirs}) OR ({self._any(self.others, self.traces.values)})"

    @property
    def others(self) -> list[str]:
        """The columns beside the key."""
        return [name for name in self.texts if name not in self.key]

    @property
    def emptied(self) -> dict[str, str]:
        """The SQL of each column beside the key, without the person's values.

        The key of their record stays where rows of others refer to it: it leads nowhere any more, and a history
        would take its absence for a change.
        """
        return {
            name: f"CASE WHEN {self._any([name], self.traces.values)} THEN NULL ELSE {names.quote(name)} END"
            for name in self.others
        }

    def _any(self, columns: Sequence[str], texts: Iterable[str]) -> str:
        listed = ", ".join(map(names.literal, sorted(texts)))
        held = " OR ".join(f"lower(trim({names.quote(name)})) IN ({listed})" for name in columns)
        if not listed or not held:
            return "false"
        return f"{names.quote(names.TENANT)} = {names.literal(self.tenant)} AND coalesce({held}, false)"


def erase_from_versions(session: Session, runtime: Runtime, tenant: str, traces: Traces) -> Iterator[Found]:
    """Rewrite every published version that holds the person; the file's other rows stay as they are."""
    keys = model_keys(runtime.settings)
    for file in versions.version_files(session, runtime.settings):
        cut = Cut(tenant, _texts(file.columns), traces, keys.get(file.table, ()))
        if count := versions.count(session, file, cut.is_touched):
            emptied = ", ".join(f"{sql} AS {names.quote(name)}" for name, sql in cut.emptied.items())
            columns = f"* REPLACE ({emptied})" if emptied else "*"
            query = f"SELECT {columns} FROM {file.source} WHERE NOT ({cut.is_theirs})"
            versions.rewrite(session, runtime.settings, file, query)
            yield Found("published", f"{'.'.join(file.table)} {file.path.stem}", "rows", count)


def erase_from_tables(session: Session, runtime: Runtime, tenant: str, traces: Traces) -> Iterator[Found]:
    """Delete and empty what names the person in the tables after bronze; call it in a transaction."""
    keys = model_keys(runtime.settings)
    for relation in tables(session):
        if relation.table[0] in _LAYERS:
            cut = Cut(tenant, _texts(_columns(session, relation.table)), traces, keys.get(relation.table, ()))
            if count := _erase_from_table(session, relation.table, cut):
                yield Found("warehouse", relation.label, "rows", count)


def _erase_from_table(session: Session, table: Table, cut: Cut) -> int:
    place = names.qualified(table)
    (count,) = session.execute(f"SELECT count(*) FROM {place} WHERE {cut.is_touched}")[0]
    if count:
        session.execute(f"DELETE FROM {place} WHERE {cut.is_theirs}")
        if assignments := ", ".join(f"{names.quote(name)} = {sql}" for name, sql in cut.emptied.items()):
            session.execute(f"UPDATE {place} SET {assignments} WHERE {cut.is_touched}")
    return int(count)


def _columns(session: Session, table: Table) -> dict[str, str]:
    return {row[0]: row[1] for row in session.execute(f"DESCRIBE {names.qualified(table)}")}


def _texts(columns: Mapping[str, str]) -> list[str]:
    return [name for name, kind in columns.items() if kind == "VARCHAR" and name != names.TENANT]
