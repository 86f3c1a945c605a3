"""Do the files of a set agree with each other? UIDs, patients and dates (PS3.15 E.1.1, E.3.6).

Replacing identifiers consistently means: equal stays equal, different stays different, and relations survive.
What can be seen without the originals is where a relation broke: a series in two studies, a study of two
patients, a patient with two names, one instance that is two, a study with two dates.

Memory: a few numbers of eight bytes a file. Values are kept as keyed digests only, under a key that is drawn
for this run and forgotten with it.
"""

from __future__ import annotations

import os
from hashlib import blake2b

from privxray.deid import tags
from privxray.deid.findings import rules
from privxray.deid.findings.report import Finding
from privxray.deid.judging.scan import FileRelations

_KEY = os.urandom(32)


class SetRelations:
    """Takes one file after the other; :meth:`add` says what is wrong with the newest against those before.

    A relation that breaks is reported at the file by which it breaks, not at all files of both sides.
    """

    def __init__(self) -> None:
        self._instances: dict[int, int] = {}
        self._studies_of_series: dict[int, int] = {}
        self._patients_of_study: dict[int, int] = {}
        self._names: dict[int, int] = {}
        self._births: dict[int, int] = {}
        self._study_dates: dict[int, int] = {}
        self._series_dates: dict[int, int] = {}

    def add(self, facts: FileRelations) -> list[Finding]:
        """Findings about one file; relations with an empty side say nothing."""
        found: list[Finding] = []
        instance, series, study = _mark(facts.instance), _mark(facts.series), _mark(facts.study)
        patient = _mark(facts.patient)
        whole = _mark("\n".join((facts.series, facts.study, facts.patient)))
        if _breaks(self._instances, instance, whole):
            found.append(rules.SET_INSTANCE.at(tags.SOP_INSTANCE_UID))
        if _breaks(self._studies_of_series, series, study):
            found.append(rules.SET_SERIES.at(tags.SERIES_INSTANCE_UID))
        if _breaks(self._patients_of_study, study, patient):
            found.append(rules.SET_STUDY.at(tags.STUDY_INSTANCE_UID))
        if _breaks(self._names, patient, _mark(facts.name)):
            found.append(rules.SET_PATIENT.at(tags.PATIENT_NAME))
        if _breaks(self._births, patient, _mark(facts.birth_date)):
            found.append(rules.SET_PATIENT.at(tags.PATIENT_BIRTH_DATE))
        if _breaks(self._study_dates, study, _mark(facts.study_date)):
            found.append(rules.SET_DATES.at(tags.STUDY_DATE))
        if _breaks(self._series_dates, series, _mark(facts.series_date)):
            found.append(rules.SET_DATES.at(tags.SERIES_DATE))
        return found


def _breaks(known: dict[int, int], key: int, value: int) -> bool:
    return bool(key and value) and known.setdefault(key, value) != value


def _mark(text: str) -> int:
    """A number that stands for a value; 0 for an empty one."""
    if not text:
        return 0
    return (
        int.from_bytes(
            blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8, key=_KEY).digest(), "big"
        )
        | 1
    )
