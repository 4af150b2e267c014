"""Removes a tenant in this process, and kills the process before or after a step: ``name step before|after``."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from orchestration.runtime import open_runtime
from orchestration.settings import load_settings
from orchestration.tenancy import removal

name, fatal, moment = sys.argv[1:]


def deadly(step: str, run: Callable[..., Any]) -> Callable[..., Any]:
    def wrapped(*arguments: Any) -> Any:
        if step == fatal and moment == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = run(*arguments)
        if step == fatal:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    return wrapped


steps = removal.steps
removal.steps = lambda: [(step, deadly(step, run)) for step, run in steps()]
removal.take_inventory = deadly("inventory", removal.take_inventory)
removal.remove_leftovers = deadly("leftovers", removal.remove_leftovers)
removal._leave = deadly("leave", removal._leave)
removal.remove_tenant(open_runtime(load_settings(_env_file=None)), name)
