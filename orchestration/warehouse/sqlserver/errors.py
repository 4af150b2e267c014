"""What the server refuses, in our words: its sentence, the statement's beginning, and whether to try again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from orchestration.failures import ConnectionFailed, FailureClass, StrataError
from orchestration.warehouse.protocol import Missing
from orchestration.warehouse.sqlserver.connecting import is_transient, reason


_ABSENT = re.compile(r"invalid object name|relation .* does not exist", re.IGNORECASE)


class Refused(StrataError):
    """The server refused a statement."""

    failure_class = FailureClass.PERMANENT


@contextmanager
def told(statement: str) -> Iterator[None]:
    """Raise what the server says as ours.

    Raises:
        ConnectionFailed: the fault passes by itself (deadlock, failover, throttling): run the transaction again.
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
            raise ConnectionFailed(f"SQL Server: {said}", "The step can be run again as it is.") from error
        raise Refused(f"SQL Server refuses a statement: {said}", f"It begins: {statement.strip()[:300]}") from error
