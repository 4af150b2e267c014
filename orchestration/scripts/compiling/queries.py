"""SELECT … INTO, INSERT and CREATE VIEW."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from orchestration.names import FINANCE
from orchestration.scripts.actions import Fill, Insert, Layout, View
from orchestration.scripts.compiling.compilation import Compilation
from orchestration.scripts.compiling.values import rules_of, values_for
from orchestration.scripts.constructs import Advice
from orchestration.scripts.dialect import parse_text
from orchestration.scripts.statements import Statement
from orchestration.scripts.tables import Name, written
from orchestration.scripts.translation.nodes import selects
from orchestration.scripts.types import BIGINT, Columns

OUTPUT = Advice("a script returns no rows.", "Leave OUTPUT out; read what you need before the change.")
_NAMELESS = Advice("it has no name.", "Write expression AS name.")
_ORDER = Advice(
    "without ORDER BY the numbers of an IDENTITY column are left to chance.",
    "Write ORDER BY, or a column ROW_NUMBER() OVER (ORDER BY …).",
)


def select_into(c: Compilation, statement: Statement) -> None:
    """Compile SELECT … INTO."""
    query = statement.tree
    assert isinstance(query, exp.Query)  # noqa: S101 - the statement's kind says so
    first: exp.Expr = query
    while isinstance(first, exp.SetOperation):
        first = first.this
    into = first.args["into"]
    target = c.writable(statement, into.this)
    if isinstance(target, str) and target.startswith("@"):
        raise c.stop(statement, f"INTO {target}", Advice("INTO makes a table.", f"Write INSERT INTO {target}."))
    columns = outputs(c, statement, query, target)
    if target in c.made or target in c.views:
        advice = Advice("INTO makes a table, and this one is there already.", "DROP it before, or write INSERT INTO.")
        raise c.stop(statement, written(target), advice, into.this)
    c.actions.append(Fill(statement.place, target, query, columns))
    c.made[target] = Layout(columns)


def create_view(c: Compilation, statement: Statement) -> None:
    """Compile CREATE VIEW and CREATE OR ALTER VIEW."""
    tree = statement.tree
    named = isinstance(tree.this, exp.Schema)
    target = c.writable(statement, tree.this.this if named else tree.this)
    query = tree.expression
    if isinstance(target, str) or not isinstance(query, exp.Query):
        raise c.stop(
            statement, "this view", Advice("a view is a query of finance.", "Write CREATE VIEW finance.x AS SELECT …")
        )
    if query.find(exp.Parameter) or any(table.this.args.get("temporary") for table in query.find_all(exp.Table)):
        advice = Advice("a view outlives the script's variables and #tables.", "Write SELECT … INTO finance.x.")
        raise c.stop(statement, "a view of variables or #tables", advice)
    columns = outputs(c, statement, query, target, [item.name for item in tree.this.expressions] if named else ())
    c.actions.append(View(statement.place, target, query, columns))
    c.views[target] = columns


def insert(c: Compilation, statement: Statement) -> None:
    """Compile INSERT with VALUES, SELECT or DEFAULT VALUES."""
    tree = statement.tree
    if tree.args.get("returning"):
        raise c.stop(statement, "OUTPUT", OUTPUT)
    listed = isinstance(tree.this, exp.Schema)
    target, layout = c.target(statement, tree.this.this if listed else tree.this)
    columns = _columns(c, statement, layout, [item.name for item in tree.this.expressions] if listed else None)
    query = _source(tree, layout, columns)
    c.actions.append(insertion(c, statement, (target, layout), columns, query))


def insertion(
    c: Compilation, statement: Statement, into: tuple[Name, Layout], columns: Sequence[str], query: exp.Query
) -> Insert:
    """Return what inserts a query's rows: columns that are not named get their default or NULL."""
    target, layout = into
    kinds = {column: layout.columns[column] for column in columns}
    if layout.identity:
        _number(c, statement, query)
        kinds |= {"": BIGINT}
    values = values_for(c, statement, query, kinds)
    return Insert(
        statement.place, target, layout, rules_of(c, statement, target, layout), values, bool(layout.identity)
    )


def outputs(c: Compilation, statement: Statement, query: exp.Query, target: Name, names: Sequence[str] = ()) -> Columns:
    """Return the columns of the table that a query makes.

    Raises:
        Stopped: a column has no name, or one that another or the platform has.
    """
    fields = c.bind(statement, query)
    spelled = names or [field.name for field in fields]
    columns = dict(zip(spelled, (field.type for field in fields), strict=False))
    for number, column in enumerate(spelled, 1):
        if not column:
            raise c.stop(statement, f"column {number}", _NAMELESS, _output(query, number))
    if len({column.lower() for column in columns}) < len(fields) or len(spelled) != len(fields):
        raise c.stop(
            statement, written(target), Advice("two of its columns have one name.", "Name each: expression AS x.")
        )
    for column in columns:
        if column.startswith("_") and target[0] == FINANCE:
            advice = Advice("such names are the platform's.", "Give the column another name.")
            raise c.stop(statement, f"column {column} begins with an underscore", advice)
    return columns


def _output(query: exp.Expr, number: int) -> exp.Expr | None:
    """Return the expression of a column, from 1, of a query's first SELECT."""
    items = selects(query)[0].expressions
    return items[number - 1] if number <= len(items) else None


def _columns(c: Compilation, statement: Statement, layout: Layout, names: list[str] | None) -> list[str]:
    """Return the columns that an INSERT gives values for, as the table spells them, completed with defaults."""
    own = layout.identity.column if layout.identity else None
    if names is None:
        return [column for column in layout.columns if column != own]
    found = [known_column(c, statement, layout, name) for name in names]
    if own in found:
        raise c.stop(statement, own or "", Advice("IDENTITY gives the column its value.", "Leave the column out."))
    return found


def known_column(c: Compilation, statement: Statement, layout: Layout, name: str) -> str:
    """Return a column's name as its table spells it.

    Raises:
        Stopped: the table has no such column.
    """
    spelled = layout.spelled(name)
    if spelled is None:
        advice = Advice("the table has no such column.", f"It has {', '.join(layout.columns)}.")
        raise c.stop(statement, name, advice)
    return spelled


def _source(tree: exp.Expr, layout: Layout, columns: list[str]) -> exp.Query:
    """Return the query whose rows are inserted, with the defaults of the columns that are not named; names those."""
    given = [] if tree.args.get("default") else columns
    left = [column for column in layout.columns if column not in given and column.lower() in layout.defaults]
    defaults = [layout.defaults[column.lower()].copy() for column in left]
    source = tree.expression
    if tree.args.get("default"):
        columns[:] = left or columns[:1]
        return exp.Select(expressions=_aliased(defaults or [exp.Null() for _ in columns]))
    if isinstance(source, exp.Values):
        query = _rows(source, layout, columns, defaults)
    else:
        query = source.unnest()
        if tree.args.get("with_"):
            query.set("with_", tree.args["with_"])
        if defaults:
            query = _beside(query, defaults)
        if not layout.identity and _is_plainly_ordered(query):
            query.set("order", None)
    columns.extend(left)
    return query


def _rows(source: exp.Values, layout: Layout, columns: Sequence[str], defaults: list[exp.Expr]) -> exp.Query:
    rows = []
    for row in source.expressions:
        cells = list(row.expressions) if isinstance(row, exp.Tuple) else [row]
        filled = [
            layout.defaults.get(column.lower(), exp.Null()).copy() if is_default(cell) else cell
            for column, cell in zip(columns, cells, strict=False)
        ]
        rows.append([*filled, *cells[len(columns) :], *(item.copy() for item in defaults)])
    if len(rows) == 1:
        return exp.Select(expressions=_aliased(rows[0]))
    names = [exp.to_identifier(f"c{n}") for n in range(len(rows[0]))]
    table = exp.Values(
        expressions=[exp.Tuple(expressions=row) for row in rows],
        alias=exp.TableAlias(this=exp.to_identifier("v"), columns=names),
    )
    empty = [all(isinstance(cell, exp.Null) for cell in cells) for cells in zip(*rows, strict=False)]
    chosen = [
        exp.Null() if is_empty else exp.column(name.name, "v") for name, is_empty in zip(names, empty, strict=False)
    ]
    return exp.Select(expressions=_aliased(chosen), from_=exp.From(this=table))


def is_default(node: exp.Expr) -> bool:
    """Say whether a value is the word DEFAULT."""
    return isinstance(node, exp.Column | exp.Var) and node.name.upper() == "DEFAULT" and not _is_quoted(node)


def _is_quoted(node: exp.Expr) -> bool:
    return isinstance(node.this, exp.Identifier) and bool(node.this.args.get("quoted"))


def _aliased(values: Sequence[exp.Expr]) -> list[exp.Expr]:
    return [exp.alias_(value, f"c{n}") for n, value in enumerate(values)]


def _beside(query: exp.Query, defaults: list[exp.Expr]) -> exp.Query:
    """Add constants to every SELECT of a query."""
    if isinstance(query, exp.SetOperation):
        for side in (query.this, query.expression):
            _beside(side.unnest(), defaults)
        return query
    assert isinstance(query, exp.Select)  # noqa: S101 - a query is a SELECT or a set operation
    query.set(
        "expressions", [*query.expressions, *(exp.alias_(item.copy(), f"d{n}") for n, item in enumerate(defaults))]
    )
    return query


def _number(c: Compilation, statement: Statement, query: exp.Query) -> None:
    """Add the number of each row: of VALUES as written, of a SELECT by its ORDER BY."""
    source = query.args.get("from_")
    listed = source.this if source is not None else None
    if isinstance(query, exp.Select) and listed is None:
        number: exp.Expr = exp.Literal.number(1)
    elif isinstance(query, exp.Select) and isinstance(listed, exp.Values):
        for n, row in enumerate(listed.expressions, 1):
            row.append("expressions", exp.Literal.number(n))
        listed.args["alias"].append("columns", exp.to_identifier("n"))
        number = exp.column("n", "v")
    elif isinstance(query, exp.Select) and _is_plainly_ordered(query):
        number = parse_text("SELECT ROW_NUMBER() OVER (ORDER BY 1)").expressions[0]
        number.set("order", _spelled_out(query))
    else:
        raise c.stop(statement, "INSERT … SELECT into a table with IDENTITY", _ORDER)
    query.append("expressions", exp.alias_(number, "strata_number"))


def _is_plainly_ordered(query: exp.Query) -> bool:
    return bool(query.args.get("order")) and not any(query.args.get(name) for name in ("distinct", "limit", "offset"))


def _spelled_out(query: exp.Select) -> exp.Expr:
    """Take the ORDER BY out of a query; an alias in it becomes the expression that it stands for."""
    order: exp.Expr = query.args["order"]
    query.set("order", None)
    aliases = {item.alias.lower(): item.this for item in query.expressions if isinstance(item, exp.Alias)}
    for column in list(order.find_all(exp.Column)):
        if not column.table and column.name.lower() in aliases:
            column.replace(aliases[column.name.lower()].copy())
    return order
