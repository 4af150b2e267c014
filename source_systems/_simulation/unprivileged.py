"""Runs a program as the user ``nobody`` who may still pass through every folder; used where we are root.

PostgreSQL refuses to run as root, but root's home (and with it the project) is closed
to everyone else. Instead of opening other people's folders, the program keeps one
capability of root (Linux): passing through them. A script of its own, since
code between fork and exec of a program with threads may hang.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import sys

USER = "nobody"
_KEEP_CAPABILITIES, _AMBIENT, _RAISE = 8, 47, 2  # prctl's
_VERSION_3 = 0x20080522  # of capset
_PASS_EVERYWHERE = 1  # CAP_DAC_OVERRIDE


def main(program: list[str]) -> None:
    """Become the other user, and the program."""
    user, libc = pwd.getpwnam(USER), ctypes.CDLL(None, use_errno=True)
    linux = sys.platform == "linux"
    if linux:
        libc.prctl(_KEEP_CAPABILITIES, 1, 0, 0, 0)
    os.setgroups([])
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)
    if linux:
        _take_along(libc)
    os.execv(program[0], program)  # noqa: S606 - the caller's program, without a shell


def _take_along(libc: ctypes.CDLL) -> None:
    """Hand the one capability on to the program; where it is not ours to give, the program goes without."""
    only = 1 << _PASS_EVERYWHERE
    header = (ctypes.c_uint32 * 2)(_VERSION_3, 0)
    sets = (ctypes.c_uint32 * 6)(only, only, only, 0, 0, 0)  # effective, permitted, inheritable; twice
    if libc.capset(header, sets) == 0:
        libc.prctl(_AMBIENT, _RAISE, _PASS_EVERYWHERE, 0, 0)


if __name__ == "__main__":
    main(sys.argv[1:])
