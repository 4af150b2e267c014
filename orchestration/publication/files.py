"""Files that readers in other processes see change whole or not at all."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def replace_file(path: Path, content: bytes) -> None:
    """Give ``path`` new content by rename: a reader sees the old file or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with _draft(path) as draft:
        draft.write_bytes(content)
        draft.replace(path)


def link_or_copy(source: Path, target: Path) -> None:
    """Give an immutable file a second name; a copy where the file system has no links.

    Raises:
        FileNotFoundError: there is no such file.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except FileExistsError:
        return
    except OSError:
        with _draft(target) as draft:
            shutil.copyfile(source, draft)
            draft.replace(target)


@contextmanager
def _draft(path: Path) -> Iterator[Path]:
    """Yield a name beside ``path`` that nobody else takes; what is left there when writing fails is removed."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.part")
    try:
        yield draft
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
