"""Access lists of Windows, through its security API.

``icacls`` would be a second program, and Wine's does nothing. A private file has a protected list of two
entries: everything to the owner's account, and everything to SYSTEM, under which backups and virus scanners
run. Both are named by security identifiers (SIDs), so it works in every language. Reading back,
administrators may stand there as well: they can take any file anyway.

Source: "Security Descriptor String Format" and "ACE Strings", learn.microsoft.com.
"""

from __future__ import annotations

import ctypes
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from privxray.system import win32

SYSTEM = "S-1-5-18"
ADMINISTRATORS = "S-1-5-32-544"
_ALIASES = {"SY": SYSTEM, "BA": ADMINISTRATORS, "OW": "S-1-3-4", "CO": "S-1-3-0", "LA": "local-administrator"}
_HARMLESS = {SYSTEM, ADMINISTRATORS, "S-1-3-4", "S-1-3-0"}  # the last two: owner rights, creator owner

_SDDL_REVISION = 1
_FILE_OBJECT = 1
_OWNER = 0x1
_DACL = 0x4
_PROTECTED_DACL = 0x8000_0000
_TOKEN_QUERY = 0x8
_TOKEN_USER = 1
_TOKEN_OWNER = 4
_PERSISTENT_ACLS = 0x8
_READ_DATA = 0x1
_GENERIC_READ_OR_ALL = 0x9000_0000
_WRITE = 0x2 | 0x4 | 0x40 | 0x1_0000 | 0x4_0000 | 0x8_0000 | 0x5000_0000
"""Add files or folders, delete them or this, change the list or the owner; the generic write and all."""
_WRITING = ("FA", "FW", "GA", "GW", "DC", "LC", "DT", "SD", "WD", "WO", "KA", "KW")
TRUSTED_INSTALLER = "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464"
"""Owns what Windows itself has made."""
_READING = ("FA", "FR", "GA", "GR", "CC", "KA", "KR", "RC")
_ENTRY = re.compile(
    r"\((?P<kind>[A-Z]*);(?P<flags>[^;]*);(?P<rights>[^;]*);[^;]*;[^;]*;(?P<sid>[^);]*)[^)]*\)"
)


class _SecurityAttributes(ctypes.Structure):
    _fields_ = (
        ("length", ctypes.c_uint32),
        ("descriptor", ctypes.c_void_p),
        ("inherit", ctypes.c_int32),
    )


def private_list(sid: str, *, folder: bool) -> str:
    """The list of a private file or folder, as SDDL.

    :param sid: of the owner. :param folder: hand the entries down to what is made in it.
    """
    down = "OICI" if folder else ""
    return f"D:P(A;{down};FA;;;{sid})(A;{down};FA;;;SY)"


def others_in(sddl: str, own: frozenset[str]) -> set[str]:
    """The accounts, besides ``own`` and those that may read every file, that a list lets read.

    :param sddl: a security descriptor; its part ``D:`` counts. One without a list lets everybody read.
    """
    return _others_with(sddl, own, _READ_DATA | _GENERIC_READ_OR_ALL, _READING)


def others_who_write(sddl: str, own: frozenset[str]) -> set[str]:
    """The accounts, besides ``own`` and those that may change every file, that a folder's list lets write.

    Entries that are only handed down to what is made in the folder don't count.
    """
    return _others_with(sddl, own, _WRITE, _WRITING, handed_down=False)


def _others_with(
    sddl: str, own: frozenset[str], mask: int, letters: tuple[str, ...], *, handed_down: bool = True
) -> set[str]:
    start = sddl.find("D:")
    if start < 0 or "NO_ACCESS_CONTROL" in sddl:
        return {"everybody"}
    found = set()
    for entry in _ENTRY.finditer(sddl, start):
        sid = _ALIASES.get(entry["sid"], entry["sid"])
        allows = entry["kind"] in ("A", "XA", "OA") and _lets(entry["rights"], mask, letters)
        if not handed_down and "IO" in _pairs(entry["flags"]):
            continue
        if allows and sid not in own and sid not in _HARMLESS:
            found.add(sid)
    return found


def _lets(rights: str, mask: int, letters: tuple[str, ...]) -> bool:
    if rights.lower().startswith("0x"):
        return bool(int(rights, 16) & mask)
    if rights.isdigit():
        return bool(int(rights) & mask)
    return any(pair in letters for pair in _pairs(rights))


def _pairs(letters: str) -> list[str]:
    return [letters[place : place + 2] for place in range(0, len(letters), 2)]


def open_new(path: Path, *, private: bool) -> int:
    """A descriptor of a new file for bytes, private from its first moment or with what its folder hands down.

    :raises FileExistsError: a file of this name is there.
    """
    import msvcrt

    flags = os.O_WRONLY | os.O_BINARY | os.O_NOINHERIT  # type: ignore[attr-defined,unused-ignore]
    if not private:
        return win32_open(path, flags)
    with _attributes(private_list(own_sid(), folder=False)) as attributes:
        handle = win32.create_new(path, attributes)
    descriptor: int = msvcrt.open_osfhandle(handle, flags)  # type: ignore[attr-defined,unused-ignore]
    return descriptor


def win32_open(path: Path, flags: int) -> int:
    """A descriptor of a new file with what its folder hands down."""
    return os.open(path, flags | os.O_CREAT | os.O_EXCL)


def make_folder(path: Path) -> None:
    """Make a private folder; one that is there already is left as it is."""
    with _attributes(private_list(own_sid(), folder=True)) as attributes:
        if not win32.library("kernel32").CreateDirectoryW(str(path), attributes):
            error = win32.last_error()
            if not isinstance(error, FileExistsError):
                raise error
    if not path.is_dir():
        raise FileExistsError(17, "a file has this name", str(path))


def protect_folder(path: Path) -> None:
    """Give an existing folder the list of a private one. A disk that keeps no lists is left as it is."""
    if not keeps_lists(path):
        return
    advapi32 = win32.library("advapi32")
    with _descriptor(private_list(own_sid(), folder=True)) as descriptor:
        present, defaulted, dacl = ctypes.c_int(), ctypes.c_int(), ctypes.c_void_p()
        win32.require(
            advapi32.GetSecurityDescriptorDacl(
                descriptor, ctypes.byref(present), ctypes.byref(dacl), ctypes.byref(defaulted)
            )
        )
        code = advapi32.SetNamedSecurityInfoW(
            str(path), _FILE_OBJECT, _DACL | _PROTECTED_DACL, None, None, dacl, None
        )
    if code:
        raise OSError(0, "the access list can't be set", str(path), code)


def others_may_read(path: Path) -> bool:
    """Whether the disk lets anybody read besides this account, the owner, SYSTEM and administrators."""
    return not keeps_lists(path) or bool(others_in(read_back(path, _DACL), own_sids() | {owner(path)}))


def others_may_write(path: Path) -> bool:
    """Whether anybody may write in a folder besides this account, the owner, SYSTEM and administrators."""
    return bool(others_who_write(read_back(path, _DACL), own_sids() | {owner(path), TRUSTED_INSTALLER}))


def is_owned_here(path: Path) -> bool:
    """Whether a folder is this account's, or one of those that may change every file."""
    return owner(path) in own_sids() | {SYSTEM, ADMINISTRATORS, TRUSTED_INSTALLER}


def owner(path: Path) -> str:
    """The SID of a file's owner."""
    told = read_back(path, _OWNER)
    sid = told.partition("O:")[2].partition("D:")[0].partition("G:")[0]
    return _ALIASES.get(sid, sid)


def read_back(path: Path, what: int = _OWNER | _DACL) -> str:
    """A file's security descriptor as SDDL.

    :raises OSError: the system refused.
    """
    advapi32, kernel32 = win32.library("advapi32"), win32.library("kernel32")
    descriptor = ctypes.c_void_p()
    code = advapi32.GetNamedSecurityInfoW(
        str(path), _FILE_OBJECT, what, None, None, None, None, ctypes.byref(descriptor)
    )
    if code:
        raise OSError(0, "the access list can't be read", str(path), code)
    text = ctypes.c_wchar_p()
    try:
        win32.require(
            advapi32.ConvertSecurityDescriptorToStringSecurityDescriptorW(
                descriptor, _SDDL_REVISION, what, ctypes.byref(text), None
            )
        )
        told = text.value or ""
    finally:
        kernel32.LocalFree(text)
        kernel32.LocalFree(descriptor)
    return told


def keeps_lists(path: Path) -> bool:
    """Whether the disk that ``path`` lies on keeps access lists. FAT and exFAT don't."""
    kernel32 = win32.library("kernel32")
    volume, flags = ctypes.create_unicode_buffer(1024), ctypes.c_uint32()
    absolute = str(path.absolute())
    if not kernel32.GetVolumePathNameW(absolute, volume, len(volume)):
        return True  # a share that does not tell: its lists are read and judged as they are
    if not kernel32.GetVolumeInformationW(volume, None, 0, None, None, ctypes.byref(flags), None, 0):
        return True
    return bool(flags.value & _PERSISTENT_ACLS)


def how_to_close(name: str) -> str:
    """The command, for cmd and PowerShell alike, that leaves one file to this account and SYSTEM."""
    return f'icacls {name} /inheritance:r /grant:r "*{own_sid()}:F" "*{SYSTEM}:F"'


def how_to_close_folder() -> str:
    """The same for the folder that a person stands in: its list, then what is in it takes that over."""
    own = f'"*{own_sid()}:(OI)(CI)F" "*{SYSTEM}:(OI)(CI)F"'
    return f"icacls . /inheritance:r /grant:r {own} , and then: icacls .\\* /reset /T"


@cache
def own_sid() -> str:
    """The SID of the account that this process runs under."""
    return _token_sid(_TOKEN_USER)


@cache
def own_sids() -> frozenset[str]:
    """That SID, and the one that owns what this process makes; for an administrator it may be the group's."""
    return frozenset({own_sid(), _token_sid(_TOKEN_OWNER)})


def _token_sid(what: int) -> str:
    advapi32, kernel32 = win32.library("advapi32"), win32.library("kernel32")
    token = ctypes.c_void_p()
    process = ctypes.c_void_p(kernel32.GetCurrentProcess())
    win32.require(advapi32.OpenProcessToken(process, _TOKEN_QUERY, ctypes.byref(token)))
    try:
        needed = ctypes.c_uint32()
        advapi32.GetTokenInformation(token, what, None, 0, ctypes.byref(needed))
        buffer = ctypes.create_string_buffer(max(needed.value, ctypes.sizeof(ctypes.c_void_p)))
        win32.require(advapi32.GetTokenInformation(token, what, buffer, len(buffer), ctypes.byref(needed)))
        # TOKEN_USER and TOKEN_OWNER both begin with a pointer to the SID.
        sid = ctypes.cast(buffer, ctypes.POINTER(ctypes.c_void_p))[0]
        text = ctypes.c_wchar_p()
        win32.require(advapi32.ConvertSidToStringSidW(ctypes.c_void_p(sid), ctypes.byref(text)))
        told = text.value or ""
        kernel32.LocalFree(text)
    finally:
        kernel32.CloseHandle(token)
    return told


@contextmanager
def _descriptor(sddl: str) -> Iterator[ctypes.c_void_p]:
    descriptor = ctypes.c_void_p()
    win32.require(
        win32.library("advapi32").ConvertStringSecurityDescriptorToSecurityDescriptorW(
            sddl, _SDDL_REVISION, ctypes.byref(descriptor), None
        )
    )
    try:
        yield descriptor
    finally:
        win32.library("kernel32").LocalFree(descriptor)


@contextmanager
def _attributes(sddl: str) -> Iterator[Any]:
    with _descriptor(sddl) as descriptor:
        made = _SecurityAttributes(ctypes.sizeof(_SecurityAttributes), descriptor.value, 0)
        yield ctypes.byref(made)
