"""Lets these tests import what closes a day twice, and the small warehouse of the dbt project's tests."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "dbt_project")]
