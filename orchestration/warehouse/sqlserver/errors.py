"""What the server refuses, in our words: its sentence, the statement's beginning, and whether to try again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from orchestration.failures import FailureClass, StrataError
from orchestration.warehouse.protocol import Interrupted, Missing
from orchestration.warehouse.sqlserver.connecting import is_transient, reason, took_too_long

_ABSENT = re.compile(r"invalid object name|relation .* does not exist", re.IGNORECASE)


class Refused(StrataError):
    """The server refused a statement."""

    failure_class = FailureClass.PERMANENT


@contextmanager
def told(statement: str) -> Iterator[None]:
    """Raise what the server says as ours.

    Raises:
        Interrupted: the fault passes by itself (deadlock, failover, throttling): run the transaction again.
        Refused: it does not.
    """
    import mssql_python  # noqa: PLC0415 - for who needs it

    try:
        yield
    except mssql_python.Error as error:
        said = reason(error)
        if _ABSENT.search(said):
            raise Missing(f"SQL Server: {said}", "strata warehouse apply makes what is missing.") from error
        if is_transient(error):
            raise Interrupted(f"SQL Server: {said}", "The step can be run again as it is.") from error
        if took_too_long(error):
            remedy = f"Raise STRATA_SQLSERVER_QUERY_TIMEOUT. The statement begins: {statement.strip()[:300]}"
            raise Refused("SQL Server: a statement took longer than it may.", remedy) from error
        raise Refused(f"SQL Server refuses a statement: {said}", f"It begins: {statement.strip()[:300]}") from error
