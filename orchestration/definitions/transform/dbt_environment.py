"""The environment of every dbt process: where the warehouse is, and nothing that talks to the network.

dbt's profile takes SQL Server's settings one by one, so a connection string is taken apart for it; a password goes by
a variable whose value dbt keeps out of its logs and artifacts.
"""

from __future__ import annotations

import os
import re

from orchestration.failures import SettingsError
from orchestration.settings import Settings

_PAIR = re.compile(r"\s*([^=;]+?)\s*=\s*(\{(?:[^}]|\}\})*\}|[^;]*)\s*(?:;|$)")
_PASSWORD = "DBT_ENV_SECRET_SQLSERVER_PASSWORD"  # noqa: S105 - the name of a variable
_PARTS = {
    "server": "STRATA_SQLSERVER_HOST", "data source": "STRATA_SQLSERVER_HOST", "addr": "STRATA_SQLSERVER_HOST",
    "address": "STRATA_SQLSERVER_HOST", "database": "STRATA_SQLSERVER_DATABASE", "uid": "STRATA_SQLSERVER_USER",
    "user id": "STRATA_SQLSERVER_USER", "user": "STRATA_SQLSERVER_USER", "pwd": _PASSWORD, "password": _PASSWORD,
    "authentication": "STRATA_SQLSERVER_AUTHENTICATION", "encrypt": "STRATA_SQLSERVER_ENCRYPT",
    "trustservercertificate": "STRATA_SQLSERVER_TRUST_CERTIFICATE",
}  # fmt: skip
"""Keywords of a connection string, and the variable from which the profile takes each."""
_TRUE = {"yes", "true", "1"}


def dbt_environment(settings: Settings) -> dict[str, str]:
    """Return this process's environment, and what dbt has to know.

    Raises:
        SettingsError: the connection string of SQL Server names no server or database.
    """
    return {
        **os.environ,
        "STRATA_DBT_TARGET": settings.warehouse,
        "STRATA_WAREHOUSE_FILE": str(settings.warehouse_file),
        "STRATA_MEMORY_LIMIT_MB": str(settings.memory_limit_mb),
        "STRATA_THREADS": str(settings.threads),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DBT_USE_COLORS": "false",
        # Unit tests judge the SQL, not the data: they belong to the test suite, not to every build.
        "DBT_EXCLUDE_RESOURCE_TYPES": "unit_test",
        "PYTHONUNBUFFERED": "1",
        **(_server(settings) if settings.warehouse == "sqlserver" else {}),
    }


def _server(settings: Settings) -> dict[str, str]:
    timeouts = {
        "STRATA_SQLSERVER_LOGIN_TIMEOUT": str(settings.sqlserver_login_timeout),
        "STRATA_SQLSERVER_QUERY_TIMEOUT": str(settings.sqlserver_query_timeout),
    }
    if settings.sqlserver_connection is not None:
        return timeouts | _taken_apart(settings.sqlserver_connection.get_secret_value())
    password = settings.sqlserver_password
    return timeouts | {
        "STRATA_SQLSERVER_HOST": settings.sqlserver_host,
        "STRATA_SQLSERVER_PORT": str(settings.sqlserver_port),
        "STRATA_SQLSERVER_DATABASE": settings.sqlserver_database,
        "STRATA_SQLSERVER_USER": settings.sqlserver_user,
        "STRATA_SQLSERVER_AUTHENTICATION": _authentication(settings.sqlserver_authentication),
        "STRATA_SQLSERVER_ENCRYPT": settings.sqlserver_encrypt,
        "STRATA_SQLSERVER_TRUST_CERTIFICATE": str(settings.sqlserver_trust_certificate).lower(),
        _PASSWORD: password.get_secret_value() if password is not None else "",
    }


def _taken_apart(text: str) -> dict[str, str]:
    """Return the variables of what a connection string says; what it leaves out is as the driver has it."""
    pairs = {name.lower(): _plain(value) for name, value in _PAIR.findall(text)}
    found = {variable: pairs[name] for name, variable in _PARTS.items() if name in pairs}
    for variable in ("STRATA_SQLSERVER_HOST", "STRATA_SQLSERVER_DATABASE"):
        if not found.get(variable):
            message = f"STRATA_SQLSERVER_CONNECTION names no {variable.rpartition('_')[2].lower()}."
            raise SettingsError(message, "Example: SERVER=sql.example.com;DATABASE=strata;UID=strata;PWD=password")
    host, _, port = found["STRATA_SQLSERVER_HOST"].removeprefix("tcp:").partition(",")
    trusts = found.get("STRATA_SQLSERVER_TRUST_CERTIFICATE", "no").lower() in _TRUE
    encrypts = found.get("STRATA_SQLSERVER_ENCRYPT", "yes").lower()
    return {
        "STRATA_SQLSERVER_USER": "",
        _PASSWORD: "",
        **found,
        "STRATA_SQLSERVER_AUTHENTICATION": _authentication(found.get("STRATA_SQLSERVER_AUTHENTICATION", "")),
        "STRATA_SQLSERVER_HOST": host.strip(),
        "STRATA_SQLSERVER_PORT": port.strip() or "1433",
        "STRATA_SQLSERVER_ENCRYPT": "no" if encrypts in {"no", "false", "optional"} else "yes",
        "STRATA_SQLSERVER_TRUST_CERTIFICATE": "true" if trusts else "false",
    }


def _authentication(name: str) -> str:
    """Return dbt-sqlserver's name: that of a plain login it knows in small letters alone, and then sends no login."""
    return "sql" if name in ("", "Sql", "SqlPassword") else name


def _plain(value: str) -> str:
    """Return a value without the braces in which a ``;`` ends nothing."""
    return value[1:-1].replace("}}", "}") if value.startswith("{") else value.strip()
