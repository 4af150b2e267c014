"""Checks a script against the list of constructs: one SELECT … INTO, and only what translates exactly."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sqlglot import exp

from orchestration.names import BRONZE_PREFIX, FINANCE, GOLD, SILVER, Table
from orchestration.scripts.constructs import ADVICE, ALLOWED, UNKNOWN, Advice
from orchestration.scripts.problems import Problem
from orchestration.scripts.semantics import findings
from orchestration.scripts.source import Script, find_scripts, read_script
from orchestration.scripts.statements import Kind, Statement, parse
from orchestration.scripts.wording import as_written

AS_OF = "as_of"
_HEADER = Advice("nobody can tell whose table this is.", "Open the script with /* title: … owner: … description: … */.")
_NO_TABLE = Advice("the script builds no table.", "Write SELECT … INTO finance.x.")
_DECLARE = Advice("the platform sets @as_of alone.", "Write DECLARE @as_of date; and no other variable.")


@dataclass(frozen=True)
class Checked:
    """A script and what was found; ``select`` and ``target`` are there when it has one SELECT … INTO."""

    script: Script
    problems: tuple[Problem, ...]
    select: exp.Select | None = None
    target: Table | None = None


@dataclass
class _Findings:
    script: Script
    problems: list[Problem] = field(default_factory=list)

    def add(self, place: tuple[int, int], what: str, advice: Advice) -> None:
        self.problems.append(Problem(self.script.path, *place, what, advice.why, advice.instead))


def check(scripts_dir: Path) -> list[Problem]:
    """Check every script below a folder; no problem means that all of them run."""
    return [problem for path in find_scripts(scripts_dir) for problem in check_script(read_script(path)).problems]


def check_script(script: Script) -> Checked:
    """Check one script; every problem names file, line, construct and what to write instead."""
    statements, unparsed = parse(script)
    found = _Findings(script, list(unparsed))
    selects = [item for item in statements if isinstance(item.tree, exp.Select) and item.tree.args.get("into")]
    for statement in statements:
        if statement not in selects[:1]:
            _other(found, statement)
    if not selects and not found.problems:
        found.add((1, 1), "no SELECT … INTO", _NO_TABLE)
    for name in ("title", "owner", "description"):
        if not getattr(script.header, name):
            found.add((1, 1), f"no {name} in the header", _HEADER)
    return _check_select(found, selects[0], statements) if selects else Checked(script, tuple(sorted(found.problems)))


def _other(found: _Findings, statement: Statement) -> None:
    """Judge a statement beside the SELECT … INTO: the declaration of @as_of, a session setting, or refused."""
    place, tree = statement.place, statement.tree
    if isinstance(tree, exp.Declare):
        names = [str(name.name).lower() for item in tree.expressions for name in item.this]
        kinds = [item.args["kind"].is_type("date") for item in tree.expressions]
        if names != [AS_OF] or kinds != [True]:
            found.add(place, "DECLARE", _DECLARE)
    elif statement.kind is Kind.IGNORED:
        return
    elif isinstance(tree, exp.SetOperation):
        advice = Advice("INTO belongs to one SELECT.", "Put the UNION into a CTE, and SELECT … INTO from it.")
        found.add(place, statement.keyword, advice)
    else:
        advice = Advice("a script builds one table, by one SELECT … INTO.", "Make it a CTE, or a script of its own.")
        found.add(place, f"{statement.keyword} beside the SELECT … INTO", advice)


def _check_select(found: _Findings, statement: Statement, statements: list[Statement]) -> Checked:
    select = statement.tree
    assert isinstance(select, exp.Select)  # noqa: S101 - the caller chose it by this
    start = statement.place
    into = select.args["into"].this
    target = (into.db.lower(), into.name.lower())
    if into.catalog or target[0] != FINANCE:
        advice = Advice(f"financial scripts write to the schema {FINANCE}.", f"Write INTO {FINANCE}.{into.name}.")
        found.add(_place(found.script, into, start), f"INTO {into.sql('tsql')}", advice)
    for node in select.walk():
        for what, advice in (*_construct(node, found.script.text), *_table(node, select, target), *findings(node)):
            found.add(_place(found.script, node, start), what, advice)
    _variables(found, statement, statements)
    return Checked(found.script, tuple(sorted(set(found.problems))), select, target)


def _construct(node: exp.Expr, text: str) -> Iterator[tuple[str, Advice]]:
    if type(node) not in ALLOWED:
        yield as_written(node, text), ADVICE.get(type(node), UNKNOWN)


def _table(node: exp.Expr, select: exp.Select, target: Table) -> Iterator[tuple[str, Advice]]:
    """Tell what is wrong with one table's name."""
    if not isinstance(node, exp.Table) or isinstance(node.parent, exp.Into):
        return
    written = node.sql("tsql")
    if node.catalog or isinstance(node.this, exp.Func):
        yield written, Advice("scripts read tables of this warehouse alone.", "Read the table through bronze.")
    elif not node.db:
        if node.name.lower() not in {cte.alias.lower() for cte in select.ctes}:
            yield written, Advice("no CTE has this name, and a table needs its schema.", f"Write schema.{node.name}.")
    elif (node.db.lower(), node.name.lower()) == target:
        yield written, Advice("a script cannot read the table that it builds.", "Read it from its sources.")
    elif node.db.lower() not in (SILVER, GOLD, FINANCE) and not node.db.lower().startswith(BRONZE_PREFIX):
        yield written, Advice("scripts read bronze, silver, gold and finance.", "Read it from one of these schemas.")


def _variables(found: _Findings, statement: Statement, statements: list[Statement]) -> None:
    """Refuse a variable that is not declared in the same batch: SQL Server forgets it at GO."""
    declared = any(s.kind is Kind.DECLARE and s.batch == statement.batch for s in statements)
    for node in statement.tree.find_all(exp.Parameter):
        place = _place(found.script, node, statement.place)
        if node.name.lower() != AS_OF:
            found.add(place, f"@{node.name}", _DECLARE)
        elif not declared:
            found.add(place, "@as_of", Advice("it is not declared in this batch.", "Write DECLARE @as_of date; above."))


def _place(script: Script, node: exp.Expr, start: tuple[int, int]) -> tuple[int, int]:
    """Return where a node begins: the first token that is known of it, else of the nearest node around it."""
    around: exp.Expr | None = node
    while around is not None and not isinstance(around, exp.Select):
        offsets = [inner.meta["start"] for inner in around.walk() if "start" in inner.meta]
        if offsets:
            return script.place(min(offsets))
        around = around.parent
    return start
