"""Analysts' SQL scripts: read, parse, check, lineage, translation and the run for each tenant.

A script is plain T-SQL with a comment header and no Python beside it. On SQL
Server its text runs unchanged; here sqlglot translates what :mod:`check
<orchestration.scripts.check>` lets through, and refuses the rest by name.
"""

from orchestration.scripts.check import Checked, check, check_script
from orchestration.scripts.lineage import Lineage, lineage, lineages
from orchestration.scripts.problems import Problem
from orchestration.scripts.source import Script, find_scripts, read_script

__all__ = [
    "Checked",
    "Lineage",
    "Problem",
    "Script",
    "check",
    "check_script",
    "find_scripts",
    "lineage",
    "lineages",
    "read_script",
]
