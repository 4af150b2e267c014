"""Suspends a tenant in a process of its own: ``suspend_tenant.py HOME TENANT``; says when it is done."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from bench import Bench

from orchestration.bronze.admission import await_commits
from orchestration.settings import Settings
from orchestration.tenancy import states


def main(home: str, tenant: str) -> None:
    runtime = Bench(Path(home) / "shop", Settings(home=Path(home), lock_wait_seconds=60, _env_file=None)).runtime
    states.suspend(runtime.control, tenant)
    await_commits(runtime)
    sys.stdout.write("suspended\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
