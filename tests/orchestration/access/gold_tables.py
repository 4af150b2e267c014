"""Makes the gold that tests of access read, out of bronze, on whatever engine the warehouse is."""

from __future__ import annotations

from made_tables import make_table

from orchestration.warehouse.protocol import Session

_BRONZE = "SELECT _tenant_id, id, status, amount, note, email, _deleted_at FROM bronze_till.bill"
_BILLS = "SELECT _tenant_id, id, status, amount, note, md5(email) AS email FROM bills WHERE _deleted_at IS NULL"


def build_gold(session: Session, counted: str) -> None:
    """Make ``gold.bill`` of the bills there are, and ``counted``, a table of gold that says how many."""
    session.execute(f"CREATE OR REPLACE TEMP TABLE bills AS {_BRONZE}")
    make_table(session, ("gold", "bill"), _BILLS)
    make_table(session, ("gold", counted), "SELECT count(*) AS bills FROM bills")
