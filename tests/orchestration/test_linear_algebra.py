"""NumPy's library of linear algebra starts no threads in the platform's processes, unless somebody asks for them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

NAME = "OPENBLAS_NUM_THREADS"
TASKS = Path("/proc/self/task")


def threads_after_importing(module: str, chosen: str | None = None) -> int:
    script = f"import {module}, numpy, os; print(len(os.listdir({str(TASKS)!r})))"
    environment = {name: value for name, value in os.environ.items() if name != NAME}
    environment |= {NAME: chosen} if chosen else {}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.skipif(not TASKS.exists() or os.cpu_count() == 1, reason="threads are seen on Linux with two cores alone")
@pytest.mark.parametrize("module", ["orchestration.cli", "source_systems.product.definitions"])
def test_threads_are_settled_before_numpy_is_imported(module: str) -> None:
    assert threads_after_importing(module, chosen="2") == threads_after_importing(module) + 1
