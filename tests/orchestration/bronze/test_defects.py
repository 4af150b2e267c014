"""A defect of somebody's extractor fails its own entity, and says where to look for it."""

from __future__ import annotations

from pathlib import Path

import pytest
from bench import Bench
from shop_source import ShopExtractor

from orchestration.settings import Settings

EXTRACT = """
def extract(self, contract, window):
    answer = {"results": []}
    yield from answer["results"]
    answer["next"]
"""


@pytest.mark.parametrize("warehouse", ["duckdb"], indirect=True)
def test_a_defect_in_an_extractor_is_told_with_its_file_and_line(
    bench: Bench, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "source_systems" / "shop" / "extract.py"
    names: dict[str, object] = {}
    exec(compile(EXTRACT, str(path), "exec"), names)  # noqa: S102 - code at a place of its own
    monkeypatch.setattr(ShopExtractor, "extract", names["extract"])
    moved = settings.model_copy(update={"sources_dir": tmp_path / "source_systems"})
    result = Bench(bench.folder, moved).one()
    assert (result.status, result.failure_class) == ("failed", "permanent")
    assert result.message == "KeyError: 'next'. It was raised in source_systems/shop/extract.py, line 5."


@pytest.mark.parametrize("warehouse", ["duckdb"], indirect=True)
def test_a_defect_of_the_platform_names_its_own_file(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def write(*_: object) -> None:
        raise RuntimeError("A defect.")

    monkeypatch.setattr("orchestration.landing.writer.LandingWriter.write", write)
    bench.shop().put(1)
    message = bench.one().message
    assert message.startswith("RuntimeError: A defect. It was raised in orchestration/bronze/extraction.py, line ")
