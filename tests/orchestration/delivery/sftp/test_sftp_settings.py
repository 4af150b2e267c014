"""What the SFTP channel takes for settings, and that no value can name a file outside its folder."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.delivery.channels.sftp import CHANNEL
from orchestration.delivery.channels.sftp.names import DEFAULT, check_name, render
from orchestration.failures import SettingsError

from .sftp_scenes import message

GOOD = {
    "host": "files.example.com",
    "user": "acme",
    "host_key": "SHA256:YUH4M1kP7dqYVW8QpYtUuVNpBGH0VvZ2BHXgKc9CV7A",
    "name": "{table}-{time}.{extension}",
    "companions": "sha256,trigger",
}


def test_good_settings_are_taken_and_name_their_server() -> None:
    CHANNEL.check(GOOD)
    assert CHANNEL.address({**GOOD, "port": "2222"}) == "sftp://acme@files.example.com:2222"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("host", ""),
        ("host", "files.example.com/x"),
        ("host", "acme@files.example.com"),
        ("port", "70000"),
        ("port", "²"),
        ("host_key", ""),
        ("host_key", "ssh-ed25519 not/base64"),
        ("host_key", "ssh-ed25519 c3NoLXJzYQ=="),
        ("host_key", "anything"),
        ("folder", "in/../../etc"),
        ("folder", "in\n"),
        ("name", "../{table}"),
        ("name", "a/b"),
        ("name", "-rf"),
        ("name", ".hidden"),
        ("name", "x\0y"),
        ("name", "{table"),
        ("name", "{secret}"),
        ("name", "{table!r}"),
        ("name", "{table.__class__}"),
        ("name", "{table}..{extension}"),
        ("compression", "zip"),
        ("companions", "sha256,md5"),
        ("flush", "true"),
    ],
)
def test_settings_that_cannot_work_are_refused_by_their_name(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        CHANNEL.check({**GOOD, name: value})


@given(st.text(max_size=300), st.text(max_size=300), st.sampled_from([DEFAULT, "{subject}", "{event}.{subject}"]))
def test_no_value_leads_out_of_the_folder(subject: str, event: str, template: str) -> None:
    name = render(template, message(subject=subject, event_type=event))
    assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]*", name)
    assert ".." not in name
    assert len(name) <= 200


def test_every_placeholder_has_its_value() -> None:
    template = "{tenant}_{registration}_{event}_{subject}_{table}_{sequence}_{time}_{delivery_id}.{extension}"
    check_name(template)
    named = render(template, message(3, occurred_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)))
    assert named == (
        "acme_bi_gold.rows.changed_gold.license_usage_license_usage_3_20260102T030405Z_msg_00000000000000000000000003.csv"
    )
