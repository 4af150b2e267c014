"""Brings schemas and tables of the warehouse to what contracts and platform ask for, keeping all data.

:func:`plan` only looks; :func:`apply` runs what it found. A column that a
contract no longer names stays, so that nothing is lost by an edit of a file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from orchestration import names
from orchestration.contracts.model import Contract
from orchestration.failures import ContractViolated
from orchestration.warehouse.ddl import KEY_MARK, TableShape
from orchestration.warehouse.platform import PLATFORM_TABLES
from orchestration.warehouse.protocol import Session


@dataclass(frozen=True)
class Change:
    """One statement and what it does, in words; ``retypes`` marks one that rewrites a column.

    ``refusal`` says why the statement cannot run; the table then stays as it is.
    """

    table: names.Table
    description: str
    sql: str
    retypes: bool = False
    refusal: ContractViolated | None = field(default=None, compare=False)


def plan(session: Session, contracts: Iterable[Contract] = ()) -> list[Change]:
    """Return what is missing, in the order to run it: platform tables first, then bronze."""
    existing = session.all_columns()
    wanted = _wanted(session, contracts)
    schemas = sorted({schema for schema, _ in wanted} - session.schemas())
    changes = [Change((schema, ""), f"create schema {schema}", session.ddl.create_schema(schema)) for schema in schemas]
    for table, shape in wanted.items():
        changes += _table_changes(session, table, shape, existing.get(table))
    return changes + [Change(*step) for step in session.ddl.protection(session, wanted)]


def protect(session: Session) -> None:
    """Keep tenants' rows of tables apart that others have made: builds and closes."""
    run(session, [Change(*step) for step in session.ddl.protection(session, {})])


def apply(session: Session, contracts: Iterable[Contract] = ()) -> list[Change]:
    """Run the plan in one transaction and return it.

    Raises:
        ContractViolated: a column cannot take its new type; nothing was changed.
    """
    changes = _possible(plan(session, contracts))
    run(session, changes)
    return changes


def run(session: Session, changes: Iterable[Change]) -> None:
    """Run what can run of a plan, in one transaction."""
    with session.transaction():
        for change in changes:
            if not change.refusal:
                session.ddl.run(session, change.sql)


def _possible(changes: list[Change]) -> list[Change]:
    for change in changes:
        if change.refusal:
            raise change.refusal
    return changes


def ensure(session: Session, contracts: Iterable[Contract] = (), *, retype: bool = False) -> list[Change]:
    """Create and add what is missing, and return the whole plan; columns are rewritten only with ``retype``.

    Call it outside a transaction. Where nothing is missing it costs a fraction of :func:`plan`.

    Raises:
        ContractViolated: a column cannot take its new type, with ``retype`` or without; nothing was changed.
    """
    contracts = list(contracts)
    if is_current(session, contracts):
        return []
    changes = _possible(plan(session, contracts))
    run(session, (change for change in changes if retype or not change.retypes))
    return changes


def is_current(session: Session, contracts: Iterable[Contract] = ()) -> bool:
    """Say whether nothing is missing, and every column has its type."""
    wanted = _wanted(session, contracts)
    found = session.describe(list(wanted))
    return found is not None and all(_has(found[table], shape) for table, shape in wanted.items())


def fits(session: Session, contract: Contract) -> bool:
    """Say whether a contract's table is there, with every column in its type."""
    found = session.describe([contract.table])
    return found is not None and _has(found[contract.table], session.ddl.bronze_shape(contract))


def _has(existing: Mapping[str, str], shape: TableShape) -> bool:
    return all(existing.get(name) == kind.removesuffix(KEY_MARK) for name, kind in shape.columns.items())


def _wanted(session: Session, contracts: Iterable[Contract]) -> dict[names.Table, TableShape]:
    wanted = {(names.PLATFORM, name): TableShape(columns) for name, columns in PLATFORM_TABLES.items()}
    return wanted | {contract.table: session.ddl.bronze_shape(contract) for contract in contracts}


def _table_changes(
    session: Session, table: names.Table, shape: TableShape, existing: Mapping[str, str] | None
) -> list[Change]:
    label = ".".join(table)
    if existing is None:
        return [Change(table, f"create table {label}", session.ddl.create_table(table, shape))]
    changes = []
    for name, kind in shape.columns.items():
        plain = kind.removesuffix(KEY_MARK)
        if name not in existing:
            sql = session.ddl.add_column(table, name, plain)
            changes.append(Change(table, f"add column {label}.{name} {plain}", sql))
        elif existing[name] != plain:
            changes.append(_retype(session, table, name, (existing[name], plain)))
    return changes


def _retype(session: Session, table: names.Table, name: str, kinds: tuple[str, str]) -> Change:
    """Try the conversion on every value first: a statement that fails shows the value, one that rounds loses it."""
    (before, after), place = kinds, names.qualified(table)
    misfit = session.ddl.unfit(name, before, after)
    misfits, values = session.ddl.count_unfit(session, table, name, misfit)
    label = f"column {'.'.join(table)}.{name} from {before} to {after}"
    sql = session.ddl.retype(table, name, after)
    if not misfits:
        return Change(table, f"retype {label}", sql, retypes=True)
    found = f"{misfits:,} of {values:,} values do not convert unchanged; the column stays"
    remedy = (
        f"Put {before} back into the contract, or mend the values at the source, load them, and then change the type. "
        f"To find them: SELECT * FROM {place} WHERE {misfit}"
    )
    refusal = ContractViolated(f"The contract asks to retype {label}: {found}.", remedy)
    return Change(table, f"cannot retype {label}: {found}", sql, retypes=True, refusal=refusal)
