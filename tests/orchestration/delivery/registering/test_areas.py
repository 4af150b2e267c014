"""A tenant's key names secrets and files of its own areas alone, and cannot send an operator's elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.access import Permission, Principal
from orchestration.delivery import registry
from orchestration.delivery.failures import DeliveryFailed
from orchestration.delivery.registering.areas import area_of
from orchestration.delivery.registering.registering import register, rotate_secrets
from orchestration.delivery.registration import Registration
from orchestration.failures import SettingsError
from orchestration.runtime import Runtime
from orchestration.settings import Settings, load_settings

from .conftest import Receiver, wish

PLACE = ("acme", "bi-usage")
PORTAL = Principal("acme", "portal", frozenset({Permission.DELIVERY}))
AREAS = ("env:TENANT_{tenant}__", "vault:secret/data/tenants/{tenant}#")


@pytest.fixture
def own_place(tmp_path: Path) -> Path:
    """The folder of acme's secrets."""
    folder = tmp_path / "secrets" / "acme"
    folder.mkdir(parents=True)
    (folder / "hook").write_text("Bearer mine", encoding="utf-8")
    (tmp_path / "secrets" / "globex").write_text("Bearer theirs", encoding="utf-8")
    return folder


@pytest.fixture
def walled(runtime: Runtime, own_place: Path) -> Runtime:
    areas = (f"file:{own_place.parent}/{{tenant}}/", *AREAS)
    return replace(runtime, settings=Settings.model_copy(runtime.settings, update={"delivery_secret_areas": areas}))


def kept(runtime: Runtime) -> Registration:
    with runtime.control.reading() as connection:
        return registry.find(connection, PLACE)


@pytest.mark.parametrize(
    "reference",
    [
        "file:{own}/../globex",
        "file:{own}/sub/../../globex",
        "file:{own}",
        "file:{own}/",
        "file:{own}2/hook",
        "file:.strata/control/key_pepper",
        "env:STRATA_PRODUCT__GLOBEX__URL",
        "env:TENANT_ACME_EU__HOOK",
        "env:TENANT_acme__HOOK",
        "vault:secret/data/tenants/globex#hook",
        "vault:secret/data/tenants/acme/../globex#hook",
        "vault:secret/data/tenants/acme2#hook",
    ],
)
def test_a_secret_outside_the_areas_is_refused_and_sent_nowhere(
    walled: Runtime, receiver: Receiver, own_place: Path, reference: str
) -> None:
    secrets = {"authorization": reference.replace("{own}", str(own_place))}
    with pytest.raises(SettingsError, match="authorization names a place") as caught:
        register(walled, PLACE, wish(receiver, secrets=secrets), PORTAL)
    assert "STRATA_DELIVERY_SECRET_AREAS" in caught.value.remedy
    assert receiver.requests == []
    with pytest.raises(SettingsError, match="no registration"):
        kept(walled)


def test_a_secret_inside_the_areas_is_sent(walled: Runtime, receiver: Receiver, own_place: Path) -> None:
    register(walled, PLACE, wish(receiver, secrets={"authorization": f"file:{own_place}/hook"}), PORTAL)
    assert receiver.requests[0][0]["authorization"] == "Bearer mine"


@pytest.mark.parametrize("reference", ["env:TENANT_ACME__HOOK", "vault:secret/data/tenants/acme#hook"])
def test_variables_and_vaults_have_areas_too(walled: Runtime, receiver: Receiver, reference: str) -> None:
    register(walled, PLACE, wish(receiver, secrets={"authorization": reference}), PORTAL, trial=False)
    assert kept(walled).settings["authorization"] == {"reference": reference}


def test_without_areas_a_tenants_key_names_no_place_and_an_operator_any(
    runtime: Runtime, person: Principal, receiver: Receiver, own_place: Path
) -> None:
    asked = wish(receiver, secrets={"authorization": f"file:{own_place}/hook"})
    with pytest.raises(SettingsError, match="authorization") as caught:
        register(runtime, PLACE, asked, PORTAL)
    assert "Allowed are none" in caught.value.remedy
    register(runtime, PLACE, asked, person)
    assert receiver.requests[0][0]["authorization"] == "Bearer mine"


@pytest.mark.parametrize("channel", ["webhook", "rabbitmq", "nats"])
def test_whether_a_file_exists_is_not_told_by_ca_file(runtime: Runtime, receiver: Receiver, channel: str) -> None:
    there = {"webhook": {"url": "https://example.com/"}}.get(channel, {"host": "example.com"})
    told = set()
    for file in ("/etc/passwd", "/etc/no-such-file"):
        with pytest.raises(SettingsError, match="ca_file names a place") as caught:
            register(runtime, PLACE, wish(receiver, channel=channel, settings={**there, "ca_file": file}), PORTAL)
        told.add(str(caught.value))
    assert len(told) == 1


def test_the_operators_secret_is_not_redirected_by_a_tenants_change(
    walled: Runtime, person: Principal, receiver: Receiver, tmp_path: Path
) -> None:
    operators = {"authorization": f"file:{tmp_path}/secrets/globex"}
    register(walled, PLACE, wish(receiver, secrets=operators), person)
    before = kept(walled)
    elsewhere = {"url": receiver.url.replace("/hook", "/mine")}
    for fields in ({"settings": elsewhere}, {"settings": {"url": receiver.url, "ca_file": f"{tmp_path}/x"}}):
        with pytest.raises(SettingsError, match="authorization"):
            register(walled, PLACE, wish(receiver, secrets=operators, **fields), PORTAL, replace_it=True)
    assert (kept(walled), len(receiver.requests)) == (before, 1)

    register(walled, PLACE, wish(receiver, secrets=operators, title="Usage"), PORTAL, replace_it=True)
    assert (kept(walled).title, receiver.requests[-1][0]["authorization"]) == ("Usage", "Bearer theirs")
    register(walled, PLACE, wish(receiver, settings=elsewhere), PORTAL, replace_it=True)
    assert "authorization" not in receiver.requests[-1][0]


def test_a_tenants_key_rotates_what_it_registered(walled: Runtime, receiver: Receiver) -> None:
    register(walled, PLACE, wish(receiver), PORTAL)
    rotate_secrets(walled, PLACE, PORTAL, 24)
    register(walled, PLACE, wish(receiver, title="Usage"), PORTAL, replace_it=True)
    assert "previous_signing_key" in kept(walled).settings


def test_a_job_loads_for_its_own_tenant_alone(runtime: Runtime, receiver: Receiver) -> None:
    job = {"channel": "job", "payload": "reference", "events": ["gold.table.updated"]}
    with pytest.raises(SettingsError, match="job has no setting 'tenant'"):
        register(runtime, PLACE, wish(receiver, settings={"source": "product", "tenant": "globex"}, **job), PORTAL)
    with pytest.raises(DeliveryFailed, match=r"'acme' has no connection to product|no source 'product'"):
        register(runtime, PLACE, wish(receiver, settings={"source": "product"}, **job), PORTAL)


@pytest.mark.parametrize(
    "area",
    ["file:/run/secrets/{tenant}", "file:secrets/", "file:/run/../", "env:TENANT_{tenant}_", "env:", "vault:{name}/",
     "vault:secret/{tenant}", "https://x/"],
)  # fmt: skip
def test_an_area_without_an_end_is_no_area(area: str) -> None:
    with pytest.raises(SettingsError, match="STRATA_DELIVERY_SECRET_AREAS"):
        load_settings(delivery_secret_areas=area)


_NAMES = st.from_regex(r"[a-z][a-z0-9]?(_[a-z0-9]{1,2}){0,2}", fullmatch=True)


@given(_NAMES, _NAMES, st.sampled_from(["file:/s/{tenant}/", "file:/s/{tenant}-x/", "vault:a/{tenant}#", AREAS[0]]))
def test_areas_of_two_tenants_never_overlap(one: str, other: str, area: str) -> None:
    begins: Callable[[str, str], bool] = str.startswith
    assert one == other or not begins(area_of(area, one), area_of(area, other))
