from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from simulated_org import SimulatedOrg, account, everything, opportunity, records_of, since

from orchestration.contracts.extraction import CsvPart, JsonPage, Window
from orchestration.contracts.model import Contract
from source_systems._simulation.change import Change
from source_systems._simulation.ids import salesforce_id

BULK = {"bulk_from": 1, "bulk_part": 100}
AWKWARD = 'He said "no",\nthen left; naïve — 数\r\nend,'


def test_all_rows_come_page_by_page(org: SimulatedOrg, contracts: dict[str, Contract]) -> None:
    org.write(account(number) for number in range(450))
    with org.connect() as extractor:
        pages = list(extractor.extract(contracts["account"], everything()))
    assert [type(page) for page in pages] == [JsonPage] * 3
    assert len({record["Id"] for record in records_of(pages)}) == 450


def test_a_large_answer_comes_through_the_bulk_api_part_by_part(
    org: SimulatedOrg, contracts: dict[str, Contract]
) -> None:
    org.write(account(number) for number in range(450))
    with org.connect(bulk_from=450, bulk_part=100) as extractor:
        pages = list(extractor.extract(contracts["account"], everything()))
    assert [page.rows for page in pages if isinstance(page, CsvPart)] == [100, 100, 100, 100, 50]
    assert len({record["Id"] for record in records_of(pages)}) == 450


def test_the_number_of_requests_of_a_bulk_load_does_not_grow_with_its_rows(
    org: SimulatedOrg, contracts: dict[str, Contract]
) -> None:
    org.write(account(number) for number in range(3000))
    with org.connect(bulk_from=450) as extractor:
        assert len(records_of(extractor.extract(contracts["account"], everything()))) == 3000
    assert org.used < 15


@pytest.mark.parametrize("patience", [{}, BULK], ids=["rest", "bulk"])
def test_texts_with_newlines_and_quotes_arrive_as_they_were(
    org: SimulatedOrg, contracts: dict[str, Contract], patience: dict[str, int]
) -> None:
    org.write([account(1, Name=AWKWARD), account(2, Name="plain")])
    with org.connect(**patience) as extractor:
        records = records_of(extractor.extract(contracts["account"], everything()))
    assert {record["Name"] for record in records} == {AWKWARD, "plain"}


@pytest.mark.parametrize("patience", [{}, BULK], ids=["rest", "bulk"])
def test_money_is_exact_in_the_bytes_received(
    org: SimulatedOrg, contracts: dict[str, Contract], patience: dict[str, int]
) -> None:
    org.write([account(1, AnnualRevenue=Decimal("9007199254740993.01"))])
    with org.connect(**patience) as extractor:
        (page,) = extractor.extract(contracts["account"], everything())
    assert isinstance(page, (JsonPage, CsvPart))
    assert b"9.00719925474099301E15" in page.body


@pytest.mark.parametrize("patience", [{}, BULK], ids=["rest", "bulk"])
def test_rows_in_the_recycle_bin_come_marked_as_deleted_on_every_page(
    org: SimulatedOrg, contracts: dict[str, Contract], patience: dict[str, int]
) -> None:
    org.write(account(number, IsDeleted=number % 2 == 0) for number in range(450))
    with org.connect(**patience) as extractor:
        records = records_of(extractor.extract(contracts["account"], everything()))
    assert sum(record["IsDeleted"] in (True, "true") for record in records) == 225


def test_an_empty_object_yields_no_page(org: SimulatedOrg, contracts: dict[str, Contract]) -> None:
    with org.connect() as extractor:
        assert list(extractor.extract(contracts["lead"], everything())) == []


def test_a_delta_brings_what_changed_at_or_after_its_start_in_order(
    org: SimulatedOrg, contracts: dict[str, Contract]
) -> None:
    start = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
    for number in range(3):
        org.write([opportunity(number)], at=start + timedelta(seconds=number - 1))
    with org.connect() as extractor:
        records = records_of(extractor.extract(contracts["opportunity"], Window(start, datetime.now(UTC))))
    assert [record["Id"] for record in records] == [salesforce_id("Opportunity", number) for number in (1, 2)]
    assert all(one["SystemModstamp"] <= other["SystemModstamp"] for one, other in pairwise(records))
    assert records[0]["SystemModstamp"] == "2026-03-01T12:00:00.000+0000"


def test_a_delta_is_asked_for_in_utc_whatever_the_zone_of_its_start(
    org: SimulatedOrg, contracts: dict[str, Contract]
) -> None:
    start = datetime.fromisoformat("2026-03-01T12:00:00+05:30")
    org.write([opportunity(1)], at=start - timedelta(seconds=1))
    org.write([opportunity(2)], at=start)
    with org.connect() as extractor:
        records = records_of(extractor.extract(contracts["opportunity"], Window(start, datetime.now(UTC))))
    assert [record["Name"] for record in records] == ["Deal 2"]


def test_pages_of_rows_with_equal_timestamps_lose_and_repeat_nothing(
    org: SimulatedOrg, contracts: dict[str, Contract]
) -> None:
    org.write(opportunity(number) for number in range(1001))
    with org.connect() as extractor:
        records = records_of(extractor.extract(contracts["opportunity"], since(hours=1)))
    assert sorted(record["Id"] for record in records) == sorted(salesforce_id("Opportunity", n) for n in range(1001))


def test_a_formula_that_changes_alone_is_seen_by_the_full_load_only(
    org: SimulatedOrg, contracts: dict[str, Contract]
) -> None:
    org.write([account(1)], at=datetime.now(UTC) - timedelta(days=1))
    changed = account(1, Health_Score__c=Decimal("12.50"))
    org.write([Change("salesforce", "Account", "update", changed.row, formula_only=True)])
    with org.connect() as extractor:
        assert records_of(extractor.extract(contracts["account"], since(hours=1))) == []
        (record,) = records_of(extractor.extract(contracts["account"], everything()))
    assert record["Health_Score__c"] == 12.5


def test_a_query_that_runs_too_long_goes_through_the_bulk_api(
    org: SimulatedOrg, contracts: dict[str, Contract]
) -> None:
    org.write([account(1)])
    org.fail("query_timeout", path="/queryAll")
    with org.connect() as extractor:
        (page,) = extractor.extract(contracts["account"], everything())
    assert isinstance(page, CsvPart)


@pytest.mark.parametrize("patience", [{}, BULK], ids=["rest", "bulk"])
def test_keys_and_count_leave_deleted_rows_out(
    org: SimulatedOrg, contracts: dict[str, Contract], patience: dict[str, int]
) -> None:
    org.write(account(number, IsDeleted=number < 5) for number in range(300))
    with org.connect(**patience) as extractor:
        batches = list(extractor.keys(contracts["account"]))
        assert extractor.count(contracts["account"]) == 295
    assert {batch.schema.names[0] for batch in batches} == {"id"}
    keys = {key for batch in batches for key in batch.column("id").to_pylist()}
    assert keys == {salesforce_id("Account", number) for number in range(5, 300)}


def test_users_are_read_although_they_have_no_recycle_bin(org: SimulatedOrg, contracts: dict[str, Contract]) -> None:
    row = {"Id": salesforce_id("User", 1), "Username": "a@acme.example", "Name": "A", "IsActive": True}
    org.write([Change("salesforce", "User", "insert", row)])
    with org.connect() as extractor:
        assert [record["Username"] for record in records_of(extractor.extract(contracts["user"], everything()))] == [
            "a@acme.example"
        ]
        assert extractor.count(contracts["user"]) == 1


def test_nobody_asking_on_leaves_no_bulk_job_behind(org: SimulatedOrg, contracts: dict[str, Contract]) -> None:
    org.write(account(number) for number in range(450))
    with org.connect(**BULK) as extractor:
        pages = extractor.extract(contracts["account"], everything())
        next(pages)
        pages.close()  # type: ignore[attr-defined]
        bulk = [check for check in extractor.checks() if check.name == "Bulk API usage"]
    assert bulk[0].detail.startswith("10000 of 10000")
