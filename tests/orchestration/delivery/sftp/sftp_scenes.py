"""A real OpenSSH server as the tests' own user, a proxy that cuts or stalls, and messages to send through both."""

from __future__ import annotations

import asyncio
import getpass
import os
import random
import shutil
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import pytest
from pydantic import SecretStr

from orchestration.delivery.channels.addresses import AddressGuard
from orchestration.delivery.channels.channel import Endpoint, Message
from orchestration.delivery.channels.sftp import CHANNEL
from orchestration.delivery.channels.sftp.sender import SftpSender
from orchestration.delivery.failures import DeliveryFailed, DeliveryFailure
from orchestration.settings import load_settings

T = TypeVar("T")
USER = getpass.getuser()
SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


@dataclass
class SshServer:
    """An OpenSSH server on loopback; ``options`` are those of its SFTP subsystem."""

    folder: Path
    options: str = ""
    port: int = 0
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        for name in ("host", "client"):
            if not (self.folder / name).exists():
                subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.folder / name], check=True)
        self.port = self.port or free_port()
        if os.geteuid() == 0:  # it locks its children into an empty folder, which the distribution's service makes
            Path("/run/sshd").mkdir(exist_ok=True)
        config = self.folder / "config"
        config.write_text(
            f"Port {self.port}\nListenAddress 127.0.0.1\nHostKey {self.folder}/host\nPidFile none\nUsePAM no\n"
            f"AuthorizedKeysFile {self.folder}/client.pub\nStrictModes no\nPasswordAuthentication no\n"
            f"PermitRootLogin yes\nMaxStartups 100\nLogLevel VERBOSE\nSubsystem sftp internal-sftp {self.options}\n"
        )
        log = (self.folder / "log").open("ab")
        self._process = subprocess.Popen([str(SSHD), "-D", "-e", "-f", config], stderr=log)
        await_port(self.port)

    def stop(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait(10)

    @property
    def host_key(self) -> str:
        return (self.folder / "host.pub").read_text()

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    @property
    def client_key(self) -> SecretStr:
        return SecretStr((self.folder / "client").read_text())


@contextmanager
def ssh_server(folder: Path, options: str = "") -> Iterator[SshServer]:
    if not SSHD:
        pytest.skip("there is no sshd")
    server = SshServer(folder, options)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def await_port(port: int, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while True:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        assert time.monotonic() < end, f"nothing answers on port {port}"
        time.sleep(0.05)


class Proxy:
    """Passes connections on; after ``cut_after`` bytes from the client it resets them, or stalls until told."""

    def __init__(self, port: int, cut_after: int | None = None, *, stalls: bool = False) -> None:
        self.passed = 0
        self.reached, self.moving = threading.Event(), threading.Event()
        self._target, self._cut_after, self._stalls = port, cut_after, stalls
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self.moving.set()
        for item in (self._listening, *self._open):
            item.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listening.accept()
                far = socket.create_connection(("127.0.0.1", self._target))
                self._open += [near, far]
                threading.Thread(target=self._pass, args=(near, far, True), daemon=True).start()
                threading.Thread(target=self._pass, args=(far, near, False), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket, counted: bool) -> None:
        with suppress(OSError):
            while received := source.recv(4096):
                if counted:
                    received = self._counted(received)
                target.sendall(received)
                if counted and self._is_over:
                    self.reached.set()
                    if not self._stalls:
                        break
                    self.moving.wait(30)
        for end in (source, target):
            with suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    @property
    def _is_over(self) -> bool:
        return self._cut_after is not None and self.passed >= self._cut_after

    def _counted(self, received: bytes) -> bytes:
        if self._cut_after is not None and not self._stalls:
            received = received[: max(self._cut_after - self.passed, 0)]
        self.passed += len(received)
        return received


def endpoint(server: SshServer, folder: Path, *, timeout: float = 20, **changed: str) -> Endpoint:
    """The way to the server's folder; ``changed`` are other settings."""
    settings = {
        "host": "127.0.0.1",
        "port": str(server.port),
        "user": USER,
        "host_key": server.host_key,
        "folder": str(folder),
        **changed,
    }
    CHANNEL.check(settings)
    return Endpoint("acme", "bi", "e1", settings, timeout, {"key": server.client_key})


def opened(to: Endpoint, networks: str = "127.0.0.0/8") -> SftpSender:
    return SftpSender(to, AddressGuard.of(load_settings(delivery_allowed_networks=networks)))


async def with_sender(to: Endpoint, work: Callable[[SftpSender], Awaitable[T]]) -> T:
    sender = opened(to)
    try:
        return await work(sender)
    finally:
        await sender.close()


def error_of(to: Endpoint, item: Message) -> DeliveryFailed | None:
    async def sending(sender: SftpSender) -> DeliveryFailed | None:
        try:
            await sender.send(item)
        except DeliveryFailed as error:
            return error
        return None

    return asyncio.run(with_sender(to, sending))


def failure(to: Endpoint, item: Message) -> DeliveryFailure | None:
    error = error_of(to, item)
    return error.failure if error else None


def noise(seed: int, size: int) -> bytes:
    return random.Random(seed).randbytes(size)  # noqa: S311 - the same bytes in every run


def message(number: int = 1, *, attempt: int = 1, **changed: Any) -> Message:
    values: dict[str, Any] = {
        "delivery_id": f"msg_{number:026d}",
        "tenant": "acme",
        "registration_id": "bi",
        "event_type": "gold.rows.changed",
        "subject": "gold.license_usage",
        "occurred_at": datetime(2026, 11, 21, 6, 30, tzinfo=UTC),
        "attempt": attempt,
        "content_type": "text/csv",
        "extension": "csv",
        "sequence": number,
        "rows": 2,
        **changed,
    }
    return Message(**values)


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())
