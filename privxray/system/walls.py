"""Walls around a process that computes on what a stranger made: no files, no network, no other programs.

Two of Linux, raised for good by the process itself; what it starts later would stand behind them, too.

* *Landlock* (landlock(7), Linux 5.13): no path can be opened, made, changed or removed, no TCP port bound or
  connected to, and, from Linux 6.12, no signal sent outside. Files that are open already stay open.
* *seccomp* (seccomp(2)): of the system calls, those that a computation needs go through. An attempt to start
  a program, to open a socket or a file for writing, or to reach into another process ends this one at once.
  All others fail, as they would without the right to make them. So does memory that could be run: no code
  comes in besides what was there before.

Landlock holds for the thread that raises it, and for those that it starts later. So a process that has others
already raises nothing.

The modules that a process needs are imported before: afterwards none can be read. docs/adr/0147 has the
reasons. Where the kernel, the processor or a container lacks one of them, the process goes on with the other;
``privxray doctor`` says which there are.

Tested in tests/unit/test_walls.py.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
import sys
from dataclasses import dataclass
from pathlib import Path

from privxray.system.system_calls import ALLOWED, MACHINES, MAPPING, NEVER, OPENING, Calls

_SET_NO_NEW_PRIVILEGES = 38
_CREATE_RULESET, _RESTRICT_SELF = 444, 446  # the same on all machines
_ASK_VERSION = 1
_SET_FILTER, _ACTION_AVAILABLE = 1, 2
_ALL_THREADS = 1

_KILL = 0x80000000
_ALLOW = 0x7FFF0000
_FAIL = 0x00050000  # with an error number in the low bits
_EPERM, _EBUSY, _ENOSYS = 1, 16, 38

_LOAD, _IF_EQUAL, _IF_AT_LEAST, _IF_BITS, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _MACHINE, _ARGUMENTS = 0, 4, 16  # offsets in what a filter looks at
_WRITING = os.O_WRONLY | os.O_RDWR
_RUNNING = 0x4  # PROT_EXEC
_THREAD = 0x10000  # CLONE_THREAD
_OTHER_CALLS = 0x40000000  # those of the x32 kind, under the same machine


@dataclass(frozen=True)
class Walls:
    """Which walls there are.

    :ivar landlock: the version of its interface, 0 where there is none.
    :ivar seccomp: whether there is one, for a processor that this module knows the calls of.
    """

    landlock: int
    seccomp: bool


def walls_here() -> Walls:
    """The walls that this machine has. Nothing is raised."""
    if sys.platform != "linux":
        return Walls(0, seccomp=False)
    calls = MACHINES.get(platform.machine())
    kill = ctypes.c_uint32(_KILL)
    filters = (
        calls is not None and _call(calls.numbers["seccomp"], _ACTION_AVAILABLE, 0, ctypes.byref(kill)) == 0
    )
    return Walls(max(0, _call(_CREATE_RULESET, None, 0, _ASK_VERSION)), filters)


def raise_walls() -> Walls:
    """Raise the walls that this machine has around this process, for good; which ones.

    :raises OSError: there is one, and the system refused to raise it, or this process has several threads.
    """
    here = walls_here()
    if here.landlock or here.seccomp:
        _expect_one_thread()
        _require_zero(ctypes.CDLL(None, use_errno=True).prctl(_SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0))
    if here.landlock:
        _raise_landlock(here.landlock)
    if here.seccomp:
        _raise_filter(MACHINES[platform.machine()])
    return here


def _expect_one_thread() -> None:
    """:raises OSError: there are others; also those that a library started without Python."""
    told = Path("/proc/self/stat").read_text(encoding="ascii", errors="replace")
    after_name = told.rpartition(")")[2].split()  # proc_pid_stat(5): the name may have spaces in it
    if after_name[17] != "1":
        raise OSError(_EBUSY, "walls are raised before other threads are started")


def _raise_landlock(version: int) -> None:
    """Deny all that this version of Landlock can deny, without an exception."""
    files = 13 + (version >= 2) + (version >= 3) + (version >= 5)  # kinds of access, a bit each
    fields = [(1 << files) - 1]
    if version >= 4:
        fields.append(0b11)  # bind and connect
    if version >= 6:
        fields.append(0b11)  # abstract sockets and signals
    attributes = struct.pack(f"<{len(fields)}Q", *fields)
    ruleset = _require(_call(_CREATE_RULESET, attributes, len(attributes), 0))
    _require_zero(_call(_RESTRICT_SELF, ruleset, 0))
    os.close(ruleset)


def _raise_filter(calls: Calls) -> None:
    program = _program(calls)
    instructions = ctypes.create_string_buffer(program, len(program))
    wanted = _Program(len(program) // 8, ctypes.cast(instructions, ctypes.c_void_p))
    # Where one thread can't take the filter, none has it, and the call returns that thread's number.
    _require_zero(_call(calls.numbers["seccomp"], _SET_FILTER, _ALL_THREADS, ctypes.byref(wanted)))


class _Program(ctypes.Structure):
    """``struct sock_fprog``."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p))


def _program(calls: Calls) -> bytes:
    """The filter: instructions of 8 bytes. A jump says how many to pass over if true, and if not."""

    def step(code: int, value: int, true: int = 0, false: int = 0) -> bytes:
        return struct.pack("<HBBI", code, true, false, value)

    def if_call(number: int, *then: bytes) -> bytes:
        return step(_IF_EQUAL, number, 0, len(then)) + b"".join(then)

    def by_bits(argument: int, bits: int, there: int, not_there: int) -> tuple[bytes, ...]:
        load = step(_LOAD, _ARGUMENTS + 8 * argument)
        return load, step(_IF_BITS, bits, 0, 1), step(_RETURN, there), step(_RETURN, not_there)

    kill = step(_RETURN, _KILL)
    parts = [step(_LOAD, _MACHINE), step(_IF_EQUAL, calls.machine, 1, 0), kill, step(_LOAD, _NUMBER)]
    parts += [step(_IF_AT_LEAST, _OTHER_CALLS, 0, 1), kill]
    parts += [if_call(number, step(_RETURN, _ALLOW)) for number in calls.of(ALLOWED)]
    parts += [if_call(number, kill) for number in calls.of(NEVER)]
    parts += [
        if_call(number, *by_bits(argument, _WRITING, _KILL, _FAIL | _EPERM))
        for number, argument in calls.looked_at(OPENING)
    ]
    parts += [
        if_call(number, *by_bits(argument, _RUNNING, _FAIL | _EPERM, _ALLOW))
        for number, argument in calls.looked_at(MAPPING)
    ]
    parts.append(if_call(calls.numbers["clone"], *by_bits(0, _THREAD, _ALLOW, _KILL)))
    # The C library then takes clone, whose flags can be looked at here.
    parts.append(if_call(calls.numbers["clone3"], step(_RETURN, _FAIL | _ENOSYS)))
    return b"".join([*parts, step(_RETURN, _FAIL | _EPERM)])


def _call(number: int, *arguments: object) -> int:
    """What a system call returns, which is -1 where it fails."""
    library = ctypes.CDLL(None, use_errno=True)
    made = [ctypes.c_long(value) if isinstance(value, int) else value for value in arguments]
    return int(library.syscall(ctypes.c_long(number), *made))


def _require(result: int) -> int:
    """:raises OSError: the call failed."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def _require_zero(result: int) -> None:
    """:raises OSError: the call failed, or did not do what was asked, and told so by another number."""
    if _require(result):
        raise OSError(_EBUSY, os.strerror(_EBUSY))
