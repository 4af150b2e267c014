"""How a connection to SQL Server begins: from settings, with limits, and again where a fault passes by itself.

The driver is Microsoft's own, ``mssql-python``, whose ODBC library comes in a wheel: nothing is installed on the
system. What it says of a failed login may hold the login; no connection string is ever part of a message of ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import stamina

from orchestration.failures import AuthenticationFailed, ConnectionFailed, SettingsError
from orchestration.settings import Settings

Connection = Any
"""A connection of ``mssql-python``, which has no types."""

TRANSIENT = frozenset({1205, 4060, 4221, 10053, 10054, 10060, 10928, 10929, 40143, 40197, 40501, 40613, 40540,
                       41301, 41302, 41305, 41325, 49918, 49919, 49920})  # fmt: skip
"""Error numbers of SQL Server and Azure SQL that say: try again (deadlock victim, throttling, failover)."""
_WORDS = re.compile(
    r"deadlock|login timeout expired|lock (?:request )?time ?out|communication link failure|"
    r"connection (?:reset|is closed)|"
    r"is not currently available|service is currently busy|resource limit|the server is not found|connection refused|"
    r"unable to (?:connect|complete login)|unable to establish connection|TCP Provider|terminating connection|"
    r"server closed the connection|in the kill state|could not serialize",
    re.IGNORECASE,
)
_TOO_LONG = re.compile(r"query timeout expired|HYT00|canceling statement due to user request", re.IGNORECASE)
_LOGIN = re.compile(
    r"login failed|authentication failed|AADSTS|access token|not associated with a trusted", re.IGNORECASE
)
_NUMBER = re.compile(r"\b(?:error|number|code)[ :(]*(\d{3,5})\b", re.IGNORECASE)
_DRIVER = re.compile(r"\bdriver\s*=\s*(\{[^}]*\}|[^;]*);?", re.IGNORECASE)
_BEGIN = "SET XACT_ABORT ON; SET NOCOUNT OFF; SET QUOTED_IDENTIFIER ON; SET ANSI_NULLS ON;"
_NOBODY = "EXEC sp_set_session_context N'tenant_id', NULL"
"""No tenant: who asks for rows of the one in the session's context gets none."""
_APPLICATION = "strata"


def connection_string(settings: Settings) -> str:
    """Return the ODBC connection string of the settings; it holds a secret.

    Raises:
        SettingsError: neither a string nor a server and database are set.
    """
    if settings.sqlserver_connection is not None:
        # The driver is this library's own, whatever a string that others wrote asks for.
        return _DRIVER.sub("", settings.sqlserver_connection.get_secret_value())
    for name in ("sqlserver_host", "sqlserver_database"):
        if not getattr(settings, name):
            message = f"STRATA_WAREHOUSE is sqlserver, but STRATA_{name.upper()} is not set."
            raise SettingsError(message, "Set it, or the whole of STRATA_SQLSERVER_CONNECTION.")
    parts = {
        "SERVER": f"tcp:{settings.sqlserver_host},{settings.sqlserver_port}",
        "DATABASE": settings.sqlserver_database,
        "Encrypt": settings.sqlserver_encrypt,
        "TrustServerCertificate": "yes" if settings.sqlserver_trust_certificate else "no",
        "APP": _APPLICATION,
        **_login(settings),
    }
    return "".join(f"{name}={_braced(value)};" for name, value in parts.items())


def _login(settings: Settings) -> dict[str, str]:
    """Return who logs in, and how: by a login of SQL Server, or by Microsoft Entra."""
    login: dict[str, str] = {}
    if settings.sqlserver_authentication != "Sql":
        login["Authentication"] = settings.sqlserver_authentication
    if settings.sqlserver_user:
        login["UID"] = settings.sqlserver_user
    if settings.sqlserver_password is not None:
        login["PWD"] = settings.sqlserver_password.get_secret_value()
    return login


def _braced(value: str) -> str:
    """Write a value so that a ``;`` in it ends nothing."""
    return "{" + value.replace("}", "}}") + "}" if set(value) & set(";{}=") else value


def connect(settings: Settings) -> Connection:
    """Open a connection in which every statement commits by itself, until a transaction is begun.

    It waits ``sqlserver_login_timeout`` seconds for the server, and ``sqlserver_query_timeout`` for any statement.

    Raises:
        SettingsError: what is needed is not set.
        AuthenticationFailed: the server does not let this login in.
        ConnectionFailed: it does not answer, after several attempts.
    """
    import mssql_python  # noqa: PLC0415 - 0.2 s, for who needs it

    # A connection that the driver pools keeps its locks.
    mssql_python.pooling(enabled=False)
    # Not its decorator, which would log the settings.
    for attempt in stamina.retry_context(on=ConnectionFailed, attempts=4, timeout=60, wait_initial=0.5, wait_max=10):
        with attempt:
            connection = _opened(settings)
    return connection


def _opened(settings: Settings) -> Connection:
    import mssql_python  # noqa: PLC0415 - as above

    with _refusals_told():
        connection = mssql_python.connect(
            connection_string(settings), autocommit=True, timeout=settings.sqlserver_login_timeout
        )
        connection.timeout = settings.sqlserver_query_timeout
        connection.cursor().execute(_BEGIN)
    return connection


@contextmanager
def _refusals_told() -> Iterator[None]:
    """Turn what goes wrong with a new connection into ours, without anything of its connection string."""
    import mssql_python  # noqa: PLC0415 - as above

    try:
        yield
    except mssql_python.Error as error:
        said = reason(error).partition("\n")[0]
        if _LOGIN.search(said):
            remedy = "Check STRATA_SQLSERVER_USER and its password, or the identity; see: strata doctor."
            raise AuthenticationFailed(f"SQL Server refuses the login: {said}", remedy) from None
        raise ConnectionFailed(f"SQL Server cannot be reached: {said}", "See: strata doctor.") from None
    except mssql_python.ConnectionStringParseError:
        message = "STRATA_SQLSERVER_CONNECTION is no connection string that the driver understands."
        raise SettingsError(
            message, "Take only keywords of the ODBC driver, each with one value; braces hold a ';'."
        ) from None
    except (RuntimeError, ValueError, OSError) as error:
        message = f"The connection to SQL Server cannot be made: {type(error).__name__}."
        raise ConnectionFailed(message, "Check STRATA_SQLSERVER_…; see: strata doctor.") from None


def renew(connection: Connection) -> bool:
    """Make a connection that was left open as good as new for the next one; say whether it still answers.

    What its last user had set is set back: no library between here and the server does that.
    """
    import mssql_python  # noqa: PLC0415 - as above

    try:
        connection.cursor().execute(f"{_BEGIN} {_NOBODY}")
    except mssql_python.Error:
        return False
    return True


def reason(error: BaseException) -> str:
    """Return what the server said, without what driver and library put around it."""
    text = str(getattr(error, "ddbc_error", "") or error)
    return text.rsplit("[SQL Server]", 1)[-1].strip()


def took_too_long(error: BaseException) -> bool:
    """Say whether a statement was stopped because its time was up; once more, it would be again."""
    return bool(_TOO_LONG.search(str(error)))


def is_transient(error: BaseException) -> bool:
    """Say whether a statement may succeed when its transaction is run again."""
    text = str(error)
    return bool(_WORDS.search(text)) or any(int(number) in TRANSIENT for number in _NUMBER.findall(text))
