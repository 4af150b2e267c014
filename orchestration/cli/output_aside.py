"""Sends what others print into a file while a day runs: dbt, Dagster and the processes that they start.

dbt tells every model and test, and Dagster's watchers of orphans answer Ctrl-C with tracebacks; neither is an answer to
the person who waits. It is done to the file descriptor, for children know nothing of ``sys.stderr``.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import TextIO

_STDERR = 2


@contextmanager
def output_aside(log: Path) -> Iterator[TextIO]:
    """Write standard output and standard error of this process and its children to a new file ``log``.

    Yields what was standard error, for what the person should see meanwhile.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with (
        log.open("w", encoding="utf-8") as file,
        os.fdopen(os.dup(_STDERR), "w", encoding="utf-8", buffering=1) as terminal,
        redirect_stdout(file),
    ):
        sys.stderr.flush()
        os.dup2(file.fileno(), _STDERR)
        try:
            yield terminal
        finally:
            sys.stderr.flush()
            os.dup2(terminal.fileno(), _STDERR)
