"""A whole day of the default world on DuckDB, done again on a T-SQL server: no table of any layer differs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.sqlserver,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(os.environ.get("STRATA_NIGHTLY") != "1", reason="takes minutes; STRATA_NIGHTLY=1 asks for it"),
]


def strata(home: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "orchestration.cli", *arguments],
        env=os.environ | {"STRATA_HOME": str(home), "STRATA_WORLD_SIZE": "12"} | environment,
        capture_output=True, text=True, check=False, timeout=1500,
    )  # fmt: skip


@pytest.mark.proves("Comparison with DuckDB, row for row")
@pytest.mark.proves("Replay of another home's loads, builds and closes")
def test_a_day_and_the_hour_after_it_leave_the_same_rows_on_both_engines(
    tmp_path: Path, new_tsql_database: Callable[[], str], server_macros: Path
) -> None:
    there, here = tmp_path / "there", tmp_path / "here"
    day = strata(there, "run", STRATA_WAREHOUSE="duckdb")
    assert day.returncode == 0, day.stdout[-3000:] + day.stderr[-1000:]
    server = {
        "STRATA_WAREHOUSE": "sqlserver",
        "STRATA_SQLSERVER_CONNECTION": new_tsql_database(),
        "STRATA_DBT_MACROS": str(server_macros),
        "STRATA_LANDING_URL": (there / "landing").as_uri(),
    }
    done = strata(here, "warehouse", "replay", str(there), "--json", **server)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    told = json.loads(done.stdout)
    assert (told["builds"], told["closes"], told["otherwise"]) == (2, 1, [])
    compared = json.loads(
        strata(here, "compare", "duckdb", "sqlserver", "--home", str(there), "--json", **server).stdout
    )
    assert [table for table in compared["tables"] if table["fault"] or table["rows_that_differ"]] == []
    layers = {table["table"][0].partition("_")[0] for table in compared["tables"]}
    assert layers == {"bronze", "silver", "gold", "finance"}  # finance_history too
    histories = [table for table in compared["tables"] if table["table"] == ["silver", "customer_history"]]
    assert histories[0]["left_rows"] > 0
