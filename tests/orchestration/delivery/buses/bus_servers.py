"""Real RabbitMQ and NATS servers on loopback, as the tests' own user, with folders, ports and accounts of their own."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"
RABBITMQ = Path("/usr/lib/rabbitmq/bin")
"""The scripts below the wrapper in the path, which would change to the package's own user."""
USER, PASSWORD = "strata", "canary-of-the-tests"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def group_of(process: int) -> int:
    """Return a process's group; 0 when it has gone meanwhile."""
    try:
        return os.getpgid(process)
    except ProcessLookupError:
        return 0


class Server(ABC):
    """A server that can be killed and started again on what it has stored."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def command(self) -> tuple[list[str], dict[str, str]]: ...

    def start(self) -> None:
        arguments, environment = self.command()
        with (self.folder / "out").open("ab") as out:
            self._process = subprocess.Popen(
                arguments,
                cwd=self.folder,
                env={**os.environ, **environment},
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        self.await_answer()

    def await_answer(self, seconds: float = 90) -> None:
        end = time.monotonic() + seconds
        while True:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            assert self._process
            assert self._process.poll() is None, (self.folder / "out").read_text()
            assert time.monotonic() < end, f"nothing answers on port {self.port}"
            time.sleep(0.1)

    def signal(self, number: signal.Signals) -> None:
        if self._process and self._process.poll() is None:
            os.killpg(self._process.pid, number)

    def pause(self) -> None:
        """Stop the server where it is, and wait until all that the signal reaches stand still."""
        self.signal(signal.SIGSTOP)
        assert self._process
        group, end = self._process.pid, time.monotonic() + 10
        members = [one for one in psutil.process_iter() if group_of(one.pid) == group]
        while not all(one.status() in {psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE} for one in members):
            assert time.monotonic() < end, "the server does not stop"
            time.sleep(0.01)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        if self._process:
            self._process.wait(30)


class NatsServer(Server):
    """NATS with JetStream; ``tls`` are the options of a certificate."""

    def __init__(self, folder: Path, *tls: str) -> None:
        super().__init__(folder)
        self._tls = list(tls)

    def command(self) -> tuple[list[str], dict[str, str]]:
        executable = shutil.which("nats-server", path=PATH)
        if not executable:
            pytest.skip("there is no nats-server")
        config = self.folder / "nats.conf"
        config.write_text(
            f"jetstream {{ store_dir: '{self.folder}/store' }}\n"
            f"authorization {{ users: [\n"
            f"  {{ user: {USER}, password: {PASSWORD}, permissions: {{ publish: {{ deny: 'forbidden.>' }} }} }}\n"
            "]}\n"
        )
        address = ["-a", "127.0.0.1", "-p", str(self.port)]
        return [executable, "-c", str(config), *address, *self._tls], {}


class RabbitServer(Server):
    """RabbitMQ with an exchange of names of its own; ``epmd``, which it needs, is the tests' own too."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._names_port = free_port()
        self._names: subprocess.Popen[bytes] | None = None

    def command(self) -> tuple[list[str], dict[str, str]]:
        if not (RABBITMQ / "rabbitmq-server").exists():
            pytest.skip("there is no rabbitmq-server")
        (self.folder / "rabbitmq.conf").write_text(
            f"listeners.tcp.1 = 127.0.0.1:{self.port}\nlog.console = false\nlog.file.level = error\n"
            f"default_user = {USER}\ndefault_pass = {PASSWORD}\n"
        )
        (self.folder / "plugins").write_text("[].")
        environment = {
            "HOME": str(self.folder),
            "RABBITMQ_NODENAME": f"strata-{os.getpid()}@localhost",
            "RABBITMQ_MNESIA_BASE": str(self.folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self.folder / "log"),
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq"),
            "RABBITMQ_CONF_ENV_FILE": os.devnull,
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "plugins"),
            "RABBITMQ_DIST_PORT": str(free_port()),
            "ERL_EPMD_PORT": str(self._names_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            # Idle schedulers sleep at once: the broker is one of many processes on a small machine.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+sbwt none",
        }
        self._start_names(environment)
        return [str(RABBITMQ / "rabbitmq-server")], environment

    def _start_names(self, environment: dict[str, str]) -> None:
        if self._names is None:
            executable = shutil.which("epmd", path=PATH) or "epmd"
            self._names = subprocess.Popen([executable], env={**os.environ, **environment}, stderr=subprocess.DEVNULL)

    def stop(self) -> None:
        self.kill()
        if self._names:
            self._names.kill()
            self._names.wait(10)
