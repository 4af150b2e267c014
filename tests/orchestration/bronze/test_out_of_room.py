"""Memory and disks that are too small are told by the setting or the file, and by what to do."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from orchestration.bronze.failure import unexpected
from orchestration.failures import SettingsError
from orchestration.settings import load_settings


def test_memory_that_is_too_small_names_the_setting(tmp_path: Path) -> None:
    big = "CREATE TABLE t AS SELECT md5(range::VARCHAR) AS a FROM range(1000000)"
    limits = {"memory_limit": "5MB", "temp_directory": ""}
    with duckdb.connect(config=limits) as con, pytest.raises(duckdb.OutOfMemoryException) as caught:
        con.execute(big)
    told = unexpected(caught.value, str(caught.value), load_settings(home=tmp_path))
    assert isinstance(told, SettingsError)
    assert told.message.startswith("STRATA_MEMORY_LIMIT_MB=256 is too little for this load: Out of Memory Error")
    assert "\n" not in told.message


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_told_as_that(tmp_path: Path) -> None:
    with Path("/dev/full").open("wb", buffering=0) as full, pytest.raises(OSError, match="No space left") as caught:
        full.write(b"x")
    told = unexpected(caught.value, str(caught.value), load_settings(home=tmp_path))
    assert "A disk is full" in told.message
    assert "Make room" in told.remedy


def test_any_other_error_says_what_it_is(tmp_path: Path) -> None:
    error = ValueError("the server said: No space left on device")
    told = unexpected(error, "the server said: ***", load_settings(home=tmp_path))
    assert told.message == "ValueError: the server said: ***"
