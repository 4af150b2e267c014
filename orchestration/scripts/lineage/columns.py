"""Of which columns of other tables each column of a script's tables is made: through #temp, @table and variables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sqlglot import exp

from orchestration.names import Table
from orchestration.scripts.actions import Action, Assign, Create, Delete, Drop, Fill, Insert, Merge, Update, View
from orchestration.scripts.lineage.tracing import NOTHING, Made, resolved, trace
from orchestration.scripts.program import Program
from orchestration.scripts.tables import Name

ColumnSources = Mapping[str, Sequence[tuple[Table, str]]]
"""The columns that each column of a table is made of, in order; none for a constant."""


def column_lineage(program: Program) -> dict[Table, ColumnSources]:
    """Return the sources of each column that a compiled script builds.

    Tables of finance count as sources even where the script itself builds them; a statement with an error is
    passed over. Read it before the program is translated, which changes its trees.
    """
    made: dict[Name, dict[str, Made]] = {}
    for action in program.actions:
        _follow(action, made)
    return {
        table: {column: _sources(made.get(table, {}).get(column.lower(), NOTHING)) for column in columns}
        for table, columns in program.writes.items()
    }


def _sources(made: Made) -> Sequence[tuple[Table, str]]:
    return sorted((name, column) for name, column in made if not isinstance(name, str))


def _follow(action: Action, made: dict[Name, dict[str, Made]]) -> None:
    if isinstance(action, Drop):
        made.pop(action.target, None)
    elif isinstance(action, Create):
        made[action.target] = {column.lower(): NOTHING for column in action.layout.columns}
    elif isinstance(action, Merge):
        for part in action.parts:
            _follow(part, made)
    else:
        for target, column, sources in _written(action, made):
            columns = made.setdefault(target, {})
            columns[column.lower()] = columns.get(column.lower(), NOTHING) | sources


def _written(action: Action, made: dict[Name, dict[str, Made]]) -> Iterator[tuple[Name, str, Made]]:
    """Yield what an action writes into which column of which table; a variable ``@x`` has one without a name."""
    if isinstance(action, Fill | View):
        yield from ((action.target, *item) for item in zip(action.columns, _traced(action.query, made), strict=False))
    elif isinstance(action, Insert | Update):
        values = action.values
        yield from ((action.target, *item) for item in zip(values.columns, _traced(values.query, made), strict=False))
    elif isinstance(action, Assign):
        traced = _traced(action.values.query, made)
        yield from ((f"@{name}", "", item) for name, item in zip(action.variables, traced, strict=False))


def _traced(query: exp.Expr, made: Mapping[Name, dict[str, Made]]) -> list[Made]:
    temporary: dict[Name, Mapping[str, Made]] = {
        name: columns for name, columns in made.items() if isinstance(name, str)
    }
    return [item for _, item in resolved(trace(query), temporary)]


def queries(action: Action) -> Iterator[exp.Query]:
    """Yield the queries of an action, as the analyst wrote them."""
    if isinstance(action, Merge):
        for part in action.parts:
            yield from queries(part)
    elif isinstance(action, Fill | View | Delete):
        yield action.query
    elif isinstance(action, Insert | Update | Assign):
        yield action.values.query
