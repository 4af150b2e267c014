"""The command line on a small simulated company, run as a person runs it, in this process."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from orchestration import simulators
from orchestration.cli import main
from orchestration.settings import PROJECT


@dataclass(frozen=True)
class Answer:
    """What a command printed and how it ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)


Strata = Callable[..., Answer]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A state of the module's own; its simulators end with the module."""
    yield tmp_path_factory.mktemp("strata")
    simulators.release()


@pytest.fixture(autouse=True)
def small_world(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRATA_HOME", str(home))
    monkeypatch.setenv("STRATA_WORLD_SIZE", "12")


@pytest.fixture
def strata(capfd: pytest.CaptureFixture[str]) -> Strata:
    def run(*arguments: str) -> Answer:
        capfd.readouterr()
        with pytest.raises(SystemExit) as end:
            main(arguments)
        out, err = capfd.readouterr()
        return Answer(int(end.value.code or 0), out, err)

    return run


@pytest.fixture
def narrow_roles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], object]:
    """Contracts that allow no role but admin, so that most users are rejected; call it to mend them."""
    folder = tmp_path / "source_systems"
    shutil.copytree(PROJECT / "source_systems", folder, ignore=shutil.ignore_patterns("__pycache__"))
    contract = folder / "product" / "contracts" / "app_user.yaml"
    whole = contract.read_text(encoding="utf-8")
    threshold = "      - {property: rejectThreshold, value: 1.0}\n    properties:\n"
    narrow = whole.replace("          - value: member\n", "").replace("    properties:\n", threshold, 1)
    assert len(narrow) != len(whole)
    contract.write_text(narrow, encoding="utf-8")
    monkeypatch.setenv("STRATA_SOURCES_DIR", str(folder))
    return lambda: contract.write_text(whole, encoding="utf-8")
