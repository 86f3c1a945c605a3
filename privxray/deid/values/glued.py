"""Names, numbers and dates that stand directly beside another letter or digit.

Programs write ``ZorvathKwimbley``, ``MRN4471902`` and ``19520130093000``, and in bytes the length of a text
may look like its first letter. The shorter a value is, the likelier it lies within another word or number by
chance (``docs/BENCHMARKS.md`` has the figures). So these count:

* Letters, or letters and digits, from six characters on, unless the word around them is a term that
  :mod:`privxray.deid.values.vocabulary` knows: a patient called Philip is not found in Philips.
* A word of four letters or more, or a number of six digits or more, where letters meet digits:
  ``smith1961``.
* Eight digits or more within any digits; six or seven with at most two more digits around them.
* A birth date of eight digits within any digits.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from privxray.deid.values.substrings import Substrings
from privxray.deid.values.vocabulary import is_term

SHORTEST: Final = 6
"""Fewest characters that count within a longer word."""

_ANYWHERE: Final = 8  # digits that count within digits, however many there are
_AROUND: Final = 2  # digits that may stand around a shorter number
_RAMP: Final = "01234567890123456789"  # every table of 256 bytes that counts up holds it
_SHORTEST_WHOLE: Final = 5  # four letters and a digit
_PIECES: Final = re.compile(r"[0-9]+|[^0-9]+")


class GluedSearch:
    """Looks for such values in single words.

    :param words: what counts as a whole word, folded. :param dates: dates as eight digits.
    """

    def __init__(self, words: set[str], dates: set[str]) -> None:
        self._words = words
        self._numbers = Substrings((*filter(str.isdigit, words), *dates), SHORTEST)
        self._names = Substrings((word for word in words if not word.isdigit()), SHORTEST)

    def found_in(self, tokens: Iterable[str]) -> bool:
        """True if one of some words holds one of the values and more than that."""
        for token in tokens:
            length = len(token)
            long = length > SHORTEST or (length >= _SHORTEST_WHOLE and not token.isalpha())
            if long and self.found(token):
                return True
        return False

    def found(self, token: str) -> bool:
        """True if a word of letters and digits, folded, holds one of the values and more than that."""
        if token.isdigit():
            return len(token) > SHORTEST and self._in_digits(token)
        if len(token) > SHORTEST and self._names.is_in(token) and not is_term(token):
            return True
        return not token.isalpha() and any(map(self._is_piece, _PIECES.findall(token)))

    def _is_piece(self, piece: str) -> bool:
        if piece.isdigit():
            return len(piece) >= SHORTEST and (piece in self._words or self._in_digits(piece))
        return piece in self._words

    def _in_digits(self, digits: str) -> bool:
        return (
            self._numbers.is_in(digits)
            and digits not in _RAMP
            and any(
                end - start >= _ANYWHERE or len(digits) <= end - start + _AROUND
                for start, end in self._numbers.places(digits)
            )
        )
