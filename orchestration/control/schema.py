"""The control plane's schema: which revision it is at, and the way up and down.

A fresh embedded database is made on the spot. One that holds data is changed by
an operator's command alone, after a backup; until then it is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DBAPIError

from orchestration.control.engine import WRITES
from orchestration.control.errors import told
from orchestration.failures import SettingsError
from orchestration.warehouse.lock import held

if TYPE_CHECKING:
    from alembic.config import Config

    from orchestration.control.database import Control

REVISIONS = ("0001", "0002", "0003", "0004", "0005", "0006")
"""Every revision in its order; here too, so that a command need not read the migrations to know the last."""
HEAD = REVISIONS[-1]
MIGRATIONS = Path(__file__).parent / "migrations"

_checked: set[str] = set()


def prepare(control: Control) -> None:
    """Make a fresh embedded database; refuse one whose schema is not this program's.

    Raises:
        SettingsError: the schema is older or newer; names the command that mends it.
    """
    file = _file(control)
    if control.url in _checked and (file is None or file.exists()):
        return
    found = current(control)
    if found is None and file is not None:
        found = _make(control, file)
    _require_head(found)
    _checked.add(control.url)


def _file(control: Control) -> Path | None:
    """Return an embedded control plane's file."""
    return Path(control.engine.url.database or "") if control.embedded else None


def _make(control: Control, file: Path) -> str:
    """Make the embedded control plane, unless another process just did; nobody else may read its folder."""
    try:
        # The locks lie in the home, which nobody else may enter either.
        control.locks.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with held(control.locks / "control.lock", "making the control plane", control.wait_seconds):
            return current(control) or upgrade(control)
    except OSError as error:
        message = f"{file}: the control plane cannot be made ({type(error).__name__})."
        raise SettingsError(message, "Give this user write access there, or set STRATA_HOME.") from error


def _require_known(found: str | None) -> None:
    if found is not None and found not in REVISIONS:
        message = f"The control plane's schema is {found}, made by a newer version of Strata; this one knows {HEAD}."
        remedy = f"Run that version, or take the schema back with it: strata control downgrade {HEAD}"
        raise SettingsError(message, remedy)


def _require_head(found: str | None) -> None:
    _require_known(found)
    if found == HEAD:
        return
    state = f"The control plane's schema is {found}" if found else "The control plane's database is empty"
    raise SettingsError(f"{state}; this version needs {HEAD}.", "Back it up, then run: strata control upgrade")


def current(control: Control) -> str | None:
    """Return the revision that the database is at, ``None`` when there is none yet."""
    file = _file(control)
    if file is not None and not file.exists():
        return None
    try:
        with control.engine.connect() as connection:
            if not inspect(connection).has_table("alembic_version"):
                return None
            return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    except DBAPIError as error:
        raise told(error, control.engine.url) from None


def upgrade(control: Control, revision: str = HEAD) -> str:
    """Bring the schema up to a revision, all steps in one transaction; return the revision."""
    from alembic import command  # noqa: PLC0415 - only who migrates pays for it

    _require_known(current(control))
    if file := _file(control):
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # SQLite would make it readable by all, and gives its logs the mode that the database has.
        file.touch(mode=0o600)
    with _migrating(control) as config:
        command.upgrade(config, revision)
    return revision


def downgrade(control: Control, revision: str) -> str:
    """Take the schema back to a revision, all steps in one transaction; return the revision.

    Raises:
        SettingsError: there is no such revision before the present one. Before the first nothing would be left.
    """
    from alembic import command  # noqa: PLC0415

    found = current(control)
    if found is None or revision not in REVISIONS or found not in REVISIONS or revision > found:
        message = f"The control plane is at revision {found or 'none'} and cannot go back to {revision!r}."
        raise SettingsError(message, f"Revisions that this version knows: {', '.join(REVISIONS)}.")
    _checked.discard(control.url)
    with _migrating(control) as config:
        command.downgrade(config, revision)
    return revision


def configuration() -> Config:
    """Return Alembic's configuration without a database."""
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


@contextmanager
def _migrating(control: Control) -> Iterator[Config]:
    """Yield a configuration with an open transaction; foreign keys rest while SQLite's tables are made anew."""
    config = configuration()
    try:
        with control.engine.connect().execution_options(**{WRITES: True}) as connection:
            _foreign_keys(connection, enforced=False)
            with connection.begin():
                config.attributes["connection"] = connection
                yield config
                _require_sound(connection)
            _foreign_keys(connection, enforced=True)
    except DBAPIError as error:
        raise told(error, control.engine.url) from error


def _foreign_keys(connection: Connection, *, enforced: bool) -> None:
    raw = connection.connection.dbapi_connection
    if connection.dialect.name == "sqlite" and raw is not None:
        raw.cursor().execute(f"PRAGMA foreign_keys={'ON' if enforced else 'OFF'}")


def _require_sound(connection: Connection) -> None:
    if connection.dialect.name == "sqlite" and connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall():
        raise SettingsError("The migration would leave rows that name rows which are not there.", "Nothing changed.")
