"""The place where a tenant's turn builds: a schema, on a server with schemas of views beside it."""

from __future__ import annotations

from orchestration.names import FINANCE_WORK, qualified, quote
from orchestration.scripts.tsql import view_schema
from orchestration.warehouse.protocol import Session


def empty_work(session: Session, schema: str = FINANCE_WORK) -> None:
    """Remove what was built, and what scripts saw: it is one tenant's rows, and ends with the tenant's turn."""
    if session.is_embedded:
        session.execute(f"DROP SCHEMA IF EXISTS {quote(schema)} CASCADE")
        return
    for found in sorted(session.schemas()):
        if found == schema or found.startswith(view_schema(schema, "")):
            for view in session.views(found):
                session.execute(f"DROP VIEW {qualified((found, view))}")
            for table in session.tables(found):
                session.execute(f"DROP TABLE {qualified((found, table))}")
            if found != schema:  # what may be done in the schema itself is granted once, when the warehouse is made
                session.ddl.run(session, f"DROP SCHEMA {quote(found)}")
