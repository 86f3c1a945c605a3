"""What has to be known of all files of a set before the first is copied."""

from __future__ import annotations

from collections import defaultdict
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
from privxray.deid.judging.file_scan import scan_bytes
from privxray.deid.judging.leaks import LeakSearch
from privxray.deid.judging.scan import FileRelations
from privxray.deid.judging.set_relations import SetRelations
from privxray.deid.profile.profile import Profile, ProfileOption
from privxray.deid.sources.source_file import SourceFile

_HEAD = 1 << 20


@dataclass(frozen=True, slots=True)
class _Head:
    """What the first MiB of a file says; empty where it is unreadable.

    :ivar patient: the patient's pseudonym. :ivar relations: to the other files of the set.
    """

    patient: str = ""
    values: PatientValues = NO_VALUES
    relations: FileRelations | None = None


class ReadAhead:
    """Reads the heads of all files, then gives each task what only the whole set tells.

    That is, first, what all files of a patient say of that patient: a name may be in another file's text. And
    second, whether a file's UIDs contradict those of the files before it. UIDs are replaced one by one, so
    the copies would contradict each other as well; no copy is made of such a file.

    :ivar leaks: once all are read, what identifies any patient of the set.
    """

    def __init__(self, names: Pseudonyms, profile: Profile) -> None:
        self._names = names
        self._profile = profile
        self._values: defaultdict[str, PatientValues] = defaultdict(PatientValues)
        self._relations = SetRelations()
        self.leaks = LeakSearch()
        self._read: list[tuple[CopyTask, str]] = []
        # Contradictions that outlive the replacement of identifiers.
        self._lasting = {rules.SET_INSTANCE.id, rules.SET_SERIES.id, rules.SET_STUDY.id}
        if profile.options & {
            ProfileOption.RETAIN_LONGITUDINAL_FULL_DATES,
            ProfileOption.RETAIN_LONGITUDINAL_MODIFIED_DATES,
        }:
            self._lasting.add(rules.SET_DATES.id)

    def read(self, task: CopyTask) -> None:
        """Read the head of one file; files come in the order of their numbers."""
        head = _read_head(task.source, self._names, self._profile)
        if head.patient:
            self._values[head.patient] |= head.values
        for kind, value in sorted(head.values.undisguised):
            self.leaks.add(kind, value)
        found = self._relations.add(head.relations) if head.relations else []
        refusal = "; ".join(finding.reason for finding in found if finding.rule in self._lasting)
        self._read.append((replace(task, refusal=refusal), head.patient))

    def tasks(self) -> list[CopyTask]:
        """The tasks, once all heads are read."""
        return [replace(task, values=self._values[patient]) for task, patient in self._read]


def _read_head(source: SourceFile, names: Pseudonyms, profile: Profile) -> _Head:
    try:
        data = source.head(_HEAD)
        if not is_dicom(data):
            return _Head()
        tree = read_head(data)
    except (UnreadFileError, DamagedError):
        return _Head()
    patient = tree.text(tags.PATIENT_ID)
    scan = scan_bytes(data, profile)
    values = PatientValues(stored_values(tree, profile), frozenset(scan.undisguised))
    return _Head(names.patient(patient) if patient else "", values, scan.relations)
