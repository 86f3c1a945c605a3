"""The forms of the values that are searched for, arranged for a fast search.

Tested in tests/unit/test_deid_names.py, with the search.
"""

from __future__ import annotations

from typing import Protocol

from privxray.deid.values.encoded_search import EncodedSearch
from privxray.deid.values.glued import GluedSearch
from privxray.deid.values.long_words import LongWords
from privxray.deid.values.unspaced_scripts import UnspacedSearch


class Forms(Protocol):
    """What is searched for; :class:`privxray.deid.values.name_terms.NameTerms` says what each holds."""

    words: set[str]
    dates: set[str]
    phrases: set[str]
    anywhere: set[str]
    alone: set[str]
    written: set[str]
    accented: bool


class LeakIndex:
    """Made once for a search, when all its values are there.

    :ivar singles: whole words. :ivar in_bytes: those of ASCII, as bytes.
    :ivar number_heads, phrase_heads, heads: the beginnings of what may take several words.
    :ivar beyond_ascii: bytes are to be read as Latin-1 and UTF-8 as well.
    :ivar long: words for pixels. :ivar glued: values beside other letters and digits.
    :ivar unspaced: parts of names in scripts without word separators.
    :ivar encoded: names beyond Latin-1 for bytes of any encoding; None if there is none.
    """

    def __init__(self, leaks: Forms) -> None:
        numbers = [word for word in leaks.words if any(map(str.isdigit, word))]
        self.singles = leaks.words | leaks.dates
        self.number_heads = {word[:length] for word in numbers for length in range(1, min(len(word), 65))}
        self.phrase_heads = {phrase.partition(" ")[0] for phrase in leaks.phrases}
        date_heads = {date[:length] for date in leaks.dates for length in range(1, 9)}
        self.heads = self.number_heads | self.phrase_heads | date_heads
        self.in_bytes = {word.encode("ascii") for word in self.singles if word.isascii()}
        runs = leaks.anywhere | leaks.alone
        self.beyond_ascii = leaks.accented or any(
            not text.isascii() for text in self.singles | leaks.phrases | runs
        )
        self.long = LongWords(self.singles)
        self.glued = GluedSearch(leaks.words, leaks.dates)
        self.unspaced = UnspacedSearch(leaks.anywhere, leaks.alone)
        self.encoded = EncodedSearch(leaks.written) if leaks.written else None
