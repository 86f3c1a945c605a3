"""Limits that a process sets for itself, for good: memory, processor time, files. And its processors.

POSIX has ``setrlimit``. Windows has job objects; a process joins one and can't leave it. A job knows no limit
of a file's size and none of open files, so there a process is limited in memory, time and further processes
alone.
"""

from __future__ import annotations

import ctypes
import os
import sys
from dataclasses import dataclass

from privxray.system import process_memory, win32

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

_EXTENDED_LIMITS = 9  # JobObjectExtendedLimitInformation
_PROCESS_TIME = 0x2
_ACTIVE_PROCESS = 0x8
_PROCESS_MEMORY = 0x100
_TICKS = 10_000_000  # of 100 nanoseconds in a second


@dataclass(frozen=True)
class Limits:
    """What one process may take; None leaves it alone.

    ``memory`` is bytes of address space (Windows: of committed memory), ``seconds`` processor time,
    ``file_bytes`` the size of any one file that it writes, ``open_files`` their number.
    """

    memory: int
    seconds: int | None = None
    file_bytes: int | None = None
    open_files: int | None = None


def limit_this_process(limits: Limits) -> None:
    """Set the limits of this process for good. It keeps its memory private, too.

    :raises ValueError: Linux does not allow a limit. (macOS has no limit of address space, and goes on
        without.)
    :raises OSError: the system refused.
    """
    process_memory.keep_private()
    if resource is None:
        if win32.is_windows():
            _join_a_job(limits)
        return
    for what, most in (
        (resource.RLIMIT_AS, limits.memory),
        (resource.RLIMIT_CPU, limits.seconds),
        (resource.RLIMIT_FSIZE, limits.file_bytes),
        (resource.RLIMIT_NOFILE, limits.open_files),
    ):
        if most is None:
            continue
        hard = resource.getrlimit(what)[1]
        limit = most if hard == resource.RLIM_INFINITY else min(most, hard)
        try:
            resource.setrlimit(what, (limit, limit))
        except (ValueError, OSError):  # macOS has no limit of address space
            if sys.platform == "linux":
                raise


def limit_worker(memory: int) -> None:
    """Keep a worker's memory private. On Windows, where it may take what the whole session has, bound it.

    Elsewhere it is not bounded: there the address space would be, which mapped files are a part of.
    """
    process_memory.keep_private()
    if win32.is_windows():
        _join_a_job(Limits(memory))


def processors() -> int:
    """How many processors this process may run on; a container often has fewer than the machine."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class _BasicLimits(ctypes.Structure):
    _fields_ = (
        ("process_time", ctypes.c_int64),
        ("job_time", ctypes.c_int64),
        ("flags", ctypes.c_uint32),
        ("least_working_set", ctypes.c_size_t),
        ("most_working_set", ctypes.c_size_t),
        ("active_processes", ctypes.c_uint32),
        ("affinity", ctypes.c_size_t),
        ("priority", ctypes.c_uint32),
        ("scheduling", ctypes.c_uint32),
    )


class ExtendedLimits(ctypes.Structure):
    """``JOBOBJECT_EXTENDED_LIMIT_INFORMATION``."""

    _fields_ = (
        ("basic", _BasicLimits),
        ("io_counters", ctypes.c_uint64 * 6),
        ("process_memory", ctypes.c_size_t),
        ("job_memory", ctypes.c_size_t),
        ("most_process_memory", ctypes.c_size_t),
        ("most_job_memory", ctypes.c_size_t),
    )


def job_limits(limits: Limits) -> ExtendedLimits:
    """The limits as Windows takes them."""
    asked = ExtendedLimits()
    asked.basic.flags = _PROCESS_MEMORY
    asked.process_memory = limits.memory
    if limits.seconds is not None:
        asked.basic.flags |= _PROCESS_TIME | _ACTIVE_PROCESS
        asked.basic.process_time = limits.seconds * _TICKS
        asked.basic.active_processes = 1
    return asked


def _join_a_job(limits: Limits) -> None:
    kernel32 = win32.library("kernel32")
    job = kernel32.CreateJobObjectW(None, None)  # its handle stays open as long as the process lives
    win32.require(job)
    asked, held = job_limits(limits), ctypes.c_void_p(job)
    win32.require(
        kernel32.SetInformationJobObject(held, _EXTENDED_LIMITS, ctypes.byref(asked), ctypes.sizeof(asked))
    )
    this = ctypes.c_void_p(kernel32.GetCurrentProcess())
    win32.require(kernel32.AssignProcessToJobObject(held, this))
