"""What is searched for in one file: values of a whole set, or those of one patient and of the others.

If a set is searched, nobody knows whose file is at hand, and every value is looked for in the same way. If it
is known whose file it is, the search can do more and spares more. The patient's own values are few and are
looked for everywhere, in pixels, too. Of the other patients there may be thousands, so that some of their
short numbers and birth dates would be found by chance in any file. Of theirs only names and rare numbers are
looked for. Tested in tests/unit/test_deid_every_byte.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath
from typing import Final

from privxray.deid.dicomfile.element import Data
from privxray.deid.dicomfile.untrusted_bytes import forget
from privxray.deid.judging.leaks import LeakSearch
from privxray.deid.values.long_words import rarity, swapped

RARE_NUMBER: Final = 8.0
"""How rare a number of another patient must be, in powers of ten: eight digits, or three letters and four."""

TEMPORAL: Final = frozenset({"DA", "DT", "TM"})
_NUMERIC: Final = frozenset({"DS", "IS", "TM", "UI"})
_WIDTHS: Final = {"OW": 2, "US or OW": 2, "OB or OW": 2, "OL": 4, "OF": 4, "OV": 8, "OD": 8}
_CHUNK: Final = 1 << 21  # bytes of an element that are in memory at once
_OVERLAP: Final = 1024


def of_others(leaks: LeakSearch) -> LeakSearch:
    """The values of a set as they are looked for in the file of one of its patients, or of somebody else."""
    terms = leaks.to_json()
    words = (word for word in leaks.words if word.isalpha() or rarity(word) >= RARE_NUMBER)
    return LeakSearch.from_json(terms | {"words": sorted(words), "dates": []})


@dataclass(frozen=True)
class Wanted:
    """What is searched for in a file.

    :ivar own: values that are looked for in every way. :ivar others: see :func:`of_others`.
    :ivar whole_set: ``own`` are the values of a whole set. Then pixels are not read, and dates are searched.
    """

    own: LeakSearch
    others: LeakSearch | None = None
    whole_set: bool = False

    def in_value(self, vr: str, value: bytes, codec: str) -> bool:
        """Whether a text holds one of the values."""
        if vr in TEMPORAL and not self.whole_set:
            return False  # the profile decides what becomes of dates
        joined = vr not in _NUMERIC
        return self.own.in_value(value, codec, joined=joined) or (
            self.others is not None and self.others.in_value(value, codec, joined=joined)
        )

    def in_text(self, vr: str, text: str) -> bool:
        """As :meth:`in_value`, for decoded text."""
        if vr in TEMPORAL and not self.whole_set:
            return False
        joined = vr not in _NUMERIC
        return self.own.in_text(text, joined=joined) or (
            self.others is not None and self.others.in_text(text, joined=joined)
        )

    def in_path(self, relative: PurePath) -> bool:
        """Whether the name of a file or a folder in the path holds one of the values."""
        return self.own.in_path(relative) or (self.others is not None and self.others.in_path(relative))

    def in_binary(self, vr: str, data: Data, start: int, end: int) -> bool:
        """Whether bytes hold one of the values, as they stand or with the bytes of each number swapped."""
        width = _WIDTHS.get(vr, 0)
        for at in range(start, end, _CHUNK):
            stop = min(at + _CHUNK + _OVERLAP, end)
            if self.own.in_bytes(data, at, stop):
                return True
            if self.others is not None and self.others.in_pixels(data, at, stop):
                return True
            if width and self.own.in_bytes(swapped(data[at:stop], width), 0, stop - at):
                return True
            forget(data, at, stop)
        return False

    def in_pixels(self, data: Data, start: int, end: int) -> bool:
        """Whether pixel data holds one of the patient's values that chance hardly ever spells."""
        if self.whole_set:
            return False
        for at in range(start, end, _CHUNK):
            if self.own.in_pixels(data, at, min(at + _CHUNK + _OVERLAP, end)):
                return True
            forget(data, at, at + _CHUNK)
        return False
