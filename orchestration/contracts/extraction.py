"""How an ``extract.py`` hands over what it read: the only surface between a source and the engine.

An extractor knows its protocol and nothing of the warehouse. It yields pages in
the form the source speaks: Arrow where the driver has types, received bytes
where the source speaks text. It raises only :class:`StrataError` subclasses.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol, TypeAlias

import pyarrow as pa
from pydantic import SecretStr

from orchestration.contracts.model import Contract
from orchestration.contracts.types import ColumnType
from orchestration.failures import ContractViolated

SIMULATED = "simulated"
"""The instance setting that asks for the source's simulator instead of a real system."""


@dataclass(frozen=True)
class Connection:
    """One tenant's access to one source system; ``settings`` are by lower-case name.

    A value stays wrapped until :meth:`get`, so that no repr, log or traceback shows it.
    """

    tenant: str
    source: str
    instance: str = "main"
    settings: Mapping[str, SecretStr] = field(default_factory=dict, repr=False)
    simulated: bool = False

    @property
    def label(self) -> str:
        """The connection as people see it: ``acme/salesforce`` or ``acme/salesforce/eu``."""
        tail = "" if self.instance == "main" else f"/{self.instance}"
        return f"{self.tenant}/{self.source}{tail}"

    def get(self, name: str, default: str = "") -> str:
        """Return a setting's value, or ``default`` when it is not set."""
        value = self.settings.get(name)
        return value.get_secret_value() if value is not None else default


@dataclass(frozen=True)
class Window:
    """What to read: rows whose cursor is at or after ``since`` (``None``: all rows, a full load).

    ``until`` is this machine's clock when the extraction began; sources that need an
    upper bound use it, others read to the end. Both carry a time zone (UTC).
    """

    since: datetime | None
    until: datetime


@dataclass(frozen=True)
class JsonPage:
    """A reply as received: ``records`` names the member that holds the array of records (empty: the body is one)."""

    body: bytes
    records: str = ""

    def __post_init__(self) -> None:
        """Refuse a text: what was received are bytes."""
        _require_bytes(self.body, "JSON page")


class ByteFile(Protocol):
    """A file opened with mode ``rb``, or whatever else can be read by and by."""

    def read(self, size: int, /) -> bytes:
        """Return up to ``size`` bytes, and none at the end."""


@dataclass(frozen=True)
class CsvPart:
    """A CSV file with its header line, as received; ``rows`` is the source's own record count, if it gives one.

    ``body`` is its bytes, or a file, which is read while it lands and so may be of any size; whoever
    opened it closes it after that. Without ``rows``, a part that was cut short between two lines cannot
    be told from a whole one. ``name`` is the file's for people: errors and quarantine show it.

    Raises:
        ContractViolated: the delimiter is none, or the body is neither bytes nor a file.
    """

    body: bytes | ByteFile
    rows: int | None = None
    delimiter: str = ","
    name: str = ""

    @property
    def title(self) -> str:
        """The file's name: the given one, or an opened file's own."""
        own = getattr(self.body, "name", "")
        return self.name or (Path(own).name if isinstance(own, str) else "")

    def __post_init__(self) -> None:
        """Refuse a text, and what no reader takes for a delimiter."""
        if not hasattr(self.body, "read"):
            _require_bytes(self.body, "CSV part")
        if len(self.delimiter) != 1 or not self.delimiter.isascii() or self.delimiter in '"\r\n\0':
            message = f"extract.py handed over a CSV part with the delimiter {self.delimiter!r}."
            raise ContractViolated(message, "Give one ASCII character, such as ',' or ';' or a tab.")


def _require_bytes(body: object, what: str) -> None:
    if not isinstance(body, bytes):
        message = f"extract.py handed over a {what} whose body is {type(body).__name__}, not bytes."
        raise ContractViolated(message, "Hand over the bytes as they were received: response.content, not .text.")


Page: TypeAlias = pa.RecordBatch | JsonPage | CsvPart
"""Arrow pages carry the contract's bronze names; JSON and CSV the source's names."""


@dataclass(frozen=True)
class DeletedKeys:
    """Keys that a source reports as deleted (batches of the key columns), and until when it is sure."""

    batches: Iterator[pa.RecordBatch]
    covered_until: datetime


@dataclass(frozen=True)
class Check:
    """One finding of ``strata doctor`` about a connection; ``remedy`` is empty when it is well."""

    name: str
    ok: bool
    detail: str = ""
    remedy: str = ""


class Extractor(ABC):
    """An open connection to a source system; a source implements what its contracts ask for."""

    @abstractmethod
    def extract(self, contract: Contract, window: Window) -> Iterator[Page]:
        """Yield the entity's rows in the window; memory stays bounded by a page."""

    @abstractmethod
    def describe(self, contract: Contract) -> Mapping[str, ColumnType]:
        """Return the entity's columns as the source has them now, by source name.

        Raises:
            SchemaDrift: the entity itself is gone.
        """

    def count(self, contract: Contract) -> int:
        """Return how many rows the source holds, for a sweep."""
        raise self._lacks("count", contract)

    def keys(self, contract: Contract) -> Iterator[pa.RecordBatch]:
        """Yield all keys of the entity (key columns alone), for a sweep."""
        raise self._lacks("keys", contract)

    def deleted(self, contract: Contract, window: Window) -> DeletedKeys:  # noqa: ARG002 (for subclasses)
        """Return the keys deleted in the window, from the source's own feed."""
        raise self._lacks("deleted", contract)

    def checks(self) -> list[Check]:
        """Say what ``strata doctor`` should know: sign-in, permissions, versions, limits."""
        return []

    def _lacks(self, method: str, contract: Contract) -> ContractViolated:
        message = f"{contract.source}/{contract.entity}: deletes: {contract.deletes.value} needs {method}()"
        return ContractViolated(f"{message}, which extract.py does not offer.", "Write it, or set deletes: daily.")
