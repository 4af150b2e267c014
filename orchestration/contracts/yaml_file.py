"""Reads YAML files that people write, and says in one sentence where one of them is none."""

from __future__ import annotations

from pathlib import Path

import yaml


class NotYaml(ValueError):
    """A file is no YAML; the message is ``<path>[:<line>:<column>]: no YAML: <problem>.``, both from 1."""

    def __init__(self, place: str, problem: str) -> None:
        """Say where and what in one sentence."""
        super().__init__(f"{place}: no YAML: {problem}.")


def read_yaml(path: Path) -> object:
    """Return the document of a file.

    Raises:
        NotYaml: it cannot be read as YAML, or not as text.
        OSError: it cannot be opened.
    """
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
        raise NotYaml(place, error.problem or "it cannot be parsed") from None
    except yaml.reader.ReaderError as error:
        raise NotYaml(str(path), f"character {error.position + 1}: {error.reason}") from None
    except UnicodeDecodeError as error:
        raise NotYaml(str(path), f"byte {error.start + 1} is no UTF-8; save the file as UTF-8") from None
