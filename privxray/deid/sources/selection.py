"""Which files are read: those that the user names, and those of a folder or zip that are meant as images.

The content of a file decides what it is, not its name. Of a folder, these files are checked: those whose
content starts like DICOM, JPEG or PNG, and those whose name promises an image (a suffix of
:data:`~privxray.deid.sources.kinds.IMAGE_SUFFIXES`, no suffix, or a number, as PACS write it). If the content
does not keep that promise, the verdict is ``error``: somebody meant it as an image, and the check could not
look. This includes image formats that privxray does not read. All other files, such as a csv, are passed over
and counted. Files and folders whose names begin with a dot are looked into as well, for an identified image
hides there as well as anywhere; but such a name promises nothing, since macOS gives ``._im1.jpg`` to what is
no image: only the content of hidden files counts. Symbolic links to folders are not followed, and those to
files only if they stay inside the folder. A file that the user names is always checked.

A zip counts as a folder, wherever it lies, and its entries are chosen by the same rules. What of it can't be
read is an error, and so is an archive of another kind: nobody has looked into it.

The index of a medium (DICOMDIR) is no image. The files that it names are images, whatever they are called.
Named by itself, it stands for these files; in a folder or zip, for these and all others there.

Tested in tests/unit/test_deid_check.py and tests/unit/test_deid_sources.py.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePath, PurePosixPath

from privxray.deid.dicomfile.untrusted_bytes import UnreadFileError
from privxray.deid.sources import zip_limits
from privxray.deid.sources.gathered import Gathered, Selection, below
from privxray.deid.sources.kinds import (
    HEAD_OF_NAMED,
    is_hidden,
    is_other_archive,
    is_zip,
    promises_image,
)
from privxray.deid.sources.medium_index import is_named_index, may_be_index
from privxray.deid.sources.on_medium import OnMedium, OutsideError
from privxray.deid.sources.source_file import SourceFile
from privxray.deid.sources.zip_selection import take_by_content, take_zip
from privxray.errors import SystemTroubleError, UsageError
from privxray.naming.public_names import public_name
from privxray.system.names import long_path


def select(paths: Sequence[Path]) -> Selection:
    """The files to read.

    :raises UsageError: a path does not exist.
    :raises SystemTroubleError: a folder can't be listed.
    """
    found = Gathered()
    for number, path in enumerate(map(long_path, paths), start=1):
        if path.is_dir():
            _take_folder(found, path)
        elif path.exists():
            _take_named(found, path)
        else:
            # The path as typed may name a patient, and this line may be mailed on.
            shown = public_name(PurePath(path.name), number).replace("file #", "path no. ")
            raise UsageError(
                "there is no such file or folder",
                reason="check.absent",
                file=shown,
                advice="Check how it is spelled.",
            )
    return found.selection()


def _take_folder(found: Gathered, folder: Path) -> None:
    """Take the images below a folder. It is listed twice, for indexes and for all; no list of it is kept."""
    meant: set[Path] = set()
    for file, address in _inside(folder):
        if not address:
            found.pass_over(file)
        elif is_named_index(file.relative):
            meant |= _follow(found, file, folder) or set()
    for file, address in _inside(folder):
        if not address or (is_named_index(file.relative) and found.is_index(file)):
            continue
        if file.path in meant or promises_image(file.relative):
            found.choose(file, address=address)
        elif file.path.is_file():
            take_by_content(found, file, 1)
        elif is_hidden(file.relative):  # such as a link to nowhere
            found.pass_over(file)
        else:
            found.choose(file, address=address)


def _inside(folder: Path) -> Iterator[tuple[SourceFile, str]]:
    """The files below a folder with their addresses; without one, a link that leads out of the folder."""
    root = Path(os.path.realpath(folder))
    for real, path in _files_below(folder):
        file = SourceFile(path, _relative(path, folder))
        if not path.is_symlink():
            yield file, os.path.join(real, path.name)  # noqa: PTH118 - of two texts, ten million times
        else:
            yield file, file.address if Path(file.address).is_relative_to(root) else ""


def _take_named(found: Gathered, path: Path) -> None:
    """Take a file that was named by itself, or what it stands for."""
    file = SourceFile.on_disk(path)
    try:
        head = file.head(HEAD_OF_NAMED)
    except UnreadFileError:
        found.choose(file)
        return
    if is_zip(head):
        take_zip(found, file, 1, named=True)
    elif is_other_archive(head):
        found.choose(file, zip_limits.OTHER_ARCHIVE)
    else:
        named = _follow(found, file, path.parent) if may_be_index(path, head) else None
        if named is None:
            found.choose(file)
        for one in named or ():
            found.choose(SourceFile(one, _relative(one, path.parent)))


def _follow(found: Gathered, index: SourceFile, folder: Path) -> set[Path] | None:
    """The files on the disk that an index names; None where it is none.

    :param folder: what was named; a path below it is what the user sees.
    """
    named = found.open_index(index)
    if named is None:
        return None
    medium = OnMedium(index.path.parent)
    files: set[Path] = set()
    for number, (reference, in_use) in enumerate(named.items(), start=1):
        try:
            path = medium.find(reference)
        except OutsideError:
            found.refuse(index, reference)
            continue
        if path is not None:
            files.add(path)
        elif in_use:
            found.miss(below(_relative(index.path.parent, folder), reference), number)
    return files


def _relative(path: Path, folder: Path) -> PurePosixPath:
    return PurePosixPath(path.relative_to(folder).as_posix())  # of one kind on all systems, to be compared


def _files_below(folder: Path) -> Iterator[tuple[str, Path]]:
    """The files below a folder, each with the real path of the folder that it lies in."""

    def refused(_: OSError) -> None:
        # What can't be listed can't be passed over in silence; its path may name a patient.
        raise SystemTroubleError(
            "a folder among those to check can't be listed",
            reason="check.closed-folder",
            advice="Ask for the right to read it.",
        )

    for place, folders, files in os.walk(folder, onerror=refused):
        folders.sort()
        real = os.path.realpath(place)
        for name in sorted(files):
            yield real, Path(place, name)
