"""Which files of a drop folder are looked at: those that are called like files that travel.

Anybody may put anything into such a folder. Files of other names are counted and never opened. Links are not
followed, for they may lead anywhere, and folders are not entered. What is looked at is bounded in number.

Tested in tests/unit/test_drop_folder.py.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from heapq import nsmallest
from pathlib import Path

UNFINISHED = (".tmp", ".part", ".partial", ".filepart", ".crdownload")
"""How names end while a file is still being copied."""

MOST_NAMES = 100_000
"""Names of a folder that are read. Of a fuller one the rest is not seen."""


@dataclass(frozen=True)
class Candidate:
    """A regular file of a fitting name. ``stamp`` changes when the file does."""

    path: Path
    stamp: tuple[int, int, int]

    @property
    def size(self) -> int:
        """In bytes."""
        return self.stamp[0]


@dataclass(frozen=True)
class Listing:
    """A folder's fitting files, by name.

    :param passed_over: how many have a fitting name and were left, for there are too many.
    :param others: how many files of other names, folders and links there are.
    """

    files: tuple[Candidate, ...]
    passed_over: int = 0
    others: int = 0


def dropped(folder: Path, suffixes: Iterable[str], most: int) -> Listing:
    """The files of a workspace's drop folder; none where there is no such folder, or a link in its place.

    See :func:`listing`.
    """
    return Listing(()) if folder.is_symlink() or not folder.is_dir() else listing(folder, suffixes, most)


def listing(folder: Path, suffixes: Iterable[str], most: int) -> Listing:
    """The files of a folder whose names end with one of ``suffixes``; at most ``most``, the first by name.

    :raises OSError: there is no such folder, or it can't be read.
    """
    wanted = tuple(f".{suffix}" for suffix in suffixes)
    names: list[str] = []
    others = 0
    with os.scandir(folder) as entries:
        for number, entry in enumerate(entries):
            if number >= MOST_NAMES:
                break
            name = entry.name
            if name.startswith(".") or name.endswith(UNFINISHED):
                continue
            if name.endswith(wanted):
                names.append(name)
            else:
                others += 1
    files = []
    for name in nsmallest(most, names):
        try:
            seen = (folder / name).lstat()
        except OSError:  # it went meanwhile
            continue
        if stat.S_ISREG(seen.st_mode):
            files.append(Candidate(folder / name, (seen.st_size, seen.st_mtime_ns, seen.st_ino)))
        else:
            others += 1
    return Listing(tuple(files), max(0, len(names) - most), others)
