"""Whether the sources that name a patient agree: the csv, PatientID and StudyInstanceUID of the files.

The unit of the privacy guarantee is the patient, so a person who counts as two has half of the protection.
Each source may use names of its own (after ``deidentify`` all are pseudonyms), so they are not compared for
equality. They must agree one to one: one PatientID has one patient of the csv, and the reverse; a study has
one patient and one PatientID. A contradiction stops the whole run.

Ids that differ only by leading zeros, capitals, an ending ``.0``, blanks or invisible characters look like
one patient whom a spreadsheet has changed. That alone is a remark.

A PatientID or StudyInstanceUID that all files share, although the csv has three patients or more, says
nothing, and neither does a listed dummy such as ``ANONYMOUS``; both count as absent.

Tested in tests/unit/test_imaging_sources.py.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, replace

from privxray.deid.values.dummies import is_dummy
from privxray.errors import MalformedError
from privxray.imaging.labelling.problems import listed
from privxray.naming.patient_id import PatientId

MANY = 3
"""Patients of the csv from which on an id that all files share is taken for a constant."""


def plain_id(patient: PatientId) -> PatientId:
    """An id without what spreadsheets and hands change; equal for ids that differ by spelling alone."""
    text = unicodedata.normalize("NFKC", patient.reveal()).casefold()
    bare = "".join(sign for sign in text if unicodedata.category(sign)[0] not in "CZ")
    whole, point, rest = bare.partition(".")
    if point and whole.isdigit() and not rest.strip("0"):
        bare = whole
    return PatientId(bare.lstrip("0") or bare[-1:])


@dataclass(frozen=True, slots=True)
class Sources:
    """What the sources of one image say. Each value is anything that can be compared, such as a keyed hash.

    :ivar place: how a message names the image: its row.
    :ivar patient: the csv's patient, or PatientID where the csv has no such column.
    :ivar spelling: the same by :func:`plain_id`.
    :ivar id: PatientID by :func:`plain_id`; None where the file has none, or a dummy.
    :ivar visit: StudyInstanceUID; None where the file has none.
    """

    place: str
    patient: Hashable
    spelling: Hashable
    id: Hashable | None = None
    visit: Hashable | None = None


def id_of_file(patient: PatientId) -> PatientId | None:
    """PatientID of a file as it is compared; None where it is a dummy, which says nothing."""
    is_one = is_dummy("LO", patient.reveal().encode("utf-8", "replace"))
    return None if is_one else plain_id(patient)


def contradictions(csv: str, images: Iterable[Sources]) -> Iterator[tuple[MalformedError, str]]:
    """What the sources contradict each other in: an error for each pair of names, with its places.

    :param csv: what an error calls the csv.
    """
    rows = _without_constants(list(images))
    for places in _disagreeing((row.id, row.patient, row.place) for row in rows):
        yield _error(csv, _ID_OF_TWO, places, reason="labels.id-of-two-patients")
    for places in _disagreeing((row.patient, row.id, row.place) for row in rows):
        yield _error(csv, _PATIENT_OF_TWO, places, reason="labels.patient-of-two-ids")
    for places in _disagreeing((row.visit, row.patient, row.place) for row in rows):
        yield _error(csv, _STUDY_OF_TWO, places, reason="labels.study-of-two-patients")
    for places in _disagreeing((row.visit, row.id, row.place) for row in rows):
        yield _error(csv, _STUDY_OF_TWO_IDS, places, reason="labels.study-of-two-ids")


def spelling_variants(images: Iterable[Sources]) -> list[str]:
    """The places of patients of whom another differs by spelling alone, a pair or more for each person."""
    groups: dict[Hashable, dict[Hashable, str]] = {}
    for one in images:
        groups.setdefault(one.spelling, {}).setdefault(one.patient, one.place)
    return [place for group in groups.values() if len(group) > 1 for place in group.values()]


def _disagreeing(rows: Iterable[tuple[Hashable, Hashable, str]]) -> Iterator[str]:
    """For each first value that comes with several second ones: one place of each of those, in words."""
    groups: dict[Hashable, dict[Hashable, str]] = {}
    for one, other, place in rows:
        if one is not None and other is not None:
            groups.setdefault(one, {}).setdefault(other, place)
    for different in groups.values():
        if len(different) > 1:
            yield listed(different.values(), 4)


def _without_constants(rows: list[Sources]) -> list[Sources]:
    """The rows without an id that all files share, although they are of several patients."""
    if len({row.spelling for row in rows}) < MANY:
        return rows
    if len({row.id for row in rows}) == 1:
        rows = [replace(row, id=None) for row in rows]
    if len({row.visit for row in rows}) == 1:
        rows = [replace(row, visit=None) for row in rows]
    return rows


_ID_OF_TWO = "files with one PatientID are of different patients in the csv"
_PATIENT_OF_TWO = "files of one patient in the csv have different PatientIDs"
_STUDY_OF_TWO = "files of one examination (StudyInstanceUID) are of different patients in the csv"
_STUDY_OF_TWO_IDS = "files of one examination (StudyInstanceUID) have different PatientIDs"


def _error(csv: str, what: str, places: str, *, reason: str) -> tuple[MalformedError, str]:
    error = MalformedError(
        f"{what} ({places})",
        reason=reason,
        file=csv,
        advice="A patient must have one name in each source: correct the csv, or leave these files out of it",
    )
    return error, places
