"""``strata receiver`` as a consumer runs it: another process, sent to by the platform's own webhook channel."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from msgspec.structs import replace

from orchestration.delivery.signatures import make_key, verification_key

from .receiver_scene import MESSAGE, STRATA, numbered, receiver, send


def test_a_consumer_sees_what_is_verified_repeated_and_forged(tmp_path: Path) -> None:
    key = make_key()
    with receiver(tmp_path, "--json", "--key", "file:key.txt") as running:
        assert send(running, key) == 204
        (tmp_path / "key.txt").write_text(f"{make_key()}\n{key}\n")
        assert [send(running, key), send(running, key), send(running, key, numbered(2))] == [204, 204, 204]
        assert send(running, make_key(), numbered(3)) == 401
        arrivals = [running.arrival() for _ in range(5)]
        assert running.end()[0] == 0
    assert [item["verdict"] for item in arrivals] == ["unverified", "repeated", "repeated", "accepted", "refused"]
    assert arrivals[4]["reason"] == "no signature fits the key"
    assert arrivals[3] | {"received_at": ""} == {
        "received_at": "",
        "verdict": "accepted",
        "reason": "",
        "answered": 204,
        "id": "msg_00000000000000000000000002",
        "type": "gold.table.updated.v1",
        "subject": "gold.license_usage",
        "content_type": "application/cloudevents+json",
        "body": {"specversion": "1.0", "type": "gold.table.updated.v1", "subject": "gold.license_usage"},
    }


def test_a_public_key_is_enough_to_verify_and_bodies_are_kept_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = make_key("ed25519")
    monkeypatch.setenv("CONSUMERS_KEY", verification_key(key))
    rows = bytes(range(256)) * 100
    message = replace(MESSAGE, content_type="application/vnd.apache.parquet", extension="parquet", body=rows)
    (tmp_path / "inbox").mkdir()
    with receiver(tmp_path, "--key", "env:CONSUMERS_KEY", "--out", "inbox") as running:
        assert send(running, key, message) == 204
        line, kept = running.line(), running.line()
        code, rest = running.end()
    assert "accepted gold.table.updated.v1  gold.license_usage  msg_0" in line
    assert "25,600 bytes  answered 204" in line
    assert kept.strip() == f"kept as inbox/{MESSAGE.delivery_id}.parquet"
    assert (tmp_path / "inbox" / f"{MESSAGE.delivery_id}.parquet").read_bytes() == rows
    assert len(list((tmp_path / "inbox").iterdir())) == 1
    assert (code, rest) == (0, "Received: 1 accepted.\n")


def test_failures_are_rehearsed_and_what_was_refused_then_is_no_repetition_later(tmp_path: Path) -> None:
    key = make_key()
    (tmp_path / "key.txt").write_text(key)
    with receiver(tmp_path, "--json", "--key", "file:key.txt", "--status", "503", "--times", "2") as running:
        assert [send(running, key) for _ in range(4)] == [503, 503, 204, 204]
        verdicts = [running.arrival()["verdict"] for _ in range(4)]
    assert verdicts == ["accepted", "accepted", "accepted", "repeated"]


def test_what_arrives_cannot_write_to_the_terminal(tmp_path: Path) -> None:
    message = replace(
        MESSAGE, content_type="text/plain", subject="\x1b[2Jgone", body="\x1b]0;title\x07 safe \u202e".encode()
    )
    with receiver(tmp_path) as running:
        assert send(running, make_key(), message) == 204
        lines = [running.line() for _ in range(3)]
    assert "unverified" in lines[0]
    assert "safe" in lines[2]
    assert not any(mark in line for line in lines for mark in ("\x1b", "\x07", "\u202e"))


@pytest.mark.parametrize(
    ("options", "code", "told"),
    [
        (("--key", "whsec_canary"), 3, "by reference"),
        (("--out", "nowhere"), 2, "There is no folder nowhere"),
        (("--host", "203.0.113.1"), 3, "cannot be listened on"),
    ],
)
def test_a_wrong_command_line_is_told(options: tuple[str, ...], code: int, told: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [str(STRATA), "receiver", *options], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert done.returncode == code
    assert told in done.stderr
    assert "canary" not in done.stderr
