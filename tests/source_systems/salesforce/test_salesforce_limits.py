from __future__ import annotations

from dataclasses import replace

import pytest
from pydantic import SecretStr
from simulated_org import SimulatedOrg

from orchestration.failures import RateLimited
from source_systems.salesforce.extract import connect
from source_systems.salesforce.limits import Usage, parse_limit_info, require_allowance


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("api-usage=18/5000", {"api-usage": Usage(18, 5000)}),
        ("api-usage=18/5000; api-bursts=1/750", {"api-usage": Usage(18, 5000), "api-bursts": Usage(1, 750)}),
        (
            "api-usage=25/5000; per-app-api-usage=17/250(appName=sample-app)",
            {"api-usage": Usage(25, 5000), "per-app-api-usage": Usage(17, 250)},
        ),
        ("", {}),
        ("something else", {}),
    ],
)
def test_each_form_of_the_header_is_read(header: str, expected: dict[str, Usage]) -> None:
    assert parse_limit_info(header) == expected


def test_a_used_up_allowance_of_the_application_stops_it_too() -> None:
    with pytest.raises(RateLimited, match="per-app-api-usage stands at 250 of 250"):
        require_allowance({"api-usage": Usage(300, 5000), "per-app-api-usage": Usage(250, 250)}, "acme/salesforce")


def test_a_burst_is_no_reason_to_stop() -> None:
    require_allowance({"api-usage": Usage(1, 5000), "api-bursts": Usage(750, 750)}, "acme/salesforce")


def test_a_healthy_org_passes_every_check(org: SimulatedOrg) -> None:
    with org.connect() as extractor:
        checks = extractor.checks()
    assert {check.name for check in checks} == {"sign-in", "API version", "objects", "API usage", "Bulk API usage"}
    assert all(check.ok for check in checks)


def test_a_low_allowance_is_found_before_it_is_used_up(org: SimulatedOrg) -> None:
    org.turn(daily_requests=3)
    with org.connect() as extractor:
        found = {check.name: check for check in extractor.checks()}
    assert not found["API usage"].ok
    assert found["API usage"].remedy


def test_a_version_that_the_org_does_not_serve_is_found(org: SimulatedOrg) -> None:
    settings = {**org.connection.settings, "api_version": SecretStr("20.0")}
    with connect(replace(org.connection, settings=settings)) as extractor:
        found = {check.name: check for check in extractor.checks()}
    assert not found["API version"].ok


def test_a_refused_sign_in_is_the_only_finding(org: SimulatedOrg) -> None:
    settings = {**org.connection.settings, "client_secret": SecretStr("wrong")}
    with connect(replace(org.connection, settings=settings)) as extractor:
        (check,) = extractor.checks()
    assert (check.name, check.ok) == ("sign-in", False)
    assert "connected app" in check.remedy
