"""Why the control plane's server lets nobody in, in words of our own: a driver's name users and may show more."""

from __future__ import annotations

import re
from typing import NamedTuple

from sqlalchemy import URL

from orchestration.control.address import address
from orchestration.failures import AuthenticationFailed, ConnectionFailed, StrataError

_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")


class _Reason(NamedTuple):
    said: re.Pattern[str]
    words: str
    remedy: str


_NO_DATABASE = _Reason(
    re.compile(r"database\s+does not exist|cannot open database"),
    "there is no such database for this user",
    "Create it, or mend its name in STRATA_CONTROL_URL; see docs/operator/control-plane.md.",
)
_NO_LOGIN = _Reason(
    re.compile(r"authentication failed|no password supplied|login failed|role\s+does not exist|no pg_hba"),
    "it refuses the login",
    "Check user and password in STRATA_CONTROL_URL, and whether the server lets this machine in.",
)
# Of a connection that fails SQL Server's driver tells the number that the fault has on Windows, on every system.
_REASONS = (
    _NO_DATABASE,
    _NO_LOGIN,
    _Reason(
        re.compile(r"refused|no such file or directory|0x2749"),
        "connection refused",
        "Start the server, or mend host and port in STRATA_CONTROL_URL.",
    ),
    _Reason(
        re.compile(r"resolve host|translate host|not known|name resolution|0x2af9"),
        "there is no such host",
        "Mend the host in STRATA_CONTROL_URL, or the name server.",
    ),
    _Reason(
        re.compile(r"time(d )?out|unreachable|no route|0x274c"),
        "no answer in time",
        "Mend host and port in STRATA_CONTROL_URL, or let the firewall pass them.",
    ),
    _Reason(re.compile(r"too many|connection slots"), "it has no connection left", "Raise the server's limit."),
    _Reason(re.compile(r"starting up|shutting down|recovery"), "it is starting or stopping", "Try again."),
    _Reason(re.compile(r"\bssl\b|certificate"), "TLS cannot be agreed on", "See docs/operator/control-plane.md."),
)


def refusal(said: str, url: URL) -> StrataError | None:
    """Tell why a server cannot be used, by what its driver said; ``None`` when that is nothing known."""
    plain = _QUOTED.sub("", said.lower())  # names of users and databases may hold any word
    reason = next((reason for reason in _REASONS if reason.said.search(plain)), None)
    if reason is None:
        return None
    place = address(url)
    where = f"database {place.database!r} at {place.server}" if reason is _NO_DATABASE else place.server
    kind = AuthenticationFailed if reason is _NO_LOGIN else ConnectionFailed
    return kind(f"STRATA_CONTROL_URL: {where}: {reason.words}.", reason.remedy)
