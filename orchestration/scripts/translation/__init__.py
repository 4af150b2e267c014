"""Turns bound statements into DuckDB's, with SQL Server's results."""

from orchestration.scripts.translation.assumptions import assumption_query
from orchestration.scripts.translation.macros import macros_for
from orchestration.scripts.translation.rewrite import rewrite, text
from orchestration.scripts.translation.variables import variable

__all__ = ["assumption_query", "macros_for", "rewrite", "text", "variable"]
