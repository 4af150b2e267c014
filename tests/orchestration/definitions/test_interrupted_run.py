"""Ctrl-C during ``make run`` ends the day, not only the job that runs."""

# No deferred annotations here: Dagster reads the type of `config`.
import os
import signal
import sys
import time
from types import ModuleType

import dagster as dg
import pytest

from orchestration.definitions.main_job import Jobs
from orchestration.settings import load_settings


@dg.op
def interrupted() -> None:
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(5)


class ModeConfig(dg.Config):
    mode: str


@dg.op
def load_shop(config: ModeConfig) -> None:
    """What DuckDB makes of Ctrl-C leaves a session as this."""
    raise KeyboardInterrupt


@dg.op
def broken() -> None:
    raise dg.Failure(description="nothing to load")


@dg.job(executor_def=dg.in_process_executor)
def warehouse_build() -> None:
    interrupted()


@dg.job(executor_def=dg.in_process_executor)
def shop_daily() -> None:
    load_shop()


@dg.job(executor_def=dg.in_process_executor)
def financial_daily() -> None:
    broken()


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> Jobs:
    location = ModuleType("a_location")
    location.defs = dg.Definitions(jobs=[warehouse_build, shop_daily, financial_daily])  # type: ignore[attr-defined]  # of any module
    monkeypatch.setitem(sys.modules, location.__name__, location)
    monkeypatch.setattr(Jobs, "_changed", lambda _jobs: None)
    locations = {"warehouse": location.__name__, "shop": location.__name__}
    return Jobs(load_settings(), dg.DagsterInstance.ephemeral(), locations, lambda _: None)


def test_an_interrupted_run_is_not_taken_for_a_failed_one(jobs: Jobs) -> None:
    with pytest.raises(KeyboardInterrupt):
        jobs.build()


def test_a_run_that_was_interrupted_within_a_statement_is_none_that_failed(jobs: Jobs) -> None:
    with pytest.raises(KeyboardInterrupt):
        jobs.load("shop", "daily")


def test_a_failed_run_is_told_and_the_day_goes_on(jobs: Jobs) -> None:
    assert jobs.financial().fault == "nothing to load"
