"""Where outbox tests happen: the control plane is an SQLite file, or a real PostgreSQL."""

from __future__ import annotations

import sys
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

sys.path.insert(0, str(Path(__file__).parent))

from outbox_scene import Scene

from orchestration.control import open_control, schema
from orchestration.settings import load_settings

OWNER, PASSWORD = "strata_owner", "for-tests"


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    made = Scene(load_settings(home=tmp_path / "home", published_versions=2, _env_file=None))
    made.set_up()
    return made


@pytest.fixture
def postgres_scene(postgres: str, tmp_path: Path) -> Scene:
    with psycopg.connect(postgres, autocommit=True) as admin:
        if not admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [OWNER]).fetchone():
            admin.execute(f"CREATE ROLE {OWNER} LOGIN PASSWORD '{PASSWORD}' CREATEROLE")
        admin.execute(f'ALTER DATABASE "{admin.info.dbname}" OWNER TO {OWNER}')
    server = conninfo_to_dict(postgres)
    url = f"postgresql+psycopg://{OWNER}:{PASSWORD}@{server['host']}:{server['port']}/{server['dbname']}"
    settings = load_settings(home=tmp_path / "home", control_url=url, published_versions=2, _env_file=None)
    schema.upgrade(open_control(settings))
    made = Scene(settings)
    made.set_up()
    return made


@pytest.fixture(params=["scene", "postgres_scene"])
def either(request: pytest.FixtureRequest) -> Scene:
    """The same on both kinds of database."""
    found: Scene = request.getfixturevalue(request.param)
    return found
