"""A secret is fetched where its reference says, and shows nowhere: not in errors, not in representations."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from orchestration.control import Control, changes, tables
from orchestration.control.connections import settings_of
from orchestration.control.secrets import Reference, require_reference, resolve
from orchestration.control.trail import read_trail
from orchestration.failures import AuthenticationFailed, ConnectionFailed, SettingsError, StrataError

from .control_rows import add_tenant
from .test_registry_and_seed import SOURCES

CANARY = "canary-5f1d"


class _Vault(BaseHTTPRequestHandler):
    """Speaks the part of a Vault's API that reads a KV secret, version 2."""

    def do_GET(self) -> None:
        allowed = self.headers["X-Vault-Token"] == "token"
        known = self.path == "/v1/secret/data/acme"
        self.send_response(200 if allowed and known else 403 if not allowed else 404)
        self.end_headers()
        if allowed and known:
            self.wfile.write(json.dumps({"data": {"data": {"password": CANARY}, "metadata": {}}}).encode())

    def log_message(self, *_: object) -> None:
        """Stay quiet."""


@pytest.fixture
def vault(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Vault)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("VAULT_ADDR", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("VAULT_TOKEN", "token")
    yield
    server.shutdown()
    server.server_close()


def test_a_secret_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRM_PASSWORD", CANARY)
    assert resolve("env:CRM_PASSWORD").get_secret_value() == CANARY


def test_a_secret_comes_from_a_file_without_its_last_line_end(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(f"{CANARY}\n")
    assert resolve(f"file:{tmp_path}/secret").get_secret_value() == CANARY


@pytest.mark.usefixtures("vault")
def test_a_secret_comes_from_a_vault() -> None:
    assert resolve("vault:secret/data/acme#password").get_secret_value() == CANARY


@pytest.mark.usefixtures("vault")
def test_a_vaults_refusals_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    for place, error in (
        ("other#password", "no such secret"),
        ("acme#nothing", "no secret at vault:secret/data/acme#nothing"),
    ):
        with pytest.raises(SettingsError, match=error):
            resolve(f"vault:secret/data/{place}")
    monkeypatch.setenv("VAULT_TOKEN", CANARY)
    with pytest.raises(AuthenticationFailed, match="refuses VAULT_TOKEN") as caught:
        resolve("vault:secret/data/acme#password")
    assert CANARY not in str(caught.value)
    monkeypatch.setenv("VAULT_ADDR", "http://127.0.0.1:1")
    with pytest.raises(ConnectionFailed, match="did not answer"):
        resolve("vault:secret/data/acme#password")
    monkeypatch.delenv("VAULT_ADDR")
    with pytest.raises(SettingsError, match="VAULT_TOKEN or the field is missing for vault:secret/data/acme#password"):
        resolve("vault:secret/data/acme#password")


@pytest.mark.parametrize("reference", ["env:NOT_SET_ANYWHERE", "file:/nowhere/at/all", "file:/", "vault:no-field"])
def test_a_missing_secret_is_told_by_its_reference(reference: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VAULT_ADDR", raising=False)
    with pytest.raises(SettingsError, match=reference):
        resolve(reference)


@given(st.text())
def test_what_is_no_reference_is_refused_without_being_quoted(given_text: str) -> None:
    secret = f"{given_text}{CANARY}"
    with pytest.raises(SettingsError) as caught:
        require_reference(secret)
    assert CANARY not in f"{caught.value!r}{caught.value}"


def test_a_reference_shows_neither_itself_nor_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRM_PASSWORD", CANARY)
    reference = Reference("env:CRM_PASSWORD")
    assert CANARY not in f"{reference!r} {reference} {[reference]}"
    assert reference.get_secret_value() == CANARY


@pytest.mark.parametrize("given_value", [CANARY, f"postgresql://u:{CANARY}@h/d", f"plain:{CANARY}"])
def test_a_setting_that_the_source_marks_secret_is_taken_by_reference_alone(given_value: str) -> None:
    with pytest.raises(SettingsError, match="acme/crm: url is secret") as caught:
        settings_of(SOURCES["crm"], "acme/crm", {"url": given_value})
    assert CANARY not in str(caught.value)
    given_settings = {"url": "env:URL", "schema": "sales"}
    assert settings_of(SOURCES["crm"], "acme/crm", given_settings) == {
        "url": {"reference": "env:URL"},
        "schema": {"value": "sales"},
    }
    with pytest.raises(SettingsError, match="PORT is no setting"):
        settings_of(SOURCES["crm"], "acme/crm", {"port": "1"})


SECRET_TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40)


@hypothesis_settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(noise=SECRET_TEXT)
def test_no_secret_is_in_the_trail_or_in_an_error_whatever_it_looks_like(sqlite_control: Control, noise: str) -> None:
    """Salts, digests and refused settings: the values are nowhere but in their own column."""
    secret = f"{CANARY}{noise}"
    name = f"t{abs(hash(noise)) % 10**9}"
    try:
        add_tenant(sqlite_control, name)
    except SettingsError:
        return  # drawn before
    told: list[StrataError] = []
    with sqlite_control.transaction("ops@host") as connection:
        changes.insert(connection, tables.salt, {"tenant_id": name, "salt": secret})
    for values in ({"tenant_id": name, "salt": secret}, {"tenant_id": "nobody", "salt": secret}):
        with pytest.raises(StrataError) as caught, sqlite_control.transaction("ops@host") as connection:
            changes.insert(connection, tables.salt, values)
        told.append(caught.value)
    with pytest.raises(StrataError) as caught:
        settings_of(SOURCES["crm"], f"{name}/crm", {"url": secret})
    told.append(caught.value)
    everything = f"{read_trail(sqlite_control)}{told}{[str(error) for error in told]}{sqlite_control!r}"
    assert CANARY not in everything
