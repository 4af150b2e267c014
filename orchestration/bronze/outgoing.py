"""What a merge found out, as queries without parameters whose rows go to a server: rows to add, keys to remove or mark.

On the embedded warehouse the statements of a merge write by themselves; see :mod:`orchestration.bronze.writing`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from orchestration import names
from orchestration.bronze import columns
from orchestration.bronze.statements import REPLACED, WRITTEN
from orchestration.contracts.model import Contract
from orchestration.names import quote


def new_rows(contract: Contract, *values: object) -> str:
    """Return every winner as a row of the table, as a query without parameters, for a server.

    ``values`` are tenant, connection, load id, loaded at, and deleted at for rows that the source marks as deleted.
    """
    gone = f"CASE WHEN {columns.gone(contract)} THEN {_constant(values[4])} END"
    return f"SELECT {_outgoing(contract, '', gone, values)} FROM winner"


def changed_rows(contract: Contract, *values: object, carried: bool) -> str:
    """Return new and changed rows so; ``carried`` says that ``change`` has the whole rows."""
    alias = "c" if carried else "w"
    relation = "change c" if carried else f"winner w JOIN change c ON {columns.same_key(contract, 'w', 'c')}"
    gone = f"CASE WHEN c._gone THEN coalesce(c._was, {_constant(values[4])}) END"
    return f"SELECT {_outgoing(contract, alias, gone, values)} FROM {relation} WHERE c._kind IN {WRITTEN}"


def _outgoing(contract: Contract, alias: str, gone: str, values: Sequence[object]) -> str:
    tenant, connection, load_id, loaded_at = map(_constant, values[:4])
    return (
        f"{tenant} AS {quote(names.TENANT)}, {connection} AS {quote(names.CONNECTION)}, "
        f"{columns.every(contract, alias)}, {load_id} AS {quote(names.LOAD_ID)}, "
        f"{loaded_at} AS {quote(names.LOADED_AT)}, {gone} AS {quote(names.DELETED_AT)}, "
        f"{columns.row_hash(contract, alias)} AS {quote(names.ROW_HASH)}"
    )


def _constant(value: object) -> str:
    if isinstance(value, datetime):
        return f"TIMESTAMP {names.literal(value.isoformat(sep=' '))}"
    return names.literal(str(value))


def replaced_keys(contract: Contract) -> str:
    """Return the keys of the rows that are replaced."""
    return f"SELECT {columns.key(contract)} FROM change WHERE _kind IN {REPLACED}"


def buried_keys(contract: Contract) -> str:
    """Return the keys of the rows that become tombstones, from those at hand."""
    table = names.qualified(contract.table)
    return f"SELECT {columns.key(contract)} FROM {table} WHERE rowid IN (SELECT _rid FROM tombstone)"
