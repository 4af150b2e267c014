"""A model that would show a personal column is found from its text, with file, line and what to write instead."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from orchestration.contracts.source import find_sources
from orchestration.quality.personal import exposures
from orchestration.settings import PROJECT

CONTRACTS = [c for source in find_sources(PROJECT / "source_systems").values() for c in source.contracts.values()]
FROM = "from {{ source('bronze_salesforce', 'contact') }} as source"
HIDDEN = "{{ personal(source('bronze_salesforce', 'contact'), 'email') }}"


def found(tmp_path: Path, model: str, folder: str = "models") -> list[str]:
    path = tmp_path / folder / "silver" / "some_model.sql"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(model)
    return [str(item) for item in exposures(tmp_path, CONTRACTS)]


def test_the_project_shows_no_personal_column() -> None:
    assert [str(item) for item in exposures(PROJECT / "dbt_project", CONTRACTS)] == []


def test_a_column_that_is_marked_tomorrow_is_found_in_the_model_that_selects_it_today() -> None:
    marked = [
        replace(c, columns=tuple(replace(x, pii=x.pii or x.name == "title") for x in c.columns)) for c in CONTRACTS
    ]
    places = [str(item) for item in exposures(PROJECT / "dbt_project", marked)]
    assert len(places) == 1
    assert "salesforce_contact.sql, line " in places[0]
    assert "personal(source('bronze_salesforce', 'contact'), 'title')" in places[0]


@pytest.mark.parametrize(
    "model",
    [
        f"select source.email {FROM}",
        f"select EMAIL as e {FROM}",
        f'select source."email" {FROM}',
        "select {{ clean('source.email') }} " + FROM,
        f"select {HIDDEN} as email, upper(source.email) as other {FROM}",
        f"select source.id {FROM}\nwhere source.last_name like 'A%'",
        f"select * {FROM}",
        f"select source.* {FROM}",
        "select c.id from bronze_salesforce.contact as c",
        'select c.id from "bronze_salesforce"."contact" as c',
        "{% set wanted = ['email'] %} select {{ wanted[0] }} " + FROM,
    ],
)
def test_a_way_around_the_macro_is_found(tmp_path: Path, model: str) -> None:
    assert found(tmp_path, model)
    assert found(tmp_path, model, folder="macros")


@pytest.mark.parametrize(
    "model",
    [
        f"select {HIDDEN} as email {FROM}",
        "select {{ personal(source('bronze_salesforce', 'contact'), ['first_name', 'last_name']) }} as full_name "
        + FROM,
        f"select source.title as phone /* no email */ {FROM} -- nor phone",
        "select * from {{ source('bronze_product', 'invoice') }} as source",
        "select email from {{ ref('salesforce_contact') }}",
    ],
)
def test_what_hides_or_is_not_personal_is_left_alone(tmp_path: Path, model: str) -> None:
    assert found(tmp_path, model) == []


def test_the_line_is_that_of_the_file(tmp_path: Path) -> None:
    (place,) = found(tmp_path, f"/* one\ntwo */\nselect\n    source.email\n{FROM}\n")
    assert "some_model.sql, line 4: email of bronze_salesforce.contact is personal" in place
