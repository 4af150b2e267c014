"""Landing on Azure Blob, proven against Azurite (``npm install azurite``): its executable, or a running endpoint."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

import pytest
from landing_bench import column, contract, judge, land

from orchestration.contracts.extraction import JsonPage
from orchestration.failures import AuthenticationFailed, Busy, ConnectionFailed, SettingsError
from orchestration.landing.history import discard_orphans, read_manifest, verify
from orchestration.landing.store import LandingStore, open_landing
from orchestration.settings import Settings

ACCOUNT = "devstoreaccount1"
# Azurite's own, published account key: it opens nothing else.
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="

pytestmark = [pytest.mark.server("azurite"), pytest.mark.proves("Landing on Azure Blob and Data Lake by key")]


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    running = os.environ.get("STRATA_TEST_AZURITE", "")
    executable = shutil.which("azurite-blob")
    if running:
        yield running.rstrip("/")
        return
    if not executable:
        pytest.skip("no azurite-blob on PATH and STRATA_TEST_AZURITE names no endpoint (http://127.0.0.1:10000)")
    port = _free_port()
    options = ["--blobPort", str(port), "--silent", "--skipApiVersionCheck", "--disableTelemetry"]
    process = subprocess.Popen([executable, *options, "--location", str(tmp_path_factory.mktemp("azurite"))])
    try:
        _await(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture
def container(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> str:
    name = f"land{time.time_ns()}"
    _create_container(endpoint, name)
    monkeypatch.setenv("AZURE_STORAGE_ENDPOINT", f"{endpoint}/{ACCOUNT}")
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", KEY)
    monkeypatch.setenv("AZURE_ALLOW_HTTP", "true")
    return name


@pytest.fixture
def store(container: str, tmp_path: Path) -> LandingStore:
    return open_landing(_settings(tmp_path, container))


def test_a_data_lakes_address_names_the_same_place(store: LandingStore, container: str, tmp_path: Path) -> None:
    store.put("a/manifest.json", b"landed")
    lake = f"abfss://{container}@{ACCOUNT}.dfs.core.windows.net/landing"
    other = open_landing(Settings(home=tmp_path / "lake", landing_url=lake, _env_file=None))
    assert other.read("a/manifest.json") == b"landed"


def test_a_load_lands_and_is_gated_by_another_process_later(
    store: LandingStore, container: str, tmp_path: Path
) -> None:
    orders = contract(column("note", "text"))
    landed = land(store, orders, JsonPage(b'[{"id":1,"note":"x"},{"id":"one"}]'))
    elsewhere = open_landing(_settings(tmp_path / "elsewhere", container))
    manifest = read_manifest(elsewhere, landed.place, landed.load_id)
    verify(elsewhere, manifest)
    judged = judge(elsewhere, orders, manifest)
    assert judged.good == [(1, "x")]
    assert judged.reasons == [(2, "id", "not_a_number")]
    assert discard_orphans(elsewhere, landed.place, "0") == [landed.load_id]
    assert list(store.keys("")) == []


def test_what_landed_is_never_replaced(store: LandingStore) -> None:
    store.put("a/manifest.json", b"first")
    with pytest.raises(Busy):
        store.put("a/manifest.json", b"second")
    store.draft("a/part").write_bytes(b"1")
    store.land("a/part")
    store.draft("a/part").write_bytes(b"2")
    with pytest.raises(Busy):
        store.land("a/part")
    assert store.read("a/manifest.json") == b"first"


def test_the_local_copy_is_dropped_and_fetched_again(store: LandingStore, tmp_path: Path) -> None:
    store.draft("a/b/part").write_bytes(b"x" * 3_000_000)
    store.land("a/b/part")
    store.release("a/b/")
    assert not list((tmp_path / "home" / "scratch").rglob("part"))
    assert store.local_path("a/b/part").stat().st_size == 3_000_000


def test_folders_are_listed_in_order_with_those_that_hold_only_drafts(store: LandingStore) -> None:
    for load in ("3", "1"):
        store.put(f"t/{load}/manifest.json", b"{}")
    store.draft("t/2/part").write_bytes(b"x")
    assert store.folders("t/") == ["1", "2", "3"]
    assert store.folders("t/", after="1") == ["2", "3"]
    store.clear("t/3/")
    store.clear("t/2/")
    assert store.folders("t/") == ["1"]


def test_what_is_not_there_is_told_and_may_be_deleted(store: LandingStore) -> None:
    with pytest.raises(FileNotFoundError):
        store.read("nothing/here")
    store.delete("nothing/here")


def test_a_missing_container_and_a_wrong_key_are_told_apart(
    container: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SettingsError, match="does not exist"):
        open_landing(_settings(tmp_path, "absent")).put("a", b"x")
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", base64.b64encode(b"wrong").decode())
    with pytest.raises((AuthenticationFailed, ConnectionFailed)) as told:
        open_landing(_settings(tmp_path, container)).put("a", b"x")
    assert "wrong" not in str(told.value)


def _settings(folder: Path, container: str) -> Settings:
    return Settings(home=folder / "home", landing_url=f"az://{ACCOUNT}/{container}/landing", _env_file=None)


def _create_container(endpoint: str, name: str) -> None:
    """Create a container through the REST interface, signed with the shared key."""
    date = format_datetime(datetime.now(UTC), usegmt=True)
    headers = f"x-ms-date:{date}\nx-ms-version:2021-12-02"
    text = f"PUT\n\n\n\n\n\n\n\n\n\n\n\n{headers}\n/{ACCOUNT}/{ACCOUNT}/{name}\nrestype:container"
    signature = base64.b64encode(hmac.new(base64.b64decode(KEY), text.encode(), hashlib.sha256).digest()).decode()
    request = urllib.request.Request(f"{endpoint}/{ACCOUNT}/{name}?restype=container", method="PUT")  # noqa: S310
    request.add_header("x-ms-date", date)
    request.add_header("x-ms-version", "2021-12-02")
    request.add_header("Authorization", f"SharedKey {ACCOUNT}:{signature}")
    urllib.request.urlopen(request, timeout=10).close()  # noqa: S310


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await(port: int) -> None:
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    pytest.fail("azurite-blob did not start within 20 seconds")
