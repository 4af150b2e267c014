"""Where scripts run: on the embedded warehouse translated, on a server as they are written.

One small interface, so that the close and whoever tries scripts know no engine.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

from orchestration.names import FINANCE_WORK, Table
from orchestration.scripts.execution import Turn
from orchestration.scripts.program import Program
from orchestration.scripts.scope import Personal
from orchestration.scripts.translated import Translated
from orchestration.scripts.types import Catalog
from orchestration.settings import Settings

if TYPE_CHECKING:
    from orchestration.warehouse.protocol import Session


class TurnOf(Protocol):
    """One tenant's turn: what its scripts build is there until the next one begins, or the engine is cleared."""

    def run(self, item: Translated) -> dict[Table, int]:
        """Build a script's tables, all or none; returns the rows of each.

        Raises:
            ScriptRefused: a statement failed; names file, line and column.
        """
        ...

    def columns(self, table: Table) -> Mapping[str, str]:
        """Return the columns of a table of finance that was built, with their DuckDB types."""
        ...


class Engine(Protocol):
    """What runs scripts in one session of the warehouse, in a schema of its own."""

    @property
    def dialect(self) -> str:
        """What prepared scripts are kept under."""
        ...

    @property
    def personal(self) -> Personal | None:
        """The columns of bronze that scripts do not see."""
        ...

    def visible(self, tables: Collection[Table]) -> Catalog:
        """Return the columns that scripts see of tables; one that is not there is left out.

        Raises:
            ScriptRefused: a bronze table has no contract that could be read.
        """
        ...

    def listed(self, besides: Collection[Table]) -> Catalog:
        """Return the other tables of bronze, silver and gold without their columns."""
        ...

    def prepared(self, program: Program) -> Translated:
        """Return what running a compiled script needs; its trees are the engine's afterwards.

        Raises:
            ScriptRefused: it has an error, or something that this engine cannot do.
        """
        ...

    def turn(self, turn: Turn) -> AbstractContextManager[TurnOf]:
        """Begin a tenant's turn where nothing is built yet."""
        ...

    def clear(self) -> None:
        """Remove all that was built."""
        ...


def engine_of(session: Session, settings: Settings, personal: Personal | None, schema: str = FINANCE_WORK) -> Engine:
    """Return the engine of a session; ``personal`` are columns of bronze that its scripts do not see."""
    if session.is_embedded:
        from orchestration.scripts.embedded import EmbeddedEngine  # noqa: PLC0415 - each pays for its own

        return EmbeddedEngine(session, personal, schema)
    from orchestration.scripts.on_server import ServerEngine  # noqa: PLC0415 - as above

    return ServerEngine(session, settings, personal, schema)  # type: ignore[arg-type]  # the one that is not embedded
