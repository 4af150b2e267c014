"""Which constructs a script may use, and what to write instead of the others.

The list allows; it does not forbid. A node that is not named here is refused, so
nothing can slip through that DuckDB would run with other results than SQL Server.
The full list of measured differences stands in ``docs/analyst/differences.md``.
"""

from __future__ import annotations

from typing import NamedTuple

from sqlglot import exp


class Advice(NamedTuple):
    """Why a construct is refused, and what to write instead."""

    why: str
    instead: str


_STEPS = Advice(
    "a script says what its tables hold; it does not run steps in a loop or by a condition.",
    "Write one statement over the whole set: a join, a recursive CTE, a window function, CASE.",
)
_DYNAMIC = Advice(
    "what a procedure or a text that is built at run time reads and writes cannot be known before it runs.",
    "Write the statements themselves into the script.",
)
_WHOLE = Advice(
    "the close runs a script as one transaction: all of it, or nothing.", "Leave it out; an error stops the script."
)
_PLATFORM = Advice("the platform manages databases, rights and the server.", "Leave this statement out.")
_ROWS = Advice("a cursor goes row by row.", "Write one statement over the whole set: a join, a window function.")
_OUTSIDE = Advice("a script reads tables of this warehouse alone.", "Bring the data in through a source and bronze.")

STATEMENTS: dict[str, Advice] = {
    **dict.fromkeys(("EXEC", "EXECUTE"), _DYNAMIC),
    **dict.fromkeys(("ELSE", "WHILE", "BREAK", "CONTINUE", "RETURN", "GOTO", "WAITFOR"), _STEPS),
    **dict.fromkeys(("BEGIN", "END"), _STEPS),
    **dict.fromkeys(("BEGIN TRAN", "BEGIN TRANSACTION", "BEGIN TRY", "BEGIN CATCH", "COMMIT", "ROLLBACK"), _WHOLE),
    **dict.fromkeys(("SAVE", "THROW", "RAISERROR"), _WHOLE),
    **dict.fromkeys(("CURSOR", "OPEN", "FETCH", "CLOSE", "DEALLOCATE"), _ROWS),
    **dict.fromkeys(("GRANT", "REVOKE", "DENY", "BACKUP", "RESTORE", "DBCC", "KILL", "CHECKPOINT"), _PLATFORM),
    **dict.fromkeys(("RECONFIGURE", "REVERT", "SHUTDOWN", "SETUSER"), _PLATFORM),
    **dict.fromkeys(("BULK", "READTEXT", "WRITETEXT", "UPDATETEXT"), _OUTSIDE),
    "USE": Advice("the platform chooses the database.", "Leave it out, and name tables as schema.table."),
    "ALTER": Advice("a table has the columns that it is made with.", "Write them into SELECT … INTO or CREATE TABLE."),
}
"""Statements that are refused by their first word, or their first two."""

CREATIONS: dict[str, Advice] = {
    **dict.fromkeys(("PROC", "PROCEDURE", "FUNCTION", "TRIGGER"), _DYNAMIC),
    "UNIQUE": Advice("indexes make nothing unique here.", "Write PRIMARY KEY or UNIQUE into CREATE TABLE."),
}  # fmt: skip
"""What a script may not CREATE; all else but tables and views is the platform's."""
CREATE = Advice(_PLATFORM.why, "A script creates tables and views of finance, #temp tables, and nothing else.")

SESSION_SETTINGS = frozenset({
    "NOCOUNT", "XACT_ABORT", "ANSI_NULLS", "QUOTED_IDENTIFIER", "ANSI_WARNINGS", "ARITHABORT", "ANSI_PADDING",
    "CONCAT_NULL_YIELDS_NULL",
})  # fmt: skip
"""SET options that may be switched ON, which the platform does for every script; OFF changes results."""

QUERY: frozenset[type[exp.Expr]] = frozenset({
    exp.Select, exp.Subquery, exp.Union, exp.Except, exp.Intersect, exp.With, exp.CTE, exp.Into, exp.From, exp.Join,
    exp.Where, exp.Group, exp.Having, exp.Order, exp.Ordered, exp.Distinct, exp.Table, exp.TableAlias, exp.Column,
    exp.Identifier, exp.Alias, exp.Star, exp.Values, exp.Tuple, exp.QueryOption, exp.Parameter, exp.Var,
})  # fmt: skip

OPERATORS: frozenset[type[exp.Expr]] = frozenset({
    exp.And, exp.Or, exp.Not, exp.Paren, exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Is, exp.In, exp.Between,
    exp.Exists, exp.Like, exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Neg, exp.Literal, exp.National, exp.Null, exp.Case,
    exp.If, exp.Cast, exp.TryCast, exp.DataType, exp.DataTypeParam,
})  # fmt: skip

FUNCTIONS: frozenset[type[exp.Expr]] = frozenset({
    exp.Sum, exp.Count, exp.Min, exp.Max, exp.Abs, exp.Round, exp.Floor, exp.Ceil, exp.Coalesce, exp.Nullif, exp.Concat,
    exp.Upper, exp.Lower, exp.Left, exp.Right, exp.Length, exp.DateAdd, exp.DateDiff, exp.DateFromParts, exp.LastDay,
    exp.Year, exp.Month, exp.Day, exp.TsOrDsToDate, exp.TimeStrToTime, exp.Window, exp.WindowSpec, exp.RowNumber,
    exp.Rank, exp.DenseRank, exp.Lag, exp.Lead, exp.FirstValue, exp.LastValue,
})  # fmt: skip

ALLOWED = QUERY | OPERATORS | FUNCTIONS

_MOMENT = Advice("the result would differ from run to run.", "Use @as_of, which the platform sets.")
ADVICE: dict[type[exp.Expr], Advice] = {
    exp.Avg: Advice(
        "AVG of integers is an integer in SQL Server, and of decimals a decimal(38,6); DuckDB computes it as float.",
        "Write CAST(SUM(x) AS decimal(19,4)) / CAST(COUNT(x) AS decimal(10,0)).",
    ),
    exp.Convert: Advice("CONVERT with a style has no counterpart on every engine.", "Write CAST(x AS type)."),
    exp.Limit: Advice("TOP picks rows, ties at random.", "Use ROW_NUMBER() OVER (ORDER BY …) in a CTE and filter."),
    exp.Lateral: Advice("APPLY is not translated.", "Use a CTE with ROW_NUMBER() or a join."),
    exp.Pivot: Advice("PIVOT is not translated.", "Write SUM(CASE WHEN … THEN … END) for each column."),
    exp.Mod: Advice("% is not translated.", "Write x - y * FLOOR(CAST(x AS …) / CAST(y AS …))."),
    exp.WithTableHint: Advice("table hints mean nothing here.", "Leave WITH (…) out."),
    exp.SessionParameter: Advice("server variables (@@…) are not known here.", "Leave it out."),
    exp.CurrentTimestamp: _MOMENT,
    exp.CurrentDate: _MOMENT,
    exp.Rand: _MOMENT,
    exp.Collate: Advice("text compares without case and with accents.", "Use UPPER(x), or leave COLLATE out."),
    exp.Cube: Advice("grouping sets are not translated.", "Group in one CTE for each level and UNION ALL them."),
    exp.Rollup: Advice("grouping sets are not translated.", "Group in one CTE for each level and UNION ALL them."),
}
UNKNOWN = Advice(
    "it is not on the list of constructs with the same result on every engine.", "See docs/analyst/differences.md."
)

INTEGERS: dict[exp.DType, int] = {
    exp.DataType.Type.TINYINT: 3,
    exp.DataType.Type.UTINYINT: 3,
    exp.DataType.Type.SMALLINT: 5,
    exp.DataType.Type.INT: 10,
    exp.DataType.Type.BIGINT: 19,
}
"""Integer types and the precision of the decimal that SQL Server turns them into beside a decimal."""

TEXTS = frozenset({exp.DataType.Type.VARCHAR, exp.DataType.Type.NVARCHAR})
MOMENTS = frozenset({exp.DataType.Type.DATE, exp.DataType.Type.TIMESTAMP, exp.DataType.Type.DATETIME2})
