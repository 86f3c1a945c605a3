"""One source file to its copy in a folder: read, de-identify, write, and say what became of it.

A copy's path tells nothing of the source's: ``<patient>/<study>/<file>.dcm`` below the folder of copies are
three keyed hashes. That of the file is a hash of its bytes, so that the same source always gets the same
name.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

from privxray.deid.cleaning.copies.manifest import Entry
from privxray.deid.cleaning.deidentify import deidentify
from privxray.deid.cleaning.deidentify_dicom import CleanCopy, CopySettings
from privxray.deid.cleaning.elements.patient_values import NO_VALUES, PatientValues, stored_values
from privxray.deid.cleaning.elements.pseudonyms import Pseudonyms
from privxray.deid.cleaning.verify_copy import NotCleanError
from privxray.deid.dicomfile.element import DamagedError
from privxray.deid.dicomfile.file_reader import is_dicom
from privxray.deid.dicomfile.part10 import read_head
from privxray.deid.dicomfile.untrusted_bytes import UnreadFileError
from privxray.deid.profile.profile import Profile
from privxray.deid.sources.source_file import SourceFile
from privxray.errors import RefusedError
from privxray.naming.public_names import public_name
from privxray.system.regular_files import read_regular
from privxray.workspace.atomic import make_private_folder, write_atomic

TAKEN = "another file is in the place of its copy"
TWISTED = "a folder of the copies is a link to another place"
VANISHED = "it was replaced while it was read"


@dataclass(frozen=True, slots=True)
class CopyTask:
    """One source.

    :ivar source: the file. :ivar number: its position, from 1, among those that the user named.
    :ivar values: identifying values of the same patient in all files of the set.
    :ivar refusal: why no copy may be made beside the copies of the others; empty if one may.
    """

    source: SourceFile
    number: int
    values: PatientValues = NO_VALUES
    refusal: str = ""

    @property
    def name(self) -> str:
        """What the source may be called in public."""
        return public_name(self.source.relative, self.number)


@dataclass(frozen=True, slots=True)
class CopyOutcome:
    """What became of a source.

    :ivar name: what the source may be called in public. :ivar boxes: blacked boxes.
    """

    task: CopyTask
    name: str
    entry: Entry
    boxes: int = 0


def copy_file(task: CopyTask, dest: Path, settings: CopySettings) -> CopyOutcome:
    """De-identify one file into the folder of copies. Whatever is in it, the outcome says what became of it.

    :raises OSError: the copy can't be written.
    """
    try:
        size, changed = task.source.stamp()
    except OSError as error:
        return without_copy(task, f"it can't be read ({type(error).__name__})")
    except UnreadFileError as trouble:
        return without_copy(task, str(trouble))
    entry = Entry(size, changed, "")
    try:
        data = task.source.read_whole()
    except UnreadFileError as trouble:
        return CopyOutcome(task, task.name, replace(entry, reason=str(trouble)))
    if len(data) != size:
        return CopyOutcome(task, task.name, replace(entry, reason=VANISHED))
    digest = hashlib.sha256(data).hexdigest()
    entry = replace(entry, source_sha256=digest)
    try:
        if task.refusal:
            raise NotCleanError(task.refusal)
        copy = deidentify(data, settings, task.values)
        relative = _place(copy, digest, settings.pseudonyms)
        _write(dest, relative, copy.data)
    except NotCleanError as trouble:
        name = _name_of_original(task, data, settings.profile)
        return CopyOutcome(task, name, replace(entry, reason=str(trouble)))
    written = hashlib.sha256(copy.data).hexdigest()
    made = replace(entry, result_sha256=written, result=relative.as_posix())
    return CopyOutcome(task, task.name, made, copy.boxes)


def without_copy(task: CopyTask, reason: str) -> CopyOutcome:
    """The outcome of a source that could not even be read."""
    return CopyOutcome(task, task.name, Entry(0, 0, "", reason=reason))


def _place(copy: CleanCopy, digest: str, names: Pseudonyms) -> PurePath:
    """Where a copy goes below the folder of copies."""
    file = names.path_part("file", bytes.fromhex(digest)) + copy.suffix
    if not copy.patient:
        return PurePath("pictures", file)
    patient = names.path_part("patient", copy.patient.encode())
    return PurePath(patient, names.path_part("study", copy.study.encode()), file)


def _write(dest: Path, relative: PurePath, data: bytes) -> None:
    """Write a copy, or find it there from a run that was cut off. Nothing is ever written over."""
    path = dest / relative
    make_private_folder(path.parent)
    if os.path.realpath(path.parent) != os.path.join(os.path.realpath(dest), relative.parent):  # noqa: PTH118
        raise NotCleanError(TWISTED)
    try:
        write_atomic(path, data)
    except RefusedError:
        if path.is_symlink() or read_regular(path) != data:
            raise NotCleanError(TAKEN) from None


def _name_of_original(task: CopyTask, data: bytes, profile: Profile) -> str:
    """What a file without a copy may be called in public: values of its own may be in its path."""
    hidden: set[str] = set()
    if is_dicom(data):
        try:
            values = stored_values(read_head(data), profile)
        except DamagedError:
            values = frozenset()
        hidden = {value.decode("latin-1") for value in values}
    return public_name(task.source.relative, task.number, hidden)
