"""Finding the original of a copy by the attributes that de-identification leaves alone.

This is for what has no pixels, such as plans and reports, and for copies whose pixels were changed. Originals
are compared with a copy by how many of these attributes have the same value in both. That is slower than to
look a digest up, and less certain: devices make files that differ in little. So the best must be clearly
better than what any other patient has.

Tested in tests/unit/test_deid_comparing.py.
"""

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress
from typing import Final

from privxray.deid.comparing.file_traits import FileTraits, traits_of
from privxray.deid.comparing.originals import Match, Originals
from privxray.deid.dicomfile.element import DamagedError
from privxray.deid.dicomfile.untrusted_bytes import UnreadFileError
from privxray.deid.profile.profile import Profile

FEWEST: Final = 5
"""So many attributes must be the same at least."""

LIKENESS: Final = 0.5
"""This share must be the same at least, of those that either of the two has."""

MARGIN: Final = 1.2
"""By this factor the best must be more alike than those of every other patient, or else the same in all."""


class OriginalsByAttributes:
    """The originals by what is left. Made only if a copy needs it, for each original is read again."""

    def __init__(self, originals: Originals, profile: Profile) -> None:
        self._originals = originals
        self._of_class: defaultdict[str, list[tuple[int, set[int]]]] = defaultdict(list)
        for place, file in enumerate(originals.files):
            with suppress(UnreadFileError, DamagedError):
                traits = traits_of(file.read_whole(), profile)
                self._of_class[traits.sop_class].append((place, traits.remaining))

    def find(self, copy: FileTraits, match: Match) -> Match:
        """The original that is clearly the most alike.

        :param match: what is known of the copy so far; it comes back where nothing is found.
        """
        found: list[tuple[float, int, set[int]]] = []
        for place, remaining in self._of_class[copy.sop_class]:
            same = len(copy.remaining & remaining)
            patient = self._originals.patient_of(place)
            if same >= FEWEST and (not match.patients or patient in match.patients):
                found.append((same / len(copy.remaining | remaining), place, remaining))
        best = max((likeness for likeness, _, _ in found), default=0.0)
        if best < LIKENESS:
            return match
        near = [one for one in found if one[0] * MARGIN > best]
        of_several = len({self._originals.patient_of(place) for _, place, _ in near}) > 1
        if of_several and any(remaining != near[0][2] for _, _, remaining in near):
            return match
        likest = [place for likeness, place, _ in near if likeness == best]
        among = self._originals.among(likest, match.how or "attributes")
        return among if among.places else match
