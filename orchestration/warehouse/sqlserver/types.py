"""How a type of ours is stored on SQL Server: the documented mapping, and the one place that knows it.

==================  ====================================  =========================================
DuckDB              SQL Server                            note
==================  ====================================  =========================================
VARCHAR             nvarchar(max), nvarchar(n)            Unicode; the database's collation
VARCHAR, of a key   nvarchar(400) Latin1_General_BIN2     case-sensitive, as ids of Salesforce are
DECIMAL(p,s)        decimal(p,s)                          exact, to 38 digits
SMALLINT … BIGINT   smallint, int, bigint                 HUGEINT (a sum) is decimal(38,0)
DOUBLE, FLOAT       float(53), real                       never money
BOOLEAN             bit
DATE                date
TIMESTAMP           datetime2(6)                          UTC; microseconds, as DuckDB keeps them
==================  ====================================  =========================================
"""

from __future__ import annotations

import re

KEY_LENGTH = 400
"""Characters of a key's column: two of them, with the tenant and the connection, fit an index of 1,700 bytes."""
BINARY = "Latin1_General_BIN2"
_PLAIN = {
    "BOOLEAN": "bit",
    "TINYINT": "smallint",
    "SMALLINT": "smallint",
    "INTEGER": "int",
    "INT": "int",
    "BIGINT": "bigint",
    "HUGEINT": "decimal(38,0)",
    "FLOAT": "real",
    "DOUBLE": "float(53)",
    "DATE": "date",
    "TIME": "time(6)",
    "TIMESTAMP": "datetime2(6)",
    "TIMESTAMP WITH TIME ZONE": "datetimeoffset(6)",
    "UUID": "uniqueidentifier",
    "VARCHAR": "nvarchar(max)",
    "TEXT": "nvarchar(max)",
    "JSON": "nvarchar(max)",
    "BLOB": "varbinary(max)",
}
_DECIMAL = re.compile(r"DECIMAL\((\d+), ?(\d+)\)")


def stored_as(kind: str, *, length: int = 0) -> str:
    """Return the T-SQL type of a DuckDB type; ``length`` bounds a text, in characters.

    Raises:
        KeyError: SQL Server has no such type (a list, a struct).
    """
    if decimal := _DECIMAL.fullmatch(kind):
        return f"decimal({decimal[1]},{decimal[2]})"
    if kind == "VARCHAR" and 0 < length <= 4000:
        return f"nvarchar({length})"
    return _PLAIN[kind]


def text_key(length: int = KEY_LENGTH) -> str:
    """Return the type of a text that is compared to the letter: ids, tenants, names of things."""
    return f"nvarchar({min(length or KEY_LENGTH, KEY_LENGTH)}) COLLATE {BINARY}"


def key_type(kind: str) -> str:
    """Return the type of a key's value where no collation can be named."""
    return f"nvarchar({KEY_LENGTH})" if kind == "VARCHAR" else stored_as(kind)


def as_key(value: str, kind: str) -> str:
    """Return a value of that type so that it compares as a key's column does."""
    return f"{value} COLLATE {BINARY}" if kind == "VARCHAR" else value


def read_as(name: str, length: int, precision: int, scale: int) -> str:  # noqa: ARG001 - as the catalog gives them
    """Return the DuckDB type that holds a column of the server's catalog (``sys.types.name`` and its sizes).

    Raises:
        KeyError: DuckDB has no type for it.
    """
    plain = name.lower()
    if plain in ("decimal", "numeric"):
        return f"DECIMAL({precision},{scale})"
    if plain in ("money", "smallmoney"):
        return "DECIMAL(19,4)" if plain == "money" else "DECIMAL(10,4)"
    if plain in ("nvarchar", "varchar", "nchar", "char", "text", "ntext", "sysname", "xml"):
        return "VARCHAR"
    return _READ[plain]


def read_as_arrow(kind: str) -> str:
    """Return the DuckDB type of a column that the driver gives as an Arrow type; empty where several could be meant."""
    if decimal := _ARROW_DECIMAL.fullmatch(kind):
        return f"DECIMAL({decimal[1]},{decimal[2]})"
    return _READ_ARROW.get(kind, "")


_ARROW_DECIMAL = re.compile(r"decimal128\((\d+), ?(\d+)\)")
_READ_ARROW = {
    "bool": "BOOLEAN",
    "uint8": "SMALLINT",
    "int16": "SMALLINT",
    "int32": "INTEGER",
    "int64": "BIGINT",
    "float": "FLOAT",
    "double": "DOUBLE",
    "date32[day]": "DATE",
    "timestamp[us]": "TIMESTAMP",
    "timestamp[ns]": "TIMESTAMP",
    "string": "VARCHAR",
    "large_string": "VARCHAR",
}
_READ = {
    "bit": "BOOLEAN",
    "tinyint": "SMALLINT",
    "smallint": "SMALLINT",
    "int": "INTEGER",
    "bigint": "BIGINT",
    "real": "FLOAT",
    "float": "DOUBLE",
    "date": "DATE",
    "time": "TIME",
    "datetime": "TIMESTAMP",
    "smalldatetime": "TIMESTAMP",
    "datetime2": "TIMESTAMP",
    "datetimeoffset": "TIMESTAMP WITH TIME ZONE",
    "uniqueidentifier": "UUID",
    "binary": "BLOB",
    "varbinary": "BLOB",
}
