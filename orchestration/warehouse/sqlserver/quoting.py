"""How names are written for SQL Server: in brackets, whatever is in them."""

from __future__ import annotations

from orchestration.names import Table


def bracketed(identifier: str) -> str:
    """Quote one identifier."""
    return "[" + identifier.replace("]", "]]") + "]"


def there(table: Table) -> str:
    """Return the quoted name of a table on the server; one without a schema is temporary."""
    schema, name = table
    return f"{bracketed(schema)}.{bracketed(name)}" if schema else bracketed(name)
