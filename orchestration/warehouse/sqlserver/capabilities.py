"""What the server at the other end can do, asked of it once a connection.

Azure SQL, each edition of SQL Server and Babelfish (a TDS server on PostgreSQL) speak one language and lack
different parts of it. Who needs one of those parts asks here; what a server lacks is then said, never skipped.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

COLLATION = "Latin1_General_100_CI_AS_SC"
"""What analysts' scripts are written against."""
_AZURE = {5: "Azure SQL Database", 6: "Azure Synapse", 8: "Azure SQL Managed Instance", 9: "Azure SQL Edge",
          11: "Synapse serverless", 12: "Fabric SQL database"}  # fmt: skip
_2016, _2016_SP1 = 13, (13, 0, 4001)
_ALWAYS_RECENT = frozenset({5, 8, 12})
"""Engines without editions to buy: they are never behind, and their version number says 12."""
_FACTS = """
SELECT CAST(SERVERPROPERTY('BabelfishVersion') AS nvarchar(128)), CAST(SERVERPROPERTY('EngineEdition') AS int),
  CAST(SERVERPROPERTY('Edition') AS nvarchar(128)), CAST(SERVERPROPERTY('ProductVersion') AS nvarchar(128)),
  d.collation_name, CAST(d.is_read_committed_snapshot_on AS int), CAST(d.compatibility_level AS int), d.name
FROM sys.databases d WHERE d.name = DB_NAME()"""


_known: WeakKeyDictionary[Any, Capabilities] = WeakKeyDictionary()


@dataclass(frozen=True)
class Capabilities:
    """What a server and its database can do; ``str`` names both."""

    product: str
    edition: str
    version: str
    engine: int
    database: str
    collation: str
    reads_snapshots: bool
    compatibility: int
    babelfish: str = ""

    def __str__(self) -> str:
        """Name the product, its version and the database."""
        edition = f", {self.edition}" if self.edition and self.edition not in self.product else ""
        return f"{self.product} {self.babelfish or self.version}{edition}, database {self.database}"

    @property
    def is_babelfish(self) -> bool:
        """Whether PostgreSQL answers in SQL Server's place."""
        return bool(self.babelfish)

    @property
    def is_azure(self) -> bool:
        """Whether it is one of Azure's services, which throttle and fail over."""
        return self.engine in _AZURE

    @property
    def security_policies(self) -> bool:
        """Whether rows can be kept apart by the database itself."""
        return self._since(_2016)

    @property
    def lists_permissions(self) -> bool:
        """Whether permissions on the database can be granted, and its catalog tells those that were."""
        return not self.is_babelfish

    @property
    def session_context(self) -> bool:
        """Whether a connection carries values of its own."""
        return self.is_babelfish or self._since(_2016)

    @property
    def create_or_alter(self) -> bool:
        """Whether views and functions can be replaced where they stand."""
        return not self.is_babelfish and (self.engine in _ALWAYS_RECENT or _numbers(self.version) >= _2016_SP1)

    @property
    def bulk_copy(self) -> bool:
        """Whether rows can be sent in TDS's bulk form."""
        return not self.is_babelfish

    @property
    def update_statistics(self) -> bool:
        """Whether statistics can be brought up to date by a statement."""
        return not self.is_babelfish

    @property
    def keeps_index_names(self) -> bool:
        """Whether an index is found by its name after its table was renamed."""
        return not self.is_babelfish

    def _since(self, major: int) -> bool:
        return not self.is_babelfish and (self.engine in _ALWAYS_RECENT or _numbers(self.version)[:1] >= (major,))


def ask(run: Callable[[str], list[tuple[Any, ...]]]) -> Capabilities:
    """Ask a server, by what runs a statement without parameters; every one in this module runs on all of them."""
    ((babelfish, engine, edition, version, collation, snapshots, compatibility, database),) = run(_FACTS)
    product = "Babelfish" if babelfish else _AZURE.get(int(engine), "SQL Server")
    return Capabilities(
        product, str(edition or ""), str(version), int(engine), str(database), str(collation or ""),
        bool(snapshots), int(compatibility), str(babelfish or ""),
    )  # fmt: skip


def capabilities_of(connection: Any) -> Capabilities:  # noqa: ANN401 - the driver has no types
    """Return what the server of a connection can do; asked when first wanted."""
    found = _known.get(connection)
    if found is None:
        found = _known[connection] = ask(
            lambda sql: [tuple(row) for row in connection.cursor().execute(sql).fetchall()]
        )
    return found


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())
