"""Files over SFTP when the connection breaks, the disk is full or the server stands still: never a part in sight."""

from __future__ import annotations

import asyncio
import os
import random
from pathlib import Path

import pytest

from orchestration.delivery.channels.channel import Endpoint
from orchestration.delivery.channels.sftp.sender import SftpSender
from orchestration.delivery.failures import DeliveryFailed, DeliveryFailure

from .sftp_scenes import Proxy, SshServer, endpoint, failure, message, names_in, noise, ssh_server, with_sender

pytestmark = pytest.mark.server("openssh")
NIGHTLY = os.environ.get("STRATA_NIGHTLY") == "1"
NAME = "license_usage-1-msg_00000000000000000000000001.csv"
SIZE = 6 * 1024 * 1024 + 4321


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "payload.csv"
    path.write_bytes(noise(1, SIZE))
    return path


def through(proxy: Proxy, server: SshServer, folder: Path, **changed: str) -> Endpoint:
    return endpoint(server, folder, port=str(proxy.port), **changed)


def visible(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.startswith(".")}


@pytest.mark.parametrize("seed", range(60 if NIGHTLY else 6))
def test_a_connection_cut_anywhere_shows_no_part_and_the_next_attempts_finish(
    server: SshServer, folder: Path, source: Path, seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311 - the same places in every run
    whole = source.read_bytes()
    companions = {"companions": "sha256,trigger"}
    for attempt in range(1, 4):
        proxy = Proxy(server.port, cut_after=chance.randint(0, SIZE + 60_000))
        failure(through(proxy, server, folder, **companions), message(file=source, attempt=attempt))
        proxy.close()
        assert visible(folder).get(NAME, whole) == whole
    assert failure(endpoint(server, folder, **companions), message(file=source, attempt=4)) is None
    assert visible(folder)[NAME] == whole
    assert names_in(folder) == [NAME, f"{NAME}.done", f"{NAME}.sha256"]


def test_the_next_attempt_goes_on_where_the_last_one_was_cut(server: SshServer, folder: Path, source: Path) -> None:
    first, second = Proxy(server.port, cut_after=5 * 1024 * 1024), Proxy(server.port)
    assert failure(through(first, server, folder), message(file=source)) is DeliveryFailure.CONNECTION
    assert failure(through(second, server, folder), message(file=source, attempt=2)) is None
    assert second.passed < SIZE * 0.8  # what was in the buffers of the cut connection is sent again
    assert visible(folder) == {NAME: source.read_bytes()}
    first.close()
    second.close()


@pytest.mark.parametrize("size", [SIZE, SIZE // 3, 10])
def test_what_was_left_is_not_built_upon_when_the_content_is_another(
    server: SshServer, folder: Path, source: Path, size: int
) -> None:
    cut = Proxy(server.port, cut_after=5 * 1024 * 1024)
    assert failure(through(cut, server, folder), message(file=source)) is DeliveryFailure.CONNECTION
    cut.close()
    other = noise(2, size)
    assert failure(endpoint(server, folder), message(body=other, attempt=3)) is None
    assert (names_in(folder), visible(folder)) == ([NAME], {NAME: other})


def test_an_attempt_thought_dead_publishes_nothing_when_it_wakes(server: SshServer, folder: Path, source: Path) -> None:
    other = noise(2, SIZE)

    async def race() -> None:
        proxy = Proxy(server.port, cut_after=3 * 1024 * 1024, stalls=True)

        async def asleep(sender: SftpSender) -> None:
            with pytest.raises(DeliveryFailed) as failed:
                await sender.send(message(file=source))
            assert failed.value.failure is DeliveryFailure.STORAGE

        sleeping = asyncio.create_task(with_sender(through(proxy, server, folder), asleep))
        await asyncio.to_thread(proxy.reached.wait, 20)
        await asyncio.sleep(0.1)
        follower = message(body=other, attempt=2)
        await with_sender(endpoint(server, folder), lambda sender: sender.send(follower))
        proxy.moving.set()
        await sleeping
        proxy.close()

    asyncio.run(race())
    assert names_in(folder) == [NAME]
    assert len(visible(folder)[NAME]) == SIZE


def test_a_server_that_stands_still_is_left_and_found_again(server: SshServer, folder: Path, source: Path) -> None:
    proxy = Proxy(server.port, cut_after=2 * 1024 * 1024, stalls=True)

    async def twice(sender: SftpSender) -> None:
        with pytest.raises(DeliveryFailed) as failed:
            await sender.send(message(file=source))
        assert failed.value.failure is DeliveryFailure.TIMEOUT
        proxy.moving.set()
        await sender.send(message(file=source, attempt=2))

    asyncio.run(with_sender(endpoint(server, folder, timeout=1, port=str(proxy.port)), twice))
    proxy.close()
    assert visible(folder) == {NAME: source.read_bytes()}


def test_a_server_that_cannot_replace_files_takes_a_repetition_and_refuses_another_file(
    folder: Path, tmp_path: Path
) -> None:
    with ssh_server(tmp_path / "plain", "-P posix-rename") as server:
        for attempt in (1, 2):
            assert failure(endpoint(server, folder), message(body=b"one", attempt=attempt)) is None
        latest = endpoint(server, folder, name="latest.csv")
        assert failure(latest, message(body=b"one")) is None
        assert failure(latest, message(body=b"two")) is DeliveryFailure.SETTINGS
    assert visible(folder) == {NAME: b"one", "latest.csv": b"one"}
    assert names_in(folder) == sorted([NAME, "latest.csv"])
