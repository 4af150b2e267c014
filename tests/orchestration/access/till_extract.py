"""The till's ``extract.py`` for tests that open a whole installation: rows in memory, by tenant."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from till_source import Bill, Till

from orchestration.contracts.extraction import Connection, Extractor
from orchestration.failures import ConnectionFailed

BILLS: dict[str, dict[int, Bill]] = {}
BROKEN: dict[str, str] = {}
"""Tenants whose source does not answer, and the words it says so with."""

_SOURCE = "title: Till\nowner: till-team\nkind: memory\nstart: 2020-01-01T00:00:00Z\n"
_CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: till-bill
name: Till bill
version: 1.0.0
status: active
team: {name: till-team}
slaProperties:
  - {property: freshness, value: 26, unit: h}
schema:
  - name: bill
    physicalName: bill
    description: A bill.
    customProperties:
      - {property: cursor, value: updated_at}
      - {property: deletes, value: daily}
      - {property: shrinkThreshold, value: 1.0}
      - {property: rejectThreshold, value: 1.0}
    properties:
      - {name: id, physicalType: bigint, primaryKey: true, required: true, description: Number.}
      - {name: status, physicalType: text(8), enum: [{value: open}, {value: paid}], description: State.}
      - {name: amount, physicalType: "decimal(18,2)", description: Worth.}
      - {name: note, physicalType: text(200), description: Words.}
      - {name: email, physicalType: text(200), classification: pii, description: Whose it is.}
      - {name: updated_at, physicalType: timestamp, required: true, description: The cursor.}
"""


@contextmanager
def connect(connection: Connection) -> Iterator[Extractor]:
    if words := BROKEN.get(connection.tenant):
        raise ConnectionFailed(f"{connection.label}: nobody answers ({words}).", "Wait.")
    yield Till(BILLS.get(connection.tenant, {}))


def write_source(folder: Path) -> None:
    """Write the source system below ``folder``, and let the engine find its ``extract.py`` here."""
    (folder / "till" / "contracts").mkdir(parents=True)
    (folder / "till" / "source.yaml").write_text(_SOURCE, encoding="utf-8")
    (folder / "till" / "contracts" / "bill.yaml").write_text(_CONTRACT, encoding="utf-8")
    sys.modules["source_systems.till.extract"] = sys.modules[__name__]
