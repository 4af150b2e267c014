"""What fails on the data is told in SQL Server's words, and not in the engine's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from orchestration.failures import ScriptRefused

Write = Callable[..., Path]
Run = Callable[..., list[object]]
INTO = "INTO finance.x FROM silver.sale AS s"
MERGE = """CREATE TABLE finance.x (id int, v int);
INSERT INTO finance.x VALUES (7, 0);
MERGE finance.x AS t USING (VALUES (7, 1), (7, 2)) AS s (id, v) ON s.id = t.id
WHEN MATCHED THEN UPDATE SET v = s.v;"""
SAID = [
    (f"SELECT CAST(s.amount * 100 AS decimal(4,2)) AS a {INTO};", "does not fit into decimal(4,2)."),
    (f"SELECT CAST(s.quantity * 100000 AS smallint) AS a {INTO};", "does not fit into smallint."),
    (f"SELECT s.quantity + 2147483647 AS a {INTO};", "an overflow of int in 7 + 2147483647."),
    (f"SELECT CAST(s.customer AS int) AS a {INTO};", "'Ada' is not a whole number."),
    (f"SELECT CAST(s.customer AS date) AS a {INTO};", "'Ada' is no date"),
    (f"SELECT (SELECT t.id FROM silver.sale AS t) AS a {INTO};", "gave more than one row."),
    ("CREATE TABLE finance.x (k int NOT NULL);\nINSERT INTO finance.x VALUES (NULL);",
     "INSERT: finance.x: column k is NULL, which it may not be."),
    (MERGE, "more than once: the row (7, 0)."),
]  # fmt: skip


@pytest.mark.parametrize(("body", "said"), SAID, ids=[said for _, said in SAID])
def test_a_failure_is_told_in_the_servers_words(run: Run, write_script: Write, body: str, said: str) -> None:
    with pytest.raises(ScriptRefused) as error:
        run(write_script(body, "x"))
    assert said in error.value.message
    assert not any(word in error.value.message for word in ("INT32", "Error:", "DECIMAL", "Casting", "scalar"))
