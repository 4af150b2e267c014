"""Parses a script's statements one by one and says of each what kind it is.

One statement that cannot be parsed is reported at its place, and the others are
still read. sqlglot's fall-back, ``exp.Command``, is an error here: it means that
the statement was not understood at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from sqlglot import exp
from sqlglot.errors import ParseError, TokenError
from sqlglot.tokenizer_core import Token, TokenType

from orchestration.scripts import dialect
from orchestration.scripts.assignments import expanded
from orchestration.scripts.clauses import refused_clause, unparted
from orchestration.scripts.commas import dangling_comma
from orchestration.scripts.constructs import CREATE, CREATIONS, SESSION_SETTINGS, STATEMENTS, Advice
from orchestration.scripts.drops import guarded_drop
from orchestration.scripts.grammar import violations
from orchestration.scripts.problems import Problem
from orchestration.scripts.source import Script
from orchestration.scripts.splitting import STARTERS, Part, batches, split, tokenize, word

_BLOCKS = (("TRY",), ("CATCH",), ("TRAN",), ("TRANSACTION",))
_INDEXES = ("INDEX", "CLUSTERED INDEX", "NONCLUSTERED INDEX")
_COMMA = Advice("SQL Server wants an item on both its sides.", "Take it out, or write what is missing.")
_ENDS = Advice("", "End every statement with a semicolon, and see that each is complete.")


class Kind(StrEnum):
    """What a statement does."""

    SELECT_INTO = "SELECT … INTO"
    ASSIGN = "SELECT @x ="
    SELECT = "SELECT"
    INSERT = "INSERT"
    UPDATE = "UPDATE"
    DELETE = "DELETE"
    MERGE = "MERGE"
    CREATE_TABLE = "CREATE TABLE"
    CREATE_VIEW = "CREATE VIEW"
    TRUNCATE = "TRUNCATE"
    DROP = "DROP"
    DECLARE = "DECLARE"
    SET = "SET"
    IGNORED = "ignored"


@dataclass(frozen=True)
class Statement:
    """One parsed statement; ``span`` are its first character and the one behind its last, in the script's text.

    ``batch`` counts from 0. A statement that is ignored (SET NOCOUNT ON, PRINT) is a ``Kind.IGNORED``.
    """

    kind: Kind
    tree: exp.Expr
    place: tuple[int, int]
    span: tuple[int, int]
    batch: int
    words: tuple[str, ...]

    @cached_property
    def tables(self) -> tuple[exp.Table, ...]:
        """All tables that it names."""
        return tuple(self.tree.find_all(exp.Table))

    @property
    def keyword(self) -> str:
        """The statement's first word."""
        return self.words[0]


def made_by(statement: Statement) -> exp.Table | None:
    """Return the table or view that a statement makes."""
    if statement.kind is Kind.SELECT_INTO:
        first: exp.Expr = statement.tree
        while isinstance(first, exp.SetOperation):
            first = first.this
        into: exp.Table = first.args["into"].this
        return into
    if statement.kind in (Kind.CREATE_TABLE, Kind.CREATE_VIEW):
        node = statement.tree.this
        table: exp.Table = node.this if isinstance(node, exp.Schema) else node
        return table
    return None


def not_declared(script: Script, statements: Sequence[Statement]) -> Iterator[str]:
    """Yield the variables of every DECLARE that is not among the statements, with their @, in lower case."""
    known = {statement.span[0] for statement in statements}
    try:
        parts = list(split(tokenize(script.text)))
    except TokenError:
        return
    for part in parts:
        if part.words[0] == "DECLARE" and part.tokens[0].start not in known:
            pairs = zip(part.tokens, part.tokens[1:], strict=False)
            yield from (f"@{name.text.lower()}" for sign, name in pairs if sign.token_type is TokenType.PARAMETER)


class _Refused(Exception):
    """Carries a finding within this module."""

    def __init__(self, what: str, advice: Advice, token: Token | None = None) -> None:
        self.what, self.advice, self.token = what, advice, token


def parse(script: Script) -> tuple[list[Statement], list[Problem]]:
    """Parse every statement; those that cannot be parsed, or may not stand in a script, become problems."""
    try:
        tokens = tokenize(script.text)
    except TokenError:
        return [], [_left_open(script)]
    statements: list[Statement] = []
    gos = [batch.go for batch in batches(tokens)]
    problems = [_repeated(script, go) for go in gos if [token.text for token in go[1:]] not in ([], [";"], ["1"])]
    for part in split(tokens):
        if part.words[0] == "END" and any(problem.what.startswith("BEGIN") for problem in problems):
            continue
        try:
            statement = _parse_part(script, part)
            statements.append(statement)
            if statement.kind is not Kind.IGNORED:
                problems += violations(script, part, statement.tree)
        except _Refused as refused:
            place = script.place((refused.token or part.tokens[0]).start)
            why = refused.advice.why or "this statement is not understood."
            problems.append(Problem(script.path, *place, refused.what, why, refused.advice.instead))
        except ParseError as error:
            problems.append(_unparsed(script, part, error))
    return statements, problems


def _parse_part(script: Script, part: Part) -> Statement:
    tokens, words = _readable(part)
    ignored = _is_ignored(words)
    tree = exp.Null() if ignored else _tree(script, tokens)
    kind = Kind.IGNORED if ignored else _kind(tree, words)
    first, last = part.tokens[0], part.tokens[-1]
    return Statement(kind, tree, script.place(first.start), (first.start, last.end + 1), part.batch, part.words)


def _tree(script: Script, tokens: list[Token]) -> exp.Expr:
    trees = dialect.parse(tokens, script.text)
    if len(trees) != 1 or trees[0] is None or trees[0].find(exp.Command):
        raise _Refused(" ".join(word(token) for token in tokens[:2]), _ENDS)
    return trees[0]


def _readable(part: Part) -> tuple[list[Token], tuple[str, ...]]:
    """Return the tokens in the form that sqlglot parses, and their words; refuse what may not stand in a script."""
    words, first = part.words, part.words[0]
    _check_words(part)
    if first == "WITH" and not part.closed:
        raise _Refused("WITH", Advice("the statement before it has no end.", "Put a semicolon before WITH."))
    if first == "IF":
        tokens, advice = guarded_drop(part.tokens)
        if advice:
            raise _Refused("IF", advice)
        return tokens, ("DROP", "TABLE", "IF", "EXISTS")
    if first in ("CREATE", "ALTER"):
        _check_creation(words)
    if words[1:2] == ("TOP",) and first != "SELECT":
        raise _Refused(f"{first} TOP", Advice("which rows it takes is left to chance.", "Choose the rows by WHERE."))
    tokens = list(part.tokens)
    if first in ("CREATE", "DECLARE"):
        return _unclustered(tokens, words), words
    whole = expanded(_unhinted(tokens, words) if first == "INSERT" else tokens)
    return _one_from(whole) if first in ("DELETE", "WITH") else whole, words


def _check_words(part: Part) -> None:
    """Refuse what its words tell of already: statements that no script may have, and commas that part nothing."""
    words, first = part.words, part.words[0]
    refused = [name for name in words if name in ("EXEC", "EXECUTE", "CURSOR")]
    if first in ("INSERT", "DECLARE") and refused:
        raise _Refused(f"{first} … {refused[0]}", STATEMENTS[refused[0]])
    if first in STATEMENTS:
        named = " ".join(words[:2]) if words[1:2] in _BLOCKS else first
        raise _Refused(named, STATEMENTS.get(named, STATEMENTS[first]))
    if first not in STARTERS:
        what = f"near {part.tokens[0].text!r}"
        raise _Refused(what, Advice("no statement begins with this word.", "See that the statement above it is whole."))
    clause = refused_clause(part)
    if clause is not None:
        raise _Refused(clause[1], clause[2], clause[0])
    comma = dangling_comma(part)
    if comma is not None:
        raise _Refused("a comma too many", _COMMA, comma)


def _check_creation(words: Sequence[str]) -> None:
    kind = next((word for word in words[1:] if word not in ("OR", "ALTER")), "")
    if kind not in ("TABLE", "VIEW", *_INDEXES):
        raise _Refused(f"{words[0]} {kind}", CREATIONS.get(kind, CREATE))


def _unclustered(tokens: list[Token], words: Sequence[str]) -> list[Token]:
    """Leave out how a key is stored, which sqlglot does not parse and which changes no result."""
    return [
        token
        for index, token in enumerate(tokens)
        if not (words[index] in ("CLUSTERED", "NONCLUSTERED") and words[index - 1] in ("KEY", "PRIMARY KEY", "UNIQUE"))
    ]


def _unhinted(tokens: list[Token], words: Sequence[str]) -> list[Token]:
    """Leave out ``WITH (TABLOCK)`` behind an INSERT's table, which sqlglot does not parse there."""
    start = next((index for index, name in enumerate(words[:8]) if name == "WITH"), None)
    if start is None or words[start + 1 : start + 2] != ("(",):
        return tokens
    end = words.index(")", start)
    return tokens[:start] + tokens[end + 1 :]


def _one_from(tokens: list[Token]) -> list[Token]:
    """Leave the first FROM out of ``DELETE FROM t FROM …``: the second names the tables."""
    depth, found = 0, []
    for index, token in enumerate(tokens):
        depth += (token.token_type is TokenType.L_PAREN) - (token.token_type is TokenType.R_PAREN)
        if depth == 0 and token.token_type in (TokenType.DELETE, TokenType.FROM, TokenType.WHERE):
            found.append((token.token_type, index))
    double = [kind for kind, _ in found[:3]] == [TokenType.DELETE, TokenType.FROM, TokenType.FROM]
    return [token for index, token in enumerate(tokens) if index != found[1][1]] if double else tokens


def _is_ignored(words: Sequence[str]) -> bool:
    """Say whether a statement changes no result: PRINT, an index, a session setting that every script has."""
    if words[0] == "SET":
        return words == ("SET", "NOCOUNT", "OFF") or (words[1] in SESSION_SETTINGS and words[2:] == ("ON",))
    return words[0] in ("PRINT", "UPDATE STATISTICS") or (words[0] == "CREATE" and words[1] in _INDEXES)


def _kind(tree: exp.Expr, words: Sequence[str]) -> Kind:
    plain: dict[type[exp.Expr], Kind] = {
        exp.Insert: Kind.INSERT,
        exp.Update: Kind.UPDATE,
        exp.Delete: Kind.DELETE,
        exp.Merge: Kind.MERGE,
        exp.TruncateTable: Kind.TRUNCATE,
        exp.Drop: Kind.DROP,
        exp.Declare: Kind.DECLARE,
    }
    if isinstance(tree, exp.Query):
        return _query_kind(tree)
    if isinstance(tree, exp.Create):
        return Kind.CREATE_VIEW if tree.kind == "VIEW" else Kind.CREATE_TABLE
    if isinstance(tree, exp.Set) and words[1] == "@":
        return Kind.SET
    if isinstance(tree, exp.Set):
        setting = " ".join(words[:3])
        advice = Advice("it changes what the same text means.", "Leave it out; every script runs alike.")
        raise _Refused(setting, advice)
    if type(tree) in plain:
        return plain[type(tree)]
    raise _Refused(words[0], _ENDS)


def _query_kind(tree: exp.Query) -> Kind:
    leftmost: exp.Expr = tree
    while isinstance(leftmost, exp.SetOperation):
        leftmost = leftmost.this
    if leftmost.args.get("into"):
        return Kind.SELECT_INTO
    chosen = tree.expressions if isinstance(tree, exp.Select) else []
    assigned = [isinstance(item, exp.EQ) and isinstance(item.this, exp.Parameter) for item in chosen]
    return Kind.ASSIGN if any(assigned) else Kind.SELECT


def _repeated(script: Script, go: Sequence[Token]) -> Problem:
    advice = Advice("only GO alone in its line ends a batch; nothing is run n times.", "Write GO in a line of its own.")
    written = " ".join(token.text for token in go)
    return Problem(script.path, *script.place(go[0].start), written, advice.why, advice.instead)


def _unparsed(script: Script, part: Part, error: ParseError) -> Problem:
    finding = error.errors[0] if error.errors else {}
    first = part.tokens[0]
    near = str(finding.get("highlight") or first.text)
    line, column = script.place(first.start)
    begun = line
    said = str(finding.get("description", error)).split(" but got <Token")[0]
    if finding.get("line"):
        line, column = finding["line"], max(1, finding["col"] - len(near) + 1)
    why = f"the statement that begins in line {begun} cannot be parsed here{_said(said)}."
    item = unparted(part, script.line_start(line) + column - 1) if finding.get("line") else None
    if item is not None:
        instead = f"Is a comma missing before {item.text}?"
        return Problem(script.path, *script.place(item.start), f"near {item.text!r}", why, instead)
    return Problem(script.path, line, column, f"near {near!r}", why, _ENDS.instead)


def _said(description: str) -> str:
    """Put the parser's words into those of people."""
    if "missing for" in description:
        return "; something is missing behind it"
    return "" if "Unexpected token" in description else f"; {description[:1].lower()}{description[1:]}"


_CLOSED = re.compile(r"--[^\r\n]*|'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|\[(?:[^\]]|\]\])*\]|/\*|[^'\"\[/-]+|.", re.DOTALL)
_COMMENT = re.compile(r"/\*|\*/")


def _left_open(script: Script) -> Problem:
    """Return where the quote, bracket or comment begins that nothing closes."""
    position, text = 0, script.text
    while position < len(text):
        match = _CLOSED.match(text, position)
        assert match is not None  # noqa: S101 - the last alternative takes any character
        end = _comment_end(text, position) if match[0] == "/*" else match.end()
        if end is None or match[0] in ("'", '"', "["):
            break
        position = end
    opened = text[position : position + 2].strip() if text.startswith("/*", position) else text[position : position + 1]
    what = f"{opened} without its end"
    return Problem(script.path, *script.place(position), what, "all behind it is unreadable.", "Close it.")


def _comment_end(text: str, start: int) -> int | None:
    """Return the end of a comment that begins at ``start``; comments nest in T-SQL."""
    depth = 0
    for match in _COMMENT.finditer(text, start):
        depth += 1 if match[0] == "/*" else -1
        if depth == 0:
            return match.end()
    return None
