"""The queries of business events are checked against the catalogue before any of them runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestration.publication.event_checks import check_events
from orchestration.scripts.types import INT, NVARCHAR_MAX, Catalog
from orchestration.settings import Settings

CATALOG: Catalog = {("gold", "usage"): {"customer_key": NVARCHAR_MAX, "Share": INT}}
HEADER = "-- version: 1\n-- owner: sales\n-- description: A test.\n-- subject: customer_key\n"


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("SELECT _tenant_id, customer_key, share FROM gold.usage", ""),
        ("WITH u AS (SELECT * FROM gold.usage) SELECT _tenant_id, customer_key FROM u WHERE u.share > 1", ""),
        ("SELECT _tenant_id, customer_key FROM gold.usages", "gold.usages"),
        ("SELECT _tenant_id, customer_key, shares FROM gold.usage", "shares"),
        ("SELECT _tenant_id, customer_key FROM gold.usage AS u WHERE u.gone = 1", "gone"),
        ("SELECT customer_key FROM gold.usage", "_tenant_id is not among its columns"),
    ],
)
def test_a_query_names_what_there_is(tmp_path: Path, query: str, told: str) -> None:
    path = tmp_path / "events" / "usage.high.sql"
    path.parent.mkdir()
    path.write_text(HEADER + query, encoding="utf-8")
    problems = check_events(Settings(scripts_dir=tmp_path, _env_file=None), CATALOG)
    assert [problem.file for problem in problems] == ([path] if told else [])
    assert all(told.lower() in str(problem).lower() for problem in problems)
