"""The row gate's tests land what they judge, with landing's bench."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "landing"))
