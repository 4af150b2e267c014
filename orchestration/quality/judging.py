"""Judges expectations with Great Expectations, in the session's own connection.

Imported only while a gate judges: it brings GX along.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import duckdb
import great_expectations as gx
import great_expectations.expectations as gxe
from great_expectations.expectations.core.unexpected_rows_expectation import UnexpectedRowsExpectation
from great_expectations.expectations.expectation import Expectation as GXExpectation

from orchestration.failures import ContractViolated
from orchestration.names import Table, qualified, quote
from orchestration.quality.expectations import Expectation
from orchestration.quality.gx_duckdb import DuckDBDatasource, expectations_on

_FORMAT = {"result_format": "COMPLETE", "partial_unexpected_count": 20}


@dataclass(frozen=True)
class Finding:
    """What one expectation gave: how many rows break it, some of them, and ``fault`` when it could not be judged."""

    expectation: Expectation
    passed: bool
    failed_rows: int
    rows: Sequence[Mapping[str, Any]] = ()
    fault: str = ""


def judge_tables(
    con: duckdb.DuckDBPyConnection, expectations: Iterable[Expectation], views: Mapping[str, str]
) -> list[Finding]:
    """Judge every expectation; ``views`` are names and queries of temporary views that their SQL may use."""
    findings: list[Finding] = []
    with expectations_on(con) as (source, cursor):
        for name, query in views.items():
            cursor.execute(f"CREATE OR REPLACE TEMP VIEW {quote(name)} AS {query}")
        ordered = sorted(expectations, key=lambda item: item.table)
        for table, group in groupby(ordered, key=lambda item: item.table):
            findings += _judge_table(source, cursor, table, list(group))
    return findings


def _judge_table(
    source: DuckDBDatasource, cursor: duckdb.DuckDBPyConnection, table: Table, expectations: list[Expectation]
) -> list[Finding]:
    # GX leaves the schema out of some of its queries: it judges a view in the connection's own schema.
    view = f"strata_judged_{table[0]}__{table[1]}"
    cursor.execute(f"CREATE OR REPLACE TEMP VIEW {quote(view)} AS SELECT * FROM {qualified(table)}")
    asset = source.add_table_asset(".".join(table), table_name=view)
    batch = asset.add_batch_definition_whole_table("all").get_batch()
    built = [_build(expectation) for expectation in expectations]
    results = batch.validate(gx.ExpectationSuite("gate", expectations=built), result_format=_FORMAT).results
    by_rule: dict[str, Any] = {_meta(result)["rule"]: result for result in results}
    findings = []
    for expectation, item in zip(expectations, built, strict=True):
        result = by_rule[expectation.rule]
        if _fault(result):
            # GX computes expectations together, and one that cannot be run takes others with it: ask again, alone.
            result = batch.validate(item, result_format=_FORMAT)
        findings.append(_finding(expectation, result))
    return findings


def _meta(result: Any) -> dict[str, Any]:  # noqa: ANN401 - GX types an expectation's configuration as optional
    meta: dict[str, Any] = result.expectation_config.meta
    return meta


def _build(expectation: Expectation) -> GXExpectation:
    meta = {"rule": expectation.rule}
    if expectation.sql:
        return UnexpectedRowsExpectation(unexpected_rows_query=_query(expectation.sql), meta=meta)
    kind = getattr(gxe, expectation.kind, None)
    if kind is None:
        message = f"{'.'.join(expectation.table)}: {expectation.rule}: {expectation.kind} is no expectation of GX."
        raise ContractViolated(message, "Example: ExpectColumnMaxToBeBetween.")
    try:
        built: GXExpectation = kind(**dict(expectation.arguments), meta=meta)
    except (TypeError, ValueError) as error:
        message = f"{'.'.join(expectation.table)}: {expectation.rule}: {expectation.kind}: {error}."
        raise ContractViolated(message, "Look its arguments up in the documentation of Great Expectations.") from error
    return built


def _query(sql: str) -> str:
    """Return a rule's SQL with GX's mark of the judged table in it, without which GX prints a warning for each rule.

    The mark changes nothing: most rules compare tables, and name them.
    """
    broken = sql.strip().rstrip(";").replace("{", "{{").replace("}", "}}")
    return f"SELECT * FROM (\n{broken}\n) AS broken WHERE 1 = 1 OR EXISTS (SELECT 1 FROM {{batch}})"


def _finding(expectation: Expectation, result: Any) -> Finding:  # noqa: ANN401 - GX carries no types
    if fault := _fault(result):
        return Finding(expectation, passed=False, failed_rows=0, fault=fault)
    values = result.result
    if expectation.sql:
        rows = values.get("details", {}).get("unexpected_rows", [])
        return Finding(expectation, bool(result.success), int(values["observed_value"]), [dict(row) for row in rows])
    column = dict(expectation.arguments).get("column", "value")
    rows = [{column: value} for value in values.get("partial_unexpected_list", [])]
    if not rows and not result.success:
        rows = [{"observed_value": values.get("observed_value")}]
    return Finding(
        expectation, bool(result.success), int(values.get("unexpected_count", 0 if result.success else 1)), rows
    )


def _fault(result: Any) -> str:  # noqa: ANN401 - GX carries no types
    """Return why an expectation could not be judged, in one line; empty when it was."""
    information = result.exception_info or {}
    entries = [information] if "raised_exception" in information else list(information.values())
    raised = [entry for entry in entries if entry.get("raised_exception")]
    return str(raised[0].get("exception_message", "")).split("\n", 1)[0] or "unknown" if raised else ""
