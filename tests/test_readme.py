"""README's commands run as written. `make run` is a step of .ci/run; `make ui` is tried by test_ui_command.py."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from orchestration.settings import PROJECT

BLOCKS = re.findall(r"```bash\n(.*?)```", (PROJECT / "README.md").read_text(encoding="utf-8"), re.DOTALL)


def lines(block: str) -> list[str]:
    stripped = (line.split("#")[0].strip() for line in block.splitlines())
    return [line for line in stripped if line]


def test_the_first_commands_are_the_two_that_matter() -> None:
    assert lines(BLOCKS[0]) == ["make run", "make ui"]
    assert "make run" in (PROJECT / ".ci" / "run").read_text(encoding="utf-8")


@pytest.mark.skipif(not (PROJECT / ".venv" / "bin" / "activate").exists(), reason="there is no .venv: run `make test`")
@pytest.mark.parametrize("block", BLOCKS[1:], ids=lambda block: lines(block)[-1])
def test_the_other_commands_run_as_written(block: str, tmp_path: Path) -> None:
    environment = os.environ | {"STRATA_HOME": str(tmp_path / "home"), "STRATA_WORLD_SIZE": "12"}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
