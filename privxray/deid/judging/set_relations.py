"""Do the files of a set agree with each other? Their UIDs, patients and dates (PS3.15 E.1.1, E.3.6).

To replace identifiers consistently means: what was equal stays equal, what was different stays different, and
relations survive. Without the originals one can still see a relation that broke: a series in two studies, a
study of two patients, a patient with two names, one instance that is two, a study with two dates.

Values are kept only as keyed digests of eight bytes, on disk (:mod:`privxray.workspace.disk_tables`). Unless
the set is checked on several machines, the key is drawn for this run and forgotten with it. Tested with whole
sets.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from hashlib import blake2b
from typing import Final, TypeAlias

from privxray.deid import tags
from privxray.deid.findings import rules
from privxray.deid.findings.file_record import Marks
from privxray.deid.findings.report import Finding
from privxray.deid.judging.scan import FileRelations
from privxray.workspace.disk_tables import FirstValues

_KEY: Final = os.urandom(32)

Mark: TypeAlias = Callable[[str], int]
"""Gives a number of 64 bits, with a sign, that stands for a value; 0 for an empty one."""

_RELATIONS: Final = (
    ("instance", "belongs", rules.SET_INSTANCE.at(tags.SOP_INSTANCE_UID)),
    ("series", "study", rules.SET_SERIES.at(tags.SERIES_INSTANCE_UID)),
    ("study", "patient", rules.SET_STUDY.at(tags.STUDY_INSTANCE_UID)),
    ("patient", "name", rules.SET_PATIENT.at(tags.PATIENT_NAME)),
    ("patient", "birth_date", rules.SET_PATIENT.at(tags.PATIENT_BIRTH_DATE)),
    ("study", "study_date", rules.SET_DATES.at(tags.STUDY_DATE)),
    ("series", "series_date", rules.SET_DATES.at(tags.SERIES_DATE)),
)
_FIELDS: Final = (
    "instance",
    "series",
    "study",
    "patient",
    "name",
    "birth_date",
    "study_date",
    "series_date",
    "belongs",
)
_NUMBERED: Final = [(_FIELDS.index(one), _FIELDS.index(other), found) for one, other, found in _RELATIONS]


def keyed_mark(key: bytes) -> Mark:
    """The digests under a key of at most 64 bytes."""

    def mark(text: str) -> int:
        if not text:
            return 0
        digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8, key=key).digest()
        return int.from_bytes(digest, "big", signed=True) | 1

    return mark


own_mark: Final = keyed_mark(_KEY)
"""The digests under the key of this run."""


def marks_of(file: FileRelations, mark: Mark = own_mark) -> Marks:
    """What relates a file to others, as digests that can be compared and not read."""
    belongs = "\n".join((file.series, file.study, file.patient))
    return (*(mark(getattr(file, field)) for field in _FIELDS[:-1]), mark(belongs))


class SetRelations:
    """Takes one file after the other, and says what is wrong with the newest against those before it.

    A broken relation is reported at the file that breaks it, not at all files of both sides.
    """

    def __init__(self) -> None:
        self._first = FirstValues()

    def add(self, file: FileRelations) -> list[Finding]:
        """Findings about one file. A relation with an empty side says nothing."""
        return self.add_marks(marks_of(file))

    def add_marks(self, marks: Marks) -> list[Finding]:
        """The same for the digests of a file; all files' are under one key."""
        return [
            finding
            for number, (one, other, finding) in enumerate(_NUMBERED)
            if marks[one]
            and marks[other]
            and self._first.first(number, marks[one], marks[other]) != marks[other]
        ]
