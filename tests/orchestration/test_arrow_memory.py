"""Arrow takes its memory from the system's allocator in every process of the platform, or from one that was chosen."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

NAME = "ARROW_DEFAULT_MEMORY_POOL"


@pytest.mark.parametrize("module", ["orchestration.cli", "source_systems.product.definitions"])
@pytest.mark.parametrize(("chosen", "taken"), [(None, "system"), ("mimalloc", "mimalloc")])
def test_the_allocator_is_chosen_before_arrow_is_imported(module: str, chosen: str | None, taken: str) -> None:
    script = f"import {module}, pyarrow; print(pyarrow.default_memory_pool().backend_name)"
    environment = {name: value for name, value in os.environ.items() if name != NAME} | (
        {NAME: chosen} if chosen else {}
    )

    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == taken
