"""Makes the gold that tests of access read, out of bronze, on whatever engine the warehouse is."""

from __future__ import annotations

from orchestration.names import qualified
from orchestration.warehouse.ddl import TableShape
from orchestration.warehouse.protocol import Session

_BRONZE = "SELECT _tenant_id, id, status, amount, note, email, _deleted_at FROM bronze_till.bill"
_BILLS = "SELECT _tenant_id, id, status, amount, note, md5(email) AS email FROM bills WHERE _deleted_at IS NULL"


def build_gold(session: Session, counted: str) -> None:
    """Make ``gold.bill`` of the bills there are, and ``counted``, a table of gold that says how many."""
    if "gold" not in session.schemas():
        session.ddl.run(session, session.ddl.create_schema("gold"))
    session.execute(f"CREATE OR REPLACE TEMP TABLE bills AS {_BRONZE}")
    for name, query in (("bill", _BILLS), (counted, "SELECT count(*) AS bills FROM bills")):
        session.execute(f"CREATE OR REPLACE TEMP TABLE made AS {query}")
        shape = TableShape({row[0]: row[1] for row in session.execute("DESCRIBE made")})
        session.execute(f"DROP TABLE IF EXISTS {qualified(('gold', name))}")
        session.ddl.run(session, session.ddl.create_table(("gold", name), shape))
        session.execute(f"INSERT INTO {qualified(('gold', name))} SELECT * FROM made")
