"""Writes down what a test run has proved: ``docs/operator/verified.md``, one line a feature.

A test says by ``@pytest.mark.proves("…")`` which feature it proves. Where it ran follows from its other marks: on
the T-SQL server that STRATA_TEST_SQLSERVER names (STRATA_TEST_SQLSERVER_KIND=babelfish, or SQL Server), on Azurite,
or offline. The page is written when STRATA_WRITE_VERIFIED=1 asks for it; what no run has proved stays on it as
"not verified". A feature with a test that failed keeps the date it had.
"""

from __future__ import annotations

import json
import os
from collections.abc import Generator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from babelfish_limits import is_babelfish

FEATURES = (
    "Connection: login of SQL Server, no secret in what is said",
    "Connection: limits of time, faults that pass by themselves",
    "Connection: Microsoft Entra (password, service principal, managed identity, default credential)",
    "One writer's lock; who lost it cannot commit",
    "Loads of different places write at the same time; of one place, and builds, in turn",
    "A load that the server breaks off is begun anew",
    "Landing to bronze: full loads, deltas, deletions, quarantine",
    "Contract changes: a changed key, rebuilds",
    "Tables in parts: function, scheme, rebuild",
    "Tables in parts: one index over all of them, further months split off",
    "Statistics after large loads",
    "Load path: OPENJSON",
    "Load path: array parameters",
    "Load path: bulk copy",
    "Row-level security: statements",
    "Row-level security: roles, grants, predicate, session context",
    "Row-level security: policies in force",
    "Doctor: what is missing, and the statement that mends it",
    "dbt: the project compiles for SQL Server",
    "dbt: the build, its tests and contracts",
    "dbt: columnstore indexes",
    "Comparison with DuckDB, row for row",
    "Replay of another home's loads, builds and closes",
    "Analysts' scripts and the close",
    "Control plane: schema up and down, tenants, audit, crashes",
    "Queue of deliveries: claims, leases, retries, replays",
    "Queue of deliveries: many workers at once",
    "Landing on Azure Blob and Data Lake by key",
    "Landing on Azure by managed identity",
)
PLACES = ("offline", "Babelfish", "SQL Server", "Azurite")
PAGE = Path(__file__).parents[2] / "docs" / "operator" / "verified.md"
RECORD = PAGE.with_suffix(".json")
Record = dict[str, dict[str, str]]
"""Of each feature, where it was proved, and on which day last."""

_HEAD = """# What is verified, and where

Written by the test suite (`make verified`), not by hand: the last day on which every test of a feature passed.
"Babelfish" is a TDS server on PostgreSQL that speaks T-SQL and lacks security policies, columnstore, bulk copy and
more; the workflow [sqlserver](../../.github/workflows/sqlserver.yml) runs the same tests on Microsoft's container.
What shows no day on SQL Server has not been seen to work there.

"""


class Proving:
    """The plugin; the process that gives orders collects what its workers report."""

    def __init__(self) -> None:
        """Nothing is proved yet."""
        self.passed: set[tuple[str, str]] = set()
        self.failed: set[tuple[str, str]] = set()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Give a report its test's features, which travel with it from worker to master."""
        report = yield
        if report.when == "call" or report.failed:
            report.user_properties += [("proves", f"{place_of(item)}|{feature}") for feature in features_of(item)]
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Sort what was proved and what failed."""
        found = {tuple(text.split("|", 1)) for name, text in report.user_properties if name == "proves"}
        if report.failed:
            self.failed |= found  # type: ignore[arg-type]
        elif report.passed:
            self.passed |= found  # type: ignore[arg-type]

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the page, where that is asked for."""
        if os.environ.get("STRATA_WRITE_VERIFIED") == "1" and not hasattr(session.config, "workerinput"):
            known: Record = json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.exists() else {}
            day = datetime.now(UTC).date().isoformat()
            record = merged(known, self.passed - self.failed, day)
            RECORD.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
            PAGE.write_text(page(record), encoding="utf-8")


def features_of(item: pytest.Item) -> list[str]:
    """Return the features that a test proves.

    Raises:
        UsageError: one of them is not in the list above.
    """
    features = [feature for mark in item.iter_markers("proves") for feature in mark.args]
    for unknown in set(features) - set(FEATURES):
        raise pytest.UsageError(f"{item.nodeid} proves {unknown!r}, which tests/verified/proving.py does not list")
    return features


def place_of(item: pytest.Item) -> str:
    """Return where a test runs."""
    if item.get_closest_marker("sqlserver"):
        return "Babelfish" if is_babelfish() else "SQL Server"
    server = item.get_closest_marker("server")
    return "Azurite" if server and "azurite" in server.args else "offline"


def merged(known: Record, proved: set[tuple[str, str]], day: str) -> Record:
    """Return the record with what was proved on a day; features that are listed no more are left out."""
    return {
        feature: {**known.get(feature, {}), **{place: day for place, proven in sorted(proved) if proven == feature}}
        for feature in FEATURES
    }


def page(record: Record) -> str:
    """Return the page."""
    lines = [f"| feature | {' | '.join(PLACES)} |", "|---|" + "---|" * len(PLACES)]
    for feature, days in record.items():
        cells = [days.get(place, "") for place in PLACES] if days else ["**not verified**", "", "", ""]
        lines.append(f"| {feature} | {' | '.join(cells)} |")
    return _HEAD + "\n".join(lines) + "\n"
