"""The stand-in keeps to the real protocol: simple-salesforce's own client works against it, and so do its refusals."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import SalesforceMalformedRequest
from simulated_org import SimulatedOrg, account, opportunity

from orchestration.failures import SettingsError
from source_systems._simulation.change import Change
from source_systems._simulation.ids import salesforce_id
from source_systems.salesforce import simulator
from source_systems.salesforce.simulator.records import open_records
from source_systems.salesforce.simulator.world import org_file

VERSION = "/services/data/v62.0"


@pytest.fixture
def http(org: SimulatedOrg) -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env, session.verify = False, org.address["ca_file"]
        form = {
            "grant_type": "client_credentials",
            "client_id": org.connection.get("client_id"),
            "client_secret": org.connection.get("client_secret"),
        }
        token = session.post(org.address["url"] + "/services/oauth2/token", form, timeout=5).json()["access_token"]
        session.headers["Authorization"] = f"Bearer {token}"
        yield session


@pytest.fixture
def salesforce(org: SimulatedOrg, http: requests.Session) -> Salesforce:
    token = str(http.headers["Authorization"]).removeprefix("Bearer ")
    return Salesforce(session_id=token, instance_url=org.address["url"], version="62.0", session=http)


def refusal(reply: requests.Response) -> tuple[int, str]:
    (entry,) = reply.json()
    return reply.status_code, entry["errorCode"]


def query(org: SimulatedOrg, http: requests.Session, soql: str, **headers: str) -> requests.Response:
    return http.get(f"{org.address['url']}{VERSION}/queryAll/", params={"q": soql}, headers=headers, timeout=5)


def test_simple_salesforce_queries_describes_and_counts(org: SimulatedOrg, salesforce: Salesforce) -> None:
    org.write(account(number, IsDeleted=number == 0) for number in range(2500))
    assert len(salesforce.query_all("SELECT Id FROM Account")["records"]) == 2499
    assert salesforce.query("SELECT COUNT() FROM Account", include_deleted=True)["totalSize"] == 2500
    assert {field["name"] for field in salesforce.Account.describe()["fields"]} >= {"Id", "BillingAddress"}
    assert salesforce.limits()["DailyApiRequests"]["Remaining"] > 0
    assert salesforce.api_usage["api-usage"].total == 100_000


def test_simple_salesforce_reads_bulk_results_and_the_deleted_feed(org: SimulatedOrg, salesforce: Salesforce) -> None:
    org.write(account(number) for number in range(25))
    org.write([Change("salesforce", "Account", "delete", account(3).row)])
    parts = list(salesforce.bulk2.Account.query("SELECT Id, Name FROM Account", max_records=10, wait=0.05))
    assert [part.count("\n") - 1 for part in parts] == [10, 10, 4]
    now = datetime.now(UTC)
    deleted = salesforce.Account.deleted(now - timedelta(hours=1), now + timedelta(minutes=1))
    assert [record["id"] for record in deleted["deletedRecords"]] == [salesforce_id("Account", 3)]
    updated = salesforce.Account.updated(now - timedelta(hours=1), now + timedelta(minutes=1))
    assert len(updated["ids"]) == 24


@pytest.mark.parametrize(
    ("soql", "count"),
    [
        ("select Id from account", 6),
        ("SELECT Id FROM Account WHERE Name = 'Company 2'", 1),
        (r"SELECT Id FROM Account WHERE Name = 'O\'Hara'", 1),
        ("SELECT Id FROM Account WHERE Name LIKE 'Company%' AND NumberOfEmployees >= 2", 3),
        ("SELECT Id FROM Account WHERE (Name = 'Company 1' OR Name = 'Company 2') AND IsDeleted = false", 2),
        ("SELECT Id FROM Account WHERE NOT Name = 'Company 1'", 5),
        ("SELECT Id FROM Account WHERE Industry = null AND AnnualRevenue > 10.5", 6),
        ("SELECT Id FROM Account WHERE Name NOT IN ('Company 1', 'Company 2')", 4),
        ("SELECT Id FROM Account ORDER BY NumberOfEmployees DESC NULLS LAST, Id LIMIT 2 OFFSET 1", 2),
        ("SELECT Id FROM Account WHERE SystemModstamp >= 2020-10-22T21:03:23.000+0000", 6),
        ("SELECT Id FROM Account WHERE SystemModstamp < 2020-10-22T21:03:23Z", 0),
    ],
)
def test_soql_selects_what_it_says(org: SimulatedOrg, http: requests.Session, soql: str, count: int) -> None:
    org.write(account(number, NumberOfEmployees=number) for number in range(5))
    org.write([account(9, Name="O'Hara", NumberOfEmployees=None)])
    assert query(org, http, soql).json()["totalSize"] == count


@pytest.mark.parametrize(
    ("soql", "code"),
    [
        ("", "MALFORMED_QUERY"),
        ("SELECT Id", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account WHERE", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account GROUP BY Id", "MALFORMED_QUERY"),
        ("SELECT Id, FROM Account", "MALFORMED_QUERY"),
        ("SELECT Id FROM Nothing__c", "INVALID_TYPE"),
        ("SELECT Nothing__c FROM Account", "INVALID_FIELD"),
        ("SELECT Id FROM Account WHERE SystemModstamp > '2020-10-22T21:03:23Z'", "INVALID_FIELD"),
        ("SELECT IsDeleted FROM User", "INVALID_FIELD"),
    ],
)
def test_a_wrong_query_is_refused_with_an_array_of_errors(
    org: SimulatedOrg, http: requests.Session, soql: str, code: str
) -> None:
    assert refusal(query(org, http, soql)) == (400, code)


def test_a_page_holds_200_to_2000_records_whatever_was_asked_for(org: SimulatedOrg, http: requests.Session) -> None:
    org.write(account(number) for number in range(2100))

    def size(wanted: str) -> int:
        soql = "SELECT Id FROM Account"
        return len(query(org, http, soql, **{"Sforce-Query-Options": wanted}).json()["records"])

    assert [size("batchSize=10"), size("batchSize=500"), size("batchSize=9000"), size("")] == [200, 500, 2000, 2000]


def test_a_locator_that_is_unknown_is_refused(org: SimulatedOrg, http: requests.Session) -> None:
    reply = http.get(f"{org.address['url']}{VERSION}/query/01gnothing-200", timeout=5)
    assert refusal(reply) == (400, "INVALID_QUERY_LOCATOR")


def test_a_compound_field_is_an_object_for_rest_and_refused_in_bulk(
    org: SimulatedOrg, http: requests.Session, salesforce: Salesforce
) -> None:
    org.write([account(1, BillingCity="Ulm")])
    (record,) = query(org, http, "SELECT BillingAddress FROM Account").json()["records"]
    assert record["BillingAddress"]["city"] == "Ulm"
    with pytest.raises(SalesforceMalformedRequest, match="compound data not supported"):
        list(salesforce.bulk2.Account.query("SELECT Id, BillingAddress FROM Account"))


@pytest.mark.parametrize(("delimiter", "mark"), [("COMMA", ","), ("PIPE", "|"), ("TAB", "\t")])
def test_bulk_results_come_as_asked_and_with_the_version_of_their_job_only(
    org: SimulatedOrg, http: requests.Session, delimiter: str, mark: str
) -> None:
    org.write([opportunity(1, Type=None)])
    url = f"{org.address['url']}{VERSION}/jobs/query"
    body = {"operation": "queryAll", "query": "SELECT Name, Type, IsWon, CloseDate, Amount FROM Opportunity"}
    job = http.post(url, json=body | {"columnDelimiter": delimiter, "lineEnding": "CRLF"}, timeout=5).json()
    assert job["state"] == "UploadComplete"
    assert refusal(http.get(f"{url}/{job['id']}/results", timeout=5))[1] == "INVALIDJOBSTATE"
    while http.get(f"{url}/{job['id']}", timeout=5).json()["state"] != "JobComplete":
        pass
    results = http.get(f"{url}/{job['id']}/results", timeout=5)
    header = ('"Name"', '"Type"', '"IsWon"', '"CloseDate"', '"Amount"')
    values = ('"Deal 1"', '""', '"false"', '"2026-03-31"', '"100.1"')
    assert results.text == mark.join(header) + "\r\n" + mark.join(values) + "\r\n"
    assert (results.headers["Sforce-NumberOfRecords"], results.headers["Sforce-Locator"]) == ("1", "null")
    assert http.get(f"{url}/{job['id']}".replace("62.0", "61.0"), timeout=5).status_code == 409
    assert http.delete(f"{url}/{job['id']}", timeout=5).status_code == 204
    assert refusal(http.get(f"{url}/{job['id']}", timeout=5)) == (404, "NOT_FOUND")


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (timedelta(minutes=1), timedelta(0)),
        (timedelta(days=16), timedelta(0)),
        (timedelta(0), timedelta(hours=1)),
    ],
    ids=["one minute", "more than 15 days ago", "backwards"],
)
def test_bad_replication_dates_are_refused(
    org: SimulatedOrg, http: requests.Session, start: timedelta, end: timedelta
) -> None:
    now = datetime.now(UTC)
    params = {"start": (now - start).isoformat(), "end": (now - end).isoformat()}
    reply = http.get(f"{org.address['url']}{VERSION}/sobjects/Account/deleted", params=params, timeout=5)
    assert refusal(reply) == (400, "INVALID_REPLICATION_DATE")


def test_a_request_without_a_session_is_refused(org: SimulatedOrg, http: requests.Session) -> None:
    del http.headers["Authorization"]
    assert refusal(query(org, http, "SELECT Id FROM Account")) == (401, "INVALID_SESSION_ID")


def test_oauth_errors_are_one_object(org: SimulatedOrg, http: requests.Session) -> None:
    reply = http.post(f"{org.address['url']}/services/oauth2/token", {"grant_type": "password"}, timeout=5)
    assert reply.status_code == 400
    assert reply.json() == {"error": "unsupported_grant_type", "error_description": "grant type not supported"}


def test_the_switches_want_the_secret_of_the_server(org: SimulatedOrg, http: requests.Session) -> None:
    assert http.post(f"{org.address['url']}/__simulator/{org.place}/heal", timeout=5).status_code == 403


def test_private_files_are_for_their_owner_alone(server: simulator.Address) -> None:
    for name in ("server.key", "ca.pem"):
        assert stat.S_IMODE((Path(server["folder"]) / name).stat().st_mode) == 0o600


def test_the_world_survives_a_restart_and_is_not_made_twice(tmp_path: Path) -> None:
    address = simulator.start(tmp_path)
    try:
        simulator.bring_to(address, "acme", 1, seed=7, size=12)
    finally:
        simulator.stop(address)
    assert not simulator.is_running(address)
    again = simulator.start(tmp_path)
    try:
        before = _content(again, "acme")
        simulator.bring_to(again, "acme", 1, seed=7, size=12)
        assert _content(again, "acme") == before
        with pytest.raises(SettingsError, match="STRATA_WORLD_SEED"):
            simulator.bring_to(again, "acme", 1, seed=8, size=12)
    finally:
        simulator.stop(again)


def test_two_orgs_never_show_each_other_their_rows(org: SimulatedOrg, server: simulator.Address) -> None:
    org.write([account(1)])
    other = SimulatedOrg(server, f"{org.place}_eu")
    other.write([account(1, Name="the other"), account(2)])
    assert _content(server, org.place)["Account"] != _content(server, other.place)["Account"]


def _content(address: simulator.Address, place: str) -> dict[str, list[Any]]:
    with open_records(org_file(Path(address["folder"]), place)) as records:
        return {name: records.connection.execute(f'SELECT * FROM "{name}"').fetchall() for name in records.objects}
