"""``strata sql diff``: what a change of scripts does to their tables, before anybody merges it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

import typer

from orchestration.cli.choices import day_named
from orchestration.cli.console import print_json, print_table, say
from orchestration.cli.exit_codes import ExitCode
from orchestration.runtime import open_runtime
from orchestration.scripts.review.differing import Difference, Files, Question, differ
from orchestration.scripts.review.revisions import read_range
from orchestration.scripts.review.setting import turn
from orchestration.scripts.review.table_difference import ChangedRow, TableDifference, difference

_SIDES = ("A", "B")


def diff(
    revisions: Annotated[str, typer.Argument(help="A..B, as git has it; without B, the working tree.")] = "HEAD..",
    script: Annotated[str, typer.Argument(help="A script's name, path or table; by default all that differ.")] = "",
    as_of: Annotated[str, typer.Option(help="What @as_of is, such as 2026-11-30; by default the newest day.")] = "",
    tenant: Annotated[str | None, typer.Option(help="Whose rows; not needed where there is one tenant.")] = None,
    limit: Annotated[int, typer.Option(min=0, help="Show so many rows of each kind.")] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Run scripts as of two git revisions on the same rows; exit code 0 when the tables are alike, 1 when not."""
    names = read_range(revisions)
    runtime = open_runtime()
    place = turn(runtime, tenant, day_named(as_of) if as_of else None)
    found = differ(runtime, Question(names, place, script, limit))
    if as_json:
        print_json({"a": names[0], "b": names[1], "tenant": place.tenant, "as_of": place.as_of, **_document(found)})
    else:
        say(f"A is {names[0]}, B is {names[1] or 'the working tree'}. Tenant {place.tenant}, @as_of {place.as_of}.")
        _show(found)
    raise typer.Exit(ExitCode.FAILED if found.is_changed else ExitCode.OK)


def _show(found: Difference) -> None:
    _show_files(found.files)
    for side, faults in zip(_SIDES, found.faults, strict=True):
        for fault in faults:
            say(f"as of {side}: {fault}", style="bold red")
    for table in found.tables:
        show_table(table)
    if not found.is_changed:
        say("No table differs.", style="green")


def _show_files(files: Files) -> None:
    for what, names in (("changed", files.changed), ("added", files.added), ("removed", files.removed)):
        if names:
            say(f"Scripts {what}: {', '.join(names)}.")
    for old, new in files.renamed.items():
        say(f"{old} is now {new}.")


def show_table(table: TableDifference) -> None:
    """Print what became of a table."""
    name = ".".join(table.table)
    if table.rows_a is None or table.rows_b is None:
        rows = table.rows_a if table.rows_b is None else table.rows_b
        say(f"{name}: only {'A' if table.rows_b is None else 'B'} has it, {_rows(rows or 0)}.", style="bold")
        return
    if not table.is_changed:
        say(f"{name}: alike, {_rows(table.rows_b)}.", style="green")
        return
    say("")
    by = f"by {', '.join(table.key)}" if table.key else "as wholes, for no columns tell them apart"
    say(f"{name}: {_rows(table.rows_a)} in A, {_rows(table.rows_b)} in B; rows compared {by}.", style="bold")
    _show_columns(table)
    say(f"Only in A: {table.only_a:,}. Only in B: {table.only_b:,}. Changed: {table.changed:,}.")
    if table.columns_changed:
        say("Rows changed in: " + ", ".join(f"{name} {rows:,}" for name, rows in table.columns_changed.items()) + ".")
    _show_totals(table)
    _show_changed(table)
    for side, sample in zip(_SIDES, (table.sample_a, table.sample_b), strict=True):
        _show_rows(f"only in {side}", sample)


def _show_columns(table: TableDifference) -> None:
    for what, columns in (("added", table.columns_added), ("removed", table.columns_removed)):
        for name, kind in columns.items():
            say(f"Column {what}: {name} {kind}.")
    for name, (a, b) in table.columns_retyped.items():
        say(f"Column retyped: {name} from {a} to {b}.")


def _show_totals(table: TableDifference) -> None:
    moved = {name: (a, b) for name, (a, b) in table.totals.items() if difference(a, b)}
    if moved:
        lines = [(name, _number(a), _number(b), f"{difference(a, b):+,}") for name, (a, b) in moved.items()]
        heads = ("total of", "A", "B", "B - A")
        print_table(heads, lines, numbers=heads[1:])


def _show_changed(table: TableDifference) -> None:
    lines = [
        (_key(row.key) if not number else "", name, _value(a), _value(b))
        for row in table.sample_changed
        for number, (name, (a, b)) in enumerate(row.values.items())
    ]
    if lines:
        print_table(("changed", "column", "A", "B"), lines)


def _show_rows(title: str, rows: Sequence[Mapping[str, object]]) -> None:
    for number, row in enumerate(rows):
        say(f"{title}: {_key(row)}" if not number else f"{' ' * len(title)}  {_key(row)}")


def _key(row: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {_value(value)}" for name, value in row.items())


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"


def _number(value: object) -> str:
    return "" if value is None else f"{value:,}"


def _value(value: object) -> str:
    return "NULL" if value is None else str(value)


def _document(found: Difference) -> dict[str, object]:
    files = found.files
    return {
        "is_changed": found.is_changed,
        "scripts": {
            "changed": list(files.changed),
            "added": list(files.added),
            "removed": list(files.removed),
            "renamed": dict(files.renamed),
        },
        "faults": {"a": list(found.faults[0]), "b": list(found.faults[1])},
        "tables": [table_document(table) for table in found.tables],
    }


def table_document(table: TableDifference) -> dict[str, object]:
    """Return what became of a table, for JSON."""
    retyped = {name: {"a": a, "b": b} for name, (a, b) in table.columns_retyped.items()}
    return {
        "table": ".".join(table.table),
        "is_changed": table.is_changed,
        "rows": {"a": table.rows_a, "b": table.rows_b},
        "columns": {
            "added": dict(table.columns_added),
            "removed": dict(table.columns_removed),
            "retyped": retyped,
        },
        "key": list(table.key),
        "only_in_a": {"rows": table.only_a, "sample": list(table.sample_a)},
        "only_in_b": {"rows": table.only_b, "sample": list(table.sample_b)},
        "changed": {
            "rows": table.changed,
            "columns": dict(table.columns_changed),
            "sample": [_changed(row) for row in table.sample_changed],
        },
        "totals": {name: {"a": a, "b": b, "difference": difference(a, b)} for name, (a, b) in table.totals.items()},
    }


def _changed(row: ChangedRow) -> dict[str, object]:
    return {"key": dict(row.key), "values": {name: {"a": a, "b": b} for name, (a, b) in row.values.items()}}
