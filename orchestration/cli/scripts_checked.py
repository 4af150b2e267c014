"""Checks the analysts' scripts for a command: with the committed catalogue, the cache, and a process for each core."""

from __future__ import annotations

import os
from pathlib import Path

from orchestration.contracts.source import find_sources
from orchestration.quality.masking import known_contracts
from orchestration.scripts.catalog import Described, bronze_catalog, catalog_path, read_catalog
from orchestration.scripts.check import Cache, Report, check
from orchestration.scripts.source import FOLDER
from orchestration.scripts.types import Catalog
from orchestration.settings import Settings

_CACHE = "checked-scripts.sqlite"


def scripts_folder(settings: Settings) -> Path:
    """Return where the scripts of financial gold lie."""
    return settings.scripts_dir / FOLDER


def described(settings: Settings) -> Described:
    """Return what is known of bronze, silver and gold without a warehouse."""
    found = read_catalog(catalog_path(settings.scripts_dir))
    bronze = bronze_catalog(known_contracts(find_sources(settings.sources_dir).values()))
    return Described({**bronze, **found.columns}, found.lineage, found.reads)


def checked(settings: Settings, folder: Path, catalog: Catalog) -> Report:
    """Check every script below a folder; what was found before lies in ``STRATA_HOME``."""
    return check(folder, catalog, Cache(settings.home / _CACHE), processes=os.cpu_count() or 1)
