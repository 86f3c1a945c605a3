"""The numbers of Linux's system calls that :mod:`privxray.system.walls` speaks of, by processor.

From asm/unistd_64.h for x86-64 and asm-generic/unistd.h for arm64. They never change. Tested through
tests/unit/test_walls.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Calls:
    """System calls of one kind of processor.

    :ivar machine: the name that a filter knows it by (linux/audit.h).
    :ivar seccomp: the call that sets a filter.
    :ivar clone: starts a thread or a process, by its flags; ``clone3`` hides them in memory.
    :ivar opening: calls that open a path, and which argument has the flags.
    :ivar mapping: calls that say what memory may be used for, and which argument says it.
    :ivar allowed: what a computation needs: memory, open files, threads, the clock, random bytes, the end.
    :ivar never: programs, sockets, other processes, other namespaces; a computation never tries them.
    """

    machine: int
    seccomp: int
    clone: int
    clone3: int
    opening: tuple[tuple[int, int], ...]
    mapping: tuple[tuple[int, int], ...]
    allowed: tuple[int, ...]
    never: tuple[int, ...]


_X86_64 = Calls(
    machine=0xC000003E,
    seccomp=317,
    clone=56,
    clone3=435,
    opening=((2, 1), (257, 2)),  # open, openat
    mapping=((9, 2), (10, 2)),  # mmap, mprotect
    allowed=(
        *(0, 1, 3, 5, 7, 8, 17, 19, 20),  # read, write, close, fstat, poll, lseek, pread64, readv, writev
        *(11, 12, 25, 28),  # munmap, brk, mremap, madvise
        *(13, 14, 15, 131),  # rt_sigaction, rt_sigprocmask, rt_sigreturn, sigaltstack
        *(24, 35, 202, 204, 324),  # sched_yield, nanosleep, futex, sched_getaffinity, membarrier
        *(39, 186, 218, 273, 309, 334),  # getpid, gettid, set_tid_address, set_robust_list, getcpu, rseq
        *(96, 98, 99, 228, 229, 230),  # gettimeofday, getrusage, sysinfo, clock_...
        *(318, 60, 231),  # getrandom, exit, exit_group
    ),
    never=(
        *(57, 58, 59, 322),  # fork, vfork, execve, execveat
        *(41, 42, 43, 44, 46, 49, 50, 53, 288),  # socket, connect, accept, sendto, ..., socketpair, accept4
        *(62, 200, 101, 310, 311, 438),  # kill, tkill, ptrace, process_vm_readv, _writev, pidfd_getfd
        *(85, 76, 82, 83, 86, 87, 88, 90),  # creat, truncate, rename, mkdir, link, unlink, symlink, chmod
        *(165, 272, 308, 321, 425),  # mount, unshare, setns, bpf, io_uring_setup
    ),
)

_ARM64 = Calls(
    machine=0xC00000B7,
    seccomp=277,
    clone=220,
    clone3=435,
    opening=((56, 2),),  # openat
    mapping=((222, 2), (226, 2)),  # mmap, mprotect
    allowed=(
        *(63, 64, 57, 80, 73, 62, 67, 65, 66),  # read, write, close, fstat, ppoll, lseek, pread64, ...
        *(215, 214, 216, 233),  # munmap, brk, mremap, madvise
        *(134, 135, 139, 132),  # rt_sigaction, rt_sigprocmask, rt_sigreturn, sigaltstack
        *(124, 101, 98, 123, 283),  # sched_yield, nanosleep, futex, sched_getaffinity, membarrier
        *(172, 178, 96, 99, 168, 293),  # getpid, gettid, set_tid_address, set_robust_list, getcpu, rseq
        *(169, 165, 179, 113, 114, 115),  # gettimeofday, getrusage, sysinfo, clock_...
        *(278, 93, 94),  # getrandom, exit, exit_group
    ),
    never=(
        *(221, 281),  # execve, execveat
        *(198, 203, 202, 206, 211, 200, 201, 199, 242),  # socket, connect, accept, sendto, ..., accept4
        *(129, 130, 117, 270, 271, 438),  # kill, tkill, ptrace, process_vm_readv, _writev, pidfd_getfd
        *(45, 34, 35, 36, 37, 38, 53),  # truncate, mkdirat, unlinkat, symlinkat, linkat, renameat, fchmodat
        *(40, 97, 268, 280, 425),  # mount, unshare, setns, bpf, io_uring_setup
    ),
)

MACHINES: Mapping[str, Calls] = {"x86_64": _X86_64, "aarch64": _ARM64}
"""By what :func:`platform.machine` says."""
