"""What is stored as JSON is read as it was written, also by those who write what is no JSON."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from orchestration.control import open_control
from orchestration.control.delivery_tables import outbox
from orchestration.settings import load_settings

from .control_rows import fill

EVENT = {"tenant_id": "acme", "registration_id": "r1", "event_key": "load.failed:7", "delivery_id": "d2"}
EVENT |= {"event_type": "load.failed", "subject": "s"}


@pytest.mark.parametrize("value", [math.nan, math.inf, 10**30, "\ud7ff\0", None, [1.5, {"a": []}]])
def test_whatever_an_event_holds_is_read_again(tmp_path: Path, value: object) -> None:
    control = open_control(load_settings(home=tmp_path / "home"))
    fill(control, "acme")
    with control.transaction("test") as connection:
        connection.execute(insert(outbox).values(EVENT | {"occurred_at": 1, "data": {"value": value}}))
        data = connection.execute(select(outbox.c.data).where(outbox.c.event_key == EVENT["event_key"])).scalar_one()
    assert repr(data) == repr({"value": value})
