"""A file that is no YAML is told in one sentence, whoever reads it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from orchestration.contracts.reader import read_contract
from orchestration.contracts.source import read_source
from orchestration.contracts.yaml_file import NotYaml, read_yaml
from orchestration.failures import StrataError
from orchestration.quality.expectations import read_expectations


def source_fault(path: Path) -> None:
    fault = read_source(path.parent).fault
    assert fault is not None
    raise fault


READERS: dict[str, Callable[[Path], object]] = {
    "source.yaml": source_fault,
    "invoice.yaml": lambda path: read_contract(path, "crm"),
    "silver.yaml": read_expectations,
}


@pytest.mark.parametrize("name", READERS)
def test_every_reader_names_file_line_column_and_what_to_read(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text("title: Orders\nowner: [sales\nkind: x\n", encoding="utf-8")
    with pytest.raises(StrataError) as caught:
        READERS[name](path)
    assert caught.value.message.startswith(f"{path}:3:")
    assert ": no YAML: " in caught.value.message
    assert "\n" not in caught.value.message
    assert caught.value.remedy.startswith("See docs/")


@pytest.mark.parametrize(
    ("content", "problem"),
    [(b"title: caf\xe9", "save the file as UTF-8"), (b"title: \x07", "character 8"), (b"a: 1\n b: 2", ":2:3: no YAML")],
)
def test_what_is_no_text_or_no_yaml_is_told_with_its_place(tmp_path: Path, content: bytes, problem: str) -> None:
    path = tmp_path / "source.yaml"
    path.write_bytes(content)
    with pytest.raises(NotYaml) as caught:
        read_yaml(path)
    assert str(path) in str(caught.value)
    assert problem in str(caught.value)
