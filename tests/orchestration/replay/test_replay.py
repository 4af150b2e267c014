"""What one home has done is done again by another one from landing alone: load by load, build by build."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
from bench import Bench

from orchestration import builds
from orchestration.bronze.backfill import backfill
from orchestration.bronze.ledger import all_loads, read_mark
from orchestration.bronze.quarantine import list_rejects
from orchestration.bronze.quarantine import replay as let_through
from orchestration.failures import SettingsError, StrataError
from orchestration.replay.record import read_record
from orchestration.replay.replay import Replayed, replay
from orchestration.settings import Settings
from orchestration.warehouse.clock import utc_now

pytestmark = pytest.mark.proves("Replay of another home's loads, builds and closes")
EVERYTHING = "id, status, amount, updated_at, _load_id, _loaded_at, _deleted_at"
_builds = count(1)


def build(bench: Bench) -> None:
    """Note a build as the job does, without models."""
    with bench.warehouse.session("a build") as session:
        number = f"build {next(_builds)}"
        builds.begin(session, builds.Build(number, "warehouse", all_loads(session)[-1].seq, ["shop"]))
        builds.finish(session, number)


def everything(bench: Bench) -> list[tuple]:
    return bench.bronze(EVERYTHING) + bench.bronze(EVERYTHING, tombstones=True)


def ledger_of(bench: Bench) -> list[object]:
    with bench.warehouse.session("look") as session:
        loads = all_loads(session)
        return [*loads, read_mark(session, loads[0].place)]


def do_again(here: Bench, there: Bench, on_build: Callable[[], None] = lambda: None) -> Replayed:
    def built() -> None:
        on_build()
        build(here)

    return replay(here.runtime, read_record(there.settings), built, lambda _: None)


@pytest.fixture
def story(there: Bench) -> list[list[tuple]]:
    return told(there)


def told(there: Bench) -> list[list[tuple]]:
    """Do loads with every kind of change; return what bronze was at each of two builds."""
    shop, states = there.shop(), []
    for number in (1, 2, 3):
        shop.put(number, "open", "1.10", minutes=number)
    shop.put(4, "nonsense", minutes=4)
    there.one()
    states.append(everything(there))
    build(there)
    shop.put(1, "paid", "2.20", minutes=10)
    there.one("hourly")
    shop.remove(2)
    shop.put(5, "nonsense", minutes=11)
    there.one()
    let_through(
        there.runtime, [list_rejects(there.runtime)[0].quarantine_id],
        mended={list_rejects(there.runtime)[0].quarantine_id: {"status": "paid"}}, who="a person",
    )  # fmt: skip
    states.append(everything(there))
    build(there)
    there.one("hourly")
    return states


def test_bronze_ledger_and_quarantine_are_the_same_to_the_instant_and_so_is_what_each_build_finds(
    there: Bench, on_any_engine: Bench, story: list[list[tuple]]
) -> None:
    here, found = on_any_engine, []
    done = do_again(here, there, lambda: found.append(everything(here)))
    assert (done.loads, done.builds, done.otherwise) == (5, 2, [])
    assert found == story
    assert found[0] != found[1]
    assert everything(here) == everything(there)
    assert len(there.bronze(tombstones=True)) == 1
    assert ledger_of(here) == ledger_of(there)
    assert list_rejects(here.runtime, status=None) == list_rejects(there.runtime, status=None)
    assert {item.status for item in list_rejects(here.runtime, status=None)} == {"open", "replayed"}
    mine, theirs = read_record(here.settings), read_record(there.settings)
    assert mine.loads == theirs.loads
    for name, rows in theirs.decisions.items():
        assert sorted(map(str, mine.decisions[name].to_pylist())) == sorted(map(str, rows.to_pylist()))


def test_what_a_server_has_done_is_done_again_to_the_instant(there_on_any_engine: Bench, tmp_path: Path) -> None:
    there, found = there_on_any_engine, []
    story = told(there)
    landing = (there.settings.home / "landing").as_uri()
    home = tmp_path / "here"
    here = Bench(there.folder, Settings(home=home, landing_url=landing, tenants_file=home / "none", _env_file=None))
    do_again(here, there, lambda: found.append(everything(here)))
    assert found == story
    assert everything(here) == everything(there)
    assert ledger_of(here) == ledger_of(there)


def test_loads_whose_instants_cross_are_done_in_the_order_of_their_numbers(
    there: Bench, here: Bench, story: list[list[tuple]]
) -> None:
    """As a server records loads side by side; a replay that breaks off between them goes on by the number."""
    record = read_record(there.settings)
    first, second, *others = record.loads
    crossed = (replace(first, finished_at=second.finished_at), replace(second, finished_at=first.finished_at), *others)
    steps: list[str] = []
    replay(here.runtime, replace(record, loads=crossed, builds=()), lambda: None, steps.append)
    numbers = [int(step.split()[1].rstrip(":")) for step in steps if step.startswith("load ")]
    assert numbers == sorted(numbers)
    assert len(numbers) > 2


def test_a_later_replay_takes_in_what_was_done_since(
    there: Bench, on_any_engine: Bench, story: list[list[tuple]]
) -> None:
    here = on_any_engine
    do_again(here, there)
    again = do_again(here, there)
    assert (again.loads, again.builds) == (0, 0)
    there.shop().put(1, "open", "3.30", minutes=20)
    there.one("hourly")
    build(there)
    more = do_again(here, there)
    assert (more.loads, more.builds) == (1, 1)
    assert everything(here) == everything(there)


def test_one_that_broke_off_goes_on_with_the_build_that_failed(
    there: Bench, here: Bench, story: list[list[tuple]]
) -> None:
    def fail() -> None:
        raise StrataError("no")

    with pytest.raises(StrataError, match="no"):
        do_again(here, there, fail)
    found: list[list[tuple]] = []
    do_again(here, there, lambda: found.append(everything(here)))
    assert found == story


def test_what_a_rebuild_in_place_undid_is_not_done_again(there: Bench, here: Bench, story: list[list[tuple]]) -> None:
    moment = utc_now()
    there.shop().put(1, "open", "9.90", minutes=30)
    there.one("hourly")
    backfill(there.runtime, there.source, moment, replace_bronze=True, who="a person")
    assert do_again(here, there).recorded == 2
    business = "id, status, amount, updated_at"
    assert here.bronze(business) == there.bronze(business)
    assert "9.90" not in str(here.bronze(business))
    assert ledger_of(here) == ledger_of(there)


def test_a_load_that_now_merges_otherwise_is_told(there: Bench, here: Bench, story: list[list[tuple]]) -> None:
    columns = here.source.contract.columns
    strict = tuple(replace(item, allowed=("open",)) if item.name == "status" else item for item in columns)
    here.contract(columns=strict)
    done = do_again(here, there)
    assert any("rejected 1, not 0" in line for line in done.otherwise)


def test_a_warehouse_with_loads_of_its_own_is_refused(there: Bench, here: Bench, story: list[list[tuple]]) -> None:
    here.one()
    with pytest.raises(SettingsError, match="does not know"):
        do_again(here, there)


def test_another_landing_is_refused(there: Bench, here: Bench, story: list[list[tuple]]) -> None:
    here.landing = type(there.landing)(here.settings.home / "another landing")
    with pytest.raises(SettingsError, match="not in this home's landing"):
        do_again(here, there)
