"""Stops a simulator that nobody uses any more: ``python -m orchestration.simulator_watch STATE_FILE``.

Whoever ends in order stops the server itself. A process that is killed cannot; its
shared lock goes with it, though, and that is what waits here, without polling. Only
the standard library is imported until there is something to do: 10 MB while it waits.
"""

from __future__ import annotations

import fcntl
import sys
import time
from contextlib import suppress
from pathlib import Path

GRACE_SECONDS = 1.0
"""Time for the last user to stop the server itself, and for the next command to take it over."""


def main(state: Path) -> None:
    """Wait for the last user of the server that ``state`` describes, as often as another takes it over, and stop it."""
    with suppress(FileNotFoundError):  # somebody removed the whole folder
        while state.exists():
            _wait_for_the_last(state.with_suffix(".users"))
            time.sleep(GRACE_SECONDS)
            if state.exists():
                _stop(state)


def _wait_for_the_last(users: Path) -> None:
    with users.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)


def _stop(state: Path) -> None:
    from orchestration.simulators import stop_unused  # noqa: PLC0415 - heavy, and mostly not needed

    stop_unused(state)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
