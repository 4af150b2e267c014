"""Files over SFTP to a real OpenSSH server: what arrives, under which names, beside what."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import os
import subprocess
from hashlib import sha256
from pathlib import Path

import pytest

from orchestration.delivery.channels.channel import Endpoint, Message, Receipt
from orchestration.delivery.channels.sftp.host_keys import fingerprint
from orchestration.delivery.channels.sftp.sender import SftpSender
from orchestration.delivery.failures import DeliveryFailed, DeliveryFailure

from .sftp_scenes import SshServer, endpoint, error_of, message, names_in, opened, ssh_server, with_sender

pytestmark = pytest.mark.server("openssh")
NAME = "license_usage-1-msg_00000000000000000000000001.csv"


def send(to: Endpoint, *messages: Message) -> list[Receipt]:
    async def sending(sender: SftpSender) -> list[Receipt]:
        return await asyncio.gather(*(sender.send(item) for item in messages))

    return asyncio.run(with_sender(to, sending))


def refusal(to: Endpoint) -> DeliveryFailed:
    failed = error_of(to, message(body=b"1"))
    assert failed
    return failed


@pytest.mark.parametrize("size", [0, 1, 32 * 1024, 3 * 1024 * 1024 + 17])
def test_a_file_arrives_whole_and_alone(server: SshServer, folder: Path, tmp_path: Path, size: int) -> None:
    source = tmp_path / "payload.csv"
    source.write_bytes(os.urandom(size))
    (receipt,) = send(endpoint(server, folder), message(file=source))
    assert names_in(folder) == [NAME]
    assert (folder / NAME).read_bytes() == source.read_bytes()
    assert receipt.detail == f"{folder / NAME}, {size:,} bytes"


def test_many_files_share_one_connection(server: SshServer, folder: Path) -> None:
    before = server.log.count("Accepted publickey")
    send(endpoint(server, folder), *(message(number, body=b"%d" % number * 9000) for number in range(1, 201)))
    assert {path.read_bytes() for path in folder.iterdir()} == {b"%d" % number * 9000 for number in range(1, 201)}
    assert server.log.count("Accepted publickey") == before + 1


def test_what_is_beside_a_file_speaks_of_it(server: SshServer, folder: Path) -> None:
    (receipt,) = send(endpoint(server, folder, companions="sha256, manifest,trigger"), message(body=b"id\n1\n"))
    assert sha256(b"id\n1\n").hexdigest() in receipt.detail
    assert names_in(folder) == [NAME, f"{NAME}.done", f"{NAME}.manifest.json", f"{NAME}.sha256"]
    subprocess.run(["sha256sum", "--check", "--quiet", f"{NAME}.sha256"], cwd=folder, check=True)
    manifest = json.loads((folder / f"{NAME}.manifest.json").read_text())
    assert (manifest["bytes"], manifest["rows"], manifest["file"]) == (5, 2, NAME)
    assert manifest["sha256"] == sha256(b"id\n1\n").hexdigest()


def test_a_compressed_file_says_so_and_unpacks(server: SshServer, folder: Path, tmp_path: Path) -> None:
    source = tmp_path / "payload.csv"
    source.write_bytes(b"id,name\n" * 500_000)
    send(endpoint(server, folder, compression="gzip", companions="sha256"), message(file=source))
    assert names_in(folder) == [f"{NAME}.gz", f"{NAME}.gz.sha256"]
    assert gzip.decompress((folder / f"{NAME}.gz").read_bytes()) == source.read_bytes()
    subprocess.run(["sha256sum", "--check", "--quiet", f"{NAME}.gz.sha256"], cwd=folder, check=True)


def test_a_name_without_a_version_is_replaced_by_the_next(server: SshServer, folder: Path) -> None:
    to = endpoint(server, folder, name="{table}.{extension}", flush="yes")
    for text in (b"a longer first", b"second"):
        send(to, message(body=text))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {"license_usage.csv": b"second"}


def test_a_trial_leaves_nothing_behind(server: SshServer, folder: Path) -> None:
    (receipt,) = send(endpoint(server, folder, companions="trigger"), message(body=b"{}", is_trial=True))
    assert names_in(folder) == []
    assert "removed again" in receipt.detail


def test_a_pinned_fingerprint_is_enough(server: SshServer, folder: Path) -> None:
    shown = subprocess.run(["ssh-keygen", "-l", "-f", server.folder / "host.pub"], check=True, capture_output=True)
    send(endpoint(server, folder, host_key=shown.stdout.decode().split()[1]), message(body=b"1"))
    assert names_in(folder) == [NAME]


def test_a_server_with_another_key_gets_no_credentials(server: SshServer, folder: Path, tmp_path: Path) -> None:
    with ssh_server(tmp_path / "other") as impostor:
        failed = refusal(endpoint(impostor, folder, host_key=server.host_key))
        assert failed.failure is DeliveryFailure.HOST_KEY
        assert failed.is_permanent
        assert "Accepted" not in impostor.log
        assert "Failed publickey" not in impostor.log
    assert names_in(folder) == []


def test_a_server_without_a_key_of_the_pinned_kind_is_another_server(server: SshServer, folder: Path) -> None:
    rsa = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQDGwyN0ZmFrZQ=="
    assert refusal(endpoint(server, folder, host_key=rsa)).failure is DeliveryFailure.HOST_KEY


def test_a_key_that_is_not_let_in_is_no_matter_of_trying_again(server: SshServer, folder: Path, tmp_path: Path) -> None:
    with ssh_server(tmp_path / "other") as other:
        stranger = endpoint(other, folder, port=str(server.port), host_key=server.host_key)
        failed = refusal(stranger)
        assert failed.failure is DeliveryFailure.AUTHENTICATION
        assert other.client_key.get_secret_value()[40:80] not in f"{failed}{stranger!r}"


def test_a_server_of_the_house_is_reached_only_where_that_is_allowed(server: SshServer, folder: Path) -> None:
    before = server.log
    with pytest.raises(DeliveryFailed) as failed:
        asyncio.run(opened(endpoint(server, folder), networks="").send(message(body=b"1")))
    assert failed.value.failure is DeliveryFailure.FORBIDDEN_ADDRESS
    assert server.log == before


def test_nothing_there_and_no_such_host_are_tried_again(server: SshServer, folder: Path, tmp_path: Path) -> None:
    with ssh_server(tmp_path / "gone") as gone:
        to = endpoint(gone, folder)
    assert refusal(to).failure is DeliveryFailure.CONNECTION
    assert refusal(endpoint(server, folder, host="nowhere.invalid")).failure is DeliveryFailure.DNS


def test_a_folder_that_is_not_there_is_named(server: SshServer, folder: Path) -> None:
    failed = refusal(endpoint(server, folder / "absent"))
    assert failed.failure is DeliveryFailure.STORAGE
    assert str(folder / "absent") in failed.message


def test_fingerprints_are_those_of_ssh_keygen(server: SshServer) -> None:
    shown = subprocess.run(["ssh-keygen", "-l", "-f", server.folder / "host.pub"], check=True, capture_output=True)
    assert fingerprint(base64.b64decode(server.host_key.split()[1])) == shown.stdout.decode().split()[1]
