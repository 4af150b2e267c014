"""What the control plane's database refuses, in words that quote none of its values.

Drivers quote rows in their errors ("Failing row contains …"): a secret, or a
name of another tenant. So their text is dropped, and with it their traceback.
"""

from __future__ import annotations

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError

from orchestration.control.address import address
from orchestration.control.unreachable import refusal
from orchestration.failures import Busy, ConnectionFailed, SettingsError, StrataError

_DENIED, _LOCK_TIMEOUT, _DEADLOCK = "42501", "55P03", "40P01"
_SEE = "See docs/operator/control-plane.md."
_OF_FILES = (
    ("disk is full", "cannot be written: its disk is full", "Make room there and try again."),
    ("disk i/o error", "cannot be read", "Is there room on its disk? SQLite needs a little even to read."),
    ("readonly", "may only be read", "Is STRATA_HOME on a disk that may be written to, and this user's?"),
    ("unable to open", "cannot be opened", "Is STRATA_HOME there, and may this user write to it?"),
    ("malformed", "is damaged", "Bring it back from a backup: docs/operator/backup.md."),
    ("not a database", "is no database", "Bring it back from a backup: docs/operator/backup.md."),
)


def told(error: DBAPIError, url: URL) -> StrataError:
    """Turn a driver's error into one for people; ``url`` is the database's, of which server and database are named."""
    state = getattr(error.orig, "sqlstate", None)
    text = str(error.orig).lower()
    if "append-only" in text:
        return SettingsError("The audit trail is append-only.", "Its rows go with their tenant: strata tenant remove.")
    if "locked" in text or "busy" in text or state in (_LOCK_TIMEOUT, _DEADLOCK):
        return Busy("The control plane is held by another process.", "Try again; raise STRATA_LOCK_WAIT_SECONDS.")
    if url.get_backend_name() == "sqlite" and (fault := _of_file(text, url)):
        return fault
    if state == _DENIED or "readonly" in text or "read-only" in text:
        return SettingsError("The control plane refuses this to its user or this tenant.", _SEE)
    return _by_kind(error, url)


def _of_file(text: str, url: URL) -> StrataError | None:
    """Tell what is wrong with the disk or the file, where SQLite says so."""
    for said, told_as, remedy in _OF_FILES:
        if said in text:
            return SettingsError(f"The control plane's file {url.database} {told_as}.", remedy)
    return None


def _by_kind(error: DBAPIError, url: URL) -> StrataError:
    if isinstance(error, IntegrityError):
        return SettingsError(f"The control plane refuses the row: {_rule(error)}.", "Nothing was changed.")
    if isinstance(error, (OperationalError, InterfaceError)):
        return _unreachable(error, url)
    return StrataError(f"The control plane's database refused a statement ({_kind(error)}).", _SEE)


def _unreachable(error: DBAPIError, url: URL) -> StrataError:
    if url.get_backend_name() == "sqlite":
        return ConnectionFailed(f"The control plane's file {url.database} failed ({_kind(error)}).", _SEE)
    failed = f"STRATA_CONTROL_URL: the control plane's database at {address(url).server} failed ({_kind(error)})."
    return refusal(str(error.orig), url) or ConnectionFailed(failed, _SEE)


def _rule(error: IntegrityError) -> str:
    """Name the constraint where the driver does; values are left out."""
    name = getattr(getattr(error.orig, "diag", None), "constraint_name", None)
    if name:
        return f"it breaks {name}"
    kind = str(error.orig).split(" constraint failed", maxsplit=1)[0]
    known = {"UNIQUE": "its key is taken", "FOREIGN KEY": "it names a row that is not there"}
    return known.get(kind, "it breaks a rule of its table")


def _kind(error: DBAPIError) -> str:
    state = getattr(error.orig, "sqlstate", None)
    return f"{type(error.orig).__name__}{f' {state}' if state else ''}"
