"""A SELECT that somebody writes to look at rows: a script of its own, whose one table nobody keeps."""

from __future__ import annotations

import re
from pathlib import Path

from sqlglot.errors import TokenError

from orchestration.names import FINANCE, Table
from orchestration.scripts.checks_file import keeping_rows
from orchestration.scripts.close.plan import PlannedScript
from orchestration.scripts.outline import outline
from orchestration.scripts.source import Header, Script
from orchestration.scripts.splitting import split, tokenize

_TABLE: Table = (FINANCE, "query")
_QUERY = re.compile(r"\s*(SELECT|WITH)\s", re.IGNORECASE)
_DAY = re.compile(r"@as_of\b", re.IGNORECASE)
_DECLARE = "DECLARE @as_of date; "
_HEADER = Header("A query", "whoever asks", "Rows to look at.")


def is_query(wanted: str) -> bool:
    """Say whether what is to be run is a SELECT, and no script's name."""
    return _QUERY.match(wanted) is not None


def query_script(text: str) -> PlannedScript:
    """Return a script that makes finance.query of a SELECT; what is wrong with it is among its problems."""
    script = Script(Path("query"), _kept(text), _HEADER)
    outlined = outline(script)
    problems = tuple(problem for problem in outlined.problems if problem.severity == "error")
    return PlannedScript(script, "query", outlined.reads, outlined.writes, problems, ())


def _kept(text: str) -> str:
    """Return a query's text with INTO, where it is one SELECT that has none; ``@as_of`` is declared."""
    try:
        parts = list(split(tokenize(text)))
    except TokenError:
        return text
    if len(parts) != 1 or "INTO" in parts[0].words:
        return text
    return (_DECLARE if _DAY.search(text) else "") + keeping_rows(text, parts[0], _TABLE)
