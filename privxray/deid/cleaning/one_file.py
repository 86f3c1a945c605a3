"""One source file to one result file, as a worker does it: read, de-identify, write, report.

A result's path tells nothing of the source's: ``<patient>/<study>/<file>.dcm``, three keyed hashes, below the
folder of results. The file's is that of its bytes, so that the same source always has the same name.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import astuple, dataclass, replace
from pathlib import Path, PurePath
from typing import Any

from privxray.deid import tags
from privxray.deid.cleaning.black_text import Finder
from privxray.deid.cleaning.deidentify import Deidentified, Settings, deidentify
from privxray.deid.cleaning.finish_copy import NotCleanError
from privxray.deid.cleaning.manifest import Entry
from privxray.deid.cleaning.own_values import own_values
from privxray.deid.cleaning.pseudonymise import Pseudonyms
from privxray.deid.dicomfile.element import DamagedError
from privxray.deid.dicomfile.file_reader import is_dicom
from privxray.deid.dicomfile.part10 import read_head
from privxray.deid.dicomfile.untrusted_bytes import UnreadFileError, read_whole
from privxray.deid.judging.file_scan import scan_bytes
from privxray.deid.judging.scan import FileRelations, IdentifyingValue
from privxray.deid.judging.worker_loop import serve
from privxray.deid.profile.profile import Profile
from privxray.deid.profile.profile_json import profile_from_json, profile_to_json
from privxray.errors import RefusedError
from privxray.naming.public_names import public_name
from privxray.workspace.atomic import make_private_folder, write_atomic

TAKEN = "another file stands where its result goes"
CHANGED = "it is not the file any more that an earlier run de-identified; take a new folder for the results"
TWISTED = "a folder of the results is a link to another place"
VANISHED = "it was exchanged while it was read"

_HEAD = 1 << 20


@dataclass(frozen=True, slots=True)
class Task:
    """One source.

    :ivar relative: its path below the folder that the user named. :ivar number: its position there, from 1.
    :ivar own: identifying values of the same patient in other files, as bytes. :ivar terms: likewise, as the
        check has them. :ivar broken: why no copy may be made beside the others' copies; empty if one may.
    """

    path: Path
    relative: PurePath
    number: int
    own: frozenset[bytes] = frozenset()
    terms: frozenset[IdentifyingValue] = frozenset()
    broken: str = ""


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
        data = read_whole(task.path)
    except OSError as error:
        return Outcome(task, name, Entry(0, 0, "", reason=f"it can't be read ({type(error).__name__})"))
    except UnreadFileError as trouble:
        return Outcome(task, name, Entry(before.st_size, before.st_mtime_ns, "", reason=str(trouble)))
    digest = hashlib.sha256(data).hexdigest()
    entry = Entry(before.st_size, before.st_mtime_ns, digest)
    if len(data) != before.st_size:
        return Outcome(task, name, replace(entry, source_sha256="", reason=VANISHED))
    try:
        if task.broken:
            raise NotCleanError(task.broken)
        done = deidentify(data, replace(settings, own=task.own, terms=task.terms))
        relative = _place(done, digest, settings.pseudonyms)
        _write(dest, relative, done.data)
    except NotCleanError as trouble:
        return Outcome(task, _public(task, data, settings.profile), replace(entry, reason=str(trouble)))
    digest = hashlib.sha256(done.data).hexdigest()
    made = replace(entry, result_sha256=digest, result=relative.as_posix())
    return Outcome(task, name, made, done.boxes)


class _Worker:
    """Holds what the set-up message said."""

    def __init__(self) -> None:
        self._dest = Path()
        self._settings = Settings(Profile(), Pseudonyms(b""))

    def handle(self, message: dict[str, Any]) -> dict[str, Any] | None:
        if "dest" in message:
            self._dest, self._settings = Path(message["dest"]), settings_from(message)
            return None
        try:
            return outcome_to(carry_out(_task_from(message), self._dest, self._settings))
        except OSError as error:
            return {"refused": error.errno}


def main() -> None:
    """De-identify files for the pool until stdin ends; see :mod:`privxray.deid.judging.worker_loop`."""
    serve(_Worker().handle)


def settings_to(dest: Path, profile: Profile, key: bytes, threads: int) -> dict[str, Any]:
    """How files are de-identified, as JSON for a worker; the key goes through a pipe, not by the command
    line.

    :param threads: for looking for text in the pixels; 0 to leave them alone.
    """
    return {"dest": str(dest), "profile": profile_to_json(profile), "key": key.hex(), "threads": threads}


def settings_from(message: dict[str, Any]) -> Settings:
    """The inverse of :func:`settings_to`.

    :raises UsageError: text is to be looked for, and the extra ``ocr`` is not installed.
    """
    finder = _finder(message["threads"]) if message["threads"] else None
    names = Pseudonyms(bytes.fromhex(message["key"]))
    return Settings(profile_from_json(message["profile"]), names, finder)


def task_to(task: Task) -> dict[str, Any]:
    """A task as JSON."""
    return {
        "path": str(task.path),
        "relative": str(task.relative),
        "number": task.number,
        "own": sorted(value.decode("latin-1") for value in task.own),
        "terms": sorted(task.terms),
        "broken": task.broken,
    }


def outcome_to(outcome: Outcome) -> dict[str, Any]:
    """An outcome as JSON."""
    return {"name": outcome.name, "boxes": outcome.boxes, "entry": astuple(outcome.entry)}


def outcome_from(task: Task, value: dict[str, Any]) -> Outcome:
    """The inverse of :func:`outcome_to`.

    :raises OSError: a result can't be written.
    """
    if "refused" in value:
        raise OSError(value["refused"], os.strerror(value["refused"]))
    return Outcome(task, value["name"], Entry(*value["entry"]), value["boxes"])


def _task_from(value: dict[str, Any]) -> Task:
    return Task(
        Path(value["path"]),
        PurePath(value["relative"]),
        value["number"],
        frozenset(text.encode("latin-1") for text in value["own"]),
        frozenset((kind, text) for kind, text in value["terms"]),
        value["broken"],
    )


def _finder(threads: int) -> Finder:
    from privxray.deid.pixels.text.text_finder import TextFinder

    finder = TextFinder(threads)
    return lambda frame, number: finder.find(frame, frame=number)


@dataclass(frozen=True, slots=True)
class Head:
    """What the first MiB of a file says; empty where it is unreadable.

    :ivar patient: the patient's pseudonym. :ivar own: identifying values, as bytes. :ivar terms: likewise, as
        the check has them. :ivar facts: what relates it to other files.
    """

    patient: str = ""
    own: frozenset[bytes] = frozenset()
    terms: frozenset[IdentifyingValue] = frozenset()
    facts: FileRelations | None = None


def read_values(path: Path, names: Pseudonyms, profile: Profile) -> Head:
    """The head of a file, for what has to be known of all files before the first is de-identified."""
    try:
        with path.open("rb") as stream:
            data = stream.read(_HEAD)
        if not is_dicom(data):
            return Head()
        tree = read_head(data)
    except (OSError, DamagedError):
        return Head()
    patient = tree.text(tags.PATIENT_ID)
    scan = scan_bytes(data, profile)
    pseudonym = names.patient(patient) if patient else ""
    return Head(pseudonym, own_values(tree, profile), frozenset(scan.undisguised), scan.relations)


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


def _public(task: Task, data: bytes, profile: Profile) -> str:
    """The name of a file that was not de-identified: its own values may be in its path."""
    hidden: set[str] = set()
    if is_dicom(data):
        try:
            values = own_values(read_head(data), profile)
        except DamagedError:
            values = frozenset()
        hidden = {value.decode("latin-1") for value in values}
    return public_name(task.relative, task.number, hidden)
