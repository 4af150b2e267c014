"""A source system as data: its ``source.yaml``, its contracts, and its ``extract.py``.

A folder of ``source_systems`` is a source system when it holds a ``source.yaml``;
folders that start with an underscore are not. A file that cannot be read stops its
own entity or source alone: it is kept as a fault, which the load, the doctor and
Dagster tell, and everything else goes on.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from orchestration.contracts.extraction import Connection, Extractor
from orchestration.contracts.model import Contract
from orchestration.contracts.reader import read_contract
from orchestration.contracts.yaml_file import NotYaml, read_yaml
from orchestration.failures import SettingsError, StrataError

if TYPE_CHECKING:
    from collections.abc import Callable


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ConnectionSetting(_Strict):
    """One setting that a connection of this source takes, as ``STRATA_<SOURCE>__<NAME>``."""

    name: str
    description: str
    required: bool = True
    secret: bool = False
    example: str = ""


class Schedule(_Strict):
    """Cron lines in the platform's time zone; an empty one means no schedule."""

    daily: str = ""
    hourly: str = ""


class SourceDescription(_Strict):
    """The content of ``source.yaml``."""

    title: str
    description: str = ""
    owner: str
    kind: str = Field(description="Shown as the asset's kind, such as postgres or salesforce.")
    settings: tuple[ConnectionSetting, ...] = ()
    schedule: Schedule = Schedule()
    start: datetime = datetime(2000, 1, 1, tzinfo=UTC)
    max_runtime_minutes: int = 120


@dataclass(frozen=True)
class SourceSystem:
    """One source system: its name is its folder's name and its code location's name."""

    name: str
    folder: Path
    description: SourceDescription
    fault: StrataError | None = None
    """What is wrong with ``source.yaml``; such a source has no contracts."""

    @cached_property
    def contracts(self) -> dict[str, Contract]:
        """The entities whose contracts can be read, by name."""
        return {name: item for name, item in self._read.items() if isinstance(item, Contract)}

    @cached_property
    def faults(self) -> dict[str, StrataError]:
        """The entities whose contracts cannot be read, by file name, and why."""
        return {name: item for name, item in self._read.items() if isinstance(item, StrataError)}

    @property
    def all_faults(self) -> tuple[StrataError, ...]:
        """Everything that cannot be read: ``source.yaml``, or else each faulty contract."""
        return (self.fault,) if self.fault else tuple(self.faults.values())

    @cached_property
    def _read(self) -> dict[str, Contract | StrataError]:
        paths = [] if self.fault else sorted((self.folder / "contracts").glob("*.yaml"))
        return {path.stem: _contract_or_fault(path, self.name) for path in paths}

    def connect(self, connection: Connection) -> AbstractContextManager[Extractor]:
        """Open one tenant's connection through the source's ``extract.py``.

        Raises:
            StrataError: ``extract.py`` cannot be imported; names the fault.
        """
        name = f"source_systems.{self.name}.extract"
        try:
            connect: Callable[[Connection], AbstractContextManager[Extractor]] = import_module(name).connect
        except (ImportError, SyntaxError, AttributeError, NameError) as error:
            raise StrataError(f"{self.folder / 'extract.py'}: cannot be imported: {error}.", "Mend it.") from error
        return connect(connection)


def _contract_or_fault(path: Path, source: str) -> Contract | StrataError:
    try:
        return read_contract(path, source)
    except StrataError as error:
        return error


Mode = Literal["init", "daily", "hourly"]


def read_source(folder: Path) -> SourceSystem:
    """Read one source system's folder; a ``source.yaml`` that cannot be read becomes the source's fault."""
    path = folder / "source.yaml"
    try:
        description = SourceDescription.model_validate(read_yaml(path))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the document"
        return _faulty(folder, f"{path}: {place}: {first['msg']}.")
    except NotYaml as error:
        return _faulty(folder, str(error))
    except OSError as error:
        return _faulty(folder, f"{path}: cannot be read: {error.strerror}.")
    return SourceSystem(folder.name, folder, description)


def _faulty(folder: Path, message: str) -> SourceSystem:
    description = SourceDescription(title=folder.name, description=message, owner="platform", kind="unknown")
    return SourceSystem(
        folder.name, folder, description, SettingsError(message, "See docs/data-engineer/add-a-source.md.")
    )


def find_sources(folder: Path) -> Mapping[str, SourceSystem]:
    """Find every source system below ``source_systems``, by name, in the order of their names."""
    folders = (path.parent for path in sorted(folder.glob("*/source.yaml")))
    return {path.name: read_source(path) for path in folders if not path.name.startswith("_")}
