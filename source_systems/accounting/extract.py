"""Accounting: files that are dropped into a folder, in two forms.

Postings come in DATEV's format (``stack.py``): a stack for each month, of which the newest export counts; what an
older one held and the newest does not is gone. Budget, accounts and cost centres are plain CSV files with a line of
names. There is no cursor: a load reads everything that counts, and finds deletions by what is missing.

What lands is UTF-8 with commas between values. All columns of a file are in it as they were sent; before them stand
the file's name, each record's line, and for postings what was made of them: dates, decimal points, padded accounts.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from orchestration.contracts.extraction import Check, Connection, CsvPart, Extractor, Page, Window
from orchestration.contracts.model import Contract
from orchestration.contracts.reader import read_contracts
from orchestration.contracts.types import ColumnType
from orchestration.failures import StrataError
from source_systems.accounting.folder import ReceivedFile, files_of
from source_systems.accounting.stack import COLUMNS, OWN, Stack, newest, read_stack

STACKS = "EXTF"
"""How the files of entities begin that come in DATEV's format; an entity whose physicalName does not is plain CSV."""
_OF_FILE = ("file_name", "row_number")


def connect(connection: Connection) -> AbstractContextManager[Extractor]:
    """Open one tenant's folder."""
    return nullcontext(FolderExtractor(connection))


class FolderExtractor(Extractor):
    """One tenant's folder."""

    def __init__(self, connection: Connection) -> None:
        """Take the folder's path; it is looked at when something is read."""
        self._folder, self._source = Path(connection.get("folder")), connection.source

    def extract(self, contract: Contract, window: Window) -> Iterator[Page]:  # noqa: ARG002 - there is no cursor
        """Yield every file that counts as one CSV part."""
        if _is_stack(contract):
            for stack in self._stacks(contract):
                sent = [f"{title} ({place})" for place, title in enumerate(stack.titles, 1)]
                yield _part([*OWN, *COLUMNS, *sent], stack.rows(), stack.file.name)
        else:
            for file in files_of(self._folder, contract):
                names, records = _plain(file)
                rows = ([file.name, str(number), *record] for number, record in records)
                yield _part([*_OF_FILE, *names], rows, file.name)

    def describe(self, contract: Contract) -> Mapping[str, ColumnType]:
        """Return the columns that all files have; nothing while there is no file.

        Raises:
            SchemaDrift: a file cannot be read as what it has to be.
        """
        if _is_stack(contract):
            found = [stack.present() for stack in self._stacks(contract)]
        else:
            found = [{*_plain(file)[0], *_OF_FILE} for file in files_of(self._folder, contract)]
        types = {column.source_name: column.type for column in contract.columns}
        shared = set.intersection(*found) if found else set()
        return {name: types.get(name, ColumnType("text")) for name in sorted(shared)}

    def checks(self) -> list[Check]:
        """Say for each entity which files there are, and whether they can be read."""
        contracts = read_contracts(Path(__file__).parent / "contracts", self._source)
        return [self._check(contract) for contract in contracts.values()]

    def _check(self, contract: Contract) -> Check:
        name = f"files of {contract.entity}"
        try:
            files = files_of(self._folder, contract)
            self.describe(contract)
        except StrataError as error:
            return Check(name, ok=False, detail=error.message, remedy=error.remedy)
        remedy = "" if files else f"Drop files {contract.physical_name}*.csv into the folder."
        return Check(name, bool(files), f"{len(files)} in {self._folder}", remedy)

    def _stacks(self, contract: Contract) -> list[Stack]:
        return newest([read_stack(file) for file in files_of(self._folder, contract)])


def _is_stack(contract: Contract) -> bool:
    return contract.physical_name.upper().startswith(STACKS)


def _plain(file: ReceivedFile) -> tuple[list[str], Iterator[tuple[int, list[str]]]]:
    """Return a plain CSV file's names, and its records with their lines; semicolons part values where names do."""
    text = file.utf8()
    delimiter = ";" if ";" in text.partition("\n")[0] else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    names = [name.strip() for name in next(reader, [])]
    if not any(names):
        raise file.drift("it has no line of names.", "Write the contract's column names into the first line.")
    return names, ((reader.line_num, record) for record in reader if record)


def _part(names: Sequence[str], rows: Iterable[Sequence[str]], file: str) -> CsvPart:
    """Write rows as CSV in UTF-8; a row with too few or too many values is written so, for the gate to refuse."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    count = 0
    for row in rows:
        writer.writerow(row)
        count += 1
    return CsvPart(text.getvalue().encode(), rows=count, name=file)
