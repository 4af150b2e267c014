"""Texts of the platform that name a tenant among others: alerts, build messages, samples of broken rules.

Their rows belong to everybody and stay; the name and the tenant's values go out of them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from orchestration import names
from orchestration.warehouse.platform import platform_table
from orchestration.warehouse.protocol import Session

GONE = "(removed)"
_NEUTRAL = rf"\1{GONE}\2"
_TEXTS = (("alert", "subject"), ("alert", "message"), ("build_log", "message"))
_TABLES: dict[str, Sequence[str]] = {
    "alert": ("alert_id", "subject", "message"),
    "build_log": ("build_id", "message"),
    "verdict": ("verdict_id", "sample"),
}
"""By table its key, and the columns with texts."""


def find_mentions(session: Session, tenant: str) -> int:
    """Count the rows that name a tenant as a word of its own."""
    with _at_hand(session, tenant):
        named = [
            session.execute(f"SELECT count(*) FROM {platform_table(table)} WHERE {_names(column, tenant)}")[0][0]
            for table, column in _TEXTS
        ]
        return sum(map(int, named)) + len(_samples(session, tenant))


def take_out_mentions(session: Session, tenant: str) -> None:
    """Put a neutral word in place of the name, and drop the tenant's rows from samples; call it in a transaction."""
    with _at_hand(session, tenant, to_change=True):
        # An alert about this tenant's own load would never recover: nothing of that name is loaded again.
        own = f"{tenant}/"
        session.execute(f"DELETE FROM {platform_table('alert')} WHERE starts_with(subject, ?)", [own])
        for table, column in _TEXTS:
            replaced = f"regexp_replace({column}, {_pattern(tenant)}, {names.literal(_NEUTRAL)}, 'g')"
            session.execute(f"UPDATE {platform_table(table)} SET {column} = {replaced} WHERE {_names(column, tenant)}")
        for verdict_id, sample in _samples(session, tenant):
            session.execute(
                f"UPDATE {platform_table('verdict')} SET sample = ? WHERE verdict_id = ?",
                [_without(sample, tenant), verdict_id],
            )


@contextmanager
def _at_hand(session: Session, tenant: str, *, to_change: bool = False) -> Iterator[None]:
    """Have the rows at hand that may name the tenant: what is a word of its own only DuckDB can tell."""
    with ExitStack() as stack:
        for table, (key, *texts) in _TABLES.items():
            where = " OR ".join(f"{column} LIKE ?" for column in texts)
            stack.enter_context(
                session.working_copy(
                    (names.PLATFORM, table), where, [f"%{tenant}%"] * len(texts), key=[key] if to_change else ()
                )
            )
        yield


def _samples(session: Session, tenant: str) -> list[tuple[str, str]]:
    return [
        (str(verdict_id), str(sample))
        for verdict_id, sample in session.execute(
            f"SELECT verdict_id, sample FROM {platform_table('verdict')} WHERE {_names('sample', tenant)}"
        )
    ]


def _without(sample: str, tenant: str) -> str:
    """Drop the tenant's rows from a sample; a text that is no list of rows loses the name."""
    try:
        rows = [row for row in json.loads(sample) if row.get(names.TENANT) != tenant]
    except (ValueError, AttributeError):
        rows = []
    kept = json.dumps(rows, ensure_ascii=False) if rows else ""
    return "" if re.search(_expression(tenant), kept) else kept


def _expression(tenant: str) -> str:
    return rf"(^|[^a-z0-9_]){re.escape(tenant)}([^a-z0-9_]|$)"


def _pattern(tenant: str) -> str:
    return names.literal(_expression(tenant))


def _names(column: str, tenant: str) -> str:
    return f"regexp_matches(coalesce({column}, ''), {_pattern(tenant)})"
