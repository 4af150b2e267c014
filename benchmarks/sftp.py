"""Uploads over SFTP beside OpenSSH's own `sftp` command: one big file, and many small ones.

An OpenSSH server on loopback, started for this, takes both and keeps what it receives in memory: on a disk it
is the file system that decides. The command puts files under their final names; the
platform's channel writes under a hidden name, compares the size, and renames. Time is wall time without
connecting: of the command, what a session that does nothing takes is subtracted. Contestants take turns. Ratios are of
rates: at least 0.8 of the command for one big file, at least 2 times its files per second for 10,000 of 10 kB.
Beside it, paramiko's own client, one file after the other, with the same renaming.
"""

from __future__ import annotations

import argparse
import asyncio
import getpass
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import paramiko
import uvloop
from measurement import Figure, Run, figure, report
from pydantic import SecretStr

from orchestration.delivery.channels.addresses import AddressGuard
from orchestration.delivery.channels.channel import Endpoint, Message
from orchestration.delivery.channels.sftp.sender import SftpSender
from orchestration.settings import load_settings

BIG_MB, FILES, BYTES = 500, 10_000, 10_000
_AT_ONCE = 100
"""Messages that a worker has under way to one endpoint."""
_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of this run alone is made in it
"""Where the server keeps what it receives, if there is such a place: else its disk decides who is faster."""


class Bench:
    """A server, the files to send, and an empty folder to receive them for each run."""

    def __init__(self, folder: Path, big_mb: int, files: int) -> None:
        """Make keys, configuration and files."""
        self.folder, self.port = folder, _free_port()
        for name in ("host", "client"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
        self.big = folder / "big"
        self.big.write_bytes(os.urandom(1_000_000) * big_mb)
        self.small = folder / "small"
        self.small.mkdir()
        for number in range(files):
            (self.small / f"{number}.json").write_bytes(os.urandom(BYTES // 2).hex().encode())

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Run the server as this user."""
        config = self.folder / "config"
        config.write_text(
            f"Port {self.port}\nListenAddress 127.0.0.1\nHostKey {self.folder}/host\nPidFile none\nUsePAM no\n"
            f"AuthorizedKeysFile {self.folder}/client.pub\nStrictModes no\nPasswordAuthentication no\n"
            "PermitRootLogin yes\nSubsystem sftp internal-sftp\n"
        )
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)
        sshd = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin") or "sshd"
        process = subprocess.Popen([sshd, "-D", "-e", "-f", config], stderr=subprocess.DEVNULL)
        try:
            while socket.socket().connect_ex(("127.0.0.1", self.port)):
                time.sleep(0.05)
            yield
        finally:
            process.kill()
            process.wait()

    @contextmanager
    def receiving(self) -> Iterator[Path]:
        """Yield an empty folder, and look afterwards whether what should be in it is."""
        place = Path(tempfile.mkdtemp(dir=_MEMORY if _MEMORY.is_dir() else self.folder))
        yield place
        sizes = {path.stat().st_size for path in place.iterdir()}
        if not sizes <= {self.big.stat().st_size, BYTES} or any(path.name.startswith(".") for path in place.iterdir()):
            raise SystemExit("What arrived is not what was sent.")
        shutil.rmtree(place)


def command(bench: Bench, what: Path) -> float:
    """Put a file, or all of a folder, with `sftp`; return seconds without connecting."""
    with bench.receiving() as place:
        whole = _sftp(bench, f"put {what}/* {place}/" if what.is_dir() else f"put {what} {place}/")
    return whole - _sftp(bench, "pwd")


def _sftp(bench: Bench, line: str) -> float:
    options = ["-q", "-P", str(bench.port), "-i", str(bench.folder / "client"), "-b", "-"]
    quiet = ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"]
    start = time.perf_counter()
    subprocess.run(
        ["sftp", *options, *quiet, f"{getpass.getuser()}@127.0.0.1"],
        input=line.encode(),
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return time.perf_counter() - start


def channel(bench: Bench, what: Path) -> float:
    """Send a file, or all of a folder, through the platform's channel; return seconds without connecting."""
    with bench.receiving() as place:
        return uvloop.run(_sent(bench, what, place))


async def _sent(bench: Bench, what: Path, place: Path) -> float:
    settings = {
        "host": "127.0.0.1",
        "port": str(bench.port),
        "user": getpass.getuser(),
        "host_key": (bench.folder / "host.pub").read_text(),
        "folder": str(place),
    }
    key = SecretStr((bench.folder / "client").read_text())
    guard = AddressGuard.of(load_settings(delivery_allowed_networks="127.0.0.0/8"))
    sender = SftpSender(Endpoint("acme", "bench", "e1", settings, 60, {"key": key}), guard)
    await sender.send(_message("trial", is_trial=True))
    room = asyncio.Semaphore(_AT_ONCE)

    async def send(message: Message) -> None:
        async with room:
            await sender.send(message)

    start = time.perf_counter()
    await asyncio.gather(*map(send, _messages(what)))
    seconds = time.perf_counter() - start
    await sender.close()
    return seconds


def _messages(what: Path) -> Iterator[Message]:
    """Yield what a worker would hand over: what is small as a body, what is large as a file."""
    if what.is_dir():
        yield from (_message(path.stem, body=path.read_bytes()) for path in what.iterdir())
    else:
        yield _message(what.stem, what)


def _message(name: str, file: Path | None = None, body: bytes = b"", *, is_trial: bool = False) -> Message:
    return Message(
        delivery_id=f"msg_{name}",
        tenant="acme",
        registration_id="bench",
        event_type="gold.table.updated.v1",
        subject="gold.table",
        occurred_at=datetime.now(UTC),
        attempt=1,
        content_type="application/json",
        extension="json",
        body=body,
        file=file,
        is_trial=is_trial,
    )


def library(bench: Bench, what: Path) -> float:
    """Put a file, or all of a folder, with paramiko's own client; return seconds without connecting."""
    with bench.receiving() as place, paramiko.SSHClient() as client:
        client.get_host_keys().add(
            f"[127.0.0.1]:{bench.port}", "ssh-ed25519", paramiko.Ed25519Key(filename=str(bench.folder / "host"))
        )
        client.connect("127.0.0.1", bench.port, getpass.getuser(), key_filename=str(bench.folder / "client"))
        remote = client.open_sftp()
        start = time.perf_counter()
        for path in what.iterdir() if what.is_dir() else [what]:
            remote.put(str(path), f"{place}/.{path.name}.part")
            remote.posix_rename(f"{place}/.{path.name}.part", f"{place}/{path.name}")
        return time.perf_counter() - start


CONTESTANTS: dict[str, Callable[[Bench, Path], float]] = {
    "sftp command": command,
    "Strata": channel,
    "paramiko's client": library,
}


def contest(bench: Bench, name: str, what: Path, size: int, *, rounds: int, least: float) -> list[Figure]:
    """Let all contestants take turns; figures of walls, with the ratio of rates."""
    walls: dict[str, list[float]] = {contestant: [] for contestant in CONTESTANTS}
    for _ in range(rounds):
        for contestant, put in CONTESTANTS.items():
            walls[contestant].append(put(bench, what))
    best = {contestant: min(found) for contestant, found in walls.items()}
    return [
        figure(
            name,
            contestant,
            size,
            [Run(0.0, wall, 0.0) for wall in found],
            **(
                {}
                if contestant == "sftp command"
                else {
                    "peer": "sftp command",
                    "ratio": round(best["sftp command"] / best[contestant], 2),
                    "least": least if contestant == "Strata" else None,
                }
            ),
            note=f"{size / best[contestant]:,.0f} a second at best; the ratio is of best rates",
        )
        for contestant, found in walls.items()
    ]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main() -> int:
    """Run both contests and report them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--big-mb", type=int, default=BIG_MB)
    parser.add_argument("--files", type=int, default=FILES)
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), chosen.big_mb, chosen.files)
        with bench.serving():
            big = contest(bench, "sftp, one big file (MB)", bench.big, chosen.big_mb, rounds=chosen.rounds, least=0.8)
            small = contest(bench, "sftp, small files", bench.small, chosen.files, rounds=chosen.rounds, least=2.0)
    report([*big, *small], chosen.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
