"""The programs of docs/consumer/receive.md, run as they stand there, against deliveries of the platform."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from orchestration.delivery.signatures import Scheme, Signer, make_key, verification_key
from orchestration.settings import PROJECT

from .receiver_scene import MESSAGE, Running, numbered, receiver, send

PAGE = (PROJECT / "docs" / "consumer" / "receive.md").read_text(encoding="utf-8")


def program(name: str) -> str:
    """Return the block of the page that begins with a comment naming a file."""
    (found,) = re.findall(rf"```\w+\n((?:#|//) {re.escape(name)}[ :\n].*?)```", PAGE, re.DOTALL)
    return str(found)


def write(name: str, folder: Path) -> Path:
    file = folder / name
    file.write_text(program(name), encoding="utf-8")
    return file


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@contextmanager
def running(command: list[str], key: str, folder: Path) -> Iterator[Running]:
    port = free_port()
    environment = os.environ | {"SIGNING_KEY": key, "PORT": str(port)}
    process = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        wait_for(port, process)
        yield Running(process, f"http://127.0.0.1:{port}/")
    finally:
        process.kill()
        process.communicate()


def wait_for(port: int, process: subprocess.Popen[str]) -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError(process.args)


def needs(command: str, package: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(shutil.which(command) is None, reason=f"there is no {command} (package {package})")


def command_of(name: str, folder: Path) -> list[str]:
    file = write(name, folder)
    if name.endswith(".mjs"):
        return ["node", str(file)]
    if name.endswith(".cs"):
        subprocess.run(["mcs", "-warnaserror", file.name], cwd=folder, check=True)
        return ["mono", str(file.with_suffix(".exe"))]
    return [sys.executable, str(file)]


@pytest.mark.parametrize(
    "name",
    [
        "receive.py",
        pytest.param("receive.mjs", marks=[needs("node", "nodejs"), pytest.mark.server("node")]),
        pytest.param("receive.cs", marks=[needs("mcs", "mono-mcs and mono-runtime"), pytest.mark.server("mono")]),
    ],
)
def test_a_receiver_takes_what_is_signed_once_and_nothing_else(name: str, tmp_path: Path) -> None:
    key = make_key()
    with running(command_of(name, tmp_path), key, tmp_path) as program:
        answers = [
            send(program, key),
            send(program, key),
            send(program, make_key(), numbered(2)),
            send(program, key, replace(numbered(3), body="Ä €".encode())),
        ]
        told = [program.line().split() for _ in range(3)]
    assert answers == [204, 204, 401, 204]
    assert told == [["new", MESSAGE.delivery_id], ["repeated", MESSAGE.delivery_id], ["new", numbered(3).delivery_id]]


@needs("node", "nodejs")
@pytest.mark.server("node")
def test_the_receiver_in_javascript_takes_public_keys_too(tmp_path: Path) -> None:
    key = make_key("ed25519")
    with running(command_of("receive.mjs", tmp_path), verification_key(key), tmp_path) as program:
        assert send(program, key) == 204
        assert send(program, make_key("ed25519")) == 401
        assert send(program, make_key()) == 401


@pytest.mark.parametrize(("name", "scheme"), [("verify.py", "hmac"), ("verify_public.py", "ed25519")])
def test_a_check_without_the_library_takes_any_body_and_refuses_what_is_changed_or_old(
    name: str, scheme: Scheme
) -> None:
    key = make_key(scheme)
    names: dict[str, object] = {}
    exec(program(name), names)  # noqa: S102 - our own documentation
    verified = names["verified"]
    assert callable(verified)
    now, body, shown = int(time.time()), bytes(range(256)), verification_key(key)

    def headers(timestamp: int, *keys: str) -> dict[str, str]:
        signature = Signer(keys).sign("msg_1", timestamp, body)
        return {"webhook-id": "msg_1", "webhook-timestamp": str(timestamp), "webhook-signature": signature}

    assert verified(shown, headers(now, key), body)
    assert verified(shown, headers(now, make_key(), make_key("ed25519"), key), body)
    assert not verified(shown, headers(now, make_key(), make_key("ed25519")), body)
    assert not verified(shown, headers(now, key), body + b"\n")
    assert not verified(shown, headers(now - 301, key), body)
    assert not verified(shown, headers(now, key) | {"webhook-id": "msg_2"}, body)
    assert not verified(shown, {}, body)


def test_a_message_signed_with_openssl_and_sent_with_curl_is_accepted(tmp_path: Path) -> None:
    key = make_key()
    (tmp_path / "key.txt").write_text(key)
    (tmp_path / "body.json").write_bytes(MESSAGE.body + b"\n\n")
    script = write("send.sh", tmp_path)
    with receiver(tmp_path, "--json", "--key", "file:key.txt") as endpoint:
        for sent in ("msg_a", "msg_a", "msg_b"):
            done = subprocess.run(
                ["bash", "-euo", "pipefail", str(script), endpoint.url, "key.txt", "body.json", sent],
                cwd=tmp_path,
                capture_output=True,
                text=True,
                check=True,
            )
            assert done.stdout == "204\n"
        verdicts = [endpoint.arrival()["verdict"] for _ in range(3)]
    assert verdicts == ["accepted", "repeated", "accepted"]
