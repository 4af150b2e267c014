"""Files are replaced whole; what could not be written leaves nothing beside them."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestration.publication.files import link_or_copy, replace_file


def test_a_file_is_there_or_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "new" / "status.json"
    replace_file(path, b"one")
    replace_file(path, b"two")
    assert path.read_bytes() == b"two"
    assert list(path.parent.iterdir()) == [path]


def test_a_file_that_cannot_be_replaced_leaves_no_draft(tmp_path: Path) -> None:
    in_the_way = tmp_path / "status.json"
    in_the_way.mkdir()
    with pytest.raises(IsADirectoryError):
        replace_file(in_the_way, b"one")
    assert list(tmp_path.iterdir()) == [in_the_way]


def test_a_copy_that_fails_leaves_no_draft(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        link_or_copy(tmp_path, tmp_path / "versions" / "1.parquet")
    assert not list((tmp_path / "versions").iterdir())
