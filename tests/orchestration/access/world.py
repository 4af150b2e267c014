"""One installation with up to two tenants, and every call that somebody may make for one of them.

A call is its name, its tenant and a number from which all its choices follow, so that the
same calls can be made again, and for one of the tenants alone.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from shutil import rmtree
from typing import Any

import till_extract
from canaries import WORDS, text_of
from gold_tables import build_gold
from till_source import Bill

from orchestration.access import Comparison, Permission, Principal, Question, TenantAccess
from orchestration.access.caller import principal_of
from orchestration.access.status import narrowed
from orchestration.alerts import raise_alert, recover
from orchestration.bronze.backfill import backfill
from orchestration.bronze.load import load_source
from orchestration.bronze.quarantine import replay
from orchestration.control.key_ring import KeyRing
from orchestration.control.keys import Keys
from orchestration.control.trail import read_trail
from orchestration.failures import FailureClass, StrataError
from orchestration.publication.publish import publish
from orchestration.publication.status import Status, read_status, write_status
from orchestration.runtime import Runtime, open_runtime
from orchestration.scripts.close.outcome import CloseRequest
from orchestration.scripts.close.publishing import close_and_publish
from orchestration.settings import Settings
from orchestration.tenancy import export, listing, onboarding, plans, removal, states
from orchestration.tenancy.wish import read_wish

GOLD, BRONZE, CLOSED = ("gold", "bill"), ("bronze_till", "bill"), ("finance", "bill_total")
NUMBERS = range(1, 8)
"""Both tenants' bills have these numbers."""

_SCRIPT = """/*
  title:       Bills
  owner:       till-team
  description: What bills come to.
*/
SELECT b.note, CAST(SUM(b.amount) AS decimal(18, 2)) AS total, COUNT(*) AS bills
INTO finance.bill_total FROM gold.bill AS b GROUP BY b.note;
"""
_STATEMENTS = (
    "SELECT count(*) AS n, min(note), max(note), min(_tenant_id), max(_tenant_id), sum(amount) FROM gold.bill",
    "SELECT * FROM gold.bill ORDER BY id",
    "SELECT g.id, b.email FROM gold.bill g JOIN bronze_till.bill b ON b.id = g.id ORDER BY ALL",
    "SELECT * FROM finance.bill_total ORDER BY ALL",
    "SELECT CAST(note AS INTEGER) FROM gold.bill",
    "SELECT 1 / (id - 3) FROM gold.bill ORDER BY id",
    "SELECT table_name, estimated_size FROM duckdb_tables() ORDER BY 1",
    "SELECT * FROM gold.everybody",
    "SELECT * FROM strata.load_ledger",
    "SELECT * FROM read_parquet('{home}/published/gold/bill/*.parquet')",
    "SELECT * FROM read_text('{home}/published/strata/status.json')",
    "SELECT error(note) FROM gold.bill WHERE id = (SELECT min(id) FROM gold.bill)",
    "INSERT INTO gold.bill SELECT * FROM gold.bill",
)


@dataclass(frozen=True)
class Call:
    """One call: what is done, for whom, and the number that its choices follow from."""

    name: str
    tenant: str
    number: int


@dataclass(frozen=True)
class Outcome:
    """What a call said: its result or error, and what was logged and printed meanwhile."""

    result: str
    aside: str
    failed: bool


@dataclass
class World:
    """An installation below ``folder``; ``tenants`` are those that ever come on board."""

    folder: Path
    tenants: tuple[str, ...]
    keys: dict[str, list[str]] = field(default_factory=dict)
    builds: int = 0
    door: ExitStack = field(default_factory=ExitStack)
    door_is_open: bool = False

    def __post_init__(self) -> None:
        sources, scripts = self.folder / "sources", self.folder / "scripts" / "financial"
        till_extract.write_source(sources)
        scripts.mkdir(parents=True)
        (scripts / "bill_total.sql").write_text(_SCRIPT, encoding="utf-8")
        (self.folder / "tenants.yaml").write_text("tenants: {}\n", encoding="utf-8")
        self.settings = Settings(
            home=self.folder / "home",
            sources_dir=sources,
            scripts_dir=self.folder / "scripts",
            tenants_file=self.folder / "tenants.yaml",
            published_versions=5000,
            lock_wait_seconds=20,
            threads=1,
            _env_file=None,
        )
        till_extract.BILLS.clear()
        till_extract.BROKEN.clear()
        self.runtime: Runtime = open_runtime(self.settings)
        self.books = Keys(self.runtime.control, b"a pepper of tests, long enough to be one", "test")
        ticks = iter(range(10**9))
        # Every check looks anew: how long a look holds is another test's business.
        self.ring = KeyRing(self.runtime.control, self.books.pepper, lambda: float(next(ticks)))

    def play(self, call: Call) -> Outcome:
        """Make a call and return what it said."""
        self._keep_open(call)
        rng, aside = Random(call.number), io.StringIO()  # noqa: S311 - a test's choices
        action: Callable[[str, Random], object] = getattr(self, f"do_{call.name}")
        failed = False
        with _listening(aside):
            try:
                result = text_of(action(call.tenant, rng))
            except StrataError as error:
                result, failed = f"{type(error).__name__}: {error}", True
        return Outcome(result, aside.getvalue(), failed)

    def own_folders(self, tenant: str) -> list[Path]:
        """Return the folders that are a tenant's own."""
        return [self.settings.home / "landing" / tenant, self._export(tenant)]

    # What operators do.

    def do_onboard(self, tenant: str, rng: Random) -> object:
        source = self.runtime.sources
        wish = read_wish(
            tenant, title=f"{tenant.title()} Ltd", plan=None, connections=["till=environment"], settings=[],
            sources=source, first_load=rng.random() < 0.5,
        )  # fmt: skip
        try:
            return onboarding.onboard(self.settings, wish, reuse_name=True).loads
        finally:
            self._reopen()

    def do_remove(self, tenant: str, rng: Random) -> object:  # noqa: ARG002
        try:
            return removal.remove_tenant(self.runtime, tenant)
        finally:
            self._reopen()
            self.keys.pop(tenant, None)
            till_extract.BILLS.pop(tenant, None)

    def do_suspend(self, tenant: str, rng: Random) -> object:  # noqa: ARG002
        return states.suspend(self.runtime.control, tenant)

    def do_resume(self, tenant: str, rng: Random) -> object:  # noqa: ARG002
        return states.resume(self.runtime.control, tenant)

    def do_load(self, tenant: str, rng: Random) -> object:
        self._change(tenant, rng)
        return self._load(tenant, rng)

    def do_broken_load(self, tenant: str, rng: Random) -> object:
        till_extract.BROKEN[tenant] = f"{tenant} is on holiday"
        try:
            return self._load(tenant, rng)
        finally:
            del till_extract.BROKEN[tenant]

    def do_backfill(self, tenant: str, rng: Random) -> object:  # noqa: ARG002
        source = self.runtime.sources["till"]
        return backfill(self.runtime, source, datetime.now(UTC), tenants=[tenant], who="test")

    def do_replay(self, tenant: str, rng: Random) -> object:
        found = self._access(tenant).quarantine()
        chosen = [entry.quarantine_id for entry in found if rng.random() < 0.5]
        mended = {item: {"status": "open"} for item in chosen if rng.random() < 0.7}
        return replay(self.runtime, chosen, mended=mended, who="test")

    def do_publish(self, tenant: str, rng: Random) -> object:  # noqa: ARG002
        self.builds += 1
        with self.runtime.warehouse.session("build") as session:
            if not session.tables("bronze_till"):
                return None
            build_gold(session, "everybody")
            tables = [GOLD, ("gold", "everybody")]
            done = publish(session, self.runtime, tables, {GOLD: ("_tenant_id", "id")}, f"build {self.builds}")
            write_status(session, self.runtime)
            return done

    def do_close(self, tenant: str, rng: Random) -> object:  # noqa: ARG002
        self.builds += 1
        request = CloseRequest(date(2026, 11, 30), [tenant], "a test", build_id=f"build {self.builds}")
        closing, _ = close_and_publish(self.runtime, request)
        return [(item.tenant, item.status, item.faults, [s.rows for s in item.scripts]) for item in closing.tenants]

    def do_alert(self, tenant: str, rng: Random) -> object:
        subject = f"{tenant}/till bill"
        with self.runtime.warehouse.session("alerts") as session:
            if rng.random() < 0.4:
                return recover(session, subject)
            failure_class = rng.choice([FailureClass.CONTRACT, FailureClass.CONNECTION])
            raise_alert(session, failure_class, subject, f"words of {tenant}", "till-team", tenant=tenant)
            return None

    def do_export(self, tenant: str, rng: Random) -> object:  # noqa: ARG002
        rmtree(self._export(tenant), ignore_errors=True)
        return export.export_tenant(self.runtime, tenant, self._export(tenant))

    def do_show(self, tenant: str, rng: Random) -> object:  # noqa: ARG002
        return listing.show_tenant(self.runtime, tenant)

    def do_move_plan(self, tenant: str, rng: Random) -> object:
        return plans.move_to_plan(self.runtime.control, tenant, None, {"features": {"feed": rng.random() < 0.5}})

    def do_narrowed_status(self, tenant: str, rng: Random) -> object:  # noqa: ARG002
        known = read_status(self.settings) or Status(written_at=datetime.now(UTC))
        return [narrowed(known, [tenant]).entities, narrowed(known, [tenant]).alerts]

    # What is asked for a tenant, or by its own programs.

    def do_tables(self, tenant: str, rng: Random) -> object:
        return self._access(tenant, rng).tables()

    def do_read(self, tenant: str, rng: Random) -> object:
        question = Question(
            where=[_comparison(tenant, rng) for _ in range(rng.choice([0, 0, 1, 2]))],
            order=["id"],
            limit=rng.choice([None, 1, 3]),
            after=rng.choice([None, None, [1], [2], ["x"]]),
        )
        table = rng.choice([GOLD, GOLD, GOLD, BRONZE, BRONZE, ("gold", "everybody")])
        return self._access(tenant, rng).read(table, question)

    def do_sql(self, tenant: str, rng: Random) -> object:
        return self._access(tenant, rng).sql(rng.choice(_STATEMENTS).format(home=self.settings.home))

    def do_versions(self, tenant: str, rng: Random) -> object:
        return self._access(tenant, rng).versions(rng.choice([GOLD, CLOSED]))

    def do_loads(self, tenant: str, rng: Random) -> object:
        return self._access(tenant, rng).loads()

    def do_status(self, tenant: str, rng: Random) -> object:
        return self._access(tenant, rng).status().entities

    def do_alerts(self, tenant: str, rng: Random) -> object:
        return self._access(tenant, rng).alerts(open_only=rng.random() < 0.5)

    def do_quarantine(self, tenant: str, rng: Random) -> object:
        return self._access(tenant, rng).quarantine(status=rng.choice(["open", None]))

    def do_trail(self, tenant: str, rng: Random) -> object:  # noqa: ARG002
        return [
            (item.audit_id, item.action, item.subject, item.after) for item in read_trail(self.runtime.control, tenant)
        ]

    def do_key_create(self, tenant: str, rng: Random) -> object:
        issued = self.books.issue(
            tenant, rng.choice(["portal", "bi"]), rng.choice([["read"], ["read", "sql"]]), grant=True
        )
        self.keys.setdefault(tenant, []).append(issued.secret.get_secret_value())
        return issued

    def do_key_check(self, tenant: str, rng: Random) -> object:
        return self.ring.check(rng.choice(self.keys.get(tenant) or ["strata_none.x"]))

    def do_key_read(self, tenant: str, rng: Random) -> object:
        principal = principal_of(self.ring.check(rng.choice(self.keys.get(tenant) or ["strata_none.x"])))
        return TenantAccess(self.runtime, tenant, principal).read(GOLD, Question(order=["id"]))

    def do_key_rotate(self, tenant: str, rng: Random) -> object:
        old = rng.choice(self.keys.get(tenant) or ["strata_none.x"])
        issued = self.books.rotate(old, tenant=tenant, overlap=timedelta(hours=1))
        self.keys[tenant].append(issued.secret.get_secret_value())
        return issued

    def do_key_revoke(self, tenant: str, rng: Random) -> object:
        return self.books.revoke(rng.choice(self.keys.get(tenant) or ["strata_none.x"]), tenant=tenant)

    def do_key_list(self, tenant: str, rng: Random) -> object:  # noqa: ARG002
        return self.books.listed(tenant)

    # What a tenant tries on the other; what it gave itself is taken out of the answer.

    def do_foreign_read(self, tenant: str, rng: Random) -> object:
        other = WORDS[tenant]
        principal = Principal(tenant, "reader", frozenset(Permission))
        access = TenantAccess(self.runtime, other, principal)
        doors = [access.tables, access.loads, access.quarantine, access.status, access.alerts]
        doors += [lambda: access.read(GOLD), lambda: access.sql("SELECT 1"), lambda: access.versions(GOLD)]
        return _without(other, rng.choice(doors))

    def do_foreign_reject(self, tenant: str, rng: Random) -> object:
        found = self._rejects_of(WORDS[tenant])
        wanted = rng.choice(found) if found else "nothing"
        return _without(wanted, lambda: self._access(tenant).reject(wanted))

    def do_foreign_key(self, tenant: str, rng: Random) -> object:
        theirs = self.keys.get(WORDS[tenant]) or ["strata_none.x"]
        wanted = rng.choice(theirs).partition(".")[0]
        act = rng.choice([self.books.revoke, self.books.rotate])
        return _without(wanted, lambda: act(wanted, tenant=tenant))

    # Underneath.

    def _access(self, tenant: str, rng: Random | None = None) -> TenantAccess:
        allowed = set(Permission)
        if rng and rng.random() < 0.15:
            allowed.discard(rng.choice(sorted(Permission)))
        return TenantAccess(self.runtime, tenant, Principal(tenant, "reader", frozenset(allowed)))

    def _load(self, tenant: str, rng: Random) -> object:
        source, mode = self.runtime.sources["till"], rng.choice(["daily", "daily", "hourly"])
        return load_source(self.runtime, source, mode, tenants=[tenant], who="test")

    def _change(self, tenant: str, rng: Random) -> None:
        """Change the tenant's bills; every word in them is its own."""
        bills = till_extract.BILLS.setdefault(tenant, {})
        for number in rng.sample(NUMBERS, rng.randrange(1, 4)):
            if rng.random() < 0.2:
                bills.pop(number, None)
                continue
            status = rng.choice(["open", "paid", "open", "paid", tenant[:5]])
            words = f"note {rng.randrange(5)} of {tenant}"
            bills[number] = Bill(number, words, f"{number}@{tenant}.example", status, Decimal(rng.randrange(900)) / 100)

    def _rejects_of(self, tenant: str) -> list[str]:
        with self.runtime.warehouse.session("look") as session:
            sql = "SELECT quarantine_id FROM strata.quarantine WHERE tenant_id = ? ORDER BY ALL"
            return [str(row[0]) for row in session.execute(sql, [tenant])]

    def _export(self, tenant: str) -> Path:
        return self.folder / "exports" / tenant

    def _keep_open(self, call: Call) -> None:
        """Keep the warehouse open from call to call, which halves their cost; what replaces its file finds it shut."""
        if call.name in {"onboard", "remove"}:
            self.door.close()
        elif not self.door_is_open:
            self.door.enter_context(self.runtime.warehouse.session("calls"))
        self.door_is_open = call.name not in {"onboard", "remove"}

    def _reopen(self) -> None:
        self.runtime = open_runtime(self.settings)


@contextmanager
def _listening(aside: io.StringIO) -> Iterator[None]:
    """Collect what is logged and printed."""
    handler, root = logging.StreamHandler(aside), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        with redirect_stdout(aside), redirect_stderr(aside):
            yield
    finally:
        root.setLevel(level)
        root.removeHandler(handler)


def _without(given: str, act: Callable[[], Any]) -> object:
    """Return what an attempt on the other tenant says, without the words that the caller gave itself."""
    try:
        return ("GOT", act())
    except StrataError as error:
        return f"{type(error).__name__}: {error}".replace(given, "GIVEN")


def _comparison(tenant: str, rng: Random) -> Comparison:
    return rng.choice(
        [
            Comparison("id", ">", rng.choice(NUMBERS)),
            Comparison("id", "=", "no number"),
            Comparison("note", "=", rng.choice([5, f"note 1 of {tenant}"])),
            Comparison("_tenant_id", "!=", tenant),
            Comparison("amount", "<", Decimal("4.5")),
            Comparison("nothing", "=", 1),
            Comparison("status", "in", ["open", "paid"]),
        ]
    )
