"""No other process reads this one's memory, and no crash writes it to a file.

A core dump, or a debugger of the same account, would find a signing key or a patient's image. On Linux the
process is made "not dumpable" (prctl(2)): the kernel then writes no core, and only root may attach with
ptrace(2). That holds for cores that ``core_pattern`` pipes to a program, too, for which RLIMIT_CORE does not
count. Elsewhere on POSIX the limit of a core's size is 0. Windows writes no core by itself; its error reports
are the system's business, see docs/THREATS.md.

Tested in tests/unit/test_process_memory.py.
"""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

_PR_SET_DUMPABLE = 4


def keep_private() -> None:
    """Turn core dumps and foreign debuggers off for the rest of this process.

    A program that this process starts inherits the limit of its core's size, and nothing else: it has to call
    this itself. Where the system refuses, the process goes on, for this is a second line of defence.
    """
    if resource is not None:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):  # a C library without prctl
            ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
