"""Prepares the scripts of a close: what they read of finance, they read as this close has built it.

A script that an earlier close has translated, with the same text and against the same columns, is not read again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from orchestration.failures import ScriptRefused
from orchestration.names import FINANCE, FINANCE_WORK, Table
from orchestration.scripts.cache import Cache, digest
from orchestration.scripts.engine import Engine
from orchestration.scripts.facts import Compiled, Document, plain
from orchestration.scripts.lineage.columns import ColumnSources, column_lineage
from orchestration.scripts.outline import Outline, outline
from orchestration.scripts.program import compile_outline
from orchestration.scripts.source import Script
from orchestration.scripts.translated import Translated
from orchestration.scripts.translation.statements import Step
from orchestration.scripts.types import Catalog, Columns


@dataclass(frozen=True)
class Prepared:
    """A script that can be run, and of which columns each of its own is made."""

    translated: Translated
    lineage: Mapping[Table, ColumnSources]


@dataclass(frozen=True)
class Preparing:
    """Prepares scripts for one close, during which no table changes its columns; ``cache`` outlives it."""

    engine: Engine
    cache: Cache
    _known: dict[str, Document] = field(default_factory=dict)
    _columns: dict[Table, Columns] = field(default_factory=dict)

    def prepared(self, script: Script, built: Mapping[Table, Columns]) -> Prepared:
        """Compile a script against what is in the warehouse, and translate it where the engine needs that.

        ``built`` are the tables of finance that this close has built before.

        Raises:
            ScriptRefused: it has an error, it reads a table of finance that no script before it builds, or a
                source without a contract.
        """
        reads, outlined = self._reads(script)
        _require_built(script, reads, built)
        catalog = self._seen([table for table in reads if table not in built])
        work = {table: built[table] for table in reads if table in built}
        columns = [[*table, plain(found)] for table, found in [*catalog.items(), *work.items()]]
        wanted = digest(self.engine.dialect, script.text, columns)
        kept = self._kept(wanted)
        if kept is None:
            prepared = self._prepare(outlined or outline(script), catalog, work)
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

    def _prepare(self, outlined: Outline, catalog: Catalog, built: Mapping[Table, Columns]) -> Prepared:
        program = compile_outline(outlined, catalog, built)
        lineage = column_lineage(program)  # translating changes its trees
        return Prepared(self.engine.prepared(program), lineage)

    def _seen(self, tables: Collection[Table]) -> Catalog:
        new = [table for table in tables if table not in self._columns]
        self._columns.update(self.engine.visible(new))
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


def _document(prepared: Prepared) -> Document:
    item = prepared.translated
    steps = [[*step.place, step.sql, step.broken] for step in item.steps]
    return [steps, [list(table) for table in item.reads], Compiled(item.writes, prepared.lineage).document()]


def _prepared(script: Script, document: Document) -> Prepared:
    steps = tuple(Step((line, column), sql, broken) for line, column, sql, broken in document[0])
    reads = tuple((schema, name) for schema, name in document[1])
    facts = Compiled.of(document[2], script.path)
    return Prepared(Translated(script, steps, reads, facts.writes), facts.lineage)
