"""What a load's results mean to Dagster: materialisations with their counts, a retry, or a failure.

The failure's class decides. Dagster counts attempts, the ledger knows which tenant and
entity of this run are done; together the next attempt takes only what failed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import dagster as dg

from orchestration.contracts.source import SourceSystem
from orchestration.definitions.specs import faults
from orchestration.failures import POLICIES, FailureClass, StrataError
from orchestration.shortened import few

if TYPE_CHECKING:
    from orchestration.bronze.ledger import LoadResult

OF_CONNECTIONS = frozenset({FailureClass.CONNECTION, FailureClass.AUTHENTICATION, FailureClass.RATE_LIMIT})
"""What fails a connection as a whole: one alert tells it for all its entities."""
_ENTITIES_SHOWN = 5
MOST_SHOWN = 50
"""What a run says must not grow with the number of tenants."""
COUNTS = ("extracted", "inserted", "updated", "unchanged", "superseded", "rejected", "deleted", "held")


@dataclass(frozen=True)
class Fault:
    """One thing that went wrong: what, of which class, the sentence for people, and who owns it.

    ``entity`` is the last word of the subject where that is a load.
    """

    subject: str
    failure_class: FailureClass
    message: str
    owner: str = "platform"
    tenant: str | None = None
    entity: str = ""

    def __str__(self) -> str:
        """Say it in one line."""
        return f"{self.subject}: {self.failure_class.value.replace('_', ' ')}: {self.message}"


def load_faults(source: SourceSystem, results: Iterable[LoadResult], broken: Collection[str]) -> list[Fault]:
    """Return what failed: loads by tenant, and entities (``broken``) whose contract cannot be read."""
    loads = [_load_fault(source, result) for result in results if result.status == "failed"]
    owner, known = source.description.owner, faults(source)
    return loads + [
        Fault(f"{source.name} {name}", known[name].failure_class, str(known[name]), owner) for name in broken
    ]


def by_connection(found: Iterable[Fault], classes: Collection[FailureClass] = tuple(FailureClass)) -> list[Fault]:
    """Make one fault of those that say the same of several entities of a connection: its server is down, say.

    Those of other ``classes`` stay as they are. What fails a connection as a whole is one fault, in whatever words
    its entities say it.
    """
    alike: dict[Fault, list[Fault]] = {}
    for fault in found:
        together = fault.entity and fault.failure_class in classes
        message = "" if fault.failure_class in OF_CONNECTIONS else fault.message
        key = replace(fault, subject=_connection(fault), message=message, owner="", entity="") if together else fault
        alike.setdefault(key, []).append(fault)
    return [_of_all(faults) if faults[1:] else faults[0] for faults in alike.values()]


def _of_all(alike: Sequence[Fault]) -> Fault:
    first, owners = alike[0], {fault.owner for fault in alike}
    entities = few([fault.entity for fault in alike], _ENTITIES_SHOWN)
    return replace(
        first,
        subject=_connection(first),
        message=f"{first.message} ({len(alike)} entities: {entities})",
        owner=first.owner if len(owners) == 1 else "platform",
        entity="",
    )


def _connection(fault: Fault) -> str:
    return fault.subject.removesuffix(f" {fault.entity}")


def well_subjects(results: Iterable[LoadResult], found: Iterable[Fault]) -> list[str]:
    """Return the loads that went well, and the connections that no load found broken."""
    loaded = {subject(result): _place(result) for result in results if result.status == "loaded"}
    broken = {_connection(fault) for fault in found if fault.entity and fault.failure_class in OF_CONNECTIONS}
    return [*loaded, *sorted(set(loaded.values()) - broken)]


def held_faults(source: SourceSystem, results: Iterable[LoadResult]) -> list[Fault]:
    """Return the tombstones that wait for a person: nothing failed, and yet somebody has to look."""
    return [
        _fault(source, r, FailureClass.SHRINK, f"{r.held} tombstones are held. {r.message}")
        for r in results
        if r.status == "held"
    ]


def _load_fault(source: SourceSystem, result: LoadResult) -> Fault:
    failure_class = FailureClass(result.failure_class or FailureClass.PERMANENT)
    return _fault(source, result, failure_class, result.message)


def _fault(source: SourceSystem, result: LoadResult, failure_class: FailureClass, message: str) -> Fault:
    return Fault(
        subject(result), failure_class, message, _owner(source, result.entity), result.tenant_id, result.entity
    )


def _owner(source: SourceSystem, entity: str) -> str:
    contract = source.contracts.get(entity)
    return contract.owner if contract else source.description.owner


def subject(result: LoadResult) -> str:
    """Name one load as people know it: ``acme/salesforce account``, with the instance where there are several."""
    return f"{_place(result)} {result.entity}"


def _place(result: LoadResult) -> str:
    instance = "" if result.connection == "main" else f"/{result.connection}"
    return f"{result.tenant_id}/{result.source}{instance}"


@dataclass(frozen=True)
class LeftOut:
    """Tenants that a run leaves out, by the reason."""

    by_reason: dict[str, list[str]] = field(default_factory=dict)

    def add(self, tenant: str, reason: str) -> None:
        """Take one tenant."""
        self.by_reason.setdefault(reason, []).append(tenant)

    def lines(self) -> list[str]:
        """Say it in a line for each reason."""
        return [
            f"{len(names)} tenants are left out because {reason}: {few(names, MOST_SHOWN)}"
            for reason, names in self.by_reason.items()
        ]


def load_metadata(results: Sequence[LoadResult], rows: int | None) -> dict[str, dg.MetadataValue]:
    """Return totals, and the counts of each tenant as a table; of many tenants only what is most worth a look."""
    metadata: dict[str, dg.MetadataValue] = {
        name: dg.MetadataValue.int(sum(getattr(result, name) for result in results)) for name in COUNTS
    }
    shown = sorted(results, key=_interest)[:MOST_SHOWN] if len(results) > MOST_SHOWN else results
    metadata["tenants"] = dg.MetadataValue.table([_record(result) for result in shown], _TABLE)
    if len(shown) < len(results):
        metadata["tenants_shown"] = dg.MetadataValue.text(f"{len(shown)} of {len(results):,}; all: strata status")
        for status, number in sorted(Counter(result.status for result in results).items()):
            metadata[f"tenants_{status}"] = dg.MetadataValue.int(number)
    if rows is not None:
        metadata["dagster/row_count"] = dg.MetadataValue.int(rows)
    return metadata


_TEXTS = ("tenant", "connection", "mode", "status", "watermark", "message")
_TABLE = dg.TableSchema(
    columns=[
        *(dg.TableColumn(name, "string") for name in _TEXTS[:4]),
        *(dg.TableColumn(name, "int") for name in COUNTS),
        dg.TableColumn("seconds", "float"),
        *(dg.TableColumn(name, "string") for name in _TEXTS[4:]),
    ]
)


def _interest(result: LoadResult) -> tuple[bool, bool, int, int, float]:
    """Sort by what is most worth a look: failed, held, with rejects, with most changes, slowest."""
    changes = result.inserted + result.updated + result.deleted
    return result.status != "failed", result.status != "held", -result.rejected, -changes, -result.seconds


def _record(result: LoadResult) -> dg.TableRecord:
    return dg.TableRecord(
        {
            "tenant": result.tenant_id,
            "connection": result.connection,
            "mode": result.mode,
            "status": result.status,
            **{name: getattr(result, name) for name in COUNTS},
            "seconds": round(result.seconds, 3),
            "watermark": str(result.watermark or ""),
            "message": result.message or "",
        }
    )


def may_retry(found: Iterable[Fault], attempt: int) -> bool:
    """Say whether another attempt may mend any of it; ``attempt`` counts from 0."""
    return any(POLICIES[fault.failure_class].retries > attempt for fault in found)


def raise_for(found: Sequence[Fault], attempt: int) -> None:
    """Ask for another attempt where a class of failure allows it, or fail for good.

    ``attempt`` counts from 0. A retry waits the longest of the waits asked for, which double.

    Raises:
        RetryRequested: something may succeed when tried again.
        Failure: nothing will; says every tenant, entity and reason.
    """
    if not found:
        return
    text = few([str(fault) for fault in by_connection(found)], MOST_SHOWN, "\n")
    if may_retry(found, attempt):
        policies = [POLICIES[fault.failure_class] for fault in found]
        wait = max(policy.delay_seconds for policy in policies if policy.retries > attempt) * 2**attempt
        raise dg.RetryRequested(max_retries=attempt + 1, seconds_to_wait=wait) from StrataError(text)
    raise dg.Failure(
        description=text,
        metadata={"failures": len(found), "classes": ", ".join(sorted({f.failure_class.value for f in found}))},
        allow_retries=False,
    )
