"""Starting, finding and stopping the server process, and the way in for each org."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import os
import ssl
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from orchestration.failures import ConnectionFailed

Address = Mapping[str, str]
_STOP_SECONDS = 10.0
ADMIN = "/__simulator"
"""Below this path are the switches, for whoever knows the server's secret."""


def start(folder: Path) -> Address:
    """Start the server and return its address once it listens."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "server.log").open("ab") as log:
        server = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", "source_systems.salesforce.simulator.server", str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
    with server.stdout as answer:  # type: ignore[union-attr]  # stdout is a pipe
        line = answer.readline()
    if not line:
        message = "The Salesforce simulator did not start."
        raise ConnectionFailed(message, f"Its log is {folder / 'server.log'}.")
    return {**json.loads(line), "folder": str(folder), "pid": str(server.pid)}


def is_running(address: Address) -> bool:
    """Say whether the server at an address answers, with the certificate that belongs to it."""
    try:
        return admin(address, "GET", "alive") is not None
    except (OSError, http.client.HTTPException, ValueError, KeyError):
        return False


def settings_for(address: Address, place: str) -> dict[str, str]:
    """Return the settings of a connection to one org, for the client-credentials flow."""
    return {
        "domain": urlsplit(address["url"]).netloc,
        "client_id": client_id(place),
        "client_secret": client_secret(address["secret"], place),
        "ca_file": address["ca_file"],
    }


def stop(address: Address) -> None:
    """Stop the server and wait until its process is gone."""
    with suppress(OSError, http.client.HTTPException, ValueError):
        admin(address, "POST", "stop")
    deadline = time.monotonic() + _STOP_SECONDS
    while _is_alive(int(address["pid"])) and is_running(address) and time.monotonic() < deadline:
        time.sleep(0.02)


def forget(address: Address, place: str) -> None:
    """Let the server end an org's sessions and forget what it knows of it."""
    admin(address, "POST", f"{place}/forget")


def client_id(place: str) -> str:
    """Return the consumer key of an org's connected app."""
    return f"3MVG9simulated.{place}"


def client_secret(secret: str, place: str) -> str:
    """Return the consumer secret of an org's connected app; it follows from the server's own secret."""
    return hmac.new(secret.encode(), place.encode(), hashlib.sha256).hexdigest()


def admin(address: Address, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - JSON
    """Ask the server for something that Salesforce would not do, such as to fail."""
    parts = urlsplit(address["url"])
    context = ssl.create_default_context(cafile=address["ca_file"])
    connection = http.client.HTTPSConnection(str(parts.hostname), parts.port, timeout=10, context=context)
    try:
        headers = {"Authorization": f"Bearer {address['secret']}", "Content-Type": "application/json"}
        connection.request(method, f"{ADMIN}/{path}", json.dumps(body), headers)
        reply = connection.getresponse()
        content = reply.read()
        if reply.status != http.client.OK:
            msg = f"the simulator refused: {content.decode()}"
            raise ValueError(msg)
        return json.loads(content)
    finally:
        connection.close()


def _is_alive(pid: int) -> bool:
    with suppress(ChildProcessError):  # not our child
        return os.waitpid(pid, os.WNOHANG) == (0, 0)
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True
