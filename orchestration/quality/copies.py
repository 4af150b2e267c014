"""What a gate's rules read, brought to where they are judged: rules are written in DuckDB's SQL, on every engine.

The embedded warehouse has its tables there. From a server each table that a rule names is fetched once, whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager

import sqlglot
from sqlglot import exp

from orchestration.names import Table
from orchestration.quality.expectations import Expectation
from orchestration.warehouse.protocol import Session


@contextmanager
def copies(session: Session, rules: Iterable[Expectation]) -> Iterator[None]:
    """Have the tables of rules at hand in the session's DuckDB for a block."""
    with ExitStack() as stack:
        for table in [] if session.is_embedded else tables_read(rules):
            if session.columns(table):  # the rule on one that is not there cannot be judged, and says so
                stack.enter_context(session.working_copy(table))
        yield


def tables_read(rules: Iterable[Expectation]) -> list[Table]:
    """Return the tables that rules judge or name, sorted; what cannot be read as SQL fails when it is judged."""
    found = set()
    for rule in rules:
        found.add(rule.table)
        try:
            tree = sqlglot.parse_one(rule.sql, dialect="duckdb") if rule.sql else None
        except sqlglot.ParseError:
            continue
        found |= {(table.db, table.name) for table in tree.find_all(exp.Table) if table.db} if tree else set()
    return sorted(found)
