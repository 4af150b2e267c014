"""Where a control plane's server is, as people name it: of a URL, or of the ODBC connection string within one."""

from __future__ import annotations

import re
from typing import NamedTuple

from sqlalchemy import URL

_PORTS = {"postgresql": 5432, "mssql": 1433}
_ODBC_PAIR = re.compile(r"([^;={}]+)=(\{(?:[^}]|}})*\}|[^;]*)")
_ODBC_SERVERS = ("server", "address", "addr")
_HERE = "localhost"


class Address(NamedTuple):
    """A server and its database; ``host`` is a socket's folder where there is none."""

    host: str
    port: int | str
    database: str

    @property
    def server(self) -> str:
        """Host and port."""
        return f"{self.host}:{self.port}"


def address(url: URL) -> Address:
    """Return where a URL leads to, without what is secret."""
    usual = _PORTS[url.get_backend_name()]
    odbc = _odbc(url)
    if odbc:
        named = next((odbc[name] for name in _ODBC_SERVERS if name in odbc), _HERE)
        host, _, port = named.removeprefix("tcp:").partition(",")
        return Address(host.strip(), port.strip() or usual, odbc.get("database", ""))
    hosts = url.host or url.query.get("host") or _HERE
    return Address(hosts if isinstance(hosts, str) else ",".join(hosts), url.port or usual, url.database or "")


def _odbc(url: URL) -> dict[str, str]:
    """Take the pairs of an ODBC connection string apart; values may stand in braces, in which a brace is doubled."""
    said = url.query.get("odbc_connect", "")
    pairs = _ODBC_PAIR.findall(said) if isinstance(said, str) else []
    return {name.strip().lower(): value.strip().removeprefix("{").removesuffix("}") for name, value in pairs}
