"""Does a value that is to be kept hold something that identifies the patient? Answers yes or no only."""

from __future__ import annotations

import re

from privxray.deid.cleaning.elements.patient_values import PatientValues
from privxray.deid.dicomfile.character_sets import decoded
from privxray.deid.judging.leaks import LeakSearch
from privxray.deid.judging.wanted import Wanted

MIN_IN_BYTES = 6
"""Shortest value that is looked for in bytes: three letters are found by chance in every image."""


class ValueSearch:
    """Looks for the identifying values of one patient, and of the others in the set.

    :param values: of the patient. :ivar codec: of the character set of the file that is searched.
    :param others: of the set, see :func:`privxray.deid.judging.wanted.of_others`.
    :ivar wanted: what the check would look for in the file, if it knew the originals of the set.
    """

    def __init__(self, values: PatientValues, codec: str = "ascii", others: LeakSearch | None = None) -> None:
        self.wanted = Wanted(LeakSearch(values.undisguised), others)
        self.codec = codec
        parts = b"|".join(map(re.escape, sorted(values.stored, key=lambda value: (-len(value), value))))
        # Whole words only: a patient called Ray is not found in X-ray..., nor 1234 in 512345.
        pattern = rb"(?<![A-Za-z0-9\x80-\xff])(?:" + parts + rb")(?![A-Za-z0-9\x80-\xff])"
        self._pattern = re.compile(pattern, re.IGNORECASE) if parts else None

    def in_text(self, value: bytes) -> bool:
        """Whether one of them is in this text, in capitals or not, with accents or without."""
        if self._pattern is not None and self._pattern.search(value):
            return True
        text = decoded(value, self.codec)
        return any(leaks.in_text(text) for leaks in self._searches())

    def in_number(self, value: bytes) -> bool:
        """Whether a record number is the whole value, or one of its parts."""
        text = decoded(value, self.codec)
        return any(leaks.in_text(text, joined=False) for leaks in self._searches())

    def in_bytes(self, value: bytes, vr: str = "OB") -> bool:
        """Whether one of them is in bytes of no known structure, of any length.

        :param vr: the value representation, which says how long the numbers are that may be swapped.
        """
        if self._pattern is not None:
            found = self._pattern.finditer(value)
            if any(len(match[0]) >= MIN_IN_BYTES for match in found):
                return True
        return self.wanted.in_binary(vr, value, 0, len(value))

    def _searches(self) -> list[LeakSearch]:
        wanted = (self.wanted.own, self.wanted.others)
        return [leaks for leaks in wanted if leaks]
