"""Makes the tables that tests read, on whatever engine the warehouse is."""

from __future__ import annotations

from orchestration.names import Table, qualified
from orchestration.warehouse.ddl import TableShape
from orchestration.warehouse.protocol import Session


def make_table(session: Session, table: Table, query: str) -> None:
    """Make a table, anew where there is one, of what a query of the session's own relations in DuckDB finds."""
    if table[0] not in session.schemas():
        session.ddl.run(session, session.ddl.create_schema(table[0]))
    session.execute(f"CREATE OR REPLACE TEMP TABLE made AS {query}")
    shape = TableShape({row[0]: row[1] for row in session.execute("DESCRIBE made")})
    session.execute(f"DROP TABLE IF EXISTS {qualified(table)}")
    session.ddl.run(session, session.ddl.create_table(table, shape))
    session.execute(f"INSERT INTO {qualified(table)} SELECT * FROM made")
