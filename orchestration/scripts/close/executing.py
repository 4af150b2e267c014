"""Prepares the scripts of a close: what they read of finance, they read as this close has built it.

A script that an earlier close has translated, with the same text and against the same columns, is not read again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import duckdb

from orchestration.failures import ScriptRefused
from orchestration.names import FINANCE, FINANCE_WORK, Table
from orchestration.scripts.check.cache import Cache, digest
from orchestration.scripts.check.facts import Compiled, Document, plain
from orchestration.scripts.execution import Turn
from orchestration.scripts.lineage.columns import ColumnSources, column_lineage
from orchestration.scripts.outline import Outline, outline
from orchestration.scripts.program import compile_outline
from orchestration.scripts.scope import Personal, columns_of, visible
from orchestration.scripts.source import Script
from orchestration.scripts.translated import Translated, translated
from orchestration.scripts.translation.statements import Step
from orchestration.scripts.types import Catalog, Columns

__all__ = ["Prepared", "Preparing", "Turn", "work", "work_columns"]


@dataclass(frozen=True)
class Prepared:
    """A script that can be run, and of which columns each of its own is made."""

    translated: Translated
    lineage: Mapping[Table, ColumnSources]


@dataclass(frozen=True)
class Preparing:
    """Prepares scripts for one close, during which no table changes its columns.

    ``personal`` are columns of bronze that scripts do not see; ``cache`` outlives the close.
    """

    personal: Personal | None
    cache: Cache
    _known: dict[str, Document] = field(default_factory=dict)
    _columns: dict[Table, Columns] = field(default_factory=dict)

    def prepared(self, con: duckdb.DuckDBPyConnection, script: Script, built: Mapping[Table, Columns]) -> Prepared:
        """Compile and translate a script against what is in the warehouse.

        ``built`` are the tables of finance that this close has built before.

        Raises:
            ScriptRefused: it has an error, it reads a table of finance that no script before it builds, or a
                source without a contract.
        """
        reads, outlined = self._reads(script)
        _require_built(script, reads, built)
        catalog = self._seen(con, [table for table in reads if table not in built])
        work = {table: built[table] for table in reads if table in built}
        columns = [[*table, plain(found)] for table, found in [*catalog.items(), *work.items()]]
        wanted = digest("translated", script.text, columns)
        kept = self._kept(wanted)
        if kept is None:
            prepared = _translate(outlined or outline(script), catalog, work)
            self._keep({digest("reads", script.text): [list(table) for table in reads], wanted: _document(prepared)})
            return prepared
        return _prepared(script, kept)

    def _reads(self, script: Script) -> tuple[tuple[Table, ...], Outline | None]:
        """Return what a script reads, and the script as it was read, if it had to be."""
        kept = self._kept(digest("reads", script.text))
        if kept is not None:
            return tuple((schema, name) for schema, name in kept), None
        outlined = outline(script)
        return outlined.reads, outlined

    def _seen(self, con: duckdb.DuckDBPyConnection, tables: Collection[Table]) -> Catalog:
        new = [table for table in tables if table not in self._columns]
        self._columns.update(visible(con, new, self.personal))
        return {table: self._columns[table] for table in tables if table in self._columns}

    def _kept(self, wanted: str) -> Document | None:
        if wanted not in self._known:
            self._known.update(self.cache.get([wanted]))
        return self._known.get(wanted)

    def _keep(self, documents: Mapping[str, Document]) -> None:
        self._known.update(documents)
        self.cache.keep(documents)


def work(table: Table) -> Table:
    """Return where a close builds a table of finance."""
    return FINANCE_WORK, table[1]


def _require_built(script: Script, reads: Collection[Table], built: Mapping[Table, Columns]) -> None:
    for missing in (table for table in reads if table[0] == FINANCE and table not in built):
        message = f"{script.path}: {'.'.join(missing)}, which it reads, is built by no script before it."
        raise ScriptRefused(message, "Check the name.")


def _translate(outlined: Outline, catalog: Catalog, built: Mapping[Table, Columns]) -> Prepared:
    program = compile_outline(outlined, catalog, built)
    lineage = column_lineage(program)  # translating changes its trees
    return Prepared(translated(program, FINANCE_WORK), lineage)


def _document(prepared: Prepared) -> Document:
    item = prepared.translated
    steps = [[*step.place, step.sql, step.broken] for step in item.steps]
    return [steps, [list(table) for table in item.reads], Compiled(item.writes, prepared.lineage).document()]


def _prepared(script: Script, document: Document) -> Prepared:
    steps = tuple(Step((line, column), sql, broken) for line, column, sql, broken in document[0])
    reads = tuple((schema, name) for schema, name in document[1])
    facts = Compiled.of(document[2], script.path)
    return Prepared(Translated(script, steps, reads, facts.writes), facts.lineage)


def work_columns(con: duckdb.DuckDBPyConnection, table: Table) -> Mapping[str, str]:
    """Return the columns of a table that this close has built; a sum of integers is no HUGEINT in SQL Server."""
    found = columns_of(con, work(table))
    return {name: "BIGINT" if kind == "HUGEINT" else kind for name, kind in found.items()}
