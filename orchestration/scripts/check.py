"""Checks scripts by their text alone: what needs the tables is found when a script is compiled."""

from __future__ import annotations

from pathlib import Path

from orchestration.scripts.outline import Outline, outline
from orchestration.scripts.problems import Problem
from orchestration.scripts.source import Script, find_scripts, read_script


def check(scripts_dir: Path) -> list[Problem]:
    """Check every script below a folder."""
    return [problem for path in find_scripts(scripts_dir) for problem in check_script(read_script(path)).problems]


def check_script(script: Script) -> Outline:
    """Check one script; every problem names file, line, construct and what to write instead."""
    return outline(script)
