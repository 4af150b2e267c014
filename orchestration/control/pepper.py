"""The pepper: a secret of the installation without which stored digests of keys are worth nothing.

It is not in the database, so that a stolen copy of that gives nobody a key to try.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from orchestration.control.database import Control
from orchestration.control.secrets import resolve
from orchestration.failures import SettingsError
from orchestration.settings import Settings

_SHORTEST = 32
_REFERENCES = ("file:", "vault:", "env:")
_REMEDY = "Example: STRATA_KEY_PEPPER=file:/run/secrets/key_pepper, with `openssl rand -hex 32` in that file."


def read_pepper(settings: Settings, control: Control) -> bytes:
    """Return the pepper: the setting's, or on one machine that of a file which the first use makes.

    Raises:
        SettingsError: it is too short, or not set although other machines use the same control plane.
    """
    if settings.key_pepper is not None:
        return _long_enough(_given(settings.key_pepper.get_secret_value()), "STRATA_KEY_PEPPER")
    if not control.embedded:
        raise SettingsError("STRATA_KEY_PEPPER is not set, and other machines need the same one.", _REMEDY)
    path = settings.control_file.with_name("key_pepper")
    if not path.exists():
        _make(path)
    return _long_enough(path.read_text(encoding="ascii").strip(), str(path))


def _given(value: str) -> str:
    return resolve(value).get_secret_value() if value.startswith(_REFERENCES) else value


def _long_enough(pepper: str, where: str) -> bytes:
    if len(pepper) < _SHORTEST:
        raise SettingsError(f"{where}: the pepper has fewer than {_SHORTEST} characters.", _REMEDY)
    return pepper.encode()


def _make(path: Path) -> None:
    """Write a random pepper that this user alone can read; of two processes that try, one is first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".key_pepper.{os.getpid()}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(secrets.token_hex(32))
        file.flush()
        os.fsync(file.fileno())
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
