"""Whatever the org or the network does: the rows are whole, or the load fails with the right class and no secret."""

from __future__ import annotations

import traceback
from collections.abc import Iterator

import pytest
from simulated_org import SimulatedOrg, account, everything, records_of

from orchestration.contracts.model import Contract
from orchestration.failures import AuthenticationFailed, ConnectionFailed, RateLimited, SchemaDrift, StrataError
from source_systems._simulation.change import Change
from source_systems.salesforce.extract import SalesforceExtractor
from source_systems.salesforce.simulator import switches

ROWS = 450
QUERY, NEXT_PAGE, RESULTS = "/queryAll", "/queryAll/01g", "/results"
PASSING = ("error_500", "unavailable", "row_locked", "disconnect", "truncated", "cut_off", "malformed")


@pytest.fixture
def filled(org: SimulatedOrg) -> SimulatedOrg:
    org.write(account(number, Name=f'Company "{number}"\nof many lines') for number in range(ROWS))
    return org


@pytest.fixture
def rest(filled: SimulatedOrg) -> Iterator[SalesforceExtractor]:
    with filled.connect() as extractor:
        yield extractor


@pytest.fixture
def bulk(filled: SimulatedOrg) -> Iterator[SalesforceExtractor]:
    with filled.connect(bulk_from=1, bulk_part=100) as extractor:
        yield extractor


def read(extractor: SalesforceExtractor, contracts: dict[str, Contract]) -> int:
    return len({record["Id"] for record in records_of(extractor.extract(contracts["account"], everything()))})


@pytest.mark.parametrize("kind", PASSING)
@pytest.mark.parametrize("path", [QUERY, NEXT_PAGE])
def test_a_page_that_fails_in_passing_is_read_again(
    filled: SimulatedOrg, rest: SalesforceExtractor, contracts: dict[str, Contract], kind: str, path: str
) -> None:
    filled.fail(kind, path=path, times=2)
    assert read(rest, contracts) == ROWS


@pytest.mark.parametrize("kind", PASSING)
@pytest.mark.parametrize("path", [QUERY, NEXT_PAGE])
def test_a_page_that_keeps_failing_fails_the_load(
    filled: SimulatedOrg, rest: SalesforceExtractor, contracts: dict[str, Contract], kind: str, path: str
) -> None:
    filled.fail(kind, path=path, times=9)
    with pytest.raises(ConnectionFailed, match="acme/salesforce: Account"):
        read(rest, contracts)


@pytest.mark.parametrize("kind", ["error_500", "disconnect", "truncated", "cut_off", "lost_row", "no_header"])
def test_a_part_of_bulk_results_that_fails_in_passing_is_read_again(
    filled: SimulatedOrg, bulk: SalesforceExtractor, contracts: dict[str, Contract], kind: str
) -> None:
    filled.fail(kind, path=RESULTS, times=2)
    assert read(bulk, contracts) == ROWS


@pytest.mark.parametrize("kind", ["error_500", "disconnect", "truncated", "cut_off", "lost_row"])
def test_a_part_of_bulk_results_that_keeps_failing_fails_the_load(
    filled: SimulatedOrg, bulk: SalesforceExtractor, contracts: dict[str, Contract], kind: str
) -> None:
    filled.fail(kind, path=RESULTS, times=9)
    with pytest.raises(ConnectionFailed, match="acme/salesforce: Account"):
        read(bulk, contracts)


def test_later_parts_without_a_header_line_get_one(
    filled: SimulatedOrg, bulk: SalesforceExtractor, contracts: dict[str, Contract]
) -> None:
    filled.fail("no_header", path=RESULTS, query="locator", times=9)
    assert read(bulk, contracts) == ROWS


def test_a_reply_that_takes_too_long_is_given_up(filled: SimulatedOrg, contracts: dict[str, Contract]) -> None:
    filled.fail("slow", path=QUERY, times=9, seconds=2)
    with filled.connect(read=0.1, attempts=2) as extractor, pytest.raises(ConnectionFailed, match="did not answer"):
        read(extractor, contracts)


def test_a_bulk_job_that_takes_too_long_is_given_up(filled: SimulatedOrg, contracts: dict[str, Contract]) -> None:
    with (
        filled.connect(bulk_from=1, bulk_job=0.0, bulk_poll=0.05) as extractor,
        pytest.raises(ConnectionFailed, match="bulk job was still"),
    ):
        read(extractor, contracts)


@pytest.mark.parametrize(
    "refusal",
    [
        ("request_limit", RateLimited),
        ("too_many_requests", RateLimited),
        ("no_access", AuthenticationFailed),
        ("api_disabled", AuthenticationFailed),
        ("locator_expired", ConnectionFailed),
    ],
)
@pytest.mark.parametrize("path", [QUERY, NEXT_PAGE])
def test_a_refusal_is_told_at_once_and_not_asked_for_again(
    filled: SimulatedOrg, contracts: dict[str, Contract], refusal: tuple[str, type[StrataError]], path: str
) -> None:
    kind, failure = refusal
    filled.fail(kind, path=path, times=9)
    with filled.connect() as extractor, pytest.raises(failure):
        read(extractor, contracts)
    assert filled.used == (1 if path == QUERY else 2)


def test_a_load_stops_before_the_request_that_would_exceed_the_allowance(
    filled: SimulatedOrg, rest: SalesforceExtractor, contracts: dict[str, Contract]
) -> None:
    filled.turn(daily_requests=2)
    with pytest.raises(RateLimited, match="api-usage stands at 2 of 2 requests"):
        read(rest, contracts)
    assert filled.used == 2


def test_an_allowance_that_others_used_up_is_told_as_such(
    filled: SimulatedOrg, rest: SalesforceExtractor, contracts: dict[str, Contract]
) -> None:
    filled.turn(daily_requests=0)
    with pytest.raises(RateLimited, match="REQUEST_LIMIT_EXCEEDED"):
        read(rest, contracts)


def test_fewer_rows_than_announced_fail_the_load(
    filled: SimulatedOrg, rest: SalesforceExtractor, contracts: dict[str, Contract]
) -> None:
    pages = rest.extract(contracts["account"], everything())
    next(pages)
    filled.write([Change("salesforce", "Account", "delete", account(number).row) for number in range(300, 310)])
    with pytest.raises(ConnectionFailed, match="announced 450 rows and delivered 440"):
        list(pages)


@pytest.mark.parametrize("kind", [*PASSING, "session_expired", "request_limit", "no_access", "locator_expired"])
def test_no_failure_shows_a_secret(filled: SimulatedOrg, contracts: dict[str, Contract], kind: str) -> None:
    filled.fail(kind, path=QUERY, times=9)
    with filled.connect() as extractor, pytest.raises(StrataError) as error:
        read(extractor, contracts)
    said = "".join(traceback.format_exception(error.value, chain=True))
    for name in ("client_id", "client_secret"):
        assert filled.connection.get(name) not in said
    assert "00D5f0" not in said


def test_a_bulk_job_over_a_field_that_is_gone_is_schema_drift(
    filled: SimulatedOrg, bulk: SalesforceExtractor, contracts: dict[str, Contract]
) -> None:
    switches.remove_field(filled.address, filled.place, "Account", "Industry")
    with pytest.raises(SchemaDrift, match="Industry"):
        read(bulk, contracts)
