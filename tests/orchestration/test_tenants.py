"""Tenants and connections: the file says who there is, the environment says how to reach their sources."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from orchestration.contracts.source import SourceDescription, SourceSystem
from orchestration.control import open_control
from orchestration.control.registry import read_registry
from orchestration.control.seed import seed
from orchestration.failures import SettingsError
from orchestration.settings import load_settings
from orchestration.tenants import Tenant, require_settings

SETTINGS = [{"name": "url", "description": "Address", "secret": True, "example": "postgresql://db"}]


def source(name: str) -> SourceSystem:
    description = {"title": name, "owner": "data", "kind": "postgres", "settings": SETTINGS}
    return SourceSystem(name, Path(name), SourceDescription.model_validate(description))


SOURCES = {"product": source("product"), "crm": source("crm")}


def read_tenants(path: Path, sources: Mapping[str, SourceSystem], environment: Mapping[str, str]) -> dict[str, Tenant]:
    """Seed a control plane beside the file, and read it."""
    control = open_control(load_settings(home=path.parent / "home"))
    seed(control, path, sources)
    return read_registry(control, sources, environment)


@pytest.fixture
def tenants_file(tmp_path: Path) -> Path:
    path = tmp_path / "tenants.yaml"
    path.write_text(
        "tenants:\n"
        "  acme: {title: Acme, connections: {product: simulated, crm: {eu: simulated, us: simulated}}}\n"
        "  globex: {connections: {product: simulated}}\n"
    )
    return path


def test_without_a_file_there_is_one_default_tenant_with_every_source_simulated(tmp_path: Path) -> None:
    tenants = read_tenants(tmp_path / "none.yaml", SOURCES, {})
    assert list(tenants) == ["default"]
    assert all(connection.simulated for connection in tenants["default"].connections)
    assert {connection.source for connection in tenants["default"].connections} == {"product", "crm"}


def test_without_a_file_the_short_form_names_the_default_tenants_real_source_alone(tmp_path: Path) -> None:
    tenants = read_tenants(tmp_path / "none.yaml", SOURCES, {"STRATA_PRODUCT__URL": "postgresql://real"})
    (connection,) = tenants["default"].connections
    assert (connection.label, connection.simulated, connection.get("url")) == (
        "default/product", False, "postgresql://real",
    )  # fmt: skip


def test_a_tenant_may_lack_a_source_and_may_have_two_instances_of_one(tenants_file: Path) -> None:
    tenants = read_tenants(tenants_file, SOURCES, {})
    assert tenants["globex"].of_source("crm") == ()
    assert [connection.label for connection in tenants["acme"].of_source("crm")] == ["acme/crm/eu", "acme/crm/us"]


def test_the_environment_wins_over_a_simulated_connection(tenants_file: Path) -> None:
    tenants = read_tenants(tenants_file, SOURCES, {"STRATA_CRM__ACME__EU__URL": "postgresql://eu"})
    eu, us = tenants["acme"].of_source("crm")
    assert (eu.simulated, eu.get("url")) == (False, "postgresql://eu")
    assert us.simulated


def test_a_secret_setting_shows_in_no_representation(tenants_file: Path) -> None:
    tenants = read_tenants(tenants_file, SOURCES, {"STRATA_PRODUCT__ACME__URL": "postgresql://u:hunter2@h/d"})
    assert "hunter2" not in repr(tenants)


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"STRATA_PRODUCT__ACME__PORT": "1"}, "STRATA_PRODUCT__ACME__PORT: PORT is no setting of product."),
        ({"STRATA_PRODUCT__URL": "x"}, "STRATA_PRODUCT__URL: names no known tenant"),
        ({"STRATA_PRODUCT__ACME__A__B__URL": "x"}, "STRATA_PRODUCT__ACME__A__B__URL: too many parts."),
    ],
)
def test_a_wrong_variable_is_named(tenants_file: Path, environment: dict[str, str], message: str) -> None:
    with pytest.raises(SettingsError, match=message.replace(".", r"\.")):
        read_tenants(tenants_file, SOURCES, environment)


def test_a_missing_setting_stops_its_own_connection_alone_and_is_named(tenants_file: Path) -> None:
    tenants = read_tenants(tenants_file, SOURCES, {"STRATA_CRM__GLOBEX": "environment"})
    (crm,) = tenants["globex"].of_source("crm")
    with pytest.raises(SettingsError, match="STRATA_CRM__GLOBEX__URL is not set"):
        require_settings(crm, SOURCES["crm"])
    for other in (*tenants["acme"].connections, *tenants["globex"].of_source("product")):
        require_settings(other, SOURCES[other.source])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tenants: {acme: {connections: {sap: simulated}}}", "source 'sap' is unknown"),
        ("tenants: {Acme Inc: {}}", "tenant 'Acme Inc'"),
        ("tenants: {acme__eu: {}}", "tenant 'acme__eu'"),
        ("tenants: {acme: {connections: {product: 'postgresql://u:p@h'}}}", "is neither 'simulated' nor"),
        ("customers: {}", "no readable 'tenants:' mapping"),
        ("", "is empty: it has to begin with 'tenants:'"),
        ("tenants:\n  acme: [", r"tenants\.yaml:2:10: no YAML: .*\.\s"),
    ],
)
def test_a_wrong_file_is_told_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "tenants.yaml"
    path.write_text(text)
    with pytest.raises(SettingsError, match=message) as caught:
        read_tenants(path, SOURCES, {})
    assert str(path) in str(caught.value)
