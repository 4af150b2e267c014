"""A server without room: a real full disk where one can be mounted, and a server that tells of its quota."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import asyncssh
import pytest
from pydantic import SecretStr

from orchestration.delivery.channels.channel import Endpoint
from orchestration.delivery.channels.sftp.sender import SftpSender
from orchestration.delivery.failures import DeliveryFailed, DeliveryFailure

from .sftp_scenes import SshServer, endpoint, message, names_in, noise, with_sender


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "payload.csv"
    path.write_bytes(noise(1, 6_000_000))
    return path


def test_a_full_disk_is_told_as_that_and_nothing_is_left_on_it(
    server: SshServer, small_disk: Callable[[int], Path], source: Path
) -> None:
    disk = small_disk(2)

    async def sending(sender: SftpSender) -> str:
        with pytest.raises(DeliveryFailed) as failed:
            await sender.send(message(file=source))
        assert failed.value.failure is DeliveryFailure.STORAGE
        assert not failed.value.is_permanent
        return failed.value.message

    async def both(sender: SftpSender) -> str:
        told = await sending(sender)
        assert names_in(disk) == []
        await sender.send(message(body=b"fits", attempt=2))
        return told

    told = asyncio.run(with_sender(endpoint(server, disk), both))
    assert told.startswith("The disk of the server is full")
    assert [path.read_bytes() for path in disk.iterdir()] == [b"fits"]


class Limited(asyncssh.SFTPServer):
    """Takes 100,000 bytes of a file, then tells of a quota as servers of protocol 3 do: in words."""

    def write(self, file_obj: object, offset: int, data: bytes) -> int:
        if offset + len(data) > 100_000:
            raise asyncssh.SFTPFailure("Quota exceeded")
        return super().write(file_obj, offset, data)  # type: ignore[no-any-return]


class Passwords(asyncssh.SSHServer):
    """Lets in by password alone."""

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == ("acme", "canary-of-the-tests")


def test_a_used_up_quota_is_told_and_a_password_lets_in_but_is_never_told(folder: Path) -> None:
    async def sending() -> tuple[DeliveryFailed, DeliveryFailed]:
        key = asyncssh.generate_private_key("ssh-rsa", key_size=2048)
        async with asyncssh.listen(
            "127.0.0.1", 0, server_host_keys=[key], server_factory=Passwords, sftp_factory=Limited
        ) as listening:
            settings = {
                "host": "127.0.0.1",
                "port": str(listening.get_port()),
                "user": "acme",
                "host_key": key.export_public_key().decode(),
                "folder": str(folder),
            }
            known = Endpoint("acme", "bi", "e1", settings, 20, {"password": SecretStr("canary-of-the-tests")})
            stranger = Endpoint("acme", "bi", "e1", settings, 20, {"password": SecretStr("canary-of-others")})
            await with_sender(known, lambda sender: sender.send(message(body=noise(1, 90_000))))
            return await failing(known), await failing(stranger)

    async def failing(to: Endpoint) -> DeliveryFailed:
        with pytest.raises(DeliveryFailed) as failed:
            await with_sender(to, lambda sender: sender.send(message(2, body=noise(1, 200_000))))
        return failed.value

    full, refused = asyncio.run(sending())
    assert (full.failure, refused.failure) == (DeliveryFailure.STORAGE, DeliveryFailure.AUTHENTICATION)
    assert full.message.startswith("The quota on the server is used up")
    assert "canary" not in f"{full!r} {full} {refused!r} {refused}"
    assert [path.stat().st_size for path in folder.iterdir()] == [90_000]
