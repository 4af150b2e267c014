"""Names that a tenant may have: they appear in folders, schemas, databases and environment variables."""

from __future__ import annotations

import re
from collections.abc import Collection

from orchestration import names
from orchestration.failures import SettingsError

LONGEST = 40
"""PostgreSQL cuts names after 63 bytes without a word: source, tenant and instance have to fit in one."""

_FORM = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_RESERVED = frozenset({names.PLATFORM, names.SILVER, names.GOLD, names.FINANCE, "main", "platform", "all", "none"})


def require_name(name: str, sources: Collection[str] = ()) -> str:
    """Return the name when a new tenant may have it.

    Raises:
        SettingsError: it may not; says why.
    """
    if len(name) > LONGEST or not _FORM.fullmatch(name):
        message = f"{name!r} is no name for a tenant or an instance."
        form = f"Lower-case letters and digits, words joined by one underscore, at most {LONGEST} characters"
        raise SettingsError(message, f"{form}: acme_eu.")
    if name in _RESERVED or name in sources:
        raise SettingsError(f"{name!r} is a name of the platform's own.", "Choose another, such as the company's name.")
    return name
