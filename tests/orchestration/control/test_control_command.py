"""``strata control`` as an operator uses it, and who a change is recorded under."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import text

from orchestration.cli import main
from orchestration.cli.exit_codes import ExitCode
from orchestration.control import Control, changes, open_control, schema, tables
from orchestration.control.actor import acting_as, current_actor
from orchestration.control.database import Control as Database
from orchestration.failures import SettingsError
from orchestration.settings import load_settings

from .control_rows import add_tenant


@pytest.fixture
def control(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Control:
    monkeypatch.setenv("STRATA_HOME", str(tmp_path))
    opened = open_control(load_settings())
    add_tenant(opened, "acme")
    return opened


def strata(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["control", *arguments])
    answer = capsys.readouterr()
    return int(ended.value.code or 0), answer.out, answer.err


def test_an_older_schema_is_told_by_every_command_and_mended_by_one(
    control: Control, capsys: pytest.CaptureFixture[str]
) -> None:
    assert strata(capsys, "downgrade", "0001")[0] == 0
    code, _, told = strata(capsys, "audit")
    assert (code, "strata control upgrade" in told) == (ExitCode.SETTINGS, True)
    code, out, _ = strata(capsys, "status", "--json")
    assert (code, json.loads(out)["revision"]) == (ExitCode.FAILED, "0001")
    assert "from revision 0001 to" in strata(capsys, "upgrade")[1]
    assert "nothing to do" in strata(capsys, "upgrade")[1]
    code, out, _ = strata(capsys, "status")
    assert (code, f"revision {schema.HEAD}" in out) == (ExitCode.OK, True)


def test_the_trail_is_shown_for_people_and_for_programs(control: Control, capsys: pytest.CaptureFixture[str]) -> None:
    with control.transaction("ann@desk") as connection:
        changes.update(connection, tables.tenant, {"tenant_id": "acme"}, {"state": "suspended"})
    add_tenant(control, "globex")
    assert "state: active → suspended" in strata(capsys, "audit", "--tenant", "acme")[1]
    (last,) = json.loads(strata(capsys, "audit", "--tenant", "acme", "--limit", "1", "--json")[1])["audit"]
    assert (last["actor"], last["before"], last["after"]) == ("ann@desk", {"state": "active"}, {"state": "suspended"})
    assert json.loads(strata(capsys, "audit", "--since", "2100-01-01", "--json")[1]) == {"audit": []}
    code, _, told = strata(capsys, "audit", "--since", "yesterday")
    assert (code, "--since yesterday" in told) == (ExitCode.SETTINGS, True)


def test_a_hole_between_tenants_is_told_with_its_table(control: Control, capsys: pytest.CaptureFixture[str]) -> None:
    with control.engine.begin() as connection:
        connection.execute(text("CREATE UNIQUE INDEX one ON connection (source)"))
    code, out, _ = strata(capsys, "status")
    assert (code, "connection: unique index one does not begin with tenant_id." in out) == (ExitCode.FAILED, True)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("no url hunter2", "is no database URL"),
        ("postgresql+psycopg://u:hunter2/d", "is no database URL"),
        ("postgresql+psycopg://u:x@hunter2@h:bad:port/d", "is no database URL"),
        ("mysql://u:hunter2@h/d", "'mysql' is not supported"),
        ("postgresql://u:hunter2@127.0.0.1:1/d", "STRATA_CONTROL_URL: 127.0.0.1:1: connection refused."),
    ],
)
def test_a_wrong_url_is_told_without_its_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], url: str, message: str
) -> None:
    monkeypatch.setenv("STRATA_HOME", str(tmp_path))
    monkeypatch.setenv("STRATA_CONTROL_URL", url)
    for arguments in (["audit"], ["--debug", "status"]):
        code, out, err = strata(capsys, *arguments)
        assert code != 0
        assert message in err
        assert "hunter2" not in out + err


def test_a_control_plane_shows_no_password(tmp_path: Path) -> None:
    url = "postgresql://u:hunter2@db.example.com/strata"
    control = open_control(load_settings(home=tmp_path, control_url=url))
    assert "hunter2" not in f"{control!r}{control.place}{load_settings(control_url=url)!r}"
    assert control.place == "postgresql://db.example.com/strata"
    assert isinstance(control, Database)


def test_an_embedded_control_plane_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "control").write_text("in the way")
    with pytest.raises(SettingsError, match="control"), open_control(load_settings(home=tmp_path)).reading():
        pass


def test_the_actor_is_the_user_unless_a_job_acts() -> None:
    assert "@" in current_actor()
    with acting_as("dagster run 42"):
        assert current_actor() == "dagster run 42"
    assert "@" in current_actor()
