"""Files and folders that only their owner may read, and whether a file is one.

On POSIX by permission bits. On Windows by an access list that names two accounts, the owner's and SYSTEM, and
takes nothing over from the folder above (:mod:`privxray.system.access_lists`).
"""

from __future__ import annotations

import os
from pathlib import Path

from privxray.system import access_lists, win32
from privxray.system.regular_files import open_regular

PUBLIC = 0o644
PRIVATE = 0o600
_PRIVATE_FOLDER = 0o700
_OTHERS = 0o077


def open_new(path: Path, mode: int) -> int:
    """A descriptor of a new file, open for writing bytes. Child processes don't inherit it.

    :param mode: :data:`PRIVATE`, from the first moment, or :data:`PUBLIC`, which on Windows is what the
        folder hands down.
    :raises FileExistsError: a file of this name is there.
    """
    if not win32.is_windows():
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    return access_lists.open_new(path, private=mode == PRIVATE)


def finish(descriptor: int, mode: int) -> None:
    """Set the permission bits of an open file, whatever the umask took away. Windows has none."""
    if not win32.is_windows():
        os.fchmod(descriptor, mode)


def make_file(path: Path) -> None:
    """Make an empty private file where there is none."""
    if path.exists():
        return
    if win32.is_windows():
        os.close(access_lists.open_new(path, private=True))
    else:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, PRIVATE))


def make_folder(path: Path) -> None:
    """Make one private folder; one that is there already is left as it is."""
    if win32.is_windows():
        access_lists.make_folder(path)
    else:
        path.mkdir(mode=_PRIVATE_FOLDER, exist_ok=True)


def own_folder(path: Path) -> None:
    """Make an existing folder, and what will be made in it, private on Windows.

    There SQLite's journals get the access list that their folder hands down. On POSIX they get the permission
    bits of their database, so the folder is left as it is.
    """
    if win32.is_windows():
        access_lists.protect_folder(path)


def others_may_read(path: Path, descriptor: int | None = None) -> bool:
    """Whether any account but the owner (on Windows: and SYSTEM) may read or change a file.

    It is as the disk tells it. On a disk that keeps no permissions, such as a FAT memory stick, others may.

    :param descriptor: of the file, where it is open: on POSIX nobody can then put another in its place.
    """
    if win32.is_windows():
        return access_lists.others_may_read(path)
    status = path.stat() if descriptor is None else os.fstat(descriptor)
    return bool(status.st_mode & _OTHERS)


def read_private(path: Path, most: int) -> tuple[bytes, bool]:
    """The first ``most`` bytes of a file that should be private, and whether others may read or change it.

    Both are of the same open file, so nobody can put another in its place between (on Windows by its path).

    :raises OSError: it can't be read, or is no regular file.
    """
    with open_regular(path) as stream:
        return stream.read(most), others_may_read(path, stream.fileno())


def is_of_another_account(path: Path) -> bool:
    """Whether a file belongs to another account than the one that this process runs under."""
    if win32.is_windows():
        return access_lists.owner(path) not in access_lists.own_sids()
    return hasattr(os, "getuid") and path.stat().st_uid != os.getuid()


def how_to_close(names: str, *, folder: bool) -> str:
    """The command that takes other accounts' permissions away.

    :param names: of what lies in the folder that the person stands in, separated by blanks.
    :param folder: whether they may be folders. On Windows the whole folder that they lie in is closed then.
    """
    if win32.is_windows():
        return access_lists.how_to_close_folder() if folder else access_lists.how_to_close(names)
    return f"chmod -R go= {names}" if folder else f"chmod 600 {names}"
