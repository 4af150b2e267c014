"""Turns bound statements into DuckDB's, with SQL Server's results."""

from orchestration.scripts.translation.assumptions import assumption_query
from orchestration.scripts.translation.macros import MACROS
from orchestration.scripts.translation.rewrite import rewrite, text
from orchestration.scripts.translation.variables import variable

__all__ = ["MACROS", "assumption_query", "rewrite", "text", "variable"]
