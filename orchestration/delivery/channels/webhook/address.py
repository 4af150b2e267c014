"""The address that a webhook is sent to, read once and refused early when it can never work."""

from __future__ import annotations

import re
from ipaddress import ip_address

from yarl import URL

from orchestration.failures import SettingsError

TOKEN = "{token}"  # noqa: S105 - a placeholder, not a token
_LONGEST = 2048
_EXAMPLE = "Example: url=https://hooks.example.com/strata"
_ENDS_IN_A_NUMBER = re.compile(r"(.*\.)?(\d+|0x[0-9a-f]*)\.?", re.IGNORECASE)


def read_address(text: str, token: str = "") -> URL:
    """Return the address; ``token`` is put in place of ``{token}`` in its path or query.

    Raises:
        SettingsError: it is no http(s) address, or carries a password; the message repeats at most its host.
    """
    if not text or len(text) > _LONGEST or not text.isprintable() or " " in text:
        raise SettingsError("url: an address of at most 2,048 printable characters is needed.", _EXAMPLE)
    try:
        url = URL(text.replace(TOKEN, token) if token else text)
        host, port = url.host, url.port
    except ValueError:
        raise SettingsError("url: this is no address.", _EXAMPLE) from None
    if url.scheme not in {"http", "https"} or not host or not port:
        raise SettingsError("url: an https address with a host is needed.", _EXAMPLE)
    if _ENDS_IN_A_NUMBER.fullmatch(host) and not _is_literal(host):
        # 127.1, 0x7f.1 and 2130706433 are this machine to the C library, and a name to everybody else.
        raise SettingsError(f"url: {host} is neither a name nor an address in its usual form.", _EXAMPLE)
    if url.user is not None or url.password is not None:
        message = f"url: the address of {host} holds a user or a password, which would be kept in clear."
        raise SettingsError(message, "Give the secret `authorization`, by reference, instead.")
    if TOKEN in text.partition("://")[2].partition("/")[0]:
        raise SettingsError("url: {token} may stand in the path or the query alone.", _EXAMPLE)
    return url.with_fragment(None)


def _is_literal(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
