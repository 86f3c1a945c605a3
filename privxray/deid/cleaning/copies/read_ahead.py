"""What has to be known of all files of a set before the first is copied."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from privxray.deid import tags
from privxray.deid.cleaning.copies.copy_file import CopyTask
from privxray.deid.cleaning.elements.patient_values import NO_VALUES, PatientValues, stored_values
from privxray.deid.cleaning.elements.pseudonyms import Pseudonyms
from privxray.deid.dicomfile.element import DamagedError
from privxray.deid.dicomfile.file_reader import is_dicom
from privxray.deid.dicomfile.part10 import read_head
from privxray.deid.dicomfile.untrusted_bytes import UnreadFileError
from privxray.deid.findings import rules
from privxray.deid.findings.file_record import Marks
from privxray.deid.judging.file_scan import scan_bytes
from privxray.deid.judging.gathered_terms import GatheredTerms
from privxray.deid.judging.leaks import LeakSearch
from privxray.deid.judging.set_relations import Mark, SetRelations, marks_of, own_mark
from privxray.deid.profile.profile import Profile, ProfileOption
from privxray.deid.sources.source_file import SourceFile

_HEAD = 1 << 20


@dataclass(frozen=True, slots=True)
class Head:
    """What the first MiB of a file says; empty where it is unreadable. Private.

    :ivar patient: the patient's pseudonym. :ivar hashed: his or her Patient ID, as a keyed hash.
    :ivar marks: what relates the file to the others of the set.
    """

    patient: str = ""
    hashed: bytes = b""
    values: PatientValues = NO_VALUES
    marks: Marks | None = None


class SetValues:
    """What only the whole set tells, gathered from the heads of its files, which come in order.

    That is, first, what all files of a patient say of that patient: a name may be in another file's text. And
    second, whether a file's UIDs contradict those of the files before it. UIDs are replaced one by one, so
    the copies would contradict each other as well; no copy is made of such a file.
    """

    def __init__(self, profile: Profile) -> None:
        self._values: dict[str, PatientValues] = {}
        self._relations = SetRelations()
        self._terms = GatheredTerms()
        # Contradictions that outlive the replacement of identifiers.
        self._lasting = {rules.SET_INSTANCE.id, rules.SET_SERIES.id, rules.SET_STUDY.id}
        if profile.options & {
            ProfileOption.RETAIN_LONGITUDINAL_FULL_DATES,
            ProfileOption.RETAIN_LONGITUDINAL_MODIFIED_DATES,
        }:
            self._lasting.add(rules.SET_DATES.id)

    def add(self, head: Head) -> str:
        """Take the head of the next file.

        :returns: why no copy of the file may be made; empty if one may.
        """
        if head.patient:
            self._values[head.patient] = self.of(head.patient) | head.values
        for kind, value in sorted(head.values.undisguised):
            self._terms.add(kind, value)
        found = self._relations.add_marks(head.marks) if head.marks else []
        return "; ".join(finding.reason for finding in found if finding.rule in self._lasting)

    def of(self, patient: str) -> PatientValues:
        """What was gathered of a patient, by the pseudonym; nothing of an empty one."""
        return self._values.get(patient, NO_VALUES)

    def patients(self) -> Iterator[tuple[str, PatientValues]]:
        """All patients, with what was gathered of each."""
        return iter(self._values.items())

    def leaks(self) -> LeakSearch:
        """What identifies any patient of the set."""
        return self._terms.leaks()


class ReadAhead:
    """Reads the heads of all files, then gives each task what only the whole set tells."""

    def __init__(self, names: Pseudonyms, profile: Profile) -> None:
        self._names = names
        self._profile = profile
        self._set = SetValues(profile)
        self.patients: dict[bytes, str] = {}
        """Once all are read, each patient's pseudonym, by the keyed hash of the Patient ID."""
        self._read: list[tuple[CopyTask, str]] = []

    @property
    def leaks(self) -> LeakSearch:
        """Once all are read, what identifies any patient of the set."""
        return self._set.leaks()

    def read(self, task: CopyTask) -> None:
        """Read the head of one file; files come in the order of their numbers."""
        head = read_head_of(task.source, self._names, self._profile)
        if head.hashed:
            self.patients[head.hashed] = head.patient
        self._read.append((replace(task, refusal=self._set.add(head)), head.patient))

    def tasks(self) -> list[CopyTask]:
        """The tasks, once all heads are read."""
        return [replace(task, values=self._set.of(patient)) for task, patient in self._read]


def read_head_of(source: SourceFile, names: Pseudonyms, profile: Profile, mark: Mark = own_mark) -> Head:
    """The head of one file.

    :param mark: makes digests of what relates the file to others.
    """
    try:
        data = source.head(_HEAD)
        if not is_dicom(data):
            return Head()
        tree = read_head(data)
    except (UnreadFileError, DamagedError):
        return Head()
    patient = tree.text(tags.PATIENT_ID)
    scan = scan_bytes(data, profile)
    values = PatientValues(stored_values(tree, profile), frozenset(scan.undisguised))
    marks = None if scan.relations is None else marks_of(scan.relations, mark)
    if not patient:
        return Head("", b"", values, marks)
    return Head(names.patient(patient), names.hashed(patient), values, marks)
