"""CREATE TABLE, table variables, TRUNCATE and DROP."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlglot import exp

from orchestration.scripts.actions import Create, Drop, Identity, Layout, Truncate
from orchestration.scripts.compiling.compilation import Compilation
from orchestration.scripts.constructs import Advice
from orchestration.scripts.statements import Statement
from orchestration.scripts.tables import written
from orchestration.scripts.types import SqlType, read_type

_TYPE = Advice("scripts know no such type.", "Use int, decimal(p,s), date, datetime2, varchar(n) or nvarchar(n).")
_AGAIN = Advice("it is there already.", "DROP it before, or INSERT INTO it.")
_COMPUTED = Advice("a computed column is not translated.", "Compute it where you read the table, or in SELECT … INTO.")
_INDEX = Advice("indexes belong to the published table, which the platform makes.", "Leave it out.")
_CONSTRAINT = Advice(
    "of constraints, NOT NULL, PRIMARY KEY, UNIQUE, CHECK, DEFAULT and IDENTITY are known.", "Leave it out."
)
_COLLATION = Advice("all text compares alike: without case, with accents.", "Leave COLLATE out.")
_STEPS = Advice("IDENTITY counts upwards by whole numbers.", "Write IDENTITY(1, 1).")
_NOTHING = Advice("the script has made no such table.", "Write DROP TABLE IF EXISTS, or leave it out.")


def create_table(c: Compilation, statement: Statement) -> None:
    """Compile CREATE TABLE."""
    tree = statement.tree
    if not isinstance(tree.this, exp.Schema) or tree.expression:
        raise c.stop(statement, "CREATE TABLE … AS", Advice("T-SQL has no such statement.", "Write SELECT … INTO."))
    target = c.writable(statement, tree.this.this)
    if target in c.made or target in c.views:
        raise c.stop(statement, written(target), _AGAIN, tree.this.this)
    layout = layout_of(c, statement, tree.this)
    c.actions.append(Create(statement.place, target, layout))
    c.made[target] = layout


def truncate(c: Compilation, statement: Statement) -> None:
    """Compile TRUNCATE TABLE."""
    for node in statement.tree.expressions:
        target, layout = c.target(statement, node)
        c.actions.append(Truncate(statement.place, target, layout))


def drop(c: Compilation, statement: Statement) -> None:
    """Compile DROP TABLE and DROP VIEW; what a close before made is not this script's to drop, and not there."""
    tree = statement.tree
    if tree.args.get("kind") not in ("TABLE", "VIEW"):
        what = f"DROP {tree.args.get('kind')}"
        raise c.stop(statement, what, Advice("a script drops tables and views.", "Leave it out."))
    for node in tree.find_all(exp.Table):
        target = c.writable(statement, node)
        if target in c.made or target in c.views:
            c.actions.append(Drop(statement.place, target, is_view=target in c.views))
        elif not (tree.args.get("exists") or statement.words[0] == "IF"):
            raise c.stop(statement, written(target), _NOTHING, node)
        c.made.pop(target, None)
        c.views.pop(target, None)


@dataclass
class _Draft:
    """A layout while its parts are read; columns by their own spelling."""

    columns: dict[str, SqlType] = field(default_factory=dict)
    defaults: dict[str, exp.Expr] = field(default_factory=dict)
    identity: Identity | None = None
    required: list[str] = field(default_factory=list)
    unique: list[tuple[str, ...]] = field(default_factory=list)
    checks: list[exp.Expr] = field(default_factory=list)


def layout_of(c: Compilation, statement: Statement, schema: exp.Schema) -> Layout:
    """Read the columns and constraints of a table.

    Raises:
        Stopped: something in it is not known.
    """
    draft = _Draft()
    for item in schema.expressions:
        if isinstance(item, exp.ColumnDef):
            _column(c, statement, draft, item)
        else:
            for rule in item.expressions if isinstance(item, exp.Constraint) else [item]:
                _table_rule(c, statement, draft, rule)
    own = {column.lower(): column for column in draft.columns}
    unique = [tuple(own.get(name.lower(), name) for name in key) for key in draft.unique]
    required = list(dict.fromkeys(own.get(name.lower(), name) for name in draft.required))
    return Layout(draft.columns, draft.defaults, draft.identity, required, unique, draft.checks)


def _column(c: Compilation, statement: Statement, draft: _Draft, item: exp.ColumnDef) -> None:
    name = item.name
    rules = [constraint.kind for constraint in item.args.get("constraints") or []]
    if any(isinstance(rule, exp.ComputedColumnConstraint) for rule in rules):
        raise c.stop(statement, f"{name} AS …", _COMPUTED, item)
    kind = read_type(item.kind) if item.kind else None
    if kind is None:
        advice = _INDEX if name.upper() == "INDEX" else _TYPE
        raise c.stop(statement, f"{name} {item.kind.sql('tsql') if item.kind else ''}", advice, item)
    if name.lower() in (column.lower() for column in draft.columns):
        raise c.stop(statement, name, Advice("the table has this column already.", "Name it otherwise."), item)
    draft.columns[name] = kind
    for rule in rules:
        _column_rule(c, statement, draft, (name, rule))


def _column_rule(c: Compilation, statement: Statement, draft: _Draft, of: tuple[str, exp.Expr]) -> None:
    name, rule = of
    if isinstance(rule, exp.NotNullColumnConstraint):
        if not rule.args.get("allow_null"):
            draft.required.append(name)
    elif isinstance(rule, exp.PrimaryKeyColumnConstraint):
        draft.required.append(name)
        draft.unique.append((name,))
    elif isinstance(rule, exp.UniqueColumnConstraint) and not rule.this:
        draft.unique.append((name,))
    elif isinstance(rule, exp.DefaultColumnConstraint):
        draft.defaults[name.lower()] = rule.this
    elif isinstance(rule, exp.GeneratedAsIdentityColumnConstraint | exp.AutoIncrementColumnConstraint):
        draft.identity = _identity(c, statement, name, rule)
        draft.required.append(name)
    elif isinstance(rule, exp.CollateColumnConstraint):
        raise c.stop(statement, f"{name} COLLATE", _COLLATION, rule)
    else:
        _table_rule(c, statement, draft, rule)


def _table_rule(c: Compilation, statement: Statement, draft: _Draft, rule: exp.Expr) -> None:
    if isinstance(rule, exp.PrimaryKey):
        names = tuple(item.find(exp.Identifier).name for item in rule.expressions)
        draft.unique.append(names)
        draft.required.extend(names)
    elif isinstance(rule, exp.UniqueColumnConstraint):
        draft.unique.append(tuple(item.find(exp.Identifier).name for item in rule.this.expressions))
    elif isinstance(rule, exp.CheckColumnConstraint):
        draft.checks.append(rule.this)
    else:
        raise c.stop(statement, rule.sql("tsql"), _CONSTRAINT, rule)


def _identity(c: Compilation, statement: Statement, name: str, rule: exp.Expr) -> Identity:
    seed, step = (rule.args.get(part) or exp.Literal.number(1) for part in ("start", "increment"))
    if not (seed.is_int and step.is_int and int(step.name or 0) > 0):
        raise c.stop(statement, f"{name} IDENTITY", _STEPS, rule)
    return Identity(name, int(seed.to_py()), int(step.to_py()))
