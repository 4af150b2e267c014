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
from orchestration.warehouse.ddl import TableShape
from orchestration.warehouse.platform import PLATFORM_TABLES
from orchestration.warehouse.protocol import Session

_TEXT = "VARCHAR"


@dataclass(frozen=True)
class Change:
    """One statement and what it does, in words; ``retypes`` marks one that rewrites a column.

    One that ``rebuilds`` a table has transactions of its own; loads go on without one that ``can_wait``. ``refusal``
    says why the statement cannot run; the table then stays as it is.
    """

    table: names.Table
    description: str
    sql: str
    retypes: bool = False
    rebuilds: bool = False
    can_wait: bool = False
    column: str = ""
    refusal: ContractViolated | None = field(default=None, compare=False)


def plan(session: Session, contracts: Iterable[Contract] = ()) -> list[Change]:
    """Return what is missing, in the order to run it: platform tables first, then bronze."""
    existing, wanted = dict(session.all_columns()), _wanted(session, contracts)
    known = [table for table in wanted if table in existing]
    existing |= (session.describe(known) or {}) if known else {}
    schemas = sorted({schema for schema, _ in wanted} - session.schemas())
    changes = [Change(*step) for step in session.ddl.leftovers(session)]
    changes += [
        Change((schema, ""), f"create schema {schema}", session.ddl.create_schema(schema)) for schema in schemas
    ]
    for table, shape in wanted.items():
        changes += _table_changes(session, table, shape, existing.get(table))
    changes += [Change(*step) for step in session.ddl.ahead(session, {table: wanted[table] for table in known})]
    return changes + [Change(*step) for step in session.ddl.protection(session, wanted)]


def protect(session: Session) -> None:
    """Keep tenants' rows of tables apart that others have made: builds and closes."""
    run(session, [Change(*step) for step in session.ddl.protection(session, {})])


def apply(session: Session, contracts: Iterable[Contract] = ()) -> list[Change]:
    """Run the plan and return it: all in one transaction, and then what rebuilds a table.

    Raises:
        ContractViolated: a column cannot take its new type; nothing was changed.
    """
    changes = _possible(plan(session, contracts))
    run(session, changes)
    return changes


def run(session: Session, changes: Iterable[Change]) -> None:
    """Run what can run of a plan: all in one transaction, and then what rebuilds a table."""
    possible = [change for change in changes if not change.refusal]
    with session.transaction():
        for change in possible:
            if not change.rebuilds:
                session.ddl.run(session, change.sql)
    for change in possible:
        if change.rebuilds:
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
    changes = _possible([change for change in plan(session, contracts) if retype or not change.can_wait])
    run(session, (change for change in changes if retype or not change.retypes))
    return changes


def is_current(session: Session, contracts: Iterable[Contract] = ()) -> bool:
    """Say whether nothing is missing, every column has its type, and every table its key."""
    wanted = _wanted(session, contracts)
    found = session.describe(list(wanted))
    if found is None or not all(_has(session, table, found[table], shape) for table, shape in wanted.items()):
        return False
    return session.ddl.is_keyed(session, wanted)


def fits(session: Session, contract: Contract) -> bool:
    """Say whether a contract's table is there, with every column in its type."""
    found = session.describe([contract.table])
    shape = session.ddl.bronze_shape(contract)
    return found is not None and _has(session, contract.table, found[contract.table], shape)


def _has(session: Session, table: names.Table, existing: Mapping[str, str], shape: TableShape) -> bool:
    return all(_holds(existing.get(name, ""), kind) for name, kind in session.ddl.kept(table, shape).items())


def _holds(found: str, wanted: str) -> bool:
    """Say whether a column of a type does for another: it is the same, or a text with room enough."""
    if not _is_text(found) or not _is_text(wanted):
        return found == wanted
    return found == _TEXT or (wanted != _TEXT and _length(found) >= _length(wanted))


def _is_text(kind: str) -> bool:
    return kind.startswith(_TEXT)


def _length(kind: str) -> int:
    return int(kind[len(_TEXT) + 1 : -1])


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
    for name, kind in session.ddl.kept(table, shape).items():
        if name not in existing:
            plain = _TEXT if _is_text(kind) else kind
            sql = session.ddl.add_column(table, name, plain)
            changes.append(Change(table, f"add column {label}.{name} {plain}", sql))
        elif not _holds(existing[name], kind):
            changes.append(_changed(session, table, shape, name, (existing[name], kind)))
    return changes if any(change.refusal for change in changes) else _rebuilt(session, table, shape, existing, changes)


def _rebuilt(
    session: Session, table: names.Table, shape: TableShape, existing: Mapping[str, str], changes: list[Change]
) -> list[Change]:
    """Put a rebuild of the table in the place of changes that its engine cannot make in it as it stands."""
    retyped = [change.column for change in changes if change.retypes]
    found = session.ddl.rebuild(session, table, shape, existing, retyped)
    if found is None:
        return changes
    reasons = [change.description for change in changes if change.retypes]
    label = f"rebuild {'.'.join(table)}: {', '.join(filter(None, [*reasons, found.reason]))}"
    refusal = (
        ContractViolated(f"The contract asks to {label}, but {found.fault}.", found.remedy) if found.fault else None
    )
    others = [change for change in changes if not change.retypes]
    rebuilt = Change(table, label, found.sql, retypes=True, rebuilds=True, can_wait=found.can_wait, refusal=refusal)
    return [*others, rebuilt]


def _changed(session: Session, table: names.Table, shape: TableShape, name: str, kinds: tuple[str, str]) -> Change:
    before, after = kinds
    if _is_text(before) and _is_text(after):
        label = f"widen column {'.'.join(table)}.{name} from {before} to {after}"
        return Change(table, label, session.ddl.retype(table, name, _TEXT, shape))
    plain = tuple(_TEXT if _is_text(kind) else kind for kind in kinds)
    return _retype(session, table, shape, name, (plain[0], plain[1]))


def _retype(session: Session, table: names.Table, shape: TableShape, name: str, kinds: tuple[str, str]) -> Change:
    """Try the conversion on every value first: a statement that fails shows the value, one that rounds loses it."""
    (before, after), place = kinds, names.qualified(table)
    misfit = session.ddl.unfit(name, before, after)
    misfits, values = session.ddl.count_unfit(session, table, name, misfit)
    label = f"column {'.'.join(table)}.{name} from {before} to {after}"
    sql = session.ddl.retype(table, name, after, shape)
    if not misfits:
        return Change(table, f"retype {label}", sql, retypes=True, column=name)
    found = f"{misfits:,} of {values:,} values do not convert unchanged; the column stays"
    remedy = (
        f"Put {before} back into the contract, or mend the values at the source, load them, and then change the type. "
        f"To find them: SELECT * FROM {place} WHERE {misfit}"
    )
    refusal = ContractViolated(f"The contract asks to retype {label}: {found}.", remedy)
    return Change(table, f"cannot retype {label}: {found}", sql, retypes=True, refusal=refusal)
