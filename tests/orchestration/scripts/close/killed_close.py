"""Closes a day in a process that dies at a chosen step: before its n-th statement, or change of the file system."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from types import FrameType
from typing import Any

from close_house import NEXT, CloseHouse

_DRIVER = "mssql_python"
_CHANGES = {"os.rename", "os.link", "os.remove", "os.mkdir"}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload([__name__])


def _watch(kill_at: int) -> Callable[[], int]:
    """Have this process killed before its n-th step; returns how many there were so far."""
    steps = 0

    def step() -> None:
        nonlocal steps
        steps += 1
        if steps == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def changes(event: str, arguments: tuple[Any, ...]) -> None:
        opens = event == "open" and isinstance(arguments[0], str | bytes) and bool(arguments[2] & _WRITING)
        if opens or event in _CHANGES:
            step()

    def calls(frame: FrameType, event: str, called: Any) -> None:
        here = event == "c_call" and getattr(called, "__name__", "") == "execute"
        if here or (event == "call" and frame.f_code.co_name == "execute" and _DRIVER in frame.f_code.co_filename):
            step()

    sys.addaudithook(changes)
    sys.setprofile(calls)
    return lambda: steps


def _close(house: CloseHouse, day: date, kill_at: int, told: Any) -> None:
    _ = house.runtime
    steps = _watch(kill_at)
    closed = house.close(day)
    sys.setprofile(None)
    told.value = steps() if all(item.status == "closed" for item in closed.values()) else -1


def close_killed_at(house: CloseHouse, step: int, day: date = NEXT) -> int:
    """Close a day and die before step number ``step`` (0: never); returns the steps of one that lived."""
    told = _processes.Value("i", 0)
    process = _processes.Process(target=_close, args=(replace(house), day, step, told))
    process.start()
    process.join(120)
    assert process.exitcode in (0, -signal.SIGKILL), process.exitcode
    return int(told.value)
