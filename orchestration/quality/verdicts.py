"""Verdicts of the gates after silver and gold: judged once a build, kept in the warehouse, read by the next step.

A gate is open when it was judged for the build and none of its blocking rules is
broken. Failed rules become alerts of the table's owner, in the same transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import uuid4

from orchestration.alerts import raise_alert, recover
from orchestration.failures import FailureClass, GateClosed
from orchestration.names import TENANT, Table
from orchestration.parquet_files import parquet_relation
from orchestration.publication.event_log import QUALITY_FAILED, NewEvent, record_events
from orchestration.publication.pointer import read_pointer
from orchestration.quality.copies import copies
from orchestration.quality.expectations import (
    Expectation,
    Gate,
    Severity,
    published_view,
    read_expectations,
    rules_path,
)
from orchestration.quality.masking import Masking, known_contracts, read_masking
from orchestration.warehouse.clock import stored, utc_now
from orchestration.warehouse.platform import platform_table

if TYPE_CHECKING:
    from orchestration.quality.judging import Finding
    from orchestration.runtime import Runtime
    from orchestration.warehouse import Session

_JUDGED = "judged"
"""The rule of the row that says that a gate was judged at all."""


@dataclass(frozen=True)
class Verdict:
    """What one rule said of one table; ``sample`` is JSON with personal data masked, ``tenant_id`` one tenant's."""

    verdict_id: str
    gate: str
    table_name: str
    rule: str
    severity: Severity
    passed: bool
    failed_rows: int
    sample: str
    owner: str
    tenant_id: str | None
    build_id: str
    decided_at: datetime

    @property
    def blocks(self) -> bool:
        """Whether it keeps the gate closed."""
        return not self.passed and self.severity == "blocks"

    @property
    def sentence(self) -> str:
        """Which rule, how many rows, a sample, and whose it is."""
        sample = f", such as {self.sample}" if self.sample else ""
        return f"{self.table_name}: {self.rule}: {self.failed_rows} rows{sample} (owner {self.owner})"


def judge(runtime: Runtime, gate: Gate, build_id: str, tables: Collection[Table] | None = None) -> list[Verdict]:
    """Judge a gate's rules on ``tables`` (all that have rules when None) and keep the verdicts under the build.

    Judging again under the same build replaces the verdicts. Great Expectations is imported only when there is
    something to judge.

    Raises:
        ContractViolated: the rules' file is wrong.
    """
    rules = [
        rule
        for rule in read_expectations(rules_path(runtime.settings.dbt_dir, gate))
        if tables is None or rule.table in tables
    ]
    views = _published_views(runtime, rules)
    rules = [rule for rule in rules if not rule.needs_published or published_view(rule.table) in views]
    if rules:
        from orchestration.quality.judging import judge_tables  # noqa: PLC0415 - five seconds, and not in the session
    masking = read_masking(known_contracts(runtime.sources.values()), runtime.settings.dbt_dir)
    with runtime.warehouse.session(f"{gate} gate") as session:
        with copies(session, rules):
            findings = judge_tables(session.con, rules, views) if rules else []
        verdicts = [_verdict(gate, build_id, finding, masking) for finding in findings]
        with session.transaction():
            _keep(session, gate, build_id, verdicts, tables)
            _tell(session, findings, verdicts)
    return verdicts


def require_open(runtime: Runtime, gate: Gate, build_id: str) -> None:
    """Read a gate's verdict on a build.

    Raises:
        GateClosed: a blocking rule is broken (names rule, rows and owner), or the gate was not judged.
    """
    with runtime.warehouse.session(f"read the {gate} gate") as session:
        verdicts = read_verdicts(session, gate, build_id)
    if not verdicts:
        raise GateClosed(f"The {gate} gate was not judged for build {build_id}.", "Run the gate's check first.")
    if closed := [verdict for verdict in verdicts if verdict.blocks]:
        more = f" ({len(closed) - 1} more)" if len(closed) > 1 else ""
        message = f"The {gate} gate is closed: {closed[0].sentence}{more}."
        raise GateClosed(
            message, "Readers keep the last published version. Mend the data or the rule, then build again."
        )


def read_verdicts(session: Session, gate: Gate, build_id: str) -> list[Verdict]:
    """Return what is kept of a gate under a build, broken rules first; its own mark included."""
    rows = session.execute(
        f"SELECT {', '.join(Verdict.__annotations__)} FROM {platform_table('verdict')} "
        "WHERE gate = ? AND build_id = ? ORDER BY passed, severity, table_name, rule",
        [gate, build_id],
    )
    return [Verdict(*row) for row in rows]


def _published_views(runtime: Runtime, rules: Sequence[Expectation]) -> dict[str, str]:
    """Return the views on last published versions that the rules compare with; a table without one is left out."""
    views = {}
    for table in {rule.table for rule in rules if rule.needs_published}:
        pointer = read_pointer(runtime.settings, table)
        if pointer:
            path = runtime.settings.published_dir / pointer.path
            views[published_view(table)] = f"SELECT * FROM {parquet_relation(path)}"
    return views


def _verdict(gate: Gate, build_id: str, finding: Finding, masking: Masking) -> Verdict:
    rule = finding.expectation
    sample = f"cannot be judged: {finding.fault}" if finding.fault else masking.sample(finding.rows)
    return Verdict(
        verdict_id=uuid4().hex,
        gate=gate,
        table_name=".".join(rule.table),
        rule=rule.rule,
        severity=rule.severity,
        passed=finding.passed,
        failed_rows=finding.failed_rows,
        sample="" if finding.passed else sample,
        owner=rule.owner,
        tenant_id=_only_tenant(finding),
        build_id=build_id,
        decided_at=stored(utc_now()),
    )


def _only_tenant(finding: Finding) -> str | None:
    """Return the tenant whose rows all the broken ones are, when all of them were seen."""
    tenants = {row.get(TENANT) for row in finding.rows}
    return tenants.pop() if len(tenants) == 1 and finding.failed_rows <= len(finding.rows) else None


def _keep(
    session: Session, gate: Gate, build_id: str, verdicts: Sequence[Verdict], tables: Collection[Table] | None
) -> None:
    table = platform_table("verdict")
    judged = ["*", *(".".join(name) for name in tables or ())]
    where = "" if tables is None else f" AND table_name IN ({', '.join('?' * len(judged))})"
    session.execute(
        f"DELETE FROM {table} WHERE gate = ? AND build_id = ?{where}", [gate, build_id, *(judged if where else ())]
    )
    mark = Verdict(uuid4().hex, gate, "*", _JUDGED, "blocks", True, 0, "", "", None, build_id, stored(utc_now()))  # noqa: FBT003
    columns = list(Verdict.__annotations__)
    statement = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"
    for verdict in (mark, *verdicts):
        session.execute(statement, [getattr(verdict, column) for column in columns])


def _tell(session: Session, findings: Sequence[Finding], verdicts: Sequence[Verdict]) -> None:
    """Raise an alert for every broken rule, and close those of rules that hold again."""
    for finding, verdict in zip(findings, verdicts, strict=True):
        subject = f"{verdict.gate} gate: {verdict.table_name}: {verdict.rule}"
        if verdict.passed:
            recover(session, subject)
        else:
            text = f"{finding.expectation.description} {verdict.sentence}"
            raise_alert(session, FailureClass.QUALITY, subject, text, verdict.owner, tenant=verdict.tenant_id)
    record_events(session, [_event(verdict) for verdict in verdicts if not verdict.passed])


def _event(verdict: Verdict) -> NewEvent:
    """Rows of several tenants are counted for none of them."""
    data = {"gate": verdict.gate, "table": verdict.table_name, "rule": verdict.rule, "blocks": verdict.blocks}
    counted = {"failed_rows": verdict.failed_rows} if verdict.tenant_id else {}
    return NewEvent(QUALITY_FAILED, verdict.tenant_id, verdict.table_name, data | counted)
