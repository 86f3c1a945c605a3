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
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath, PurePosixPath
from typing import Final

from privxray.deid.dicomfile.untrusted_bytes import UnreadFileError
from privxray.deid.sources import zip_limits
from privxray.deid.sources.kinds import HEAD, is_hidden, is_image, is_other_archive, is_zip, promises_image
from privxray.deid.sources.medium_index import Reference, is_named_index, leads_outside, references
from privxray.deid.sources.on_medium import OnMedium, OutsideError, plain_name
from privxray.deid.sources.source_file import SourceFile
from privxray.deid.sources.zip_archive import ZipArchive, opened
from privxray.errors import SystemTroubleError, UsageError
from privxray.naming.public_names import public_name
from privxray.system.names import long_path

REFERENCE_OUTSIDE: Final = "the DICOMDIR names a file outside its own folder, which is not followed"

_DIRECTORY: Final = b"1.2.840.10008.1.3.10"


@dataclass
class Selection:
    """What there is to read.

    :ivar files: sorted; a file that two paths lead to is there once. Those that can't be read are among them.
    :ivar passed_over: files that are no images, sorted.
    :ivar indexes: how many DICOMDIR there were, which are no images either.
    :ivar missing: files that a DICOMDIR names and that are not there, in public words.
    """

    files: list[SourceFile] = field(default_factory=list)
    passed_over: list[PurePosixPath] = field(default_factory=list)
    indexes: int = 0
    missing: tuple[str, ...] = ()


def select(paths: Sequence[Path]) -> Selection:
    """The files to read.

    :raises UsageError: a path does not exist.
    :raises SystemTroubleError: a folder can't be listed.
    """
    work = _Selector()
    for number, path in enumerate(map(long_path, paths), start=1):
        if path.is_dir():
            work.take_folder(path)
        elif path.exists():
            work.take_named(path)
        else:
            # The path as typed may name a patient, and this line may be mailed on.
            shown = public_name(PurePath(path.name), number).replace("file #", "path no. ")
            raise UsageError(
                "there is no such file or folder",
                reason="check.absent",
                file=shown,
                advice="Check how it is spelled.",
            )
    return work.selection()


class _Selector:
    """Takes what was named, one after the other."""

    def __init__(self) -> None:
        self._chosen: dict[str, SourceFile] = {}
        self._passed_over: list[PurePosixPath] = []
        self._indexes: set[str] = set()
        self._missing: dict[PurePosixPath, None] = {}
        self._listed = 0

    def selection(self) -> Selection:
        """All that was found."""
        missing = (
            public_name(path, number).replace("file #", "reference no. ")
            for number, path in enumerate(self._missing, start=1)
        )
        return Selection(
            sorted(self._chosen.values(), key=lambda file: file.order),
            sorted(self._passed_over),
            len(self._indexes),
            tuple(missing),
        )

    def take_folder(self, folder: Path) -> None:
        """Take the images below a folder."""
        root = Path(os.path.realpath(folder))
        inside = []
        for path in _files_below(folder):
            file = SourceFile(path, _relative(path, folder))
            if _is_inside(path, root):
                inside.append(file)
            else:
                self._passed_over.append(file.relative)
        meant: set[Path] = set()
        for index in inside:
            if is_named_index(index.relative):
                meant |= self._follow(index, folder) or set()
        for file in inside:
            if is_named_index(file.relative) and file.address in self._indexes:
                continue
            if file.path in meant or promises_image(file.relative):
                self._choose(file)
            elif file.path.is_file():
                self._take_by_content(file, 1)
            elif is_hidden(file.relative):  # such as a link to nowhere
                self._passed_over.append(file.relative)
            else:
                self._choose(file)

    def take_named(self, path: Path) -> None:
        """Take a file that was named by itself, or what it stands for."""
        file = SourceFile.on_disk(path)
        try:
            head = file.head(4 * HEAD)
        except UnreadFileError:
            self._choose(file)
            return
        if is_zip(head):
            self._take_zip(file, 1, named=True)
        elif is_other_archive(head):
            self._choose(replace(file, trouble=zip_limits.OTHER_ARCHIVE))
        else:
            is_index = is_named_index(path) or _DIRECTORY in head
            found = self._follow(file, path.parent) if is_index else None
            if found is None:
                self._choose(file)
                return
            for one in found:
                self._choose(SourceFile(one, _relative(one, path.parent)))

    def _choose(self, file: SourceFile) -> None:
        self._chosen.setdefault(file.address, file)

    def _take_by_content(self, file: SourceFile, depth: int) -> None:
        """Take a file whose name promises nothing. :param depth: that a zip would have."""
        try:
            head = file.head(HEAD)
        except UnreadFileError:
            self._choose(file)  # what can't be looked at can't be passed over either
            return
        if is_image(head):
            self._choose(file)
        elif is_zip(head):
            self._take_zip(file, depth)
        elif is_other_archive(head):
            self._choose(replace(file, trouble=zip_limits.OTHER_ARCHIVE))
        else:
            self._passed_over.append(file.relative)

    def _follow(self, index: SourceFile, folder: Path) -> set[Path] | None:
        """The files on the disk that an index names; None where it is none.

        :param folder: what was named; a path below it is what the user sees.
        """
        named = _references(index)
        if named is None:
            return None
        self._indexes.add(index.address)
        medium = OnMedium(index.path.parent)
        found: set[Path] = set()
        for reference, in_use in named.items():
            try:
                path = medium.find(reference)
            except OutsideError:
                self._refuse(index, reference)
                continue
            if path is not None:
                found.add(path)
            elif in_use:
                self._missing[_below(index.path.parent.relative_to(folder), reference)] = None
        return found

    def _refuse(self, index: SourceFile, reference: Reference) -> None:
        """Count a reference as a file that can't be read, so that it fails the check."""
        place = f"{index.inner}/reference/{'/'.join(reference)}"
        self._choose(replace(index, relative=PurePosixPath(".."), inner=place, trouble=REFERENCE_OUTSIDE))

    def _take_zip(self, file: SourceFile, depth: int, *, named: bool = False) -> None:
        """Take the images of a zip.

        :param depth: 1 for a zip that lies in no other.
        :param named: it was named by itself, so paths below it are what the user sees.
        """
        try:
            if depth > zip_limits.MAX_DEPTH:
                raise UnreadFileError(zip_limits.TOO_DEEP)
            archive = opened(file.path, file.inside)
            if archive.is_document and not named:
                self._passed_over.append(file.relative)
                return
            if archive.is_document:
                raise UnreadFileError(zip_limits.DOCUMENT)
            entries = _entries(archive, file, PurePosixPath() if named else file.relative)
            self._listed += len(entries)
            if self._listed > zip_limits.MAX_LISTED:
                raise UnreadFileError(zip_limits.TOO_MANY_IN_ALL)
        except UnreadFileError as trouble:
            self._choose(replace(file, trouble=str(trouble)))
            return
        meant = self._follow_in_zip(entries)
        for path, entry in entries:
            if entry.address in self._indexes:
                continue
            if entry.trouble or path in meant or promises_image(entry.relative):
                self._choose(entry)
            else:
                self._take_by_content(entry, depth + 1)

    def _follow_in_zip(self, entries: Sequence[tuple[PurePosixPath, SourceFile]]) -> set[PurePosixPath]:
        """The entries that the indexes in a zip name."""
        meant: set[PurePosixPath] = set()
        exact = {path for path, _ in entries}
        plain: dict[tuple[str, ...], PurePosixPath] = {}
        for path, index in entries:
            named = _references(index) if is_named_index(path) and not index.trouble else None
            if named is None:
                continue
            self._indexes.add(index.address)
            plain = plain or {tuple(map(plain_name, one.parts)): one for one, _ in entries}
            for reference, in_use in named.items():
                if leads_outside(reference):
                    self._refuse(index, reference)
                    continue
                wanted = _below(path.parent, reference)
                found = wanted if wanted in exact else plain.get(tuple(map(plain_name, wanted.parts)))
                if found is not None:
                    meant.add(found)
                elif in_use:
                    self._missing[_below(index.relative.parent, reference)] = None
        return meant


def _entries(
    archive: ZipArchive, zip_: SourceFile, below: PurePath
) -> list[tuple[PurePosixPath, SourceFile]]:
    """The files of a zip: the path of each in it, and the file."""
    found = []
    for place, path, trouble in archive.files():
        seen = ".." if trouble == zip_limits.OUTSIDE else path.as_posix()
        entry = SourceFile(
            zip_.path,
            PurePosixPath(below.as_posix()) / seen,
            (*zip_.inside, place),
            f"{zip_.inner}/{path}" if zip_.inner else str(path),
            trouble,
        )
        found.append((path, entry))
    return found


def _references(index: SourceFile) -> dict[Reference, bool] | None:
    try:
        return references(index.read_whole())
    except UnreadFileError:
        return None


def _relative(path: Path, folder: Path) -> PurePosixPath:
    return PurePosixPath(path.relative_to(folder).as_posix())  # of one kind on all systems, to be compared


def _below(folder: PurePath, reference: Reference) -> PurePosixPath:
    return PurePosixPath(folder.as_posix(), *reference)


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
        for name in sorted(files):
            yield Path(place, name)


def _is_inside(path: Path, root: Path) -> bool:
    return not path.is_symlink() or Path(os.path.realpath(path)).is_relative_to(root)
