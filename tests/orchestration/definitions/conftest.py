"""A source system of text files and a dbt project of two models: small, and nothing in them is pretended."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

import source_systems
from orchestration.contracts.dbt_sources import write_sources
from orchestration.contracts.source import read_source
from orchestration.definitions import source_definitions
from orchestration.runtime import Runtime, open_runtime

TOY = Path(__file__).parent / "toy"


@dataclass(frozen=True)
class Toy:
    """A platform with the one source system ``toy`` and two tenants, in a folder of its own."""

    folder: Path
    instance: dg.DagsterInstance

    @property
    def runtime(self) -> Runtime:
        return open_runtime()

    def write(self, tenant: str, *rows: str, entity: str = "item") -> None:
        """Give a tenant's source these rows (``id,name,amount,updated_at``)."""
        path = self.folder / "data" / tenant / f"{entity}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(rows), encoding="utf-8")

    def defect(self, tenant: str, kind: str = "", times: int = 1_000) -> None:
        """Let a tenant's source be ``down`` or ``refused`` for so many calls; no kind mends it."""
        path = self.folder / "data" / tenant / "defect"
        path.write_text(f"{kind} {times}" if kind else "", encoding="utf-8")

    def run(self, mode: str = "daily", **config: Any) -> dg.ExecuteInProcessResult:
        """Run the source's job."""
        job = source_definitions("toy").resolve_job_def(f"toy_{mode}")
        ops = {"load_toy": {"config": {"mode": mode, **config}}}
        return job.execute_in_process({"ops": ops}, instance=self.instance, raise_on_error=False)

    def sql(self, sql: str) -> list[tuple[Any, ...]]:
        """Look into the warehouse."""
        with self.runtime.warehouse.session("test") as session:
            return session.execute(sql)


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Toy]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield make_toy(tmp_path, monkeypatch, instance)


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Toy]:
    """The same platform for a whole module, with its source loaded once."""
    with pytest.MonkeyPatch.context() as patch, dg.DagsterInstance.ephemeral() as instance:
        toy = make_toy(tmp_path_factory.mktemp("toy"), patch, instance)
        assert toy.run().success
        yield toy


def make_toy(folder: Path, monkeypatch: pytest.MonkeyPatch, instance: dg.DagsterInstance) -> Toy:
    """Lay the platform out in ``folder`` and let the environment point there."""
    shutil.copytree(TOY / "source_systems", folder / "source_systems")
    shutil.copytree(TOY / "dbt_project", folder / "dbt_project")
    shutil.copytree(TOY / "sql_scripts", folder / "sql_scripts")
    shutil.copy(TOY / "tenants.yaml", folder / "tenants.yaml")
    for imported in [name for name in sys.modules if name.startswith("source_systems.toy")]:
        monkeypatch.delitem(sys.modules, imported)  # another test's copy
    monkeypatch.setattr(source_systems, "__path__", [*source_systems.__path__, str(folder / "source_systems")])
    places = {"HOME": "home", "SOURCES_DIR": "source_systems", "DBT_DIR": "dbt_project", "SCRIPTS_DIR": "sql_scripts"}
    for name, place in {**places, "TENANTS_FILE": "tenants.yaml"}.items():
        monkeypatch.setenv(f"STRATA_{name}", str(folder / place))
    monkeypatch.setenv("STRATA_DISK_WARNING_GB", "0")  # whatever the disk of the tests is like
    for tenant in ("acme", "globex"):
        monkeypatch.setenv(f"STRATA_TOY__{tenant.upper()}__FOLDER", str(folder / "data" / tenant))
    write_sources(read_source(folder / "source_systems" / "toy"), folder / "dbt_project")
    toy = Toy(folder, instance)
    toy.write("acme", "1,anvil,10.00,2026-01-01T00:00:00", "2,bolt,0.50,2026-01-02T00:00:00")
    toy.write("globex", "1,crane,900.00,2026-01-01T00:00:00")
    return toy
