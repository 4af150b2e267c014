"""The condition that a column has one of many names, with all of them in one parameter.

A parameter for each is limited in number (SQL Server takes 2,100), makes another statement of every count, and
cost as much as reading the rows.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Self

import msgspec
from sqlalchemy import ARRAY, Boolean, ColumnElement, Dialect, TypeDecorator, Unicode, bindparam
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine


def one_of(column: ColumnElement[str], names: Collection[str]) -> ColumnElement[bool]:
    """Return the condition that a column has one of these values."""
    return _OneOf(column, bindparam(None, list(names), type_=_Names(), unique=True))


class _Names(TypeDecorator[list[str]]):
    """Texts as PostgreSQL's array, elsewhere as an array of JSON."""

    impl = Unicode
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return ARRAY(Unicode()) if dialect.name == "postgresql" else Unicode()

    def process_bind_param(self, value: list[str] | None, dialect: Dialect) -> Any:  # noqa: ANN401 - list or text
        return value if dialect.name == "postgresql" else msgspec.json.encode(value).decode()


class _OneOf(FunctionElement[bool]):
    name = "one_of"
    type = Boolean()
    inherit_cache = True

    def self_group(self, against: object = None) -> Self:  # noqa: ARG002 - SQLAlchemy's signature
        """Stay as it is beside an AND: SQLite would be asked whether it equals 1, and use no index."""
        return self


@compiles(_OneOf)
def _json(element: _OneOf, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401 - SQLAlchemy's
    column, names = (compiler.process(part, **options) for part in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({names}))"


@compiles(_OneOf, "postgresql")
def _array(element: _OneOf, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401
    column, names = (compiler.process(part, **options) for part in element.clauses)
    return f"{column} = ANY({names})"


@compiles(_OneOf, "mssql")
def _open_json(element: _OneOf, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401
    column, names = (compiler.process(part, **options) for part in element.clauses)
    # As wide as names are: of a text without a limit the server would expect more than there is.
    return f"{column} IN (SELECT name FROM OPENJSON({names}) WITH (name nvarchar(128) '$'))"
