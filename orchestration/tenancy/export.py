"""Everything of one tenant, in formats that need no Strata to be read.

``<layer>/<table>.parquet`` are the rows of bronze, silver, gold and finance, tombstones
included; ``published/`` the kept versions, this tenant's rows alone; ``landing/`` the files as
they landed; ``platform/*.ndjson`` the ledger, quarantine, verdicts, alerts and the audit
trail; ``registry.json`` what the control plane knows, without secrets.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from orchestration import names
from orchestration.failures import SettingsError
from orchestration.landing.manifest import MANIFEST, decode_manifest
from orchestration.quality.salts import SALTS
from orchestration.runtime import Runtime
from orchestration.tenancy import registry_rows, versions
from orchestration.tenancy.archive import Archive, ExportManifest
from orchestration.tenancy.belongings import Relation, relations
from orchestration.warehouse import apply
from orchestration.warehouse.protocol import Session


def export_tenant(runtime: Runtime, tenant: str, folder: Path) -> ExportManifest:
    """Write the export and return its manifest. Tables are of one state: nothing is loaded meanwhile.

    Raises:
        SettingsError: the tenant is unknown, or the folder is not empty or lies in the platform's own.
    """
    known = registry_rows.read(runtime.control, tenant)
    if folder.resolve().is_relative_to(runtime.settings.home):
        raise SettingsError(f"{folder} lies in STRATA_HOME.", "Name a folder outside of it.")
    archive = Archive(folder)
    with runtime.warehouse.session("export a tenant") as session:
        apply.ensure(session)
        with session.transaction():
            for relation in relations(session):
                if relation.table != SALTS:  # with it, digests of personal values could be guessed
                    _export_relation(session, archive, relation, tenant)
            _export_versions(runtime, session, archive, tenant)
    _export_landing(runtime, archive, tenant)
    archive.write_lines("platform/audit.ndjson", known.audit)
    archive.write_document("registry.json", known.document)
    return archive.close(tenant, known.title)


def _export_relation(session: Session, archive: Archive, relation: Relation, tenant: str) -> None:
    schema, table = relation.table
    query = f"SELECT * FROM {names.qualified(relation.table)} WHERE {relation.of(tenant)}"
    if schema == names.PLATFORM:
        archive.write_lines(f"platform/{table}.ndjson", _rows(session, query, session.columns(relation.table)))
    else:
        with session.working_copy(relation.table, relation.of(tenant)):
            _write_parquet(session, archive, f"{schema}/{table}.parquet", query)


def _export_versions(runtime: Runtime, session: Session, archive: Archive, tenant: str) -> None:
    condition = f"{names.TENANT} = {names.literal(tenant)}"
    for file in versions.version_files(session, runtime.settings):
        if file.is_held and file.logged.exists():
            continue
        path = "/".join(("published", *file.table, file.path.name))
        _write_parquet(session, archive, path, f"SELECT * FROM {file.source} WHERE {condition}")


def _export_landing(runtime: Runtime, archive: Archive, tenant: str) -> None:
    store, prefix = runtime.landing, f"{tenant}/"
    keys = list(store.keys(prefix))
    manifests = [decode_manifest(store.read(key)) for key in keys if key.endswith(f"/{MANIFEST}")]
    rows = {part.key: part.rows for manifest in manifests for part in manifest.parts}
    for key in keys:
        archive.copy(f"landing/{key.removeprefix(prefix)}", store.local_path(key), rows.get(key))
    store.release(prefix)


def _write_parquet(session: Session, archive: Archive, path: str, query: str) -> None:
    target = names.literal(str(archive.place(path)))
    (rows,) = session.execute(f"COPY ({query}) TO {target} (FORMAT parquet, COMPRESSION zstd)")[0]
    archive.add(path, int(rows))


def _rows(session: Session, query: str, columns: Iterable[str]) -> Iterator[Mapping[str, Any]]:
    return (dict(zip(columns, row, strict=True)) for row in session.execute(query))
