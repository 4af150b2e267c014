"""Files that readers in other processes see change whole or not at all."""

from __future__ import annotations

import os
import shutil
import threading
from pathlib import Path


def replace_file(path: Path, content: bytes) -> None:
    """Give ``path`` new content by rename: a reader sees the old file or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = _draft(path)
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
        draft = _draft(target)
        shutil.copyfile(source, draft)
        draft.replace(target)


def _draft(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.part")
