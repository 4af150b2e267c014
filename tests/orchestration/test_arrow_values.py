"""Arrow values made by way of bytes are those that Arrow makes itself; the CSV gate needs no pandas for them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.arrow_values import (
    double_array,
    instant_array,
    integer,
    integer_array,
    text,
    text_array,
    truth,
    truth_array,
)

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


INTEGERS, INSTANTS = st.integers(-(2**63), 2**63 - 1), st.datetimes()
FORMS: dict[str, tuple[Callable[..., pa.Array], st.SearchStrategy[Any], pa.DataType]] = {
    "texts": (text_array, st.none() | st.text(st.characters(exclude_categories=["Cs"])), pa.string()),
    "integers": (integer_array, st.none() | INTEGERS, pa.int64()),
    "doubles": (double_array, st.none() | st.floats(allow_nan=False), pa.float64()),
    "instants": (instant_array, st.none() | INSTANTS, pa.timestamp("us")),
    "truths": (truth_array, st.booleans(), pa.bool_()),
}


@pytest.mark.parametrize("form", FORMS)
@settings(deadline=None)
@given(data=st.data())
def test_arrays_are_those_that_arrow_makes(form: str, data: st.DataObject) -> None:
    make, values, kind = FORMS[form]
    drawn = data.draw(st.lists(values, max_size=20))
    made = make(drawn)
    made.validate(full=True)
    assert made.equals(pa.array(drawn, kind))
    assert made.null_count == drawn.count(None)


def test_single_values_are_those_that_arrow_makes() -> None:
    assert text("Köln").equals(pa.scalar("Köln"))
    assert integer(-7).equals(pa.scalar(-7))
    assert [truth(value=value).as_py() for value in (True, False)] == [True, False]


def test_the_gate_of_csv_does_not_import_pandas(tmp_path: Path) -> None:
    tests = Path(__file__).parent / "landing"
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(tests)!r})\n{GATE_CSV}", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
