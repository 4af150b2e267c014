"""Takes a tenant on board in this process, and kills the process before or after a step: ``name step before|after``."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from orchestration.contracts.source import find_sources
from orchestration.settings import load_settings
from orchestration.tenancy import onboarding
from orchestration.tenancy.wish import read_wish

name, fatal, moment = sys.argv[1:]


def deadly(step: str, run: Callable[..., Any]) -> Callable[..., Any]:
    def wrapped(*arguments: Any, **options: Any) -> Any:
        if step == fatal and moment == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = run(*arguments, **options)
        if step == fatal:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    return wrapped


steps = onboarding._Boarding.steps
onboarding._Boarding.steps = lambda self: [(step, deadly(step, run)) for step, run in steps(self)]
onboarding.register = deadly("register", onboarding.register)
onboarding.replace_first_key = deadly("key", onboarding.replace_first_key)
onboarding.load_source = deadly("load without a note", onboarding.load_source)
settings = load_settings(_env_file=None)
wish = read_wish(
    name,
    title="Initech",
    plan="small",
    connections=["salesforce=simulated"],
    settings=[],
    sources=find_sources(settings.sources_dir),
)
onboarding.onboard(settings, wish)
