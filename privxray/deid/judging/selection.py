"""Which files are checked: those that the user names, and those of a folder that are images or meant as such.

The content of a file decides what it is, not its name. Of a folder, these files are checked: those whose
content starts like DICOM, JPEG or PNG, and those whose name promises an image (a suffix of
:data:`IMAGE_SUFFIXES`, no suffix, or a number, as PACS write it). If the content does not keep that promise,
the verdict is ``error``: somebody meant it as an image, and the check could not look. This includes image
formats that privxray does not read. All other files, such as a csv, are passed over and counted. Files and
folders whose names begin with a dot are looked into as well, for an identified image hides there as well as
anywhere; but such a name promises nothing, since macOS gives ``._im1.jpg`` to what is no image: only the
content of hidden files counts. Symbolic links to folders are not followed, and those to files only if they
stay inside the folder. A file that the user names is always checked.

Tested in tests/unit/test_deid_check.py.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePath

from privxray.deid.dicomfile.file_reader import is_dicom
from privxray.deid.judging.picture_scan import is_jpeg, is_png
from privxray.errors import SystemTroubleError, UsageError
from privxray.naming.public_names import public_name
from privxray.system.names import long_path
from privxray.system.regular_files import open_regular

_READ = frozenset({".dcm", ".dicom", ".dic", ".ima", ".jpg", ".jpeg", ".jpe", ".png"})
_NOT_READ = frozenset({".tif", ".tiff", ".bmp", ".gif", ".webp", ".heic", ".jp2", ".nii", ".nrrd", ".mha"})
IMAGE_SUFFIXES = _READ | _NOT_READ
"""Suffixes of files that are meant as images, in lower case; some are of kinds that can't be checked."""

_SNIFF = 132


def select(paths: Sequence[Path]) -> tuple[list[tuple[Path, PurePath]], int]:
    """The files to check, each with its path relative to what the user named; and how many were passed over.

    They are sorted by path, and a file that two paths lead to is there once.

    :raises UsageError: a path does not exist.
    :raises SystemTroubleError: a folder can't be listed.
    """
    chosen: dict[str, tuple[Path, PurePath]] = {}
    skipped = 0
    for number, path in enumerate(map(long_path, paths), start=1):
        if path.is_dir():
            root = Path(os.path.realpath(path))
            for found in _files_below(path):
                if _is_chosen(found, path, root):
                    chosen.setdefault(os.path.realpath(found), (found, found.relative_to(path)))
                else:
                    skipped += 1
        elif path.exists():
            chosen.setdefault(os.path.realpath(path), (path, PurePath(path.name)))
        else:
            # The path as typed may name a patient, and this line may be mailed on.
            shown = public_name(PurePath(path.name), number).replace("file #", "path no. ")
            raise UsageError(
                "there is no such file or folder",
                reason="check.absent",
                file=shown,
                advice="Check how it is spelled.",
            )
    return sorted(chosen.values(), key=lambda pair: pair[0].as_posix()), skipped


def passed_over(paths: Sequence[Path]) -> list[PurePath]:
    """The files of folders that :func:`select` passes over, as no images; sorted by path.

    :raises SystemTroubleError: a folder can't be listed.
    """
    found: list[PurePath] = []
    for path in paths:
        if path.is_dir():
            root = Path(os.path.realpath(path))
            found += [
                file.relative_to(path) for file in _files_below(path) if not _is_chosen(file, path, root)
            ]
    return sorted(found)


def is_medium_index(path: PurePath) -> bool:
    """Whether a file is called as DICOM media call the index of all that lies on them (PS3.10, 8.6)."""
    return path.name.upper() == "DICOMDIR"


def _is_chosen(found: Path, folder: Path, root: Path) -> bool:
    promises = _is_image if _is_hidden(found.relative_to(folder)) else _promises_image
    return _is_inside(found, root) and promises(found)


def _files_below(folder: Path) -> Iterator[Path]:
    def refused(_: OSError) -> None:
        # What can't be listed can't be passed over in silence; its path may name a patient.
        raise SystemTroubleError(
            "a folder among those to check can't be listed",
            reason="check.closed-folder",
            advice="Ask for the right to read it.",
        )

    for place, folders, files in os.walk(folder, onerror=refused):
        folders.sort()
        for name in files:
            yield Path(place, name)


def _is_inside(path: Path, root: Path) -> bool:
    return not path.is_symlink() or Path(os.path.realpath(path)).is_relative_to(root)


def _is_hidden(relative: PurePath) -> bool:
    return any(part.startswith(".") for part in relative.parts)


def _promises_image(path: Path) -> bool:
    suffix = path.suffix.lower()
    if suffix in IMAGE_SUFFIXES or not suffix or suffix[1:].isdigit():
        return True
    return _is_image(path, otherwise=True)


def _is_image(path: Path, *, otherwise: bool = False) -> bool:
    """Whether the content starts like an image; True as well where it can't be looked at.

    :param otherwise: the answer for what is no file, such as a link to nowhere.
    """
    try:
        if not path.is_file():
            return otherwise
        with open_regular(path) as stream:
            head = stream.read(_SNIFF)
    except OSError:
        return True  # what can't be looked at can't be passed over either
    return is_dicom(head) or is_jpeg(head) or is_png(head)
