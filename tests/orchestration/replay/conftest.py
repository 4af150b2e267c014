"""A DuckDB home with the shop of the engine's tests, and second homes that do its work again: what is the engines' own
is tested on each, the order of things on DuckDB alone, for a server's platform tables take 15 seconds to make.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "bronze"))

from bench import Bench

from orchestration.settings import Settings


@pytest.fixture
def there(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "shop", _embedded(tmp_path / "there"))


@pytest.fixture
def there_on_any_engine(tmp_path: Path, settings_of: Callable[..., Settings]) -> Bench:
    return Bench(tmp_path / "shop", settings_of(tmp_path / "there"))


@pytest.fixture
def here(tmp_path: Path, there: Bench) -> Bench:
    return Bench(there.folder, _embedded(tmp_path / "here", landing_url=_landing(there)))


@pytest.fixture
def on_any_engine(tmp_path: Path, there: Bench, settings_of: Callable[..., Settings]) -> Bench:
    return Bench(there.folder, settings_of(tmp_path / "here", landing_url=_landing(there)))


def _embedded(home: Path, **more: object) -> Settings:
    return Settings(home=home, warehouse="duckdb", tenants_file=home / "no tenants.yaml", _env_file=None, **more)


def _landing(bench: Bench) -> str:
    return (bench.settings.home / "landing").as_uri()
