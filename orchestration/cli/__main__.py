"""``python -m orchestration.cli`` is ``strata``."""

from orchestration.cli import main

main()
