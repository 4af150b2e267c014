"""Rows of a delta that are newer than all bronze has of their connection: nobody has to compare them.

Whatever is there under their keys is older, so it goes, and they are written. Only the others, as a rule those that the
overlap reads again, are looked up: a table's keys are read once for the many and not once to compare and once to
delete. Measured for 20,000 rows into 10 million: 104 CPU ms for 126.

Sources that mark deleted rows themselves are compared as a whole: only so is it known which of those were alive. So
are loads into a server, which takes keys instead of statements (see :mod:`orchestration.bronze.writing`).
"""

from __future__ import annotations

from collections.abc import Sequence

from orchestration import names
from orchestration.bronze import columns, statements
from orchestration.contracts.model import Contract
from orchestration.warehouse.protocol import Session

AHEAD, ABREAST = "ahead", "abreast"
WORTHWHILE = 1000
"""Fewer rows are compared for less than it costs to tell them apart."""


def set_apart(session: Session, contract: Contract, own: Sequence[object], winners: int) -> bool:
    """Tell winners that are ahead (:data:`AHEAD`) from those to compare (:data:`ABREAST`), where that is worthwhile."""
    if winners < WORTHWHILE or not session.is_embedded or not contract.cursor or contract.soft_delete_column:
        return False
    cursor = columns.cursor(contract)
    newest = f"SELECT max({cursor}) AS moment FROM {names.qualified(contract.table)} WHERE {statements.OWN}"
    session.execute(f"CREATE OR REPLACE TEMP TABLE newest AS {newest}", own)
    is_ahead = f"coalesce({cursor} > (SELECT moment FROM newest), false)"
    session.execute(f"CREATE OR REPLACE TEMP VIEW {AHEAD} AS SELECT * FROM winner WHERE {is_ahead}")
    session.execute(f"CREATE OR REPLACE TEMP VIEW {ABREAST} AS SELECT * FROM winner WHERE NOT {is_ahead}")
    return True


def overwrite(session: Session, contract: Contract, own: Sequence[object], marks: Sequence[object]) -> tuple[int, int]:
    """Write what is ahead; returns how many rows, and how many of them were there before.

    ``marks`` are load id, loaded at and deleted at.
    """
    ((replaced,),) = session.execute(_remove_older(contract), own)
    ((written,),) = session.execute(statements.insert_all(contract, AHEAD), [*own, *marks])
    return written, replaced


def _remove_older(contract: Contract) -> str:
    # Measured: 80 CPU ms of 10 million rows, where DELETE … USING takes 116.
    return f"""
MERGE INTO {names.qualified(contract.table)} AS t USING (SELECT {columns.key(contract)} FROM {AHEAD}) AS w
ON {statements.OWN} AND {columns.same_key(contract, "t", "w")} WHEN MATCHED THEN DELETE"""
