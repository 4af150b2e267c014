"""Takes a person out of silver, gold, finance with all closes that are kept, and their published versions.

A row that is a record of theirs goes; in other rows of tables made from their entity their
personal values are emptied, and no other table is touched. Views follow their tables. What
the next build makes anew, it makes from a bronze without them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from orchestration import names
from orchestration.names import Table
from orchestration.runtime import Runtime
from orchestration.tenancy import versions
from orchestration.tenancy.belongings import Found, tables
from orchestration.tenancy.erasing.derivation import Derivation, read_derivation
from orchestration.tenancy.erasing.traces import Traces
from orchestration.warehouse.protocol import Session

DELETED, EMPTIED = "rows deleted", "rows emptied"
_NEVER = "1 = 0"
_LAYERS = (names.SILVER, names.GOLD, names.FINANCE, names.FINANCE_HISTORY)


@dataclass(frozen=True)
class Cut:
    """What to do with one table or version: which keys in a column make a row theirs, which values go from which."""

    tenant: str
    records: Mapping[str, Collection[str]]
    values: Collection[str]
    columns: Collection[str]

    @property
    def is_theirs(self) -> str:
        """The condition for rows that are the person's own: keys are compared to the letter."""
        return self._any(_is_in(f"trim({names.quote(name)})", keys) for name, keys in self.records.items())

    @property
    def is_emptied(self) -> str:
        """The condition for rows that stay and lose a value."""
        return f"NOT ({self.is_theirs}) AND {self._any(map(self._holds, self.columns))}"

    @property
    def emptied(self) -> dict[str, str]:
        """The SQL of each column that may hold a personal value, without the person's.

        The key of their record stays where rows of others refer to it: it leads nowhere any more, and a history
        would take its absence for a change.
        """
        return {
            name: f"CASE WHEN {self._any([self._holds(name)])} THEN NULL ELSE {names.quote(name)} END"
            for name in self.columns
        }

    def _holds(self, column: str) -> str:
        return _is_in(f"lower(trim({names.quote(column)}))", self.values)

    def _any(self, conditions: Iterable[str]) -> str:
        held = " OR ".join(conditions) or _NEVER
        return _certainly(f"{names.quote(names.TENANT)} = {names.literal(self.tenant)} AND ({held})")


@dataclass(frozen=True)
class Cuts:
    """Makes the cut of each table from what the project says of it."""

    tenant: str
    traces: Mapping[Table, Traces]
    derivation: Derivation

    def of(self, table: Table, columns: Mapping[str, str]) -> Cut:
        """Return a table's cut; a table that nothing is known of loses no row, but its personal values."""
        known = self.derivation.is_known(table)
        texts = [name for name, kind in columns.items() if kind == "VARCHAR" and name != names.TENANT]
        records: dict[str, set[str]] = {}
        values: set[str] = set()
        for entity, traces in self.traces.items():
            column = self.derivation.record_column(table, entity)
            if column in texts:
                records.setdefault(str(column), set()).update(traces.keys)
            if not known or table in self.derivation.made_from(entity):
                values |= traces.values
        return Cut(self.tenant, records, values, self.derivation.personal_columns(table, texts))


def cuts_of(runtime: Runtime, tenant: str, traces: Mapping[Table, Traces]) -> Cuts:
    """Read what the project says of its tables."""
    return Cuts(tenant, traces, read_derivation(runtime.settings))


def erase_from_versions(session: Session, runtime: Runtime, cuts: Cuts) -> Iterator[Found]:
    """Rewrite every published version that holds the person; the file's other rows stay as they are."""
    for file in versions.version_files(session, runtime.settings):
        cut = cuts.of(file.table, file.columns)
        found = list(_found(session, "published", f"{'.'.join(file.table)} {file.path.stem}", file.source, cut))
        if found:
            emptied = ", ".join(f"{sql} AS {names.quote(name)}" for name, sql in cut.emptied.items())
            columns = f"* REPLACE ({emptied})" if emptied else "*"
            query = f"SELECT {columns} FROM {file.source} WHERE NOT ({cut.is_theirs})"
            versions.rewrite(session, runtime.settings, file, query)
            yield from found


def erase_from_tables(session: Session, cuts: Cuts) -> Iterator[Found]:
    """Delete and empty what is the person's in the tables after bronze; call it in a transaction."""
    for relation in tables(session):
        if relation.table[0] in _LAYERS:
            place = names.qualified(relation.table)
            cut = cuts.of(_as_derived(relation.table), session.columns(relation.table))
            found = list(_found(session, "warehouse", relation.label, place, cut))
            for item in found:
                session.execute(_statement(place, cut, item.kind))
            yield from found


def _as_derived(table: Table) -> Table:
    """Return the table whose rows these are: closes that are kept were made as the current one was."""
    return (names.FINANCE, table[1]) if table[0] == names.FINANCE_HISTORY else table


def _statement(place: str, cut: Cut, kind: str) -> str:
    if kind == DELETED:
        return f"DELETE FROM {place} WHERE {cut.is_theirs}"
    assignments = ", ".join(f"{names.quote(name)} = {sql}" for name, sql in cut.emptied.items())
    return f"UPDATE {place} SET {assignments} WHERE {cut.is_emptied}"


def _found(session: Session, place: str, label: str, source: str, cut: Cut) -> Iterator[Found]:
    for kind, condition in ((DELETED, cut.is_theirs), (EMPTIED, cut.is_emptied)):
        (count,) = session.execute(f"SELECT count(*) FROM {source} WHERE {condition}")[0]
        if count:
            yield Found(place, label, kind, int(count))


def _is_in(text: str, values: Collection[str]) -> str:
    listed = ", ".join(map(names.literal, sorted(values)))
    return _certainly(f"{text} COLLATE C IN ({listed})") if listed else _NEVER


def _certainly(condition: str) -> str:
    """What cannot be told, since a value is missing, does not hold."""
    return f"(CASE WHEN {condition} THEN 1 ELSE 0 END = 1)"
