"""The system calls of Linux that :mod:`privxray.system.walls` speaks of: which they are, and their numbers.

Numbers are those of asm/unistd_64.h for x86-64 and of asm-generic/unistd.h for arm64. They never change.
arm64 has no ``open``, ``fork`` or ``mkdir``: newer calls do that work there, and they stand in both lists.

Tested in tests/unit/test_system_calls.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

ALLOWED = (
    *("read", "write", "close", "fstat", "poll", "ppoll", "lseek", "pread64", "readv", "writev"),
    *("munmap", "brk", "mremap", "madvise"),
    *("rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack"),
    *("sched_yield", "nanosleep", "futex", "sched_getaffinity", "membarrier"),
    *("getpid", "gettid", "set_tid_address", "set_robust_list", "getcpu", "rseq"),
    *("gettimeofday", "getrusage", "sysinfo", "clock_gettime", "clock_getres", "clock_nanosleep"),
    *("getrandom", "exit", "exit_group"),
)
"""What a computation needs: open files, memory, signals, threads, the clock, random bytes, the end."""

NEVER = (
    *("fork", "vfork", "execve", "execveat"),
    *("socket", "connect", "accept", "accept4", "sendto", "sendmsg", "bind", "listen", "socketpair"),
    *("kill", "tkill", "ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd"),
    *("creat", "truncate", "rename", "mkdir", "link", "unlink", "symlink", "chmod"),
    *("renameat", "mkdirat", "linkat", "unlinkat", "symlinkat", "fchmodat"),
    *("mount", "unshare", "setns", "bpf", "io_uring_setup"),
)
"""What a computation never tries: programs, sockets, other processes, changes of files, other namespaces."""

OPENING = {"open": 1, "openat": 2}
"""Calls that open a path, and which argument has the flags."""
MAPPING = {"mmap": 2, "mprotect": 2}
"""Calls that say what memory may be used for, and which argument says it."""

_X86_64 = """
read 0, write 1, close 3, fstat 5, poll 7, ppoll 271, lseek 8, pread64 17, readv 19, writev 20,
munmap 11, brk 12, mremap 25, madvise 28, mmap 9, mprotect 10, rt_sigaction 13, rt_sigprocmask 14,
rt_sigreturn 15, sigaltstack 131, sched_yield 24, nanosleep 35, futex 202, sched_getaffinity 204,
membarrier 324, getpid 39, gettid 186, set_tid_address 218, set_robust_list 273, getcpu 309, rseq 334,
gettimeofday 96, getrusage 98, sysinfo 99, clock_gettime 228, clock_getres 229, clock_nanosleep 230,
getrandom 318, exit 60, exit_group 231, open 2, openat 257, clone 56, clone3 435, fork 57, vfork 58,
execve 59, execveat 322, socket 41, connect 42, accept 43, accept4 288, sendto 44, sendmsg 46, bind 49,
listen 50, socketpair 53, kill 62, tkill 200, ptrace 101, process_vm_readv 310, process_vm_writev 311,
pidfd_getfd 438, creat 85, truncate 76, rename 82, mkdir 83, link 86, unlink 87, symlink 88, chmod 90,
renameat 264, mkdirat 258, linkat 265, unlinkat 263, symlinkat 266, fchmodat 268, mount 165,
unshare 272, setns 308, bpf 321, io_uring_setup 425, seccomp 317
"""

_ARM64 = """
read 63, write 64, close 57, fstat 80, ppoll 73, lseek 62, pread64 67, readv 65, writev 66, munmap 215,
brk 214, mremap 216, madvise 233, mmap 222, mprotect 226, rt_sigaction 134, rt_sigprocmask 135,
rt_sigreturn 139, sigaltstack 132, sched_yield 124, nanosleep 101, futex 98, sched_getaffinity 123,
membarrier 283, getpid 172, gettid 178, set_tid_address 96, set_robust_list 99, getcpu 168, rseq 293,
gettimeofday 169, getrusage 165, sysinfo 179, clock_gettime 113, clock_getres 114, clock_nanosleep 115,
getrandom 278, exit 93, exit_group 94, openat 56, clone 220, clone3 435, execve 221, execveat 281,
socket 198, connect 203, accept 202, accept4 242, sendto 206, sendmsg 211, bind 200, listen 201,
socketpair 199, kill 129, tkill 130, ptrace 117, process_vm_readv 270, process_vm_writev 271,
pidfd_getfd 438, truncate 45, renameat 38, mkdirat 34, linkat 37, unlinkat 35, symlinkat 36,
fchmodat 53, mount 40, unshare 97, setns 268, bpf 280, io_uring_setup 425, seccomp 277
"""


@dataclass(frozen=True)
class Calls:
    """System calls of one kind of processor.

    :ivar machine: the name that a filter knows it by (linux/audit.h).
    :ivar numbers: by name; without those that this processor does not have.
    """

    machine: int
    numbers: Mapping[str, int]

    def of(self, names: Iterable[str]) -> list[int]:
        """The numbers of those calls that this processor has."""
        return [self.numbers[name] for name in names if name in self.numbers]

    def looked_at(self, places: Mapping[str, int]) -> list[tuple[int, int]]:
        """Numbers, and which argument: of :data:`OPENING` or :data:`MAPPING`."""
        return [(self.numbers[name], place) for name, place in places.items() if name in self.numbers]


def _numbers(table: str) -> Mapping[str, int]:
    return {name: int(number) for name, number in (entry.split() for entry in table.split(","))}


MACHINES: Mapping[str, Calls] = {
    "x86_64": Calls(0xC000003E, _numbers(_X86_64)),
    "aarch64": Calls(0xC00000B7, _numbers(_ARM64)),
}
"""By what :func:`platform.machine` says."""
