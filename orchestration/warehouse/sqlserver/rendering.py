"""Writes the engine's own statements for SQL Server.

They are written once, in plain SQL that DuckDB runs as it stands; sqlglot writes them as T-SQL. What the
two have no common word for is put in other words here, before: USING, FILTER, lists as parameters, and the
order of parameters, which TOP moves; what has to do with truth is in :mod:`.truth`. All of it is pure, and every
statement that the engine sends to a server is parsed again as T-SQL by a test.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from orchestration.warehouse.sqlserver.statement import Rendered
from orchestration.warehouse.sqlserver.truth import conditions_as_values, values_as_conditions
from orchestration.warehouse.sqlserver.types import BINARY, stored_as

_MARK = "strata_parameter_{}"


def to_tsql(statement: exp.Expr) -> Rendered:
    """Return a statement in T-SQL."""
    tree = statement.copy()
    _number_parameters(tree)
    for rewrite in _REWRITES:
        rewrite(tree)
    room = _made_room(tree)
    return _in_order(room + tree.sql(dialect="tsql", identify=True))


def _made_room(tree: exp.Expr) -> str:
    """``CREATE OR REPLACE TABLE``: what is there goes first, in the same batch."""
    table = tree.find(exp.Table)
    if table is None or not (isinstance(tree, exp.Create) and tree.kind == "TABLE" and tree.args.get("replace")):
        return ""
    tree.set("replace", None)
    return f"DROP TABLE IF EXISTS {table.sql(dialect='tsql', identify=True)}; "


def _number_parameters(tree: exp.Expr) -> None:
    """Name each parameter by its number in the text, not in the tree: what is written moves them."""
    marks = []
    for number, found in enumerate(list(tree.find_all(exp.Placeholder))):
        marks.append((exp.var(_MARK.format(number)), found.name))
        found.replace(marks[-1][0])
    if marks:
        for number, place in enumerate(_in_order(tree.sql(dialect="duckdb")).order):
            mark, own_number = marks[place]
            mark.set("this", _MARK.format(int(own_number) - 1 if own_number.isdigit() else number))


def _in_order(text: str) -> Rendered:
    head, tail = _MARK.format("").strip("{}"), text
    pieces, order = [], []
    while head in tail:
        before, _, after = tail.partition(head)
        digits = after[: len(after) - len(after.lstrip("0123456789"))]
        pieces.append(before)
        order.append(int(digits))
        tail = after[len(digits) :]
    return Rendered((*pieces, tail), tuple(order))


def _lists_as_json(tree: exp.Expr) -> None:
    """``list_contains(?, x)``: SQL Server has no list, so it comes as JSON."""
    for call in list(tree.find_all(exp.ArrayContains)):
        call.replace(
            exp.In(this=call.expression, query=exp.Subquery(this=exp.select("value").from_(_opened(call.this))))
        )


def _opened(value: exp.Expr) -> exp.Table:
    return exp.Table(this=exp.Anonymous(this="OPENJSON", expressions=[value]))


def _spell_out_all(tree: exp.Expr) -> None:
    """``GROUP BY ALL`` and ``ORDER BY ALL``."""
    for select in tree.find_all(exp.Select):
        group, order = select.args.get("group"), select.args.get("order")
        if group is not None and group.args.get("all"):
            plain = [item.unalias().copy() for item in select.expressions if not item.find(exp.AggFunc)]
            select.set("group", exp.Group(expressions=plain) if plain else None)
        if order is not None and _is_all(order):
            numbers = [exp.Literal.number(n) for n, _ in enumerate(select.expressions, start=1)]
            select.set("order", exp.Order(expressions=[exp.Ordered(this=number) for number in numbers]))


def _is_all(order: exp.Expr) -> bool:
    return len(order.expressions) == 1 and order.expressions[0].sql().upper().startswith("ALL")


def _join_on(tree: exp.Expr) -> None:
    """``JOIN … USING``: with the columns of the left side, which are those that the statements name."""
    for join in list(tree.find_all(exp.Join)):
        using = join.args.get("using")
        if not using:
            continue
        select = join.find_ancestor(exp.Select)
        left = select.args["from_"].this.alias_or_name if select else ""
        _name_source(join, f"joined_{join.index or 0}")
        right = join.alias_or_name
        pairs = [exp.column(name.name, left).eq(exp.column(name.name, right)) for name in using]
        join.set("using", None)
        join.set("on", exp.and_(*pairs))
        names = {name.name for name in using}
        for column in select.find_all(exp.Column) if select else ():
            if not column.table and column.name in names and column.find_ancestor(exp.Select) is select:
                column.set("table", exp.to_identifier(left))


def _name_source(join: exp.Join, name: str) -> None:
    source = join.this
    if isinstance(source, exp.Subquery) and not source.alias:
        source.set("alias", exp.TableAlias(this=exp.to_identifier(name)))


def _semi_joins(tree: exp.Expr) -> None:
    """``SEMI JOIN`` and ``ANTI JOIN``, which have their ON by now."""
    for join in list(tree.find_all(exp.Join)):
        kind = (join.args.get("side") or join.kind or "").upper()
        if kind not in ("SEMI", "ANTI"):
            continue
        select = join.find_ancestor(exp.Select)
        found = exp.Exists(this=exp.select("1").from_(join.this.copy()).where(join.args["on"].copy()))
        join.pop()
        if select is not None:
            select.where(found if kind == "SEMI" else exp.not_(found), copy=False)


def _name_derived(tree: exp.Expr) -> None:
    """Give every query in FROM a name: T-SQL wants one."""
    for number, query in enumerate(tree.find_all(exp.Subquery)):
        if isinstance(query.parent, exp.From | exp.Join) and not query.alias:
            query.set("alias", exp.TableAlias(this=exp.to_identifier(f"derived_{number}")))


def _filters(tree: exp.Expr) -> None:
    """``count(*) FILTER (c)``: an aggregate passes over the NULL of a CASE without ELSE."""
    for found in list(tree.find_all(exp.Filter)):
        aggregate, condition = found.this, found.expression.this
        counted = aggregate.this
        holder = counted if isinstance(counted, exp.Distinct) else None
        value = holder.expressions[0] if holder else counted
        kept = exp.Case().when(condition.copy(), exp.Literal.number(1) if isinstance(value, exp.Star) else value.copy())
        if holder:
            holder.set("expressions", [kept])
        else:
            aggregate.set("this", kept)
        found.replace(aggregate.copy())


def _wide_aggregates(tree: exp.Expr) -> None:
    """``AVG`` of integers would be cut to one, ``COUNT`` end at 2,147,483,647; and bits have no aggregate."""
    for every in list(tree.find_all(exp.LogicalAnd, exp.LogicalOr)):
        number = exp.cast(every.this.copy(), "integer", dialect="duckdb")
        extreme = (exp.Min if isinstance(every, exp.LogicalAnd) else exp.Max)(this=number)
        every.replace(exp.cast(extreme, "boolean", dialect="duckdb"))
    for average in tree.find_all(exp.Avg):
        average.set("this", exp.cast(average.this.copy(), "double", dialect="duckdb"))
    for count in tree.find_all(exp.Count):
        count.args["big_int"] = True


def _to_the_letter(tree: exp.Expr) -> None:
    """``COLLATE C``: compared sign by sign, whatever the database's collation takes for one."""
    for collate in tree.find_all(exp.Collate):
        if collate.expression.name.upper() in ("C", "POSIX"):
            collate.set("expression", exp.var(BINARY))


def _same_or_both_missing(tree: exp.Expr) -> None:
    """``IS [NOT] DISTINCT FROM`` came with SQL Server 2022; set operations have always taken NULLs for equal."""
    for test in list(tree.find_all(exp.NullSafeEQ, exp.NullSafeNEQ)):
        kind = exp.Intersect if isinstance(test, exp.NullSafeEQ) else exp.Except
        left, right = exp.select(test.this.copy()), exp.select(test.expression.copy())
        test.replace(exp.Exists(this=kind(this=left, expression=right, distinct=True)))


def _all_signs(tree: exp.Expr) -> None:
    """A text that is not marked as national loses the signs that the database's code page has not."""
    for text in list(tree.find_all(exp.Literal)):
        if text.is_string and not text.name.isascii():
            text.replace(exp.National(this=text.name))


def _plain_order(tree: exp.Expr) -> None:
    """SQL Server takes no computed order beside DISTINCT, so NULLs come where it puts them: first, or last of DESC.

    What is ordered by in the engine is never NULL; who has to care orders by ``x IS NULL`` first.
    """
    for ordered in tree.find_all(exp.Ordered):
        ordered.set("nulls_first", not ordered.args.get("desc"))


def _text_of_json(tree: exp.Expr) -> None:
    for call in list(tree.find_all(exp.JSONExtractScalar)):
        path = call.expression.sql(dialect="duckdb").strip("'")
        call.replace(exp.Anonymous(this="JSON_VALUE", expressions=[call.this.copy(), exp.Literal.string(path)]))


def _joined_text(tree: exp.Expr) -> None:
    """``||`` takes values of every type; ``+`` would add."""
    for join in list(tree.find_all(exp.DPipe)):
        for side in (join.this, join.expression):
            if not isinstance(side, exp.DPipe) and not side.is_string:
                side.replace(exp.cast(side.copy(), "varchar", dialect="duckdb"))


def _order_outside(tree: exp.Expr) -> None:
    """``QUALIFY`` becomes a query around this one, which may hold no order."""
    if isinstance(tree, exp.Select) and tree.args.get("qualify") and (order := tree.args.get("order")):
        order.pop()
        inner = exp.Subquery(this=tree.copy(), alias=exp.TableAlias(this=exp.to_identifier("qualified")))
        tree.args.clear()
        for name, value in exp.select("*").from_(inner).args.items():
            tree.set(name, value)
        tree.set("order", order)


def _types(tree: exp.Expr) -> None:
    for cast in list(tree.find_all(exp.Cast)):
        cast.set("to", exp.DataType.build(stored_as(cast.to.sql(dialect="duckdb")), dialect="tsql"))
    for column in tree.find_all(exp.ColumnDef):
        if column.kind is not None:
            column.set("kind", exp.DataType.build(stored_as(column.kind.sql(dialect="duckdb")), dialect="tsql"))


_REWRITES: tuple[Callable[[exp.Expr], None], ...] = (
    _order_outside,
    _filters,
    _lists_as_json,
    _spell_out_all,
    _text_of_json,
    _joined_text,
    _join_on,
    _semi_joins,
    _name_derived,
    _same_or_both_missing,
    values_as_conditions,
    conditions_as_values,
    _wide_aggregates,
    _to_the_letter,
    _all_signs,
    _plain_order,
    _types,
)
