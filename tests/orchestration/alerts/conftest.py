"""A real HTTP server and a real SMTP server on loopback, and a runtime that sends to them."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from orchestration.runtime import Runtime, open_runtime
from orchestration.settings import load_settings
from orchestration.warehouse.apply import apply

ANSWERS = {"EHLO": ["250-test", "250 AUTH PLAIN"], "AUTH": ["235 ok"], "QUIT": ["221 bye"]}


@dataclass
class WebhookServer:
    """What was received, and what is answered; a status of 0 breaks the connection off."""

    port: int = 0
    status: int = 200
    bodies: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook?token=hook-secret"


@dataclass
class MailServer:
    """What was received; ``refuses`` makes the server turn every recipient down."""

    port: int = 0
    refuses: bool = False
    logins: list[str] = field(default_factory=list)
    mails: list[EmailMessage] = field(default_factory=list)


@contextmanager
def served(server: socketserver.BaseServer) -> Iterator[int]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]  # type: ignore[index]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def webhook() -> Iterator[WebhookServer]:
    state = WebhookServer()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if not state.status:
                self.connection.close()
                return
            if 200 <= state.status < 300:
                state.bodies.append(json.loads(body))
                state.keys.append(self.headers["Idempotency-Key"])
            self.send_response(state.status)
            self.send_header("Location", f"{state.url}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Keep the test's output quiet."""

    with served(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as port:
        state.port = port
        yield state


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    state = MailServer()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.reply("220 test ESMTP")
            while line := self.rfile.readline():
                verb = line.decode().strip().upper().split(" ")[0]
                if verb == "AUTH":
                    state.logins.append(line.decode().strip().split(" ")[-1])
                if verb == "DATA":
                    self.reply("354 go on")
                    state.mails.append(message_from_bytes(self.content(), policy=policy.default))  # type: ignore[arg-type]
                refused = state.refuses and verb == "RCPT"
                self.reply(*(["550 no such user"] if refused else ANSWERS.get(verb, ["250 ok"])))
                if verb == "QUIT":
                    return

        def content(self) -> bytes:
            lines: list[bytes] = []
            while (line := self.rfile.readline()) != b".\r\n":
                lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
            return b"".join(lines)

        def reply(self, *lines: str) -> None:
            self.wfile.write("".join(f"{line}\r\n" for line in lines).encode())

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with served(Server(("127.0.0.1", 0), Handler)) as port:
        state.port = port
        yield state


@pytest.fixture
def runtime_with(tmp_path: Path) -> Callable[..., Runtime]:
    """Open a runtime whose warehouse has the platform's tables; arguments are settings."""

    def open_with(**settings: object) -> Runtime:
        runtime = open_runtime(load_settings(home=tmp_path / "home", **settings))
        with runtime.warehouse.session("prepare") as session:
            apply(session)
        return runtime

    return open_with
