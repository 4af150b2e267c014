"""Jobs that would start themselves are found by what is built from what."""

from __future__ import annotations

import pytest

from orchestration.delivery.circles import Job, circle

ACCOUNT, USAGE, BOTH = ("gold", "account"), ("gold", "usage"), ("gold", "entitlement")
BUILT_FROM = {
    ("bronze_salesforce", "account"): frozenset({"salesforce"}),
    ACCOUNT: frozenset({"salesforce"}),
    USAGE: frozenset({"product"}),
    BOTH: frozenset({"salesforce", "product"}),
}


@pytest.mark.parametrize(
    ("tables", "source", "found"),
    [
        ([ACCOUNT], "product", ()),
        ([ACCOUNT], "salesforce", ("own",)),
        ([BOTH], "product", ("own",)),
        ([ACCOUNT, USAGE], "product", ("own",)),
        ([("gold", "unknown")], "product", ()),
    ],
)
def test_a_job_alone(tables: list[tuple[str, str]], source: str, found: tuple[str, ...]) -> None:
    assert circle(Job("own", source, tables), [], BUILT_FROM) == found


def test_jobs_that_start_each_other() -> None:
    own, back = Job("own", "product", [ACCOUNT]), Job("back", "salesforce", [USAGE])
    assert circle(own, [back], BUILT_FROM) == ("own", "back")
    assert circle(back, [own], BUILT_FROM) == ("back", "own")
    assert circle(own, [Job("forth", "crm", [USAGE])], BUILT_FROM) == ()


def test_a_circle_of_others_is_theirs() -> None:
    others = [Job("a", "salesforce", [USAGE]), Job("b", "product", [ACCOUNT])]
    assert circle(Job("own", "crm", [ACCOUNT]), others, BUILT_FROM) == ()


def test_a_job_that_follows_loads_starts_itself() -> None:
    assert circle(Job("own", "product", [], follows_loads=True), [], BUILT_FROM) == ("own",)
