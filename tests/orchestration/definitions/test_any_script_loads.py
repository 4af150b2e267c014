"""No script, and no table that was ever published, keeps a code location from loading."""

from __future__ import annotations

import tempfile
from pathlib import Path

import dagster as dg
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from orchestration.definitions.delivery.tables import arrival_checks, table_specs
from orchestration.definitions.specs import asset_key, team
from orchestration.definitions.transform.finance import finance_assets, financial_plan
from orchestration.definitions.transform.project import DbtProject
from orchestration.settings import load_settings

HEADER = "/* title: T\n owner: {}\n description: {} */\n"
ANY_LINE = st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n*/"), max_size=30)


def loaded(scripts: dict[str, str]) -> dict[dg.AssetKey, dg.AssetSpec]:
    """Make the location's assets from scripts, by their file's names."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "financial").mkdir()
        for name, text in scripts.items():
            (Path(folder) / "financial" / name).write_text(text, encoding="utf-8")
        plan = financial_plan(load_settings(scripts_dir=Path(folder)))
        assets = finance_assets(plan, DbtProject(None, ""))
        return {spec.key: spec for spec in dg.Definitions(assets=[assets]).resolve_all_asset_specs()}


@settings(max_examples=40, deadline=None)
@given(ANY_LINE, ANY_LINE)
@example("Max Müller <max@firma.de>", "@")
@example("日本", "")
@example("a@b, c@d.", "team:")
def test_any_header_loads(owner: str, description: str) -> None:
    found = loaded({"x.sql": HEADER.format(owner, description) + "SELECT s.id INTO finance.x FROM silver.sale AS s;"})
    assert asset_key(("finance", "x")) in found


@pytest.mark.parametrize("name", ["q_umsätze", "m40 t", "x-net", "a.b", "'", "日本"])
def test_a_table_with_any_name_is_an_asset_that_tells_what_is_wrong_with_it(name: str) -> None:
    text = HEADER.format("o", "d") + f"SELECT s.id INTO finance.[{name}] FROM silver.sale AS s;"
    reader = HEADER.format("o", "d") + f"SELECT s.id INTO finance.y FROM finance.[{name}] AS s;"
    found = loaded({f"{name}.sql": text, "y.sql": reader, f"{name} 2.sql": "SELEC nonsense"})
    assert "letters" in str(found[asset_key(("finance", name))].description)
    assert "fault" not in found[asset_key(("finance", "y"))].metadata
    assert len(found) >= 3


def test_scripts_in_a_circle_and_two_for_one_table_are_assets_that_tell_it() -> None:
    head, check = HEADER.format("o", "d"), "-- a check\nSELECT x.id FROM finance.a AS x;"
    scripts = {"a.sql": "SELECT x.id INTO finance.a FROM finance.b AS x;", "a.checks.sql": check,
               "b.sql": "SELECT x.id INTO finance.b FROM finance.a AS x;",
               "c.sql": "SELECT s.id INTO finance.a FROM silver.sale AS s;", "c.checks.sql": check}  # fmt: skip
    found = loaded({name: text if "checks" in name else head + text for name, text in scripts.items()})
    assert "circle" in str(found[asset_key(("finance", "b"))].description)
    assert "builds the same table" in str(found[asset_key(("finance", "a"))].description)


def test_a_published_table_with_any_name_is_an_asset_of_its_deliveries() -> None:
    tables = [("finance", "q_umsätze"), ("finance", "m40 t"), ("finance", "m40-t"), ("gold", "well")]
    location = dg.Definitions(assets=table_specs(tables), asset_checks=[arrival_checks(tables)])
    graph = location.get_repository_def().asset_graph
    assert len(graph.asset_check_keys) == len(tables)
    assert dg.AssetKey(["delivered", "gold", "well"]) in graph.get_all_asset_keys()


def test_owners_are_addresses_or_teams() -> None:
    assert team("Max Müller <max@firma.de>") == "max@firma.de"
    assert team("Finance & Co") == "team:finance-co"
