"""What keeps tests of the control plane from running on Babelfish as they run on SQL Server.

Drivers ask (``sp_describe_undeclared_parameters``) for the type of every parameter that is NULL. On Babelfish 4.4 that
question fails for a statement with OPENJSON, and takes back what the transaction wrote before it, without a word. So
NULL is a word of the statement there, as far as it is a test's own process that speaks. Its version has to read like
SQL Server's, for SQLAlchemy asks: ``babelfishpg_tsql.version = 'Microsoft SQL Server 2014 - 12.0.2000.8'``.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import pytest

from orchestration.control import Control


def is_babelfish() -> bool:
    return os.environ.get("STRATA_TEST_SQLSERVER_KIND", "").lower() == "babelfish"


def skip_on_babelfish(control: Control, why: str) -> None:
    if is_babelfish() and control.engine.dialect.name == "mssql":
        pytest.skip(f"Babelfish {why}")


def write_nulls_out(patch: pytest.MonkeyPatch) -> None:
    """Change the driver's cursor for as long as the patch lasts."""
    from mssql_python.cursor import Cursor

    execute = Cursor.execute

    def written_out(cursor: Any, statement: str, *parameters: Any, **options: Any) -> Any:
        values = parameters[0] if len(parameters) == 1 else None
        if not isinstance(values, dict):
            return execute(cursor, statement, *parameters, **options)
        for name in (name for name, value in values.items() if value is None):
            statement = statement.replace(f"%({name})s", "NULL")
        return execute(
            cursor, statement, {name: value for name, value in values.items() if value is not None}, **options
        )

    def one_after_the_other(cursor: Any, statement: str, rows: Sequence[Any]) -> None:
        for row in rows:
            written_out(cursor, statement, row)

    patch.setattr(Cursor, "execute", written_out)
    patch.setattr(Cursor, "executemany", one_after_the_other)
