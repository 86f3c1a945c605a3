"""What differs between systems: tried on this one, and for Windows by the calls that are made.

tests/windows runs the same package with a Windows Python under Wine.
"""

from __future__ import annotations

import ast
import ctypes
import errno
import io
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from types import SimpleNamespace
from typing import Any

import pytest

import privxray
from privxray.errors import SystemTroubleError
from privxray.system import access_lists, console, durable, limits, locks, names, private_files, win32
from privxray.workspace import atomic

PACKAGE = Path(privxray.__file__).parent
HERE = Path(__file__).parent


class Fake:
    """A library of Windows that notes its calls. A function answers what ``answers`` says, or else 1."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.calls: list[tuple[str, tuple[Any, ...]]] = []

    def __getattr__(self, name: str) -> Any:
        def call(*arguments: Any) -> Any:
            self.calls.append((name, arguments))
            answer = self.answers.get(name, 1)
            return answer(*arguments) if callable(answer) else answer

        return call

    def of(self, name: str) -> list[tuple[Any, ...]]:
        return [arguments for called, arguments in self.calls if called == name]


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes this Windows, with the libraries that are given."""

    def become(fake: Fake, error: int = 0) -> Fake:
        monkeypatch.setattr(win32, "is_windows", lambda: True)
        monkeypatch.setattr(win32, "library", lambda _: fake)
        monkeypatch.setattr(win32, "last_error", lambda: windows_error(error))
        return fake

    return become


def windows_error(code: int) -> OSError:
    kinds = {5: PermissionError, 32: PermissionError, 33: PermissionError, 183: FileExistsError}
    error = kinds.get(code, OSError)(errno.EINVAL, "refused")
    error.winerror = code  # type: ignore[attr-defined]
    return error


# One place


def test_no_other_module_asks_for_the_system() -> None:
    """Everything that only one kind of system has stands in privxray/system."""
    modules = {"fcntl", "resource", "pwd", "grp", "msvcrt", "winreg", "ctypes", "termios", "filelock"}
    asked = {
        "sys.platform", "os.name", "os.fork", "os.getuid", "os.geteuid", "os.fchmod", "os.chmod", "os.link",
        "os.O_CLOEXEC", "os.O_DIRECTORY", "os.O_NOFOLLOW", "os.O_BINARY", "os.sched_getaffinity",
        "os.memfd_create", "os.kill", "os.setsid", "select.select", "selectors.DefaultSelector",
    }  # fmt: skip
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.is_relative_to(PACKAGE / "system"):
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                named = {alias.name.partition(".")[0] for alias in node.names} & modules
            elif isinstance(node, ast.ImportFrom):
                named = {(node.module or "").partition(".")[0]} & modules
            elif isinstance(node, ast.Attribute):
                named = {ast.unparse(node)} & asked
                named |= {"chmod"} & {node.attr}
            else:
                continue
            found += [f"{path.relative_to(PACKAGE)}: {name}" for name in named]
    assert found == []


def without_posix(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words],
        capture_output=True,
        text=True,
        check=False,
        cwd=HERE.parents[1],
        env=os.environ
        | {"PYTHONPATH": os.pathsep.join([str(PACKAGE.parent), str(HERE), os.environ["PYTHONPATH"]])},
    )


@pytest.mark.skipif(os.name == "nt", reason="this system has none of POSIX anyway")
def test_every_module_imports_without_posix() -> None:
    code = (
        "import posixless, importlib, pkgutil, privxray\n"
        "for module in pkgutil.walk_packages(privxray.__path__, 'privxray.'):\n"
        "    module.name.endswith('__main__') or importlib.import_module(module.name)\n"
        "print('all')\n"
    )
    done = without_posix("-c", code)
    assert done.stdout == "all\n", done.stderr[-2000:]


@pytest.mark.skipif(os.name == "nt", reason="this system has none of POSIX anyway")
def test_locks_writes_and_workspaces_work_without_posix() -> None:
    """The same tests, with a stand-in for the lock."""
    done = without_posix(
        "-m", "pytest", "-q", "-p", "posixless", "-p", "no:cacheprovider", "-p", "no:xdist",
        "tests/unit/test_system_files.py", "tests/unit/test_exchange_intake.py",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]
    assert " passed" in done.stdout


# Names and paths


@pytest.mark.parametrize(
    "name",
    ["CON", "con", "nul.txt", "Aux.b.c", "COM1", "lpt9.x", "com¹", "PRN", "a.", "a ", "x. ", "con .txt"],
)
def test_what_windows_does_not_take_is_no_name(name: str) -> None:
    assert names.is_refused_by_windows(name)


@pytest.mark.parametrize(
    "name", ["hospital-a", "con-1", "console", "COM10", "x.con", "nul-txt", "a.b", "st.con"]
)
def test_other_names_are_taken(name: str) -> None:
    assert not names.is_refused_by_windows(name)


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        (PureWindowsPath("incoming\\plan-0001.plan"), "incoming/plan-0001.plan"),
        (PureWindowsPath("..\\hospital-a"), "../hospital-a"),
        (PureWindowsPath("C:\\study\\a.plan"), "C:\\study\\a.plan"),
        (PurePosixPath("incoming/a.plan"), "incoming/a.plan"),
    ],
)
def test_relative_paths_in_advice_have_forward_slashes(path: PurePath, shown: str) -> None:
    assert names.as_advised(path) == shown


def test_a_long_path_gets_the_form_that_windows_takes() -> None:
    deep = "C:\\" + "\\".join(["folder" * 5] * 8)
    assert names.extended(deep) == "\\\\?\\" + deep
    assert names.extended("\\\\?\\" + deep) == "\\\\?\\" + deep
    share = "\\\\server\\share" + deep[2:]
    assert names.extended(share) == "\\\\?\\UNC\\server\\share" + deep[2:]
    assert names.extended("C:\\study") == "C:\\study"


def test_on_windows_a_long_folder_is_absolute_and_a_short_one_is_left(
    windows: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    windows(Fake())
    whole = "C:\\" + "\\".join(["folder" * 5] * 8)
    monkeypatch.setattr(
        names.os.path, "abspath", lambda path: whole if "deep" in str(path) else f"C:\\{path}"
    )
    assert str(names.long_path(Path("deep"))) == "\\\\?\\" + whole
    assert names.long_path(Path("images")) == Path("images")


def test_elsewhere_a_long_path_is_a_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(win32, "is_windows", lambda: False)
    assert names.long_path(Path("/" + "x" * 300)) == Path("/" + "x" * 300)


def test_what_to_type_is_quoted_for_the_shells_of_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(win32, "is_windows", lambda: False)
    words = ["clean", "Hospital A", "sub\\clean", "a(b)"]
    assert [names.quoted(word) for word in words] == ["clean", "'Hospital A'", "'sub\\clean'", "'a(b)'"]
    assert names.unexpanded("updates/*.enc") == "'updates/*.enc'"
    monkeypatch.setattr(win32, "is_windows", lambda: True)
    assert [names.quoted(word) for word in words] == ["clean", '"Hospital A"', "sub\\clean", '"a(b)"']
    assert names.unexpanded("updates/*.enc") == "updates/*.enc"


def test_from_one_drive_to_another_there_is_no_relative_way(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> str:
        raise ValueError("path is on mount 'Z:', start on mount 'C:'")

    assert names.way(Path("/a/b"), Path("/a/c")) == "../c"
    monkeypatch.setattr(os.path, "relpath", refuse)
    assert names.way(Path("/a/b"), Path("/a/c")) == str(Path("/a/c"))


@pytest.mark.parametrize(
    ("uri", "asked"),
    [
        ("file:///C:/a%20b/state.db", "file:///C:/a%20b/state.db?mode=ro"),
        ("file://server/share/state.db", "file:////server/share/state.db?mode=ro"),
    ],
)
def test_a_database_on_a_share_is_found(monkeypatch: pytest.MonkeyPatch, uri: str, asked: str) -> None:
    monkeypatch.setattr(Path, "as_uri", lambda _: uri)
    assert names.database_uri(Path("state.db"), "ro") == asked


# Writing


def test_on_windows_a_file_takes_its_name_at_once_and_durably(windows: Any, tmp_path: Path) -> None:
    fake = windows(Fake())
    durable.replace(tmp_path / "a", tmp_path / "b")
    durable.claim(tmp_path / "a", tmp_path / "c")
    assert fake.calls == [
        ("MoveFileExW", (str(tmp_path / "a"), str(tmp_path / "b"), 1 | 8)),
        ("MoveFileExW", (str(tmp_path / "a"), str(tmp_path / "c"), 8)),
    ]


def test_on_windows_a_folder_is_flushed_through_a_handle(windows: Any, tmp_path: Path) -> None:
    fake = windows(Fake(CreateFileW=77))
    durable.sync_folder(tmp_path)
    ((folder, access, share, _, disposition, flags, _),) = fake.of("CreateFileW")
    assert (folder, access, share, disposition, flags) == (str(tmp_path), 0x40000000, 7, 3, 0x02000000)
    assert [handle.value for (handle,) in fake.of("FlushFileBuffers")] == [77]
    assert [handle.value for (handle,) in fake.of("CloseHandle")] == [77]


def test_a_folder_that_can_t_be_flushed_is_no_error(windows: Any, tmp_path: Path) -> None:
    windows(Fake(CreateFileW=win32._INVALID_HANDLE), error=5)
    durable.sync_folder(tmp_path)


def test_a_file_that_a_scanner_holds_for_a_moment_is_tried_again(
    windows: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(durable, "_STEP", 0.0)
    answers = iter([0, 0, 1])
    fake = windows(Fake(MoveFileExW=lambda *_: next(answers)), error=32)
    durable.replace(tmp_path / "a", tmp_path / "b")
    assert len(fake.calls) == 3


def test_a_file_that_a_program_keeps_open_is_told(
    windows: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the half-written file is gone."""
    monkeypatch.setattr(durable, "PATIENCE", 0.0)
    monkeypatch.setattr(
        private_files, "open_new", lambda path, mode: os.open(path, os.O_WRONLY | os.O_CREAT, mode)
    )
    windows(Fake(MoveFileExW=0), error=5)
    (tmp_path / "report.html").write_bytes(b"old")
    with pytest.raises(SystemTroubleError) as caught:
        atomic.write_atomic(tmp_path / "report.html", b"new", overwrite=True)
    assert caught.value.reason == "file.in-use"
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"report.html": b"old"}


@pytest.mark.parametrize(("error", "kind"), [(183, FileExistsError), (112, OSError)])
def test_other_refusals_are_not_waited_for(windows: Any, tmp_path: Path, error: int, kind: type) -> None:
    fake = windows(Fake(MoveFileExW=0), error=error)
    with pytest.raises(kind):
        durable.claim(tmp_path / "a", tmp_path / "b")
    assert len(fake.calls) == 1


# Locks


def test_on_windows_doctor_asks_for_a_shared_lock_on_the_byte_that_filelock_locks(
    windows: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "fcntl", None)
    lock = tmp_path / ".lock"
    assert not locks.is_locked(lock)
    lock.touch()
    fake = windows(Fake(CreateFileW=9))
    assert not locks.is_locked(lock)
    ((handle, flags, _, low, high, _),) = fake.of("LockFileEx")
    assert (handle.value, flags, low, high) == (9, 1, 1, 0)  # fail at once, shared; one byte from 0
    windows(Fake(CreateFileW=9, LockFileEx=0), error=33)
    assert locks.is_locked(lock)
    windows(Fake(CreateFileW=9, LockFileEx=0), error=6)
    with pytest.raises(OSError, match="refused"):
        locks.is_locked(lock)


# Limits


def test_on_windows_a_process_limits_itself_by_a_job(windows: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "resource", None)
    seen = []

    def note(job: Any, kind: int, asked: Any, size: int) -> int:
        seen.append((job.value, kind, asked._obj, size))
        return 1

    fake = windows(Fake(CreateJobObjectW=5, GetCurrentProcess=-1, SetInformationJobObject=note))
    limits.limit_this_process(limits.Limits(1 << 30, 70, 64 << 20, 64))
    ((job, kind, asked, size),) = seen
    assert (job, kind, size) == (5, 9, ctypes.sizeof(limits.ExtendedLimits))
    assert asked.basic.flags == 0x100 | 0x2 | 0x8
    assert asked.process_memory == 1 << 30
    assert asked.basic.process_time == 70 * 10_000_000
    assert asked.basic.active_processes == 1
    assert [name for name, _ in fake.calls][-1] == "AssignProcessToJobObject"
    limits.limit_worker(2 << 30)
    assert seen[1][2].basic.flags == 0x100
    assert seen[1][2].process_memory == 2 << 30


def test_the_structure_is_as_large_as_windows_takes_it() -> None:
    """JOBOBJECT_EXTENDED_LIMIT_INFORMATION of 64 bits has 144 bytes."""
    assert ctypes.sizeof(limits.ExtendedLimits) == 144
    assert ctypes.sizeof(win32.Overlapped) == 32


def test_a_job_that_is_refused_is_an_error(windows: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "resource", None)
    windows(Fake(CreateJobObjectW=5, GetCurrentProcess=-1, AssignProcessToJobObject=0), error=5)
    with pytest.raises(PermissionError):
        limits.limit_worker(1)


def test_a_worker_is_not_limited_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(win32, "is_windows", lambda: False)
    monkeypatch.setattr(win32, "library", lambda _: pytest.fail("asked"))
    limits.limit_worker(1)


# The terminal


@pytest.mark.parametrize("encoding", ["cp1252", "cp850", "ascii"])
def test_a_sign_that_the_terminal_does_not_have_is_a_question_mark(encoding: str) -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding, newline="\n")
    console.show_what_can_be_shown(stream)
    stream.write("a → b ✓\n")
    stream.flush()
    assert raw.getvalue() == b"a ? b ?\n"


def test_a_stream_in_utf_8_stays_as_it_is() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="surrogateescape")
    console.show_what_can_be_shown(stream, io.StringIO())
    assert stream.errors == "surrogateescape"


@pytest.mark.parametrize(("answer", "person"), [(1, True), (0, False)])
def test_the_device_nul_is_no_person(
    windows: Any, monkeypatch: pytest.MonkeyPatch, answer: int, person: bool
) -> None:
    """Nothing is asked of it, though it calls itself a terminal."""
    monkeypatch.setitem(sys.modules, "msvcrt", SimpleNamespace(get_osfhandle=lambda _: 12))
    stream = SimpleNamespace(isatty=lambda: True, fileno=lambda: 0)
    monkeypatch.setattr(win32, "is_windows", lambda: False)
    assert console.is_terminal(stream)
    fake = windows(Fake(GetConsoleMode=answer))
    assert console.is_terminal(stream) == person
    assert fake.of("GetConsoleMode")[0][0].value == 12
    assert not console.is_terminal(SimpleNamespace(isatty=lambda: False))


@pytest.mark.parametrize(("kind", "told"), [(0, False), (1, False), (2, True), (5, True), (6, True)])
def test_a_closed_window_is_ctrl_c_with_time_to_end(
    windows: Any, monkeypatch: pytest.MonkeyPatch, kind: int, told: bool
) -> None:
    raised, waited = [], []
    monkeypatch.setattr(signal, "raise_signal", raised.append)
    monkeypatch.setattr(console.time, "sleep", waited.append)
    fake = windows(Fake())
    console.end_with_the_window()
    (((handler, add),)) = fake.of("SetConsoleCtrlHandler")
    assert add == 1
    assert handler(kind) == 0
    assert raised == ([signal.SIGINT] if told else [])
    assert waited == ([4.0] if told else [])


# Access lists

OWN = "S-1-5-21-1-2-3-1001"


def test_a_private_list_names_two_accounts_and_takes_nothing_over() -> None:
    assert access_lists.private_list(OWN, folder=False) == f"D:P(A;;FA;;;{OWN})(A;;FA;;;SY)"
    assert access_lists.private_list(OWN, folder=True) == f"D:P(A;OICI;FA;;;{OWN})(A;OICI;FA;;;SY)"


@pytest.mark.parametrize(
    ("sddl", "others"),
    [
        (f"D:P(A;;FA;;;{OWN})(A;;FA;;;SY)", set()),
        (f"D:PAI(A;OICI;0x1f01ff;;;{OWN})(A;;FA;;;BA)(A;;FA;;;SY)", set()),
        (f"D:AI(A;ID;FA;;;SY)(A;ID;0x1200a9;;;BU)(A;ID;FA;;;{OWN})", {"BU"}),
        ("D:(A;;FR;;;WD)", {"WD"}),
        ("D:(A;;GR;;;AU)(A;;FW;;;BG)", {"AU"}),
        ("D:(A;;0x100116;;;BU)", set()),  # may write, and not read
        ("D:(D;;FA;;;WD)", set()),
        ("D:(A;;FA;;;S-1-5-21-1-2-3-1002)", {"S-1-5-21-1-2-3-1002"}),
        ("D:NO_ACCESS_CONTROL", {"everybody"}),
        ("O:SYG:SY", {"everybody"}),
        ("D:P", set()),
    ],
)
def test_who_else_may_read_is_seen_in_the_list(sddl: str, others: set[str]) -> None:
    assert access_lists.others_in(sddl, frozenset({OWN})) == others


def test_a_disk_that_keeps_no_lists_lets_everybody_read(windows: Any, tmp_path: Path) -> None:
    """As FAT says of itself; nothing else is asked then."""

    def volume(_: Any, *rest: Any) -> int:
        rest[4]._obj.value = 0x6
        return 1

    fake = windows(Fake(GetVolumeInformationW=volume))
    assert access_lists.others_may_read(tmp_path)
    assert {name for name, _ in fake.calls} == {"GetVolumePathNameW", "GetVolumeInformationW"}


def test_what_to_type_names_the_two_accounts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access_lists, "own_sid", lambda: OWN)
    assert (
        access_lists.how_to_close("FILE") == f'icacls FILE /inheritance:r /grant:r "*{OWN}:F" "*S-1-5-18:F"'
    )
    assert access_lists.how_to_close_folder() == (
        f'icacls . /inheritance:r /grant:r "*{OWN}:(OI)(CI)F" "*S-1-5-18:(OI)(CI)F" , and then: '
        "icacls .\\* /reset /T"
    )


def test_a_private_file_is_made_with_its_list(
    windows: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access_lists, "own_sid", lambda: OWN)
    lists: list[str] = []

    @contextmanager
    def attributes(sddl: str) -> Iterator[str]:
        lists.append(sddl)
        yield "attributes"

    monkeypatch.setattr(access_lists, "_attributes", attributes)
    fake = windows(Fake(CreateFileW=44))
    assert win32.create_new(tmp_path / "a", "attributes") == 44
    private_files.make_folder(tmp_path)
    assert fake.of("CreateFileW")[0] == (str(tmp_path / "a"), 0xC0000000, 7, "attributes", 1, 0, None)
    assert fake.of("CreateDirectoryW") == [(str(tmp_path), "attributes")]
    assert lists == [access_lists.private_list(OWN, folder=True)]
