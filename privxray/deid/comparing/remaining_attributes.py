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
"""By this factor the best must be more alike than the best of every other patient."""


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
        best: dict[int, tuple[float, int]] = {}
        for place, remaining in self._of_class[copy.sop_class]:
            patient = self._originals.patient_of(place)
            same = len(copy.remaining & remaining)
            if same < FEWEST or match.patient not in (None, patient):
                continue
            likeness = same / len(copy.remaining | remaining)
            if likeness > best.get(patient, (0.0, 0))[0]:
                best[patient] = likeness, place
        ranked = sorted(best.items(), key=lambda one: -one[1][0])
        if not ranked or ranked[0][1][0] < LIKENESS:
            return match
        if len(ranked) > 1 and ranked[0][1][0] < MARGIN * ranked[1][1][0]:
            return match
        patient, (_, place) = ranked[0]
        return Match(patient, place, match.how or "attributes")
