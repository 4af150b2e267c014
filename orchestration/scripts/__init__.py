"""Analysts' SQL scripts: read, split, compiled to typed actions, run; their lineage, and the close.

A script is plain T-SQL with a comment header and no Python beside it. On SQL
Server its text runs as it is; DuckDB runs what :mod:`program
<orchestration.scripts.program>` makes of it, and refuses the rest by name.
"""

from orchestration.scripts.outline import Outline
from orchestration.scripts.problems import Problem
from orchestration.scripts.source import Script, find_scripts, read_script

__all__ = [
    "Outline",
    "Problem",
    "Script",
    "find_scripts",
    "read_script",
]
