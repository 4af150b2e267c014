"""What ``strata run`` says at its end: what failed, line by line, what to type next, and one sentence after Ctrl-C."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest

from orchestration.cli.commands import run
from orchestration.cli.day_end import print_end
from orchestration.cli.drift_told import Drifted
from orchestration.cli.output_aside import output_aside
from orchestration.definitions.main_job import JobRun, move_on
from orchestration.failures import ConnectionFailed

Strata = Callable[..., Any]
LOG = Path("run.log")
WELL = [JobRun("product_daily", "1", 2.0), JobRun("deliver", "2", 0.1, note="nothing was due")]


def printed(capsys: pytest.CaptureFixture[str], *failed: JobRun, drift: tuple[Drifted, ...] = ()) -> list[str]:
    print_end([*WELL, *failed, *WELL], drift, 7.0, LOG)
    return capsys.readouterr().out.splitlines()


def test_a_day_that_went_well_says_what_to_look_at_next(capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(capsys)
    assert "All 4 jobs went well in 7 s." in lines
    assert "`make run` again loads the next day" in lines[-1]
    assert lines.count("deliver: nothing was due") == 1


def test_each_fault_has_a_line_and_the_commands_that_mend_it_come_last(capsys: pytest.CaptureFixture[str]) -> None:
    broken = JobRun("financial_daily", "3", 1.0, "close for acme: script: a.sql:1:2: no\nclose for globex: b.sql: no")
    lines = printed(capsys, broken, JobRun("product_hourly", "4", 1.0, "no answer"))
    assert [line for line in lines if line.startswith("financial_daily failed: ")] == [
        "financial_daily failed: close for acme: script: a.sql:1:2: no",
        "financial_daily failed: close for globex: b.sql: no",
    ]
    remedies = lines[lines.index("Next:") + 1 :]
    assert "`strata sql check`" in remedies[0]
    assert "`strata close`" in remedies[0]
    assert "`strata doctor --source product`" in remedies[1]
    assert "`strata load product --mode daily`" in remedies[1]
    assert "run.log" in remedies[2]
    assert not any("loads the next day" in line for line in lines)


def test_a_full_disk_is_one_remedy_for_all_that_failed_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    full = JobRun("warehouse_build", "3", 1.0, "Could not write file x: No space left on device")
    lines = printed(capsys, full, JobRun("product_hourly", "4", 1.0, "no answer"))
    assert lines[lines.index("Next:") + 1] == "  make room below .; `make run` goes on from there."
    assert len(lines[lines.index("Next:") :]) == 3


def test_a_simulated_company_that_does_not_move_on_is_a_fault_of_the_day() -> None:
    def broken() -> NoReturn:
        raise ConnectionFailed("The simulator of product failed.", "Look at its log.")

    (fault,) = move_on(broken)
    assert (fault.job, fault.ok) == ("simulation", False)
    assert fault.fault == "The simulator of product failed. Look at its log."
    assert move_on(lambda: 7) == []


def test_what_drifted_is_said_beside_the_jobs(capsys: pytest.CaptureFixture[str]) -> None:
    drift = Drifted("product/invoice of acme", "Column added: due_on (date).", "Write it down.")
    assert "product/invoice of acme: Column added: due_on (date). Write it down." in printed(capsys, drift=(drift,))


def test_ctrl_c_ends_the_day_with_one_sentence(strata: Strata, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> NoReturn:
        subprocess.run([sys.executable, "-c", "raise KeyboardInterrupt"], check=False)  # as Dagster's watchers end
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "main_job", interrupted)
    answer = strata("run")
    assert answer.code == 130
    assert answer.out == ""
    assert " ".join(answer.err.split()) == (
        "Interrupted: what was loaded and built is whole, and `make run` goes on from there."
    )


def test_what_children_print_goes_aside_and_comes_back_afterwards(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    child = [sys.executable, "-c", "import sys; print('a child', file=sys.stderr)"]
    with output_aside(tmp_path / "run.log") as terminal:
        sys.stdout.write("dbt\n")
        subprocess.run(child, check=True)
        terminal.write("· a job\n")
    subprocess.run(child, check=True)
    assert capfd.readouterr() == ("", "· a job\na child\n")
    assert sorted((tmp_path / "run.log").read_text(encoding="utf-8").splitlines()) == ["a child", "dbt"]
