"""Checks scripts: by their text, against the tables there are, and against each other."""

from orchestration.scripts.cache import Cache
from orchestration.scripts.check.checking import check
from orchestration.scripts.check.report import CheckedScript, Report

__all__ = ["Cache", "CheckedScript", "Report", "check"]
