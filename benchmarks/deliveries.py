"""Signed webhook deliveries a second from one worker on SQLite, beside a bare aiohttp loop that posts as many bodies.

Both send to the same receiver, in processes of their own, in turn. The worker does what it does in production:
claims, composes CloudEvents, signs, posts, settles, with a commit that is synced for every turn. Asked: at
least 0.4 of the bare loop, and 2,000 a second. The bare loop is asyncio's own, as aiohttp's documentation writes
it; what it does on uvloop, where the worker runs, is shown too. Beside it: a claim with a million deliveries
pending against one with ten thousand (asked: at most 1.5 times the time).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import uvloop
from measurement import Figure, Run, figure, report
from prepared import FOLDER
from sqlalchemy import delete, insert, text

from orchestration.control import Control, changes, tables
from orchestration.control.delivery_tables import consumer, delivery, outbox
from orchestration.delivery import registry
from orchestration.delivery.channels.channel import channel
from orchestration.delivery.delivery_id import delivery_ids
from orchestration.delivery.outgoing import IN_PARALLEL
from orchestration.delivery.queue.claim import claim
from orchestration.delivery.queue.clock import database_now
from orchestration.delivery.queue.ready import Room
from orchestration.delivery.queue.schedule import rank
from orchestration.delivery.registration import Registration
from orchestration.delivery.terms import Terms
from orchestration.delivery.worker import deliver
from orchestration.runtime import Runtime, open_runtime
from orchestration.settings import Settings

HERE = Path(__file__).resolve()
LEAST, MOST = 0.4, 1.5
_KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwAAAA"
_BODY = b"x" * 600
"""As large as the envelope of a version of a table."""


@contextmanager
def receiving() -> Iterator[str]:
    """Run the receiver; yield its address."""
    process = subprocess.Popen(
        [sys.executable, str(HERE.with_name("receiver.py"))], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout  # noqa: S101 - for mypy
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}/hook"
    finally:
        process.kill()
        process.wait()


def opened(home: Path) -> Runtime:
    """Open an installation that may send to this machine."""
    os.environ["STRATA_BENCH_SIGNING_KEY"] = _KEY
    nobody = home.parent / "none.yaml"
    return open_runtime(Settings(home=home, tenants_file=nobody, delivery_allowed_networks="127.0.0.0/8"))  # type: ignore[arg-type]


def register(control: Control, url: str) -> Registration:
    """Register one consumer for references by webhook."""
    wish = Registration(
        tenant="acme",
        registration_id="bench",
        consumer="bi",
        title="",
        events=("gold.table.updated",),
        tables=(("gold", "license_usage"),),
        columns=(),
        where=(),
        payload="reference",
        format="json",
        channel="webhook",
        settings={"url": {"value": url}, "signing_key": {"reference": "env:STRATA_BENCH_SIGNING_KEY"}},
        endpoint=registry.endpoint_id("webhook", url),
        terms=Terms(ordering="none"),
    )
    with control.transaction("bench") as connection:
        changes.insert(connection, tables.tenant, {"tenant_id": "acme", "title": "acme", "state": "active"})
        someone = {"tenant_id": "acme", "consumer_id": "bi", "title": "BI", "contact": "bi@example.com"}
        changes.insert(connection, consumer, someone)
        registry.add(connection, wish)
    return wish


def fill(control: Control, wish: Registration, number: int) -> None:
    """Put deliveries of one version each into the queue, as the outbox does."""
    with control.transaction("bench") as connection:
        now = database_now(connection)
        names = delivery_ids(now)
        for start in range(0, number, 10_000):
            rows = [(next(names), version) for version in range(start + 1, min(start + 10_000, number) + 1)]
            of = {"tenant_id": wish.tenant, "registration_id": wish.registration_id, "subject": "gold.license_usage"}
            times = dict.fromkeys(("due_at", "created_at", "first_event_at", "last_event_at"), now)
            chain = {**of, **times, "endpoint_id": wish.endpoint, "lane": "", "state": "ready", "events": 1}
            event = {**of, "event_type": "gold.table.updated", "occurred_at": now, "data": {"rows": 120, "inserted": 3}}
            place = {"rank": rank(now, wish.terms)}
            connection.execute(
                insert(delivery), [{**chain, **place, "delivery_id": name, "to_version": step} for name, step in rows]
            )
            connection.execute(
                insert(outbox),
                [
                    {**event, "event_key": f"gold.license_usage@{step}", "delivery_id": name, "version": step}
                    for name, step in rows
                ],
            )


def run_worker(home: Path, url: str, number: int) -> None:
    """Fill a queue and work it off; print the seconds and the CPU that the working took."""
    shutil.rmtree(home, ignore_errors=True)
    runtime = opened(home)
    fill(runtime.control, register(runtime.control, url), number)
    channel("webhook")  # its modules are loaded, as the bare loop's are
    began, cpu = time.perf_counter(), time.process_time()
    summary = uvloop.run(deliver(runtime, until_idle=True, stop=asyncio.Event()))
    if summary.delivered != number or summary.failed:
        raise SystemExit(f"not everything was delivered: {summary}")
    print(json.dumps([time.perf_counter() - began, time.process_time() - cpu]))


def run_bare(run_loop: Callable[[Coroutine[Any, Any, None]], None], _home: Path, url: str, number: int) -> None:
    """Post as many bodies, with as many requests under way; print the seconds and the CPU."""
    import aiohttp  # noqa: PLC0415 - the worker's own session is not this one

    async def run() -> None:
        left = iter(range(number))
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

            async def one() -> None:
                for _ in left:
                    async with session.post(url, data=_BODY) as response:
                        await response.read()

            await asyncio.gather(*(one() for _ in range(IN_PARALLEL)))

    began, cpu = time.perf_counter(), time.process_time()
    run_loop(run())
    print(json.dumps([time.perf_counter() - began, time.process_time() - cpu]))


ROLES = {"bare": partial(run_bare, asyncio.run), "worker": run_worker, "bare on uvloop": partial(run_bare, uvloop.run)}


def contest(folder: Path, number: int, rounds: int) -> dict[str, list[Run]]:
    """Let both run in turn."""
    runs: dict[str, list[Run]] = {role: [] for role in ROLES}
    for _ in range(rounds):
        for name, measured in runs.items():
            with receiving() as url:
                command = [sys.executable, str(HERE), "--as", name, "--url", url, "--number", str(number)]
                done = subprocess.run(
                    [*command, "--folder", str(folder)], stdout=subprocess.PIPE, check=True, text=True
                )
            wall, cpu = json.loads(done.stdout)
            measured.append(Run(cpu, wall, 0.0))
    return runs


def claims(folder: Path, sizes: tuple[int, ...]) -> dict[int, list[Run]]:
    """Time claims of a hundred, each undone afterwards, with so many pending."""
    shutil.rmtree(folder / "claims", ignore_errors=True)
    runtime = opened(folder / "claims")
    wish = register(runtime.control, "http://127.0.0.1:9/hook")
    measured: dict[int, list[Run]] = {}
    for size in sizes:
        with runtime.control.transaction("bench") as connection:
            connection.execute(delete(outbox))
            connection.execute(delete(delivery))
        fill(runtime.control, wish, size)
        measured[size] = [_claim(runtime.control) for _ in range(25)][5:]
    return measured


def _claim(control: Control) -> Run:
    with control.engine.connect() as connection:
        connection.execute(text("SELECT 1"))
        began, cpu = time.perf_counter(), time.process_time()
        claimed = claim(connection, database_now(connection), Room(100, 100, 100), lease_ms=60_000).claimed
        run = Run(time.process_time() - cpu, time.perf_counter() - began, 0.0)
        connection.rollback()
    if len(claimed) != 100:
        raise SystemExit(f"only {len(claimed)} claimed")
    return run


def figures(chosen: argparse.Namespace) -> list[Figure]:
    """Measure everything."""
    runs = contest(chosen.folder, chosen.number, chosen.rounds)
    seconds = {name: statistics.median(run.wall for run in measured) for name, measured in runs.items()}
    rate = {name: chosen.number / took for name, took in seconds.items()}
    ratio = round(seconds["bare"] / seconds["worker"], 2)
    subject, peer = "Webhook deliveries", "bare aiohttp loop"
    signed = {"ratio": ratio, "least": LEAST, "note": f"{rate['worker']:,.0f} signed a second; asked: 2,000"}
    uvloop_runs = runs["bare on uvloop"]
    made = [
        figure(subject, peer, chosen.number, runs["bare"], note=f"{rate['bare']:,.0f} a second"),
        figure(subject, "strata deliver", chosen.number, runs["worker"], peer=peer, **signed),
        figure(subject, f"{peer}, uvloop", chosen.number, uvloop_runs, note=f"{rate['bare on uvloop']:,.0f} a second"),
    ]
    small, large = 10_000, chosen.pending
    pending = claims(chosen.folder, (small, large))
    base = statistics.median(run.wall for run in pending[small])
    times = statistics.median(run.wall for run in pending[large]) / base
    made.append(figure("Claim of 100", "with few pending", small, pending[small], note=f"{base * 1000:.1f} ms"))
    bound = figure("Claim of 100", "with many pending", large, pending[large], peer="with few pending", limit=MOST)
    return [*made, replace(bound, ratio=round(times, 2), note=f"{base * times * 1000:.1f} ms")]


def main() -> None:
    """Measure, or be one of those that are measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--as", dest="role", choices=tuple(ROLES))
    parser.add_argument("--url", default="")
    parser.add_argument("--number", type=int, default=20_000)
    parser.add_argument("--pending", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=FOLDER / "deliveries")
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    if chosen.role:
        ROLES[chosen.role](chosen.folder / "home", chosen.url, chosen.number)
    else:
        report(figures(chosen), chosen.out)


if __name__ == "__main__":
    main()
