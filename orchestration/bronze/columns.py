"""How a contract's columns are written in SQL: as a list, as a key, as a hash of their values."""

from __future__ import annotations

from collections.abc import Iterable

from orchestration import names
from orchestration.contracts.model import Column, Contract
from orchestration.names import quote


def listed(columns: Iterable[str], alias: str = "") -> str:
    """Write columns one after the other."""
    prefix = f"{alias}." if alias else ""
    return ", ".join(prefix + quote(column) for column in columns)


def every(contract: Contract, alias: str = "") -> str:
    """Write all of a contract's columns."""
    return listed((column.name for column in contract.columns), alias)


def key(contract: Contract, alias: str = "") -> str:
    """Write the columns of its key."""
    return listed(contract.key, alias)


def same_key(contract: Contract, left: str, right: str) -> str:
    """SQL that is true where two aliases have one key."""
    return " AND ".join(f"{left}.{quote(name)} = {right}.{quote(name)}" for name in contract.key)


def volatile_hash(contract: Contract) -> str:
    """SQL of a hash that lives for one statement: the engine may compute another in its next version."""
    return f"hash({every(contract)})"


def row_hash(contract: Contract, alias: str = "") -> str:
    """SQL of the hash that is stored beside a row: the first 63 bits of an MD5 of its values, by name, as texts.

    Unlike :func:`volatile_hash` it means the same in every version and on every engine. It stays the same where the
    values do: when a column comes to the contract and is empty, when columns are put in another order, when a
    number's type gets wider. Each value stands behind its length, so that no two rows look alike.
    """
    texts = [(column.name, _canonical(column, alias)) for column in sorted(contract.columns, key=lambda c: c.name)]
    parts = ", ".join(f"{names.literal(f'{name}:')} || strlen({text}) || ':' || {text}" for name, text in texts)
    return f"CAST(md5_number_lower(concat({parts})) >> 1 AS BIGINT)"


def _canonical(column: Column, alias: str) -> str:
    """SQL of a value as text; a decimal's without the zeros at its end, of which a wider type has more."""
    value = f"{alias}.{quote(column.name)}" if alias else quote(column.name)
    text = f"CAST({value} AS VARCHAR)"
    is_fraction = column.type.duckdb.startswith("DECIMAL") and not column.type.duckdb.endswith(",0)")
    return f"rtrim(rtrim({text}, '0'), '.')" if is_fraction else text


def hashes(contract: Contract, *, stored: bool) -> tuple[str, str]:
    """Return how an incoming row's hash is computed, and how ours is known."""
    return (row_hash(contract), quote(names.ROW_HASH)) if stored else (volatile_hash(contract), volatile_hash(contract))


def cursor(contract: Contract) -> str:
    """SQL of the value that tells which version of a row is newer."""
    return quote(contract.cursor) if contract.cursor else "NULL::TIMESTAMP"


def gone(contract: Contract, alias: str = "") -> str:
    """SQL that is true for a row which the source itself marks as deleted."""
    if not contract.soft_delete_column:
        return "false"
    return f"coalesce({listed([contract.soft_delete_column], alias)}, false)"
