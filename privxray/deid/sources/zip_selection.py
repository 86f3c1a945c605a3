"""Choosing the files of a zip, and files by their content, which may be zips.

Tested in tests/unit/test_deid_zips.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

from privxray.deid.dicomfile.file_reader import is_dicom
from privxray.deid.dicomfile.untrusted_bytes import UnreadFileError
from privxray.deid.sources import zip_limits
from privxray.deid.sources.gathered import Gathered, below
from privxray.deid.sources.kinds import HEAD, is_image, is_other_archive, is_zip, promises_image
from privxray.deid.sources.medium_index import is_named_index, leads_outside
from privxray.deid.sources.on_medium import plain_name
from privxray.deid.sources.source_file import SourceFile
from privxray.deid.sources.zip_archive import opened


def take_by_content(found: Gathered, file: SourceFile, depth: int) -> None:
    """Take a file whose name promises nothing.

    :param depth: that a zip would have: 1 if it lies in no other.
    """
    try:
        head = file.head(HEAD)
    except UnreadFileError:
        found.choose(file)  # what can't be looked at can't be passed over either
        return
    if is_image(head):
        found.choose(file)
    elif is_zip(head):
        take_zip(found, file, depth)
    elif is_other_archive(head):
        found.choose(file, zip_limits.OTHER_ARCHIVE)
    else:
        found.pass_over(file)


def take_zip(found: Gathered, file: SourceFile, depth: int, *, named: bool = False) -> None:
    """Take the images of a zip.

    :param depth: 1 for a zip that lies in no other.
    :param named: it was named by itself, so paths below it are what the user sees.
    """
    try:
        if depth > zip_limits.MAX_DEPTH:
            raise UnreadFileError(zip_limits.TOO_DEEP)
        archive = opened(file.path, file.inside)
        entries = _entries(file, archive.files(), PurePosixPath() if named else file.relative)
        found.entries += len(entries)
        if found.entries > zip_limits.MAX_LISTED:
            raise UnreadFileError(zip_limits.TOO_MANY_IN_ALL)
        if archive.is_document:
            _take_document(found, file, list(entries.values()), named=named)
            return
    except UnreadFileError as trouble:
        found.choose(file, str(trouble))
        return
    meant = _follow(found, entries)
    for (path, _), entry in entries.items():
        if is_named_index(path) and found.is_index(entry):
            continue
        if entry.trouble or path in meant or promises_image(entry.relative):
            found.choose(entry)
        else:
            take_by_content(found, entry, depth + 1)


def _take_document(found: Gathered, file: SourceFile, entries: Sequence[SourceFile], *, named: bool) -> None:
    """Pass over an office document, but not the DICOM in what only looks like one.

    :raises UnreadFileError: it was named by itself, and holds none.
    """
    images = [entry for entry in entries if not entry.trouble and _is_dicom(entry)]
    for image in images:
        found.choose(image)
    if named and not images:
        raise UnreadFileError(zip_limits.DOCUMENT)
    if not images:
        found.pass_over(file)


def _is_dicom(file: SourceFile) -> bool:
    try:
        return is_dicom(file.head(HEAD))
    except UnreadFileError:
        return False


_Entries = dict[tuple[PurePosixPath, int], SourceFile]
"""The files of a zip by their paths in it and their positions: two may have the same path."""


def _entries(
    zip_: SourceFile, files: Sequence[tuple[int, PurePosixPath, str]], seen_below: PurePosixPath
) -> _Entries:
    found = {}
    for place, path, trouble in files:
        seen = ".." if trouble == zip_limits.OUTSIDE else path
        inner = f"{zip_.inner}/{path}" if zip_.inner else str(path)
        found[path, place] = SourceFile(zip_.path, seen_below / seen, (*zip_.inside, place), inner, trouble)
    return found


def _follow(found: Gathered, entries: _Entries) -> set[PurePosixPath]:
    """The paths of the entries that the indexes in a zip name."""
    meant: set[PurePosixPath] = set()
    exact = {path for path, _ in entries}
    plain: dict[tuple[str, ...], PurePosixPath] = {}
    for (path, _), index in entries.items():
        named = found.open_index(index) if is_named_index(path) and not index.trouble else None
        if named is None:
            continue
        plain = plain or {tuple(map(plain_name, one.parts)): one for one in exact}
        for number, (reference, in_use) in enumerate(named.items(), start=1):
            if leads_outside(reference):
                found.refuse(index, reference)
                continue
            wanted = below(path.parent, reference)
            there = wanted if wanted in exact else plain.get(tuple(map(plain_name, wanted.parts)))
            if there is not None:
                meant.add(there)
            elif in_use:
                found.miss(below(index.relative.parent, reference), number)
    return meant
