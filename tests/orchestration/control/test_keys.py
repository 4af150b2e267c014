"""API keys: what is accepted, for how long, and what is kept of them."""

from __future__ import annotations

import logging
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from orchestration.alerts.redaction import redact
from orchestration.control import Control, changes, open_control, tables
from orchestration.control.key_ring import KeyRefused, KeyRing
from orchestration.control.keys import Keys
from orchestration.control.pepper import read_pepper
from orchestration.failures import SettingsError, StrataError
from orchestration.settings import Settings, load_settings

PEPPER = b"a pepper of tests, long enough to be one"
SCANNED = re.compile(r"strata_[0-9a-f]{16}\.[A-Za-z0-9_-]{43}")


@pytest.fixture
def keys(sqlite_control: Control) -> Keys:
    return with_tenants(sqlite_control)


def with_tenants(control: Control) -> Keys:
    with control.transaction("test") as connection:
        for tenant in ("acme", "globex"):
            changes.insert(connection, tables.tenant, {"tenant_id": tenant, "title": tenant, "state": "active"})
    return Keys(control, PEPPER, "test")


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ring(keys: Keys, clock: Clock) -> KeyRing:
    return KeyRing(keys.control, PEPPER, clock)


def test_on_every_database_a_key_opens_what_its_scopes_say_until_it_is_revoked(control: Control, clock: Clock) -> None:
    keys = with_tenants(control)
    ring = KeyRing(control, PEPPER, clock)
    issued = keys.issue("acme", "portal", ["read", "sql"], lifetime=timedelta(days=1))
    secret = issued.secret.get_secret_value()
    holder = ring.check(secret)
    assert (holder.tenant_id, holder.principal_id, holder.permissions) == ("acme", "portal", {"read", "sql"})
    ring.note_use()
    newer = keys.rotate(issued.key.key_id).secret.get_secret_value()
    clock.now += 0.5
    assert ring.check(newer).key_id != ring.check(secret).key_id == issued.key.key_id
    keys.revoke(issued.key.key_id)
    clock.now += 0.5
    with pytest.raises(KeyRefused):
        ring.check(secret)
    assert keys.listed("acme")[0].last_used_at is not None


def test_scanners_find_a_key_and_logs_mask_it(keys: Keys) -> None:
    issued = keys.issue("acme", "portal", ["read"])
    secret = issued.secret.get_secret_value()
    assert SCANNED.fullmatch(secret)
    assert secret.partition(".")[2] not in redact(f"refused {secret}, sorry") + repr(issued) + repr(keys)


def test_only_a_digest_is_kept_and_the_audit_trail_has_not_even_that(keys: Keys) -> None:
    secret = keys.issue("acme", "portal", ["read"]).secret.get_secret_value()
    with keys.control.reading() as connection:
        (digest,) = connection.execute(select(tables.api_key.c.digest)).one()
        trail = str(connection.execute(select(tables.audit)).all())
    assert secret.partition(".")[2] not in digest + trail
    assert digest not in trail


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "strata_",
        "strata_0123456789abcdef.x",
        "Bearer x",
        "strata_." + "x" * 43,
        "x" * 100_000,
        "stráta_\ud800.",
        ".",
    ],
)
def test_what_is_no_key_is_refused(keys: Keys, ring: KeyRing, wrong: str) -> None:
    keys.issue("acme", "portal", ["read"])
    with pytest.raises(KeyRefused):
        ring.check(wrong)


def test_every_refusal_is_the_same(keys: Keys, ring: KeyRing) -> None:
    live = keys.issue("acme", "portal", ["read"])
    expired = keys.issue("acme", "late", ["read"], lifetime=timedelta(microseconds=1))
    revoked = keys.issue("acme", "gone", ["read"])
    keys.revoke(revoked.key.key_id)
    secret = live.secret.get_secret_value()
    wrong = secret[:-1] + ("A" if secret[-1] != "A" else "B")
    unknown = secret.replace(live.key.key_id, "0" * 16)
    swapped = secret.replace(live.key.key_id, revoked.key.key_id)
    answers = set()
    for key in (wrong, unknown, swapped, expired.secret.get_secret_value(), revoked.secret.get_secret_value()):
        with pytest.raises(KeyRefused) as refusal:
            ring.check(key)
        answers.add(str(refusal.value))
    assert len(answers) == 1


def test_a_key_ends_when_it_expires_though_nobody_looks_again(keys: Keys, ring: KeyRing) -> None:
    secret = keys.issue("acme", "portal", ["read"], lifetime=timedelta(seconds=0.6)).secret.get_secret_value()
    assert ring.check(secret)
    time.sleep(0.7)
    with pytest.raises(KeyRefused):
        ring.check(secret)


def test_another_pepper_accepts_no_key(keys: Keys) -> None:
    secret = keys.issue("acme", "portal", ["read"]).secret.get_secret_value()
    with pytest.raises(KeyRefused):
        KeyRing(keys.control, PEPPER + b"x").check(secret)


def test_rotation_leaves_both_keys_live_until_the_overlap_ends(keys: Keys, ring: KeyRing, clock: Clock) -> None:
    old = keys.issue("acme", "portal", ["read"], lifetime=timedelta(days=90))
    new = keys.rotate(old.key.key_id, overlap=timedelta(seconds=1))
    assert new.key.scopes == old.key.scopes
    assert new.key.expires_at is not None
    assert new.key.expires_at > datetime.now(UTC) + timedelta(days=89)
    for issued in (old, new):
        assert ring.check(issued.secret.get_secret_value()).principal_id == "portal"
    time.sleep(1.1)
    clock.now += 1
    assert ring.check(new.secret.get_secret_value())
    with pytest.raises(KeyRefused):
        ring.check(old.secret.get_secret_value())


def test_a_principal_has_two_live_keys_at_most(keys: Keys) -> None:
    first, second = (keys.issue("acme", "portal", ["read"]) for _ in range(2))
    with pytest.raises(SettingsError, match="two live keys"):
        keys.issue("acme", "portal", ["read"])
    with pytest.raises(SettingsError, match="two live keys"):
        keys.rotate(first.key.key_id)
    keys.revoke(second.key.key_id)
    keys.rotate(first.key.key_id)
    with pytest.raises(SettingsError, match="is replaced"):
        keys.rotate(first.key.key_id)


def test_scopes_stay_within_what_the_principal_may(keys: Keys, ring: KeyRing, clock: Clock) -> None:
    keys.issue("acme", "portal", ["read"])
    with pytest.raises(SettingsError, match="lacks the permission pii"):
        keys.issue("acme", "portal", ["read", "pii"])
    secret = keys.issue("acme", "portal", ["read", "pii"], grant=True).secret.get_secret_value()
    assert ring.check(secret).permissions == {"read", "pii"}
    with keys.control.transaction("test") as connection:
        place = {"tenant_id": "acme", "principal_id": "portal"}
        changes.update(connection, tables.principal, place, {"permissions": ["read"]})
    clock.now += 0.5
    assert ring.check(secret).permissions == {"read"}
    with keys.control.transaction("test") as connection:
        changes.soft_delete(connection, tables.principal, place)
    clock.now += 0.5
    with pytest.raises(KeyRefused):
        ring.check(secret)


def test_another_tenants_key_is_as_unknown_as_none(keys: Keys) -> None:
    foreign = keys.issue("globex", "portal", ["read"])
    answers = set()
    for key_id in (foreign.key.key_id, "0" * 16):
        for act in (keys.revoke, keys.rotate):
            with pytest.raises(SettingsError) as refusal:
                act(key_id, tenant="acme")
            answers.add(str(refusal.value).replace(key_id, "ID"))
    assert len(answers) == 1
    assert [key.tenant_id for key in keys.listed("globex")] == ["globex"]
    assert keys.listed("acme") == []


def test_a_key_is_found_by_its_whole_text_too(keys: Keys) -> None:
    issued = keys.issue("acme", "portal", ["read"])
    assert keys.revoke(issued.secret.get_secret_value()).revoked_at
    first = keys.revoke(f"strata_{issued.key.key_id}").revoked_at
    assert keys.revoke(issued.key.key_id).revoked_at == first


def test_keys_of_an_unknown_tenant_are_not_made(keys: Keys) -> None:
    with pytest.raises(SettingsError, match="'nobody' is unknown"):
        keys.issue("nobody", "portal", ["read"])


def test_checks_write_nothing_and_their_use_is_noted_together(keys: Keys, ring: KeyRing) -> None:
    issued = keys.issue("acme", "portal", ["read"])
    before = keys.listed()[0]
    with keys.control.reading() as connection:
        trail = connection.execute(select(func.count()).select_from(tables.audit)).scalar()
    for _ in range(100):
        ring.check(issued.secret.get_secret_value())
    assert keys.listed() == [before]
    ring.note_use()
    used = keys.listed()[0].last_used_at
    assert used is not None
    assert datetime.now(UTC) - used < timedelta(seconds=30)
    with keys.control.reading() as connection:
        assert connection.execute(select(func.count()).select_from(tables.audit)).scalar() == trail


def test_a_check_is_never_logged(keys: Keys, ring: KeyRing, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    issued = keys.issue("acme", "portal", ["read"])
    secret = issued.secret.get_secret_value()
    ring.check(secret)
    with pytest.raises(KeyRefused):
        ring.check(secret + "x")
    ring.note_use()
    assert secret.partition(".")[2] not in caplog.text


def test_many_threads_share_a_ring(keys: Keys) -> None:
    ring = KeyRing(keys.control, PEPPER)
    secret = keys.issue("acme", "portal", ["read"]).secret.get_secret_value()
    seen: list[object] = []

    def work() -> None:
        seen.extend(ring.check(secret).principal_id for _ in range(200))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == ["portal"] * 1600


_CHECKER = """
import sys, time
from orchestration.control import open_control
from orchestration.control.key_ring import KeyRefused, KeyRing
from orchestration.settings import load_settings
ring = KeyRing(open_control(load_settings(home=sys.argv[1])), sys.argv[2].encode())
key = sys.stdin.readline().strip()
ring.check(key)
print("accepted", flush=True)
while True:
    try:
        ring.check(key)
    except KeyRefused:
        print("refused", flush=True)
        break
    time.sleep(0.005)
"""


@pytest.fixture
def checkers(tmp_path: Path) -> Iterator[list[subprocess.Popen[str]]]:
    """Two other processes that check a key all the time; give it to them line by line."""
    argv = [sys.executable, "-c", _CHECKER, str(tmp_path), PEPPER.decode()]
    started = [subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    yield started
    for process in started:
        process.kill()
        process.communicate()


def test_a_revocation_holds_in_other_processes_within_a_second(
    tmp_path: Path, checkers: list[subprocess.Popen[str]]
) -> None:
    control = open_control(load_settings(home=tmp_path))
    with control.transaction("test") as connection:
        changes.insert(connection, tables.tenant, {"tenant_id": "acme", "title": "Acme", "state": "active"})
    keys = Keys(control, PEPPER, "test")
    issued = keys.issue("acme", "portal", ["read"])
    for process in checkers:
        assert process.stdin
        process.stdin.write(issued.secret.get_secret_value() + "\n")
        process.stdin.flush()
    assert [_line(process) for process in checkers] == ["accepted", "accepted"]
    keys.revoke(issued.key.key_id)
    revoked = time.monotonic()
    assert [_line(process) for process in checkers] == ["refused", "refused"]
    assert time.monotonic() - revoked < 1.0


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().strip()


def test_a_control_plane_that_does_not_answer_accepts_nothing(keys: Keys, ring: KeyRing, clock: Clock) -> None:
    secret = keys.issue("acme", "portal", ["read"]).secret.get_secret_value()
    ring.check(secret)
    clock.now += 0.5
    gone = Control("sqlite:////nonexistent/folder/control.db", keys.control.locks, 1.0)
    ring._control = gone
    with pytest.raises((StrataError, OSError)):
        ring.check(secret)


def test_the_pepper_is_made_once_and_is_this_users_alone(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, _env_file=None)
    control = open_control(settings)
    found: list[bytes] = []
    threads = [threading.Thread(target=lambda: found.append(read_pepper(settings, control))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1
    assert len(found) == 8
    (file,) = (path for path in (tmp_path / "control").iterdir() if "pepper" in path.name)
    assert file.stat().st_mode & 0o777 == 0o600


def test_the_pepper_comes_from_setting_or_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "pepper"
    file.write_text("p" * 40 + "\n", encoding="utf-8")
    monkeypatch.setenv("STRATA_KEY_PEPPER", f"file:{file}")
    settings = load_settings(home=tmp_path)
    assert read_pepper(settings, open_control(settings)) == b"p" * 40
    monkeypatch.setenv("STRATA_KEY_PEPPER", "q" * 40)
    settings = load_settings(home=tmp_path)
    assert read_pepper(settings, open_control(settings)) == b"q" * 40
    assert "q" * 40 not in repr(settings)
    monkeypatch.setenv("STRATA_KEY_PEPPER", "short")
    settings = load_settings(home=tmp_path)
    with pytest.raises(SettingsError, match="fewer than 32"):
        read_pepper(settings, open_control(settings))


def test_a_control_plane_that_machines_share_needs_a_pepper_that_they_share(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, control_url="postgresql+psycopg://u:p@db.example.com/strata", _env_file=None)
    with pytest.raises(SettingsError, match="STRATA_KEY_PEPPER is not set"):
        read_pepper(settings, open_control(settings))
    assert not list(tmp_path.iterdir())
