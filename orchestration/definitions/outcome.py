"""What a load's results mean to Dagster: materialisations with their counts, a retry, or a failure.

The failure's class decides. Dagster counts attempts, the ledger knows which tenant and
entity of this run are done; together the next attempt takes only what failed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import dagster as dg

from orchestration.failures import POLICIES, FailureClass, StrataError

if TYPE_CHECKING:
    from orchestration.bronze.ledger import LoadResult

COUNTS = ("extracted", "inserted", "updated", "unchanged", "superseded", "rejected", "deleted", "held")


@dataclass(frozen=True)
class Fault:
    """One thing that went wrong: whose it is, of which class, and the sentence for people."""

    subject: str
    failure_class: FailureClass
    message: str

    def __str__(self) -> str:
        """Say it in one line."""
        return f"{self.subject}: {self.failure_class.value.replace('_', ' ')}: {self.message}"


def load_faults(results: Iterable[LoadResult], broken: Mapping[str, StrataError]) -> list[Fault]:
    """Return what failed: loads by tenant, and entities whose contract cannot be read."""
    loads = [
        Fault(f"{subject(result)}", FailureClass(result.failure_class or FailureClass.PERMANENT), result.message)
        for result in results
        if result.status == "failed"
    ]
    return loads + [Fault(name, error.failure_class, str(error)) for name, error in broken.items()]


def subject(result: LoadResult) -> str:
    """Name one load as people know it: ``acme/salesforce account``, with the instance where there are several."""
    instance = "" if result.connection == "main" else f"/{result.connection}"
    return f"{result.tenant_id}/{result.source}{instance} {result.entity}"


def load_metadata(results: Sequence[LoadResult], rows: int | None) -> dict[str, dg.MetadataValue]:
    """Return totals, and the counts of each tenant as a table."""
    metadata: dict[str, dg.MetadataValue] = {
        name: dg.MetadataValue.int(sum(getattr(result, name) for result in results)) for name in COUNTS
    }
    metadata["tenants"] = dg.MetadataValue.table([_record(result) for result in results], _TABLE)
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


def raise_for(faults: Sequence[Fault], attempt: int) -> None:
    """Ask for another attempt where a class of failure allows it, or fail for good.

    ``attempt`` counts from 0. A retry waits the longest of the waits asked for, which double.

    Raises:
        RetryRequested: something may succeed when tried again.
        Failure: nothing will; says every tenant, entity and reason.
    """
    if not faults:
        return
    text = "\n".join(str(fault) for fault in faults)
    policies = [POLICIES[fault.failure_class] for fault in faults]
    again = [policy for policy in policies if policy.retries > attempt]
    if again:
        wait = max(policy.delay_seconds for policy in again) * 2**attempt
        raise dg.RetryRequested(max_retries=attempt + 1, seconds_to_wait=wait) from StrataError(text)
    raise dg.Failure(
        description=text,
        metadata={"failures": len(faults), "classes": ", ".join(sorted({f.failure_class.value for f in faults}))},
        allow_retries=False,
    )
