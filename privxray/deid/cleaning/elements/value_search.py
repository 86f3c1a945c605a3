"""Does a value that is to be kept hold something that identifies the patient? Answers yes or no only."""

from __future__ import annotations

import re

from privxray.deid.cleaning.elements.patient_values import PatientValues
from privxray.deid.dicomfile.character_sets import decoded
from privxray.deid.judging.leaks import LeakSearch

MIN_IN_BYTES = 6
"""Shortest value that is looked for in bytes: three letters are found by chance in every image."""


class ValueSearch:
    """Looks for the identifying values of one patient.

    :param values: what is looked for.
    :param codec: of the character set of the file that is searched.
    """

    def __init__(self, values: PatientValues, codec: str = "ascii") -> None:
        self._leaks = LeakSearch(values.undisguised)
        self._codec = codec
        parts = b"|".join(map(re.escape, sorted(values.stored, key=lambda value: (-len(value), value))))
        # Whole words only: a patient called Ray is not found in X-ray..., nor 1234 in 512345.
        pattern = rb"(?<![A-Za-z0-9\x80-\xff])(?:" + parts + rb")(?![A-Za-z0-9\x80-\xff])"
        self._pattern = re.compile(pattern, re.IGNORECASE) if parts else None

    def in_text(self, value: bytes) -> bool:
        """Whether one of them is in this text, in capitals or not, with accents or without."""
        if self._pattern is not None and self._pattern.search(value):
            return True
        return bool(self._leaks) and self._leaks.in_text(decoded(value, self._codec))

    def in_number(self, value: bytes) -> bool:
        """Whether a record number is the whole value, or one of its parts."""
        return bool(self._leaks) and self._leaks.in_text(decoded(value, self._codec), joined=False)

    def in_bytes(self, value: bytes) -> bool:
        """Whether one of them, of :data:`MIN_IN_BYTES` bytes or more, is in bytes of no known structure."""
        if self._pattern is not None:
            found = self._pattern.finditer(value)
            if any(len(match[0]) >= MIN_IN_BYTES for match in found):
                return True
        return bool(self._leaks) and self._leaks.in_bytes(value, 0, len(value))
