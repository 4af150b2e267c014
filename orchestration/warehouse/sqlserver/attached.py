"""What others have put onto a table of ours: constraints, foreign keys, masks, triggers, notes.

When another table takes its place, they are made again in the same transaction; what has no statement that would
make it again forbids that, by name. Names of constraints and triggers are their schema's: they come after the old
table has gone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from orchestration.names import Table, literal
from orchestration.warehouse.protocol import Row
from orchestration.warehouse.sqlserver import security
from orchestration.warehouse.sqlserver.capabilities import Capabilities
from orchestration.warehouse.sqlserver.catalog import Run, object_ids
from orchestration.warehouse.sqlserver.quoting import bracketed, there

_DEFAULTS = """
SELECT d.name, d.definition, c.name FROM sys.default_constraints d
JOIN sys.columns c ON c.object_id = d.parent_object_id AND c.column_id = d.parent_column_id
WHERE d.parent_object_id = {id} ORDER BY d.name"""
_CHECKS = """
SELECT name, definition, CAST(is_disabled AS int), CAST(is_not_trusted AS int) FROM sys.check_constraints
WHERE parent_object_id = {id} ORDER BY name"""
_FOREIGN_KEYS = """
SELECT f.name, fs.name, ft.name, ts.name, tt.name, fc.name, tc.name, f.delete_referential_action_desc,
  f.update_referential_action_desc, CAST(f.is_disabled AS int), CAST(f.is_not_trusted AS int)
FROM sys.foreign_keys f JOIN sys.foreign_key_columns k ON k.constraint_object_id = f.object_id
JOIN sys.tables ft ON ft.object_id = f.parent_object_id JOIN sys.schemas fs ON fs.schema_id = ft.schema_id
JOIN sys.tables tt ON tt.object_id = f.referenced_object_id JOIN sys.schemas ts ON ts.schema_id = tt.schema_id
JOIN sys.columns fc ON fc.object_id = k.parent_object_id AND fc.column_id = k.parent_column_id
JOIN sys.columns tc ON tc.object_id = k.referenced_object_id AND tc.column_id = k.referenced_column_id
WHERE f.parent_object_id = {id} OR f.referenced_object_id = {id} ORDER BY fs.name, f.name, k.constraint_column_id"""
_MASKS = "SELECT name, masking_function FROM sys.masked_columns WHERE object_id = {id} AND is_masked = 1 ORDER BY name"
_TRIGGERS = """
SELECT name, OBJECT_DEFINITION(object_id), CAST(is_disabled AS int) FROM sys.triggers
WHERE parent_id = {id} ORDER BY name"""
_NOTES = """
SELECT p.name, CAST(p.value AS nvarchar(4000)), c.name FROM sys.extended_properties p
LEFT JOIN sys.columns c ON c.object_id = p.major_id AND c.column_id = p.minor_id
WHERE p.class = 1 AND p.major_id = {id} AND (p.minor_id = 0 OR c.name IS NOT NULL) ORDER BY p.minor_id, p.name"""
_FIXED = """
SELECT 'computed column', name FROM sys.computed_columns WHERE object_id = {id}
UNION ALL SELECT 'identity column', name FROM sys.identity_columns WHERE object_id = {id}
UNION ALL SELECT 'index of a kind of its own', name FROM sys.indexes
  WHERE object_id = {id} AND type NOT IN (0, 1, 2, 5, 6)"""
_FIXED_MORE = """
UNION ALL SELECT 'schema-bound module', CONCAT(OBJECT_SCHEMA_NAME(m.object_id), '.', OBJECT_NAME(m.object_id))
  FROM sys.sql_modules m WHERE m.is_schema_bound = 1 AND EXISTS (SELECT 1 FROM sys.sql_expression_dependencies d
  WHERE d.referencing_id = m.object_id AND d.referenced_id = {id})
UNION ALL SELECT 'encrypted trigger', name FROM sys.triggers
  WHERE parent_id = {id} AND OBJECT_DEFINITION(object_id) IS NULL
UNION ALL SELECT 'history of versions, of', name FROM sys.tables WHERE object_id = {id} AND temporal_type <> 0
UNION ALL SELECT 'change data capture of', name FROM sys.tables WHERE object_id = {id} AND is_tracked_by_cdc = 1
UNION ALL SELECT 'replication of', name FROM sys.tables WHERE object_id = {id} AND is_replicated = 1
UNION ALL SELECT 'change tracking of', OBJECT_NAME(object_id) FROM sys.change_tracking_tables WHERE object_id = {id}
UNION ALL SELECT 'full-text index of', OBJECT_NAME(object_id) FROM sys.fulltext_indexes WHERE object_id = {id}
UNION ALL SELECT DISTINCT 'security policy', p.name FROM sys.security_predicates r
  JOIN sys.security_policies p ON p.object_id = r.object_id WHERE r.target_object_id = {id} AND p.name <> {policy}"""


@dataclass(frozen=True)
class ForeignKey:
    """A foreign key; ``rules`` is what happens at a deletion and at an update."""

    name: str
    table: Table
    columns: Sequence[str]
    target: Table
    keys: Sequence[str]
    rules: tuple[str, str]
    is_disabled: bool = False
    is_untrusted: bool = False

    def drop(self) -> str:
        """Return the statement that takes it away."""
        return f"ALTER TABLE {there(self.table)} DROP CONSTRAINT {bracketed(self.name)}"

    def create(self) -> str:
        """Return the statements that make it."""
        at_deletion, at_update = (rule.replace("_", " ") for rule in self.rules)
        body = (
            f"FOREIGN KEY ({_listed(self.columns)}) REFERENCES {there(self.target)} ({_listed(self.keys)}) "
            f"ON DELETE {at_deletion} ON UPDATE {at_update}"
        )
        return constraint(self.table, self.name, body, is_disabled=self.is_disabled, is_untrusted=self.is_untrusted)


@dataclass(frozen=True)
class Attached:
    """What a table carries; ``statements`` make it again, save its foreign keys, and those of others to it."""

    statements: Sequence[str] = ()
    foreign_keys: Sequence[ForeignKey] = ()
    triggers: Sequence[str] = ()

    def pointing_at(self, table: Table) -> list[ForeignKey]:
        """Return foreign keys of other tables, which forbid that this one is dropped."""
        return [item for item in self.foreign_keys if item.table != table]

    def restored(self) -> Iterator[str]:
        """Yield what makes everything again, triggers last."""
        yield from self.statements
        yield from (item.create() for item in self.foreign_keys)
        yield from self.triggers


def attached(run: Run, can: Capabilities, table: Table) -> Attached:
    """Ask the server what a table, which is there, carries."""
    (number,) = object_ids(run, [table])

    def found(query: str) -> list[Row]:
        return run(query.format(id=number))

    statements = [default(table, *map(str, row)) for row in found(_DEFAULTS)]
    statements += [
        constraint(table, str(name), f"CHECK ({text})", is_disabled=bool(off), is_untrusted=bool(doubtful))
        for name, text, off, doubtful in found(_CHECKS)
    ]
    if not can.is_babelfish:
        statements += [mask(table, str(column), str(function)) for column, function in found(_MASKS)]
    statements += [
        note(table, str(name), str(text), None if column is None else str(column))
        for name, text, column in found(_NOTES)
    ]
    triggers = [text for row in found(_TRIGGERS) for text in trigger(table, str(row[0]), str(row[1]), off=bool(row[2]))]
    return Attached(statements, _foreign_keys(found(_FOREIGN_KEYS)), triggers)


def obstacles(
    run: Run, can: Capabilities, table: Table, carried: Attached, unique: Collection[Collection[str]]
) -> list[str]:
    """Name what cannot be made again for the table's new form, whose rows the ``unique`` columns tell apart."""
    query = _FIXED + ("" if can.is_babelfish else _FIXED_MORE)
    policy = f"N{literal(security.policy_name(table))}"
    (number,) = object_ids(run, [table])
    rows = run(query.format(id=number, policy=policy))
    found = [f"{kind} {name}" for kind, name in rows]
    keys = [set(columns) for columns in unique]
    found += [
        f"foreign key {item.name} of {'.'.join(item.table)} to {', '.join(item.keys)}"
        for item in carried.foreign_keys
        if item.target == table and set(item.keys) not in keys
    ]
    return found


def constraint(table: Table, name: str, body: str, *, is_disabled: bool = False, is_untrusted: bool = False) -> str:
    """Return the statements that put a constraint onto a table; an untrusted one was never held against all rows."""
    doubt = " WITH NOCHECK" if is_disabled or is_untrusted else ""
    made = f"ALTER TABLE {there(table)}{doubt} ADD CONSTRAINT {bracketed(name)} {body}"
    return f"{made}; ALTER TABLE {there(table)} NOCHECK CONSTRAINT {bracketed(name)}" if is_disabled else made


def default(table: Table, name: str, definition: str, column: str) -> str:
    """Return the statement that gives a column its default."""
    return constraint(table, name, f"DEFAULT {definition} FOR {bracketed(column)}")


def mask(table: Table, column: str, function: str) -> str:
    """Return the statement that hides a column's values from who may not unmask them."""
    return (
        f"ALTER TABLE {there(table)} ALTER COLUMN {bracketed(column)} ADD MASKED WITH (FUNCTION = {literal(function)})"
    )


def note(table: Table, name: str, text: str, column: str | None = None) -> str:
    """Return the statement that gives a table, or a column of it, an extended property."""
    place = [("SCHEMA", table[0]), ("TABLE", table[1]), *([("COLUMN", column)] if column is not None else [])]
    levels = ", ".join(f"N'{level}', N{literal(value)}" for level, value in place)
    return f"EXEC sp_addextendedproperty N{literal(name)}, N{literal(text)}, {levels}"


def trigger(table: Table, name: str, definition: str, *, off: bool) -> list[str]:
    """Return the batches that make a trigger, from the text it was made by."""
    disabled = f"ALTER TABLE {there(table)} DISABLE TRIGGER {bracketed(name)}"
    return [definition, *([disabled] if off else [])]


def _foreign_keys(rows: Sequence[Row]) -> list[ForeignKey]:
    by_name: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        by_name.setdefault((str(row[0]), str(row[1]), str(row[2])), []).append(row)
    return [
        ForeignKey(
            name, (schema, table), [str(row[5]) for row in parts], (str(parts[0][3]), str(parts[0][4])),
            [str(row[6]) for row in parts], (str(parts[0][7]), str(parts[0][8])), bool(parts[0][9]), bool(parts[0][10]),
        )
        for (name, schema, table), parts in by_name.items()
    ]  # fmt: skip


def _listed(columns: Sequence[str]) -> str:
    return ", ".join(map(bracketed, columns))
