"""Arrow values made by way of bytes are those that Arrow makes itself; the CSV gate needs no pandas for them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.quality.rows.arrow_values import integer, integer_array, text, text_array, truth

GATE_CSV = """
import sys
from pathlib import Path
from landing_bench import column, contract, judge, land
from orchestration.contracts.extraction import CsvPart
from orchestration.landing.folder import FolderStore

values = column("amount", "decimal(5,2)"), column("at", "timestamp"), column("on", "date"), column("yes", "boolean"), \\
    column("status", "text(4)", allowed=("open",))
lines = "1,1.20,2026-01-01T10:00:00,2026-01-01,true,open", "2,x,2026-01-01T10,0000-01-01,?,shut", "3,4"
page = CsvPart("\\n".join(["id,amount,at,on,yes,status", *lines]).encode())
store = FolderStore(Path(sys.argv[1]))
assert "pandas" not in sys.modules
judged = judge(store, contract(*values), land(store, contract(*values), page))
assert (len(judged.good), len(judged.rejects)) == (1, 2), judged
assert "pandas" not in sys.modules, "the gate imported pandas"
"""


@settings(deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]))))
def test_texts_are_those_that_arrow_makes(values: list[str]) -> None:
    made = text_array(values)
    made.validate(full=True)
    assert made.equals(pa.array(values, pa.string()))


@settings(deadline=None)
@given(st.lists(st.integers(-(2**63), 2**63 - 1)))
def test_integers_are_those_that_arrow_makes(values: list[int]) -> None:
    assert integer_array(values).equals(pa.array(values, pa.int64()))


def test_single_values_are_those_that_arrow_makes() -> None:
    assert text("Köln").equals(pa.scalar("Köln"))
    assert integer(-7).equals(pa.scalar(-7))
    assert [truth(value=value).as_py() for value in (True, False)] == [True, False]


def test_the_gate_of_csv_does_not_import_pandas(tmp_path: Path) -> None:
    tests = Path(__file__).parents[1] / "landing"
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(tests)!r})\n{GATE_CSV}", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
