"""Which statements a script may use, and what to write instead of the others.

Statements are judged by their first words; what stands in them is judged when it is bound, where
a function or an operator that has no rule is refused. All of it stands in ``docs/analyst/differences.md``.
"""

from __future__ import annotations

from typing import NamedTuple


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
