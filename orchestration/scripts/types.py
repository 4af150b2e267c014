"""SQL Server's data types and the documented rules by which expressions get theirs.

Sources: "Data type precedence", "Precision, scale, and length" and "Constants" of the
Transact-SQL reference. Every typed expression carries one :class:`SqlType`; what a type
is stored as in DuckDB stands here too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from sqlglot import exp

from orchestration.names import Table

LARGEST = 38
"""The largest precision of a decimal, on both engines."""

_PRECEDENCE = (
    "null", "varbinary", "char", "varchar", "nchar", "nvarchar", "uniqueidentifier", "bit", "tinyint", "smallint",
    "int", "bigint", "smallmoney", "money", "decimal", "real", "float", "time", "date", "smalldatetime", "datetime",
    "datetime2", "datetimeoffset", "unknown",
)  # fmt: skip
_RANK = {name: rank for rank, name in enumerate(_PRECEDENCE)}
_INTEGERS = {"bit": 1, "tinyint": 3, "smallint": 5, "int": 10, "bigint": 19}
_MONEY = {"money": (19, 4), "smallmoney": (10, 4)}
_TEXTS = frozenset({"char", "varchar", "nchar", "nvarchar"})
_MOMENTS = frozenset({"date", "datetime", "datetime2", "smalldatetime", "datetimeoffset", "time"})
_FRACTIONS = frozenset({"datetime2", "time", "datetimeoffset"})


@dataclass(frozen=True)
class SqlType:
    """One type; ``precision`` and ``scale`` of decimals, ``scale`` of moments, ``length`` of text (None is max)."""

    name: str
    precision: int = 0
    scale: int = 0
    length: int | None = None

    @property
    def is_integer(self) -> bool:
        """Say whether this is a whole number's type; ``bit`` is not one."""
        return self.name in _INTEGERS and self.name != "bit"

    @property
    def is_money(self) -> bool:
        """Say whether this is money or smallmoney."""
        return self.name in _MONEY

    @property
    def is_exact(self) -> bool:
        """Say whether arithmetic on this type is exact: an integer, a decimal or money."""
        return self.is_integer or self.is_money or self.name == "decimal"

    @property
    def is_float(self) -> bool:
        """Say whether this is an approximate number."""
        return self.name in ("float", "real")

    @property
    def is_number(self) -> bool:
        """Say whether arithmetic takes this type."""
        return self.is_exact or self.is_float

    @property
    def is_text(self) -> bool:
        """Say whether this is character data."""
        return self.name in _TEXTS

    @property
    def is_national(self) -> bool:
        """Say whether this is Unicode text, two bytes a character."""
        return self.name in ("nchar", "nvarchar")

    @property
    def is_padded(self) -> bool:
        """Say whether values are filled with blanks to the type's length."""
        return self.name in ("char", "nchar")

    @property
    def is_moment(self) -> bool:
        """Say whether this is a date, a time or both."""
        return self.name in _MOMENTS

    @property
    def duckdb(self) -> str:
        """Return what DuckDB stores values of this type as."""
        if self.name == "decimal":
            return f"DECIMAL({self.precision},{self.scale})"
        return _STORED[self.name]

    @property
    def tsql(self) -> str:
        """Return the type as T-SQL writes it."""
        if self.name == "decimal":
            return f"decimal({self.precision},{self.scale})"
        if self.is_text or self.name == "varbinary":
            return f"{self.name}({'max' if self.length is None else self.length})"
        return f"{self.name}({self.scale})" if self.name in _FRACTIONS else self.name

    @property
    def as_decimal(self) -> SqlType:
        """Return the decimal that an exact number becomes beside a decimal."""
        if self.name in _INTEGERS:
            return decimal(_INTEGERS[self.name], 0)
        return decimal(*_MONEY[self.name]) if self.is_money else self


_STORED = {
    "null": "INTEGER", "bit": "BOOLEAN", "tinyint": "UTINYINT", "smallint": "SMALLINT", "int": "INTEGER",
    "bigint": "BIGINT", "money": "DECIMAL(19,4)", "smallmoney": "DECIMAL(10,4)", "float": "DOUBLE", "real": "FLOAT",
    "date": "DATE", "time": "TIME", "datetime": "TIMESTAMP", "datetime2": "TIMESTAMP", "smalldatetime": "TIMESTAMP",
    "datetimeoffset": "TIMESTAMP WITH TIME ZONE", "char": "VARCHAR", "varchar": "VARCHAR", "nchar": "VARCHAR",
    "nvarchar": "VARCHAR", "uniqueidentifier": "UUID", "varbinary": "BLOB", "unknown": "VARCHAR",
}  # fmt: skip

Columns = Mapping[str, SqlType]
"""A table's columns in order; keys as written, look-ups case-insensitive by the caller."""

Catalog = Mapping[Table, Columns]
"""Tables, in lower case, and their columns."""


def decimal(precision: int, scale: int) -> SqlType:
    """Return a decimal's type."""
    return SqlType("decimal", precision, scale)


NULL, BIT, TINYINT, SMALLINT, INT, BIGINT, MONEY, FLOAT, REAL, DATE, DATETIME, SMALLDATETIME = (
    SqlType(name)
    for name in ("null", "bit", "tinyint", "smallint", "int", "bigint", "money", "float", "real", "date", "datetime",
                 "smalldatetime")
)  # fmt: skip
DATETIME2 = SqlType("datetime2", scale=7)
UNKNOWN = SqlType("unknown")
"""The type of what a problem keeps from having one: nothing more is said about it."""
NVARCHAR_MAX = SqlType("nvarchar")


def varchar(length: int | None, *, national: bool = False) -> SqlType:
    """Return text of varying length; None is max."""
    return SqlType("nvarchar" if national else "varchar", length=length)


_READ = {
    exp.DType.UTINYINT: "tinyint", exp.DType.TINYINT: "tinyint", exp.DType.SMALLINT: "smallint", exp.DType.INT: "int",
    exp.DType.BIGINT: "bigint", exp.DType.BIT: "bit", exp.DType.BOOLEAN: "bit", exp.DType.DECIMAL: "decimal",
    exp.DType.MONEY: "money", exp.DType.SMALLMONEY: "smallmoney", exp.DType.DOUBLE: "float", exp.DType.FLOAT: "real",
    exp.DType.DATE: "date", exp.DType.TIME: "time", exp.DType.DATETIME: "datetime", exp.DType.TIMESTAMP: "datetime",
    exp.DType.DATETIME2: "datetime2", exp.DType.SMALLDATETIME: "smalldatetime",
    exp.DType.TIMESTAMPTZ: "datetimeoffset", exp.DType.CHAR: "char", exp.DType.VARCHAR: "varchar",
    exp.DType.NCHAR: "nchar", exp.DType.NVARCHAR: "nvarchar", exp.DType.TEXT: "varchar",
    exp.DType.UUID: "uniqueidentifier",
    exp.DType.VARBINARY: "varbinary", exp.DType.BINARY: "varbinary",
}  # fmt: skip


def read_type(kind: exp.DataType, *, default_length: int = 1) -> SqlType | None:
    """Return a written type, or None for one that scripts cannot use.

    Text without a length has ``default_length``: 1 where something is declared, 30 in CAST and CONVERT.
    """
    name = _READ.get(kind.this)
    sizes = [str(size.name).lower() for size in kind.expressions]
    if name is None or any(not (size.isdigit() or size == "max") for size in sizes):
        return None
    if name in _TEXTS or name == "varbinary":
        length = sizes[0] if sizes else str(default_length)
        return SqlType(name, length=None if length == "max" else int(length))
    numbers = [int(size) for size in sizes]
    if name == "decimal" and not _is_decimal(*numbers):
        return None
    if name == "decimal":
        return decimal(*[*numbers, *(18, 0)[len(numbers) :]])
    if name == "float" and numbers and numbers[0] <= 24:
        return REAL
    return SqlType(name, scale=numbers[0] if numbers else 7) if name in _FRACTIONS else SqlType(name)


def _is_decimal(precision: int = 18, scale: int = 0) -> bool:
    return 1 <= precision <= LARGEST and scale <= precision


_FROM_DUCKDB = {
    "BOOLEAN": BIT, "UTINYINT": TINYINT, "TINYINT": SMALLINT, "SMALLINT": SMALLINT, "USMALLINT": INT, "INTEGER": INT,
    "UINTEGER": BIGINT, "BIGINT": BIGINT, "UBIGINT": decimal(20, 0), "HUGEINT": decimal(38, 0), "DOUBLE": FLOAT,
    "FLOAT": REAL, "DATE": DATE, "TIME": SqlType("time", scale=6), "TIMESTAMP": SqlType("datetime2", scale=6),
    "TIMESTAMP_S": SqlType("datetime2"), "TIMESTAMP_MS": SqlType("datetime2", scale=3),
    "TIMESTAMP_NS": DATETIME2, "TIMESTAMP WITH TIME ZONE": SqlType("datetimeoffset", scale=6),
    "UUID": SqlType("uniqueidentifier"), "BLOB": SqlType("varbinary"),
}  # fmt: skip
_DECIMAL = re.compile(r"DECIMAL\((\d+),\s*(\d+)\)")


def from_duckdb(text: str) -> SqlType:
    """Return the type that a DuckDB column has on SQL Server; what has no twin there (lists, JSON) is text."""
    sizes = _DECIMAL.fullmatch(text)
    return decimal(int(sizes[1]), int(sizes[2])) if sizes else _FROM_DUCKDB.get(text, NVARCHAR_MAX)


def combined(types: Iterable[SqlType]) -> SqlType:
    """Return the type of CASE, COALESCE, UNION … over several types: the one of highest precedence, wide enough."""
    known = [kind for kind in types if kind.name != "null"]
    if not known:
        return NULL
    top = max(known, key=lambda kind: _RANK[kind.name])
    if top.is_text:
        return _combined_text(top, known)
    if top.name == "decimal":
        scale, integral = _widest([kind.as_decimal for kind in known if kind.is_exact or kind.name == "bit"])
        return decimal(min(LARGEST, scale + integral), max(0, min(scale, LARGEST - integral)))
    if top.name in _FRACTIONS:
        return replace(top, scale=max(_fraction(kind) for kind in known))
    return top


def _fraction(kind: SqlType) -> int:
    """Return the places behind the second that a moment needs: a datetime's thirds of hundredths need all seven."""
    return 7 if kind.name == "datetime" or kind.is_text else kind.scale if kind.is_moment else 0


def _combined_text(top: SqlType, known: list[SqlType]) -> SqlType:
    lengths = [kind.length for kind in known if kind.is_text]
    length = None if None in lengths else max(size for size in lengths if size is not None)
    varying = not all(kind.is_padded for kind in known)
    name = ("nvarchar" if top.is_national else "varchar") if varying else top.name
    return SqlType(name, length=length)


def _widest(decimals: list[SqlType]) -> tuple[int, int]:
    """Return the most places behind and before the point."""
    return max(kind.scale for kind in decimals), max(kind.precision - kind.scale for kind in decimals)


def arithmetic(operator: str, left: SqlType, right: SqlType) -> SqlType | None:
    """Return the type of ``left operator right`` (``+ - * / %``) of two numbers, or None where SQL Server has none.

    Moments and text are not numbers here. A sum of two decimals whose scale has to give way has None too: SQL
    Server's documentation does not say whether the sum or its parts are rounded.
    """
    if left.name == "null" or right.name == "null":
        left, right = (right if left.name == "null" else left), (left if right.name == "null" else right)
    top = combined([left, right])
    if not top.is_number or ("bit" in (left.name, right.name) and left.name == right.name):
        return top if top.name == "null" else None
    if top.name != "decimal":
        return top
    return _ARITHMETIC[operator](left.as_decimal, _beside(right))


def _beside(kind: SqlType) -> SqlType:
    return decimal(1, 0) if kind.name == "null" else kind.as_decimal


def _sum(left: SqlType, right: SqlType) -> SqlType | None:
    scale, integral = _widest([left, right])
    precision = scale + integral + 1
    if precision <= LARGEST:
        return decimal(precision, scale)
    return decimal(LARGEST, scale) if scale <= LARGEST - integral else None


def _product(left: SqlType, right: SqlType) -> SqlType:
    return _reduced(left.precision + right.precision + 1, left.scale + right.scale)


def _quotient(left: SqlType, right: SqlType) -> SqlType:
    scale = max(6, left.scale + right.precision + 1)
    return _reduced(left.precision - left.scale + right.scale + scale, scale)


def _remainder(left: SqlType, right: SqlType) -> SqlType:
    scale = max(left.scale, right.scale)
    return _reduced(min(left.precision - left.scale, right.precision - right.scale) + scale, scale)


def _reduced(precision: int, scale: int) -> SqlType:
    """Bring a product's or quotient's type below 38 digits: the scale gives way to the integral part, down to 6."""
    if precision <= LARGEST:
        return decimal(precision, scale)
    integral = precision - scale
    if integral < 32:
        return decimal(LARGEST, min(scale, LARGEST - integral))
    return decimal(LARGEST, min(scale, 6))


_ARITHMETIC = {"+": _sum, "-": _sum, "*": _product, "/": _quotient, "%": _remainder}
