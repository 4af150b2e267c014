"""What the server knows while it runs: sessions, allowances, open queries, jobs and the switches of each org."""

from __future__ import annotations

import secrets
import time
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from source_systems.salesforce.simulator.errors import session_expired
from source_systems.salesforce.simulator.faults import Fault
from source_systems.salesforce.simulator.jobs_state import Job
from source_systems.salesforce.simulator.life import client_id
from source_systems.salesforce.simulator.records import Records, open_records
from source_systems.salesforce.simulator.soql import Query
from source_systems.salesforce.simulator.world import org_file

_CLIENT_PREFIX = client_id("")


@dataclass
class Switches:
    """What tests may turn; times in seconds."""

    session_seconds: float = 7200.0
    daily_requests: int = 100_000
    most_deleted_ids: int = 600_000
    log_reach_days: float = 15.0
    replication_lag_seconds: float = 0.0


@dataclass
class Cursor:
    """An open query: the row numbers of its answer, in order."""

    query: Query
    rows: array[int]
    include_deleted: bool


@dataclass
class Org:
    """One org: its file and what does not outlive the server."""

    place: str
    file: Path
    used: int = 0
    switches: Switches = field(default_factory=Switches)
    faults: list[Fault] = field(default_factory=list)
    cursors: dict[str, Cursor] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)
    trusted: dict[str, str] = field(default_factory=dict)

    @contextmanager
    def records(self) -> Iterator[Records]:
        """Open the org's file for the calling thread."""
        with open_records(self.file) as records:
            yield records


@dataclass
class State:
    """The server's state; orgs are known by their files, or made when first signed in to."""

    folder: Path
    secret: str
    url: str = ""
    orgs: dict[str, Org] = field(default_factory=dict)
    sessions: dict[str, tuple[str, float]] = field(default_factory=dict)

    def org(self, place: str) -> Org:
        """Return an org by its place."""
        if place not in self.orgs:
            self.orgs[place] = Org(place, org_file(self.folder, place))
        return self.orgs[place]

    def org_of_client(self, client: str) -> Org | None:
        """Return the org that a consumer key belongs to, if there is one."""
        place = client.removeprefix(_CLIENT_PREFIX)
        is_known = client.startswith(_CLIENT_PREFIX) and place.isidentifier() and org_file(self.folder, place).exists()
        return self.org(place) if is_known else None

    def open_session(self, org: Org) -> str:
        """Return a new token for an org."""
        token = f"00D5f0{secrets.token_urlsafe(32)}"
        self.sessions[token] = (org.place, time.monotonic() + org.switches.session_seconds)
        return token

    def org_of_session(self, request: web.Request) -> Org:
        """Return the org of a request's token, or refuse with INVALID_SESSION_ID."""
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        place, until = self.sessions.get(token, ("", 0.0))
        if time.monotonic() >= until:
            raise session_expired()
        return self.org(place)

    def forget(self, place: str) -> None:
        """Forget an org whose file is about to go."""
        if org := self.orgs.pop(place, None):
            self.end_sessions(org)

    def end_sessions(self, org: Org) -> None:
        """Let all sessions of an org expire."""
        self.sessions = {token: entry for token, entry in self.sessions.items() if entry[0] != org.place}


STATE = web.AppKey("state", State)
"""Where the application keeps the server's state."""
