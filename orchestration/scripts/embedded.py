"""Runs scripts on the embedded warehouse, translated for DuckDB."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar

from orchestration.names import Table, quote
from orchestration.scripts.execution import Turn, run_translated
from orchestration.scripts.program import Program
from orchestration.scripts.scope import Personal, columns_of, listed, visible
from orchestration.scripts.translated import Translated, translated
from orchestration.scripts.types import Catalog
from orchestration.scripts.work import empty_work
from orchestration.warehouse.protocol import Session


@dataclass(frozen=True)
class EmbeddedEngine:
    """DuckDB, in the session's own connection; see :class:`Engine <orchestration.scripts.engine.Engine>`."""

    session: Session
    personal: Personal | None
    schema: str
    dialect: ClassVar[str] = "translated"

    def visible(self, tables: Collection[Table]) -> Catalog:
        """As declared."""
        return visible(self.session.con, tables, self.personal)

    def listed(self, besides: Collection[Table]) -> Catalog:
        """As declared."""
        return listed(self.session.con, besides)

    def prepared(self, program: Program) -> Translated:
        """Translate it."""
        return translated(program, self.schema)

    @contextmanager
    def turn(self, turn: Turn) -> Iterator[EmbeddedTurn]:
        """As declared."""
        self.clear()
        self.session.execute(f"CREATE SCHEMA {quote(self.schema)}")
        yield EmbeddedTurn(self, turn)

    def clear(self) -> None:
        """As declared."""
        empty_work(self.session, self.schema)


@dataclass(frozen=True)
class EmbeddedTurn:
    """One tenant's turn on DuckDB."""

    engine: EmbeddedEngine
    turn: Turn

    def run(self, item: Translated) -> dict[Table, int]:
        """As declared."""
        engine = self.engine
        return run_translated(engine.session.con, item, self.turn, engine.personal, engine.schema)

    def columns(self, table: Table) -> Mapping[str, str]:
        """As declared; a sum of integers is no HUGEINT in SQL Server."""
        found = columns_of(self.engine.session.con, (self.engine.schema, table[1]))
        return {name: "BIGINT" if kind == "HUGEINT" else kind for name, kind in found.items()}
