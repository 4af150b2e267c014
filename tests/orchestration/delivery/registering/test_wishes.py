"""A wish is read from what people write in YAML, and what cannot be read is told by its field."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from orchestration.delivery.registering.wish import read_document, read_wish
from orchestration.delivery.terms import Terms
from orchestration.failures import SettingsError

USUAL: dict[str, Any] = {"consumer": "bi", "channel": "sftp", "events": ["gold.table.updated"]}


def test_scalars_of_yaml_are_text_as_a_person_wrote_them(tmp_path: Path) -> None:
    file = tmp_path / "wish.yaml"
    file.write_text(
        "consumer: 7\nchannel: sftp\nevents: [gold.table.updated]\ncolumns: [no, 2026-01-31]\ntitle: 2026\nwhere:\n"
        "settings: {port: 12022, flush: yes, folder: in, since: 2026-01-31, exchange: }\n"
        "terms: {quiet_seconds: 60, rate_per_second: 0.5, retries: '5,300', hours: '06:00-20:00', days: }\n",
        encoding="utf-8",
    )
    found = read_wish(read_document(file), str(file))
    assert (found.consumer, found.columns, found.title, found.where) == ("7", ("no", "2026-01-31"), "2026", ())
    settings = {"port": "12022", "flush": "yes", "folder": "in", "since": "2026-01-31", "exchange": ""}
    assert found.settings == settings
    assert found.terms == Terms(quiet_seconds=60, rate_per_second=0.5, retries=(5, 300), hours="06:00-20:00")


@pytest.mark.parametrize(
    ("fields", "fault", "remedy"),
    [
        ({"consumer": None}, "--consumer NAME (or consumer: in the file) is missing", "docs/consumer/register.md"),
        ({"channel": None}, "--channel NAME (or channel: in the file) is missing", "docs/consumer/register.md"),
        ({"events": None}, "--event NAME (or events: in the file) is missing", "docs/consumer/register.md"),
        ({"event": "x"}, "there is no field 'event'", "events, tables"),
        ({"terms": {"quiet": 1}}, "there is no term 'quiet'", "quiet_seconds, longest_wait_seconds"),
        ({"terms": {"quiet_seconds": "soon"}}, "quiet_seconds cannot be 'soon'", "a number of seconds"),
        ({"terms": {"priority": 1.5}}, "priority cannot be 1.5", "a whole number"),
        ({"terms": {"retries": "5,later"}}, "retries cannot be '5,later'", "5,300,1800"),
        ({"terms": {"ordering": "random"}}, "ordering cannot be 'random'", "table, subject, none"),
        ({"terms": {"hours": 6}}, "hours cannot be 6", "06:00-20:00"),
        ({"terms": ["quiet_seconds"]}, "terms cannot be 'quiet_seconds'", "names, each with its value"),
        ({"payload": "all"}, "payload cannot be 'all'", "reference, changes, snapshot"),
        ({"format": "xml"}, "format cannot be 'xml'", "json, ndjson, csv, parquet"),
        ({"events": "gold.table.updated"}, "events cannot be 'gold.table.updated'", "a list"),
        ({"where": [{"a": 1}]}, "where cannot be", "a list"),
        ({"settings": {"headers": {"X-Team": "bi"}}}, "settings.headers is no single value", "in quotes"),
        ({"secrets": ["hunter2"]}, "secrets cannot be what was given", "env:NAME"),
        ({"secrets": {"password": ["hunter2"]}}, "secrets.password is no single value", "password: value"),
    ],
)  # fmt: skip
def test_a_wrong_field_is_told_by_its_name_and_what_it_takes(fields: dict[str, Any], fault: str, remedy: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_wish(USUAL | fields, "bi.yaml")
    assert caught.value.message.startswith("bi.yaml: ")
    assert fault in caught.value.message
    assert remedy in caught.value.remedy
    assert "hunter2" not in str(caught.value)


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
_FIELDS = st.sampled_from(["consumer", "channel", "events", "where", "payload", "settings", "terms", "title", "colour"])


@given(
    st.dictionaries(_FIELDS, _VALUES, max_size=3), st.dictionaries(st.sampled_from(Terms.__struct_fields__), _VALUES)
)
def test_whatever_is_written_is_a_wish_or_told_in_words(fields: dict[str, Any], terms: dict[str, Any]) -> None:
    said = _told(USUAL | fields | {"terms": terms} if terms else USUAL | fields)
    assert said is None or (said.remedy and "Expected `" not in said.message)


def _told(fields: dict[str, Any]) -> SettingsError | None:
    try:
        read_wish(fields, "bi.yaml")
    except SettingsError as error:
        return error
    return None


@given(st.one_of(st.integers(), st.booleans(), st.text("abc:-. ", min_size=1)))
def test_a_setting_reads_the_same_whether_it_was_quoted_or_not(value: object) -> None:
    quoted = yaml.safe_load(yaml.safe_dump({"settings": {"port": value}}))
    text = {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
    assert read_wish(USUAL | quoted, "x").settings == {"port": text}
