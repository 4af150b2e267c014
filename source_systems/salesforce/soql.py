"""The queries that are asked of an org."""

from __future__ import annotations

from datetime import UTC, datetime

from orchestration.contracts.model import Contract


def select_rows(contract: Contract, since: datetime | None) -> str:
    """Select the contract's fields of rows changed at or after ``since``; ``None`` is all rows."""
    return _select([column.source_name for column in contract.columns], contract, since)


def select_keys(contract: Contract) -> str:
    """Select the key's fields of all rows."""
    return _select([column.source_name for column in contract.key_columns], contract, None)


def count_rows(contract: Contract) -> str:
    """Count all rows."""
    return f"SELECT COUNT() FROM {contract.physical_name}"


def ordered(query: str, contract: Contract) -> str:
    """Order by cursor and key, so that pages of one query neither repeat nor skip; the Bulk API does without."""
    names = [contract.cursor, *contract.key] if contract.cursor else contract.key
    return f"{query} ORDER BY {', '.join(contract.column(name).source_name for name in names)}"


def instant(moment: datetime) -> str:
    """Write an instant as SOQL and the replication resources read it.

    Raises:
        ValueError: ``moment`` has no time zone; Salesforce would silently take it for another instant.
    """
    if moment.tzinfo is None:
        msg = f"{moment} has no time zone"
        raise ValueError(msg)
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _select(fields: list[str], contract: Contract, since: datetime | None) -> str:
    query = f"SELECT {', '.join(fields)} FROM {contract.physical_name}"
    if since is None or contract.cursor is None:
        return query
    return f"{query} WHERE {contract.column(contract.cursor).source_name} >= {instant(since)}"
