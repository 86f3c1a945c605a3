"""The originals: whose files they are, which of them a copy was made from, and what a copy must not hold.

Memory: of each original two digests, its path and digests of its UIDs, and of each patient the identifying
values. Originals are read again when a copy is compared with them.

Tested in tests/unit/test_deid_comparing.py.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final, Literal, TypeAlias

from privxray.deid.comparing.file_traits import FileTraits
from privxray.deid.judging.leaks import LeakSearch
from privxray.deid.judging.scan import IdentifyingValue
from privxray.deid.judging.wanted import Wanted, of_others
from privxray.deid.sources.source_file import SourceFile

How: TypeAlias = Literal["crosswalk", "uid", "pixels", "document", "exposure", "attributes", "patient", ""]
"""By what an original was found; empty where none was."""

MOST_PATIENTS: Final = 8
"""Of so many patients at most, the originals may be the same in all that tells."""

MOST_FILES: Final = 16
"""With so many originals at most, a copy is compared."""

_DIGEST: Final = 12


@dataclass(frozen=True, slots=True)
class Match:
    """What a copy was made from. Of originals that are the same in all that tells, each may be it.

    :ivar patients: the original patients, by number; empty where nothing tells.
    :ivar places: the original files, by number; empty where nothing tells.
    """

    patients: tuple[int, ...] = ()
    places: tuple[int, ...] = ()
    how: How = ""


class Originals:
    """Takes one original after the other, then answers."""

    def __init__(self) -> None:
        self.files: list[SourceFile] = []
        self._patient_of: list[int] = []
        self._patients: dict[str, int] = {}
        self._values: list[set[IdentifyingValue]] = []
        self._by: dict[How, defaultdict[bytes, list[int]]] = {
            "uid": defaultdict(list),
            "pixels": defaultdict(list),
            "document": defaultdict(list),
            "exposure": defaultdict(list),
        }
        self._uids: set[bytes] = set()
        self._others: LeakSearch | None = None

    @property
    def patients(self) -> int:
        """How many patients there are."""
        return len(self._patients)

    def add(self, file: SourceFile, traits: FileTraits, values: Iterable[IdentifyingValue]) -> None:
        """Take an original.

        :param values: that identify somebody and stand in it without disguise.
        """
        place = len(self.files)
        patient = self._patients.setdefault(traits.patient, len(self._patients))
        if patient == len(self._values):
            self._values.append(set())
        self.files.append(file)
        self._patient_of.append(patient)
        self._values[patient] |= set(values)
        self._uids.update(_digest(uid) for _, uid in traits.uids)
        for how, key in _keys(traits):
            self._by[how][key].append(place)

    def find(self, copy: FileTraits, crosswalk: Mapping[str, str]) -> Match:
        """The original of a copy: by its UID, by its pixels or document, or by its size and exposure.

        What the originals of more than :data:`MOST_PATIENTS` patients have in common tells nothing.

        :param crosswalk: the original's Patient ID by the copy's, which decides where it has the copy's.
        """
        patient = self._patients.get(crosswalk.get(copy.patient_id, "\0"))
        alike = set(self._by["exposure"].get(copy.technical, ()))
        for how, key in _keys(copy):
            places = self._by[how].get(key, [])
            if patient is not None:
                places = [place for place in places if self._patient_of[place] == patient]
            places = [place for place in places if place in alike] or places
            match = self.among(places, how if patient is None else "crosswalk")
            if match.places:
                return match
        return Match() if patient is None else Match((patient,), (), "crosswalk")

    def among(self, places: list[int], how: How) -> Match:
        """A match with any of these originals; none if there are too many of them to tell anything."""
        owners = sorted({self._patient_of[place] for place in places})
        if not 0 < len(owners) <= MOST_PATIENTS:
            return Match()
        return Match(tuple(owners), tuple(places[:MOST_FILES]), how)

    def patient_of(self, place: int) -> int:
        """The number of the patient of an original."""
        return self._patient_of[place]

    def has_uid(self, uid: str) -> bool:
        """Whether any original has this UID."""
        return _digest(uid) in self._uids

    def wanted(self, patients: Iterable[int], dates: Iterable[str] = ()) -> Wanted:
        """What must not be in a copy.

        :param patients: whose copy it may be; none if nobody knows.
        :param dates: of the original, which the profile removes or moves.
        """
        if self._others is None:
            every = LeakSearch(value for values in self._values for value in sorted(values))
            self._others = of_others(every)
        own = LeakSearch(value for patient in patients for value in sorted(self._values[patient]))
        for date in sorted(dates):
            own.add("date", date)
        return Wanted(own, self._others)


def _keys(traits: FileTraits) -> Iterable[tuple[How, bytes]]:
    if traits.instance:
        yield "uid", _digest(traits.instance)
    if traits.pixels:
        yield "pixels", traits.pixels
    if traits.document:
        yield "document", traits.document
    if traits.technical:
        yield "exposure", traits.technical


def _digest(uid: str) -> bytes:
    return blake2b(uid.encode("latin-1", "replace"), digest_size=_DIGEST).digest()
