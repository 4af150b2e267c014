"""An installation whose warehouse is a database on a T-SQL server, with the embedded one's sales and scripts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from itertools import count
from pathlib import Path
from threading import Event, Thread

import mssql_python
from close_house import DAY, TOTAL, TWICE, CloseHouse
from pydantic import SecretStr

from orchestration.scripts.close.outcome import Closed
from orchestration.settings import Settings
from orchestration.warehouse.ddl import TableShape

SALE = {"_tenant_id": "VARCHAR", "id": "INTEGER", "customer": "VARCHAR", "amount": "DECIMAL(18,2)"}
_WHOLE = (
    "SELECT t._tenant_id, t.total, d.twice FROM finance.total t JOIN finance.doubled d ON d._tenant_id = t._tenant_id"
)


@dataclass(frozen=True)
class ServerHouse(CloseHouse):
    """``address`` is an ODBC connection string."""

    address: str

    @property
    def settings(self) -> Settings:
        there = {"warehouse": "sqlserver", "sqlserver_connection": SecretStr(self.address)}
        return super().settings.model_copy(update=there)

    def found(self) -> None:
        """Make the folders and the table of sales."""
        (self.folder / "scripts" / "financial").mkdir(parents=True)
        (self.folder / "sources").mkdir()
        (self.folder / "tenants.yaml").write_text("tenants: {acme: {title: A}, globex: {title: G}}", encoding="utf-8")
        with self.runtime.warehouse.session("seed") as session:
            session.ddl.run(session, session.ddl.create_schema("silver"))
            session.ddl.run(session, session.ddl.create_table(("silver", "sale"), TableShape(SALE)))

    def begin_anew(self) -> None:
        """Have the two scripts and one sale of each tenant, whatever a test before has left."""
        for path in (self.folder / "scripts" / "financial").iterdir():
            path.unlink()
        self.write("a_twice", TWICE)
        self.write("b_total", TOTAL)
        self.sql("DELETE FROM silver.sale")
        self.sql("INSERT INTO silver.sale VALUES ('acme', 1, 'Ada', 2.50), ('globex', 1, 'Eve', 7.00)")

    @cached_property
    def _days(self) -> Iterator[int]:
        return count()

    def next_day(self, *tenants: str) -> tuple[date, dict[str, Closed]]:
        """Close a day that no test has closed before."""
        day = DAY + timedelta(days=next(self._days))
        return day, self.close(day, *tenants)

    @contextmanager
    def polled(self) -> Iterator[set[tuple[tuple[str, str, str], ...]]]:
        """Read both tables in one statement, again and again; the set has every answer that was seen."""
        seen: set[tuple[tuple[str, str, str], ...]] = set()
        stop, faults = Event(), []

        def poll() -> None:
            try:
                with mssql_python.connect(self.address, autocommit=True) as con:
                    while not stop.is_set():
                        rows = con.cursor().execute(_WHOLE).fetchall()
                        seen.add(tuple(sorted((row[0], str(row[1]), str(row[2])) for row in rows)))
            except mssql_python.Error as error:
                faults.append(error)

        reader = Thread(target=poll)
        reader.start()
        try:
            yield seen
        finally:
            stop.set()
            reader.join(60)
        assert not faults


def server_house_in(folder: Path, address: str) -> ServerHouse:
    """Make an installation."""
    house = ServerHouse(folder, address)
    house.found()
    return house
