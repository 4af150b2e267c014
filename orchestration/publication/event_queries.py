"""Business events as files: the SELECT of ``sql_scripts/events/<type>.sql`` finds the rows that are that type's events.

The comment that opens the file says ``version``, ``owner``, ``description``, ``subject`` (the column that
names what an event is about) and, where not every column counts, ``fires_on``: the columns whose change is a
new event. Everything else is read from the SELECT, which is plain SQL over gold and finance and lists
``_tenant_id`` among its columns.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import sqlglot
from sqlglot import exp

from orchestration.failures import ScriptRefused
from orchestration.names import FINANCE, GOLD, TENANT, Table
from orchestration.scripts.source import decode, find_scripts, read_fields
from orchestration.settings import Settings

FOLDER = "events"
_FIELDS = ("version", "owner", "description", "subject", "fires_on")
RESERVED = ("gold", "finance", "load", "quality", "source", "registration", "strata")
"""First words of the platform's own types."""
_TYPE = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")


@dataclass(frozen=True)
class EventQuery:
    """One file. ``columns`` are those of the SELECT in order, ``fires_on`` those of them that make an event new."""

    path: Path
    name: str
    version: int
    owner: str
    description: str
    subject: str
    columns: tuple[str, ...]
    fires_on: tuple[str, ...]
    tables: tuple[Table, ...]
    sql: str


def read_event_queries(settings: Settings) -> tuple[list[EventQuery], dict[str, ScriptRefused]]:
    """Return the files that are right, and by type's name what is wrong with the others."""
    queries: list[EventQuery] = []
    faults: dict[str, ScriptRefused] = {}
    for path in find_scripts(settings.scripts_dir / FOLDER):
        try:
            queries.append(_read(path, path.stat().st_mtime_ns))
        except ScriptRefused as error:
            faults[path.stem] = error
    return queries, faults


@lru_cache(maxsize=256)
def _read(path: Path, changed_at: int) -> EventQuery:  # noqa: ARG001 - a file that changed is read again
    """Read a file once: parsing takes longer than the deliveries that ask for the type."""
    text = decode(path.read_bytes())
    fields = read_fields(text, _FIELDS)
    select = _parsed(path, text)
    columns = tuple(select.named_selects)
    query = EventQuery(
        path=path,
        name=path.stem,
        version=_version(path, fields.get("version", "1")),
        owner=fields.get("owner", ""),
        description=fields.get("description", ""),
        subject=fields.get("subject", ""),
        columns=columns,
        fires_on=tuple(re.findall(r"[^,\s]+", fields.get("fires_on", ""))) or columns,
        tables=_tables(path, select),
        sql=select.sql(dialect="duckdb", comments=False),
    )
    _check(query)
    return query


def _version(path: Path, written: str) -> int:
    if not written.isdecimal():
        raise ScriptRefused(f"{path}: version is {written!r}.", "Write a whole number: version: 1")
    return int(written)


def _parsed(path: Path, text: str) -> exp.Query:
    try:
        (parsed,) = sqlglot.parse(text, dialect="duckdb")
    except (sqlglot.ParseError, sqlglot.TokenError) as error:
        first = str(error).splitlines()[0]
        raise ScriptRefused(f"{path}: cannot be read: {first}", "Write one SELECT.") from None
    except ValueError:
        raise ScriptRefused(f"{path}: there is more than one statement.", "Write one SELECT.") from None
    if not isinstance(parsed, exp.Query):
        raise ScriptRefused(f"{path}: it is no SELECT.", "Write one SELECT.")
    return parsed


def _tables(path: Path, select: exp.Query) -> tuple[Table, ...]:
    defined = {cte.alias_or_name.lower() for cte in select.find_all(exp.CTE)}
    read = {
        (node.db.lower(), node.name.lower())
        for node in select.find_all(exp.Table)
        if node.db or node.name.lower() not in defined
    }
    if foreign := sorted(table for table in read if table[0] not in {GOLD, FINANCE}):
        message = f"{path}: it reads {'.'.join(filter(None, foreign[0])) or 'something that is no table'}."
        raise ScriptRefused(message, f"Read tables of {GOLD} and {FINANCE}, named with their schema.")
    if not read:
        raise ScriptRefused(f"{path}: it reads no table.", f"Read tables of {GOLD} and {FINANCE}.")
    return tuple(sorted(read))


def _check(query: EventQuery) -> None:
    if not _TYPE.fullmatch(query.name):
        raise ScriptRefused(
            f"{query.path}: {query.name!r} is no type.", "Name the file such as license.limit_near.sql."
        )
    if query.name.partition(".")[0] in RESERVED:
        message = f"{query.path}: types that begin with {', '.join(RESERVED)} are the platform's own."
        raise ScriptRefused(message, "Name the file after the business: license.limit_near.sql.")
    if TENANT not in query.columns or "*" in query.columns:
        raise ScriptRefused(f"{query.path}: {TENANT} is not among its columns.", "List every column by name.")
    for name in (query.subject, *query.fires_on):
        if name not in query.columns:
            remedy = "The comment that opens the file names, as `subject` and in `fires_on`, columns of the SELECT."
            raise ScriptRefused(f"{query.path}: there is no column {name!r}.", remedy)
