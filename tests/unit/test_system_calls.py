"""The filter of system calls, call by call and for both processors, in a small machine that runs filters.

The numbers are held against the kernel's own, as its headers give them (fixtures/system_calls.csv: Linux 6.1,
asm/unistd_64.h and asm-generic/unistd.h with the words that arch/arm64 defines before it). What a real kernel
does with the filter is tried in test_walls.py, on arm64 by tests/arm64/walls.sh.
"""

from __future__ import annotations

import csv
import os
import re
import struct
from collections import Counter
from pathlib import Path

import pytest

from privxray.system import walls
from privxray.system.system_calls import ALLOWED, MACHINES, MAPPING, NEVER, OPENING

KERNEL = {
    machine: {
        row["name"]: int(row[machine])
        for row in csv.DictReader((Path(__file__).parents[1] / "fixtures" / "system_calls.csv").open())
        if row[machine]
    }
    for machine in MACHINES
}
HEADER = Path("/usr/include/asm-generic/unistd.h")

KILL, ALLOW, FAIL, NOT_THERE = 0x80000000, 0x7FFF0000, 0x00050001, 0x00050026  # with EPERM, with ENOSYS
OTHER_KIND = 0x40000000

# What the child called after its filter, told by strace: Debian 12, Python 3.11, numpy 2.4, 1 and 6 decimals,
# --top1, 30 images. On x86-64 with Linux 6.18 (29 November 2026), on arm64 with Linux 6.1 under qemu.
CALLED = {
    "x86_64": "brk exit_group futex getrandom lseek munmap read rt_sigaction sched_getaffinity write",
    "aarch64": "brk exit_group futex getrandom lseek munmap read rt_sigaction sched_getaffinity write",
}
REFUSED = {"x86_64": "newfstatat", "aarch64": "newfstatat"}
"""Python asks how long its input is, by the name of a path that is empty, and goes on without."""

# What whoever takes the child over would want, by what it does.
WANTED = {
    "programs": "execve execveat fork vfork",
    "the network": "socket socketpair connect bind listen accept accept4 sendto sendmsg sendmmsg recvfrom",
    "other processes": "ptrace process_vm_readv process_vm_writev pidfd_open pidfd_getfd kill tkill tgkill",
    "files": "openat2 open_by_handle_at creat truncate ftruncate fallocate copy_file_range sendfile splice",
    "paths": "unlink unlinkat rename renameat renameat2 link linkat symlink symlinkat mkdir mkdirat rmdir",
    "rights of files": "chmod fchmod fchmodat chown fchown fchownat setxattr mknod mknodat utimensat",
    "namespaces": "mount umount2 move_mount fsopen pivot_root chroot unshare setns",
    "rights": "setuid setgid setgroups capset prctl seccomp keyctl add_key request_key",
    "the kernel": "bpf io_uring_setup io_uring_enter userfaultfd perf_event_open init_module kexec_load",
    "code": "memfd_create memfd_secret pkey_mprotect shmat remap_file_pages personality",
    "descriptors": "dup dup2 dup3 fcntl ioctl pipe pipe2 eventfd2 inotify_init1",
    "the machine": "reboot settimeofday clock_settime sethostname swapon setpriority prlimit64",
}


def run_filter(program: bytes, machine: int, number: int, *arguments: int) -> int:
    """What a filter returns for a call: the machine of bpf(4), as far as these filters need it."""
    words = struct.pack("<iIQ6Q", number, machine, 0, *(*arguments, 0, 0, 0, 0, 0, 0)[:6])
    at, held = 0, 0
    while True:
        code, true, false, value = struct.unpack_from("<HBBI", program, 8 * at)
        at += 1
        if code == 0x20:
            (held,) = struct.unpack_from("<I", words, value)
        elif code == 0x06:
            return int(value)
        else:
            is_so = {0x15: held == value, 0x35: held >= value, 0x45: bool(held & value)}[code]
            at += true if is_so else false


def answer(machine: str, name: str, *arguments: int) -> int:
    """What the filter of a processor says to a call, by the kernel's number for it."""
    calls = MACHINES[machine]
    return run_filter(walls._program(calls), calls.machine, KERNEL[machine][name], *arguments)


@pytest.mark.parametrize("machine", MACHINES)
def test_the_numbers_are_the_kernel_s(machine: str) -> None:
    numbers = MACHINES[machine].numbers
    assert numbers == {name: KERNEL[machine][name] for name in numbers}
    named = {*ALLOWED, *NEVER, *OPENING, *MAPPING, "clone", "clone3", "seccomp"}
    assert set(numbers) == named & set(KERNEL[machine])  # none that this processor has is left out
    assert max(Counter([*ALLOWED, *NEVER, *OPENING, *MAPPING]).values()) == 1


@pytest.mark.skipif(not HEADER.is_file(), reason="this machine has no headers of the kernel")
def test_the_fixture_is_what_this_machine_s_headers_say() -> None:
    """asm-generic/unistd.h is arm64's list on every processor. Numbers never change: a newer one has more."""
    text = HEADER.read_text()
    found = {m[2]: int(m[3]) for m in re.finditer(r"^#define __NR(3264)?_(\w+)\s+(\d+)$", text, re.M)}
    found |= {"newfstatat": found["fstatat"]}  # as the end of the header says
    assert {name: found[name] for name in KERNEL["aarch64"]} == KERNEL["aarch64"]


@pytest.mark.parametrize("machine", MACHINES)
def test_what_is_let_through_and_nothing_else(machine: str) -> None:
    """All calls that the kernel has, and those that it may get."""
    calls = MACHINES[machine]
    program = walls._program(calls)
    names = {number: name for name, number in KERNEL[machine].items()}
    looked_at = {"clone", "clone3", *OPENING, *MAPPING}
    for number in range(600):
        told = run_filter(program, calls.machine, number)
        name = names.get(number, "")
        if name in ALLOWED:
            assert told == ALLOW, name
        elif name in NEVER:
            assert told == KILL, name
        elif name not in looked_at:
            assert told == FAIL, name or number
        assert run_filter(program, calls.machine ^ 1, number) == KILL
        assert run_filter(program, calls.machine, number | OTHER_KIND) == KILL


@pytest.mark.parametrize("machine", MACHINES)
def test_calls_that_are_judged_by_what_they_ask_for(machine: str) -> None:
    for name, place in OPENING.items():
        for flags, ends in ((os.O_RDONLY, FAIL), (1, KILL), (2, KILL), (0o101, KILL)):
            if name in KERNEL[machine]:
                assert answer(machine, name, *[0] * place, flags) == ends
    for name, place in MAPPING.items():
        for uses, ends in ((0, ALLOW), (3, ALLOW), (4, FAIL), (7, FAIL)):  # to read, to write, to run
            assert answer(machine, name, *[0] * place, uses) == ends
    assert answer(machine, "clone", 0x10000) == ALLOW  # CLONE_THREAD
    assert answer(machine, "clone", 17) == KILL
    assert answer(machine, "clone3") == NOT_THERE


@pytest.mark.parametrize("machine", MACHINES)
def test_what_the_child_calls_goes_through(machine: str) -> None:
    for name in CALLED[machine].split():
        assert answer(machine, name) == ALLOW, name
    for name in REFUSED[machine].split():
        assert answer(machine, name) == FAIL, name


@pytest.mark.parametrize("what", WANTED)
@pytest.mark.parametrize("machine", MACHINES)
def test_what_an_intruder_wants_does_not(machine: str, what: str) -> None:
    known = [name for name in WANTED[what].split() if name in KERNEL[machine]]
    assert len(known) >= len(WANTED[what].split()) // 2
    for name in known:
        assert answer(machine, name) in (KILL, FAIL), name
