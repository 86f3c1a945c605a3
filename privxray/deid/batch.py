"""One source file to one result file, as a worker does it: read, de-identify, write, report.

A result's path tells nothing of the source's: ``<patient>/<study>/<file>.dcm``, three keyed hashes, below the
folder of results. The file's is that of its bytes, so that the same source always has the same name.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

from privxray.atomic import make_private_folder, write_atomic
from privxray.deid.check import UnreadFileError, read_image
from privxray.deid.deidentify import Deidentified, NotCleanError, Settings, deidentify
from privxray.deid.elements import DamagedError
from privxray.deid.manifest import Entry
from privxray.deid.naming import public_name
from privxray.deid.own_values import own_values
from privxray.deid.part10 import read_head
from privxray.deid.pseudonyms import Pseudonyms
from privxray.deid.scan import is_dicom
from privxray.errors import RefusedError

TAKEN = "another file stands where its result goes"
CHANGED = "it is not the file any more that an earlier run de-identified; take a new folder for the results"
TWISTED = "a folder of the results is a link to another place"
VANISHED = "it was exchanged while it was read"

_HEAD = 1 << 20


@dataclass(frozen=True, slots=True)
class Task:
    """One source.

    :ivar relative: its path below the folder that the user named. :ivar number: its position there, from 1.
    :ivar own: identifying values of the same patient in other files.
    """

    path: Path
    relative: PurePath
    number: int
    own: frozenset[bytes] = frozenset()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a source.

    :ivar name: how the source may be called in public. :ivar boxes: blacked boxes.
    """

    task: Task
    name: str
    entry: Entry
    boxes: int = 0


def carry_out(task: Task, dest: Path, settings: Settings) -> Outcome:
    """De-identify one file into a folder of results. Whatever is in it, an outcome says what became of it.

    :raises OSError: the result can't be written.
    """
    name = public_name(task.relative, task.number)
    try:
        before = task.path.stat()
        data = read_image(task.path)
    except OSError as error:
        return Outcome(task, name, Entry(0, 0, "", reason=f"it can't be read ({type(error).__name__})"))
    except UnreadFileError as trouble:
        return Outcome(task, name, Entry(before.st_size, before.st_mtime_ns, "", reason=str(trouble)))
    digest = hashlib.sha256(data).hexdigest()
    entry = Entry(before.st_size, before.st_mtime_ns, digest)
    if len(data) != before.st_size:
        return Outcome(task, name, replace(entry, source_sha256="", reason=VANISHED))
    try:
        done = deidentify(data, replace(settings, own=settings.own | task.own))
        relative = _place(done, digest, settings.pseudonyms)
        _write(dest, relative, done.data)
    except NotCleanError as trouble:
        return Outcome(task, _public(task, data), replace(entry, reason=str(trouble)))
    digest = hashlib.sha256(done.data).hexdigest()
    made = replace(entry, result_sha256=digest, result=relative.as_posix())
    return Outcome(task, name, made, done.boxes)


def head_values(path: Path, names: Pseudonyms) -> tuple[str, frozenset[bytes]]:
    """The pseudonym of a file's patient and the identifying values in its first MiB; empty if unreadable."""
    try:
        with path.open("rb") as stream:
            data = stream.read(_HEAD)
        if not is_dicom(data):
            return "", frozenset()
        tree = read_head(data)
    except (OSError, DamagedError):
        return "", frozenset()
    patient = tree.text(0x00100020)
    return (names.patient(patient) if patient else ""), own_values(tree)


def _place(done: Deidentified, digest: str, names: Pseudonyms) -> PurePath:
    file = names.place("file", bytes.fromhex(digest)) + done.suffix
    if not done.patient:
        return PurePath("pictures", file)
    return PurePath(
        names.place("patient", done.patient.encode()), names.place("study", done.study.encode()), file
    )


def _write(dest: Path, relative: PurePath, data: bytes) -> None:
    """Write a result, or find it there from a run that was cut off. Nothing is ever written over."""
    path = dest / relative
    make_private_folder(path.parent)
    if os.path.realpath(path.parent) != os.path.join(os.path.realpath(dest), relative.parent):  # noqa: PTH118
        raise NotCleanError(TWISTED)
    try:
        write_atomic(path, data)
    except RefusedError:
        if path.is_symlink() or path.read_bytes() != data:
            raise NotCleanError(TAKEN) from None


def _public(task: Task, data: bytes) -> str:
    """The name of a file that was not de-identified: its own values may be in its path."""
    hidden: set[str] = set()
    if is_dicom(data):
        try:
            values = own_values(read_head(data))
        except DamagedError:
            values = frozenset()
        hidden = {value.decode("latin-1") for value in values}
    return public_name(task.relative, task.number, hidden)
