"""What a call has to know before its first load: the tables brought up to the contracts, and every place's mark.

It is read in one session for all tenants. A mark may be out of date when its load begins:
the load's transaction compares it once more, so nothing is built on one that is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from orchestration.bronze import ledger, rejects
from orchestration.bronze.ledger import Mark
from orchestration.contracts.model import Contract
from orchestration.contracts.source import Mode
from orchestration.failures import ContractViolated, StrataError
from orchestration.landing.manifest import Place
from orchestration.warehouse import apply
from orchestration.warehouse.protocol import Session


@dataclass(frozen=True)
class Outset:
    """Marks of a source's places, those that the run has loaded, those with open rejects; entities refused, and why."""

    marks: Mapping[Place, Mark] = field(default_factory=dict)
    done: Collection[Place] = ()
    waiting: Collection[Place] = ()
    refused: Mapping[str, StrataError] = field(default_factory=dict)


def set_out(session: Session, source: str, contracts: Iterable[Contract], mode: Mode, run_id: str | None) -> Outset:
    """Create and add what the contracts ask for, and read how everything stands."""
    contracts = list(contracts)
    # Looked at all together first: nearly every call finds nothing to do.
    refused = {} if apply.is_current(session, contracts) else _bring_all_up(session, contracts, mode)
    return Outset(
        ledger.read_marks(session, source),
        ledger.finished_in_run(session, source, run_id),
        rejects.places_waiting(session, source),
        refused,
    )


def _bring_all_up(session: Session, contracts: Iterable[Contract], mode: Mode) -> dict[str, StrataError]:
    """Return why single entities are refused."""
    refused: dict[str, StrataError] = {}
    for contract in contracts:
        try:
            _bring_up(session, contract, mode)
        except StrataError as error:
            refused[contract.entity] = error
    return refused


def _bring_up(session: Session, contract: Contract, mode: Mode) -> None:
    """Only ``init`` rewrites a column whose type the contract changed, or a table whose key is held by an index."""
    for change in apply.ensure(session, [contract], retype=mode == "init"):
        if change.retypes and mode != "init":
            message = f"{contract.source}/{contract.entity}: the contract asks to {change.description}."
            raise ContractViolated(message, "Run strata warehouse apply, or load with --mode init: the data is kept.")
