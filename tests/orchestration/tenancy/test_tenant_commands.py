"""The tenant's commands as an operator gives them; a suspension holds from the next load and read on."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tenancy_house import fill, settings_now

from orchestration.cli import main
from orchestration.control import open_control
from orchestration.settings import Settings
from orchestration.tenancy import onboarding, plans

Strata = Callable[..., "Answer"]


@dataclass(frozen=True)
class Answer:
    """What a command printed and how it ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def strata(folder: Path, capfd: pytest.CaptureFixture[str]) -> Strata:
    def run(*arguments: str) -> Answer:
        capfd.readouterr()
        with pytest.raises(SystemExit) as end:
            main(arguments)
        out, err = capfd.readouterr()
        return Answer(int(end.value.code or 0), out, err)

    return run


@pytest.fixture(scope="module", autouse=True)
def filled(folder: Path) -> None:
    fill(settings_now())


def test_an_operator_takes_a_tenant_on_board_moves_and_removes_it(
    strata: Strata, settings: Settings, tmp_path: Path
) -> None:
    assert strata("plan", "set", "small", "--quota", "connections=1").code == 0
    connected = ("--connection", "salesforce=simulated")
    assert strata("plan", "set", "large", "--feature", "financial=off").code == 0
    added = strata("tenant", "add", "initech", "--plan", "small", *connected, "--no-first-load", "--json").document
    assert (added["tenant"]["state"], added["loads"]) == ("active", [])
    assert added["api_key"].startswith("strata_")
    assert strata("tenant", "plan", "initech", "large", "--quota", "connections=9").code == 0
    shown = strata("tenant", "show", "initech", "--json").document
    assert (shown["plan"], shown["quotas"], shown["features"]) == ("large", {"connections": 9}, {"financial": False})
    assert added["api_key"] not in json.dumps(shown)
    listed = {row["tenant"]: row for row in strata("tenant", "list", "--json").document["tenants"]}
    assert set(listed) == {"acme", "globex", "initech"}
    assert listed["acme"]["last_load_at"]
    used = {row["plan_id"]: row["tenants"] for row in strata("plan", "list", "--json").document["plans"]}
    assert used == {"small": 0, "large": 1}
    refused = strata("plan", "remove", "large")
    assert (refused.code, "1 tenant is on it" in " ".join(refused.err.split())) == (3, True)
    assert strata("tenant", "plan", "initech", "--none").code == 0
    left = strata("tenant", "show", "initech").out
    assert "quotas: connections=9 (its own)" in left
    assert "features: -" in left
    assert "connections=1" in strata("plan", "show", "small").out
    assert "financial=off" in strata("plan", "show", "large").out
    assert strata("plan", "remove", "large").code == 0
    assert strata("plan", "set", "large", "--title", "Large again").code == 0
    assert "features: -" in strata("plan", "show", "large").out
    assert strata("plan", "remove", "large").code == 0
    assert strata("tenant", "export", "initech", "--to", str(tmp_path / "out"), "--json").document["files"] > 10
    refused = strata("tenant", "remove", "initech")
    assert (refused.code, "--yes initech" in refused.err) == (3, True)
    aside = settings.home / "before-restore-20260101T000000Z"
    aside.mkdir()
    removed = strata("tenant", "remove", "initech", "--yes", "initech", "--json").document
    assert removed["moved_aside"] == [str(aside)]
    aside.rmdir()
    assert {item["place"] for item in removed["found"]} >= {"control plane"}
    assert strata("tenant", "show", "initech").code == 3


@pytest.mark.parametrize(
    ("option", "term", "says"),
    [
        ("--quota", "conections=1", "Did you mean connections?"),
        ("--quota", "connections=-1", "must be 0 or more"),
        ("--feature", "financal=off", "Did you mean financial?"),
        ("--schedule", "foo.hourly=*/2", "salesforce.hourly"),
        ("--schedule", "salesforce.weekly=*/2", "Did you mean salesforce."),
        ("--schedule", "salesforce.hourly=25", "05:00,17:30"),
    ],
)
def test_terms_that_no_run_goes_by_are_refused(strata: Strata, option: str, term: str, says: str) -> None:
    for command in (("plan", "set", "odd"), ("tenant", "plan", "acme")):
        refused = strata(*command, option, term)
        assert (refused.code, says in " ".join(refused.err.split())) == (3, True)
    assert strata("plan", "show", "odd").code == 3


def test_doctor_reports_stored_terms_that_nothing_goes_by(strata: Strata, settings: Settings) -> None:
    plans.set_plan(open_control(settings), "old", {"quotas": {"foo": 1}, "schedules": {"salesforce": {"daily": "25"}}})
    faults = [item for item in strata("doctor", "--offline", "--json").document["checks"] if item["name"] == "plan old"]
    assert len(faults) == 2
    assert strata("plan", "set", "old", "--quota", "foo=", "--schedule", "salesforce=").code == 0
    assert "plan old" not in strata("doctor", "--offline", "--json").out


def test_a_tenant_without_a_connection_is_refused(strata: Strata) -> None:
    refused = strata("tenant", "add", "lonely")
    assert (refused.code, "--connection" in refused.err, "salesforce" in refused.err) == (3, True, True)


def test_connections_come_and_go_and_the_data_stays(strata: Strata) -> None:
    def connections() -> list[str]:
        listed = {row["tenant"]: row for row in strata("tenant", "list", "--json").document["tenants"]}
        return listed["globex"]["connections"]

    more = ("tenant", "connect", "globex", "salesforce/eu=simulated")
    assert strata("tenant", "plan", "globex", "--quota", "connections=1").code == 0
    refused = strata(*more)
    assert (refused.code, "may have 1 connections" in " ".join(refused.err.split())) == (3, True)
    assert strata("tenant", "plan", "globex", "--quota", "connections=").code == 0
    assert strata(*more).code == 0
    assert strata(*more).code == 3
    assert len(connections()) == 2
    rows = strata("read", "gold.owner", "--tenant", "globex", "--json").document
    for place in ("salesforce/eu", "salesforce"):
        gone = strata("tenant", "disconnect", "globex", place)
        assert (gone.code, "the data stays" in " ".join(gone.out.split())) == (0, True)
    assert strata("tenant", "disconnect", "globex", "salesforce").code == 3
    assert connections() == []
    assert strata("read", "gold.owner", "--tenant", "globex", "--json").document == rows
    assert strata("tenant", "connect", "globex", "salesforce=simulated").code == 0
    assert strata("tenant", "rename", "globex", "--title", "Globex Inc").code == 0
    assert "Globex Inc" in strata("tenant", "show", "globex").out
    assert "connection globex/salesforce/eu" in strata("control", "audit", "--tenant", "globex", "--json").out


def test_a_load_of_a_tenant_without_the_source_is_refused(strata: Strata) -> None:
    refused = strata("load", "product", "--mode", "daily", "--tenant", "acme")
    assert (refused.code, "'acme' has no product connection" in " ".join(refused.err.split())) == (3, True)


def test_an_interrupted_onboarding_says_that_the_same_command_goes_on(
    strata: Strata, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    add = ("tenant", "add", "broken_off", "--connection", "salesforce=simulated", "--no-first-load")
    with monkeypatch.context() as patch:
        patch.setattr(onboarding, "replace_first_key", interrupt)
        stopped = strata(*add)
    assert (stopped.code, stopped.err.splitlines()[-1]) == (130, "Stopped. The same command goes on from here.")
    assert strata(*add).code == 0
    assert strata("tenant", "remove", "broken_off", "--yes", "broken_off").code == 0


def test_a_suspended_tenant_is_neither_loaded_nor_read(strata: Strata) -> None:
    read = ("read", "gold.owner", "--tenant", "acme", "--json")
    load = ("load", "salesforce", "--mode", "hourly", "--entity", "account", "--tenant", "acme", "--json")
    assert (strata(*read).code, strata(*load).code) == (0, 0)
    assert strata("tenant", "suspend", "acme").code == 0
    refused = strata(*read)
    assert refused.code != 0
    assert "suspended" in refused.out
    assert "rows" not in refused.document
    assert strata(*load).document.get("loads", []) == []
    assert strata("read", "gold.owner", "--tenant", "globex", "--json").code == 0
    assert strata("tenant", "resume", "acme").code == 0
    assert (strata(*read).code, strata(*load).code) == (0, 0)


def test_an_erasure_reads_its_value_from_standard_input(
    strata: Strata, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    given = tmp_path / "value"
    given.write_text("nobody@example.com\n", encoding="utf-8")
    with given.open(encoding="utf-8") as file:
        monkeypatch.setattr("sys.stdin", file)
        answer = strata("tenant", "erase", "acme", "--value", "-", "--json")
    assert answer.document == {"found": [], "keys": 0}
    assert "nobody@example.com" not in answer.out + answer.err
    trail = strata("control", "audit", "--tenant", "acme").out
    assert "erase" in trail
    assert "nobody@example.com" not in trail
