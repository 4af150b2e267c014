"""Reads ``<script>.checks.sql``: each SELECT returns rows that must not be there.

The comment above a SELECT is its title; ``-- tolerance: 3`` in it allows so many rows. Each check becomes a
script of its own, the file's text with the other SELECTs blanked, so that it is run, translated and
refused exactly as a script is, and an error names its line in the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sqlglot.errors import TokenError
from sqlglot.tokenizer_core import Token, TokenType

from orchestration.names import FINANCE, Table, quote
from orchestration.scripts.problems import Problem
from orchestration.scripts.source import CHECKS, Header, Script, read_script
from orchestration.scripts.splitting import Part, split, tokenize

SUFFIX = CHECKS
_COMMENT = re.compile(r"--([^\r\n]*)|/\*(.*?)\*/", re.DOTALL)
_PARAGRAPH = re.compile(r"(?:\r\n?|\n)[ \t]*(?:\r\n?|\n)")
_TOLERANCE = re.compile(r"^tolerance\s*:\s*(.*)$", re.IGNORECASE)
_INSTEAD = "Write SELECT … FROM …, which returns the offending rows."


@dataclass(frozen=True)
class Check:
    """One check: ``query`` writes the offending rows, at most ``tolerance`` of which may be there, to ``table``."""

    name: str
    title: str
    tolerance: int
    query: Script
    table: Table
    problems: tuple[Problem, ...] = ()


def checks_path(script: Path) -> Path:
    """Return where a script's checks lie."""
    return script.with_name(script.stem + SUFFIX)


def read_checks(script: Path) -> tuple[Check, ...]:
    """Read the checks beside a script; none when there is no such file. It never fails: a check tells its problems."""
    path = checks_path(script)
    if not path.exists():
        return ()
    text = read_script(path)
    try:
        parts = list(split(tokenize(text.text)))
    except TokenError as error:
        why = Problem(path, 1, 1, "unreadable text", f"{error}.", "Close every quote, bracket and comment.")
        return (Check("checks", path.name, 0, text, _table(1), (why,)),)
    return tuple(_named(_checks(text, parts)))


def _checks(file: Script, parts: Sequence[Part]) -> Iterator[Check]:
    asked = [part for part in parts if part.words[0] not in ("DECLARE", "SET", "GO")]
    for number, part in enumerate(asked, 1):
        lines = list(_comment_above(file.text, parts, part))
        found = [match[1].strip() for line in lines if (match := _TOLERANCE.match(line))]
        title = " ".join(line for line in lines if not _TOLERANCE.match(line)) or f"check {number}"
        problems, table = list(_problems(file, part, found)), _table(number)
        text = _alone(file.text, asked, part) if problems else _into(file.text, asked, part, table)
        header = Header(title, "checks", title)
        tolerance = int(found[0]) if found and not problems else 0
        yield Check("", title, tolerance, replace(file, text=text, header=header), table, tuple(problems))


def _named(checks: Iterator[Check]) -> Iterator[Check]:
    """Give each check a name that is good for Dagster and is no other's of the file."""
    taken: set[str] = set()
    for number, check in enumerate(checks, 1):
        slug = re.sub(r"[^a-z0-9]+", "_", check.title.lower()).strip("_")[:80] or f"check_{number}"
        name = slug if slug not in taken else f"{slug}_{number}"
        taken.add(name)
        yield replace(check, name=name)


def _table(number: int) -> Table:
    """Return where a check's rows are written: a name with a blank, which no script's table has."""
    return FINANCE, f"check {number}"


def _problems(file: Script, part: Part, tolerances: list[str]) -> Iterator[Problem]:
    place = file.path, *file.place(part.tokens[0].start)
    words = _outer(part)
    if part.words[0] not in ("SELECT", "WITH") or "INTO" in words.values():
        yield Problem(*place, part.words[0], "a check is one SELECT.", _INSTEAD)
    elif "FROM" not in words.values():
        yield Problem(*place, "SELECT without FROM", "it looks at no table.", _INSTEAD)
    if any(not text.isdigit() for text in tolerances) or len(tolerances) > 1:
        written = "; ".join(tolerances)
        yield Problem(*place, f"tolerance: {written}", "it is no number of rows.", "Write -- tolerance: 3.")


def _outer(part: Part) -> dict[int, str]:
    """Return the words, by their place among the tokens, of the main SELECT outside of all parentheses."""
    depth, found, began = 0, {}, False
    for index, (token, name) in enumerate(zip(part.tokens, part.words, strict=True)):
        depth += {TokenType.L_PAREN: 1, TokenType.R_PAREN: -1}.get(token.token_type, 0)
        began = began or (depth == 0 and name == "SELECT")
        if began and depth == 0:
            found[index] = name
    return found


def _into(text: str, asked: Sequence[Part], part: Part, table: Table) -> str:
    """Return the text of one check alone, which keeps its rows in ``table``."""
    return keeping_rows(_alone(text, asked, part), part, table)


def keeping_rows(text: str, part: Part, table: Table) -> str:
    """Return a text whose SELECT, a part of it, keeps its rows in ``table``: with INTO before FROM, or at its end."""
    indexes = [index for index, name in _outer(part).items() if name == "FROM"]
    at = part.tokens[indexes[0]].start if indexes else part.tokens[-1].end + 1
    return f"{text[:at]}{'' if indexes else ' '}INTO {table[0]}.{quote(table[1])} {text[at:]}"


def _alone(text: str, asked: Sequence[Part], part: Part) -> str:
    """Blank the other checks, line ends apart."""
    for other in asked:
        if other is not part:
            start, end = other.tokens[0].start, other.tokens[-1].end + 1
            text = text[:start] + re.sub(r"[^\r\n]", " ", text[start:end]) + text[end:]
    return text


def _comment_above(text: str, parts: Sequence[Part], part: Part) -> Iterator[str]:
    """Yield the lines of the comment that stands directly above a statement."""
    first: Token = part.tokens[0]
    before = max((item.tokens[-1].end + 1 for item in parts if item.tokens[-1].end < first.start), default=0)
    gap = text[before : first.start]
    if before:  # what follows the statement before in its own line is about that one
        gap = gap.partition("\n")[2]
    for match in _COMMENT.finditer(_PARAGRAPH.split(gap.rstrip())[-1]):
        for line in (match[1] or match[2] or "").splitlines():
            if stripped := line.strip().lstrip("*-").strip():
                yield stripped
