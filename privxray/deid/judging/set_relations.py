"""Do the files of a set agree with each other? Their UIDs, patients and dates (PS3.15 E.1.1, E.3.6).

To replace identifiers consistently means: what was equal stays equal, what was different stays different, and
relations survive. Without the originals one can still see a relation that broke: a series in two studies, a
study of two patients, a patient with two names, one instance that is two, a study with two dates.

Memory: a few numbers of eight bytes for each file. Values are kept only as keyed digests, under a key that is
drawn for this run and forgotten with it. Tested with whole sets.
"""

from __future__ import annotations

import os
from hashlib import blake2b
from typing import Final

from privxray.deid import tags
from privxray.deid.findings import rules
from privxray.deid.findings.report import Finding
from privxray.deid.judging.scan import FileRelations

_KEY: Final = os.urandom(32)


class SetRelations:
    """Takes one file after the other, and says what is wrong with the newest against those before it.

    A broken relation is reported at the file that breaks it, not at all files of both sides.
    """

    def __init__(self) -> None:
        self._instances: dict[int, int] = {}
        self._studies_of_series: dict[int, int] = {}
        self._patients_of_study: dict[int, int] = {}
        self._names: dict[int, int] = {}
        self._births: dict[int, int] = {}
        self._study_dates: dict[int, int] = {}
        self._series_dates: dict[int, int] = {}

    def add(self, file: FileRelations) -> list[Finding]:
        """Findings about one file. A relation with an empty side says nothing."""
        instance, series, study = _mark(file.instance), _mark(file.series), _mark(file.study)
        patient = _mark(file.patient)
        belongs = _mark("\n".join((file.series, file.study, file.patient)))
        relations = (
            (self._instances, instance, belongs, rules.SET_INSTANCE, tags.SOP_INSTANCE_UID),
            (self._studies_of_series, series, study, rules.SET_SERIES, tags.SERIES_INSTANCE_UID),
            (self._patients_of_study, study, patient, rules.SET_STUDY, tags.STUDY_INSTANCE_UID),
            (self._names, patient, _mark(file.name), rules.SET_PATIENT, tags.PATIENT_NAME),
            (self._births, patient, _mark(file.birth_date), rules.SET_PATIENT, tags.PATIENT_BIRTH_DATE),
            (self._study_dates, study, _mark(file.study_date), rules.SET_DATES, tags.STUDY_DATE),
            (self._series_dates, series, _mark(file.series_date), rules.SET_DATES, tags.SERIES_DATE),
        )
        return [
            rule.at(where)
            for known, one, other, rule, where in relations
            if one and other and known.setdefault(one, other) != other
        ]


def _mark(text: str) -> int:
    """A number that stands for a value; 0 for an empty one."""
    if not text:
        return 0
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8, key=_KEY).digest()
    return int.from_bytes(digest, "big") | 1
